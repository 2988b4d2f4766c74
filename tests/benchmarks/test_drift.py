"""The mutation benchmark itself: its mutations are real, its oracle sees them, it catches tools that lie."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.drift.__main__ import main
from tests.benchmarks.drift.bench import Bench, Ground, oracle_of
from tests.benchmarks.drift.effects import changed_pieces, definitions
from tests.benchmarks.drift.judging import Verdict
from tests.benchmarks.drift.kinds import KINDS, mutate
from tests.benchmarks.drift.oracle import Oracle, touched
from tests.benchmarks.drift.projects import TINY, fill_translations, scripts, write_tiny
from tests.benchmarks.drift.tool import Answer, Problem, Reason, reasons_of
from tests.benchmarks.drift.trees import Edit, Snapshot, Tree, apply

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The tiny project, with a catalogue. Tests leave it alone."""
    root = tmp_path_factory.mktemp("tiny")
    write_tiny(root)
    catalogue = root / "docs/locales/zh.po"
    catalogue.parent.mkdir()
    messages = ("A tea.", "A report of the day.", "The price before tax.", "What stands on the packet.")
    catalogue.write_text("".join(f'msgid "{text}"\nmsgstr ""\n\n' for text in ("", *messages)), "utf-8")
    fill_translations(root)
    return Tree(root, TINY.layout)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """The tiny project as the benchmark knows it, but never shown to the tool."""
    root = tmp_path_factory.mktemp("ground") / "tiny"
    write_tiny(root)
    oracle = oracle_of(TINY, root, root)
    baselines = {script: oracle.baseline(script) for script in scripts(root)}
    used = frozenset(path for baseline in baselines.values() for path in baseline.trace.files)
    return Ground(kit=TINY, root=root, home=root, baselines=baselines, problems=frozenset(), used=used)


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), seed=st.integers(0, 10_000), number=st.integers(0, 29))
def test_every_mutation_is_real_and_leaves_code(tiny: Tree, kind: str, seed: int, number: int) -> None:
    """It changes every file it names, what is Python can be parsed, and the same seed gives it again."""
    edit = mutate(tiny, kind, seed, number)
    assert edit is not None
    for path, text in edit.files.items():
        assert text != (tiny.text(path) if (tiny.root / path).is_file() else None)
        if path.endswith(".py") and text is not None:
            ast.parse(text)
    assert mutate(Tree(tiny.root, TINY.layout), kind, seed, number) == edit


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_gives_many_mutations(tiny: Tree, kind: str) -> None:
    """Thirty of a kind are no repetitions of a few."""
    edits = [mutate(tiny, kind, 1, number) for number in range(30)]
    assert len({str(sorted(edit.files.items())) for edit in edits if edit}) >= 10


@settings(max_examples=30, deadline=None)
@given(number=st.integers(0, 10_000))
def test_words_and_layout_are_no_code(tiny: Tree, number: int) -> None:
    """Comments and docstrings change no piece of code; bodies change pieces, defaults what is around them."""
    for kind, expected in (("comment", False), ("docstring", False), ("default", True), ("body", True)):
        edit = mutate(tiny, kind, number, 0)
        assert edit is not None
        ((path, text),) = edit.files.items()
        assert bool(changed_pieces(tiny.text(path), text)) == expected, edit.summary


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("def f():\n    return 1", "\n\ndef f():\n    # remark\n    return 1", set()),
        ("def f():\n    return 1", "def f():\n    return 2", {"f"}),
        ("def f():\n    return 1", "def f():\n    'words'\n    return 1", set()),
        ("def f(a=1):\n    return a", "def f(a=2):\n    return a", {"<module>"}),
        ("def f(a):\n    return 1", "def f(b):\n    return 1", {"<module>", "f"}),
        ("x = [i for i in y]", "x = [i + 1 for i in y]", {"<module>"}),
        ("x = lambda: 1", "x = lambda: 2", {"<module>"}),
        ("class C:\n    x = 1", "class C:\n    x = 2", {"<module>"}),
        ("class C:\n    def m(self): return 1", "class C:\n    def m(self): return 2", {"C.m"}),
        (
            "def f():\n  def g(): return 1\n  return g",
            "def f():\n  def g(): return 2\n  return g",
            {"f.<locals>.g"},
        ),
        ("x = 1", "x = 1.0", {"<module>"}),
        ("x = 1", "x = True", {"<module>"}),
    ],
)
def test_pieces_of_code(old: str, new: str, pieces: set[str]) -> None:
    """What executes with what: a function apart from its module, a class body and a lambda with it."""
    assert changed_pieces(old, new) == pieces


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("from a import b, c", "from a import c", {"b", "from a import b", "c"}),
        ("def f(a, b=1): return 1", "def f(a, b=2): return 2", {"f", "f(b)"}),
        (
            "class C:\n    x = 1\n    def m(self): return 1",
            "class C:\n    x = 2\n    def m(self): return 2",
            {"C.x"},
        ),
        ("class C:\n    x = 1", "class C(D):\n    x = 1", {"C"}),
        ("x = 1\n'words'", "x = 1\n'other words'", set()),
    ],
)
def test_definitions_by_name(old: str, new: str, changed: set[str]) -> None:
    """What stands outside of function bodies, by the names that it binds."""
    before, after = definitions(old), definitions(new)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == changed


# --- the oracle ----------------------------------------------------------------------------------


def edit_of(ground: Ground, path: str, old: str, new: str) -> Edit:
    """An edit that replaces a text in a file."""
    text = (ground.root / path).read_text("utf-8")
    assert old in text
    return Edit(files={path: text.replace(old, new)}, summary="")


@pytest.mark.parametrize(
    ("path", "old", "new", "hit"),
    [
        ("tea/rounding.py", "+ 0.0001", "+ 0.0002", {"menu", "quote", "report", "mirror"}),
        ("tea/rounding.py", "return round(value)\n", "return int(value)\n", {"mirror"}),
        ("tea/legacy.py", "RATE = 1.95583", "RATE = 2.0", {"report"}),
        ("tea/unused.py", "spoons=2", "spoons=3", set()),
        ("tea/data/teas.json", "Sencha", "Bancha", {"menu"}),
        ("tea/data/answers.json", "Welcome", "Hello", {"ask", "stream"}),
        ("tea/migrations/0002_notes.sql", "fresh", "old", {"shelves"}),
        ("site/kettle-0.9.1.dist-info/METADATA", "0.9.1", "1.0", {"shelves"}),
        ("cookbook/01_prices/quote.py", '"refund:"', '"back:"', set()),
        ("cookbook/01_prices/_common.py", "==", "--", {"menu"}),
    ],
)
def test_the_oracle_knows_what_an_edit_touches(
    ground: Ground, path: str, old: str, new: str, hit: set[str]
) -> None:
    """What each example executed and read, by a plain run under watch."""
    tree = Tree(ground.root, TINY.layout)
    edit = edit_of(ground, path, old, new)
    found = {Path(name).stem for name, base in ground.baselines.items() if touched(tree, edit, base.trace)}
    assert found == hit


def test_a_file_that_was_looked_for_is_part_of_a_run(ground: Ground) -> None:
    """A module that was not there, a file that was not there, a folder that was listed."""
    tree = Tree(ground.root, TINY.layout)
    for path, hit in (
        ("tea/local.py", {"ask", "menu", "mirror", "quote", "report", "shelves", "stream"}),
        ("tea/extra.py", set()),
        ("tea/data/discounts.txt", {"report"}),
        ("tea/data/other.txt", set()),
        ("tea/migrations/0003_more.sql", {"shelves"}),
    ):
        edit = Edit(files={path: "X = 1\n"}, summary="")
        found = {
            Path(name).stem for name, base in ground.baselines.items() if touched(tree, edit, base.trace)
        }
        assert found == hit, path


def test_what_a_script_asks_is_part_of_its_outcome(tmp_path: Path) -> None:
    """The same output with other words for the model is another outcome; the order of requests is none."""
    program = (
        "import json, os, sys, urllib.request\n"
        "for words in {words}:\n"
        "    if url := os.environ.get('OPENAI_BASE_URL'):\n"
        "        data = json.dumps({{'messages': words}}).encode()\n"
        "        urllib.request.urlopen(f'{{url}}/chat/completions', data).read()\n"
        "print('done')\n"
    )
    oracle = Oracle(root=tmp_path, online={"OPENAI_BASE_URL": "{url}"})
    outcomes = []
    for words in (["a", "b"], ["b", "a"], ["a", "c"]):
        (tmp_path / "script.py").write_text(program.format(words=words), "utf-8")
        outcomes.append(oracle.run("script.py"))
    assert [outcome.stdout for outcome in outcomes] == ["done\n"] * 3
    assert outcomes[0] == outcomes[1] != outcomes[2]


def test_what_was_changed_is_put_back(tmp_path: Path) -> None:
    """Changed, removed and added files are as before; what is left out is left alone."""
    for name in ("a.txt", "folder/b.txt", "kept/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    snapshot = Snapshot(tmp_path, ".", without="kept")
    apply(
        tmp_path,
        Edit(files={"a.txt": "x", "folder/b.txt": None, "new.txt": "x", "kept/c.txt": "x"}, summary=""),
    )
    snapshot.restore()
    found = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.txt")}
    assert found == {"a.txt": "a.txt", "folder/b.txt": "folder/b.txt", "kept/c.txt": "x"}


# --- tools that lie ------------------------------------------------------------------------------


class Silent:
    """Always says that everything is fresh, and publishes what it once published."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self._pages = pages

    def ask(self) -> Answer:
        """Say nothing."""
        return Answer(
            stale={}, drafts=self._pages, marked=frozenset(), runs={}, problems=(), pages=self._pages
        )


class Eager(Silent):
    """Runs everything, and blames the same file each time."""

    def ask(self) -> Answer:
        """Run all."""
        because = dict.fromkeys(self._scripts, (Reason(text="tea/tools.py: changed", path="tea/tools.py"),))
        every = frozenset(self._pages)
        return replace(super().ask(), stale=because, runs=because, marked=every)

    def __init__(self, pages: Mapping[str, str], scripts: list[str]) -> None:
        super().__init__(pages)
        self._scripts = scripts


class Alarmed(Silent):
    """Finds something wrong whatever happens."""

    def ask(self) -> Answer:
        """Cry."""
        problem = Problem(path="cookbook/01_prices/quote.en.md", line=3, message="expected something else")
        return replace(super().ask(), problems=(problem,))


@pytest.fixture(scope="module")
def pages(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a tool would publish that copies outputs once."""
    found = {}
    for script, baseline in ground.baselines.items():
        text = (ground.root / script).read_text("utf-8")
        page = f'## X {{ #output }}\n<pre class="terminal"><code>{baseline.outcome.raw}</code></pre>\n'
        page += f"## X {{ #source }}\n```python\n{text}```\n"
        for language in ("en", "zh"):
            found[f"{language}/{script.removesuffix('.py')}.md"] = page
    return found


def verdicts(ground: Ground, place: Path, tool: Silent, kind: str, count: int = 4) -> list[Verdict]:
    """What the benchmark thinks of a tool, by some mutations of a kind."""
    bench = Bench(ground, place)
    results = [bench.judge(kind, 1, number, tool) for number in range(count)]
    shutil.rmtree(bench.tree.root)
    return [result.verdict for result in results if result]


@pytest.mark.parametrize("kind", ["script", "migration", "constant"])
def test_a_tool_that_says_nothing_leaves_stale_pages(
    ground: Ground, pages: dict[str, str], tmp_path: Path, kind: str
) -> None:
    """Wherever an outcome changed, both pages of the example are counted, and nothing else is."""
    found = verdicts(ground, tmp_path, Silent(pages), kind)
    assert sum(verdict.needed for verdict in found) > 0
    assert all(len(verdict.stale) >= 2 * verdict.needed for verdict in found)
    assert all(not verdict.vain and not verdict.reasons for verdict in found)


def test_a_tool_that_runs_everything_runs_in_vain(
    ground: Ground, pages: dict[str, str], tmp_path: Path
) -> None:
    """A remark changes nothing but for who prints sources: other runs are in vain, each reason is wrong."""
    found = verdicts(ground, tmp_path, Eager(pages, list(ground.baselines)), "comment", 3)
    assert all(len(verdict.vain) >= len(ground.baselines) - 1 for verdict in found)
    assert all(len(verdict.reasons) >= len(ground.baselines) for verdict in found)


def test_a_tool_that_cries_wolf_gives_wrong_reasons(
    ground: Ground, pages: dict[str, str], tmp_path: Path
) -> None:
    """A problem in a file that has nothing to do with the change is a wrong reason."""
    found = verdicts(ground, tmp_path, Alarmed(pages), "migration")
    assert [len(verdict.reasons) for verdict in found] == [1] * len(found)


def test_a_wrong_page_is_found(ground: Ground, pages: dict[str, str], tmp_path: Path) -> None:
    """References, excerpts and outputs are compared with the files and a plain run."""
    false = {
        "a reference": "[`quote()`](../../source/tea/prices.py.md#__codelineno-0-3)",
        "a line": "[line 4](../../source/tea/prices.py.md#__codelineno-0-3)",
        "an excerpt": '<div class="excerpt" markdown>\n```python title="tea/prices.py"\nno\n```\n</div>',
        "a count": "LINES=77",
    }
    for what, text in false.items():
        wrong = {
            uri: f"{text}\n{page}" if uri == "en/cookbook/01_prices/quote.md" else page
            for uri, page in pages.items()
        }
        (verdict,) = verdicts(ground, tmp_path, Silent(wrong), "module", 1)
        assert any("quote.md" in line for line in verdict.stale), what


# --- the tool's answers --------------------------------------------------------------------------


def test_reasons_are_read() -> None:
    """The wordings of the tool."""
    found = reasons_of(
        "script changed; tea/a.py: body of A.b changed; "
        "tea/a.py: a definition outside function bodies changed; tea/a.py: docstring of f changed; "
        "tea/data/: list of files changed; package kettle: 1.0 → 2.0"
    )
    assert [(reason.path, reason.symbol, reason.package) for reason in found] == [
        (None, None, None),
        ("tea/a.py", "A.b", None),
        ("tea/a.py", "<module>", None),
        ("tea/a.py", "f", None),
        ("tea/data/", None, None),
        (None, None, "kettle"),
    ]


def test_the_whole_thing_prints_three_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Two mutations by the real tool: the last line has the figures, the status says whether they are 0."""
    place = tempfile.gettempdir(), os.environ.get("TMPDIR")
    status = main(["--projects", "tiny", "--kinds", "comment", "default", "--only", "1", "--jobs", "1"])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "stale and unannounced 0, runs in vain 0, wrong reasons 0 (of 2 mutations, 2 kinds)"
    assert status == 0
    assert (tempfile.gettempdir(), os.environ.get("TMPDIR")) == place


@pytest.mark.parametrize("moment", ["preparing tiny", "mutating"])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, moment: str) -> None:
    """Ctrl-C ends it at any moment, with all its processes and folders."""
    command = [sys.executable, "-m", "tests.benchmarks.drift", "--projects", "tiny", "--jobs", "2"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.strip() == moment:
                os.killpg(run.pid, signal.SIGINT)
                break
        run.stderr.read()  # Every process of it has closed this when it ends.
    assert run.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_the_oracle_imports_nothing_of_the_gallery() -> None:
    """What judges the tool shares no code with it."""
    program = (
        "import sys, tests.benchmarks.drift.judging, tests.benchmarks.drift.bench\n"
        "print([name for name in sys.modules if name.startswith('agno_lite')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_mutations_are_the_same_in_every_process(tiny: Tree) -> None:
    """A seed is a promise: nothing depends on the hash seed of the process."""
    assert Random("1/body/0").random() == Random("1/body/0").random()
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.benchmarks.drift.kinds import KINDS, mutate\n"
        "from tests.benchmarks.drift.projects import TINY\n"
        "from tests.benchmarks.drift.trees import Tree\n"
        "tree = Tree(Path(sys.argv[1]), TINY.layout)\n"
        "print([mutate(tree, kind, 5, 3).summary for kind in KINDS])\n"
    )
    command = [sys.executable, "-c", program, str(tiny.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([edit.summary for kind in KINDS if (edit := mutate(tiny, kind, 5, 3))])
