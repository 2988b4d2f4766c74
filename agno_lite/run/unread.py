"""A warning for streams that nobody reads."""

from __future__ import annotations

import warnings


class Unread:
    """Stands among the arguments of a generator, and warns if the generator is dropped before it began.

    A coroutine that nobody awaits warns when it is dropped. A generator does not, and an agent whose
    stream is forgotten would do nothing without a word.

    Args:
        method: what gave the stream, for the warning.
    """

    __slots__ = ("_method",)

    def __init__(self, method: str) -> None:
        self._method: str | None = method

    def read(self) -> None:
        """Note that the generator began."""
        self._method = None

    def __del__(self) -> None:
        if self._method is not None:
            warnings.warn(
                f"the stream of '{self._method}' was never iterated, so nothing was run",
                RuntimeWarning,
                stacklevel=2,
            )
