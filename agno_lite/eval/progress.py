"""Says on standard error how far an evaluation is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from types import TracebackType


class Progress:
    """A bar for each pass where standard error is a terminal; with `debug`, a line for each call anywhere.

    Args:
        debug: whether to print the figure of each call as it ends.
    """

    def __init__(self, *, debug: bool) -> None:
        console = Console(stderr=True)
        # Drawn between calls only, and without capturing what the function prints: a thread that draws,
        # or a replaced sys.stdout, would be in the figures.
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._debug = debug

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, title: str, iterations: int) -> None:
        """Show that a pass begins."""
        self._tasks[title] = self._bars.add_task(title, total=iterations)
        self._bars.refresh()

    def advance(self, title: str, number: int, iterations: int, figure: str) -> None:
        """Show that a call has ended, and with `debug` what was measured of it."""
        if self._debug:
            self._bars.console.print(f"{title} {number}/{iterations} {figure}".rstrip(), highlight=False)
        self._bars.update(self._tasks[title], completed=number, refresh=True)
