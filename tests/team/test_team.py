"""Teams and their runs, over real HTTP."""

from __future__ import annotations

import asyncio
import inspect
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.exceptions import ConfigurationError, MemberError, ModelError, OwnershipError, ToolError
from agno_lite.models.offline import Fault
from agno_lite.models.openai import OpenAIChat
from agno_lite.run.base import RunStatus
from agno_lite.team import Team
from agno_lite.tracing import ancestors, semconv
from tests.fix_model import is_memory_update
from tests.team.conftest import BOTH, asked, get_weather, travel_team

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from agno_lite.db.base import BaseDb
    from tests.fix_model import ModelServer
    from tests.team.conftest import Spans

    Serve = Callable[..., ModelServer]


def users_words(body: dict[str, Any]) -> list[str]:
    """What was said to the model in the user's role."""
    return [message["content"] for message in body["messages"] if message["role"] == "user"]


# --- delegation --------------------------------------------------------------------------------


def test_a_leader_hands_tasks_to_members_and_answers_from_theirs(serve_model: Serve) -> None:
    """Each member gets its task alone, uses its tools, and the leader's answer holds what they found."""
    server = serve_model()
    output = travel_team(server).run(BOTH, user_id="ann")
    assert [tool.call.name for tool in output.tools] == ["delegate_task_to_member"] * 2
    assert "sunny in Rome" in output.content
    assert "walk along the river" in output.content
    assert (output.agent_id, output.agent_name) == ("travel-team", "Travel Team")
    assert output.metrics.requests == 2
    (first, *_) = asked(server, "<your_role>\nTells the weather")
    assert [message["role"] for message in first["messages"]] == ["developer", "user"]
    assert users_words(first) != [BOTH]
    assert [tool["function"]["name"] for tool in first["tools"]] == ["get_weather"]
    assert len(server.bodies) == 6


def test_a_leader_answers_alone_where_no_member_is_needed(serve_model: Serve) -> None:
    """A greeting costs one request."""
    server = serve_model()
    assert travel_team(server).run("Hello!").tools == ()
    assert len(server.bodies) == 1


def test_members_asked_in_one_response_work_at_the_same_time(serve_model: Serve, spans: Spans) -> None:
    """Their requests overlap at the server, and the spans say so by structure, whose they are by id."""
    server = serve_model(latency=0.1)
    travel_team(server).run(BOTH, user_id="ann", session_id="s1")
    assert server.most_at_once == 2
    team, *members = spans.of(semconv.INVOKE_AGENT)
    assert [span.attributes[semconv.AGENT_ID] for span in (team, *members)] == [
        "travel-team",
        "weather-agent",
        "guide",
    ]
    for member in members:
        assert member.attributes[semconv.CONVERSATION_ID] == "s1"
        assert member.attributes[semconv.USER_ID] == "ann"
        inside = list(ancestors(member))
        assert inside[-1] is team
        assert [span.concurrent for span in inside if span.kind == semconv.TOOL_CALLS] == [True]


def test_a_request_has_ended_before_what_follows_from_it(serve_model: Serve, spans: Spans) -> None:
    """However threads are scheduled: what one step of a run does is over when the next one begins."""
    server = serve_model()
    team = travel_team(server)

    async def together() -> None:
        await asyncio.gather(*(team.arun(BOTH, user_id=f"user {number}") for number in range(20)))

    asyncio.run(together())
    for answer in spans.of(semconv.ANSWER):
        steps = sorted(
            (span for span in spans.ended if span.parent is answer), key=lambda span: span.start_ns
        )
        assert [span.kind for span in steps] == [semconv.CHAT, semconv.TOOL_CALLS, semconv.CHAT]
        assert all(before.end_ns <= after.start_ns for before, after in pairwise(steps))


def test_a_member_that_does_not_exist_is_told_to_the_model(serve_model: Serve) -> None:
    """The leader's model learns who there is, and the run goes on."""
    server = serve_model()
    listed = "<team_members>\n- id: ghost\n  role: Tells the weather\n</team_members>"
    output = travel_team(server, system_message=listed).run("What is the weather in Rome?")
    (call,) = output.tools
    assert call.result == "There is no member 'ghost', only: weather-agent, guide."
    assert len(server.bodies) == 2


def test_a_team_may_be_a_member(serve_model: Serve, db: BaseDb) -> None:
    """Tasks go down as far as there are teams; each run names the one that it is a part of."""
    server = serve_model()
    inner = travel_team(server, role="Knows weather and activities")
    model = OpenAIChat("gpt-4o-mini", base_url=server.url)
    outer = Team([inner], name="Office", model=model, db=db)
    output = outer.run("What is the weather in Rome?", user_id="ann", session_id="s1")
    assert "sunny in Rome" in output.content
    runs = {run.agent_id: run for run in db.get_runs(user_id="ann", session_id="s1")}
    assert list(runs) == ["weather-agent", "travel-team", "office"]
    assert runs["weather-agent"].parent_run_id == runs["travel-team"].run_id
    assert runs["travel-team"].parent_run_id == runs["office"].run_id
    assert runs["office"].parent_run_id is None


def test_a_leader_uses_tools_of_its_own(serve_model: Serve) -> None:
    """A team's tools are the leader's, beside the one that delegates, which no other may be called like."""

    def get_time() -> str:
        """Get the time."""
        return "It is noon."

    server = serve_model()
    assert "noon" in travel_team(server, tools=[get_time]).run("What is the time?").content

    def delegate_task_to_member() -> str:
        """Do nothing."""
        return ""

    with pytest.raises(ToolError, match="two tools are called 'delegate_task_to_member'"):
        travel_team(server, tools=[delegate_task_to_member]).run("Hello!")


# --- errors ------------------------------------------------------------------------------------


def broken_weather(city: str) -> str:
    """Get the weather of a city."""
    raise OSError("no network")


broken_weather.__name__ = "get_weather"


def test_a_member_that_fails_ends_the_run_with_its_name(serve_model: Serve, db: BaseDb) -> None:
    """The error names the member and the task and chains the cause; all turns are kept with their state."""
    team = travel_team(serve_model(), weather=broken_weather, db=db)
    with pytest.raises(MemberError, match="member 'weather-agent' of team 'travel-team' failed") as raised:
        team.run("What is the weather in Rome?", user_id="ann", session_id="s1")
    assert raised.value.member_id == "weather-agent"
    assert "weather in Rome" in str(raised.value)
    assert isinstance(raised.value.__cause__, ToolError)
    assert isinstance(raised.value.__cause__.__cause__, OSError)
    member, leader = db.get_runs(user_id="ann", session_id="s1")
    assert (member.status, leader.status) == (RunStatus.ERROR, RunStatus.ERROR)
    assert leader.input == "What is the weather in Rome?"


def test_when_one_member_fails_the_others_are_stopped(serve_model: Serve) -> None:
    """The member that was still at work is stored as cancelled."""
    db = InMemoryDb()
    server = serve_model()
    slow = OpenAIChat("gpt-4o-mini", base_url=serve_model(latency=5).url)
    model = OpenAIChat("gpt-4o-mini", base_url=server.url)
    members = [
        Agent(id="weather", role="weather", tools=[broken_weather], model=model),
        Agent(id="activities", role="activities", model=slow),
    ]
    with pytest.raises(MemberError, match="'weather'"):
        Team(members, model=model, db=db).run(BOTH, user_id="ann", session_id="s1")
    states = {run.agent_id: run.status for run in db.get_runs(user_id="ann", session_id="s1")}
    assert states == {"weather": "ERROR", "activities": "CANCELLED", "team": "ERROR"}


def test_a_members_model_error_is_the_members(serve_model: Serve) -> None:
    """What a member's model did is told as the member's failure; the leader's model error as it is."""
    model = OpenAIChat("m", base_url=serve_model(faults=[Fault(status=401)]).url, max_retries=0)
    member = Agent(id="weather", model=model)
    leader = OpenAIChat("m", base_url=serve_model().url)
    with pytest.raises(MemberError, match=r"'weather'.*401") as raised:
        Team([member], model=leader).run("What is the weather?")
    assert isinstance(raised.value.__cause__, ModelError)
    with pytest.raises(ModelError):
        Team([member], model=OpenAIChat("m", base_url=serve_model(faults=[Fault(status=401)]).url)).run("Hi")


def test_settings_that_cannot_work_are_refused() -> None:
    """No members, members that nobody can tell apart, and members with a storage of their own."""
    with pytest.raises(ConfigurationError, match="members is empty"):
        Team([])
    for members in ([Agent(), Agent()], [Agent(name="A b"), Agent(id="a-b")], [Agent(name="Team")]):
        with pytest.raises(ConfigurationError, match="have the id"):
            Team(members)
    with pytest.raises(ConfigurationError, match="member 'agent' has a database of its own"):
        Team([Agent(db=InMemoryDb())], db=InMemoryDb())
    with pytest.raises(ConfigurationError, match="Team: update_memory_on_run=True needs a database"):
        Team([Agent()], update_memory_on_run=True)


# --- memory ------------------------------------------------------------------------------------

SAID = f"I love tea. {BOTH}"


@pytest.mark.parametrize(
    ("by_team", "by_members", "keeper"),
    [(True, True, "travel-team"), (True, False, "travel-team"), (False, True, "weather-agent")],
)
def test_the_users_words_are_offered_to_memory_once(
    serve_model: Serve, db: BaseDb, by_team: bool, by_members: bool, keeper: str
) -> None:
    """One update per run, with what the user said, by the team or else the first member that keeps any."""
    server = serve_model()
    team = travel_team(
        server, db=db, update_memory_on_run=by_team, member={"db": db, "update_memory_on_run": by_members}
    )
    output = team.run(SAID, user_id="ann")
    assert len(output.tools) == 2
    assert [users_words(body) for body in server.memory_updates()] == [[SAID]]
    (memory,) = team.get_user_memories("ann")
    assert (memory.memory, memory.agent_id, memory.input) == ("User likes tea", keeper, SAID)
    assert output.memories == (memory,)


def test_without_a_keeper_nothing_is_remembered(serve_model: Serve) -> None:
    """A team none of which updates memories makes no request for them."""
    server = serve_model()
    travel_team(server, db=InMemoryDb()).run(SAID, user_id="ann")
    assert server.memory_updates() == []


@pytest.mark.parametrize("by_team", [True, False])
def test_members_know_what_was_known_when_the_user_spoke(serve_model: Serve, *, by_team: bool) -> None:
    """However early a member's run begins or late: what is remembered of this turn is for the next one."""
    server = serve_model(delay=lambda body: 0.0 if is_memory_update(body) else 0.1)
    db = InMemoryDb()
    team = travel_team(
        server, db=db, update_memory_on_run=by_team, member={"db": db, "update_memory_on_run": True}
    )
    told = []
    for turn in (SAID, BOTH):
        before = len(server.answers())
        team.run(turn, user_id="ann")
        prompts = [body["messages"][0]["content"] for body in server.answers()[before:]]
        told.append(["- User likes tea" in prompt for prompt in prompts])
    leader = 2 * [by_team]
    assert told[0] == 6 * [False]
    assert sorted(told[1]) == sorted(leader + 4 * [True])


def test_memories_reach_leader_and_members_that_read_them(serve_model: Serve) -> None:
    """What is known of the user is in the leader's prompt and in those of members that want it."""
    server, db = serve_model(), InMemoryDb()
    team = travel_team(
        server, db=db, update_memory_on_run=True, member={"db": db, "add_memories_to_context": True}
    )
    team.run("I love tea.", user_id="ann")
    told = len(server.bodies)
    team.run(BOTH, user_id="ann")
    requests = [body for body in server.bodies[told:] if body not in server.memory_updates()]
    assert len(requests) == 6
    assert all("- User likes tea" in str(body["messages"][0]["content"]) for body in requests)


def test_users_at_once_keep_to_themselves(serve_model: Serve, db: BaseDb) -> None:
    """One team serves many users at the same time: answers, memories and runs of each, objects unchanged."""
    team = travel_team(
        serve_model(latency=0.01),
        db=db,
        update_memory_on_run=True,
        add_history_to_context=True,
        member={"db": db, "update_memory_on_run": True, "add_history_to_context": True},
    )
    objects = [(team, (*Agent.__slots__, *Team.__slots__)), *((one, Agent.__slots__) for one in team.members)]
    before = [{name: getattr(one, name) for name in names} for one, names in objects]

    async def talk(number: int) -> str:
        user, session = f"user{number}", f"session{number}"
        await team.arun(f"I like sport{number}.", user_id=user, session_id=session)
        question = f"What activities and weather can I expect in City{number}?"
        return (await team.arun(question, user_id=user, session_id=session)).content

    async def main() -> list[str]:
        return await asyncio.gather(*(talk(number) for number in range(10, 22)))

    for number, answer in enumerate(asyncio.run(main()), start=10):
        user = f"user{number}"
        assert f"sunny in City{number}" in answer
        assert f"In City{number} people" in answer
        assert [memory.memory for memory in team.get_user_memories(user)] == [f"User likes sport{number}"]
        runs = db.get_runs(user_id=user, session_id=f"session{number}")
        assert sorted(run.agent_id or "" for run in runs) == [
            "guide",
            "travel-team",
            "travel-team",
            "weather-agent",
        ]
        assert all(
            str(other) not in str(runs) for other in (f"City{n}" for n in range(10, 22) if n != number)
        )
    assert [{name: getattr(one, name) for name in names} for one, names in objects] == before


# --- sessions ----------------------------------------------------------------------------------


def test_members_runs_stand_in_the_teams_session(serve_model: Serve, db: BaseDb) -> None:
    """One session, begun with the team; each member's run names the team's run, its task and its messages."""
    team = travel_team(serve_model(), db=db)
    output = team.run(BOTH, user_id="ann", session_id="s1")
    (session,) = db.get_sessions(user_id="ann")
    assert (session.session_id, session.agent_id) == ("s1", "travel-team")
    *members, leader = db.get_runs(user_id="ann", session_id="s1")
    assert (leader.run_id, leader.parent_run_id, leader.input) == (output.run_id, None, BOTH)
    assert {run.agent_id for run in members} == {"weather-agent", "guide"}
    for run in members:
        assert run.parent_run_id == output.run_id
        assert run.messages[0] == {"role": "user", "content": run.input}
        assert run.input != BOTH
        assert run.content
    assert db.get_runs(user_id="bob", session_id="s1") == []
    with pytest.raises(OwnershipError):
        team.run(BOTH, user_id="bob", session_id="s1")


def test_histories_of_team_and_members_are_their_own(serve_model: Serve, db: BaseDb) -> None:
    """The leader is sent what the user asked before, a member the tasks that it had in this session."""
    server = serve_model()
    team = travel_team(
        server, db=db, add_history_to_context=True, member={"db": db, "add_history_to_context": True}
    )
    questions = [f"What is the weather in {city}?" for city in ("Rome", "Oslo", "Bern")]
    for question in questions:
        team.run(question, user_id="ann", session_id="s1")
    team.run("What activities can I expect in Rome?", user_id="ann", session_id="s1")
    leader = [body for body in asked(server, "<team_members>") if users_words(body)[-1] == questions[-1]]
    assert [users_words(body) for body in leader] == [questions, questions]
    member = asked(server, "Tells the weather\n</your_role>")[-1]
    tasks = users_words(member)
    assert [city in task for city, task in zip(("Rome", "Oslo", "Bern"), tasks, strict=True)] == [True] * 3
    assert not set(tasks) & set(questions)
    guide = asked(server, "Suggests activities\n</your_role>")[0]
    assert len(users_words(guide)) == 1


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.06, 0.09])
def test_a_cancelled_run_leaves_nothing_half_done(serve_model: Serve, moment: float) -> None:
    """Whenever a team is cancelled, its turn is stored once, with members' runs, and nothing goes on."""
    db = InMemoryDb()
    team = travel_team(serve_model(latency=0.02), db=db, update_memory_on_run=True)

    async def main() -> None:
        run = asyncio.create_task(team.arun(SAID, user_id="ann", session_id="s1"))
        await asyncio.sleep(moment)
        run.cancel()
        await asyncio.wait([run])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    runs = db.get_runs(user_id="ann", session_id="s1")
    (leader,) = (run for run in runs if run.parent_run_id is None)
    assert leader.status in (RunStatus.CANCELLED, RunStatus.COMPLETED)
    assert {run.parent_run_id for run in runs} <= {None, leader.run_id}
    assert [memory.memory for memory in team.get_user_memories("ann")] in ([], ["User likes tea"])


def test_an_agent_can_be_used_beside_its_team(serve_model: Serve) -> None:
    """Being a member leaves an agent as it is: by itself it runs, stores and answers as before."""
    db = InMemoryDb()
    team = travel_team(serve_model(), db=db, member={"db": db})
    team.run("What is the weather in Rome?", user_id="ann", session_id="s1")
    weather = team.members[0]
    assert "Oslo" in weather.run("What is the weather in Oslo?", user_id="ann", session_id="s2").content
    (run,) = db.get_runs(user_id="ann", session_id="s2")
    assert (run.agent_id, run.parent_run_id) == ("weather-agent", None)
    assert weather.functions()[0].entrypoint is get_weather


def test_a_team_takes_every_setting_of_an_agent() -> None:
    """Whatever can be set on an agent can be set on a team, with the same default, and is kept."""
    agent, team = inspect.signature(Agent).parameters, inspect.signature(Team).parameters
    assert {name: team[name].default for name in agent} == {name: one.default for name, one in agent.items()}
    assert set(team) - set(agent) == set(Team.__slots__)
    given: dict[str, Any] = {name: name for name in agent if agent[name].default is None}
    given |= {"db": None, "model": None, "memory_manager": None, "add_memories_to_context": False}
    kept = Team([Agent()], **given)
    assert {name: getattr(kept, name) for name in given} == given | {"model": kept.model}
