"""Work that a function asked for and did not carry out: coroutines not awaited, streams not read."""

from __future__ import annotations

import asyncio
import contextlib
import re
import warnings
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import TextIO

_NEVER = r".*was never (?:awaited|iterated)"
"""How the warnings read that Python and `agno_lite.run.unread` give of work that was dropped."""


def unfinished(outcome: object) -> str | None:
    """What a function returned, if that is work which still waits to be done; `None` if it is a value."""
    match outcome:
        case asyncio.Future():
            return None if outcome.done() else "a task that has not ended: await it"
        case Awaitable():
            return "a coroutine that was never awaited: await it, and use `arun` for an asynchronous function"
        case AsyncIterator():
            return None if _exhausted(outcome) else "a stream that was never consumed: read it by `async for`"
        case Iterator():
            return None if _exhausted(outcome) else "a stream that was never consumed: read it by `for`"
        case _:
            return None


def _exhausted(stream: object) -> bool:
    """Whether a stream is a generator that has come to its end; of other streams nobody can tell."""
    return getattr(stream, "gi_frame", stream) is None or getattr(stream, "ag_frame", stream) is None


@contextlib.contextmanager
def dropped_work() -> Iterator[list[str]]:
    """Collect what Python says of coroutines and streams that are dropped unused, in place of showing it.

    Yields:
        A list that grows: each warning, with its place. All other warnings go where they went before.
    """
    found: list[str] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("always", message=_NEVER, category=RuntimeWarning)
        show = warnings.showwarning

        def note(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, RuntimeWarning) and re.match(_NEVER, str(message)):
                found.append(f"{message} (dropped at {filename}:{lineno})")
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = note
        yield found
