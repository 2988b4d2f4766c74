"""Prints a run to a terminal, in panels."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from rich.box import HEAVY
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from agno_lite.run.agent import (
    MemoryUpdateCompletedEvent,
    RunCompletedEvent,
    RunContentEvent,
    ToolCallCompletedEvent,
    ToolCallStartedEvent,
)
from agno_lite.run.loop import stream_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agno_lite.run.agent import BaseRunEvent
    from agno_lite.run.loop import RunCall

_CONTROLS = dict.fromkeys(code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n")
"""Control characters, which could move the cursor, hide text or set the window's title."""


class _View:
    """What is known of a run so far, as panels."""

    def __init__(self, call: RunCall) -> None:
        self._run_id = call.run_id
        self._markdown = call.agent.markdown
        self._show_members = call.agent.show_members_responses
        self._message = call.input
        self._tools: dict[str, str] = {}
        self._members: dict[str, RunCompletedEvent | None] = {}
        self._memories: list[str] = []
        self._content = ""
        self._started = time.perf_counter()
        self._duration: float | None = None

    def add(self, event: BaseRunEvent) -> None:
        """Take in an event; of a member's run its end, in the place of its beginning."""
        if event.run_id != self._run_id:
            self._members[event.run_id] = event if isinstance(event, RunCompletedEvent) else None
            return
        match event:
            case RunContentEvent():
                self._content += event.content
            case ToolCallStartedEvent():
                self._tools[event.tool.id] = f"{event.tool.name}({event.tool.arguments})"
            case ToolCallCompletedEvent():
                self._tools[event.tool.call.id] += f" → {event.tool.result}"
            case MemoryUpdateCompletedEvent():
                self._memories = [memory.memory for memory in event.memories]
            case RunCompletedEvent():
                self._content = event.content
                self._duration = time.perf_counter() - self._started
            case _:
                pass

    def __rich__(self) -> RenderableType:
        seconds = time.perf_counter() - self._started if self._duration is None else self._duration
        panels = [_panel("Message", _text(self._message), "cyan")]
        if self._tools:
            panels.append(_panel("Tool Calls", _listed(self._tools.values()), "yellow"))
        for member in filter(None, self._members.values() if self._show_members else ()):
            name = member.agent_name or member.agent_id
            panels.append(_panel(f"Response of {name}", self._answer(member.content), "magenta"))
        panels.append(_panel(f"Response ({seconds:.1f}s)", self._answer(self._content), "blue"))
        if self._memories:
            panels.append(_panel("Memories", _listed(self._memories), "green"))
        return Group(*panels)

    def _answer(self, content: str) -> RenderableType:
        return Markdown(content.translate(_CONTROLS)) if self._markdown else _text(content)


def _text(content: str) -> Text:
    """Text of somebody else's: what would steer the terminal is left out."""
    return Text(content.translate(_CONTROLS))


def _listed(lines: Iterable[str]) -> Text:
    return _text("\n".join(f"• {line}" for line in lines))


def _panel(title: str, content: RenderableType, colour: str) -> Panel:
    return Panel(content, title=title, title_align="left", border_style=colour, box=HEAVY, padding=(1, 1))


async def print_run(call: RunCall) -> None:
    """Carry out a run and print it: growing as it goes on if it is streamed to a terminal, else at its end.

    Panels, as in Agno: the message, tool calls, members' answers where they are wanted, the answer with the
    time it took, memories that changed.
    """
    console = Console()
    view = _View(call)
    async with aclosing(stream_run(call)) as events:
        if call.stream and console.is_interactive:
            with Live(view, console=console, refresh_per_second=12):
                async for event in events:
                    view.add(event)
            return
        async for event in events:
            view.add(event)
    console.print(view)
