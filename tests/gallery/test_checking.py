"""A check that remembers finds what one finds that does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agno_lite.gallery import pipeline
from agno_lite.gallery.checking import check
from agno_lite.gallery.config import Project

_FIRST, _SECOND = "cookbook/one/first.py", "cookbook/one/second.py"
_MODULE = '''"""Prices."""

from dataclasses import dataclass

STEP = 1


@dataclass
class Till:
    """Takes money."""

    tax: float = 0.5
    """Share of the state."""


def total(price: float, till: Till) -> float:
    """Price with tax."""
    # how much
    return price * (1 + till.tax)


def unused() -> None:
    """Nobody calls this."""
'''
_TEXTS = {
    "en": "## Overview {#overview}\n\nSee `shop.till.total`.\n",
    "zh": "## 概述 {#overview}\n\n见 `shop.till.total`。\n",
}


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two examples were captured and whose pages are right; nobody writes to it."""
    root: Path = tmp_path_factory.mktemp("many").resolve() / "project"
    files = {
        "mkdocs.yml": "site_name: tiny\n",
        "shop/__init__.py": "",
        "shop/till.py": _MODULE,
        "shop/rates.txt": "1",
        _FIRST: "from shop.till import Till, total\n\n"
        "print(total(1, Till()), open('shop/rates.txt').read())\n",
        _SECOND: "print(2)\n",
    }
    for locale, text in _TEXTS.items():
        files[f"cookbook/one/first.{locale}.md"] = text
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    project = Project(root=root, packages=("shop",))
    assert [done.failure for done in pipeline.capture(project, pipeline.plan(project))] == [None, None]
    (catalogue,) = pipeline.translations(project)
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(text.replace('msgstr ""\n\n', 'msgstr "译"\n\n'), encoding="utf-8")
    if text.endswith('msgstr ""\n'):
        catalogue.write_text(text.removesuffix('""\n') + '"译"\n', encoding="utf-8")
    return root


@pytest.fixture
def project(captured: Path, tmp_path: Path) -> Project:
    """A copy of the project that was checked once."""
    root = tmp_path.resolve() / "project"
    shutil.copytree(captured, root)
    made = Project(root=root, packages=("shop",))
    check(made)
    return made


def _edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def _write(path: str, text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / path).write_text(text, encoding="utf-8")

    return write


def _delete(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


_STALE = f"{_FIRST}: its capture is stale: "


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_edit("shop/till.py", "# how much", "# so much"), []),
        (_edit("shop/till.py", "Nobody calls this.", "No one calls this."), []),
        (_edit("shop/till.py", "price * (1", "price * (2"), [f"{_STALE}shop.till.total: body changed"]),
        (_edit("shop/till.py", "= 0.5", "= 0.25"), [f"{_STALE}shop.till.Till.tax changed: 0.5 → 0.25"]),
        (_edit("shop/till.py", "STEP = 1", "STEP = 2"), [f"{_STALE}shop.till.STEP changed: 1 → 2"]),
        (_edit(_FIRST, "total(1", "total(2"), [f"{_STALE}script changed"]),
        (_edit(_FIRST, "\n\n", "\n\n# comment\n"), []),
        (_edit(_SECOND, "2", "3"), [f"{_SECOND}: its capture is stale: script changed"]),
        (_write("shop/rates.txt", "2"), [f"{_STALE}shop/rates.txt: file changed"]),
        (_delete("cookbook/_captures/one/second.facts.json"), [f"{_SECOND}: it was never captured"]),
        (_write("cookbook/one/third.py", "print(3)"), ["cookbook/one/third.py: it was never captured"]),
        (_edit("cookbook/one/first.en.md", "shop.till", "no.such"), ["cookbook/one/first.en.md: "]),
        (_delete("cookbook/one/first.zh.md"), []),
        (_edit("cookbook/one/first.zh.md", "#overview", "#nowhere"), ["cookbook/one/first.zh.md: "]),
        (_edit("shop/till.py", "Takes money.", "Takes coins."), ["docs/locales/zh.po: 'Takes coins.'"]),
        (_edit("shop/till.py", "Share of the state.", "A share."), ["docs/locales/zh.po: 'A share.'"]),
        (_delete("docs/locales/zh.po"), ["docs/locales/zh.po: "]),
    ],
)  # fmt: skip
def test_after_a_change_it_finds_what_a_check_without_memory_finds(
    project: Project, change: Callable[[Path], None], expected: list[str]
) -> None:
    """Whatever was edited: captures, narratives, code, catalogues; a docstring that a page shows as well."""
    assert check(project) == ()
    change(project.root)
    found = check(project)
    texts = [f"{problem.path}: {problem.message}" for problem in found]
    assert [text for text in expected if not any(line.startswith(text) for line in texts)] == []
    assert bool(found) == bool(expected), texts
    assert check(project) == found
    shutil.rmtree(project.root / ".cache")
    assert check(project) == found


def test_it_takes_back_what_is_undone(project: Project) -> None:
    """A change and its undoing leave nothing behind."""
    _edit("shop/till.py", "price * (1", "price * (2")(project.root)
    assert len(check(project)) == 1
    _edit("shop/till.py", "price * (2", "price * (1")(project.root)
    assert check(project) == ()


def test_only_captures_are_looked_at_if_that_is_asked(project: Project) -> None:
    """Staleness alone, without what is wrong with the text."""
    _edit("cookbook/one/first.en.md", "shop.till", "no.such")(project.root)
    assert check(project, only_captures=True) == ()
    _edit(_SECOND, "2", "3")(project.root)
    assert [problem.path for problem in check(project, only_captures=True)] == [_SECOND]


def test_it_looks_at_chosen_examples_only(project: Project) -> None:
    """Others may be wrong as they like, and are still known afterwards."""
    _edit(_SECOND, "2", "3")(project.root)
    assert check(project, [project.root / _FIRST]) == ()
    assert len(check(project)) == 1


def test_what_is_known_is_not_looked_at_again(project: Project) -> None:
    """Without a change nothing that makes pages is even loaded, and no cache is written."""
    before = {path: path.stat().st_mtime_ns for path in (project.root / ".cache").rglob("*.json")}
    program = (
        "import sys; from pathlib import Path; from agno_lite.gallery.checking import check;"
        "from agno_lite.gallery.config import Project;"
        f"found = check(Project(root=Path({str(project.root)!r}), packages=('shop',)));"
        "heavy = ('agno_lite.gallery.pipeline', 'agno_lite.gallery.rendering', 'griffe', 'pydantic');"
        "print(found, [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "() []\n"
    assert {
        name for name in before if name.name != "digests.json" and name.stat().st_mtime_ns != before[name]
    } == set()


def test_a_damaged_cache_changes_no_answer(project: Project) -> None:
    """Each of its files may be cut or full of something else."""
    _edit(_SECOND, "2", "3")(project.root)
    found = check(project)
    for path in (project.root / ".cache").rglob("*.json"):
        path.write_text(path.read_text()[: path.stat().st_size // 2])
    assert check(project) == found
    for path in (project.root / ".cache").rglob("*.json"):
        path.write_text('{"a": []}')
    assert check(project) == found


@pytest.mark.parametrize("lost", ["digests", "captures", "parts", "equal", "pages"])
def test_a_lost_table_changes_no_answer(project: Project, lost: str) -> None:
    """Tables are written one by one: one may be older than another, or lack what another refers to."""
    _edit(_SECOND, "2", "3")(project.root)
    found = check(project)
    (project.root / f".cache/agno_lite/{lost}.json").unlink(missing_ok=True)
    assert check(project) == found


def test_several_checks_at_once_agree(project: Project) -> None:
    """They share a cache."""
    _edit(_SECOND, "2", "3")(project.root)
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(check, [project] * 8))
    assert len(answers) == 1
    assert len(answers.pop()) == 1


@pytest.mark.parametrize(
    ("old", "new", "pages"),
    [
        ("Takes money.", "Takes coins.", {"first"}),
        ("Share of the state.", "A share.", {"first"}),
        ("Nobody calls this.", "No one calls this.", set()),
        ("# how much", "# how\n    # much", set()),
    ],
)
def test_a_docstring_renders_those_pages_again_that_show_it(
    project: Project, old: str, new: str, pages: set[str]
) -> None:
    """The pages of examples that show it change, and nothing is stale; the page of its source file aside."""
    before = {page.uri: page.markdown for page in pipeline.pages(project)}
    _edit("shop/till.py", old, new)(project.root)
    assert check(project, only_captures=True) == ()
    after = {page.uri: page.markdown for page in pipeline.pages(project)}
    changed = {uri for uri in before if before[uri] != after[uri] and "/one/" in uri}
    assert changed == {f"{locale}/cookbook/one/{name}.md" for name in pages for locale in ("zh", "en")}
