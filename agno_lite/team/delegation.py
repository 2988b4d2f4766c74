"""The tool with which a team's leader gives tasks to members."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from agno_lite.exceptions import AgnoLiteError, MemberError
from agno_lite.run.loop import RunCall, execute
from agno_lite.tools.function import Function

if TYPE_CHECKING:
    from agno_lite.agent.agent import Agent


async def delegate_task_to_member(call: RunCall, member_id: str, task: str) -> str:
    """Give a member of the team a task and get its answer.

    Args:
        call: the team's run.
        member_id: id of the member, as <team_members> lists it.
        task: what the member shall do, with everything that it needs to know.
    """
    member = next((member for member in call.agent.members if member.id == member_id), None)
    if member is None:
        listed = ", ".join(member.id for member in call.agent.members)
        return f"There is no member {member_id!r}, only: {listed}."
    try:
        output = await execute(_part(call, member, task))
    except AgnoLiteError as error:
        raise MemberError(
            f"member {member_id!r} of team {call.agent.id!r} failed at the task {task!r}: {error}",
            tool_name=DELEGATE.name,
            member_id=member_id,
        ) from error
    return output.content


def _part(call: RunCall, member: Agent, task: str) -> RunCall:
    """A member's run: for the same user, in the same session, kept beside the team's."""
    return replace(
        call,
        agent=member,
        input=task,
        run_id=str(uuid4()),
        parent_run_id=call.run_id,
        db=call.db or member.db,
    )


DELEGATE = Function.from_callable(delegate_task_to_member, given=("call",))
"""The tool as the leader's model sees it; in a run it is bound to the team's call."""
