"""The site of this repository in a real browser: from a server and from disk, in each language and colour."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from agno_lite.gallery.records import LOCALES

from .conftest import Open, Site

pytestmark = pytest.mark.browser

EXAMPLE = "cookbook/11_memory/05_multi_user_multi_session_chat.html"
CONCURRENT = "cookbook/11_memory/06_multi_user_multi_session_chat_concurrent.html"
MULTI_USER = "cookbook/09_evals/performance/team_response_with_memory_multi_user.html"
SIMPLE = "cookbook/09_evals/performance/team_response_with_memory_simple.html"
EXAMPLES = (EXAMPLE, CONCURRENT, MULTI_USER, SIMPLE)
SECTIONS = (
    "overview",
    "configuration",
    "architecture",
    "components",
    "system-prompt",
    "api-requests",
    "output",
    "storage",
    "results",
    "flowchart",
    "comparison",
    "source-index",
    "source",
)
"""Of an example that evaluates agents with a database; the others have no results."""

PREFERRED_SCHEME = {"light": "default", "dark": "slate"}


@pytest.fixture
def home(request: pytest.FixtureRequest, real_site: Site, real_url: str) -> str:
    """Address of the site: below a sub-path of a server, or on disk."""
    return real_url if request.param == "http" else real_site.folder.as_uri()


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("locale", LOCALES)
def test_the_example_is_complete(visit: Open, real_url: str, locale: str, colours: str, example: str) -> None:
    """Every section is there, in order and filled, and every diagram is a drawing."""
    page = visit(f"{real_url}/{locale}/{example}", colours=colours)
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", PREFERRED_SCHEME[colours])
    headings = page.locator("article h2[id]").evaluate_all("headings => headings.map(heading => heading.id)")
    sections = [section for section in SECTIONS if section != "results" or "09_evals" in example]
    assert [heading for heading in headings if heading in SECTIONS] == sections
    for section in sections:
        following = page.locator(f"article h2#{section} + *")
        expect(following).to_be_visible()
        assert following.evaluate("element => element.tagName") not in ("H1", "H2"), section
    expect(page.locator("pre.mermaid")).to_have_count(0)
    diagrams = page.locator("div.mermaid").all()
    assert len(diagrams) >= 2
    for diagram in diagrams:
        expect(diagram.locator("svg g.node").first).to_be_attached()
        expect(diagram.locator("svg .error-icon")).to_have_count(0)


def test_diagrams_follow_the_colours_of_the_page(visit: Open, real_url: str) -> None:
    """Text of a diagram is dark on light pages and light on dark ones."""

    def brightness(colours: str) -> float:
        page = visit(f"{real_url}/en/how-pages-are-made.html", colours=colours)
        label = page.locator("div.mermaid svg .nodeLabel").first
        colour = label.evaluate("label => getComputedStyle(label).color")
        canvas = "c => { const x = new OffscreenCanvas(1, 1).getContext('2d'); x.fillStyle = '#777';"
        canvas += " x.fillRect(0, 0, 1, 1); x.fillStyle = c; x.fillRect(0, 0, 1, 1);"
        canvas += " return [...x.getImageData(0, 0, 1, 1).data].slice(0, 3); }"
        return float(sum(page.evaluate(canvas, colour)) / 3)

    assert brightness("light") < 119 < brightness("dark")


@pytest.mark.parametrize("locale", LOCALES)
def test_compared_examples_lead_to_each_other(visit: Open, real_url: str, locale: str) -> None:
    """A link in the table of each leads to the other, and so do the footers; both show the same figures."""
    page = visit(f"{real_url}/{locale}/{EXAMPLE}")
    table = "#comparison + p + table, #comparison + .md-typeset__scrollwrap"
    figures = page.locator(table).first.locator("tbody").inner_text()
    page.locator(table).first.locator("th a").click()
    page.wait_for_url(f"{real_url}/{locale}/{CONCURRENT}")
    assert page.locator(table).first.locator("tbody").inner_text() == figures
    page.locator(".md-footer__link--prev").click()
    page.wait_for_url(f"{real_url}/{locale}/{EXAMPLE}")
    expect(page.locator(f".md-footer__link--next[href$='{CONCURRENT.rpartition('/')[2]}']")).to_have_count(1)


@pytest.mark.parametrize(
    ("example", "least"), [(EXAMPLE, 0.6), (CONCURRENT, 0.6), (SIMPLE, 0.6), (MULTI_USER, 0.49)]
)
def test_the_flowchart_can_be_read(visit: Open, real_url: str, example: str, least: float) -> None:
    """On a wide screen its text is 9 pixels high at least, or 8 where five users stand beside their team."""
    page = visit(f"{real_url}/en/{example}")
    chart = page.locator("div.mermaid svg").nth(1)
    expect(chart.locator("g.node").first).to_be_attached()
    scale = chart.evaluate("svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
    assert scale >= least


@pytest.mark.parametrize(("home", "locale"), [("http", "zh"), ("file", "en")], indirect=["home"])
def test_a_node_of_a_diagram_leads_to_its_line(visit: Open, home: str, locale: str) -> None:
    """Clicking it opens the source page at the line, which is marked."""
    page = visit(f"{home}/{locale}/{EXAMPLE}")
    link = page.locator("div.mermaid svg a").first
    target = link.get_attribute("xlink:href") or link.get_attribute("href")
    assert target
    assert re.search(r"source/.+\.py\.html#__codelineno-0-\d+$", target)
    link.click()
    page.wait_for_url(f"**/{locale}/source/**")
    line = page.locator("[id^=__span]:has(> a:target)")
    expect(line).to_be_in_viewport()
    assert line.evaluate("line => getComputedStyle(line).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert line.text_content()


@pytest.mark.parametrize(("locale", "word"), [("zh", "记忆"), ("en", "memory")])
@pytest.mark.parametrize("home", ["http", "file"], indirect=True)
def test_a_word_finds_the_example(visit: Open, home: str, locale: str, word: str) -> None:
    """The search finds the page, in the reader's language only."""
    page = visit(f"{home}/{locale}/index.html")
    page.locator("input.md-search__input").click()
    page.keyboard.type(word)
    page.keyboard.press("End")  # Chinese is typed without keys, and the theme waits for one
    results = page.locator("a.md-search-result__link")
    expect(results.first).to_be_attached()
    found = results.evaluate_all("links => links.map(link => link.href)")
    assert any(f"/{locale}/{EXAMPLE}" in url for url in found)
    assert all(url.startswith(f"{home}/{locale}/") for url in found)


@pytest.mark.parametrize(
    ("home", "locale", "other"), [("http", "zh", "en"), ("file", "en", "zh")], indirect=["home"]
)
def test_the_switcher_keeps_page_and_section(visit: Open, home: str, locale: str, other: str) -> None:
    """It leads to the same section of the translated page, and the colours chosen by the reader stay."""
    page = visit(f"{home}/{locale}/{EXAMPLE}#output")
    page.locator("label[for=__palette_1]").click()
    page.locator("label[for=__palette_2]").click()
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    page.locator("button[aria-label]:has(+ .md-select__inner)").hover()
    page.locator(f"a.md-select__link[hreflang={other}]").click()
    page.wait_for_url(f"{home}/{other}/{EXAMPLE}#output")
    expect(page.locator("html")).to_have_attribute("lang", other)
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")


@pytest.mark.parametrize(
    ("home", "browser_language", "locale"),
    [("http", "zh-CN", "zh"), ("file", "en-GB", "en"), ("http", "fr-FR", LOCALES[0])],
    indirect=["home"],
)
def test_the_front_door_leads_to_the_readers_language(
    visit: Open, home: str, browser_language: str, locale: str
) -> None:
    """A reader whose language is not offered gets the first one."""
    page = visit(f"{home}/index.html", locale=browser_language)
    expect(page).to_have_url(f"{home}/{locale}/index.html")
    expect(page.locator("html")).to_have_attribute("lang", locale)


@pytest.mark.parametrize("uri", ["index.html", *EXAMPLES])
@pytest.mark.parametrize("locale", LOCALES)
def test_no_page_scrolls_sideways_on_a_phone(visit: Open, real_url: str, locale: str, uri: str) -> None:
    """What is too wide scrolls by itself."""
    page = visit(f"{real_url}/{locale}/{uri}", width=390)
    expect(page.locator("pre.mermaid")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_line_numbers_stand_beside_their_lines(visit: Open, real_url: str) -> None:
    """In excerpts and sources each number is as high on the page as the line of code that it counts."""
    page = visit(f"{real_url}/en/{EXAMPLE}")
    offsets = page.locator(".highlighttable").evaluate_all(
        """tables => tables.filter(table => table.getClientRects().length).flatMap(table => {
            const middle = element => {
                const box = element.getClientRects()[0];
                return box.top + box.height / 2;
            };
            const numbers = [...table.querySelectorAll(".linenodiv a")];
            const lines = [...table.querySelectorAll("td.code [id^='__span']")];
            if (numbers.length !== lines.length) return [Infinity];
            return numbers.map((number, index) => middle(number) - middle(lines[index]));
        })"""
    )
    assert len(offsets) > 100
    assert max(map(abs, offsets)) < 4
