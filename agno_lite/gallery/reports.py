"""What a check found, as text for a reader, for a program, or for the annotations of a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agno_lite.gallery.pipeline import Rerun
    from agno_lite.gallery.records import Problem

FORMATS = ("text", "json", "github")
"""How a check can be reported."""
_MOST_LINES = 12
"""Lines of a section's differences that are shown to a reader."""


def report(problems: Sequence[Problem], form: str) -> str:
    """Everything that was found, in one of `FORMATS`."""
    if form == "json":
        return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False, indent=2)
    if form == "github":
        return "\n".join(
            _annotation(problem.severity, problem.path, problem.line, problem.message) for problem in problems
        )
    lines = [f"{_place(problem)}: {problem.message}" for problem in problems]
    return "\n".join([*lines, f"{len(problems)} found." if problems else "Every page is right."])


def report_rerun(done: Rerun, form: str) -> str:
    """How the facts of a run differ from those that are kept, in one of `FORMATS`, on a line for json."""
    path = done.example.path
    if form == "json":
        return json.dumps({"path": path, "differences": done.differences}, ensure_ascii=False)
    text = "\n".join(_sections(done))
    if form == "github":
        return _annotation("error", path, None, text) if done.differences else ""
    return f"{path}: {text}" if done.differences else f"{path}: the same facts"


def _place(problem: Problem) -> str:
    return problem.path if problem.line is None else f"{problem.path}:{problem.line}"


def _sections(done: Rerun) -> Iterator[str]:
    yield "running it gives other facts"
    for name, lines in done.differences.items():
        yield f"  {name}:"
        yield from (f"    {line}" for line in lines[:_MOST_LINES])
        if len(lines) > _MOST_LINES:
            yield f"    … and {len(lines) - _MOST_LINES} more"


def _annotation(severity: str, path: str, line: int | None, message: str) -> str:
    """A workflow command, in which `%`, line ends and, between the colons, `,` and `:` are escaped."""
    place = [f"file={_escaped(path).replace(':', '%3A').replace(',', '%2C')}"]
    place += [] if line is None else [f"line={line}"]
    return f"::{severity} {','.join(place)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
