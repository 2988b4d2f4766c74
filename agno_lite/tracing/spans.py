"""Spans and their watchers."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set
    from contextvars import Token
    from types import FrameType, TracebackType


@dataclass(slots=True, eq=False, kw_only=True)
class Span:
    """Something that the runtime does, from its start to its end."""

    number: int
    """Order in which spans started in this process, from 1."""
    kind: str
    """What is done: one of the operations in `agno_lite.tracing.semconv`."""
    name: str
    """Operation and its object, as OpenTelemetry names spans: `invoke_agent Chat`."""
    parent: Span | None
    """The span inside which this one runs."""
    concurrent: bool = False
    """Whether its children may run at the same time as each other, by construction."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """What is known of it. Watchers read it at the end: values may be added until then."""
    error: BaseException | None = None
    """What left the span, if it was left by an exception."""
    start_ns: int = 0
    """`time.perf_counter_ns()` at the start."""
    end_ns: int = 0
    """`time.perf_counter_ns()` at the end, 0 while it is open."""

    def set(self, name: str, value: Any) -> None:
        """Add an attribute, or replace it."""
        self.attributes[name] = value

    @property
    def recording(self) -> bool:
        """Whether anyone will read the attributes: what is dear to compute may be left out if not."""
        return True


class Watcher(Protocol):
    """Is told of every span. Calls come from whatever thread the span runs on."""

    def on_start(self, span: Span) -> None:
        """A span was opened."""

    def on_end(self, span: Span) -> None:
        """A span was closed; `attributes` and `error` are final."""


class Tally:
    """Counts the spans of one kind that start anywhere in the process, while it is entered.

    A watcher has every span made, with all its attributes; this costs one C call for each span that is
    counted, and keeps nothing. It is for whoever measures what the runtime does.
    """

    __slots__ = ("_marks", "kind", "total")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.total = 0
        """How many started; final once the tally is left."""
        # Counting by `next` is atomic, so that spans may start on any thread.
        self._marks = itertools.count()

    def mark(self) -> None:
        """Count one."""
        next(self._marks)

    def __enter__(self) -> Tally:
        global _tallies  # noqa: PLW0603 - see add_watcher
        _tallies = (*_tallies, self)
        return self

    def __exit__(self, *exc: object) -> None:
        global _tallies  # noqa: PLW0603 - see add_watcher
        _tallies = tuple(known for known in _tallies if known is not self)
        self.total = next(self._marks)


class _NullSpan:
    """Stands for every span while nobody watches."""

    __slots__ = ()
    recording = False

    def __enter__(self) -> _NullSpan:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def set(self, name: str, value: Any) -> None:
        """Drop the attribute."""


class _OpenSpan:
    """Context manager that opens one span and closes it."""

    __slots__ = ("_span", "_token", "_watchers")

    def __init__(self, new: Span, watchers: Sequence[Watcher]) -> None:
        self._span = new
        self._watchers = watchers
        self._token: Token[Span | None] | None = None

    def __enter__(self) -> Span:
        new = self._span
        self._token = _current.set(new)
        new.start_ns = time.perf_counter_ns()
        for watcher in self._watchers:
            watcher.on_start(new)
        return new

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        new = self._span
        new.end_ns = time.perf_counter_ns()
        new.error = error
        if self._token is not None:
            # An async generator that is closed early is finished in another context;
            # that context never saw the span, so there is nothing to restore.
            with contextlib.suppress(ValueError):
                _current.reset(self._token)
        for watcher in self._watchers:
            watcher.on_end(new)


_null = _NullSpan()
_watchers: tuple[tuple[Watcher, Set[str] | None], ...] = ()
"""Who watches, and spans of which kinds; `None` stands for all."""
_tallies: tuple[Tally, ...] = ()
_current: ContextVar[Span | None] = ContextVar("agno_lite_span", default=None)
_numbers = itertools.count(1)


def span(kind: str, name: str = "", *, concurrent: bool = False, **attributes: Any) -> _OpenSpan | _NullSpan:
    """Open a span around a `with` block.

    Args:
        kind: an operation of `agno_lite.tracing.semconv`, for example `semconv.CHAT`.
        name: what it is done to (an agent's, a tool's or a model's name); may be empty.
        concurrent: True if the spans inside may overlap by construction, for example the tool calls of
            one answer. Readers then must not take the order in which they started for an order of events.
        **attributes: what is known at the start. In a name `__` stands for `.`, so that
            `gen_ai__agent__name="Chat"` sets `gen_ai.agent.name`. `code__function__name` and
            `code__file__path` replace the place of the call, which is what they say otherwise.

    Returns:
        A context manager that gives the `Span`, or a null span while nobody watches its kind. Both have
        `set(name, value)` and `recording`.
    """
    for tally in _tallies:
        if tally.kind == kind:
            tally.mark()
    if not _watchers:
        return _null
    watchers = [watcher for watcher, kinds in _watchers if kinds is None or kind in kinds]
    if not watchers:
        return _null
    known = _code(sys._getframe(1))  # noqa: SLF001 - the documented way to a caller's frame
    known.update({key.replace("__", "."): value for key, value in attributes.items()})
    return _OpenSpan(
        Span(
            number=next(_numbers),
            kind=kind,
            name=f"{kind} {name}".strip(),
            parent=_current.get(),
            concurrent=concurrent,
            attributes=known,
        ),
        watchers,
    )


def _code(frame: FrameType) -> dict[str, Any]:
    """Where a span is opened, as OpenTelemetry's `code.*` attributes."""
    code = frame.f_code
    return {
        semconv.CODE_FUNCTION_NAME: f"{frame.f_globals.get('__name__', '')}.{code.co_qualname}",
        semconv.CODE_FILE_PATH: code.co_filename,
    }


def current_span() -> Span | None:
    """The innermost open span of this context; `None` outside all spans, or while nobody watches."""
    return _current.get()


def ancestors(of: Span | None) -> Iterator[Span]:
    """The span itself and those around it, innermost first."""
    while of is not None:
        yield of
        of = of.parent


def add_watcher(watcher: Watcher, *, kinds: Set[str] | None = None) -> None:
    """Let `watcher` be told of spans opened from now on.

    Args:
        watcher: who is told.
        kinds: operations of `agno_lite.tracing.semconv`; spans of other kinds are not made for this watcher.
            All if not given.
    """
    global _watchers  # noqa: PLW0603 - one tuple, replaced whole, so that `span` needs no lock
    _watchers = (*_watchers, (watcher, kinds))


def remove_watcher(watcher: Watcher) -> None:
    """Tell `watcher` no more; does nothing if it was not watching."""
    global _watchers  # noqa: PLW0603 - see add_watcher
    _watchers = tuple(known for known in _watchers if known[0] is not watcher)
