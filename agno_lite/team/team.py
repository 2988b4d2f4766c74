"""The team: an agent whose tools delegate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from agno_lite.agent.agent import Agent, checked_functions
from agno_lite.exceptions import ConfigurationError
from agno_lite.team.delegation import DELEGATE
from agno_lite.team.prompt import TEAM_SECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agno_lite.db.base import BaseDb
    from agno_lite.memory.manager import MemoryManager
    from agno_lite.models.base import Model
    from agno_lite.run.loop import RunCall
    from agno_lite.run.prompt import Section
    from agno_lite.tools.function import Function


class Team(Agent):
    """A leader, which answers the user, and members, to which it gives parts of the work.

    A team is an agent with one more tool: `delegate_task_to_member(member_id, task)` runs a member and
    gives back its answer. What one response of the leader's model delegates is done at the same time.
    Members run for the team's user and in its session, and their runs are kept there beside the team's.
    A member may be a team itself.

    In each run the user's own words are offered to memory once: by the team if it has
    `update_memory_on_run`, else by the first member that has it. The leader's words never are.

    Like an agent, a team holds configuration only and serves any number of users and runs at once.

    Args:
        members: agents and teams. They are told apart by their ids.
        model: the leader's model; `OpenAIChat()` if none is given.
        name: what the team is called.
        id: its id in the database; made from the name if it is not given.
        role: what the team is for, in a few words.
        description: what the leader is told about itself.
        instructions: what the leader is told to do: a text, or a list of which each becomes a line.
        system_message: the whole system message; every other part of it is then left out, the list of
            members too.
        expected_output: what an answer shall look like.
        additional_context: text that stands at the end.
        markdown: whether the leader is asked to write Markdown.
        add_datetime_to_context: whether the leader is told the date and time.
        add_name_to_context: whether the leader is told the team's name.
        tools: functions that the leader may call itself.
        max_rounds: how many model requests the leader may make in a run before it is stopped.
        db: where sessions, runs and memories are kept, members' runs too. A member needs none; one that it
            has must be the same.
        memory_manager: what takes memories from what users say; made from `model` and `db` if not given.
        update_memory_on_run: whether the team updates the user's memories by what the user says.
        add_memories_to_context: whether the user's memories are put into the leader's system message; if not
            said, they are where the team keeps memories.
        add_history_to_context: whether earlier runs of the session are sent along, without those of members.
            A member with this setting is sent its own.
        num_history_runs: how many of them, the last ones.
        user_id: whose runs they are if a run does not say.
        session_id: which session runs belong to if a run does not say; each then gets a fresh one.
        show_members_responses: whether `print_response` prints what members answered.
        stream_member_events: whether a run that is streamed with all events gives those of members too.

    Raises:
        ConfigurationError: settings that contradict each other, no members, or two of one id.
    """

    __slots__ = ("members", "show_members_responses", "stream_member_events")

    sections: ClassVar[tuple[Section, ...]] = TEAM_SECTIONS

    def __init__(
        self,
        members: Sequence[Agent],
        *,
        model: Model | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Agno's name
        role: str | None = None,
        description: str | None = None,
        instructions: str | Sequence[str] | None = None,
        system_message: str | None = None,
        expected_output: str | None = None,
        additional_context: str | None = None,
        markdown: bool = False,
        add_datetime_to_context: bool = False,
        add_name_to_context: bool = False,
        tools: Sequence[Callable[..., Any] | Function] = (),
        max_rounds: int = 20,
        db: BaseDb | None = None,
        memory_manager: MemoryManager | None = None,
        update_memory_on_run: bool = False,
        add_memories_to_context: bool | None = None,
        add_history_to_context: bool = False,
        num_history_runs: int = 3,
        user_id: str | None = None,
        session_id: str | None = None,
        show_members_responses: bool = False,
        stream_member_events: bool = True,
    ) -> None:
        # Every setting of an agent is one of a team, under the name of the attribute that keeps it.
        passed = locals()
        self.members = tuple(members)
        self.show_members_responses = show_members_responses
        self.stream_member_events = stream_member_events
        super().__init__(**{name: passed[name] for name in Agent.__slots__})

    def _check(self) -> None:
        super()._check()
        if not self.members:
            raise ConfigurationError("Team: members is empty; expected one at least, or use an Agent")
        ids = [self.id, *(member.id for member in self.members)]
        for known in ids:
            if ids.count(known) > 1:
                raise ConfigurationError(
                    f"Team: two of the team and its members have the id {known!r}, which is made of the name "
                    "if none is given; give them different names or ids"
                )
        for member in self.members:
            if self.db is not None and member.db not in (None, self.db):
                raise ConfigurationError(
                    f"Team: member {member.id!r} has a database of its own, but its runs are kept in the "
                    "team's session; give both the same db, or the member none"
                )

    @property
    def memory_keeper(self) -> Agent | None:
        """Whose memory manager hears what the user says in a run: the team's, else the first member's."""
        keepers = (super().memory_keeper, *(member.memory_keeper for member in self.members))
        return next(filter(None, keepers), None)

    def functions_in(self, call: RunCall) -> tuple[Function, ...]:
        """The functions that the leader's model may call in a run: to delegate, and the tools.

        Raises:
            ToolError: one of them cannot be described, or two have the same name.
        """
        return checked_functions((DELEGATE.bound(call=call), *self.tools))
