"""A line that allocated is found where it stands after the file was edited."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_lite.gallery.analysis import SymbolIndex, locate
from agno_lite.gallery.config import Project
from agno_lite.gallery.records import Allocation, Place

PATH = "tiny/work.py"

Function = tuple[str, list[str]]
"""Name and body."""


def allocation(function: str, text: str, line: int = 1, path: str = PATH) -> Allocation:
    """An allocation on a line as it once was."""
    return Allocation(path=path, line=line, function=function, text=text, size=1, count=1)


def located(text: str, wanted: Allocation) -> Place | None:
    """Where the line is in a file with that text."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "tiny").mkdir()
        (root / PATH).write_text(text, encoding="utf-8")
        return locate(SymbolIndex(Project(root=root, packages=("tiny",))), wanted)


def source(functions: list[Function], noise: list[str] | None = None) -> str:
    """A module: a class with the functions as methods; `noise` comes between lines, as long as it lasts."""
    between = iter(noise or [])
    lines = ["class Work:"]
    for name, body in functions:
        lines += [f"    def {name}(self):", *(f"        {line}" for line in body), ""]
    spaced = [part for line in lines for part in (next(between, None), line) if part is not None]
    return "\n".join(spaced) + "\n"


@st.composite
def modules(draw: st.DrawFn) -> list[Function]:
    """Functions whose lines differ within each, but not from those of others."""
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    numbers = st.lists(st.integers(0, 5), min_size=1, max_size=5, unique=True)
    return [(name, [f"x{number} = [{number}]" for number in draw(numbers)]) for name in names]


NOISE = st.lists(st.sampled_from(["", "# said", "        # x1 = [1]", None]), max_size=30)


@given(data=st.data(), functions=modules(), noise=NOISE)
def test_a_line_is_found_after_edits(
    data: st.DataObject, functions: list[Function], noise: list[str]
) -> None:
    """Comments and empty lines come in, functions and lines change places: the line is the same."""
    name, body = data.draw(st.sampled_from(functions))
    text = data.draw(st.sampled_from(body))
    before = source(functions).split("\n")
    line = next(
        number
        for number, shown in enumerate(before, start=1)
        if shown.strip() == text and number > before.index(f"    def {name}(self):")
    )
    edited = [
        (other, data.draw(st.permutations(lines))) for other, lines in data.draw(st.permutations(functions))
    ]
    after = source(edited, noise)
    place = located(after, allocation(f"Work.{name}", text, line))
    assert place is not None
    assert place.exact
    assert place.line is not None
    lines = after.split("\n")
    assert lines[place.line - 1].strip() == text
    heads = [shown for shown in lines[: place.line] if shown.startswith("    def ")]
    assert heads[-1] == f"    def {name}(self):"


@given(functions=modules(), noise=NOISE, text=st.sampled_from(["gone = 1", "x9 = [9]"]))
def test_of_a_line_that_is_gone_the_function_is_left(
    functions: list[Function], noise: list[str], text: str
) -> None:
    """It is where the function begins now; without the function only the file is left."""
    after = source(functions, noise)
    name = functions[0][0]
    line = after.split("\n").index(f"    def {name}(self):") + 1
    assert located(after, allocation(f"Work.{name}", text)) == Place(path=PATH, line=line)
    assert located(after, allocation("Work.renamed", text)) == Place(path=PATH)
    assert located(after, allocation("renamed", functions[0][1][0])) == Place(path=PATH)


REPEATED = """\
kept = []
def outer():
    kept.append(1)
    def inner():
        kept.append(1)
        kept.append(2)
    pick = lambda: [3]
    kept.append(1)
    return inner
kept.append(4)
"""


@pytest.mark.parametrize(
    ("function", "text", "line", "expected"),
    [
        ("outer", "kept.append(1)", 1, 3),
        ("outer", "kept.append(1)", 5, 3),
        ("outer", "kept.append(1)", 7, 8),
        ("outer", "kept.append(1)", 90, 8),
        ("outer", "kept.append(2)", 1, 6),
        ("outer.<locals>.inner", "kept.append(1)", 90, 5),
        ("outer.<locals>.<lambda>", "pick = lambda: [3]", 1, 7),
        ("", "kept.append(4)", 3, 10),
        ("", "kept = []", 10, 1),
    ],
)
def test_of_equal_lines_the_nearest_of_the_function_itself(
    function: str, text: str, line: int, expected: int
) -> None:
    """Lines of nested functions are theirs; they count only if there is no other."""
    place = located(REPEATED, allocation(function, text, line))
    assert place == Place(path=PATH, line=expected, exact=True)


def test_a_line_outside_of_any_function_that_is_gone_leaves_the_file() -> None:
    """There is no function to point at."""
    assert located(REPEATED, allocation("", "gone = 1", 3)) == Place(path=PATH)


@pytest.mark.parametrize(
    "path", ["pydantic/fields.py", "<frozen abc>", "/usr/lib/re.py", "tiny/gone.py", "../x.py"]
)
def test_what_is_not_in_the_project_has_no_place(path: str) -> None:
    """Neither packages, nor what is no file, nor a file that was deleted."""
    assert located(REPEATED, allocation("", "kept = []", path=path)) is None


def test_what_was_noted_without_text_was_outside_of_the_project() -> None:
    """A module of a package may have the name of a file of the project."""
    assert located(REPEATED, allocation("", "", 1)) is None
    assert located(REPEATED, allocation("", "kept = []", 1)) is not None
