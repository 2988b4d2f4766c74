"""Values that differ from run to run: recognised by kind, and numbered in the order in which they are met.

A value that is the same in two places has the same number in both. Times are recognised by being those
of the run: a date in a script's own text stays.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DAY = 86_400.0
"""Seconds around the run within which a number or date is taken for a time of the run."""
_FIRST_EPHEMERAL_PORT = 32_768
"""Lowest port that Linux gives out by itself (ip_local_port_range); those below are chosen by someone."""
_DURATION_KEY = re.compile(r"duration|elapsed|latency|time_to_first_token")

_HEX = r"[0-9a-fA-F]"
_KINDS = re.compile(
    rf"(?P<uuid>(?<!{_HEX})(?:{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}|{_HEX}{{32}})(?!{_HEX}))"
    # An `m` may stand before: the end of a colour's escape sequence.
    r"|(?P<id>(?<![A-Za-ln-z0-9_-])(?P<prefix>chatcmpl|call|resp|msg|fc|rs|req|run)[-_]"
    r"(?=[A-Za-z]*\d)[A-Za-z0-9]{8,}(?![A-Za-z0-9_]))"
    rf"|(?P<address>\b0x{_HEX}{{8,16}}\b)"
    r"|(?P<date>(?<!\d)(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d))"
    r"|(?P<epoch>(?<![\d.])\d{10}(?:\.\d+)?(?!\d))"
    r"|(?P<host>127\.0\.0\.1|localhost|\[::1\]):(?P<port>\d{5})(?!\d)"
)
_DURATION = re.compile(
    r"(?<![\w.])(?P<number>\d+\.\d+|\d+(?=\s?[mµun]s))(?P<unit>\s?(?:ms|µs|us|ns|s|sec|secs|seconds))\b"
    r"|(?<=\()(?P<whole>\d+)(?P<seconds>\s?s)(?=\))"
)
_PEAK = re.compile(r"\d[\d,]* (?P<unit>bytes at the peak)")
"""Memory as an evaluation tells it in debug mode. Other sizes are not hidden: most are no figures."""
_ESCAPE = r"(?:\x1b\[[0-9;]*m)*"
_TABLE = re.compile(
    rf"^(?P<title>.*?)[ ]*\n{_ESCAPE}┏[━┳]+┓{_ESCAPE}\n"
    rf"(?P<head>(?:{_ESCAPE}┃.*\n)+?){_ESCAPE}┡[━╇]+┩{_ESCAPE}\n"
    rf"(?:{_ESCAPE}[│├].*\n)*{_ESCAPE}└[─┴]+┘",
    re.MULTILINE,
)
"""A table as rich draws it, with the line above it, which is as wide as the table if it is its title."""
_UNIT = re.compile(r"\((?:bytes|[KMGT]i?B|s|ms|µs|us|ns|seconds)\)")
"""What in the head of a table says that there are figures below."""
_LINE = re.compile(r"(?<=, line )\d+(?=, in |$)")
"""Line number in a traceback: it changes when lines move, which makes no other difference."""
_FRAME = re.compile(r"[│┃║─━═┌┏╭╰└┗]")
_FILL = re.compile(r"[─━═]+| +(?=(?:\x1b\[[0-9;]*m)*[│┃║])")


class Volatile:
    """Replaces volatile values. Keeps the numbers that it gave."""

    def __init__(self, literals: Mapping[str, str], moment: float) -> None:
        """Prepare for one run.

        Args:
            literals: texts that are known to vary (paths, names, secrets), and what stands for each. A
                path is replaced where it is followed by the end of a name only.
            moment: when the run was, in seconds since 1970.
        """
        self._literals = dict(literals)
        longest_first = sorted(filter(None, literals), key=len, reverse=True)
        self._literal = re.compile("|".join(map(_whole, longest_first)) or r"(?!)")
        self._moment = moment
        self._numbers: dict[tuple[str, str], int] = {}

    def text(self, text: str, *, number: bool = True) -> str:
        """The text with placeholders such as `<uuid:1>`.

        Args:
            text: any text.
            number: whether values that are met for the first time get a number; else they are `<uuid>`.
        """
        known = self._literal.sub(self._known, text)
        return _KINDS.sub(lambda match: self._placeholder(match, number=number), known)

    def json(self, value: Any, *, number: bool = True, key: str = "") -> Any:
        """A JSON value with placeholders in its texts, and for numbers that are times of the run.

        Args:
            value: the value.
            number: as for `text`.
            key: the key under which it stands: a number under a key such as `duration` is one.
        """
        if isinstance(value, str):
            return self.text(value, number=number)
        if isinstance(value, dict):
            return {
                self.text(name, number=number): self.json(item, number=number, key=name)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.json(item, number=number, key=key) for item in value]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        return self._quantity(value, key)

    def printed(self, text: str, *, figures: bool = False) -> str:
        """Printed text with placeholders; frames drawn around it stay aligned.

        Args:
            text: what was printed.
            figures: whether figures stay: durations, sizes, and tables of either. Else a table of figures is
                one line, since the number of its rows and its width vary with them.
        """
        told = text if figures else _TABLE.sub(_without_rows, text)
        return "\n".join(self._line(line, figures=figures) for line in told.split("\n"))

    def _line(self, line: str, *, figures: bool) -> str:
        framed = _FRAME.search(line) is not None
        steps: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
            (self._literal, self._known),
            (_KINDS, lambda match: self._placeholder(match, number=True)),
            (_LINE, lambda _: "#"),
        ]
        if not figures:
            steps += [(_DURATION, _masked), (_PEAK, lambda match: f"# {match['unit']}")]
        for pattern, replacement in steps:
            line = _aligned(pattern, replacement, line) if framed else pattern.sub(replacement, line)
        return line

    def _known(self, match: re.Match[str]) -> str:
        return self._literals[match[0]]

    def _placeholder(self, match: re.Match[str], *, number: bool) -> str:
        found = match[0]
        match match.lastgroup:
            case "uuid":
                return self._numbered("uuid", found.replace("-", "").lower(), number=number)
            case "id":
                return self._numbered(match["prefix"], found, number=number)
            case "address":
                return "0x…"
            case "date":
                return "<time>" if self._is_near(_midday(match["day"])) else found
            case "epoch":
                return "<time>" if self._is_near(float(found)) else found
            case _:
                return self._port(match["host"], match["port"], number=number)

    def _port(self, host: str, port: str, *, number: bool) -> str:
        if int(port) < _FIRST_EPHEMERAL_PORT:
            return f"{host}:{port}"
        return f"{host}:{self._numbered('port', port, number=number)}"

    def _numbered(self, kind: str, value: str, *, number: bool) -> str:
        known = self._numbers.get((kind, value))
        if known is None and number:
            known = 1 + sum(other == kind for other, _ in self._numbers)
            self._numbers[kind, value] = known
        return f"<{kind}:{known}>" if known else f"<{kind}>"

    def _quantity(self, value: Any, key: str) -> Any:
        if self._is_near(value):
            return "<time>"
        return "<duration>" if isinstance(value, float) and _DURATION_KEY.search(key) else value

    def _is_near(self, seconds: float) -> bool:
        return abs(seconds - self._moment) < _DAY


def _whole(literal: str) -> str:
    """Pattern of a literal; of a path that does not end in `/`, not as the beginning of a longer name."""
    ends_inside = literal.startswith("/") and not literal.endswith("/")
    return re.escape(literal) + (r"(?![\w-])" if ends_inside else "")


def _midday(day: str) -> float:
    """Seconds from 1970 to the middle of a day, 0 if there is no such day."""
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        return 0.0
    return datetime(parsed.year, parsed.month, parsed.day, 12, tzinfo=UTC).timestamp()


def _without_rows(table: re.Match[str]) -> str:
    """A table of figures without its rows; another table as it is."""
    head = re.sub(_ESCAPE, "", table["head"])
    if not _UNIT.search(head):
        return table[0]
    names = [" ".join(name.split()) for name in head.strip(" ┃\n").split("┃")]
    return f"{table['title']}\n[figures: {', '.join(filter(None, names))}]"


def _masked(match: re.Match[str]) -> str:
    """A printed duration with its digits hidden: `#.#s`."""
    return "#.#" + (match["unit"] or match["seconds"])


def _aligned(pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str], line: str) -> str:
    """Replace in a line of a drawn frame: the filling that follows makes up for a change of length."""
    position = 0
    while match := pattern.search(line, position):
        new = replacement(match)
        rest = _filled(line[match.end() :], len(match[0]) - len(new))
        position = match.start() + len(new)
        line = line[: match.start()] + new + rest
    return line


def _filled(rest: str, missing: int) -> str:
    """The rest of a line with its first filling longer by `missing`, or shorter, but not gone."""
    filling = _FILL.search(rest)
    if filling is None:
        return rest
    length = max(1, len(filling[0]) + missing)
    return rest[: filling.start()] + filling[0][0] * length + rest[filling.end() :]
