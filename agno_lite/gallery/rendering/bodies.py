"""Bodies of requests and answers as text, and what one has that another has not."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH = 100
"""Characters that a list or an object may have to stand on one line."""
_LONG = 160
"""Characters from which on a changed line is shortened."""
_KEPT = 40
"""Characters that stay on either side of what has changed in it."""
_LINE_BREAK = re.compile(r"(?<!\\)((?:\\\\)*\\n)(?!\")")
"""A line break inside a JSON string, as it is written there; one that ends the string is left out."""


def pretty(body: Any, indent: str = "") -> str:
    """A body as JSON: what is short stands on one line; what is no JSON stands as it is."""
    if isinstance(body, str) and not indent:
        return body
    line = json.dumps(body, ensure_ascii=False)
    if not isinstance(body, dict | list) or len(indent) + len(line) <= _WIDTH:
        return line
    inner = f"{indent}  "
    if isinstance(body, list):
        return _block("[", [pretty(item, inner) for item in body], "]", indent)
    pairs = [f"{json.dumps(key, ensure_ascii=False)}: {pretty(item, inner)}" for key, item in body.items()]
    return _block("{", pairs, "}", indent)


def by_line(events: list[Any]) -> str:
    """A list with each item on a line of its own."""
    return _block("[", [json.dumps(event, ensure_ascii=False) for event in events], "]", "")


def _block(begin: str, items: list[str], end: str, indent: str) -> str:
    rows = ",\n".join(f"{indent}  {item}" for item in items)
    return f"{begin}\n{rows}\n{indent}{end}"


def broken(body: Any) -> list[str]:
    """The lines of a body; a string that has several lines goes on in the next line after each break."""
    text = pretty(body)
    return (text if isinstance(body, str) else _LINE_BREAK.sub("\\1\n", text)).split("\n")


def difference(first: list[str], later: list[str]) -> str:
    """What has to be done to the first lines to get the later ones; empty if nothing.

    A unified diff without lines that are equal. Of a long line that takes another one's place it leaves
    out the beginning and end that both have, as `…`; the head of the change says how many characters.
    """
    changes = SequenceMatcher(a=first, b=later, autojunk=False).get_opcodes()
    hunks = (
        hunk
        for kind, start, end, new_start, new_end in changes
        if kind != "equal"
        for hunk in _hunks(first, (start, end), later, (new_start, new_end))
    )
    return "\n".join(hunks)


def _hunks(first: list[str], old: tuple[int, int], later: list[str], new: tuple[int, int]) -> Iterator[str]:
    """A change, or one for each line if lines take the place of as many and some are long."""
    pairs = list(zip(range(*old), range(*new), strict=False))
    equal = old[1] - old[0] == new[1] - new[0]
    if equal and any(len(first[one]) > _LONG and len(later[other]) > _LONG for one, other in pairs):
        for one, other in pairs:
            yield _replaced(first[one], one, later[other], other)
        return
    yield "\n".join(
        [
            f"@@ -{_range(*old)} +{_range(*new)} @@",
            *(f"-{line}" for line in first[slice(*old)]),
            *(f"+{line}" for line in later[slice(*new)]),
        ]
    )


def _replaced(first: str, old: int, later: str, new: int) -> str:
    """One line in the place of another, without the long beginning and end that both have."""
    begin = _left_out(first, later)
    end = _left_out(first[begin:][::-1], later[begin:][::-1])
    counts = f" …{begin} …{end}" if begin or end else ""
    before, after = ("…" if count else "" for count in (begin, end))
    old_line, new_line = (f"{before}{line[begin : len(line) - end]}{after}" for line in (first, later))
    return f"@@ -{old + 1} +{new + 1} @@{counts}\n-{old_line}\n+{new_line}"


def _left_out(first: str, later: str) -> int:
    """How many characters that both lines begin with are left out: none if that would save little."""
    pairs = enumerate(zip(first, later, strict=False))
    common = next((at for at, (one, other) in pairs if one != other), min(len(first), len(later)))
    return common - _KEPT if common > 2 * _KEPT else 0


def _range(start: int, end: int) -> str:
    """Lines as a unified diff names them: of none, the line before."""
    count = end - start
    return f"{start + 1 if count else start}" + ("" if count == 1 else f",{count}")
