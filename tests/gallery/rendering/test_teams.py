"""Teams and evaluations on a page: layers, prompts by agent, settings by object, the run's facts."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from typing import TYPE_CHECKING, Any

import mermaidx
import pytest

from agno_lite.eval.performance import PerformanceEval
from agno_lite.gallery.records import Example, ObjectConfiguration, Setting, Symbol
from agno_lite.gallery.rendering import render_example
from agno_lite.gallery.rendering.objects import PASSES
from agno_lite.tracing import add_watcher, remove_watcher, semconv

if TYPE_CHECKING:
    from collections.abc import Callable

    from bs4 import BeautifulSoup

    from agno_lite.gallery.records import Analysis, Page
    from agno_lite.gallery.rendering import Edition
    from agno_lite.tracing import Span

    Render = Callable[[str], BeautifulSoup]
    Part = Callable[[BeautifulSoup, str], BeautifulSoup]
    CaptureBuilder = Any

PATH = "cookbook/09_evals/desk.py"
SCRIPT = """import asyncio

from agno_lite.agent import Agent
from agno_lite.eval.performance import PerformanceEval
from agno_lite.models.openai import OpenAIChat
from agno_lite.team import Team


def get_weather(city):
    return city


scout = Agent(name="Scout", role="looks", model=OpenAIChat(id="m"))
cook = Agent(
    model=OpenAIChat(id="m"),
    role="cooks",
)
kitchen = Team(name="Kitchen", members=[cook])
desk = Team(
    name="Desk",
    members=[kitchen, scout],
    description="front",
)


async def ask(user):
    await desk.arun("hi", user_id=user)


async def run_desk():
    await asyncio.gather(ask("a"), ask("b"))


check = PerformanceEval(
    name="Desk",
    func=run_desk,
    num_iterations=2,
    warmup_runs=0,
)
asyncio.run(check.arun())
"""
AGENT_PARAMETERS = ("description", "role")
TEAM_PARAMETERS = ("members", "description", "role")
ITERATIONS, BRANCHES = 2, 2
RUNS = ITERATIONS * BRANCHES


def parameter(cls: str, name: str) -> Symbol:
    """A parameter's definition: each class has a file of its own."""
    path = f"agno_lite/{cls.lower()}.py"
    return Symbol(
        name=f"agno_lite.{cls}({name})", kind="parameter", path=path, line=7, end_line=7, summary=""
    )


def made(site: int, line: int, cls: str, variable: str | None, **passed: str) -> ObjectConfiguration:
    """An object with the settings that its call passes; description and role by default `None`."""
    defaults = {"Agent": AGENT_PARAMETERS, "Team": TEAM_PARAMETERS, "PerformanceEval": ("measure_runtime",)}
    settings = [
        Setting(
            name=name, source=source, value=source.replace('"', "'"), read=True, symbol=parameter(cls, name)
        )
        for name, source in passed.items()
    ]
    settings += [
        Setting(name=name, source=None, value="None", read=True, symbol=parameter(cls, name))
        for name in defaults.get(cls, ())
        if name not in passed
    ]
    return ObjectConfiguration(
        site=site, line=line, cls=cls, variable=variable, symbol=None, settings=tuple(settings)
    )


CONFIGURATIONS = (
    made(0, 13, "Agent", "scout", name='"Scout"', role='"looks"', model='OpenAIChat(id="m")'),
    made(1, 13, "OpenAIChat", None, id='"m"'),
    made(2, 14, "Agent", "cook", model='OpenAIChat(id="m")', role='"cooks"'),
    made(3, 15, "OpenAIChat", None, id='"m"'),
    made(4, 18, "Team", "kitchen", name='"Kitchen"', members="[cook]"),
    made(5, 19, "Team", "desk", name='"Desk"', members="[kitchen, scout]", description='"front"'),
    made(
        6, 34, "PerformanceEval", "check", name='"Desk"', func="run_desk", num_iterations="2", warmup_runs="0"
    ),
)


class Desk:
    """Builds a capture of the script: an evaluation of a team that has a team for a member."""

    def __init__(self, builder: CaptureBuilder) -> None:
        self.builder = builder
        builder.spans.clear()
        builder.exchanges.clear()
        builder.memories.clear()
        owner = ("agno_lite/eval/performance.py", "PerformanceEval._evaluate")
        evaluation = builder.span(None, semconv.EVALUATE, f"{semconv.EVALUATE} Desk", owner)
        measured = builder.span(evaluation, semconv.MEASURE, f"{semconv.MEASURE} memory", owner)
        for number in range(ITERATIONS):
            iteration = builder.span(measured, semconv.ITERATION, f"{semconv.ITERATION} {number + 1}", owner)
            gather = builder.span(
                iteration,
                semconv.GATHER,
                f"{semconv.GATHER} asyncio.gather",
                (PATH, "run_desk"),
                concurrent=True,
            )
            for user in ("a", "b"):
                branch = builder.span(gather, semconv.BRANCH, f"{semconv.BRANCH} ask", (PATH, "ask"))
                self.ask(branch, user, f"<uuid:{number}{user}>", effective=number > 0)

    def ask(self, branch: int, user: str, session: str, *, effective: bool) -> None:
        """A run of the outer team: it delegates to both members at once, and keeps a memory."""
        builder = self.builder
        run = self.run(branch, "desk", "Desk", user, session)
        self.prompt(run, TEAM_PARAMETERS, {"description"} if effective else set())
        turn = builder.span(run, semconv.TURN, semconv.TURN, concurrent=True)
        answer = builder.span(turn, semconv.ANSWER, semconv.ANSWER)
        calls = builder.span(answer, semconv.TOOL_CALLS, semconv.TOOL_CALLS, concurrent=True)
        kitchen = self.member(self.delegated(calls), "kitchen", "Kitchen", user, session, leads=True)
        self.member(self.delegated(kitchen), "agent", None, user, session)
        scout = self.member(self.delegated(calls), "scout", "Scout", user, session)
        self.tool(scout, "get_weather")
        builder.chat(answer, request("leader's words"), said("done"))
        builder.remember(turn, user, "hi", (f"User {user} said hi.",))
        builder.memories[user] = [f"User {user} said hi."]
        builder.database(run, "save_run", user)

    def run(self, parent: int, identity: str, name: str | None, user: str, session: str) -> int:
        """A run's span."""
        span: int = self.builder.span(
            parent,
            semconv.INVOKE_AGENT,
            f"invoke_agent {name or ''}".strip(),
            gen_ai__agent__id=identity,
            gen_ai__agent__name=name,
            gen_ai__conversation__id=session,
            user__id=user,
        )
        return span

    def prompt(self, run: int, parameters: tuple[str, ...], effective: set[str]) -> None:
        """The prompt of a run, with the sections of some parameters in effect."""
        rows = [
            {
                "number": str(number),
                "part": name,
                "parameter": name,
                "text": f"the {name}" if name in effective else None,
                "active": name in effective,
            }
            for number, name in enumerate(parameters, start=1)
        ]
        owner = ("agno_lite/run/prompt.py", "build_system_message")
        self.builder.span(
            run, semconv.BUILD_PROMPT, semconv.BUILD_PROMPT, owner, agno_lite__prompt__sections=rows
        )

    def tool(self, answer: int, name: str) -> int:
        """A tool call, the only one of its response."""
        calls = self.builder.span(answer, semconv.TOOL_CALLS, semconv.TOOL_CALLS)
        span: int = self.builder.span(
            calls, semconv.EXECUTE_TOOL, f"execute_tool {name}", gen_ai__tool__name=name
        )
        return span

    def delegated(self, calls: int) -> int:
        """A task given to a member, among the tool calls of a response."""
        span: int = self.builder.span(
            calls,
            semconv.EXECUTE_TOOL,
            "execute_tool delegate_task_to_member",
            gen_ai__tool__name="delegate_task_to_member",
        )
        return span

    def member(
        self, parent: int, identity: str, name: str | None, user: str, session: str, *, leads: bool = False
    ) -> int:
        """A member's run; gives the id of its answer, which asks the model first."""
        run = self.run(parent, identity, name, user, session)
        self.prompt(run, TEAM_PARAMETERS if leads else AGENT_PARAMETERS, {"role"})
        answer: int = self.builder.span(run, semconv.ANSWER, semconv.ANSWER)
        self.builder.chat(answer, request(f"{identity}'s words"), said("done"))
        return answer


def request(system: str) -> dict[str, Any]:
    """A request with these instructions."""
    return {"model": "gpt-4o-mini", "messages": [{"role": "developer", "content": system}]}


def said(text: str) -> dict[str, Any]:
    """A model's answer."""
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


@pytest.fixture
def desk_analysis(analysis: Callable[..., Analysis]) -> Analysis:
    """The analysis of the script."""
    example = Example(path=PATH, narratives={})
    return analysis(SCRIPT, example=example, configurations=CONFIGURATIONS)


@pytest.fixture
def desk_page(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], desk_analysis: Analysis
) -> Callable[..., Page]:
    """Makes the page of the script."""
    Desk(builder)

    def make(locale: str = "en", **changes: Any) -> Page:
        known = dataclasses.replace(desk_analysis, **changes)
        return render_example(known, builder.capture(), None, {}, edition_of(locale))

    return make


def chart(page: Page) -> str:
    """The page's first diagram."""
    found = re.search(r"^```mermaid\n(.*?)\n```$", page.markdown, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def frames(source: str) -> dict[str, list[str]]:
    """Titles of a diagram's frames, and the labels of the boxes in each."""
    found = re.findall(r'subgraph \w+\["(.*?)"\]\n(.*?)\n  end', source, re.DOTALL)
    return {
        title.replace("#58;", ":"): [
            label.replace("#58;", ":").replace("\\n", "\n") for label in re.findall(r'"(.*?)"\)?\]', inside)
        ]
        for title, inside in found
    }


def arrows(source: str) -> set[tuple[str, str, str]]:
    """First lines of the boxes that a diagram's arrows lead between, and what the arrows say."""
    names = {
        name: label.replace("#58;", ":").split("\\n")[0]
        for name, label in re.findall(r'^  (\w+)[\[(]+"(.*?)"', source, re.MULTILINE)
    }
    found = re.findall(r'^  (\w+) -\.?->(?:\|"(.*?)"\|)? (\w+)$', source, re.MULTILINE)
    return {(names[left], label, names[right]) for left, label, right in found if right in names}


def test_everybody_has_a_layer(desk_page: Callable[..., Page]) -> None:
    """The evaluation, the team and each member have a frame each, with the steps that ran inside of it."""
    found = frames(chart(desk_page()))
    assert list(found) == [
        "User code",
        "Evaluation layer: Desk",
        "Team layer: Desk, the leader",
        "Member layer: Scout",
        "Member layer: Kitchen, the leader of a team",
        "Member layer: agent",
        "Model",
        "Database postgresql",
    ]
    assert found["Evaluation layer: Desk"] == [
        "PerformanceEval._evaluate()\nmemory pass: 2 iterations",
        "run_desk()\nasyncio.gather() ×2: 4 branches",
    ]
    titles = [label.split("\n")[0] for label in found["Member layer: Scout"]]
    assert titles == ["system prompt ×4", "answer ×4", "tool get_weather ×4"]
    assert found["Team layer: Desk, the leader"][2] == "tool delegate_task_to_member ×8"


def test_arrows_say_what_flows(desk_page: Callable[..., Page]) -> None:
    """Calls, runs, tasks with their answers, tool calls and requests are on the arrows, with numbers."""
    found = arrows(chart(desk_page()))
    assert found >= {
        ("desk.py", "the function", "PerformanceEval._evaluate()"),
        ("PerformanceEval._evaluate()", "2 calls", "run_desk()"),
        ("run_desk()", "4 runs → 4 answers", "system prompt ×4"),
        ("answer ×4", "8 calls", "tool delegate_task_to_member ×8"),
        ("tool delegate_task_to_member ×8", "4 tasks → 4 answers", "system prompt ×4"),
        ("tool delegate_task_to_member ×4", "4 tasks → 4 answers", "system prompt ×4"),
        ("answer ×4", "4 calls", "tool get_weather ×4"),
        ("answer ×4", "4 requests", "gpt-4o-mini"),
        ("memory update ×4", "4 requests", "gpt-4o-mini"),
        ("tool delegate_task_to_member ×8", "", "save_run ×4"),
        ("change_memories ×4", "", "save_run ×4"),
    }
    assert ("change_memories ×4", "", "tool delegate_task_to_member ×8") not in found


def test_users_have_their_part_of_the_database(desk_page: Callable[..., Page]) -> None:
    """Sessions that the script has no name for are counted; memories are counted and shown."""
    users = frames(chart(desk_page()))["Database postgresql"]
    assert users[0] == "a\n2 sessions\n1 memory\n- User a said hi."
    assert len(users) == 2


def test_a_tool_of_the_script_leads_to_its_function(desk_page: Callable[..., Page]) -> None:
    """The box of a tool links the line of the script that defines it."""
    source = chart(desk_page())
    name = re.search(r'(\w+)\["tool get_weather', source)
    assert name is not None
    assert re.search(rf'click {name[1]} href ".*desk\.py/#__codelineno-0-9"', source)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_layers_can_be_drawn_however_many_there_are(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], desk_analysis: Analysis, locale: str
) -> None:
    """With many evaluations, members, steps, models and users the diagram has 40 boxes at most."""
    desk = Desk(builder)
    for number in range(12):
        evaluation = builder.span(None, semconv.EVALUATE, f"{semconv.EVALUATE} E{number}")
        run = desk.run(evaluation, f"agent{number}", f"Agent {number}", f"user{number}", f"<uuid:{number}>")
        desk.prompt(run, AGENT_PARAMETERS, set())
        answer = builder.span(run, semconv.ANSWER, semconv.ANSWER)
        for tool in range(12):
            desk.tool(answer, f"tool{tool}")
        builder.database(run, "save_run", f"user{number}")
        span = builder.span(answer, semconv.CHAT, "chat", gen_ai__request__model=f"model{number}")
        assert span
    page = render_example(desk_analysis, builder.capture(), None, {}, edition_of(locale))
    source = chart(page)
    boxes = re.findall("^  click", source, re.MULTILINE)
    assert 30 < len(boxes) <= 40
    assert mermaidx.render(source).svg()
    more = "more" if locale == "en" else "另外"
    for role in ("eval", "model", "user", "agents", r"agent\d_more"):
        assert re.search(rf'^  {role}\d*[\[(]+"[^"]*{more}', source, re.MULTILINE), role


def tables(soup: BeautifulSoup) -> dict[str, list[list[str]]]:
    """Rows of the first table under each heading, heads left out."""
    found = {}
    for heading in soup.find_all("h3"):
        table = heading.find_next("table")
        assert table is not None
        rows = [[cell.get_text() for cell in row.find_all("td")] for row in table.find_all("tr")]
        found[heading.get_text()] = rows[1:]
    return found


def test_prompts_are_told_by_agent(desk_page: Callable[..., Page], render: Render, part: Part) -> None:
    """Leader and members have a table and a text each, with the settings of that object and no other."""
    soup = part(render(desk_page().markdown), "system-prompt")
    found = tables(soup)
    assert list(found) == [
        "Desk: leader",
        "Scout: member of Desk",
        "Kitchen: member of Desk and leader",
        "agent: member of Kitchen",
    ]
    assert found["Desk: leader"] == [
        ["1", "members members", "[kitchen, scout] (line 21)", "no"],
        ["2", "description description", "the description (line 22)", "in 2 of 4 runs"],
        ["3", "role role", "None", "no"],
    ]
    assert found["agent: member of Kitchen"] == [
        ["1", "description description", "None", "no"],
        ["2", "role role", "the role (line 16)", "in 4 of 4 runs"],
    ]
    links = [link["href"] for link in soup.find_all("a", string="role")]
    paths = [str(link).partition(".md#")[0].rpartition("/")[2] for link in links]
    assert paths == ["team.py", "agent.py", "team.py", "agent.py"]
    texts = [block.get_text().strip() for block in soup.select("pre > code")]
    assert texts == [
        "leader's words",
        "scout's words",
        "kitchen's words",
        "agent's words",
        "Keep what matters.",
    ]


def test_memory_managers_are_told_apart_where_they_differ(
    builder: CaptureBuilder,
    edition_of: Callable[..., Edition],
    desk_analysis: Analysis,
    render: Render,
    part: Part,
) -> None:
    """The text that two agents' managers send stands once if it is equal, else with the agents' names."""
    desk = Desk(builder)
    run = desk.run(builder.span(None, semconv.BRANCH, "b"), "other", "Other", "a", "<uuid:9>")
    builder.remember(run, "a", "hi", ())

    def titles() -> list[str]:
        page = render_example(desk_analysis, builder.capture(), None, {}, edition_of())
        soup = part(render(page.markdown), "system-prompt")
        return [title.get_text() for title in soup.select("details > summary")]

    assert titles() == ["What the memory manager sends, as of its last update"]
    key = builder.body(request("Keep nothing."))
    builder.exchanges[-1] = dataclasses.replace(builder.exchanges[-1], request=key)
    assert [title.rpartition(": ")[2] for title in titles()] == ["Desk", "Other"]


def test_an_object_that_cannot_be_told_has_no_settings(
    desk_page: Callable[..., Page], render: Render, part: Part
) -> None:
    """Of two objects of one name and different settings none is taken for the agent."""
    twin = made(2, 14, "Agent", "twin", name='"Scout"', role='"hides"')
    page = desk_page(configurations=(*CONFIGURATIONS, twin))
    found = tables(part(render(page.markdown), "system-prompt"))
    assert found["Scout: member of Desk"][1] == ["2", "role role", "the role (line 13)", "in 4 of 4 runs"]
    unlisted = [
        dataclasses.replace(made, variable=None) if made.variable == "scout" else made
        for made in CONFIGURATIONS
    ]
    page = desk_page(configurations=(*unlisted, dataclasses.replace(twin, variable=None)))
    soup = part(render(page.markdown), "system-prompt")
    assert tables(soup)["Scout: member of Desk"][1] == ["2", "role role", "the role", "in 4 of 4 runs"]
    assert len(soup.find_all("a", string="role")) == 3


def test_equal_objects_share_a_table(desk_page: Callable[..., Page], render: Render, part: Part) -> None:
    """Objects of equal settings are one table with the lines of all; others have their own."""
    soup = part(render(desk_page().markdown), "configuration")
    titles = [heading.get_text() for heading in soup.find_all("h3")]
    assert titles == ["scout", "OpenAIChat", "cook", "kitchen", "desk", "check", "This run"]
    heading = soup.find("h3", string="OpenAIChat")
    assert heading is not None
    head = heading.find_next("p")
    assert head is not None
    assert head.get_text() == "OpenAIChat ×2 (line 13, line 15)"
    links = [link["href"] for link in head.find_all("a")]
    assert [str(link).rpartition("-")[2] for link in links] == ["13", "15"]


def test_facts_of_an_evaluated_run(
    desk_page: Callable[..., Page], render: Render, part: Part, builder: CaptureBuilder
) -> None:
    """Users, sessions, passes made and not made with their settings, runs, and how they follow each other."""
    soup = part(render(desk_page().markdown), "configuration")
    facts = dict(tables(soup)["This run"])
    requests = len(builder.exchanges)
    assert facts == {
        "Users": "2: a, b",
        "Sessions": "4",
        "Iterations of Desk": "memory pass: 2"
        "warm-up pass: not made, warmup_runs=0"
        "runtime pass: not made, measure_runtime=None",
        "Runs": f"{RUNS} + {3 * RUNS} runs of members",
        "Requests to models": str(requests),
        "Answers in a stream": "no",
        "Way of running": "the evaluation's iterations one after another; in each of them concurrent: "
        "2 branches by asyncio.gather, line 31",
    }
    link = soup.find("a", string="warmup_runs=0")
    assert link is not None
    assert str(link["href"]).endswith("desk.py.md#__codelineno-0-38")


def test_streamed_answers_are_counted(
    desk_page: Callable[..., Page], render: Render, part: Part, builder: CaptureBuilder
) -> None:
    """Of requests that are partly streamed the page says how many are; of all that they are."""
    builder.exchanges[0] = dataclasses.replace(builder.exchanges[0], streamed=True)
    facts = dict(tables(part(render(desk_page().markdown), "configuration"))["This run"])
    assert facts["Answers in a stream"] == f"1 of {len(builder.exchanges)}"
    builder.exchanges[:] = [dataclasses.replace(one, streamed=True) for one in builder.exchanges]
    facts = dict(tables(part(render(desk_page().markdown), "configuration"))["This run"])
    assert facts["Answers in a stream"] == "yes"


def test_passes_are_called_as_evaluations_call_them() -> None:
    """The titles of passes and the settings that leave them out are the evaluation's own."""
    titles: list[str] = []

    class Passes:
        def on_start(self, span: Span) -> None:
            if span.kind == semconv.MEASURE:
                titles.append(span.name.removeprefix(semconv.MEASURE).strip())

        def on_end(self, span: Span) -> None:
            """Nothing to do."""

    watcher = Passes()
    add_watcher(watcher)
    try:
        asyncio.run(PerformanceEval(int, num_iterations=1, warmup_runs=1).arun())
    finally:
        remove_watcher(watcher)
    assert titles == list(PASSES)
    for setting in PASSES.values():
        assert hasattr(PerformanceEval(int), setting)


def test_the_index_follows_the_run(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], desk_analysis: Analysis
) -> None:
    """Functions first entered in a race stand in the order of their spans, not of their names."""
    Desk(builder)
    entered = (
        "agno_lite/memory/manager.py::MemoryManager._update",
        "agno_lite/run/loop.py::execute",
    )
    page = render_example(desk_analysis, builder.capture(entered=entered), None, {}, edition_of())
    index = page.markdown.partition("{ #source-index }")[2]
    names = re.findall(r"\[`([\w.]+\(?[\w)]*)`\]\([^)]*\) L\d+", index)
    assert names.index("execute()") < names.index("MemoryManager._update()")


def test_what_owns_no_span_stands_where_it_was_called(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], desk_analysis: Analysis
) -> None:
    """Beside its module's functions, else after what was entered before it; what was never called is last."""
    Desk(builder)
    kinds = {"a.A.start": "function", "a.LIMIT": "attribute", "agno_lite.run.loop.RunCall": "class"}
    cited = [
        Symbol(
            name=name,
            kind=kind,
            path=f"{name.partition('.R')[0].partition('.A')[0].partition('.L')[0].replace('.', '/')}.py",
            line=1,
            end_line=1,
            summary="",
        )
        for name, kind in kinds.items()
    ]
    entered = (
        "agno_lite/run/loop.py::execute",
        "agno_lite/memory/manager.py::MemoryManager._update",
        "a.py::A.start",
    )
    page = render_example(
        desk_analysis, builder.capture(entered=entered), None, {}, edition_of(), cited=tuple(cited)
    )
    index = page.markdown.partition("{ #source-index }")[2]
    names = re.findall(r"\[`([\w.]+\(?[\w)]*)`\]\([^)]*\) L\d+", index)
    wanted = ["execute()", "RunCall", "MemoryManager._update()", "A.start()", "LIMIT"]
    assert [name for name in names if name in wanted] == wanted
