"""Spans: the one seam between the runtime and whoever watches it.

The runtime says what it does with `span(...)`. With no watcher that costs a global test and a
shared null object. A watcher (the gallery's recorder, a bridge to OpenTelemetry) is told when a
span starts and ends; a `Tally` only counts those of one kind. Span kinds and attribute names are
those of OpenTelemetry's conventions, listed in `agno_lite.tracing.semconv`.
"""

from __future__ import annotations

from agno_lite.tracing.spans import (
    Span,
    Tally,
    Watcher,
    add_watcher,
    ancestors,
    current_span,
    remove_watcher,
    span,
)

__all__ = ["Span", "Tally", "Watcher", "add_watcher", "ancestors", "current_span", "remove_watcher", "span"]
