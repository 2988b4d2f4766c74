"""What varies is recognised by its kind; what only looks like it stays."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_lite.gallery.execution.volatile import Volatile

_MOMENT = datetime(2031, 5, 20, 13, 45, tzinfo=UTC).timestamp()
_ONE, _TWO = str(UUID(int=1)), str(UUID(int=2))


def _volatile(**literals: str) -> Volatile:
    return Volatile({"/home/me/project/": "", "/home/me/project": ".", **literals}, _MOMENT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{_ONE} {_TWO} {_ONE}", "<uuid:1> <uuid:2> <uuid:1>"),
        (f"{UUID(int=1).hex}/{_ONE.upper()}", "<uuid:1>/<uuid:1>"),
        (f"\x1b[93m{_ONE}\x1b[0m", "\x1b[93m<uuid:1>\x1b[0m"),
        ("chatcmpl-Ab3dEf6h1 call_0a1b2c3d4e", "<chatcmpl:1> <call:1>"),
        (
            "run_something call_function file_operations run-1",
            "run_something call_function file_operations run-1",
        ),
        ("2031-05-20T13:45:01.5Z on 2031-05-20 13:44:59,123", "<time> on <time>"),
        ("born 1990-01-31, see 2030-05-20T13:45:00", "born 1990-01-31, see 2030-05-20T13:45:00"),
        (f"at {_MOMENT:.3f} or {int(_MOMENT) + 3}, not 1234567890", "at <time> or <time>, not 1234567890"),
        ("<Agent object at 0x7f3c2a1b9d30> 0xff", "<Agent object at 0x…> 0xff"),
        ("http://127.0.0.1:45123/v1 localhost:5432", "http://127.0.0.1:<port:1>/v1 localhost:5432"),
        ("/home/me/project/a.py in /home/me/project", "a.py in ."),
        ("/home/me/project-2/a.py", "/home/me/project-2/a.py"),
        ("ffffffff", "ffffffff"),
        ("9999-99-99", "9999-99-99"),
    ],
)
def test_kinds_are_recognised(text: str, expected: str) -> None:
    """Each kind has its placeholder, equal values have equal numbers, everything else stays."""
    assert _volatile().text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Response (0.1s)", "Response (#.#s)"),
        ("Response (12.34s)", "Response (#.#s)"),
        ("took 12 ms, 3.5 seconds, (3s)", "took #.# ms, #.# seconds, (#.#s)"),
        ("wait 5 seconds, 3.5 apples, v1.2s3", "wait 5 seconds, 3.5 apples, v1.2s3"),
        (
            '  File "a.py", line 12, in f\n  File "b.py", line 3',
            '  File "a.py", line #, in f\n  File "b.py", line #',
        ),
    ],
)
def test_durations_are_hidden_in_printed_text(text: str, expected: str) -> None:
    """Durations vary; so do line numbers of tracebacks, when lines move."""
    assert _volatile().printed(text) == expected
    assert _volatile().text("took 0.1s") == "took 0.1s"


@pytest.mark.parametrize("duration", ["0.1s", "9.9s", "10.0s", "123.456s"])
@pytest.mark.parametrize("identifier", [_ONE, UUID(int=1).hex])
def test_frames_stay_aligned(duration: str, identifier: str) -> None:
    """A drawn frame is the same, and as wide as before, however long what it held was."""
    width = 60
    title = f" Response ({duration}) "
    lines = [
        f"\x1b[34m┏━\x1b[0m\x1b[34m{title}\x1b[0m\x1b[34m{'━' * (width - 4 - len(title))}\x1b[0m━┓",
        f"┃ run {identifier}{' ' * (width - 7 - len(identifier))}\x1b[34m┃\x1b[0m",
        "┗" + "━" * (width - 2) + "┛",
    ]
    shown = _volatile().printed("\n".join(lines)).split("\n")
    plain = [line.replace("\x1b[34m", "").replace("\x1b[0m", "") for line in shown]
    assert [len(line) for line in plain] == [width] * 3
    assert plain[0] == "┏━ Response (#.#s) " + "━" * 40 + "┓"
    assert plain[1] == "┃ run <uuid:1>" + " " * 45 + "┃"


def test_json_keeps_its_shape() -> None:
    """In JSON times and durations are recognised as numbers too, by what they are or by their key."""
    value = {
        "created": int(_MOMENT),
        "n": 1790000000,
        "ok": True,
        "list": [_ONE, None, 1.5],
        "metrics": {"duration": 0.25, "time_to_first_token": 0.1, "durations": 3},
        _ONE: "key",
    }
    assert _volatile().json(value) == {
        "created": "<time>",
        "n": 1790000000,
        "ok": True,
        "list": ["<uuid:1>", None, 1.5],
        "metrics": {"duration": "<duration>", "time_to_first_token": "<duration>", "durations": 3},
        "<uuid:1>": "key",
    }


_PIECES = st.sampled_from(
    [_ONE, _TWO, "call_0a1b2c3d4e", "0x7f3c2a1b9d30", "127.0.0.1:45123", "2031-05-20T13:45:01", "(0.1s)",
     " 12 ms", "┃", "━━━━", "   │", "/home/me/project/", "/home/me/project", f"{_MOMENT}", "\n",
     ", line 3", "é"]
)  # fmt: skip


@settings(deadline=None)
@given(pieces=st.lists(_PIECES | st.text(max_size=5), max_size=12))
def test_a_second_time_changes_nothing(pieces: list[str]) -> None:
    """What has been made stable is left alone."""
    text = " ".join(pieces)
    once, printed = _volatile().text(text), _volatile().printed(text)
    assert _volatile().text(once) == once
    assert _volatile().printed(printed) == printed


@settings(deadline=None)
@given(pieces=st.lists(_PIECES, max_size=12), data=st.data())
def test_other_values_of_the_same_kind_give_the_same_text(pieces: list[str], data: st.DataObject) -> None:
    """Exchanging each uuid for another one, the same everywhere, leaves no trace."""
    others = data.draw(st.lists(st.uuids(), min_size=2, max_size=2, unique=True))
    text = json.dumps(pieces)
    exchanged = text.replace(_ONE, "first").replace(_TWO, str(others[1])).replace("first", str(others[0]))
    assert _volatile().json(json.loads(text)) == _volatile().json(json.loads(exchanged))


def _table(*rows: str, head: str, width: int) -> str:
    drawn = [f"┏{'━' * width}┓", f"┃\x1b[1m{head:<{width}}\x1b[0m┃", f"┡{'━' * width}┩"]
    return "\n".join([*drawn, *(f"│{row:<{width}}│" for row in rows), f"└{'─' * width}┘"])


def test_tables_of_figures_are_one_line() -> None:
    """However many rows there are and however wide: what is left is what the columns are called."""
    tables = [
        f"before\n\x1b[3mGrowth{' ' * width}\x1b[0m\n"
        f"{_table(*rows, head=' Line ┃ Size (KiB) ', width=width)}\nafter"
        for width, rows in ((30, ["a.py:1 │ 2.5"]), (44, ["a.py:1 │ 2.5", "b.py:123 │ 200.5"]))
    ]
    masked = {re.sub(r" +(?=\x1b)", "", _volatile().printed(table)) for table in tables}
    assert masked == {"before\n\x1b[3mGrowth\x1b[0m\n[figures: Line, Size (KiB)]\nafter"}
    assert [_volatile().printed(table, figures=True) for table in tables] == tables


def test_other_tables_keep_their_rows() -> None:
    """Only a unit in the head makes a table one of figures; figures are masked in lines that are none."""
    table = f"Prices\n{_table('tea │ 3', head=' Thing ┃ Price ', width=20)}"
    assert _volatile().printed(table) == table
    assert _volatile().printed("memory 1/5 16,640 bytes at the peak (0.25s)") == (
        "memory 1/5 # bytes at the peak (#.#s)"
    )
    assert _volatile().printed("16,640 bytes (0.25s)", figures=True) == "16,640 bytes (0.25s)"
    assert _volatile().printed("wrote 12 bytes") == "wrote 12 bytes"
