"""Watchers are told of the spans that they asked for, and of no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.tracing import add_watcher, remove_watcher, semconv, span

if TYPE_CHECKING:
    from agno_lite.tracing import Span


class Keeping:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def on_start(self, span: Span) -> None:
        """Keep it."""
        self.told.append(("start", span.kind))

    def on_end(self, span: Span) -> None:
        """Keep it."""
        self.told.append(("end", span.kind))


def test_a_watcher_of_some_kinds_has_no_other_span_made() -> None:
    """Spans of other kinds are null spans, and do not come between those that are made."""
    watcher = Keeping()
    add_watcher(watcher, kinds={semconv.EVALUATE, semconv.CHAT})
    try:
        with span(semconv.EVALUATE) as outer, span(semconv.ITERATION) as null, span(semconv.CHAT) as inner:
            assert (outer.recording, null.recording, inner.recording) == (True, False, True)
            assert inner.parent is outer  # type: ignore[union-attr]
    finally:
        remove_watcher(watcher)
    with span(semconv.EVALUATE) as after:
        assert not after.recording
    kinds = [semconv.EVALUATE, semconv.CHAT]
    assert watcher.told == [
        *(("start", kind) for kind in kinds),
        *(("end", kind) for kind in reversed(kinds)),
    ]


def test_each_watcher_hears_its_own_kinds() -> None:
    """One that asked for all is told of all, beside one that did not; who came late is told of no end."""
    some, everything, late = Keeping(), Keeping(), Keeping()
    add_watcher(some, kinds={semconv.CHAT})
    add_watcher(everything)
    try:
        with span(semconv.DATABASE):
            add_watcher(late)
            with span(semconv.CHAT):
                pass
    finally:
        for watcher in (some, everything, late):
            remove_watcher(watcher)
    assert some.told == late.told == [("start", semconv.CHAT), ("end", semconv.CHAT)]
    assert [kind for _, kind in everything.told] == [
        semconv.DATABASE,
        semconv.CHAT,
        semconv.CHAT,
        semconv.DATABASE,
    ]
