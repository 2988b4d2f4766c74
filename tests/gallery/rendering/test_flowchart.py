"""Flowcharts of evaluations, teams and tools: of the cookbook, and of tiny scripts that really run."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mermaidx
import pytest
from bs4 import BeautifulSoup

from agno_lite.gallery import pipeline
from agno_lite.gallery.analysis import SymbolIndex
from agno_lite.gallery.config import load_project, open_project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.rendering.sections.flowchart.chart import MOST_BOXES
from agno_lite.gallery.rendering.sections.flowchart.evaluation import COMPARES, PASSES, TABLES
from agno_lite.gallery.store import Store
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.records import Capture

ROOT = Path(__file__).parents[3]
EXAMPLES = (
    "cookbook/09_evals/performance/team_response_with_memory_multi_user.py",
    "cookbook/09_evals/performance/team_response_with_memory_simple.py",
    "cookbook/11_memory/05_multi_user_multi_session_chat.py",
    "cookbook/11_memory/06_multi_user_multi_session_chat_concurrent.py",
)
MULTI_USER, SIMPLE, *_ = EXAMPLES


@dataclass(frozen=True)
class Chart:
    """A flowchart, read back from its Mermaid text."""

    source: str

    @property
    def boxes(self) -> dict[str, list[str]]:
        """Lines of each box's label."""
        found = re.findall(r'^  (\w+)[\[({]+"(.*?)"', self.source, re.MULTILINE)
        return {name: plain(label).split("\\n") for name, label in found}

    @property
    def arrows(self) -> list[tuple[str, str, str, str]]:
        """Source, arrow, label and target of each arrow, frames by their ids."""
        found = re.findall(r'^  (\w+) (<?-\.?->?>?)(?:\|"(.*?)"\|)? (\w+)$', self.source, re.MULTILINE)
        return [(source, arrow, plain(label), target) for source, arrow, label, target in found]

    @property
    def links(self) -> dict[str, str]:
        """Where each box leads."""
        return dict(re.findall(r'^  click (\w+) href "(.*?)"', self.source, re.MULTILINE))

    def labels(self, *prefixes: str) -> list[list[str]]:
        """Labels of the boxes that are numbered under some prefixes."""
        return [label for name, label in self.boxes.items() if name.rstrip("0123456789") in prefixes]

    def counted(self, unit: str, *prefixes: str) -> int:
        """How many of something these boxes name in all."""
        labels = "\n".join(line for label in self.labels(*prefixes) for line in label)
        return sum(int(number) for number in re.findall(rf"(\d+) {unit}\b", labels))

    def times(self, *prefixes: str) -> int:
        """The sum of what stands behind the first `×` of these boxes."""
        return sum(int(label[0].rpartition("×")[2]) for label in self.labels(*prefixes))

    def after(self, name: str) -> dict[str, str]:
        """Labels of the arrows from a box, by target."""
        return {target: label for source, _, label, target in self.arrows if source == name}


def plain(label: str) -> str:
    """A label without entities."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label)


def charts(project: Project, locale: str) -> Iterator[tuple[str, Chart]]:
    """Flowcharts by script."""
    for page in pipeline.pages(project):
        found = re.findall(r"^```mermaid\n(.*?)\n```$", page.markdown, re.DOTALL | re.MULTILINE)
        if page.uri.startswith(f"{locale}/cookbook/") and found:
            yield f"{page.uri[3:-3]}.py", Chart(found[-1])


@pytest.fixture(scope="module")
def real() -> dict[str, Chart]:
    """Flowcharts of the cookbook, in English."""
    return dict(charts(load_project(ROOT), "en"))


@pytest.fixture(scope="module")
def captures() -> dict[str, Capture]:
    """What was recorded of the cookbook."""
    project = load_project(ROOT)
    known = {example.path: Store(project).load(example) for example in discover(project)}
    return {path: capture for path, capture in known.items() if capture}


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[[str], Chart]:
    """Runs a script in a project of its own, and gives its flowchart."""

    def draw(script: str) -> Chart:
        root = tmp_path / "project"
        files = {
            "mkdocs.yml": "site_name: tiny\n",
            "pyproject.toml": '[tool.agno_lite]\noffline = "fallback"\n',
            "cookbook/01_topic/example.py": HEAD + textwrap.dedent(script),
        }
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        project = open_project(root, packages=())
        list(pipeline.capture(project, pipeline.plan(project)))
        return dict(charts(project, "en"))["cookbook/01_topic/example.py"]

    return draw


HEAD = '''
import asyncio

from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.eval import PerformanceEval
from agno_lite.models.openai import OpenAIChat

db = InMemoryDb()
calls = []


def get_weather(city: str) -> str:
    """Look up the weather.

    Args:
        city: the city.
    """
    return f"In {city} it rains."


agent = Agent(name="Weather", model=OpenAIChat(id="gpt-5.2"), tools=[get_weather], db=db)


def add() -> int:
    """Add some numbers."""
    return sum(range(100))


'''


def kinds(capture: Capture) -> Counter[str]:
    """How many spans of each kind a capture has."""
    return Counter(span.kind for span in capture.spans)


# --- the cookbook ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES)
def test_counts_are_those_of_the_capture(
    real: dict[str, Chart], captures: dict[str, Capture], path: str
) -> None:
    """Requests, runs, tool calls and memory updates in the boxes add up to what was captured.

    Requests are told twice: by whose runs they were sent in, and by who sent them.
    """
    chart, capture = real[path], captures[path]
    found = kinds(capture)
    delegated = sum(
        capture.spans[span.parent - 1].kind == semconv.EXECUTE_TOOL
        for span in capture.spans
        if span.kind == semconv.INVOKE_AGENT and span.parent
    )
    assert chart.counted("requests?", "turn", "turns") == len(capture.exchanges)
    assert chart.counted("requests?", "agent", "memory") == len(capture.exchanges)
    assert chart.counted("runs?", "agent") == found[semconv.INVOKE_AGENT]
    assert chart.counted("runs?", "turn", "turns") == found[semconv.INVOKE_AGENT] - delegated
    assert chart.times("memory") == found[semconv.UPDATE_MEMORY]
    assert chart.times("tool") == found[semconv.EXECUTE_TOOL] - delegated


def test_all_can_be_drawn() -> None:
    """Each chart has at most 40 boxes, each a link to a line; Mermaid draws loops and skipped passes."""
    for path, chart in charts(load_project(ROOT), "zh"):
        assert len(chart.boxes) <= MOST_BOXES, path
        assert chart.links.keys() == chart.boxes.keys()
        assert all("#__codelineno-0-" in link for link in chart.links.values())
        if path == SIMPLE:
            svg = BeautifulSoup(mermaidx.render(chart.source).svg(), "html.parser")
            assert len(svg.find_all("a")) == len(chart.boxes)


@pytest.mark.parametrize("path", [MULTI_USER, SIMPLE])
def test_an_evaluation_is_a_loop(real: dict[str, Chart], captures: dict[str, Capture], path: str) -> None:
    """The pass that was made loops over the function; the others are shown with what left them out."""
    chart = real[path]
    text = (ROOT / path).read_text("utf-8").split("\n")
    assert {chart.boxes[name][0]: label for name, label in chart.after("evaluation1").items()} == {
        "memory pass": "",
        "warm-up pass": "warmup_runs=0",
        "runtime pass": "measure_runtime=False",
    }
    for name, setting in (("skipped1", "warmup_runs=0"), ("skipped2", "measure_runtime=False")):
        assert chart.boxes[name][1] == "not made"
        assert setting in text[int(chart.links[name].rpartition("-")[2]) - 1]
    iterations = kinds(captures[path])[semconv.ITERATION]
    assert chart.boxes["function1"] == [f"run_team() ×{iterations}"]
    assert chart.boxes["more1"] == ["more iterations?", f"{iterations} iterations"]
    assert chart.after("more1") == {"function1": "yes", "tables1": "no"}
    assert chart.after("meter1") == {"more1": ""}
    assert chart.boxes["meter1"][-1] == "MemoryMeter.settle()"
    assert "/agno_lite/eval/meters.py/#" in chart.links["meter1"]
    assert chart.boxes["tables1"][1:] == ["print_results()", "print_growth()", "print_summary()"]
    assert set(chart.after("tables1")) == {"result1"}


def test_users_stand_side_by_side(real: dict[str, Chart]) -> None:
    """Five branches between their group and its join, each with its runs over all iterations."""
    chart = real[MULTI_USER]
    turns = [f"turn{number}" for number in range(1, 6)]
    assert chart.boxes["gather1"] == ["asyncio.gather()", "5 branches"]
    assert list(chart.after("gather1")) == turns
    assert chart.boxes["turn1"] == ["run_team_for_user()", "ana@example.com", "5 runs, 35 requests"]
    assert all(chart.after(turn) == {"join1": ""} for turn in turns)
    assert chart.after("join1") == {"meter1": ""}


def test_a_team_gives_tasks_and_gets_answers(real: dict[str, Chart]) -> None:
    """Leader and members with their runs and requests, there and back; each member with its tool."""
    chart = real[MULTI_USER]
    boxes = {label[0]: name for name, label in chart.boxes.items()}
    leader, tool = boxes["City Team"], boxes["get_weather() ×25"]
    assert chart.boxes[leader] == ["City Team", "leader: delegate_task_to_member()", "25 runs, 50 requests"]
    for member in (boxes["Activities Agent"], boxes["Weather Agent"]):
        assert chart.boxes[member][1:] == ["member", "25 runs, 50 requests"]
        assert chart.after(leader)[member] == "task ×25\\nat the same time"
        assert chart.after(member)[leader] == "answer"
    assert chart.after(boxes["Weather Agent"])[tool] == "call ×25"
    assert chart.after(tool) == {boxes["Weather Agent"]: "result"}
    assert chart.after(leader)["memory1"] == "what the user said"
    assert chart.after(leader)["database1"].startswith("75 runs")
    assert real[SIMPLE].after("agent1")["agent2"] == "task ×5"


def test_what_measures_and_prints_is_named_as_it_is() -> None:
    """The functions and settings that charts name are in the code."""
    resolve = SymbolIndex(load_project(ROOT)).resolve
    meters = [meter for _, meter in PASSES.values() if meter]
    settings = [f"agno_lite.eval.performance.PerformanceEval({setting})" for setting, _ in PASSES.values()]
    for name in (*meters, *settings, *TABLES.values(), COMPARES):
        assert resolve(name) is not None, name


# --- tiny scripts ------------------------------------------------------------------------------


def test_all_passes_of_a_synchronous_function(drawn: Callable[[str], Chart]) -> None:
    """Each pass is a loop of its own with its own counts; what differs between iterations is added up."""
    chart = drawn("""
        def ask():
            calls.append(1)
            for user in ("ana", "bilal", "chen")[: len(calls)]:
                agent.run("What is the weather in Oslo?", user_id=user)

        speed = PerformanceEval(ask, name="Speed", num_iterations=2, warmup_runs=1)
        speed.run()
    """)
    assert chart.boxes["entry1"] == ["speed.run()"]
    assert chart.labels("pass") == [["warm-up pass"], ["runtime pass"], ["memory pass"]]
    assert chart.labels("calls") == [["ask() ×1", "1 run, 2 requests"], ["ask() ×2", "5 runs, 10 requests"]]
    assert chart.labels("function") == [["ask() ×2"]]
    assert chart.after("more1") == {"calls1": "yes: not taken", "pass2": "no"}
    assert chart.after("more2") == {"calls2": "yes", "pass3": "no"}
    assert [label[1] for label in chart.labels("meter")] == ["Clock.stop()", "MemoryMeter.stop()"]
    assert [label[1:] for label in chart.labels("turn")] == [
        [user, "2 runs, 4 requests"] for user in ("ana", "bilal", "chen")
    ]
    assert chart.boxes["agent1"] == ["Weather", "12 runs, 24 requests"]
    assert not chart.labels("skipped", "tables")


def test_several_evaluations_and_none_with_a_run(drawn: Callable[[str], Chart]) -> None:
    """Evaluations follow each other, each with its own settings; without runs there are no agents."""
    chart = drawn("""
        def main():
            first = PerformanceEval(add, name="First", num_iterations=2, warmup_runs=0, measure_memory=False)
            first.run(print_summary=True)
            PerformanceEval(add, num_iterations=3, measure_runtime=False).run()

        main()
    """)
    assert chart.labels("evaluation") == [["First"], ["add"]]
    assert chart.labels("function") == [["add() ×2"], ["add() ×3"]]
    assert chart.after("evaluation1") == {
        "pass1": "",
        "skipped1": "warmup_runs=0",
        "skipped2": "measure_memory=False",
    }
    assert chart.after("evaluation2") == {"pass2": "", "skipped3": "measure_runtime=False"}
    assert chart.labels("calls") == [["add() ×10"]]
    assert chart.after("more1") == {"function1": "yes", "tables1": "no"}
    assert chart.after("tables1") == {"evaluation2": ""}
    assert not chart.labels("agent", "tool", "memory", "database", "turn")


def test_settings_that_cannot_be_told_apart_are_not_told(drawn: Callable[[str], Chart]) -> None:
    """Two evaluations of one name: what was left out is shown, but a setting only where both have it."""
    chart = drawn("""
        PerformanceEval(add, name="Same", num_iterations=2, warmup_runs=0, measure_memory=False).run()
        PerformanceEval(add, name="Same", num_iterations=3, warmup_runs=0, measure_runtime=False).run()
    """)
    assert chart.after("evaluation1") == {"pass1": "", "skipped1": "warmup_runs=0", "skipped2": ""}
    assert chart.after("evaluation2") == {"pass2": "", "skipped3": "warmup_runs=0", "skipped4": ""}
    assert [label[0] for label in chart.labels("function")] == ["add() ×2", "add() ×3"]


def test_an_evaluation_that_failed(drawn: Callable[[str], Chart]) -> None:
    """The error leads on, and passes after it were not reached."""
    chart = drawn("""
        def fail():
            raise ValueError("no rain")

        PerformanceEval(fail, num_iterations=3, warmup_runs=0).run()
    """)
    assert chart.boxes["function1"] == ["fail() ×1"]
    assert chart.after("more1")["result1"] == "ValueError: no rain"
    assert [label[1] for label in chart.labels("skipped")] == ["not made", "not reached"]
    assert chart.boxes["result1"][0] == "exit status 1"


def test_iterations_that_differ(drawn: Callable[[str], Chart]) -> None:
    """A branch that only a later iteration has stands beside the others; their number is a range."""
    chart = drawn("""
        async def talk(user):
            await agent.arun("What is the weather in Oslo?", user_id=user)

        async def everybody():
            calls.append(1)
            await asyncio.gather(*(talk(user) for user in ("ana", "bilal", "chen")[: len(calls)]))

        growing = PerformanceEval(everybody, num_iterations=3, warmup_runs=0, measure_runtime=False)
        asyncio.run(growing.arun())
    """)
    assert chart.boxes["gather1"] == ["asyncio.gather()", "1–3 branches"]
    assert list(chart.after("gather1")) == ["turn1", "turn2", "turn3"]
    assert [label[1:] for label in chart.labels("turn")] == [
        ["ana", "3 runs, 6 requests"],
        ["bilal", "2 runs, 4 requests"],
        ["chen", "1 run, 2 requests"],
    ]
    assert len(chart.labels("gather")) == len(chart.labels("join")) == 1


def test_more_users_and_evaluations_than_fit(drawn: Callable[[str], Chart]) -> None:
    """What there is no room for shares boxes, and no request is lost."""
    chart = drawn("""
        async def talk(user):
            await agent.arun("What is the weather in Oslo?", user_id=user)

        async def everybody():
            await asyncio.gather(*(talk(f"user {number}") for number in range(20)))

        asyncio.run(PerformanceEval(everybody, num_iterations=1, warmup_runs=0).arun())
        for number in range(10):
            agent.run("Hello!", user_id=f"user {number}")
            PerformanceEval(add, name=f"E{number}", num_iterations=1, warmup_runs=0).run()
    """)
    assert len(chart.boxes) <= MOST_BOXES
    assert chart.counted("requests?", "agent") == 2 * 20 * 2 + 10
    assert chart.counted("requests?", "turn", "turns", "calls", "evaluation") == 2 * 20 * 2 + 10


def test_tools_without_an_evaluation(drawn: Callable[[str], Chart]) -> None:
    """A script's own runs, and the loop of the agent with its tool."""
    chart = drawn("""
        agent.run("What is the weather in Oslo?", user_id="ana")
        agent.run("What is the weather in Rome?", user_id="ana")
    """)
    assert chart.after("agent1")["tool1"] == "call ×2"
    assert chart.after("tool1") == {"agent1": "result"}
    assert chart.counted("requests?", "turn") == chart.counted("requests?", "agent") == 4
