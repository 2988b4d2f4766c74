"""What happens inside of runs, all runs together: agents, the members they ask, their tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.sections.flowchart.chart import limited
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.facts import Run
    from agno_lite.gallery.rendering.sections.flowchart.chart import Chart, Place

MOST_AGENTS = 6
"""Boxes for agents; the rest shares one more."""
MOST_TOOLS = 6
"""Boxes for tools; the rest shares one more."""


class Inside:
    """The boxes of agents and tools.

    Args:
        chart: gets the boxes.
    """

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._facts = chart.facts
        self._runs = self._spans(semconv.INVOKE_AGENT)
        self._delegated = dict(self._delegations())
        delegating = {tool.id for tool in self._delegated.values() if tool}
        agents = _by(semconv.AGENT_NAME, self._runs)
        tools = _by(
            semconv.TOOL_NAME,
            (call for call in self._spans(semconv.EXECUTE_TOOL) if call.id not in delegating),
        )
        self._frame = chart.context.say("inside of the runs") if len(agents) + len(tools) > 1 else ""
        self._boxes = self._draw_agents(agents)
        self._called = self._draw_tools(tools)

    def of(self, span: SpanRecord) -> str | None:
        """The box of the agent in whose run a span is."""
        run = self._run_around(span)
        return self._boxes[run.id] if run else None

    def asked(self, runs: Iterable[Run]) -> dict[str, list[Run]]:
        """Runs that the script asked for, by the box of their agent."""
        found: dict[str, list[Run]] = {}
        for run in runs:
            if run.span:
                found.setdefault(self._boxes[run.span.id], []).append(run)
        return found

    def connect(self) -> None:
        """Draw the arrows to agents, to members and to tools, and back."""
        say, flow = self._chart.context.say, self._chart.flow
        for place, runs in self._chart.callers:
            for agent in self.asked(runs):
                flow(place, agent, f"{say('question')} / {say('answer')}", both=True)
        for (leader, member), tasks in self._pairs(self._delegated, self._boxes).items():
            flow(leader, member, self._task(tasks))
            flow(member, leader, say("answer"))
        for (agent, tool), calls in self._pairs(self._called, self._called).items():
            flow(agent, tool, f"{say('call')} ×{len(calls)}")
            flow(tool, agent, say("result"))

    # --- facts -------------------------------------------------------------------------------------

    def _spans(self, kind: str) -> list[SpanRecord]:
        return [span for span in self._facts.capture.spans if span.kind == kind]

    def _run_around(self, span: SpanRecord) -> SpanRecord | None:
        """The innermost run that a span is in, other than itself."""
        around = self._facts.ancestors(span.parent)
        return next((outer for outer in around if outer.kind == semconv.INVOKE_AGENT), None)

    def _delegations(self) -> Iterator[tuple[int, SpanRecord | None]]:
        """The runs of members, each with the call of a tool by which the leader gave the task."""
        stops = (semconv.EXECUTE_TOOL, semconv.INVOKE_AGENT)
        for run in self._runs:
            if self._run_around(run):
                around = (outer for outer in self._facts.ancestors(run.parent) if outer.kind in stops)
                nearest = next(around)
                yield run.id, nearest if nearest.kind == semconv.EXECUTE_TOOL else None

    def _pairs(self, inner: Iterable[int], boxes: dict[int, str]) -> dict[tuple[str, str], list[int]]:
        """Spans inside of runs by the box of the run's agent and their own."""
        found: dict[tuple[str, str], list[int]] = {}
        for span in inner:
            agent = self.of(self._facts.spans[span])
            if agent:
                found.setdefault((agent, boxes[span]), []).append(span)
        return found

    # --- boxes -------------------------------------------------------------------------------------

    def _draw_agents(self, agents: dict[str, list[SpanRecord]]) -> dict[int, str]:
        """One box per agent; gives the box of each run."""
        shown, rest = limited(list(agents.items()), MOST_AGENTS)
        boxes: dict[int, str] = {}
        for name, runs in shown:
            title = "\n".join([name, *self._part(runs)])
            boxes |= self._draw_agent(title, runs, self._chart.made(name, runs[0]))
        if rest:
            runs = [run for _, found in rest for run in found]
            title = self._chart.context.count("%(num)d more agent", "%(num)d more agents", len(rest))
            boxes |= self._draw_agent(title, runs, self._chart.made(rest[0][0], runs[0]))
        return boxes

    def _part(self, runs: list[SpanRecord]) -> list[str]:
        """What an agent is to others: a member, a leader who gives tasks by a tool."""
        say, own = self._chart.context.say, {run.id for run in runs}
        led = [run for run in self._delegated if self._leader(run) in own]
        calls = [call for run in led if (call := self._delegated[run])]
        tools = dict.fromkeys(f"{call.attributes.get(semconv.TOOL_NAME)}()" for call in calls)
        leader = ": ".join([say("leader"), *([", ".join(tools)] if tools else [])])
        member = [say("member")] if own & self._delegated.keys() else []
        return [leader, *member] if led else member

    def _leader(self, run: int) -> int | None:
        around = self._run_around(self._facts.spans[run])
        return around.id if around else None

    def _draw_agent(self, title: str, runs: list[SpanRecord], place: Place) -> dict[int, str]:
        requests = self._chart.count_requests(sum(self._facts.requests_sent[run.id] for run in runs))
        label = f"{title}\n{self._chart.count_runs(len(runs))}, {requests}"
        box = self._chart.inside("agent", label, "agent", place, self._frame)
        return dict.fromkeys((run.id for run in runs), box)

    def _draw_tools(self, tools: dict[str, list[SpanRecord]]) -> dict[int, str]:
        """One box per tool; gives the box of each call."""
        shown, rest = limited(list(tools.items()), MOST_TOOLS)
        boxes: dict[int, str] = {}
        for name, calls in shown:
            boxes |= self._draw_tool(f"{name}()", name, calls)
        if rest:
            calls = [call for _, found in rest for call in found]
            title = self._chart.context.count("%(num)d more tool", "%(num)d more tools", len(rest))
            boxes |= self._draw_tool(title, rest[0][0], calls)
        return boxes

    def _draw_tool(self, title: str, name: str, calls: list[SpanRecord]) -> dict[int, str]:
        line = self._chart.context.script.line(name)
        place = self._chart.here(line) if line else self._chart.at(self._chart.context.owner(calls[0]))
        box = self._chart.inside("tool", f"{title} ×{len(calls)}", "tool", place, self._frame)
        return dict.fromkeys((call.id for call in calls), box)

    def _task(self, runs: list[int]) -> str:
        """What a leader gives to a member, and whether other calls go out beside it."""
        say = self._chart.context.say
        calls = [call for run in runs if (call := self._delegated[run])]
        beside = [self._facts.spans[call.parent].concurrent for call in calls if call.parent]
        lines = [f"{say('task')} ×{len(runs)}"]
        if any(beside):
            lines.append(say("at the same time") if all(beside) else say("partly at the same time"))
        return "\n".join(lines)


def _by(attribute: str, spans: Iterable[SpanRecord]) -> dict[str, list[SpanRecord]]:
    """Spans by the text of an attribute, in order."""
    found: dict[str, list[SpanRecord]] = {}
    for span in spans:
        found.setdefault(str(span.attributes.get(attribute) or ""), []).append(span)
    return found
