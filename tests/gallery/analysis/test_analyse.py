"""What a script sets, and which defaults its run read."""

from __future__ import annotations

import pytest

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.analysis import SymbolIndex, analyse
from agno_lite.gallery.config import Project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.records import Capture, ConstructedObject, Dependencies, ObjectConfiguration, Setting

NOTHING = Dependencies(script="", modules={}, functions={}, files={}, packages={})


def captured(*entered: str, objects: tuple[ConstructedObject, ...] = ()) -> Capture:
    """A capture that holds nothing but functions entered and objects made."""
    return Capture(
        example="cookbook/one/a.py",
        dependencies=NOTHING,
        exit_status=0,
        failure=None,
        stdout="",
        stderr="",
        spans=(),
        exchanges=(),
        bodies={},
        entered=entered,
        objects=objects,
        storage=None,
    )


def setting(configuration: ObjectConfiguration, name: str) -> Setting:
    """The setting of that name."""
    return next(item for item in configuration.settings if item.name == name)


def test_every_argument_is_listed_as_it_is_written(tiny: Project, index: SymbolIndex) -> None:
    """Positional and keyword arguments, unpacked ones too, have names and source text."""
    analysis = analyse(tiny, discover(tiny)[0], None, index)
    assert (analysis.docstring, analysis.error) == ("Shows a robot.", None)
    assert [
        (item.cls, item.variable, item.line, [(s.name, s.source) for s in item.settings if s.source])
        for item in analysis.configurations
    ] == [
        ("Robot", "r2", 7, [("name", '"r2"'), ("speed", "2 + 3")]),
        ("robots.Robot", "other", 8, [("name", '"x"')]),
        ("Plan", None, 10, [("goal", '"there"'), ('**{"kind": "odd"}', '{"kind": "odd"}')]),
        ("Path", None, 11, [("1", '"a"'), ("strict", "True")]),
    ]
    assert analysis.configurations[0].symbol == index.resolve("Robot")
    assert analysis.configurations[3].symbol is None


def test_values_are_those_of_the_run_and_else_defaults(tiny: Project, index: SymbolIndex) -> None:
    """A passed setting has the value recorded at its site, a default its source text."""
    objects = (
        ConstructedObject(site=0, cls="tiny.machines.robot.Robot", arguments={"name": "'r2'", "speed": "5"}),
        ConstructedObject(site=0, cls="tiny.machines.robot.Robot", arguments={"name": "'r3'", "speed": "5"}),
        ConstructedObject(site=3, cls="pathlib.Path", arguments={"first": "'a'", "strict": "True"}),
    )
    robot, other, _, path = analyse(tiny, discover(tiny)[0], captured(objects=objects), index).configurations
    assert (setting(robot, "speed").value, setting(robot, "name").value) == ("5", "'r2' / 'r3'")
    assert (setting(other, "speed").source, setting(other, "speed").value) == (None, "3")
    assert setting(path, "first").value == "'a'"


def test_only_defaults_that_the_run_read_are_marked(tiny: Project, index: SymbolIndex) -> None:
    """An entered function that accesses the attribute counts; a constructor or another class does not."""

    def read(*entered: str) -> tuple[bool, bool]:
        analysis = analyse(tiny, discover(tiny)[0], captured(*entered), index)
        _, other, plan, _ = analysis.configurations
        return setting(other, "speed").read, setting(plan, "kind").read

    assert read() == (False, False)
    assert read("tiny/machines/base.py::Base.__init__") == (False, False)
    assert read("tiny/machines/base.py::Base.stop", "tiny/gone.py::f") == (False, False)
    assert read("tiny/machines/other.py::reads") == (True, True)


def test_a_method_of_another_class_reads_its_own_attributes(tiny: Project) -> None:
    """`self.speed` of a class that has nothing to do with the object is another `speed`."""
    (tiny.root / "tiny/car.py").write_text(
        "from tiny.machines.base import Base\n"
        "class Car:\n"
        "    def drive(self):\n        return self.speed\n"
        "    def race(self, against: Base):\n        return against.speed\n"
        "    def park(self, beside: Car):\n        return beside.speed\n"
    )
    index = SymbolIndex(tiny)

    def read(method: str) -> bool:
        capture = captured(f"tiny/car.py::Car.{method}")
        return setting(analyse(tiny, discover(tiny)[0], capture, index).configurations[1], "speed").read

    assert [read(method) for method in ("drive", "race", "park")] == [False, True, False]


def test_a_private_attribute_made_of_a_parameter_counts(tiny: Project) -> None:
    """Reading `_depth` is reading `depth`, where the constructor stores one as the other."""
    (tiny.root / "tiny/mine.py").write_text(
        "class Mine:\n"
        "    def __init__(self, depth=1, width=2):\n"
        "        self._depth = depth or 3\n        self.w = width\n"
        "    def dig(self):\n        return self._depth\n"
    )
    (tiny.root / "cookbook/one/a.py").write_text("from tiny.mine import Mine\nm = Mine()\n")
    capture = captured("tiny/mine.py::Mine.dig")
    (mine,) = analyse(tiny, discover(tiny)[0], capture, SymbolIndex(tiny)).configurations
    assert [(item.name, item.read) for item in mine.settings] == [("depth", True), ("width", False)]


def test_a_script_with_a_syntax_error_has_an_analysis(tiny: Project, index: SymbolIndex) -> None:
    """Its text is kept, and the error says where."""
    (tiny.root / "cookbook/one/a.py").write_text("x = 1\n\nx ==== 2\n")
    analysis = analyse(tiny, discover(tiny)[0], None, index)
    assert analysis.error == "line 3: invalid syntax"
    assert (analysis.text, analysis.configurations) == ("x = 1\n\nx ==== 2\n", ())


def test_discovery_finds_public_scripts_and_their_narratives(tiny: Project) -> None:
    """Private and hidden folders and files are skipped; the order is that of the paths."""
    cookbook = tiny.root / "cookbook"
    for path in ("two/b.py", "_captures/one/a.py", ".hidden/c.py", "one/_helper.py", "one/a.zh.md", "top.py"):
        (cookbook / path).parent.mkdir(parents=True, exist_ok=True)
        (cookbook / path).write_text("")
    found = discover(tiny)
    assert [example.path for example in found] == [
        "cookbook/one/a.py",
        "cookbook/top.py",
        "cookbook/two/b.py",
    ]
    assert [example.narratives for example in found] == [{"zh": "cookbook/one/a.zh.md"}, {}, {}]
    assert discover(Project(root=tiny.root / "tiny")) == ()


def test_an_excerpt_is_cut_between_anchors(tiny: Project, index: SymbolIndex) -> None:
    """The lines are those of the file, without their common indentation."""
    symbol = index.resolve("Base.__init__")
    assert symbol is not None
    (passage,) = index.excerpt(symbol, start="self.name", end="self.speed").passages
    assert passage.text == "self.name = name\nself.speed = speed"
    lines = (tiny.root / symbol.path).read_text(encoding="utf-8").split("\n")
    assert [line.strip() for line in lines[passage.line - 1 : passage.end_line]] == passage.text.split("\n")


def test_an_excerpt_without_docstring_keeps_true_line_numbers(tiny: Project, index: SymbolIndex) -> None:
    """It falls into two passages; no line between them is claimed."""
    symbol = index.resolve("go")
    assert symbol is not None
    excerpt = index.excerpt(symbol, docstring=False)
    lines = (tiny.root / symbol.path).read_text(encoding="utf-8").split("\n")
    assert len(excerpt.passages) == 2
    for passage in excerpt.passages:
        assert passage.text.split("\n") == lines[passage.line - 1 : passage.end_line]
    assert "Go there" not in "".join(passage.text for passage in excerpt.passages)
    assert (excerpt.line, excerpt.end_line) == (symbol.line, symbol.end_line)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "Base.__init__",
            {"start": "nowhere"},
            "start 'nowhere' on exactly one line .* but it is on no line",
        ),
        (
            "Base.__init__",
            {"end": "self"},
            r"end 'self' on exactly one line .* but it is on lines 12, 13, 14",
        ),
        ("Base.__init__", {"start": "self.speed", "end": "self.name"}, "lines 14 and 13"),
    ],
)
def test_an_anchor_must_be_on_one_line(
    name: str, options: dict[str, str], message: str, index: SymbolIndex
) -> None:
    """Otherwise the error names the file, the anchor and the lines that it is on."""
    symbol = index.resolve(name)
    assert symbol is not None
    with pytest.raises(GalleryError, match=rf"tiny/machines/base\.py: .*{message}"):
        index.excerpt(symbol, **options)  # type: ignore[arg-type]
