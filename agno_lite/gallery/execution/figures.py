"""Figures of evaluations: what a run that nothing recorded says of itself."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from agno_lite.exceptions import CaptureError
from agno_lite.gallery.execution.probes import functions, parsed
from agno_lite.gallery.records import Allocation, Evaluation, Growth

if TYPE_CHECKING:
    from pathlib import Path

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.execution.child import Outcome
    from agno_lite.gallery.execution.volatile import Volatile
    from agno_lite.gallery.records import Capture

_NUMBERED = re.compile(r"<(\w+):\d+>")
_STATISTICS = ("runtime", "memory")


def read(path: Path) -> list[dict[str, Any]]:
    """The results of evaluations in the order in which they ended; none if the file is not there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def check(capture: Capture, outcome: Outcome, volatile: Volatile) -> None:
    """See that a run was the same as the recorded one, figures apart.

    Raises:
        CaptureError: it was not, which names the first difference.
    """
    runs = {
        "standard output": (capture.stdout, volatile.printed(outcome.stdout)),
        "standard error": (capture.stderr, volatile.printed(outcome.stderr)),
        "how it ended": (capture.failure or str(capture.exit_status), outcome.failure or str(outcome.code)),
    }
    for what, (recorded, measured) in runs.items():
        lines = zip_longest(_unnumbered(recorded), _unnumbered(measured), fillvalue="(nothing more)")
        for expected, found in lines:
            if expected != found:
                raise CaptureError(
                    f"{capture.example}: expected the run that is measured to be the recorded one again, but "
                    f"{what} differs: {found!r} in place of {expected!r}; make what the script does "
                    "independent of chance, for example by a random.Random(seed) of its own"
                )


def _unnumbered(text: str) -> list[str]:
    """Lines in which two values of one kind look alike: numbers are given in the order of each run."""
    return _NUMBERED.sub(r"<\1>", text).split("\n")


def evaluation(project: Project, result: dict[str, Any]) -> Evaluation:
    """A result as a record, its lines with the functions around them."""
    return Evaluation(
        name=result["name"],
        run_times=tuple(result["run_times"]),
        memory_usages=tuple(result["memory_usages"]),
        growth=tuple(
            Growth(size=growth["size"], lines=tuple(_allocation(project, line) for line in growth["lines"]))
            for growth in result["growth"]
        ),
        statistics={name: result[name] for name in _STATISTICS if result[name]},
    )


def _allocation(project: Project, line: dict[str, Any]) -> Allocation:
    function, text = _around(project.root / line["file"], line["line"])
    return Allocation(
        path=line["file"],
        line=line["line"],
        function=function,
        text=text,
        size=line["size"],
        count=line["count"],
    )


def _around(path: Path, line: int) -> tuple[str, str]:
    """The innermost function around a line of a file of the project, and the line's text."""
    if not path.is_file():
        return "", ""
    source = path.read_bytes()
    lines = source.decode(errors="replace").splitlines()
    around = [
        (name, function.lineno)
        for name, function in functions(parsed(source, str(path)))
        if function.lineno <= line <= (function.end_lineno or function.lineno)
    ]
    innermost = max(around, key=lambda found: found[1], default=("", 0))
    return innermost[0], lines[line - 1].strip() if line <= len(lines) else ""
