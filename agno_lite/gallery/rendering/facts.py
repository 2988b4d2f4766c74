"""A capture as pages tell it: its runs, each with its requests and what it changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.rendering import wire
from agno_lite.gallery.rendering.script import Script, ScriptCall
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.records import JSON, Capture, Exchange, SpanRecord


_SCRIPT = frozenset({semconv.GATHER, semconv.BRANCH, semconv.EVALUATE, semconv.MEASURE, semconv.ITERATION})
"""Kinds of spans that stand for code of the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of an agent that the script asked for, or what the script did outside of any."""

    number: int
    """Position in the capture, from 1; 0 for what was outside of any run."""
    span: SpanRecord | None
    """Its span; `None` outside of any run."""
    exchanges: tuple[Exchange, ...]
    """Its requests, those of its memory update included."""
    question: str
    """What the user said."""
    answer: str
    """What the agent answered last."""
    changes: tuple[JSON, ...]
    """What happened to the user's memories: `operation` and `memory` of each change."""
    call: ScriptCall | None
    """The script's call that it came from, as far as it can be told."""
    branch: SpanRecord | None = None
    """The coroutine of a group that it was run by, if the script started one."""
    iteration: SpanRecord | None = None
    """The call of a function under evaluation that it was made in."""

    @property
    def user(self) -> str:
        """Whose run it is."""
        return self._attribute(semconv.USER_ID)

    @property
    def session(self) -> str:
        """Id of the session it belongs to."""
        return self._attribute(semconv.CONVERSATION_ID)

    @property
    def session_name(self) -> str:
        """What the script calls the session, if it has a name for it; else its id."""
        source = self.call.sources.get("session_id", "") if self.call else ""
        return source if source.isidentifier() else self.session

    @property
    def agent(self) -> str:
        """Name of the agent."""
        return self._attribute(semconv.AGENT_NAME)

    def _attribute(self, name: str) -> str:
        return str(self.span.attributes.get(name) or "") if self.span else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A turn, and the turns at the same place of later iterations of an evaluation."""

    runs: tuple[Run, ...]
    """The turn's runs: those that are shown in full."""
    repeats: tuple[tuple[Run, ...], ...] = ()
    """The same of each later iteration, in order; empty outside of evaluations."""

    @property
    def count(self) -> int:
        """How often the turn was taken."""
        return 1 + len(self.repeats)


class Facts:
    """A capture, and the questions that pages ask of it.

    Args:
        capture: what was recorded.
        script: the script it was recorded from.
    """

    def __init__(self, capture: Capture, script: Script) -> None:
        self.capture = capture
        self.script = script
        self.spans = {span.id: span for span in capture.spans}

    def ancestors(self, span: int | None) -> Iterator[SpanRecord]:
        """A span and those around it, innermost first."""
        while span is not None and span in self.spans:
            yield self.spans[span]
            span = self.spans[span].parent

    def within(self, span: int | None, outer: SpanRecord) -> bool:
        """Whether a span is another one or inside it."""
        return any(around.id == outer.id for around in self.ancestors(span))

    def inside(self, outer: SpanRecord, kind: str) -> list[SpanRecord]:
        """Spans of a kind inside another one, in canonical order."""
        return [span for span in self.capture.spans if span.kind == kind and self.within(span.id, outer)]

    def request(self, exchange: Exchange) -> Any:
        """Body of a request."""
        return self.capture.bodies.get(exchange.request)

    def answer(self, exchange: Exchange) -> wire.Answer:
        """What came back."""
        return wire.answer(self.capture.bodies.get(exchange.response))

    def purpose(self, exchange: Exchange) -> str:
        """What a request was sent for: the innermost operation around the model's own."""
        kinds = (span.kind for span in self.ancestors(exchange.span))
        return next((kind for kind in kinds if kind not in (semconv.CHAT, semconv.DATABASE)), "")

    @cached_property
    def requests_sent(self) -> Counter[int]:
        """How many requests a run or a memory update sent itself, by its span; those of members left out."""
        kinds = (semconv.INVOKE_AGENT, semconv.UPDATE_MEMORY)
        around = (self.ancestors(exchange.span) for exchange in self.capture.exchanges)
        senders = (next((span for span in spans if span.kind in kinds), None) for spans in around)
        return Counter(span.id for span in senders if span)

    def runs_around(self, exchange: Exchange) -> tuple[SpanRecord, ...]:
        """Spans of the runs that a request was sent in: the outermost first, the one that sent it last."""
        return tuple(
            span for span in reversed([*self.ancestors(exchange.span)]) if span.kind == semconv.INVOKE_AGENT
        )

    def agent(self, exchange: Exchange) -> tuple[str, ...]:
        """Names of the agents in whose runs a request was sent: a team's before its member's."""
        names = (span.attributes.get(semconv.AGENT_NAME) for span in self.runs_around(exchange))
        return tuple(str(name or "") for name in names)

    @cached_property
    def agents(self) -> tuple[str, ...]:
        """Names of the agents that sent requests, in order."""
        return tuple(dict.fromkeys(name for one in self.capture.exchanges for name in self.agent(one)))

    def siblings(self, exchange: Exchange) -> list[Exchange]:
        """Requests of the same branch that may have been under way at the same time, by construction."""
        branch = self.branch(exchange.span)
        return [
            other
            for other in self.capture.exchanges
            if self._parallel(exchange, other) and self.branch(other.span) == branch
        ]

    def branch(self, span: int | None) -> SpanRecord | None:
        """The innermost branch of a group that a span is in."""
        return self.around(span, semconv.BRANCH)

    def around(self, span: int | None, kind: str) -> SpanRecord | None:
        """The innermost span of a kind around another one, or itself."""
        return next((around for around in self.ancestors(span) if around.kind == kind), None)

    def beside(self, span: int | None) -> list[SpanRecord]:
        """Branches that may have been under way at the same time as a span."""
        branches = [around for around in self.ancestors(span) if around.kind == semconv.BRANCH]
        return [
            other
            for branch in branches
            for other in self.capture.spans
            if other.parent == branch.parent and other.kind == semconv.BRANCH and other.id != branch.id
        ]

    def branches(self, group: SpanRecord) -> list[SpanRecord]:
        """The branches of a group, in canonical order."""
        return [span for span in self.capture.spans if span.parent == group.id]

    def _parallel(self, one: Exchange, other: Exchange) -> bool:
        around = [span.id for span in self.ancestors(one.span)]
        branch = 0
        for span in self.ancestors(other.span):
            if span.id in around:
                return span.concurrent and branch != 0 and around[0] != span.id
            branch = span.id
        return False

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Runs that the script asked for, in canonical order; runs inside runs belong to the outer one."""
        outer = [span for span in self.capture.spans if self._is_outermost_run(span)]
        unused = [call for call in self.script.calls if call.asks_agent]
        return tuple(self._run(number, span, unused) for number, span in enumerate(outer, start=1))

    @cached_property
    def outside(self) -> tuple[Fold, ...]:
        """Requests that were sent outside of any run, folded like the turns; empty if there were none."""
        rest = [exchange for exchange in self.capture.exchanges if not self.runs_around(exchange)]
        iterations = {exchange.id: self.around(exchange.span, semconv.ITERATION) for exchange in rest}
        grouped = groupby(rest, key=lambda exchange: iterations[exchange.id])
        return _folded((_outside(tuple(sent), iteration),) for iteration, sent in grouped)

    @cached_property
    def turns(self) -> tuple[tuple[Run, ...], ...]:
        """Runs that follow each other in the same session of the same user, or in the same branch."""
        grouped = groupby(self.runs, key=_place)
        return tuple(tuple(runs) for _, runs in grouped)

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """The turns, with those of an evaluation's later iterations folded into those of the first.

        Turns of two iterations belong together if they are of the same pass, branch function, user and
        agent, and are the same one of these within their iterations.
        """
        return _folded(self.turns)

    def pairs(self, fold: Fold) -> tuple[tuple[Exchange, ...], ...]:
        """A fold's requests: each of the first iteration with the same one of later iterations.

        Two are the same if they are of the same one of the turn's runs, agent and purpose, and the same
        one of these. What only a later iteration has begins a row of its own: no request is left out.
        """
        found: dict[tuple[object, ...], list[Exchange]] = {}
        for turn in (fold.runs, *fold.repeats):
            for place, run in enumerate(turn):
                seen: Counter[object] = Counter()
                for exchange in run.exchanges:
                    same = (place, self.agent(exchange), self.purpose(exchange))
                    seen[same] += 1
                    found.setdefault((*same, seen[same]), []).append(exchange)
        return tuple(tuple(row) for row in found.values())

    @cached_property
    def evaluations(self) -> tuple[SpanRecord, ...]:
        """Spans of the script's evaluations."""
        return tuple(span for span in self.capture.spans if span.kind == semconv.EVALUATE)

    def evaluation(self, span: int | None) -> SpanRecord | None:
        """The evaluation that a span is in."""
        return self.around(span, semconv.EVALUATE)

    def passes(self, evaluation: SpanRecord) -> dict[str, list[SpanRecord]]:
        """The iterations of each pass that an evaluation made, by the pass's title (`warm-up`)."""
        return {
            short(measured): [span for span in self.capture.spans if span.parent == measured.id]
            for measured in self.inside(evaluation, semconv.MEASURE)
        }

    @cached_property
    def groups(self) -> tuple[SpanRecord, ...]:
        """Groups of coroutines that the script started, those inside of others left out."""
        started = (span for span in self.capture.spans if span.kind == semconv.GATHER)
        return tuple(span for span in started if self.branch(span.id) is None)

    @cached_property
    def users(self) -> tuple[str, ...]:
        """Users that had runs, in order."""
        return tuple(dict.fromkeys(run.user for run in self.runs if run.user))

    @cached_property
    def concurrent(self) -> bool:
        """Whether the script has several runs under way at the same time."""
        around = (span for run in self.runs if run.span for span in self.ancestors(run.span.parent))
        return any(span.concurrent for span in around) or self.script.concurrency is not None

    @cached_property
    def reads(self) -> tuple[tuple[SpanRecord, ScriptCall | None], ...]:
        """What the script itself read from the database, outside of runs, and the calls it did so with."""
        calls = {call.method: call for call in self.script.calls}
        return tuple(
            (span, calls.get(operation(span)))
            for span in self.capture.spans
            if span.kind == semconv.DATABASE and self._is_outside(span)
        )

    def memories(self, user: str) -> tuple[str, ...]:
        """What the database holds of a user's memories after the run."""
        stored = self.capture.storage.users if self.capture.storage else {}
        return stored[user].memories if user in stored else ()

    def recalled(self, run: Run) -> list[str]:
        """Memories that stand in the run's prompt, of those that were ever kept of its user."""
        prompts = self.inside(run.span, semconv.BUILD_PROMPT) if run.span else []
        sections = [row for span in prompts for row in span.attributes.get(semconv.PROMPT_SECTIONS) or ()]
        text = "\n".join(row["text"] or "" for row in sections if row["active"])
        changes = (change for other in self.runs if other.user == run.user for change in other.changes)
        kept = dict.fromkeys(str(change["memory"]) for change in changes if change.get("memory"))
        return [memory for memory in kept if memory in text]

    def models(self) -> dict[str, bool]:
        """Models that were asked, and whether the built-in one answered in their place."""
        chats = (span.attributes for span in self.capture.spans if span.kind == semconv.CHAT)
        return {str(chat.get(semconv.REQUEST_MODEL, "")): bool(chat.get(semconv.OFFLINE)) for chat in chats}

    def _is_outside(self, span: SpanRecord) -> bool:
        """Whether nothing but the script's own groups is around a span."""
        return all(around.kind in _SCRIPT for around in self.ancestors(span.parent))

    def _is_outermost_run(self, span: SpanRecord) -> bool:
        around = self.ancestors(span.parent)
        return span.kind == semconv.INVOKE_AGENT and not any(
            other.kind == semconv.INVOKE_AGENT for other in around
        )

    def _is_of(self, exchange: Exchange, run: SpanRecord) -> bool:
        """Whether a run sent a request for its own answer: no member, tool or memory manager did."""
        others = (semconv.UPDATE_MEMORY, semconv.EXECUTE_TOOL)
        return self.runs_around(exchange)[-1].id == run.id and self.purpose(exchange) not in others

    def _run(self, number: int, span: SpanRecord, unused: list[ScriptCall]) -> Run:
        exchanges = tuple(exchange for exchange in self.capture.exchanges if self.within(exchange.span, span))
        own = [exchange for exchange in exchanges if self._is_of(exchange, span)]
        answers = [self.answer(exchange).text for exchange in own]
        question = wire.question(self.request(own[0])) if own else ""
        return Run(
            number=number,
            span=span,
            exchanges=exchanges,
            question=question,
            answer=next((text for text in reversed(answers) if text), ""),
            changes=tuple(
                change
                for update in self.inside(span, semconv.UPDATE_MEMORY)
                for change in update.attributes.get(semconv.MEMORIES_CHANGED) or ()
            ),
            call=_take(unused, question, str(span.attributes.get(semconv.USER_ID) or "")),
            branch=self.branch(span.id),
            iteration=self.around(span.id, semconv.ITERATION),
        )


def _place(run: Run) -> tuple[object, ...]:
    """What runs that are shown together have in common."""
    iteration = run.iteration.id if run.iteration else None
    return (iteration, run.branch.id if run.branch else run.session, run.user, run.agent)


def _outside(exchanges: tuple[Exchange, ...], iteration: SpanRecord | None) -> Run:
    """What the script sent outside of any run."""
    return Run(
        number=0,
        span=None,
        exchanges=exchanges,
        question="",
        answer="",
        changes=(),
        call=None,
        iteration=iteration,
    )


def _folded(turns: Iterable[tuple[Run, ...]]) -> tuple[Fold, ...]:
    """Turns, with those at the same place of an evaluation's later iterations as repeats."""
    found: dict[tuple[object, ...], list[tuple[Run, ...]]] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    for number, runs in enumerate(turns):
        first = runs[0]
        if first.iteration is None:
            found[(number,)] = [runs]
            continue
        place = (first.iteration.parent, first.branch and first.branch.name, first.user, first.agent)
        seen[first.iteration.id, place] += 1
        found.setdefault((place, seen[first.iteration.id, place]), []).append(runs)
    return tuple(Fold(runs=first, repeats=tuple(rest)) for first, *rest in found.values())


def short(span: SpanRecord) -> str:
    """What a group or branch is called, without its kind: `asyncio.gather`, `talk_with_everybody`."""
    return span.name.removeprefix(span.kind).strip()


def operation(span: SpanRecord) -> str:
    """What a span of the database does: the storage interface's method."""
    return str(span.attributes.get(semconv.DB_OPERATION_NAME) or span.name)


def _take(unused: list[ScriptCall], question: str, user: str) -> ScriptCall | None:
    """The first call not used yet that says this and is for this user, as far as its text tells."""
    wanted = {"": question, "input": question, "user_id": user}
    for call in unused:
        if all(wanted.get(name, value) == value for name, value in call.values.items()):
            unused.remove(call)
            return call
    return None
