"""What a team's run tells while it goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.run.agent import RunCompletedEvent, RunContentEvent, RunEvent, RunStartedEvent
from agno_lite.run.base import RunStatus
from tests.team.conftest import BOTH, travel_team

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.run.agent import BaseRunEvent
    from agno_lite.team import Team
    from tests.fix_model import ModelServer

    Serve = Callable[..., ModelServer]


def streamed(team: Agent, text: str = BOTH) -> list[BaseRunEvent]:
    """All events of a run."""

    async def main() -> list[BaseRunEvent]:
        return [event async for event in team.arun(text, stream=True, stream_events=True, user_id="ann")]

    return asyncio.run(main())


def test_events_say_whose_they_are(serve_model: Serve) -> None:
    """A team's events have names of their own; a member's carry its id and the team's run."""
    events = streamed(travel_team(serve_model()))
    first, last = events[0], events[-1]
    assert (first.event, last.event) == ("TeamRunStarted", "TeamRunCompleted")
    assert (last.kind, last.of_team, last.agent_name) == (RunEvent.run_completed, True, "Travel Team")
    for event in events:
        if event.of_team:
            assert (event.agent_id, event.run_id, event.parent_run_id) == ("travel-team", first.run_id, None)
            assert event.event == f"Team{event.kind}"
        else:
            assert event.agent_id in ("weather-agent", "guide")
            assert event.parent_run_id == first.run_id
            assert event.event is event.kind
        assert event.session_id == first.session_id


def test_every_members_events_are_whole_and_in_order(serve_model: Serve) -> None:
    """Each member's run begins and ends, its pieces make up its answer, inside the leader's tool calls."""
    events = streamed(travel_team(serve_model()))
    names = [event.event for event in events]
    runs = {event.run_id: event.agent_id for event in events if event.parent_run_id}
    assert list(runs.values()) == ["weather-agent", "guide"]
    for run_id in (*runs, events[0].run_id):
        own = [event for event in events if event.run_id == run_id]
        assert isinstance(own[0], RunStartedEvent)
        assert isinstance(own[-1], RunCompletedEvent)
        pieces = [event.content for event in own if isinstance(event, RunContentEvent)]
        assert len(pieces) > 1
        assert "".join(pieces) == own[-1].content
    first, last = names.index("RunStarted"), len(names) - 1 - names[::-1].index("RunCompleted")
    assert names.index("TeamToolCallStarted") < first
    assert last < len(names) - 1 - names[::-1].index("TeamToolCallCompleted")


def test_without_events_a_stream_is_the_leaders_answer(serve_model: Serve) -> None:
    """`stream` alone gives pieces of the answer and none of what members say."""
    team = travel_team(serve_model())
    pieces = list(team.run(BOTH, stream=True, user_id="ann"))
    assert {piece.event for piece in pieces} == {"TeamRunContent"}
    content = "".join(piece.content for piece in pieces if isinstance(piece, RunContentEvent))
    assert content == team.run(BOTH, user_id="ann").content


def test_members_events_can_be_left_out(serve_model: Serve) -> None:
    """With `stream_member_events=False` only the team's are given."""
    events = streamed(travel_team(serve_model(), stream_member_events=False))
    assert all(event.of_team for event in events)
    assert events[-1].event == "TeamRunCompleted"


def test_an_agents_events_keep_their_names(serve_model: Serve) -> None:
    """Outside a team an agent's events name the agent and no other run."""
    member = travel_team(serve_model()).members[0]
    events = streamed(member, "Hello!")
    assert [event.event for event in events][-1] is RunEvent.run_completed
    assert {(event.agent_id, event.parent_run_id) for event in events} == {("weather-agent", None)}


def test_leaving_a_stream_early_cancels_members_too(serve_model: Serve) -> None:
    """Who stops reading while a member works leaves the team's and the member's runs as cancelled."""
    db = InMemoryDb()
    team = travel_team(serve_model(latency=0.05), db=db)

    async def main() -> None:
        stream = team.arun(BOTH, stream=True, stream_events=True, user_id="ann", session_id="s1")
        async for event in stream:
            if event.agent_id == "guide":
                break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    states = {run.agent_id: run.status for run in db.get_runs(user_id="ann", session_id="s1")}
    assert states == dict.fromkeys(("weather-agent", "guide", "travel-team"), RunStatus.CANCELLED)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("show", [False, True])
def test_printing_shows_members_answers_where_they_are_wanted(
    serve_model: Serve, capsys: pytest.CaptureFixture[str], stream: bool, show: bool
) -> None:
    """Message, tool calls and answer are printed, and in order a panel for each member if wanted."""
    team: Team = travel_team(serve_model(), show_members_responses=show, stream_member_events=False)
    team.print_response(BOTH, user_id="ann", stream=stream)
    printed = capsys.readouterr().out
    places = [printed.find(f"Response of {name}") for name in ("Weather Agent", "guide")]
    assert (places[0] > 0) is show
    assert (places[1] > places[0]) is show
    assert printed.count("━ Message ━") == printed.count("━ Tool Calls ━") == 1
    assert printed.count("━ Response (") == 1
