"""The page of an example: its sections, its facts, its links."""

from __future__ import annotations

import dataclasses
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import mermaidx
import pytest
from bs4 import BeautifulSoup, Tag

from agno_lite.gallery.records import SECTION_IDS, Measurements, Timing
from agno_lite.gallery.rendering import SECTIONS, example_uri, render_comparison, render_example
from agno_lite.gallery.rendering.ansi import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.gallery.records import Analysis, Page
    from agno_lite.gallery.rendering import Edition
    from agno_lite.gallery.rendering.pages import State

    Render = Callable[[str], BeautifulSoup]
    Part = Callable[[BeautifulSoup, str], BeautifulSoup]
    Make = Callable[..., Page]
    CaptureBuilder = Any

NASTY = "<script>alert(1)</script> ```end``` \"q\" 'q' | {{ x }} {% y %} & &amp; #35; *b*\n1. end\n!!! note"
CHINESE_TITLES = [
    "概述",
    "核心配置一览",
    "架构分层",
    "核心组件解析",
    "System Prompt 组装",
    "完整 API 请求",
    "运行输出",
    "运行后的存储",
    "Mermaid 流程图",
    "关键源码文件索引",
    "完整源码",
]


def rows(soup: BeautifulSoup, index: int = 0) -> list[list[str]]:
    """The cells of a table, its head first."""
    table = soup.find_all("table")[index]
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]


def diagrams(page: Page) -> list[str]:
    """Mermaid sources of a page."""
    return re.findall(r"^```mermaid\n(.*?)\n```$", page.markdown, re.DOTALL | re.MULTILINE)


def test_sections_have_their_order_titles_and_ids(page_of: Make, render: Render) -> None:
    """Sections stand in the promised order, with equal ids and translated titles in both languages."""
    english, chinese = (render(page_of(locale).markdown) for locale in ("en", "zh"))
    order = [section for section, _, _ in SECTIONS]
    ids = [heading["id"] for heading in english.find_all("h2")]
    assert ids == [section for section in order if section not in ("results", "comparison")]
    assert [heading.get_text() for heading in chinese.find_all("h2")] == CHINESE_TITLES
    levels = re.compile("h[2-6]")
    first, second = ([found.get("id") for found in soup.find_all(levels)] for soup in (english, chinese))
    assert first == second
    assert len(set(first)) == len(first)


def test_head(page_of: Make, render: Render) -> None:
    """The page begins with its title, the source file as a link, which model answered, and the version."""
    page = page_of("zh")
    soup = render(page.markdown)
    assert page.uri == "zh/cookbook/11_memory/05_multi_user_multi_session_chat.md"
    assert page.title == "05_multi_user_multi_session_chat.py — 实现原理分析"
    heading = soup.h1
    assert isinstance(heading, Tag)
    assert heading.get_text() == page.title
    link = heading.find_next("a")
    assert isinstance(link, Tag)
    assert link["href"] == "../../source/cookbook/11_memory/05_multi_user_multi_session_chat.py.md"
    note = soup.select_one(".admonition.warning")
    assert note is not None
    assert "gpt-4o-mini" in note.get_text()
    assert "固定规则" in note.get_text()
    assert "0.1.0" in soup.get_text()
    assert "abc1234" in soup.get_text()


def test_configuration(page_of: Make, render: Render, part: Part) -> None:
    """Each setting passed is a row with source, value and linked meaning; defaults read are folded."""
    soup = part(render(page_of().markdown), "configuration")
    assert rows(soup)[1:] == [
        ["name", '"Chat Agent"', ""],
        ["db", "db → PostgresDb()", ""],
        ["update_memory_on_run", "True", "Whether memories are kept after each run."],
    ]
    link = soup.find("a", string="update_memory_on_run")
    assert isinstance(link, Tag)
    assert link["href"] == "../../source/agno_lite/agent/agent.py.md#__codelineno-0-40"
    folded = soup.select_one("details")
    assert folded is not None
    assert rows(BeautifulSoup(str(folded), "html.parser"))[1:] == [["markdown", "False", ""]]
    facts = {row[0]: row[1] for row in rows(soup, 2)}
    assert facts["Users"].startswith("3: user_1@example.com")
    assert facts["Sessions"].startswith("4: user_1_session_1_id, user_1_session_2_id")
    assert facts["Runs"] == "8"
    assert facts["Requests to models"] == "16"
    assert facts["Way of running"].startswith("sequential")


def test_system_prompt(page_of: Make, render: Render, part: Part) -> None:
    """The prompt's sections say whether they were in effect, and the text is the one on the wire."""
    soup = part(render(page_of().markdown), "system-prompt")
    assert rows(soup)[1:] == [
        ["3.3.1", "description description", "—", "no"],
        [
            "3.3.9",
            "memories add_memories_to_context",
            "Remember: - User's name is Mina. - User likes manga.",
            "yes",
        ],
    ]
    texts = [block.get_text().strip() for block in soup.select("pre > code")]
    assert texts == [
        "Remember:\n- User's name is Mina.\n- User likes manga.",
        "Keep what matters.",
    ]


def test_every_request_is_there_whole_and_in_order(
    page_of: Make, render: Render, part: Part, builder: CaptureBuilder
) -> None:
    """Each request's and answer's body can be read back from the page, by user and session."""
    soup = part(render(page_of().markdown), "api-requests")
    bodies = [json.loads(block.get_text()) for block in soup.select("details.example pre > code")]
    capture = builder.capture()
    order = [1, 2, 3, 4, 15, 16, *range(5, 15)]
    sent = [capture.exchanges[number - 1] for number in order]
    expected = [capture.bodies[key] for exchange in sent for key in (exchange.request, exchange.response)]
    assert bodies == expected
    table = rows(soup)
    assert [row[0] for row in table[1:]] == [str(number) for number in order]
    assert table[1][1:] == [
        "answer",
        "user_1@example.com",
        "user_1_session_1_id",
        "200",
        "“You said: I am Mina.”",
    ]
    assert table[2][1] == "memory update"
    assert table[2][5] == "add_memory()"
    folded = soup.select("details.example")
    assert "May be under way at the same time as: 2" in folded[0].get_text()
    assert len(soup.find_all("h3")) == 4


def test_a_streamed_answer_is_put_together(
    page_of: Make, builder: CaptureBuilder, render: Render, part: Part
) -> None:
    """A streamed answer shows its text, the number of its events, and the events."""
    events = [
        {"choices": [{"delta": {"content": "Hel"}}]},
        {"choices": [{"delta": {"content": "lo"}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}}]},
    ]
    builder.chat(None, {"messages": [{"role": "user", "content": "x"}]}, events)
    soup = part(render(page_of().markdown), "api-requests")
    last = soup.select("details.example")[-1]
    assert "put together from 4 events" in last.get_text()
    assert last.select("pre > code")[1].get_text().strip() == "Hello\nf({})"
    assert json.loads(last.select("pre > code")[2].get_text()) == events


def test_output(page_of: Make, render: Render, part: Part) -> None:
    """Output keeps its lines and colours; standard error and the exit status stand apart."""
    soup = part(render(page_of().markdown), "output")
    out, err = soup.select("pre.terminal")
    assert out.get_text() == "┏━ Message ━┓\n┃ I am Mina ┃"
    assert out.select_one(".ansi-fg-4.ansi-bold") is not None
    assert err.get_text() == "offline model"
    assert "Exit status: 0" in soup.get_text()


def test_the_output_of_a_measured_run_holds_the_figures(
    builder: CaptureBuilder,
    edition_of: Callable[..., Edition],
    analysis: Callable[..., Analysis],
    render: Render,
    part: Part,
) -> None:
    """Where a run was measured by itself, what is shown is what that one printed."""
    capture = builder.capture(stdout="[figures: Memory (MiB)]", stderr="# bytes at the peak")
    for printed in ({}, {"stdout": "│ 1.25 │\n", "stderr": ""}):
        figures = Measurements(example="x", duration=1.0, peak_memory=1, **printed)  # type: ignore[arg-type]
        page = render_example(analysis(), capture, figures, {}, edition_of())
        shown = [block.get_text() for block in part(render(page.markdown), "output").select("pre.terminal")]
        assert shown == (["│ 1.25 │"] if printed else [capture.stdout, capture.stderr])


def test_storage(page_of: Make, render: Render, part: Part) -> None:
    """Rows stand by user and table, without empty tables, and each user's memories are listed."""
    soup = part(render(page_of().markdown), "storage")
    assert rows(soup) == [
        ["User", "sessions", "memories"],
        ["user_1@example.com", "1", "2"],
        ["user_2@example.com", "1", "2"],
        ["user_3@example.com", "1", "2"],
        ["all", "3", "6"],
    ]
    assert [item.get_text() for item in soup.find_all("li")][:2] == [
        "User's name is Mina.",
        "User likes manga.",
    ]


def test_source_index(page_of: Make, render: Render, part: Part) -> None:
    """The index names file, linked symbol with its line, and role; what the script makes stands first."""
    soup = part(render(page_of().markdown), "source-index")
    assert rows(soup)[1:] == [
        ["agno_lite/agent/agent.py", "Agent L12", "Talks with users."],
        [
            "agno_lite/agent/agent.py",
            "Agent(update_memory_on_run) L40",
            "Whether memories are kept after each run.",
        ],
        ["agno_lite/run/loop.py", "execute() L80", "Carry out a run."],
        ["agno_lite/db/postgres.py", "PostgresDb.load_turn() L60", "Read what a run needs."],
        ["agno_lite/memory/manager.py", "MemoryManager._update() L150", "Ask and store."],
    ]
    link = soup.find("a", string="execute()")
    assert isinstance(link, Tag)
    assert link["href"] == "../../source/agno_lite/run/loop.py.md#__codelineno-0-80"


def test_diagrams_can_be_drawn(page_of: Make) -> None:
    """Mermaid draws both diagrams; each box is a link, and there is a title and a description."""
    page = page_of("zh")
    for source in diagrams(page):
        svg = BeautifulSoup(mermaidx.render(source).svg(), "html.parser")
        boxes = svg.select("g.node, a > g.node")
        assert 5 < len(boxes) <= 40
        assert len(svg.find_all("a")) == len(boxes)
        assert svg.find("title") is not None
        assert svg.find("desc") is not None


def test_flowchart_tells_the_run(page_of: Make, render: Render, part: Part) -> None:
    """Turns are folded, memory updates are per user, reads per call, and links lead to the script's lines."""
    page = page_of()
    chart = diagrams(page)[1]
    turns = re.findall(r'turn\d\["(.*?)"\]', chart)
    assert len(turns) == 5
    assert (
        turns[0]
        == r"chat_agent.aprint_response()\nuser_1@example.com\nuser_1_session_1_id\n2 runs, 4 requests"
    )
    assert len(re.findall(r"^  memory\d\[", chart, re.MULTILINE)) == 3
    frame, title = re.findall(r'subgraph (\w+)\["(.*?)"\]\n    direction TB', chart)[0]
    assert title == "8 runs, one after another"
    assert f"entry1 --> {frame}" in chart
    assert re.findall(rf'{frame} -->\|"what the user said"\| (\w+)', chart) == [
        "memory1",
        "memory2",
        "memory3",
    ]
    assert f'{frame} <-->|"question / answer"| agent1' in chart
    assert 'agent1 <-->|"8 runs / memories of the user"| database1' in chart
    assert re.findall(r'read\d\["(.*?)"\]', chart) == ["chat_agent.get_user_memories() ×3"]
    assert 'database1 -.->|"6 memories"| read1' in chart
    assert (
        'click turn2 href "../../../source/cookbook/11_memory/05_multi_user_multi_session_chat.py/'
        '#__codelineno-0-30"'
    ) in chart
    steps = part(render(page.markdown), "flowchart").select("details li")
    assert len(steps) == len(re.findall("^  click", chart, re.MULTILINE))
    assert steps[0].get_text() == "asyncio.run(run_chat_agent()) → 2"
    said = ", ".join(f"{number} (what the user said)" for number in (10, 11, 12))
    assert steps[1].get_text().endswith(f" → 3, 9 (question / answer), {said}")
    assert steps[5].get_text().endswith(f" → 7, 9 (question / answer), {said}")


def test_architecture_shows_what_happens_at_the_same_time(page_of: Make) -> None:
    """The answer and the memory update begin together, and the run is saved after both."""
    chart = diagrams(page_of())[0]
    names = dict(re.findall(r'(\w+)\["([^"\\]*)', chart))
    flow = {
        (names[source], names[target])
        for source, target in re.findall(r"(\w+) -->(?:\S*|\|.*\|) (\w+)\n", chart)
    }
    begin = ("system prompt ×8", "answer ×8"), ("system prompt ×8", "memory update ×8")
    end = ("answer ×8", "save_run ×8"), ("change_memories ×6", "save_run ×8")
    assert flow >= {*begin, *end}


def test_many_users_still_fit(page_of: Make, builder: CaptureBuilder) -> None:
    """A run of a hundred users in a hundred sessions has a chart of at most 40 boxes."""
    for number in range(100):
        builder.run(f"u{number}", f"s{number}", "hello", (f"likes {number}",))
        builder.database(None, "get_user_memories", f"u{number}")
    for source in diagrams(page_of()):
        assert len(re.findall("^  click", source, re.MULTILINE)) <= 40


def test_without_directory_urls_links_name_files(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], analysis: Callable[..., Analysis]
) -> None:
    """Where pages are no folders, a diagram's links name the HTML file."""
    edition = edition_of(directory_urls=False)
    page = render_example(analysis(), builder.capture(), None, {}, edition)
    assert 'href "../../source/agno_lite/memory/manager.py.html#__codelineno-0-150"' in page.markdown


def test_narrative_stands_first(page_of: Make, render: Render, part: Part) -> None:
    """Hand-written text comes before facts, replaces the generated overview, and makes further sections."""
    page = page_of(narrative={"overview": "By hand.", "configuration": "Why so.", "comparison": "And 06."})
    soup = render(page.markdown)
    assert part(soup, "overview").get_text().strip() == "By hand."
    assert part(soup, "configuration").get_text().strip().startswith("Why so.")
    assert part(soup, "comparison").get_text().strip() == "And 06."


@pytest.mark.parametrize(
    ("state", "changes", "words"),
    [
        ("stale", {}, "changed since"),
        ("fresh", {"exit_status": 1}, "exit status 1"),
        ("fresh", {"exit_status": None, "failure": "timed out after 60 s"}, "timed out after 60 s"),
    ],
)
def test_state(
    builder: CaptureBuilder,
    edition_of: Callable[..., Edition],
    analysis: Callable[..., Analysis],
    render: Render,
    state: State,
    changes: dict[str, object],
    words: str,
) -> None:
    """A page whose capture is stale or of a failed run says so at its top."""
    page = render_example(
        analysis(),
        builder.capture(**changes),
        None,
        {},
        edition_of(),
        state=state,
    )
    note = render(page.markdown).select_one(".admonition.failure")
    assert note is not None
    assert words in note.get_text()


def test_a_script_that_never_ran_has_a_page(
    edition_of: Callable[..., Edition], analysis: Callable[..., Analysis], render: Render
) -> None:
    """Without a capture there is a page of what the code says, with a note."""
    broken = analysis(error="line 3: invalid syntax", configurations=(), text="x = (")
    page = render_example(broken, None, None, {}, edition_of())
    soup = render(page.markdown)
    assert [heading["id"] for heading in soup.find_all("h2")] == ["overview", "source"]
    assert "line 3: invalid syntax" in soup.get_text()
    assert "has not been run" in soup.get_text()


def test_measurements(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], analysis: Callable[..., Analysis]
) -> None:
    """Figures that were measured are shown where there are any."""
    figures = Measurements(example="x", duration=1.234, peak_memory=64 * 2**20)
    page = render_example(analysis(), builder.capture(), figures, {}, edition_of())
    assert "| 1.23 s |" in page.markdown
    assert "| 64 MiB |" in page.markdown


def test_nasty_values_change_nothing_but_themselves(
    page_of: Make, builder: CaptureBuilder, render: Render, part: Part
) -> None:
    """Markup in questions, answers, memories, ids and output shows as text, on the page and in diagrams."""
    plain = [heading.get("id") for heading in render(page_of().markdown).find_all(re.compile("h[1-6]"))]
    user = NASTY.replace("\n", " ")
    builder.run(user, user, NASTY, (NASTY,))
    builder.run(user, user, NASTY, ())
    capture_changes = {"stdout": f"{NASTY}\n", "stderr": NASTY}
    page = page_of(**capture_changes)
    soup = render(page.markdown)
    ids = [heading.get("id") for heading in soup.find_all(re.compile("h[1-6]"))]
    assert [one for one in ids if one != "requests-5"] == plain
    assert soup.find("script") is None
    assert [block.get_text() for block in soup.select("pre.terminal")] == [NASTY, NASTY]
    assert part(soup, "output").select_one("pre") == BeautifulSoup(terminal(NASTY), "html.parser").pre
    items = [item.get_text("\n") for item in part(soup, "storage").find_all("li")]
    assert any("<script>alert(1)</script> ```end```" in item for item in items)
    svg = BeautifulSoup(mermaidx.render(diagrams(page)[1]).svg(), "html.parser")
    assert svg.find("script") is None
    assert "<script>alert(1)</script>" in svg.get_text()


def test_pages_are_pure(page_of: Make) -> None:
    """The same facts give the same page, which names the source files it was made from."""
    assert page_of() == page_of()
    assert "agno_lite/run/loop.py" in page_of().sources


def test_runs_that_overlap_have_a_chain_per_user(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], analysis: Callable[..., Analysis]
) -> None:
    """In a script that gathers, each user's runs are a chain of their own that begins at the gathering."""
    made = analysis()
    script = "import asyncio\nasync def main():\n    await asyncio.gather(a(), b())\nasyncio.run(main())\n"
    concurrent = dataclasses.replace(made, text=script)
    page = render_example(concurrent, builder.capture(), None, {}, edition_of())
    chart = diagrams(page)[1]
    assert re.findall(r"gather1 --> (\w+)", chart) == ["turn1", "turn3", "turn4"]
    assert "turn2 --> turn5" in chart
    assert "concurrent: several runs" in page.markdown


def test_branches_stand_side_by_side(
    concurrent_builder: CaptureBuilder,
    edition_of: Callable[..., Edition],
    concurrent_analysis: Analysis,
    render: Render,
    part: Part,
) -> None:
    """A group is a fork, a box per branch with its number of calls, what each prints last, and a join."""
    capture = concurrent_builder.capture(stdout="User 2 Done\nUser 1 Done\n")
    page = render_example(concurrent_analysis, capture, None, {}, edition_of())
    chart = diagrams(page)[1]
    boxes = dict(re.findall(r'^  (\w+)[\[(]+"(.*?)"', chart, re.MULTILINE))
    assert boxes["gather1"] == r"asyncio.gather()\n2 branches"
    assert boxes["turn1"] == r"talk_1()\nuser_1@example.com\n2 runs, 4 requests"
    assert boxes["turn2"] == r"talk_2()\nuser_2@example.com\n1 run, 2 requests"
    assert "asyncio.gather" in boxes["join1"]
    steps = re.findall(r'^  (\w+) -->(?:\|".*?"\|)? (\w+)$', chart, re.MULTILINE)
    for number in (1, 2):
        assert boxes[f"done{number}"] == f"User {number} Done"
        path = ["gather1", f"turn{number}", f"memory{number}", f"done{number}", "join1"]
        assert set(pairwise(path)) <= set(steps)
    assert ("join1", "read1") in steps
    assert re.search(r'click turn2 href ".*06_x\.py/#__codelineno-0-8"', chart)
    facts = {row[0]: row[1] for row in rows(part(render(page.markdown), "configuration"), 2)}
    assert facts["Way of running"] == "concurrent: 2 branches by asyncio.gather, line 13"


def test_requests_name_the_branches_beside_them(
    concurrent_builder: CaptureBuilder,
    edition_of: Callable[..., Edition],
    concurrent_analysis: Analysis,
    render: Render,
    part: Part,
) -> None:
    """Requests are grouped by user and branch; each says what may overlap, the section what did."""
    times = {number: Timing(start=number / 10, duration=0.25) for number in range(1, 7)}
    figures = Measurements(example="x", duration=1.0, peak_memory=1, exchanges=times)
    page = render_example(concurrent_analysis, concurrent_builder.capture(), figures, {}, edition_of())
    soup = part(render(page.markdown), "api-requests")
    titles = [heading.get_text() for heading in soup.find_all("h3")]
    assert titles == ["user_1@example.com · talk_1()", "user_2@example.com · talk_2()"]
    assert "At most 3 requests were under way at once" in soup.get_text()
    folded = [found.get_text() for found in soup.select("details.example")]
    assert "same time as: 2" in folded[0]
    assert all("every request of: talk_2()" in text for text in folded[:4])
    assert all("every request of: talk_1()" in text for text in folded[4:])
    link = soup.select("details.example")[0].find("a", string="talk_2()")
    assert isinstance(link, Tag)
    assert link["href"] == "#requests-2"


def test_the_overlap_is_computed_from_the_timings() -> None:
    """What ends as another begins does not overlap it; without requests there is none."""
    times = {
        1: Timing(start=0.0, duration=1.0),
        2: Timing(start=1.0, duration=1.0),
        3: Timing(start=1.5, duration=2.0),
    }
    figures = Measurements(example="x", duration=9.0, peak_memory=1, exchanges=times)
    assert (figures.most_at_once, figures.waited, figures.exchanging) == (2, 4.0, 3.5)
    nothing = Measurements(example="x", duration=9.0, peak_memory=1)
    assert (nothing.most_at_once, nothing.waited, nothing.exchanging) == (0, 0, 0.0)


@pytest.mark.parametrize(("locale", "here"), [("en", "this page"), ("zh", "本页")])
def test_two_examples_are_compared(
    builder: CaptureBuilder,
    concurrent_builder: CaptureBuilder,
    edition_of: Callable[..., Edition],
    analysis: Callable[..., Analysis],
    concurrent_analysis: Analysis,
    render: Render,
    locale: str,
    here: str,
) -> None:
    """Facts and figures stand side by side, in the order of the paths; the other's name leads to its page."""
    times = {1: Timing(start=0.0, duration=1.0), 2: Timing(start=0.5, duration=1.0)}
    figures = Measurements(example="x", duration=9.0, peak_memory=1, exchanges=times)
    one = (analysis(), builder.capture(), None)
    two = (concurrent_analysis, concurrent_builder.capture(), figures)
    edition = edition_of(locale)
    links = edition.links(example_uri(locale, concurrent_analysis.example))
    soup = render(render_comparison(two, one, edition, links))
    head, *table = rows(soup)
    assert head[1:] == ["05_multi_user_multi_session_chat.py", f"06_x.py ({here})"]
    cells = [row[1:] for row in table]
    assert cells[1:6] == [["3", "2"], ["8", "3"], ["16", "6"], ["8", "3"], ["6", "2"]]
    assert cells[6:] == [["—", "2"], ["—", "2.00 s"], ["—", "1.50 s"], ["—", "9.00 s"]]
    link = soup.select_one("th a")
    assert link is not None
    assert link["href"] == "05_multi_user_multi_session_chat.md"
    assert render(render_comparison(one, two, edition, links)).get_text().count(here) == 1
    absent = render(render_comparison(two, (analysis(), None, None), edition, links))
    assert {row[1] for row in rows(absent)[1:]} == {"—"}


def test_the_sections_are_those_that_a_narrative_may_have() -> None:
    """Narratives and pages agree on the ids of sections and their order."""
    assert tuple(section for section, _, _ in SECTIONS) == SECTION_IDS
