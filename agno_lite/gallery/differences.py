"""How the facts of two runs differ, by section of the page, in words. Dependencies are no part of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from agno_lite.gallery.records import Capture

_LONGEST = 70
"""Characters of a value that are shown."""
_MISSING = object()


def differences(then: Capture, now: Capture) -> dict[str, tuple[str, ...]]:
    """What is different in `now`, by section; sections that are equal are left out."""
    sections = {
        "configuration": _compared(_objects(then), _objects(now)),
        "spans": _compared(_spans(then), _spans(now)),
        "requests": _compared(_bodies(then, "request"), _bodies(now, "request")),
        "answers": _compared(_bodies(then, "response"), _bodies(now, "response")),
        "functions entered": _lines("\n".join(then.entered), "\n".join(now.entered)),
        "output": _outputs(then, now),
        "storage": _compared(_plain(then.storage), _plain(now.storage)),
    }
    found = {name: tuple(lines) for name, lines in sections.items()}
    return {name: lines for name, lines in found.items() if lines}


def _objects(capture: Capture) -> dict[str, Any]:
    return {f"{made.cls} (call {made.site + 1})": made.arguments for made in capture.objects}


def _spans(capture: Capture) -> dict[str, Any]:
    """Spans by their number and name."""
    return {f"{span.id} {span.name}": {"error": span.error, **span.attributes} for span in capture.spans}


def _bodies(capture: Capture, side: str) -> dict[str, Any]:
    """Requests or answers by their number."""
    found: dict[str, Any] = {}
    for exchange in capture.exchanges:
        head = {"path": exchange.path} if side == "request" else {"status": exchange.status}
        found[f"{side} {exchange.id}"] = {**head, "body": capture.bodies.get(getattr(exchange, side))}
    return found


def _outputs(then: Capture, now: Capture) -> Iterator[str]:
    yield from _compared(then.exit_status, now.exit_status, "exit status")
    yield from _compared(then.failure, now.failure, "failure")
    yield from _lines(then.stdout, now.stdout)
    yield from (f"stderr {line}" for line in _lines(then.stderr, now.stderr))


def _plain(record: Any) -> Any:
    return None if record is None else asdict(record)


def _lines(then: str, now: str) -> Iterator[str]:
    """Lines that are gone, with `-`, and new ones, with `+`."""
    changed = difflib.unified_diff(then.splitlines(), now.splitlines(), lineterm="", n=0)
    yield from (line for line in changed if not line.startswith(("---", "+++", "@@")))


def _compared(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """Each place in two JSON values at which they differ."""
    if then == now:
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for name in {**then, **now}:
            inner = f"{place}.{name}" if place else str(name)
            yield from _compared(then.get(name, _MISSING), now.get(name, _MISSING), inner)
    elif isinstance(then, (list, tuple)) and isinstance(now, (list, tuple)):
        for number, pair in enumerate(zip_longest(then, now, fillvalue=_MISSING)):
            yield from _compared(*pair, f"{place}[{number}]")
    elif then is _MISSING:
        yield f"{place} is new: {_short(now)}"
    elif now is _MISSING:
        yield f"{place} is gone: {_short(then)}"
    else:
        yield f"{place}: {' → '.join(_apart(then, now))}"


def _apart(then: Any, now: Any) -> tuple[str, str]:
    """Two values as text, cut so that what differs is seen."""
    texts = repr(then), repr(now)
    pairs = enumerate(zip(*texts, strict=False))
    first = next((at for at, (one, other) in pairs if one != other), min(map(len, texts)))
    start = 0 if max(map(len, texts)) <= _LONGEST else max(0, first - _LONGEST // 3)
    return _short(then, start), _short(now, start)


def _short(value: Any, start: int = 0) -> str:
    text = repr(value)
    end = start + _LONGEST
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
