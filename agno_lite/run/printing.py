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
    from agno_lite.run.agent import BaseRunEvent
    from agno_lite.run.loop import RunCall


class _View:
    """What is known of a run so far, as panels."""

    def __init__(self, call: RunCall) -> None:
        self._markdown = call.agent.markdown
        self._message = call.input
        self._tools: dict[str, str] = {}
        self._memories: list[str] = []
        self._content = ""
        self._started = time.perf_counter()
        self._duration: float | None = None

    def add(self, event: BaseRunEvent) -> None:
        """Take in an event."""
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
        answer = Markdown(self._content) if self._markdown else Text(self._content)
        panels = [_panel("Message", Text(self._message), "cyan")]
        if self._tools:
            panels.append(
                _panel("Tool Calls", Text("\n".join(f"• {tool}" for tool in self._tools.values())), "yellow")
            )
        panels.append(_panel(f"Response ({seconds:.1f}s)", answer, "blue"))
        if self._memories:
            panels.append(
                _panel("Memories", Text("\n".join(f"• {fact}" for fact in self._memories)), "green")
            )
        return Group(*panels)


def _panel(title: str, content: RenderableType, colour: str) -> Panel:
    return Panel(content, title=title, title_align="left", border_style=colour, box=HEAVY, padding=(1, 1))


async def print_run(call: RunCall) -> None:
    """Carry out a run and print it: growing as it goes on if it is streamed to a terminal, else at its end.

    Panels, as in Agno: the message, tool calls, the answer with the time it took, memories that changed.
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
