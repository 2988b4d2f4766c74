"""A capture is stale exactly when something that it depended on has changed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_lite.gallery.config import Project
from agno_lite.gallery.execution.dependencies import compute
from agno_lite.gallery.execution.raw import RawRun

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gallery.execution.conftest import Tiny

_SCRIPT = '''
"""A script."""
from pathlib import Path
from shop.till import Till


def main() -> None:
    """Run it."""
    print(Till("a").pay(3), Path("data/prices.txt").read_text(), Path("data/absent.txt").exists())
    print(sorted(Path("data").glob("*.txt")))


def later() -> None:
    print("not yet")


main()
'''


@pytest.fixture
def shop(tiny: Tiny) -> Tiny:
    """The tiny project with a data file and a script that uses it."""
    tiny.write("data/prices.txt", "1 2 3")
    tiny.write(tiny.example.path, _SCRIPT)
    return tiny


_TILL = "shop/till.py"
_EXAMPLE = "cookbook/01_topic/example.py"
_UNKNOWN = f"{_TILL}: a definition outside function bodies changed"
_TAX = ("shop.till.Till.__init__: the default of tax changed: 0.2 → 0.3",)


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        (_EXAMPLE, 'Till("a")', 'Till("b")', (f"{_EXAMPLE}::main: body changed",)),
        (_EXAMPLE, "\n\nmain()", "\n\nmain()\nmain()", ("script changed",)),
        (_EXAMPLE, "def main", "def other(): ...\n\n\ndef main", ("script changed",)),
        (_EXAMPLE, "not yet", "still not", ()),
        # What a run constructed is known by the place of the call among all such calls.
        (_EXAMPLE, '"not yet"', 'Till("later")', ("script changed",)),
        (
            _TILL,
            "round(price * (1 + tax), 2)",
            "round(price * (2 + tax), 2)",
            ("shop.till.total: body changed",),
        ),
        (_TILL, "self.advance()", "", ("shop.till.Till.pay: body changed",)),
        (_TILL, '"count", 0)', '"count", 1)', ("shop.till.Counter.advance: body changed",)),
        (_TILL, "tax: float = 0.2", "tax: float = 0.3", _TAX),
        (_TILL, "class Till(Counter)", "class Till(Counter, object)", ("shop.till.Till changed",)),
        (_TILL, "step = 1", "step = 2", ("shop.till.Counter.step changed: 1 → 2",)),
        (
            _TILL,
            "tax: float = 0.2",
            "rate: float = 0.2",
            (
                "shop.till.Till.__init__: parameter tax is gone",
                "shop.till.Till.__init__: parameter rate is new",
            ),
        ),
        (
            _TILL,
            "tax: float = 0.2",
            "tax: int = 0",
            ("shop.till.Till.__init__: parameter tax changed: float = 0.2 → int = 0",),
        ),
        (_TILL, "step = 1", "step = " + "1" * 80, ("shop.till.Counter.step changed",)),
        (
            _TILL,
            "from __future__ import annotations",
            "import json",
            ("shop.till.from __future__ import annotations is gone", "shop.till.import json is new"),
        ),
        (_TILL, "step = 1", 'step = 1\n    """By how much."""', ()),
        (_TILL, "def unused", "@staticmethod\ndef unused", ("shop.till.unused changed",)),
        (_TILL, "def unused", "def another(): ...\n\n\ndef unused", ("shop.till.another is new",)),
        (
            _TILL,
            "def total",
            "def sum_up",
            ("shop.till.total is gone", "shop.till.sum_up is new"),
        ),
        (_TILL, 'return "unused"', 'return "nothing"', ()),
        (_TILL, "def unused", "# a comment\n\n\ndef unused", ()),
        (_TILL, "class Counter", "\n\n\n\nclass Counter", ()),
        (_TILL, '"""Price with tax."""', '"""Something else."""', ()),
        (_TILL, '"""Takes money."""', "", ()),
        (_TILL, '"""A till."""', '"""Another."""', ()),
        (
            _TILL,
            "round(price * (1 + tax), 2)",
            "round(\n        price * (1 + tax),  # so\n        2\n    )",
            (),
        ),
        (_EXAMPLE, '"""Run it."""', "# a comment", ()),
        (_EXAMPLE, '"""A script."""', '"""Another."""\n\n\n', ()),
        ("data/prices.txt", "1 2 3", "1 2 4", ("data/prices.txt: file changed",)),
        ("mkdocs.yml", "tiny", "other", ()),
    ],
)
def test_an_edit_makes_stale_exactly_what_used_it(
    shop: Tiny, path: str, old: str, new: str, expected: tuple[str, ...]
) -> None:
    """What was used counts, by symbol; comments, positions, docstrings and unused bodies do not."""
    capture = shop.capture()
    assert capture.exit_status == 0, capture.stderr
    assert shop.reasons(capture) == ()
    shop.edit(path, old, new)
    assert shop.reasons(capture) == expected


def test_files_that_come_and_go_make_stale(shop: Tiny) -> None:
    """A deleted file, one that was looked for and is there now, and a longer list of files are changes."""
    capture = shop.capture()
    root = shop.project.root
    (root / "data/absent.txt").write_text("here")
    assert shop.reasons(capture) == (
        "data/: list of files changed",
        "data/absent.txt: file is there now",
    )
    (root / "data/absent.txt").unlink()
    (root / "data/prices.txt").unlink()
    (root / _TILL).unlink()
    (root / _EXAMPLE).unlink()
    assert shop.reasons(capture) == (
        f"{_EXAMPLE}: file is gone",
        f"{_TILL}: file is gone",
        "data/: list of files changed",
        "data/prices.txt: file is gone",
    )


def test_files_that_the_script_writes_are_no_dependencies(tiny: Tiny) -> None:
    """What the run made, and what lies outside the project or hidden in it, is not part of the key."""
    tiny.write(".hidden/settings.txt", "1")
    capture = tiny.capture("""
        import tempfile
        from pathlib import Path
        Path("made.txt").write_text("1")
        print(Path("made.txt").read_text(), Path(".hidden/settings.txt").read_text())
        with tempfile.TemporaryFile() as file:
            file.write(b"1")
    """)
    assert capture.dependencies.files == {}


def test_imported_packages_count_by_version(tiny: Tiny) -> None:
    """A third-party package counts if the script or what it imports imports it, with its version."""
    capture = tiny.capture("import httpx2")
    packages = capture.dependencies.packages
    assert {"httpx2", "idna"} <= set(packages)
    assert "pytest" not in packages
    assert tiny.capture("import json").dependencies.packages == {}
    older = dataclasses.replace(capture.dependencies, packages={**packages, "httpx2": "0.1"})
    stale = dataclasses.replace(capture, dependencies=older)
    tiny.write(tiny.example.path, "import httpx2")
    assert tiny.reasons(stale) == (f"package httpx2: 0.1 → {packages['httpx2']}",)


def test_a_docstring_counts_where_its_words_were_used(tiny: Tiny) -> None:
    """The docstring of a function that is described to a model or printed is part of what the run shows."""
    capture = tiny.capture("from shop.till import unused, total\nprint(unused.__doc__)")
    tiny.edit(_TILL, "Price with tax.", "Price.")
    assert tiny.reasons(capture) == ()
    tiny.edit(_TILL, "Nobody calls this.", "Nobody ever calls this.")
    assert tiny.reasons(capture) == ("shop.till.unused: docstring changed",)


_NESTED = """
    def outer():
        def inner(more=(lambda: 1)):
            return more() + 2

        def undo():
            return 3

        return inner()
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("lambda: 1", "lambda: 2", ("shop.nested.outer: body changed",)),
        ("def undo()", "def undo(times=1)", ("shop.nested.outer: body changed",)),
        ("more() + 2", "more() - 2", ("shop.nested.outer.<locals>.inner: body changed",)),
        ("return 3", "return 4", ()),
    ],
)
def test_functions_inside_functions_count_if_they_were_entered(
    tiny: Tiny, old: str, new: str, expected: tuple[str, ...]
) -> None:
    """A body holds the definitions of the functions in it, and not their bodies."""
    tiny.write("shop/nested.py", _NESTED)
    capture = tiny.capture("from shop.nested import outer\nprint(outer())")
    assert set(capture.dependencies.functions["shop/nested.py"]) == {"outer", "outer.<locals>.inner"}
    tiny.edit("shop/nested.py", old, new)
    assert tiny.reasons(capture) == expected


def test_functions_of_one_name_count_together(tiny: Tiny) -> None:
    """A property's setter is not missed because the getter has the same name."""
    tiny.write(
        "shop/both.py",
        """
        class Box:
            @property
            def size(self): return 1
            @size.setter
            def size(self, value): self.kept = value
        """,
    )
    capture = tiny.capture("from shop.both import Box\nBox().size = 3")
    tiny.edit("shop/both.py", "self.kept = value", "self.kept = 2 * value")
    assert tiny.reasons(capture) == ("shop.both.Box.size: body changed",)


def test_code_that_cannot_be_parsed_is_a_dependency_too(tiny: Tiny) -> None:
    """A script or module with a syntax error has a capture, which is stale once the error is mended."""
    capture = tiny.capture("def f(:")
    assert (capture.exit_status, tiny.reasons(capture)) == (1, ())
    tiny.write("shop/broken.py", "def f(:")
    capture = tiny.capture("import shop.broken")
    assert (capture.exit_status, tiny.reasons(capture)) == (1, ())
    tiny.write("shop/broken.py", "def f(): ...")
    # The traceback has shown its text.
    changed = ("a definition outside function bodies changed", "file changed")
    assert tiny.reasons(capture) == tuple(f"shop/broken.py: {what}" for what in changed)
    tiny.write(tiny.example.path, "import shop")
    assert tiny.reasons(capture)[0] == "script changed"


def test_an_edit_during_the_run_makes_the_capture_stale_at_once(tiny: Tiny) -> None:
    """What ran is not what the file says now: the capture is not taken for one of the new code."""
    capture = tiny.capture("""
        from pathlib import Path
        import shop.till
        path = Path(shop.till.__file__)
        path.write_text(path.read_text().replace("0.2", "0.3"))
        Path(__file__).write_text("changed = True")
    """)
    assert tiny.reasons(capture) == ("script changed", _UNKNOWN)


_STATEMENTS = st.sampled_from(
    [
        "x = 1",
        "def f(a=1):\n    return a",
        "class C:\n    y = 2\n    def m(self):\n        return [i for i in range(3)]",
        "async def g():\n    async with h() as k:\n        yield k",
        "if x:\n    z = lambda q: q\nelse:\n    z = None",
    ]
)


@settings(deadline=None)
@given(statements=st.lists(_STATEMENTS, min_size=1, max_size=5), gaps=st.lists(st.integers(0, 3), min_size=5))
def test_layout_is_never_part_of_a_hash(
    statements: list[str], gaps: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Blank lines, comments and docstrings anywhere leave all hashes as they are."""
    root: Path = tmp_path_factory.mktemp("layout")
    project = Project(root=root, packages=("code",))
    (root / "code").mkdir()
    (root / "script.py").write_text("\n".join(statements))
    (root / "code/module.py").write_text("\n".join(statements))
    before = compute(project, "script.py", RawRun(modules=_loaded(root, "code/module.py")))
    airy = '"""Docstring."""\n' + "".join(
        "\n" * gap
        + "# comment\n"
        + statement.replace(":\n    return a", ':\n    """Doc."""\n\n    return a')
        + "\n"
        for gap, statement in zip(gaps, statements, strict=False)
    )
    airy += "\n".join(statements[len(gaps) :])
    (root / "script.py").write_text(airy)
    (root / "code/module.py").write_text(airy)
    assert compute(project, "script.py", RawRun(modules=_loaded(root, "code/module.py"))) == before


def _loaded(root: Path, path: str) -> dict[str, tuple[float, int]]:
    status = (root / path).stat()
    return {path: (status.st_mtime, status.st_size)}
