"""The system message: an ordered list of numbered sections, each with the parameter it comes from.

The text that goes to the model and the table on a page are both made from `SECTIONS`, or for a team from
`agno_lite.team.prompt.TEAM_SECTIONS`. The numbers are those under which Agno's users know the parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from agno_lite.tracing import semconv, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agno_lite.agent.agent import Agent
    from agno_lite.db.schemas import UserMemory

MEMORIES_TAG = "memories_from_previous_interactions"
NO_MEMORIES = (
    "You can keep memories of what a user tells you, but there are none of this user yet. "
    "Let the conversation begin without mentioning it."
)


@dataclass(frozen=True, slots=True)
class Section:
    """A part that a system message may have."""

    number: str
    """Its place, such as `3.3.9`."""
    part: str
    """What it is, in a few words."""
    parameter: str
    """The agent's parameter that it comes from."""
    build: Callable[[Agent, Sequence[UserMemory]], str | None]
    """Gives the text, or `None` if the parameter asks for none."""


@dataclass(frozen=True, slots=True)
class BuiltSection:
    """A section with its text for one run."""

    section: Section
    """Which one."""
    text: str | None
    """Its text; `None` if it has none in this run."""
    active: bool
    """Whether the text is in the message: an own `system_message` switches all others off."""


def build_sections(agent: Agent, memories: Sequence[UserMemory]) -> tuple[BuiltSection, ...]:
    """Build every section for one run.

    Args:
        agent: the configuration.
        memories: the user's memories, oldest first.
    """
    own = agent.system_message is not None
    built = []
    for section in agent.sections:
        text = section.build(agent, memories)
        in_force = text is not None and (not own or section.parameter == "system_message")
        built.append(BuiltSection(section, text, in_force))
    return tuple(built)


def build_system_message(agent: Agent, memories: Sequence[UserMemory]) -> str | None:
    """The text of the system message for one run; `None` if no section has anything to say."""
    with span(semconv.BUILD_PROMPT, agent.name or "") as current:
        sections = build_sections(agent, memories)
        if current.recording:
            current.set(semconv.PROMPT_SECTIONS, [_row(built) for built in sections])
        text = "\n\n".join(built.text for built in sections if built.active and built.text)
        return text.strip() or None


def _row(built: BuiltSection) -> dict[str, object]:
    section = built.section
    return {
        "number": section.number,
        "part": section.part,
        "parameter": section.parameter,
        "text": built.text,
        "active": built.active,
    }


def _parameter(name: str, tag: str | None = None) -> Callable[[Agent, Sequence[UserMemory]], str | None]:
    """A section that is the value of a parameter, in a tag if one is named."""

    def build(agent: Agent, _: Sequence[UserMemory]) -> str | None:
        text: str | None = getattr(agent, name)
        return _tagged(tag, text) if tag else text

    return build


def _instructions(agent: Agent, _: Sequence[UserMemory]) -> str | None:
    if not agent.instructions:
        return None
    if isinstance(agent.instructions, str):
        return agent.instructions
    if len(agent.instructions) == 1:
        return agent.instructions[0]
    return "\n".join(f"- {instruction}" for instruction in agent.instructions)


def _markdown(agent: Agent, _: Sequence[UserMemory]) -> str | None:
    return "Format your answers with Markdown." if agent.markdown else None


def _datetime(agent: Agent, _: Sequence[UserMemory]) -> str | None:
    if not agent.add_datetime_to_context:
        return None
    return f"It is now {datetime.now().astimezone().isoformat(timespec='seconds')}."


def _name(agent: Agent, _: Sequence[UserMemory]) -> str | None:
    return f"Your name is {agent.name}." if agent.add_name_to_context and agent.name else None


def _tagged(tag: str, text: str | None) -> str | None:
    return f"<{tag}>\n{text}\n</{tag}>" if text else None


def _memories(agent: Agent, memories: Sequence[UserMemory]) -> str | None:
    """What the user told before, as a list in a tag; a sentence if that is nothing."""
    if not agent.reads_memories:
        return None
    if not memories:
        return NO_MEMORIES
    facts = "\n".join(f"- {memory.memory}" for memory in memories)
    return (
        f"What this user told you before, in any session:\n{_tagged(MEMORIES_TAG, facts)}\n"
        "Use what fits the question. Where the conversation says otherwise, believe the conversation."
    )


SECTIONS: tuple[Section, ...] = (
    Section("1", "own system message", "system_message", _parameter("system_message")),
    Section("3.2.1", "Markdown", "markdown", _markdown),
    Section("3.2.2", "date and time", "add_datetime_to_context", _datetime),
    Section("3.2.4", "name", "add_name_to_context", _name),
    Section("3.3.1", "description", "description", _parameter("description")),
    Section("3.3.2", "role", "role", _parameter("role", tag="your_role")),
    Section("3.3.3", "instructions", "instructions", _instructions),
    Section(
        "3.3.7", "expected output", "expected_output", _parameter("expected_output", tag="expected_output")
    ),
    Section("3.3.8", "additional context", "additional_context", _parameter("additional_context")),
    Section("3.3.9", "memories", "add_memories_to_context", _memories),
)
"""All sections of an agent's message, in the order in which they stand in it."""
