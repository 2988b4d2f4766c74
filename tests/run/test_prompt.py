"""The system message and its sections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_lite import tracing
from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.db.schemas import UserMemory
from agno_lite.run.prompt import MEMORIES_TAG, NO_MEMORIES, SECTIONS, build_sections, build_system_message
from agno_lite.team import Team
from agno_lite.team.prompt import TEAM_SECTIONS
from agno_lite.tracing import semconv

MEMORIES = (UserMemory(memory="User likes go", user_id="u"), UserMemory(memory="User is 30", user_id="u"))


def test_an_agent_without_settings_sends_no_system_message() -> None:
    """Nothing is made up where nothing is set."""
    assert build_system_message(Agent(), ()) is None


def test_sections_stand_in_the_order_of_their_numbers() -> None:
    """The table of sections is sorted, and each number and parameter is there once."""
    numbers = [tuple(map(int, section.number.split("."))) for section in SECTIONS]
    assert numbers == sorted(set(numbers))
    parameters = [section.parameter for section in SECTIONS]
    assert len(parameters) == len(set(parameters))
    assert set(parameters) <= set(Agent.__slots__)


def test_a_teams_sections_are_an_agents_and_its_members() -> None:
    """A team's table is sorted by its own numbers, and misses no part that an agent's message may have."""
    numbers = [tuple(map(int, section.number.split("."))) for section in TEAM_SECTIONS]
    assert numbers == sorted(set(numbers))
    parameters = {section.parameter for section in TEAM_SECTIONS}
    assert parameters == {section.parameter for section in SECTIONS} | {"members"}


def test_a_leader_is_told_of_its_members() -> None:
    """Id, name, role and tools of each member are listed, one fact on a line, before the instructions."""

    def fly(where: str) -> str:
        """Fly somewhere."""
        return where

    members = [Agent(name="Ann Lee", role="Knows\nbirds", tools=[fly]), Agent(id="bob")]
    text = build_system_message(Team(members, name="Zoo", instructions="Be kind.", markdown=True), ()) or ""
    listed = "- id: ann-lee\n  name: Ann Lee\n  role: Knows birds\n  tools: fly\n- id: bob"
    parts = ["Markdown", f"<team_members>\n{listed}\n</team_members>", "<how_to_respond>", "Be kind."]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_every_section_reaches_the_message() -> None:
    """Each parameter that makes a section is found in the text, in the order of the sections."""
    agent = Agent(
        name="Ann",
        markdown=True,
        add_datetime_to_context=True,
        add_name_to_context=True,
        description="You know birds.",
        role="Ornithologist",
        instructions=["Be brief.", "Be kind."],
        expected_output="One sentence.",
        additional_context="It is spring.",
        add_memories_to_context=True,
        db=InMemoryDb(),
    )
    text = build_system_message(agent, MEMORIES)
    assert text is not None
    parts = [
        "Format your answers with Markdown.",
        "It is now 20",
        "Your name is Ann.",
        "You know birds.",
        "<your_role>\nOrnithologist\n</your_role>",
        "- Be brief.\n- Be kind.",
        "<expected_output>\nOne sentence.\n</expected_output>",
        "It is spring.",
        f"<{MEMORIES_TAG}>\n- User likes go\n- User is 30\n</{MEMORIES_TAG}>",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_an_own_system_message_is_the_whole_message() -> None:
    """`system_message` switches every other section off; they are still told, as inactive."""
    agent = Agent(
        system_message="Only this.", description="Not this.", update_memory_on_run=True, db=InMemoryDb()
    )
    assert build_system_message(agent, MEMORIES) == "Only this."
    active = [built.section.parameter for built in build_sections(agent, MEMORIES) if built.active]
    assert active == ["system_message"]


@pytest.mark.parametrize(
    ("update", "add", "reads"),
    [(True, None, True), (True, False, False), (False, None, False), (False, True, True)],
)
def test_memories_are_read_where_they_are_kept_unless_told_otherwise(
    update: bool, add: bool | None, reads: bool
) -> None:
    """An agent that keeps memories uses them; `add_memories_to_context` decides if it is set."""
    agent = Agent(update_memory_on_run=update, add_memories_to_context=add, db=InMemoryDb())
    text = build_system_message(agent, MEMORIES) or ""
    assert ("User likes go" in text) is reads


def test_no_memories_yet_is_said_in_a_sentence() -> None:
    """A user of whom nothing is known is announced as such, so that the model does not pretend."""
    agent = Agent(update_memory_on_run=True, db=InMemoryDb())
    assert build_system_message(agent, ()) == NO_MEMORIES


def test_the_rows_told_to_watchers_are_those_of_the_message() -> None:
    """A watcher gets a row for each section, from which the message can be put together again."""
    ended: list[tracing.Span] = []

    class Watcher:
        def on_start(self, span: tracing.Span) -> None: ...

        def on_end(self, span: tracing.Span) -> None:
            ended.append(span)

    watcher = Watcher()
    tracing.add_watcher(watcher)
    try:
        agent = Agent(description="You know birds.", instructions="Be brief.")
        text = build_system_message(agent, ())
    finally:
        tracing.remove_watcher(watcher)
    (span,) = ended
    rows = span.attributes[semconv.PROMPT_SECTIONS]
    assert [row["number"] for row in rows] == [section.number for section in SECTIONS]
    assert "\n\n".join(row["text"] for row in rows if row["active"]) == text


@given(st.text(), st.lists(st.text(min_size=1), min_size=2))
def test_texts_are_taken_as_they_are(description: str, instructions: list[str]) -> None:
    """Braces, tags and anything else in a setting reach the model unchanged."""
    text = build_system_message(Agent(description=description, instructions=instructions), ()) or ""
    assert description.strip() in text
    assert all(instruction.strip() in text for instruction in instructions)
