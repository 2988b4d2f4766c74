"""Names are found, and their lines are those of the file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_lite.exceptions import GalleryError, SourceError
from agno_lite.gallery.analysis import SymbolIndex
from agno_lite.gallery.config import Project

DEFINING = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """Qualified name, first and last line of each class and function; written without the product's help."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, DEFINING):
            first = min([child.lineno] + [d.lineno for d in child.decorator_list])
            yield prefix + child.name, first, child.end_lineno or 0
            yield from definitions(child, f"{prefix}{child.name}.")
        else:
            yield from definitions(child, prefix)


def compare(project: Project, package: str) -> int:
    """Compares every definition of a package with the syntax tree; returns how many there were."""
    index, count = SymbolIndex(project), 0
    for file in sorted((project.root / package).rglob("*.py")):
        path = file.relative_to(project.root).as_posix()
        text = file.read_text(encoding="utf-8")
        places: dict[str, set[tuple[int, int]]] = {}
        for name, first, last in definitions(ast.parse(text)):
            places.setdefault(name, set()).add((first, last))
        for name, allowed in places.items():
            symbol = index.resolve(f"{path}::{name}")
            assert symbol is not None, f"{path}::{name}"
            count += 1
            assert (symbol.line, symbol.end_line) in allowed, f"{path}::{name}"
            shown = "".join(text.splitlines(keepends=True)[symbol.line - 1 : symbol.end_line])
            assert index.source(symbol) == shown
    return count


def test_every_definition_of_this_package_has_the_lines_that_ast_gives(repository: Project) -> None:
    """Lines of all classes, functions and methods equal those of the syntax tree, decorators included."""
    assert compare(repository, "agno_lite") > 200


def test_every_definition_of_the_tiny_package_has_the_lines_that_ast_gives(tiny: Project) -> None:
    """The same for decorated, nested, overloaded, conditional and multi-line definitions."""
    assert compare(tiny, "tiny") > 15


@pytest.mark.parametrize(
    ("name", "found", "kind", "first_line"),
    [
        ("tiny.machines.robot.Robot", "tiny.machines.robot.Robot", "class", "class Robot(Base):"),
        ("tiny.Robot", "tiny.machines.robot.Robot", "class", "class Robot(Base):"),
        ("tiny.Base", "tiny.machines.base.Base", "class", "class Base:"),
        ("tiny.go", "tiny.machines.robot.go", "function", "@functools.lru_cache("),
        ("tiny.Plan", "tiny.machines.robot.Plan", "class", "@dataclass("),
        ("tiny.machines.Robot", "tiny.machines.robot.Robot", "class", "class Robot(Base):"),
        ("tiny.machines.Machine", "tiny.machines.base.Base", "class", "class Base:"),
        ("tiny.machines.Machine.stop", "tiny.machines.base.Base.stop", "function", "def stop(self) -> None:"),
        ("Robot", "tiny.machines.robot.Robot", "class", "class Robot(Base):"),
        ("Robot.carry", "tiny.machines.robot.Robot.carry", "function", "def carry(self, what):"),
        ("Robot.carry()", "tiny.machines.robot.Robot.carry", "function", "def carry(self, what):"),
        ("carry", "tiny.machines.robot.Robot.carry", "function", "def carry(self, what):"),
        ("Robot.stop", "tiny.machines.base.Base.stop", "function", "def stop(self) -> None:"),
        ("Robot.mood", "tiny.machines.robot.Robot.mood", "attribute", "@property"),
        ("Robot.load", "tiny.machines.robot.Robot.load", "attribute", "self.load = what"),
        ("LIMIT", "tiny.machines.robot.LIMIT", "attribute", "LIMIT: int = 9"),
        ("Plan.steps", "tiny.machines.robot.Plan.steps", "attribute", "steps: list[str] = field("),
        ("Robot(speed)", "tiny.machines.robot.Robot(speed)", "parameter", "def __init__(self, name: str, *"),
        ("Robot(speed=3)", None, "", ""),
        ("Base.speed", "tiny.machines.base.Base(speed)", "parameter", "def __init__(self, name: str, *"),
        ("Plan(steps)", "tiny.machines.robot.Plan(steps)", "parameter", "steps: list[str] = field("),
        ("LongPlan(goal)", "tiny.machines.robot.LongPlan(goal)", "parameter", 'goal: str = "home"'),
        ("go(fast)", "tiny.machines.robot.go(fast)", "parameter", "fast: bool = ("),
        ("go.step", "tiny.machines.robot.go.step", "function", "def step() -> str:"),
        ("tiny/machines/robot.py::go.<locals>.step", "tiny.machines.robot.go.step", "function", "def step()"),
        ("tiny/machines/robot.py", "tiny.machines.robot", "module", '"""Robots."""'),
        ("tiny.machines.robot", "tiny.machines.robot", "module", '"""Robots."""'),
        ("machines.robot", "tiny.machines.robot", "module", '"""Robots."""'),
        ("tiny/machines/robot.py::<module>", "tiny.machines.robot", "module", '"""Robots."""'),
        ("cookbook/one/a.py::main", "a.main", "function", "def main(): ..."),
        ("other.Arm.lift", "tiny.machines.other.Arm.lift", "function", "def lift(self) -> None: ..."),
        ("fallback", "tiny.machines.robot.fallback", "function", "def fallback() -> None: ..."),
        ("Robot.fly", None, "", ""),
        ("tiny.machines.robot.nothing_here", None, "", ""),
        ("../outside.py::x", None, "", ""),
        ("not a name", None, "", ""),
        ("", None, "", ""),
    ],
)
def test_resolution(
    name: str, found: str | None, kind: str, first_line: str, index: SymbolIndex, tiny: Project
) -> None:
    """Paths, re-exports, lazy tables, suffixes, parameters, nested functions and files are found."""
    symbol = index.resolve(name)
    if found is None:
        assert symbol is None
        return
    assert symbol is not None
    assert (symbol.name, symbol.kind) == (found, kind)
    line = (tiny.root / symbol.path).read_text(encoding="utf-8").split("\n")[symbol.line - 1]
    assert line.strip().startswith(first_line)


def test_an_ambiguous_name_resolves_to_nothing_and_has_candidates(index: SymbolIndex) -> None:
    """`lift` is a method of two classes: both are listed."""
    assert index.resolve("lift") is None
    assert [symbol.name for symbol in index.candidates("lift")] == [
        "tiny.machines.other.Arm.lift",
        "tiny.machines.robot.Robot.Arm.lift",
    ]


def test_a_class_nearby_decides(index: SymbolIndex) -> None:
    """`kind` and `goal` are fields of two plans; near one of them it is that one's."""
    assert len(index.candidates("goal")) == 2
    near = index.resolve("goal", near="tiny.machines.robot.LongPlan")
    assert near is not None
    assert near.name == "tiny.machines.robot.LongPlan(goal)"
    method = index.resolve("stop", near="Robot")
    assert method is not None
    assert method.name == "tiny.machines.base.Base.stop"


def test_definition_at_the_top_wins_over_a_member(index: SymbolIndex) -> None:
    """`Arm` is the class of a module, although another class has one inside."""
    symbol = index.resolve("Arm")
    assert symbol is not None
    assert symbol.name == "tiny.machines.other.Arm"


def test_parameters_know_defaults_places_and_descriptions(index: SymbolIndex) -> None:
    """Inherited constructors and dataclass fields give the same table."""
    robot, plan = index.resolve("Robot"), index.resolve("LongPlan")
    assert robot is not None
    assert plan is not None
    inherited = index.parameters(robot)
    assert [(item.name, item.default, item.positional) for item in inherited] == [
        ("name", None, True),
        ("speed", "3", False),
    ]
    assert inherited[0].symbol.summary == "what it is called, e.g. by people."
    assert inherited[0].symbol.path == "tiny/machines/base.py"
    assert [(item.name, item.default, item.symbol.summary) for item in index.parameters(plan)] == [
        ("goal", "'home'", "where to."),
        ("steps", "list()", "What to do."),
        ("kind", "'plain'", ""),
        ("length", "1", ""),
    ]


def test_parameters_of_functions_leave_the_object_out(index: SymbolIndex) -> None:
    """`self` is no parameter that one passes; a static method has none."""
    carry, count = index.resolve("Robot.carry"), index.resolve("Robot.count")
    assert carry is not None
    assert count is not None
    assert [item.name for item in index.parameters(carry)] == ["what"]
    assert [item.name for item in index.parameters(count)] == ["of", "at"]


def test_a_multi_line_default_ends_the_parameter(index: SymbolIndex, tiny: Project) -> None:
    """A parameter's last line is that of its default."""
    symbol = index.resolve("go(fast)")
    assert symbol is not None
    assert symbol.end_line == symbol.line + 1
    assert index.source(symbol).split() == ["fast:", "bool", "=", "(", "True"]


def test_an_edit_is_seen_by_the_next_index(tiny: Project) -> None:
    """An index shows one state of the files; the next one, in the same process, the next state."""
    first = SymbolIndex(tiny)
    before = first.resolve("LIMIT")
    file = tiny.root / "tiny/machines/robot.py"
    file.write_text("\n\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    after, kept = SymbolIndex(tiny).resolve("LIMIT"), first.resolve("LIMIT")
    assert before is not None
    assert after is not None
    assert kept is not None
    assert (after.line, kept.line) == (before.line + 2, before.line)


def test_nothing_is_imported(tiny: Project) -> None:
    """A package that raises when it is imported is analysed all the same."""
    (tiny.root / "tiny/bomb.py").write_text('raise SystemExit("imported")\nclass Bomb: ...\n')
    symbol = SymbolIndex(tiny).resolve("Bomb")
    assert symbol is not None
    assert (symbol.line, symbol.end_line) == (2, 2)


def test_a_broken_module_is_named_with_its_line(tiny: Project) -> None:
    """The error tells file and line of the syntax error."""
    (tiny.root / "tiny/broken.py").write_text("x = 1\ndef (:\n")
    with pytest.raises(SourceError) as caught:
        SymbolIndex(tiny).resolve("anything")
    assert (caught.value.path, caught.value.line) == ("tiny/broken.py", 2)


def test_lines_of_a_missing_file_raise(index: SymbolIndex) -> None:
    """Asking for the text of a file that is not there names it."""
    with pytest.raises(GalleryError, match=r"tiny/none\.py"):
        index.lines("tiny/none.py")


def test_unusual_separators_end_no_line(tmp_path: Path) -> None:
    """Form feeds and Unicode line separators are characters, as they are to Python."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/__init__.py").write_text('A = "\u2028\x85"\n\x0c\ndef f(): ...\n', encoding="utf-8")
    index = SymbolIndex(Project(root=tmp_path.resolve(), packages=("odd",)))
    symbol = index.resolve("f")
    assert symbol is not None
    assert index.source(symbol) == "def f(): ...\n"


def test_names_alike_are_suggested(index: SymbolIndex) -> None:
    """A slip of the pen is met with the right name."""
    assert "Robot" in index.suggestions("Robbot")
    assert "Robot.carry" in index.suggestions("Robot.cary")


CODE_NAMES = st.text(alphabet="abAB.()_/:<> \x00é数", max_size=30)


@settings(deadline=None)  # the first lookup parses the whole package
@given(name=CODE_NAMES, near=st.none() | CODE_NAMES)
def test_any_text_is_a_name_or_none(name: str, near: str | None) -> None:
    """Looking up never fails, whatever is asked for."""
    found = _gallery().candidates(name, near=near)
    assert all(symbol.line >= 1 for symbol in found)


def _gallery(cache: list[SymbolIndex] = []) -> SymbolIndex:  # noqa: B006 - one index for all examples
    if not cache:
        cache.append(SymbolIndex(Project(root=Path(__file__).resolve().parents[3])))
    return cache[0]
