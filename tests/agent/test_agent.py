"""Agents and their runs, over real HTTP."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.db.postgres import PostgresDb
from agno_lite.exceptions import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelError,
    OwnershipError,
    RunLimitError,
    ToolError,
)
from agno_lite.memory import MemoryManager
from agno_lite.models.offline import Fault
from agno_lite.models.openai import OpenAIChat
from agno_lite.run.agent import RunCompletedEvent, RunContentEvent, RunEvent
from agno_lite.run.base import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.fix_model import ModelServer

    Serve = Callable[..., ModelServer]


def remembering(server: ModelServer, **settings: Any) -> Agent:
    """An agent that keeps memories, answered by `server`."""
    model = OpenAIChat("gpt-4o-mini", base_url=server.url, max_retries=0)
    return Agent(**{"model": model, "db": InMemoryDb(), "update_memory_on_run": True, **settings})


def remembering_nothing(**settings: Any) -> Agent:
    """An agent without a database."""
    return Agent(**settings)


def facts(agent: Agent, user_id: str) -> list[str]:
    """What an agent remembers of a user."""
    return [memory.memory for memory in agent.get_user_memories(user_id)]


def test_a_run_gives_the_answer_and_keeps_it(serve_model: Serve) -> None:
    """The output holds the answer, its messages and cost; session and run are stored for their user."""
    server = serve_model()
    agent = remembering(server, name="Chat Agent", update_memory_on_run=False)
    output = agent.run("Hello!", user_id="ann", session_id="s1")
    assert output.status is RunStatus.COMPLETED
    assert output.content
    assert output.agent_id == "chat-agent"
    assert output.metrics.requests == len(server.bodies) == 1
    assert output.metrics.total_tokens > 0
    assert agent.db is not None
    (run,) = agent.db.get_runs(user_id="ann", session_id="s1")
    assert (run.run_id, run.input, run.content) == (output.run_id, "Hello!", output.content)
    assert [message["role"] for message in run.messages] == ["user", "assistant"]
    assert agent.db.get_runs(user_id="bob", session_id="s1") == []


def test_memories_are_facts_of_their_user_alone(serve_model: Serve) -> None:
    """What a user says about themselves is kept as facts, shared across sessions, never across users."""
    server = serve_model()
    agent = remembering(server)
    agent.run("My name is Ann Lee and I like go.", user_id="ann", session_id="a1")
    agent.run("I love hiking.", user_id="bob", session_id="b1")
    assert facts(agent, "ann") == ["User's name is Ann Lee", "User likes go"]
    assert facts(agent, "bob") == ["User likes hiking"]
    agent.run("What do you suggest I do today?", user_id="ann", session_id="a2")
    question = server.answers()[-1]
    assert [message["role"] for message in question["messages"]] == ["developer", "user"]
    assert "User likes go" in question["messages"][0]["content"]
    assert "hiking" not in str(question)


def test_without_memories_in_context_the_answer_names_no_interest(serve_model: Serve) -> None:
    """`add_memories_to_context` decides whether what is remembered reaches the answer; it is kept anyway."""
    answers = {}
    for setting in (None, False):
        agent = remembering(serve_model(), add_memories_to_context=setting)
        agent.run("I love anime.", user_id="ann")
        answers[setting] = agent.run("What do you suggest I do this weekend?", user_id="ann").content
        assert facts(agent, "ann") == ["User likes anime"]
    assert "anime" in answers[None]
    assert "anime" not in answers[False]


def test_saying_the_same_again_adds_nothing(serve_model: Serve) -> None:
    """A fact that is known is not stored twice."""
    agent = remembering(serve_model())
    for _ in range(2):
        agent.run("I love anime.", user_id="ann")
    assert facts(agent, "ann") == ["User likes anime"]


def test_answer_and_memory_update_are_asked_for_at_once(serve_model: Serve) -> None:
    """The memory request does not wait for the answer, and the run waits for both."""
    server = serve_model(latency=0.1)
    agent = remembering(server)
    output = agent.run("I love anime.", user_id="ann")
    assert server.most_at_once == 2
    assert [memory.memory for memory in output.memories] == ["User likes anime"]


def test_one_agent_serves_many_users_at_once(serve_model: Serve) -> None:
    """Concurrent runs of one object mix nothing up, and leave nothing on the object."""
    agent = remembering(serve_model(latency=0.01))
    before = {name: getattr(agent, name) for name in Agent.__slots__}

    async def talk(number: int) -> str:
        for text in (f"I like sport{number}.", "Hello!", "What do you suggest I do?"):
            output = await agent.arun(text, user_id=f"user{number}", session_id=f"session{number}")
        return output.content

    async def main() -> list[str]:
        return await asyncio.gather(*(talk(number) for number in range(10, 30)))

    for number, answer in enumerate(asyncio.run(main()), start=10):
        assert f"sport{number}" in answer
        assert facts(agent, f"user{number}") == [f"User likes sport{number}"]
    assert {name: getattr(agent, name) for name in Agent.__slots__} == before


def test_updates_of_one_user_are_made_one_after_the_other(serve_model: Serve) -> None:
    """Two sessions of one user at once do not store the same fact twice, nor lose one."""
    server = serve_model(latency=0.02)
    agent = remembering(server)

    async def main() -> None:
        texts = ["I like go.", "I like tea.", "I like go and tea."]
        await asyncio.gather(*(agent.arun(text, user_id="ann") for text in texts))

    asyncio.run(main())
    assert sorted(facts(agent, "ann")) == ["User likes go", "User likes tea"]
    last = server.memory_updates()[-1]["messages"][0]["content"]
    assert "<existing_memories>" in last


def test_history_is_sent_where_it_is_asked_for(serve_model: Serve) -> None:
    """With `add_history_to_context` the last runs of the session are sent, and of no other session."""
    server = serve_model()
    agent = remembering(server, update_memory_on_run=False, add_history_to_context=True, num_history_runs=2)
    for text in ("One.", "Two.", "Three.", "Four."):
        agent.run(text, user_id="ann", session_id="s1")
    agent.run("Elsewhere.", user_id="ann", session_id="s2")
    asked = [
        [message["content"] for message in body["messages"] if message["role"] == "user"]
        for body in server.bodies
    ]
    assert asked[-2:] == [["Two.", "Three.", "Four."], ["Elsewhere."]]


def test_a_run_without_session_gets_a_fresh_one(serve_model: Serve) -> None:
    """The generated session is not kept on the agent for the next run."""
    agent = remembering(serve_model())
    first, second = agent.run("Hello!", user_id="ann"), agent.run("Hello!", user_id="ann")
    assert first.session_id != second.session_id
    assert agent.session_id is None


def test_a_session_of_another_user_is_refused_before_the_model_is_asked(serve_model: Serve) -> None:
    """Nobody gets into another user's session by naming it."""
    server = serve_model()
    agent = remembering(server)
    agent.run("Hello!", user_id="ann", session_id="s1")
    asked = len(server.bodies)
    with pytest.raises(OwnershipError, match="s1"):
        agent.run("Hello!", user_id="bob", session_id="s1")
    assert len(server.bodies) == asked


def test_the_same_run_id_stores_once(serve_model: Serve) -> None:
    """A run that is repeated under its id replaces what was stored."""
    agent = remembering(serve_model())
    for _ in range(2):
        agent.run("I like go.", user_id="ann", session_id="s1", run_id="r1")
    assert agent.db is not None
    assert [run.run_id for run in agent.db.get_runs(user_id="ann", session_id="s1")] == ["r1"]
    assert facts(agent, "ann") == ["User likes go"]


# --- tools -------------------------------------------------------------------------------------


def get_weather(city: str) -> str:
    """Get the weather of a city.

    Args:
        city: name of the city.
    """
    return f"It is sunny in {city}."


def test_tools_are_called_and_their_results_used(serve_model: Serve) -> None:
    """The model's call reaches the function, its result the model, and both the output."""
    server = serve_model()
    agent = remembering(server, tools=[get_weather], update_memory_on_run=False)
    output = agent.run("What is the weather in Rome?", user_id="ann")
    (tool,) = output.tools
    assert (tool.call.name, tool.result, tool.failed) == ("get_weather", "It is sunny in Rome.", False)
    assert "sunny" in output.content
    roles = [message["role"] for message in server.bodies[-1]["messages"]]
    assert roles == ["user", "assistant", "tool"]
    assert server.bodies[0]["tools"][0]["function"]["parameters"]["required"] == ["city"]


def test_a_tool_that_raises_ends_the_run_with_its_name(serve_model: Serve) -> None:
    """The error is raised, not told to the user as an answer; what the user said is kept."""

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        raise OSError("no network")

    agent = remembering(serve_model(), tools=[get_weather], update_memory_on_run=False)
    with pytest.raises(ToolError, match="'get_weather' raised OSError: no network") as raised:
        agent.run("What is the weather in Rome?", user_id="ann", session_id="s1")
    assert isinstance(raised.value.__cause__, OSError)
    assert agent.db is not None
    (run,) = agent.db.get_runs(user_id="ann", session_id="s1")
    assert (run.status, run.input, run.content) == (RunStatus.ERROR, "What is the weather in Rome?", None)


def test_a_run_that_does_not_end_is_stopped(serve_model: Serve) -> None:
    """More model rounds than `max_rounds` raise, with the number in the message."""
    agent = remembering(serve_model(), tools=[get_weather], max_rounds=1, update_memory_on_run=False)
    with pytest.raises(RunLimitError, match="asked its model 1 times"):
        agent.run("What is the weather in Rome?", user_id="ann")


def test_two_tools_of_one_name_are_refused() -> None:
    """A model could not tell them apart."""
    with pytest.raises(ToolError, match="two tools are called 'get_weather'"):
        Agent(tools=[get_weather, get_weather]).functions()


# --- streaming ---------------------------------------------------------------------------------


def test_a_streamed_run_gives_its_events_in_order(serve_model: Serve) -> None:
    """All events come as they happen, the completed run last; the pieces make up the answer."""
    agent = remembering(serve_model(), tools=[get_weather])

    async def main() -> list[Any]:
        stream = agent.arun(
            "I'm Ann. What is the weather in Rome?", stream=True, stream_events=True, user_id="a"
        )
        return [event async for event in stream]

    events = asyncio.run(main())
    names = [event.event for event in events]
    assert names[0] is RunEvent.run_started
    assert names[-1] is RunEvent.run_completed
    for earlier, later in (
        (RunEvent.tool_call_started, RunEvent.tool_call_completed),
        (RunEvent.model_request_started, RunEvent.tool_call_started),
        (RunEvent.memory_update_started, RunEvent.memory_update_completed),
    ):
        assert names.index(earlier) < names.index(later)
    pieces = [event.content for event in events if isinstance(event, RunContentEvent)]
    assert len(pieces) > 1
    assert isinstance(events[-1], RunCompletedEvent)
    assert "".join(pieces) == events[-1].content


def test_streamed_and_whole_runs_give_the_same(serve_model: Serve) -> None:
    """`run` with and without `stream` leads to the same answer and the same memories."""
    whole, streamed = remembering(serve_model()), remembering(serve_model())
    content = whole.run("I love anime.", user_id="ann").content
    events = streamed.run("I love anime.", user_id="ann", stream=True)
    assert "".join(event.content for event in events if isinstance(event, RunContentEvent)) == content
    assert facts(whole, "ann") == facts(streamed, "ann")


def test_leaving_a_stream_early_cancels_the_run_but_keeps_what_was_said(serve_model: Serve) -> None:
    """The turn is stored as cancelled, and the memory update that had begun is finished."""
    agent = remembering(serve_model(latency=0.05))

    async def main() -> None:
        stream = agent.arun("I love anime.", stream=True, stream_events=True, user_id="ann", session_id="s1")
        async for event in stream:
            if event.event is RunEvent.memory_update_started:
                break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    assert agent.db is not None
    (run,) = agent.db.get_runs(user_id="ann", session_id="s1")
    assert (run.status, run.input) == (RunStatus.CANCELLED, "I love anime.")
    assert facts(agent, "ann") == ["User likes anime"]


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.08])
def test_a_cancelled_run_is_whole_or_marked(serve_model: Serve, moment: float) -> None:
    """Whenever a run is cancelled, its turn is stored once, and its memories are all there or none."""
    agent = remembering(serve_model(latency=0.03))

    async def main() -> None:
        run = asyncio.create_task(agent.arun("I like go and tea.", user_id="ann", session_id="s1"))
        await asyncio.sleep(moment)
        run.cancel()
        await asyncio.wait([run])
        assert run.cancelled() or run.done()

    asyncio.run(main())
    assert agent.db is not None
    runs = agent.db.get_runs(user_id="ann", session_id="s1")
    assert len(runs) == 1
    assert facts(agent, "ann") in ([], ["User likes go", "User likes tea"])


def test_a_run_cancelled_while_it_reads_the_database_is_kept(serve_model: Serve, postgres_url: str) -> None:
    """What the user said is stored, however early the run is cancelled."""
    db = PostgresDb(postgres_url)
    db.get_sessions(user_id="ann")  # the tables are made: what follows is one read
    agent = remembering(serve_model(), db=db)

    async def main() -> None:
        run = asyncio.create_task(agent.arun("I like go.", user_id="ann", session_id="s1"))
        await asyncio.sleep(0)
        run.cancel()
        await asyncio.wait([run])
        assert run.cancelled()

    asyncio.run(main())
    (run,) = db.get_runs(user_id="ann", session_id="s1")
    assert (run.status, run.input, run.content) == (RunStatus.CANCELLED, "I like go.", None)


# --- printing ----------------------------------------------------------------------------------


def test_printing_shows_message_tools_answer_and_memories(
    serve_model: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """A panel for each, in this order, with the time that the answer took."""
    agent = remembering(serve_model(), tools=[get_weather])
    agent.print_response("I'm Ann. What is the weather in Rome?", user_id="ann")
    printed = capsys.readouterr().out
    parts = [
        "Message",
        r"weather in Rome\?",
        "Tool Calls",
        r"get_weather\(",
        r"Response \(\d+\.\ds\)",
        "• User",
    ]
    places = [found.start() for part in parts if (found := re.search(part, printed))]
    assert len(places) == len(parts)
    assert places == sorted(places)


@pytest.mark.parametrize("markdown", [False, True])
def test_printing_lets_nobody_steer_the_terminal(
    serve_model: Serve, capsys: pytest.CaptureFixture[str], markdown: bool
) -> None:
    """Escape sequences in what users and models say are not passed on."""
    agent = remembering(serve_model(), markdown=markdown)
    agent.print_response("I love \x1b]0;owned\x07tea\x1b[2J\x9b31m and go\r.", user_id="ann")
    printed = capsys.readouterr().out
    assert "tea" in printed
    assert not {"\x1b", "\x07", "\x9b", "\r"} & set(printed)


# --- synchronous faces -------------------------------------------------------------------------


def test_synchronous_calls_work_inside_a_running_loop(serve_model: Serve) -> None:
    """As in a notebook, `run` can be called where an event loop is already running."""
    agent = remembering(serve_model())

    async def main() -> str:
        return agent.run("Hello!", user_id="ann").content

    assert asyncio.run(main())


def test_one_agent_over_several_loops(serve_model: Serve) -> None:
    """An agent can be used in one `asyncio.run` after the other."""
    agent = remembering(serve_model())
    for text in ("I like go.", "I like tea."):
        asyncio.run(agent.arun(text, user_id="ann"))
    assert facts(agent, "ann") == ["User likes go", "User likes tea"]


# --- errors ------------------------------------------------------------------------------------


def test_a_model_error_is_raised_and_the_turn_kept(serve_model: Serve) -> None:
    """Errors never become answers; what the user said is stored with the run's status."""
    server = serve_model(faults=[Fault(status=401)])
    agent = remembering(server, update_memory_on_run=False)
    with pytest.raises(ModelAuthenticationError, match="401"):
        agent.run("Hello!", user_id="ann", session_id="s1")
    assert agent.db is not None
    (run,) = agent.db.get_runs(user_id="ann", session_id="s1")
    assert run.status == RunStatus.ERROR


@pytest.mark.filterwarnings("error")
def test_both_requests_failing_raises_one_error_and_warns_of_none(serve_model: Serve) -> None:
    """If answer and memory update fail together, the answer's error is told, and no warning is left."""
    agent = remembering(serve_model(faults=[Fault(status=500), Fault(status=500)]))
    with pytest.raises(ModelError, match="500"):
        agent.run("Hello!", user_id="ann")


def test_settings_that_would_do_nothing_are_refused() -> None:
    """What needs a database is refused without one, and so is a second database for memories."""
    for setting in ("update_memory_on_run", "add_memories_to_context", "add_history_to_context"):
        with pytest.raises(ConfigurationError, match=f"{setting}=True needs a database"):
            remembering_nothing(**{setting: True})
    with pytest.raises(ConfigurationError, match="a database of its own"):
        Agent(db=InMemoryDb(), memory_manager=MemoryManager(db=InMemoryDb()))


def test_a_managers_database_serves_the_agent_too() -> None:
    """An agent without a database takes its memory manager's."""
    db = InMemoryDb()
    assert Agent(memory_manager=MemoryManager(db=db)).db is db
