"""Facts on the built pages of this repository, checked by code that shares nothing with the generator."""

from __future__ import annotations

import ast
import html
import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bs4 import BeautifulSoup, Tag

    from .conftest import Site

ROOT = Path(__file__).parents[2]
LANGUAGES = ("zh", "en")
EXAMPLES = (
    "11_memory/05_multi_user_multi_session_chat",
    "11_memory/06_multi_user_multi_session_chat_concurrent",
    "09_evals/performance/team_response_with_memory_multi_user",
    "09_evals/performance/team_response_with_memory_simple",
)


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> str:
    """An example: its place in the cookbook."""
    return str(request.param)


@pytest.fixture(params=LANGUAGES)
def uri(request: pytest.FixtureRequest, example: str) -> str:
    """Address of the example's page in one language."""
    return f"{request.param}/cookbook/{example}.html"


@pytest.fixture
def page(real_site: Site, uri: str) -> BeautifulSoup:
    """The example's page in one language."""
    return real_site.page(uri)


def line_links(page: BeautifulSoup, uri: str) -> Iterator[tuple[Tag, str, int]]:
    """Links of the page's text to lines: the link, the project's file, the line."""
    for link in page.select("article a[href*='__codelineno-']"):
        address = urlsplit(urljoin(f"http://host/{uri}", unquote(str(link["href"]))))
        if "/source/" not in address.path:
            continue
        path = address.path.partition("/source/")[2].removesuffix(".html")
        yield link, path, int(address.fragment.rpartition("-")[2])


def definitions(path: str) -> dict[str, set[tuple[int, int]]]:
    """First and last line of everything a file defines, by its last name; decorators belong to it."""
    found: dict[str, set[tuple[int, int]]] = {}

    def add(name: str, first: int, last: int) -> None:
        found.setdefault(name, set()).add((first, last))

    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                add(node.name, first, node.end_lineno or first)
            case ast.arg():
                add(node.arg, node.lineno, node.end_lineno or node.lineno)
            case ast.Assign():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        add(target.id, node.lineno, node.end_lineno or node.lineno)
            case ast.AnnAssign(target=ast.Name(id=name)):
                add(name, node.lineno, node.end_lineno or node.lineno)
            case _:
                pass
    return found


def passed(path: str, name: str) -> set[int]:
    """Lines on which a file passes an argument of that name."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.lineno for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == name}


def named(link: Tag) -> str | None:
    """The name that a link shows as code: `Agent.arun()`, `Agent(model)`, `model=True` → its last part."""
    code = link.find("code")
    if code is None:
        return None
    text = code.get_text()
    if text.endswith((".py", ".sql")) or "/" in text:
        return None
    parameter = re.fullmatch(r"[\w.]+\((\w+)\)", text)
    name = parameter[1] if parameter else re.match(r"[\w.]+", text)
    last = name if isinstance(name, str) else name[0] if name else ""
    return last.rpartition(".")[2] or None


def test_every_named_reference_is_the_first_line_of_its_definition(page: BeautifulSoup, uri: str) -> None:
    """A link that shows a name leads to the line where that name is defined, by the syntax tree."""
    checked = 0
    for link, path, line in line_links(page, uri):
        name = named(link)
        if name is None:
            continue
        starts = {first for first, _ in definitions(path).get(name, ())}
        if "=" in link.get_text():
            starts |= passed(path, name)
        assert line in starts, f"{link.get_text()} leads to {path}:{line}, defined at {sorted(starts)}"
        checked += 1
    assert checked > 60


def test_every_shown_line_number_is_the_one_it_links(page: BeautifulSoup, uri: str) -> None:
    """Where a number is shown with a link to a line, it is that line's.

    A range is that of a definition, or of the excerpt above it.
    """
    shown = 0
    for link, path, line in line_links(page, uri):
        numbers = [int(number) for number in re.findall(r"\d+", link.get_text())]
        if not re.fullmatch(r"(?:lines? |第 )?\d+(?:–\d+)?(?: 行)?", link.get_text()):
            continue
        assert numbers[0] == line
        if len(numbers) == 2:
            spans = {span for places in definitions(path).values() for span in places}
            above = excerpt_lines(link.find_previous("div", class_="excerpt"))
            assert (numbers[0], numbers[1]) in spans | {(above[0], above[-1])}, f"{path}: lines {numbers}"
        shown += 1
    assert shown > 10


def test_line_numbers_in_the_index_are_those_of_their_links(page: BeautifulSoup, uri: str) -> None:
    """The index of key sources shows after each symbol the line that its link leads to; at most 20 rows."""
    index = page.select_one("#source-index")
    assert index is not None
    table = index.find_next("table")
    assert table is not None
    rows = table.select("tbody tr")
    assert 5 < len(rows) <= 20
    for row in rows:
        cell = row.select("td")[1]
        link = cell.select_one("a")
        assert link is not None
        number = re.search(r"L(\d+)", cell.get_text().removeprefix(link.get_text()))
        assert number
        assert str(link["href"]).endswith(f"-{number[1]}")


def excerpt_lines(excerpt: Any) -> list[int]:
    """The numbers that stand beside the lines of an excerpt; it may have several parts."""
    cells = excerpt.select("td.linenos")
    return [int(number) for cell in cells for number in re.findall(r"\d+", cell.get_text())]


def test_excerpts_are_the_lines_that_they_say(page: BeautifulSoup) -> None:
    """Each line of an excerpt is, but for its indentation, the line of the file with the number beside it."""
    checked = 0
    for excerpt in page.select("div.excerpt"):
        title = excerpt.select_one(".filename")
        assert title is not None
        lines = (ROOT / title.get_text()).read_text("utf-8").splitlines()
        parts = [part.get_text().rstrip("\n").split("\n") for part in excerpt.select("td.code pre")]
        for number, text in zip(
            excerpt_lines(excerpt), [line for part in parts for line in part], strict=True
        ):
            assert text.strip() == lines[number - 1].strip()
            checked += 1
    assert checked > 40


def test_diagram_links_lead_to_definitions_statements_or_settings(
    real_site: Site, page: BeautifulSoup, uri: str
) -> None:
    """Each node's link leads to a page of the site and a line on which something begins."""
    checked = 0
    for diagram in page.select(".mermaid"):
        for address in re.findall(r'click \w+ href "([^"]+)"', html.unescape(diagram.get_text())):
            target = PurePosixPath(urlsplit(urljoin(f"http://host/{uri}", address)).path.lstrip("/"))
            assert (real_site.folder / target).is_file()
            path = str(target).partition("/source/")[2].removesuffix(".html")
            line = int(address.rpartition("-")[2])
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            begins = (ast.stmt, ast.keyword)
            starts = {getattr(node, "lineno", 0) for node in ast.walk(tree) if isinstance(node, begins)}
            assert line in starts, f"{path}:{line}"
            checked += 1
    assert checked >= 20


def is_inside_run(span: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Whether a span is inside a run of an agent."""
    spans = {one["id"]: one for one in facts["spans"]}
    while (around := spans.get(span["parent"])) is not None:
        if around["kind"] == "invoke_agent":
            return True
        span = around
    return False


def test_the_flowchart_counts_what_the_capture_holds(page: BeautifulSoup, example: str, uri: str) -> None:
    """The runs in its boxes add up to those that the script asked for, and so do the memory updates."""
    facts = json.loads((ROOT / f"cookbook/_captures/{example}.facts.json").read_text("utf-8"))
    kinds = [span["kind"] for span in facts["spans"]]
    asked = [
        span for span in facts["spans"] if span["kind"] == "invoke_agent" and not is_inside_run(span, facts)
    ]
    chart = html.unescape(page.select(".mermaid")[1].get_text())
    runs = r"(\d+) 次运行" if uri.startswith("zh") else r"(\d+) runs?"
    counted = [int(re.search(runs, box)[1]) for box in re.findall(r'turn\d+\["(.*?)"\]', chart)]  # type: ignore[index]
    assert sum(counted) == len(asked)
    updates = [
        int(number)
        for number in re.findall(r'memory\d+\["[^"\\]*#215;(\d+)|memory\d+\["[^"\\]*×(\d+)', chart)
        for number in number
        if number
    ]
    assert sum(updates) == kinds.count("agno_lite.update_memory")


def json_blocks(page: BeautifulSoup) -> list[Any]:
    """Every JSON object that the section of requests shows whole."""
    start, end = page.select_one("#api-requests"), page.select_one("#output")
    assert start is not None
    assert end is not None
    found = []
    for code in start.find_all_next("code"):
        if code.sourceline is not None and end.sourceline is not None and code.sourceline > end.sourceline:
            break
        try:
            found.append(json.loads(code.get_text()))
        except ValueError:
            continue
    return [value for value in found if isinstance(value, dict)]


def test_the_page_shows_every_request_whole(page: BeautifulSoup, example: str) -> None:
    """The bodies on the page are those of the capture, one by one and by user, and so are the answers.

    Of what an evaluation repeats, each has its place inside of the first; what differs is tested elsewhere.
    That the capture's requests are those on the wire is tested with a server that counts them.
    """
    facts = json.loads((ROOT / f"cookbook/_captures/{example}.facts.json").read_text("utf-8"))
    shown = json_blocks(page)
    exchanges = {str(exchange["id"]): exchange for exchange in facts["exchanges"]}
    places = page.select("span[id^=request-]")
    anchors = {str(anchor["id"]).removeprefix("request-"): anchor.find_parent("details") for anchor in places}
    assert sorted(anchors) == sorted(exchanges)
    whole = [number for number, fold in anchors.items() if fold is None]
    assert len(whole) == len(exchanges) / (5 if "09_evals" in example else 1)
    for side, key in (("request", "messages"), ("response", "choices")):
        recorded = [facts["bodies"][exchanges[number][side]] for number in whole]
        # A streamed answer is shown event by event.
        assert [body for body in shown if key in body] == [
            body for body in recorded if isinstance(body, dict)
        ]
