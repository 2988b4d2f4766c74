"""One request of a page: its bodies, what it may overlap, and its repeats with what differs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.rendering import bodies, wire
from agno_lite.gallery.rendering.escape import code, fence, shortened, text
from agno_lite.gallery.rendering.facts import short
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.records import Exchange, SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts

SHOWN = 80
"""Characters of a message in a summary; the message itself is in the bodies."""
_NAMED = 6
"""Requests or branches that are named in one place; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request as the table and the blocks below it tell it."""

    context: Context
    """The page."""
    facts: Facts
    """What was recorded."""
    exchange: Exchange
    """The request that is shown in full."""
    repeats: tuple[Exchange, ...]
    """The same of later iterations."""
    places: dict[int, tuple[str, str]]
    """Where the requests of each branch stand: id of the heading, and the branch's user."""

    @property
    def all(self) -> tuple[Exchange, ...]:
        """The request and its repeats."""
        return (self.exchange, *self.repeats)

    @property
    def agent(self) -> str:
        """Who sent it: agents from the outer to the inner, and what of them."""
        path = " → ".join(name or "—" for name in self.facts.agent(self.exchange)) or "—"
        purpose = self.facts.purpose(self.exchange)
        if purpose == semconv.UPDATE_MEMORY:
            return self.context.say("memory manager of %(agent)s", agent=path)
        tool = self.facts.around(self.exchange.span, semconv.EXECUTE_TOOL)
        if purpose == semconv.EXECUTE_TOOL and tool:
            name = tool.attributes.get(semconv.TOOL_NAME)
            return f"{path} → {self.context.say('tool %(name)s', name=name)}"
        return path

    @property
    def purpose(self) -> str:
        """What it is for, in the words of the page."""
        names = {
            semconv.ANSWER: self.context.say("answer"),
            semconv.INVOKE_AGENT: self.context.say("answer"),
            semconv.UPDATE_MEMORY: self.context.say("memory update"),
            semconv.EXECUTE_TOOL: self.context.say("inside a tool"),
        }
        return names.get(self.facts.purpose(self.exchange), self.context.say("request"))

    @property
    def status(self) -> str:
        """What the server answered to it and its repeats."""
        return ", ".join(dict.fromkeys(self._status(exchange) for exchange in self.all))

    @property
    def outcome(self) -> str:
        """What its answer did: an error, tool calls, or words."""
        answer = self.facts.answer(self.exchange)
        if answer.error:
            return text(shortened(answer.error, SHOWN))
        calls: dict[str, int] = {}
        for call in answer.calls:
            calls[call.name] = calls.get(call.name, 0) + 1
        named = [code(f"{name}()") + (f" ×{count}" if count > 1 else "") for name, count in calls.items()]
        said = [text(f"“{shortened(answer.text, SHOWN)}”")] if answer.text else []
        return ", ".join(named + said) or text(self.context.say("nothing"))

    def block(self) -> dict[str, object]:
        """Everything that was on the wire, as the template has it."""
        body = self.facts.capture.bodies.get(self.exchange.response)
        answer = self.facts.answer(self.exchange)
        return {
            "id": self.exchange.id,
            "title": text(self._title()),
            "siblings": links(self.facts.siblings(self.exchange)),
            "branches": self._branches(),
            "request": body_block(self.facts.request(self.exchange)),
            "response": body_block(body) if body is not None else "",
            "events": answer.events,
            "assembled": fence(_assembled(answer), "text") if answer.events is not None else "",
            "repeats": self._repeats(),
        }

    def _title(self) -> str:
        count = f" ×{len(self.all)}" if self.repeats else ""
        agent = [self.agent] if len(self.facts.agents) > 1 else []
        parts = [f"{self.exchange.id}{count}", *agent, self.purpose, self._line(self.exchange)]
        return " · ".join(parts)

    def _line(self, exchange: Exchange) -> str:
        """What a server's log would say of a request."""
        return f"{exchange.method} {exchange.path} · {self._status(exchange)}"

    def _status(self, exchange: Exchange) -> str:
        return str(exchange.status) if exchange.status is not None else self.context.say("no answer")

    def _branches(self) -> str:
        """Branches beside the request's own, linked to their requests; by user if they share a name."""
        around = self.facts.beside(self.exchange.span)
        beside = [branch for branch in around if branch.id in self.places]
        alike = len({branch_name(branch) for branch in beside}) < len(beside)
        return _some([self._branch(branch, alike=alike) for branch in beside])

    def _branch(self, branch: SpanRecord, *, alike: bool) -> str:
        place, user = self.places[branch.id]
        name = f"[{code(f'{branch_name(branch)}()')}](#{place})"
        return f"{name} {text(user)}" if alike and user else name

    def _repeats(self) -> list[dict[str, object]]:
        """The repeats, those that differ from the first in the same way together."""
        grouped: dict[tuple[str, str, str], list[Exchange]] = {}
        for later in self.repeats:
            line = self._line(later)
            changed = "" if line == self._line(self.exchange) else line
            answer = bodies.difference(*self._answers(later))
            grouped.setdefault((changed, self._requested(later), answer), []).append(later)
        return [
            {
                "ids": [later.id for later in alike],
                "title": text(iterations(self.context, self.facts, alike)),
                "line": text(line),
                "identical": not (line or request or answer),
                "request": fence(request, "diff") if request else "",
                "answer": fence(answer, "diff") if answer else "",
            }
            for (line, request, answer), alike in grouped.items()
        ]

    def _requested(self, later: Exchange) -> str:
        """How a repeat's request differs from the first."""
        if later.request == self.exchange.request:
            return ""
        first, second = (bodies.broken(self.facts.request(one)) for one in (self.exchange, later))
        return bodies.difference(first, second)

    def _answers(self, later: Exchange) -> tuple[list[str], list[str]]:
        """What was answered first and what later; whole bodies where nothing can be read from one."""
        answers = [self.facts.answer(one) for one in (self.exchange, later)]
        first, second = (_assembled(answer).split("\n") for answer in answers)
        if first != second or (any(first) and _said(answers[0]) == _said(answers[1])):
            return first, second
        first, second = (
            bodies.broken(self.facts.capture.bodies.get(one.response)) for one in (self.exchange, later)
        )
        return first, second


def iterations(context: Context, facts: Facts, exchanges: Sequence[Exchange]) -> str:
    """The iterations that requests were sent in: `iterations 2–4, 6`."""
    found = (facts.around(exchange.span, semconv.ITERATION) for exchange in exchanges)
    numbers = [int(short(span)) for span in found if span]
    if len(numbers) == 1:
        return context.say("iteration %(number)s", number=numbers[0])
    return context.say("iterations %(numbers)s", numbers=_ranges(numbers))


def branch_name(branch: SpanRecord) -> str:
    """What a branch's function is called where it is defined, without the functions around it."""
    return short(branch).rpartition(".<locals>.")[2]


def links(exchanges: Sequence[Exchange]) -> str:
    """Numbers of requests, each linked to where it stands."""
    return _some([f"[{exchange.id}](#request-{exchange.id})" for exchange in exchanges])


def body_block(body: Any) -> str:
    """A body as it was, of a streamed answer an event per line; long lines wrap where they are shown."""
    if isinstance(body, list):
        return fence(bodies.by_line(body), "json")
    return fence(bodies.pretty(body), "text" if isinstance(body, str) else "json")


def _some(names: list[str]) -> str:
    more = f", … ({len(names)})" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _ranges(numbers: list[int]) -> str:
    """Numbers in order, those that follow each other as a range."""
    runs = itertools.groupby(enumerate(numbers), key=lambda place: place[1] - place[0])
    parts = ([number for _, number in run] for _, run in runs)
    return ", ".join(f"{part[0]}–{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def _said(answer: wire.Answer) -> tuple[object, ...]:
    """What must be equal for two answers to be called identical; ids of calls are not."""
    return answer.text, [(call.name, call.arguments) for call in answer.calls], answer.error


def _assembled(answer: wire.Answer) -> str:
    calls = [f"{call.name}({call.arguments})" for call in answer.calls]
    return "\n".join([*([answer.text] if answer.text else []), *calls]) or answer.error
