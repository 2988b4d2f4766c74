"""The built site of a tiny project: languages, navigation, links, search, and what makes a build fail."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from mkdocs.exceptions import Abort

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.records import LOCALES
from agno_lite.gallery.site.assets import check_mermaid, mermaid
from agno_lite.gallery.site.language import page_uri

from .conftest import Site, build_site

TITLES = {"zh": ["首页", "示例", "指南", "API"], "en": ["Home", "Examples", "Guides", "API reference"]}


def localised(site: Site) -> dict[str, BeautifulSoup]:
    """The pages that have a language."""
    return {uri: page for uri, page in site.pages().items() if uri.split("/")[0] in LOCALES}


def target(uri: str, link: str) -> str:
    """Path of the page that `link` on the page `uri` leads to."""
    parts: list[str] = []
    for part in (PurePosixPath(uri).parent / unquote(urlsplit(link).path)).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def hrefs(page: BeautifulSoup, selector: str) -> list[str]:
    """Targets of the selected links."""
    return [str(link["href"]) for link in page.select(selector)]


def test_a_page_is_in_the_language_of_its_folder(tiny_site: Site) -> None:
    """The `lang` of a page and the words of its interface are those of its folder."""
    words = {"zh": "搜索", "en": "Search"}
    pages = localised(tiny_site)
    assert len(pages) > 10
    for uri, page in pages.items():
        locale = uri.split("/")[0]
        assert page.html is not None
        assert page.html["lang"] == locale, uri
        field = page.select_one("input.md-search__input")
        assert field is not None
        assert field["placeholder"] == words[locale], uri


def test_hand_written_pages_are_in_the_folder_of_their_language(tiny_site: Site) -> None:
    """`docs/NAME.zh.md` is at `zh/NAME`, also below a folder, and nowhere else."""
    uris = set(tiny_site.pages())
    assert {"zh/index.html", "en/index.html", "zh/tour.html", "en/tour.html", "en/notes/only.html"} <= uris
    assert not [uri for uri in uris if uri.endswith((".zh.html", ".en.html"))]


def test_the_switcher_keeps_the_page(tiny_site: Site) -> None:
    """It leads to the translation, or to that language's home page where there is none."""
    for uri, page in localised(tiny_site).items():
        rest = uri.split("/", 1)[1]
        links = {str(a["hreflang"]): target(uri, str(a["href"])) for a in page.select("a.md-select__link")}
        expected = {
            x: f"{x}/{rest}" if (tiny_site.folder / x / rest).exists() else f"{x}/index.html" for x in LOCALES
        }
        assert links == expected, uri


@pytest.mark.parametrize("locale", LOCALES)
def test_each_language_has_its_own_navigation(tiny_site: Site, locale: str) -> None:
    """Tabs are titled in the language, and nothing in the navigation or footer leads out of it."""
    for uri, page in localised(tiny_site).items():
        if not uri.startswith(f"{locale}/"):
            continue
        assert [tab.get_text(strip=True) for tab in page.select(".md-tabs__link")] == TITLES[locale]
        links = hrefs(page, ".md-nav--primary a.md-nav__link, .md-tabs a, .md-footer__link, a.md-logo")
        places = [target(uri, link) for link in links if not link.startswith("#")]
        assert all(place.startswith(f"{locale}/") for place in places), uri
        assert not [place for place in places if "/source/" in place], uri


def test_examples_are_listed_by_topic(tiny_site: Site) -> None:
    """The navigation of the examples has a section for each topic, titled without its number."""
    page = tiny_site.page("en/cookbook/02_second_topic/again.html")
    sections = [
        nav.get_text(" ", strip=True) for nav in page.select(".md-nav--primary .md-nav__item--nested")
    ]
    assert any(text.startswith("Second topic") and "again" in text for text in sections)
    assert any(text.startswith("First") for text in sections)


def test_previous_and_next_visit_each_page_of_a_language_once(tiny_site: Site) -> None:
    """Following "next" from a home page ends after all pages in the navigation, without a repetition."""
    for locale in LOCALES:
        seen = [f"{locale}/index.html"]
        while links := hrefs(tiny_site.page(seen[-1]), ".md-footer__link--next"):
            seen.append(target(seen[-1], links[0]))
            assert seen.count(seen[-1]) == 1
        expected = {
            uri for uri in localised(tiny_site) if uri.startswith(f"{locale}/") and "/source/" not in uri
        }
        assert set(seen) == expected


def test_references_to_symbols_stay_in_the_language(tiny_site: Site) -> None:
    """`[text][symbol]` leads to the API page in the language of the page it stands on."""
    for locale in LOCALES:
        links = hrefs(tiny_site.page(f"{locale}/index.html"), "article a.autorefs")
        assert [target(f"{locale}/index.html", link) for link in links] == [
            f"{locale}/api/tiny.greeting.html"
        ]


def test_every_link_leads_to_a_page_and_an_anchor_that_exist(tiny_site: Site) -> None:
    """No link of the site is broken, and none leaves it."""
    pages = tiny_site.pages()
    for uri, page in pages.items():
        if uri == "404.html":
            continue
        for link in hrefs(page, "a[href], link[href]"):
            parts = urlsplit(link)
            assert not parts.scheme, (uri, link)
            place = target(uri, link) if parts.path else uri
            assert (tiny_site.folder / place).is_file(), (uri, link)
            if parts.fragment and not parts.fragment.startswith("__"):
                assert pages[place].find(id=unquote(parts.fragment)), (uri, link)


def test_nothing_is_loaded_from_another_host(tiny_site: Site) -> None:
    """Scripts, styles, images and frames are files of the site, and styles name no other host."""
    for uri, page in tiny_site.pages().items():
        assert not page.select('link[rel="alternate"]'), uri
        for element in page.select("[src]"):
            assert not urlsplit(str(element["src"])).netloc, (uri, element)
            if uri != "404.html":
                assert (tiny_site.folder / target(uri, str(element["src"]))).is_file(), (uri, element)
    for style in tiny_site.folder.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", style.read_text("utf-8")), style


def test_only_pages_with_a_diagram_load_mermaid(tiny_site: Site) -> None:
    """The library of several megabytes is loaded where it is needed."""
    pages = tiny_site.pages()
    loading = {uri for uri, page in pages.items() if page.select('script[src$="mermaid.min.js"]')}
    assert loading == {uri for uri, page in pages.items() if page.select("pre.mermaid")}
    assert loading == {"zh/tour.html", "en/tour.html"}


def test_every_page_says_what_it_was_made_from(tiny_site: Site) -> None:
    """Name and version of the project, and where facts come from, stand below each page."""
    for uri, page in localised(tiny_site).items():
        footer = page.select_one(".md-copyright")
        assert footer is not None
        assert "tiny 1.2.3" in footer.get_text(), uri
        assert ("运行" if uri.startswith("zh/") else "run") in footer.get_text(), uri


def test_the_front_door_offers_every_language_without_scripts(tiny_site: Site) -> None:
    """The page at the root links to all home pages by relative addresses that name a file."""
    page = tiny_site.page("index.html")
    assert hrefs(page, "a") == [f"{locale}/index.html" for locale in LOCALES]


@pytest.mark.parametrize(("locale", "word"), [("zh", "问候"), ("en", "greeting")])
def test_each_language_has_its_own_search_index(tiny_site: Site, locale: str, word: str) -> None:
    """It holds the pages of the language but no source pages, also as a script for pages opened from disk."""
    folder = tiny_site.folder / locale / "search"
    text = (folder / "search_index.json").read_text("utf-8")
    docs = json.loads(text)["docs"]
    assert any(word in entry["text"] for entry in docs)
    assert all((tiny_site.folder / locale / urlsplit(entry["location"]).path).is_file() for entry in docs)
    assert not [entry for entry in docs if entry["location"].startswith("source/")]
    assert (folder / "search_index.js").read_text("utf-8") == f"var __index = {text}"


def test_a_link_to_a_line_that_does_not_exist_fails(captured_copy: Path, tmp_path: Path) -> None:
    """Strict mode knows the lines of source pages."""
    (captured_copy / "docs" / "tour.en.md").write_text(
        "# A tour\n\n[x](source/tiny/greeting.py.md#__codelineno-0-99)\n"
    )
    with pytest.raises(Abort, match="1 warnings"):
        build_site(captured_copy, tmp_path / "site")


def test_a_missing_capture_fails_and_names_the_remedy(
    tiny_project: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`mkdocs build` runs nothing: what is missing is a warning that names the command."""
    with pytest.raises(Abort, match="strict"):
        build_site(tiny_project, tmp_path / "site")
    assert "hello.py" in caplog.text
    assert "agno-lite gallery capture" in caplog.text
    assert not (tiny_project / "cookbook" / "_captures").exists()


def test_a_build_may_be_told_to_capture(tiny_project: Path, tmp_path: Path) -> None:
    """With the option `capture` the build runs what is missing."""
    with (tiny_project / "mkdocs.yml").open("a") as config:
        config.write("    capture: true\n")
    build_site(tiny_project, tmp_path / "site")
    assert list((tiny_project / "cookbook" / "_captures").rglob("*.json"))


def test_a_page_without_language_fails(captured_copy: Path, tmp_path: Path) -> None:
    """A hand-written page whose name holds no language would be in no navigation."""
    (captured_copy / "docs" / "lost.md").write_text("# Lost\n")
    with pytest.raises(Abort, match="strict"):
        build_site(captured_copy, tmp_path / "site")


def test_a_second_build_in_the_same_process_is_equal(
    captured_project: Path, tiny_site: Site, tmp_path: Path
) -> None:
    """Nothing of a build stays behind for the next one."""
    again = build_site(captured_project, tmp_path / "site")
    assert {uri: str(page) for uri, page in again.pages().items()} == {
        uri: str(page) for uri, page in tiny_site.pages().items()
    }


def test_directory_addresses_work_too(captured_project: Path, tmp_path: Path) -> None:
    """With `use_directory_urls` the switcher and the search indexes fit the other form of addresses."""
    site = build_site(captured_project, tmp_path / "site", use_directory_urls=True)
    link = site.page("zh/tour/index.html").select_one('a.md-select__link[hreflang="en"]')
    assert isinstance(link, Tag)
    assert target("zh/tour/index.html", str(link["href"])) == "en/tour"
    docs = json.loads((site.folder / "en" / "search" / "search_index.json").read_text("utf-8"))["docs"]
    assert "tour/" in {entry["location"] for entry in docs}


def test_another_mermaid_than_the_tried_one_is_refused() -> None:
    """The error names the package and the command that installs the tried version."""
    check_mermaid(mermaid())
    with pytest.raises(GalleryError, match=r'pip install "mermaidx=='):
        check_mermaid(b"something else")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("index.zh.md", "zh/index.md"),
        ("a/b.en.md", "en/a/b.md"),
        ("a.b.en.md", "en/a.b.md"),
        ("a.md", None),
        ("a.fr.md", None),
        ("zh.md", None),
        ("a.zh.png", None),
    ],
)
def test_the_language_is_the_last_part_of_a_name(written: str, expected: str | None) -> None:
    """Only `NAME.<language>.md` is a hand-written page."""
    assert page_uri(written) == expected
