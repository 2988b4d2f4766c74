"""The system message of a team's leader: an agent's sections in a team's order, and the list of members."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agno_lite.run.prompt import SECTIONS, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.agent.agent import Agent
    from agno_lite.db.schemas import UserMemory

OPENING = "You lead a team. You answer the user, and the members of your team do their part of the work."
HOW_TO_RESPOND = (
    "- Give each part of a request to the member whose role and tools fit it, with delegate_task_to_member. "
    "Where several members are needed, call it for all of them in one response.\n"
    "- A member sees nothing of this conversation: let the task say everything that it needs.\n"
    "- Answer by yourself what needs no member.\n"
    "- When the members have answered, put what they found into one answer. No task is given twice."
)


def _members(team: Agent, _: Sequence[UserMemory]) -> str:
    """Who is in the team, and how to work with them."""
    listed = "\n".join(_entry(member) for member in team.members)
    return (
        f"{OPENING}\n\n<team_members>\n{listed}\n</team_members>\n\n"
        f"<how_to_respond>\n{HOW_TO_RESPOND}\n</how_to_respond>"
    )


def _entry(member: Agent) -> str:
    """Id, name, role and tools of a member, one on each line, what it does not have left out."""
    about = {
        "name": member.name,
        "role": member.role or member.description,
        "tools": ", ".join(tool.name for tool in member.functions()),
    }
    lines = [f"  {key}: {' '.join(value.split())}" for key, value in about.items() if value]
    return "\n".join([f"- id: {member.id}", *lines])


_BY_PARAMETER = {section.parameter: section for section in SECTIONS}
_BY_PARAMETER["members"] = Section("2.1", "team members", "members", _members)
_NUMBERS = {
    "system_message": "1",
    "markdown": "1.3.1",
    "add_datetime_to_context": "1.3.2",
    "add_name_to_context": "1.3.4",
    "members": "2.1",
    "description": "2.2.1",
    "role": "2.2.2",
    "instructions": "2.2.3",
    "add_memories_to_context": "2.5",
    "expected_output": "2.6.1",
    "additional_context": "2.6.2",
}
TEAM_SECTIONS = tuple(replace(_BY_PARAMETER[name], number=number) for name, number in _NUMBERS.items())
"""All sections of a team's message, in the order in which they stand in it."""
