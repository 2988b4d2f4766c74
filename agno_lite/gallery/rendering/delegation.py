"""Requests of a team's run in the order in which work was given on: the leader's, then the member's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.records import Exchange, SpanRecord
    from agno_lite.gallery.rendering.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A run inside another one: what a member was asked to do, and its requests."""

    agent: str
    """The member."""
    task: str
    """What the leader wrote for it; empty if nobody wrote anything."""
    asked: Exchange | None
    """The request whose answer asked for it, as far as it is among those arranged."""
    steps: tuple[Exchange | Delegation, ...]
    """The member's requests, with what it gave on itself."""


def arranged(
    facts: Facts, exchanges: Iterable[Exchange], depth: int = 1
) -> tuple[Exchange | Delegation, ...]:
    """Requests of a run, those of its members behind the request that gave them their task.

    Args:
        facts: what they are from.
        exchanges: requests of one run, those of runs inside it included.
        depth: how many runs are around the run's own requests.
    """
    own: list[Exchange] = []
    inner: dict[int, list[Exchange]] = {}
    for exchange in exchanges:
        around = facts.runs_around(exchange)[depth:]
        (inner.setdefault(around[0].id, []) if around else own).append(exchange)
    askers = {call.id: exchange for exchange in own for call in facts.answer(exchange).calls if call.id}
    placed: list[tuple[int, int, Exchange | Delegation]] = [(exchange.id, 0, exchange) for exchange in own]
    for run, sent in inner.items():
        made = _delegation(facts, facts.spans[run], sent, askers, depth)
        placed.append(((made.asked or sent[0]).id, sent[0].id, made))
    return tuple(step for _, _, step in sorted(placed, key=lambda place: place[:2]))


def flat(steps: Iterable[Exchange | Delegation]) -> Iterator[Exchange]:
    """The requests of what is arranged, in its order."""
    for step in steps:
        if isinstance(step, Delegation):
            yield from flat(step.steps)
        else:
            yield step


def _delegation(
    facts: Facts, run: SpanRecord, sent: list[Exchange], askers: dict[str, Exchange], depth: int
) -> Delegation:
    tool = facts.around(run.parent, semconv.EXECUTE_TOOL)
    attributes = tool.attributes if tool else {}
    return Delegation(
        agent=str(run.attributes.get(semconv.AGENT_NAME) or ""),
        task=_task(str(attributes.get(semconv.TOOL_CALL_ARGUMENTS) or "")),
        asked=askers.get(str(attributes.get(semconv.TOOL_CALL_ID) or "")),
        steps=arranged(facts, sent, depth + 1),
    )


def _task(arguments: str) -> str:
    """The task among a tool's arguments; all of them if the tool has no such parameter."""
    try:
        written = json.loads(arguments)
    except ValueError:
        return arguments
    return str(written["task"]) if isinstance(written, dict) and "task" in written else arguments
