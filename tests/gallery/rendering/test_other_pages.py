"""Source pages, the gallery's first page, and the catalogues."""

from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.extract import extract

from agno_lite.exceptions import GalleryError, SourceError
from agno_lite.gallery import rendering
from agno_lite.gallery.config import Project
from agno_lite.gallery.rendering import (
    SECTIONS,
    Card,
    catalog_path,
    load_texts,
    render_overview,
    render_source,
    update_catalog,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from bs4 import BeautifulSoup

    from agno_lite.gallery.records import Analysis
    from agno_lite.gallery.rendering import Edition

FOLDER = Path(rendering.__file__).parent
FUNCTIONS = {"_": None, "say": None, "gettext": None, "count": (1, 2), "ngettext": (1, 2)}


def used_messages() -> Iterator[str]:
    """First forms of all messages that the package's code and templates use."""
    yield from (title for _, title, _ in SECTIONS)
    yield from spoken(FOLDER, FUNCTIONS)
    yield from spoken(FOLDER.parent / "narrative", ["gettext"])
    for path in FOLDER.rglob("*.j2"):
        found = extract("jinja2.ext:babel_extract", io.BytesIO(path.read_bytes()), keywords=FUNCTIONS)
        yield from (message if isinstance(message, str) else message[0] for _, message, *_ in found)


def spoken(folder: Path, functions: Collection[str]) -> Iterator[str]:
    """The messages that the code in a folder gives to some functions."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                if name in functions and node.args and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value)


def test_every_word_of_the_pages_is_translated(tmp_path: Path) -> None:
    """Each message of code and templates has a Chinese translation, and no translation is left over."""
    texts = load_texts(Project(root=tmp_path), "zh")
    used = set(used_messages())
    for message in used:
        texts.ngettext(message, message, 2, name=0) if "%(num)d" in message else texts.gettext(message)
    assert texts.missing == set()
    known = {entry.id if isinstance(entry.id, str) else entry.id[0] for entry in texts.interface if entry.id}
    assert known == used


def test_texts_of_the_code(tmp_path: Path) -> None:
    """New texts are added untranslated; shown untranslated or fuzzy they are in English and noted."""
    project = Project(root=tmp_path)
    path = update_catalog(project, "zh", ["Keeps a memory of the user.", "Answers."])
    assert path == catalog_path(project, "zh") == tmp_path / "docs/locales/zh.po"
    text = path.read_text("utf-8")
    assert text == update_catalog(project, "zh", ["Keeps a memory of the user.", "Answers."]).read_text(
        "utf-8"
    )
    assert "Date" not in text
    filled = text.replace('msgid "Answers."\nmsgstr ""', 'msgid "Answers."\nmsgstr "回答。"')
    filled = filled.replace('of the user."\nmsgstr ""', 'of the user."\nmsgstr "保存记忆。"')
    path.write_text(filled, "utf-8")
    texts = load_texts(project, "zh")
    assert texts.translate("Answers.") == "回答。"
    assert texts.translate("Unknown.") == "Unknown."
    assert texts.missing == {"Unknown."}
    assert texts.asked == {"Answers.", "Unknown."}

    update_catalog(project, "zh", ["Keeps a memory of a user.", "Answers."])
    changed = load_texts(project, "zh")
    assert changed.translate("Keeps a memory of a user.") == "Keeps a memory of a user."
    assert changed.missing == {"Keeps a memory of a user."}
    assert changed.translate("Answers.") == "回答。"
    assert "#, fuzzy" in path.read_text("utf-8")
    assert [found.name for found in path.parent.iterdir()] == ["zh.po"]


def test_updating_twice_changes_nothing(tmp_path: Path) -> None:
    """A catalogue that is in step stays as it is, byte for byte."""
    project = Project(root=tmp_path)
    path = update_catalog(project, "zh", ["One.", "Two."])
    before = path.read_bytes()
    update_catalog(project, "zh", ["Two.", "One."])
    assert path.read_bytes() == before


def test_a_broken_catalogue_is_named(tmp_path: Path) -> None:
    """An error in a catalogue names the file and the line."""
    project = Project(root=tmp_path)
    path = catalog_path(project, "zh")
    path.parent.mkdir(parents=True)
    path.write_text('msgid "a"\nmsgstr "b"\n<<<<<<<\n', "utf-8")
    with pytest.raises(SourceError, match=r"zh\.po:3: expected a gettext catalogue"):
        load_texts(project, "zh")


def test_source_page(tmp_path: Path, render: Callable[[str], BeautifulSoup]) -> None:
    """A source page has the whole file, an anchor for each line, and stays out of the search."""
    text = '"""Has a fence.\n\n```python\nx\n```\n"""\n\nx = "<script>"\n'
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "mod.py").write_text(text, "utf-8")
    page = render_source(Project(root=tmp_path), "pkg/mod.py", "zh")
    assert page.uri == "zh/source/pkg/mod.py.md"
    assert page.title == "pkg/mod.py"
    assert page.markdown.startswith("---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n")
    soup = render(page.markdown.split("---\n", 2)[2])
    (block,) = soup.select("td.code pre > code, .linenodiv + pre > code") or soup.select("pre > code")[-1:]
    assert block.get_text() == text
    assert soup.find(id="__codelineno-0-8") is not None


def test_a_source_page_needs_its_file(tmp_path: Path) -> None:
    """A link to a file that is not there is an error that names it."""
    with pytest.raises(GalleryError, match=r"^gone\.py: expected a text file"):
        render_source(Project(root=tmp_path), "gone.py", "en")


@pytest.mark.parametrize(("locale", "words"), [("en", "16 requests · 3 users"), ("zh", "16 次请求")])
def test_overview(
    builder: Any,
    edition_of: Callable[..., Edition],
    analysis: Callable[..., Analysis],
    render: Callable[[str], BeautifulSoup],
    locale: str,
    words: str,
) -> None:
    """The first page has a card for each example: link, one sentence, requests and users."""
    ran = Card(analysis=analysis(), capture=builder.capture(), overview="First `x`. Second.\n\nThird.")
    waiting = Card(analysis=analysis(), capture=None, overview="")
    page = render_overview([ran, waiting], edition_of(locale))
    soup = render(page.markdown)
    assert page.uri == f"{locale}/cookbook/index.md"
    cards = soup.select(".grid.cards > ul > li")
    link = cards[0].a
    assert link is not None
    assert link["href"] == "11_memory/05_multi_user_multi_session_chat.md"
    assert "First x." in cards[0].get_text()
    assert "Second" not in cards[0].get_text()
    assert words in cards[0].get_text()
    assert "One agent talks with three users." in cards[1].get_text()


@pytest.mark.parametrize(
    ("overview", "shown"),
    [
        ("Says `one. Two`, then stops. Second.", "Says one. Two, then stops."),
        ("Says <code>one! &#96;</code> and more. Second.", "Says one! ` and more."),
        ("See [one. Two](#output)? Second.", "See one. Two?"),
        ("说 `一。二` 三。第二句。", "说 一。二 三。"),
        ("A lone ` does no harm. Second.", "A lone ` does no harm."),
    ],
)
def test_a_card_has_the_whole_first_sentence(
    analysis: Callable[..., Analysis],
    edition_of: Callable[..., Edition],
    render: Callable[[str], BeautifulSoup],
    overview: str,
    shown: str,
) -> None:
    """It ends at its own full stop, not at one in code or in a link; links lead to the example's sections."""
    page = render_overview([Card(analysis=analysis(), capture=None, overview=overview)], edition_of("en"))
    card = render(page.markdown).select_one(".grid.cards > ul > li")
    assert card is not None
    assert shown in card.get_text()
    assert "Second" not in card.get_text()
    assert "第二句" not in card.get_text()
    targets = [str(link["href"]) for link in card.select("a")]
    assert all(target.startswith("11_memory/05_multi_user_multi_session_chat.md") for target in targets)
