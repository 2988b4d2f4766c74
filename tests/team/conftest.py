"""A team of a weather and an activities member, and databases for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite import tracing
from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.db.postgres import PostgresDb
from agno_lite.models.openai import OpenAIChat
from agno_lite.team import Team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.base import BaseDb
    from tests.fix_model import ModelServer

BOTH = "What activities and weather can I expect in Rome?"
"""A question for both members."""


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is sunny in {city}."


def get_activities(city: str) -> str:
    """Get things to do in a city."""
    return f"In {city} people walk along the river."


def travel_team(
    server: ModelServer, *, member: dict[str, Any] | None = None, weather: Any = get_weather, **settings: Any
) -> Team:
    """A team answered by `server`, with `settings`; all its members have those of `member`."""
    model = OpenAIChat("gpt-4o-mini", base_url=server.url, max_retries=0)
    shared = {"model": model, **(member or {})}
    members = [
        Agent(name="Weather Agent", role="Tells the weather", tools=[weather], **shared),
        Agent(id="guide", role="Suggests activities", tools=[get_activities], **shared),
    ]
    return Team(**{"members": members, "model": model, "name": "Travel Team", **settings})


@pytest.fixture(params=["in_memory", "postgres"])
def db(request: pytest.FixtureRequest) -> BaseDb:
    """An empty database of each kind in turn."""
    if request.param == "in_memory":
        return InMemoryDb()
    return PostgresDb(request.getfixturevalue("postgres_url"))


@dataclass
class Spans:
    """A watcher that keeps all spans."""

    ended: list[tracing.Span] = field(default_factory=list)

    def on_start(self, span: tracing.Span) -> None:
        """Nothing is to be done."""

    def on_end(self, span: tracing.Span) -> None:
        """Keep it."""
        self.ended.append(span)

    def of(self, kind: str) -> list[tracing.Span]:
        """The spans of one kind, as they began."""
        return sorted((span for span in self.ended if span.kind == kind), key=lambda span: span.number)


@pytest.fixture
def spans() -> Iterator[Spans]:
    """All spans of a test."""
    watcher = Spans()
    tracing.add_watcher(watcher)
    yield watcher
    tracing.remove_watcher(watcher)


def asked(server: ModelServer, text: str) -> list[dict[str, Any]]:
    """The requests of agents, leaders and members, whose instructions or messages hold a text."""
    return [
        body
        for body in server.answers()
        if any(text in (message["content"] or "") for message in body["messages"])
    ]
