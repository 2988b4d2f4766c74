"""Memory updates, the database, and what flows between them and the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.escape import shortened
from agno_lite.gallery.rendering.facts import operation
from agno_lite.gallery.rendering.sections.flowchart.chart import limited
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.facts import Run
    from agno_lite.gallery.rendering.sections.flowchart.chart import Chart
    from agno_lite.gallery.rendering.sections.flowchart.inside import Inside

MOST_USERS = 6
"""Boxes for users' memory updates; the rest shares one more."""
_SHOWN = 40
"""Characters of a memory that a box shows."""
_TEXTS = 4
"""Memories that a box shows."""


class Storage:
    """The boxes of memory updates and of the database.

    What a conversation leaves in memory is shown by user. An evaluation says the same things again and
    again: its updates are told as a number.

    Args:
        chart: gets the boxes.
    """

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._facts = chart.facts
        updates = [span for span in self._facts.capture.spans if span.kind == semconv.UPDATE_MEMORY]
        self._boxes: dict[int, str] = {}
        self._draw_users([span for span in updates if not self._facts.evaluation(span.id)])
        self._draw_measured([span for span in updates if self._facts.evaluation(span.id)])
        self.database = self._draw_database()

    def updated(self, runs: Iterable[Run]) -> list[str]:
        """The boxes of the memory updates of some runs."""
        outer = {run.span.id for run in runs if run.span}
        boxes = (box for span, box in self._boxes.items() if outer & self._around(span))
        return list(dict.fromkeys(boxes))

    def connect(self, inside: Inside) -> None:
        """Draw the arrows: from runs to memory updates, to the database, and back into prompts."""
        say, flow = self._chart.context.say, self._chart.flow
        for source, target in dict.fromkeys(self._remembered(inside)):
            flow(source, target, say("what the user said"))
        if not self.database:
            return
        for box in dict.fromkeys(self._boxes.values()):
            flow(box, self.database, say("new memories"))
        for agent, runs in inside.asked(self._facts.runs).items():
            recalled = any(self._facts.recalled(run) for run in runs)
            back = f" / {say('memories of the user')}" if recalled else ""
            saved = self._chart.count_runs(sum(self._saved(run) for run in runs))
            flow(agent, self.database, f"{saved}{back}", both=recalled)

    def _around(self, span: int) -> set[int]:
        return {outer.id for outer in self._facts.ancestors(span)}

    def _remembered(self, inside: Inside) -> Iterator[tuple[str, str]]:
        """From where the memory updates come: the calls of a conversation, the agents of an evaluation."""
        for place, runs in self._chart.talks:
            yield from ((place, box) for box in self.updated(runs))
        for span, box in self._boxes.items():
            agent = inside.of(self._facts.spans[span]) if self._facts.evaluation(span) else None
            if agent:
                yield agent, box

    def _saved(self, run: Run) -> int:
        """How many runs were stored of a run: itself, and those of members."""
        spans = self._facts.inside(run.span, semconv.DATABASE) if run.span else []
        return sum(operation(span) == "save_run" for span in spans)

    # --- boxes -------------------------------------------------------------------------------------

    def _draw_users(self, updates: list[SpanRecord]) -> None:
        """One box per user, with what the updates changed."""
        by_user: dict[str, list[SpanRecord]] = {}
        for span in updates:
            by_user.setdefault(_user(span), []).append(span)
        shown, rest = limited(list(by_user.items()), MOST_USERS)
        for user, spans in shown:
            self._draw(user, spans, _texts(spans))
        if rest:
            spans = [span for _, found in rest for span in found]
            more = self._chart.context.count("%(num)d more user", "%(num)d more users", len(rest))
            self._draw(more, spans, _texts(spans))

    def _draw_measured(self, updates: list[SpanRecord]) -> None:
        """One box for all updates in evaluations."""
        users = list(dict.fromkeys(_user(span) for span in updates))
        count = self._chart.context.count("%(num)d user", "%(num)d users", len(users))
        if updates:
            self._draw(users[0] if len(users) == 1 else count, updates, [])

    def _draw(self, whose: str, updates: list[SpanRecord], texts: list[str]) -> None:
        title = f"{self._chart.context.say('memory update')} ×{len(updates)}"
        requests = self._chart.count_requests(sum(self._facts.requests_sent[span.id] for span in updates))
        place = self._chart.at(self._chart.context.owner(updates[0]))
        label = "\n".join([title, whose, requests, *texts])
        box = self._chart.inside("memory", label, "memory", place)
        self._boxes |= dict.fromkeys((span.id for span in updates), box)

    def _draw_database(self) -> str:
        """The database's box, if there is one."""
        context = self._chart.context
        spans = [span for span in self._facts.capture.spans if span.kind == semconv.DATABASE]
        if not spans:
            return ""
        system = str(spans[0].attributes.get(semconv.DB_SYSTEM_NAME) or context.say("database"))
        label = f"{system}\n{context.say('sessions and memories, by user')}"
        return self._chart.inside("database", label, "database", self._chart.at(context.database(spans[0])))


def _user(span: SpanRecord) -> str:
    return str(span.attributes.get(semconv.USER_ID) or "")


def _texts(updates: list[SpanRecord]) -> list[str]:
    """The memories that updates kept, as far as there is room."""
    changes = [change for span in updates for change in span.attributes.get(semconv.MEMORIES_CHANGED) or ()]
    kept = [shortened(str(change.get("memory") or ""), _SHOWN) for change in changes]
    texts = [text for text in kept if text]
    return [*texts[:_TEXTS], *(["…"] if len(texts) > _TEXTS else [])]
