"""The journal: what recorders in the child process write and the capturing process reads.

One JSON line for each event, written at once, so that nothing is lost however the process ends.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_DESCRIPTOR = 200
"""Lowest number for the journal's descriptor, out of the way of scripts that count theirs."""

_FORKED_TOO = frozenset({"enter", "module", "file", "import"})
"""Events that are taken from forked processes too: what they use, the result depends on."""


class Journal:
    """Appends events to a file; safe to use from every thread."""

    def __init__(self, path: str) -> None:
        import fcntl

        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTOR)
        os.close(descriptor)
        self._process = os.getpid()

    def write(self, event: str, **fields: Any) -> None:
        """Append one event with the time of now; `fields` must be JSON."""
        if event not in _FORKED_TOO and os.getpid() != self._process:
            return
        line = json.dumps({"event": event, "at": time.perf_counter_ns(), **fields}) + "\n"
        # One write to a file opened for appending is not interleaved with others.
        os.write(self._descriptor, line.encode())


def read(path: Path) -> list[dict[str, Any]]:
    """All events of a journal, in the order in which they were written.

    A last line that was cut because the process was killed is left out; a journal that was never
    begun is empty.
    """
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]
