"""The command line, as a user calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = [sys.executable, "-W", "error", "-c", "from agno_lite.cli import main; main()"]
MKDOCS = """
site_name: Tiny
markdown_extensions:
  - toc:
      slugify: !!python/object/apply:pymdownx.slugs.slugify {kwds: {case: lower}}
plugins:
  - search
  - agno_lite_gallery:
      packages: [tiny]
"""
SCRIPT = '"""Greet."""\n\nprint("hello")\n'


def call(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `agno-lite` in a folder."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one package and one example."""
    (tmp_path / "mkdocs.yml").write_text(MKDOCS)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "__init__.py").write_text("")
    (tmp_path / "cookbook" / "basics").mkdir(parents=True)
    (tmp_path / "cookbook" / "basics" / "01_hello.py").write_text(SCRIPT)
    return tmp_path


def test_help_names_every_command(tmp_path: Path) -> None:
    """`--help` lists what there is, with a sentence each."""
    top = call(["--help"], tmp_path).stdout
    assert "serve-model" in top
    assert "gallery" in top
    commands = call(["gallery", "--help"], tmp_path).stdout
    for name in ("capture", "check", "why", "deps", "translations", "export"):
        assert name in commands


@pytest.mark.parametrize("command", ["capture", "check", "why", "deps"])
def test_help_says_what_exit_statuses_mean(tmp_path: Path, command: str) -> None:
    """Each of these is a step of somebody's pipeline."""
    (tmp_path / "mkdocs.yml").write_text(MKDOCS)
    assert "Exit status: 0" in call(["gallery", command, "--help"], tmp_path).stdout


def test_outside_a_project_the_error_says_what_to_do(tmp_path: Path) -> None:
    """A user error prints one message without a traceback, and exits with 2."""
    done = call(["gallery", "check"], tmp_path)
    assert done.returncode == 2
    assert "mkdocs.yml" in done.stderr
    assert "Traceback" not in done.stderr


def test_capture_then_check(project: Path) -> None:
    """A missing capture is found, made, and then fresh; a second capture runs nothing."""
    before = call(["gallery", "check", "--format", "json"], project)
    assert before.returncode == 1
    assert json.loads(before.stdout)[0]["path"] == "cookbook/basics/01_hello.py"
    done = call(["gallery", "capture"], project)
    assert done.returncode == 0, done.stderr
    assert "01_hello.py: new facts" in done.stderr
    facts = project / "cookbook" / "_captures" / "basics" / "01_hello.facts.json"
    assert json.loads(facts.read_text())["stdout"] == ["hello", ""]
    again = call(["gallery", "capture"], project)
    assert again.stdout == "Every capture is fresh.\n"


@pytest.fixture
def words(project: Path) -> Path:
    """The project with a captured example that uses a module; the module's path."""
    module = project / "tiny" / "words.py"
    module.write_text("LOUD = 1\n\n\ndef word(end='!'):\n    return 'hello' + end\n\n\ndef unused(): ...\n")
    (project / "tiny" / "data.txt").write_text("1")
    script = project / "cookbook" / "basics" / "01_hello.py"
    reads = "print(open('tiny/data.txt').read())"
    script.write_text(f'"""Greet."""\n\nfrom tiny.words import word\n\nprint(word())\n{reads}\n')
    assert call(["gallery", "capture"], project).returncode == 0
    return module


HELLO = "cookbook/basics/01_hello.py"


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text of a file."""
    path.write_text(path.read_text().replace(old, new))


def test_check_names_the_symbol_that_made_a_capture_stale(words: Path, project: Path) -> None:
    """After a change the file, the symbol, its values and the command that mends it are named."""
    edit(words, "'hello'", "'goodbye'")
    edit(words, "end='!'", "end='?'")
    edit(words, "LOUD = 1", "LOUD = 2")
    found = call(["gallery", "check"], project)
    assert found.returncode == 1
    for reason in (
        "tiny.words.LOUD changed: 1 → 2",
        "tiny.words.word: the default of end changed: '!' → '?'",
        "tiny.words.word: body changed",
    ):
        assert reason in found.stdout
    assert f"agno-lite gallery capture {HELLO}" in found.stdout
    changes = json.loads(call(["gallery", "check", "--format", "json"], project).stdout)[0]["changes"]
    assert changes[0] == {
        "kind": "definition",
        "name": "tiny.words.LOUD",
        "path": "tiny/words.py",
        "text": "tiny.words.LOUD changed: 1 → 2",
    }
    github = call(["gallery", "check", "--format", "github"], project)
    assert github.returncode == 1
    assert github.stdout.startswith(f"::error file={HELLO}::its capture is stale: tiny.words.LOUD changed")


def test_check_of_some_paths_leaves_the_others_out(words: Path, project: Path) -> None:
    """Only what is named is looked at; a path without example is refused."""
    (project / "cookbook" / "basics" / "02_new.py").write_text("print(2)\n")
    assert "02_new.py" not in call(["gallery", "check", HELLO], project).stdout
    new = call(["gallery", "check", "cookbook/basics/02_new.py"], project)
    assert (new.returncode, "never captured" in new.stdout, HELLO in new.stdout) == (1, True, False)
    assert call(["gallery", "check", "--captures", HELLO], project).returncode == 0
    assert call(["gallery", "check", "--captures"], project).returncode == 1
    assert call(["gallery", "check", "mkdocs.yml"], project).returncode == 2


def test_an_annotation_tells_the_line(words: Path, project: Path) -> None:
    """A problem in a narrative is annotated where it is, with line ends and colons escaped."""
    (project / "cookbook" / "basics" / "01_hello.en.md").write_text(
        "## Overview { #overview }\n\nIt calls `no_such_function`.\n"
    )
    found = call(["gallery", "check", "--format", "github"], project).stdout
    assert found.startswith("::error file=cookbook/basics/01_hello.en.md,line=3::")


def test_rerun_shows_how_the_facts_differ_and_keeps_nothing(words: Path, project: Path) -> None:
    """Differences are told by section; no file changes; equal facts are said to be so."""
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    same = call(["gallery", "check", "--rerun"], project)
    assert (same.returncode, same.stdout) == (0, f"{HELLO}: the same facts\n")
    edit(words, "'hello'", "'goodbye'")
    done = call(["gallery", "check", "--rerun", HELLO], project)
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == ["  output:", "    -hello!", "    +goodbye!"]
    found = json.loads(call(["gallery", "check", "--rerun", "--format", "json"], project).stdout)
    assert found == {"path": HELLO, "differences": {"output": ["-hello!", "+goodbye!"]}}
    github = call(["gallery", "check", "--rerun", "--format", "github"], project)
    assert github.stdout.startswith(f"::error file={HELLO}::running it gives other facts%0A  output:%0A")
    edit(words, "'goodbye'", "'hello'")
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert {path.name for path in before} == {path.name for path in after if ".cache" not in path.parts}
    assert all(after[path] == content for path, content in before.items() if ".pyc" not in path.name)


def test_why_explains(words: Path, project: Path) -> None:
    """A fresh example: what it depends on, counted. A stale one: each reason. One never run: that."""
    fresh = call(["gallery", "why", HELLO], project)
    assert fresh.returncode == 0
    counts = {
        what: int(count) for count, what in (line.split(maxsplit=1) for line in fresh.stdout.splitlines()[1:])
    }
    assert counts["modules imported"] == 2
    assert counts["functions entered"] == 1
    assert counts["files read"] == 1
    edit(words, "LOUD = 1", "LOUD = 2")
    stale = call(["gallery", "why", HELLO], project)
    assert (stale.returncode, stale.stdout.splitlines()[1:]) == (1, ["  tiny.words.LOUD changed: 1 → 2"])
    (project / "cookbook" / "basics" / "02_new.py").write_text("")
    new = call(["gallery", "why", "cookbook/basics/02_new.py"], project)
    assert (new.returncode, "never captured" in new.stdout) == (1, True)
    assert call(["gallery", "why", "mkdocs.yml"], project).returncode == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tiny.words.word", "enters word; imports the module that defines word"),
        ("word", "enters word; imports the module that defines word"),
        ("words.LOUD", "imports the module that defines LOUD"),
        ("unused", "imports the module that defines unused"),
        ("tiny/words.py", "imports the module and enters 1 of its functions"),
        ("tiny.words", "imports the module and enters 1 of its functions"),
        ("tiny/data.txt", "reads the file"),
        (HELLO, "is the script"),
    ],
)
def test_deps_lists_the_examples_and_how_they_depend(
    words: Path, project: Path, name: str, kind: str
) -> None:
    """By symbol, in full or its end, by module, file or script."""
    (project / "cookbook" / "basics" / "02_other.py").write_text("print(2)\n")
    assert call(["gallery", "capture"], project).returncode == 0
    done = call(["gallery", "deps", name], project)
    assert done.stdout == f"{HELLO}: {kind}\n1 depend on it.\n"


def test_deps_of_what_nobody_uses_and_of_what_is_not_there(words: Path, project: Path) -> None:
    """The first is an answer, the second an error that suggests names."""
    (project / "tiny" / "lonely.py").write_text("def alone(): ...\n")
    none = call(["gallery", "deps", "alone"], project)
    assert (none.returncode, none.stdout) == (0, "No example depends on it.\n")
    wrong = call(["gallery", "deps", "unusd"], project)
    assert wrong.returncode == 2
    assert "did you mean unused?" in wrong.stderr


def test_definitions_that_no_capture_needs_are_deleted(words: Path, project: Path) -> None:
    """What old versions of a module defined is kept as long as a capture was made with it."""
    kept = project / "cookbook" / "_captures" / "_definitions"
    before = {path.name for path in kept.iterdir()}
    assert len(before) == 2
    edit(words, "LOUD = 1", "LOUD = 2")
    assert call(["gallery", "capture"], project).returncode == 0
    after = {path.name for path in kept.iterdir()}
    assert len(after) == 2
    assert len(after & before) == 1


def test_a_failing_script_is_told_and_kept(project: Path) -> None:
    """Exit status 1 says that a script failed; its capture is there with what happened."""
    (project / "cookbook" / "basics" / "02_fails.py").write_text("raise SystemExit(3)\n")
    done = call(["gallery", "capture", "cookbook/basics/02_fails.py"], project)
    assert done.returncode == 1
    assert "exit status 3" in done.stderr
    assert (project / "cookbook" / "_captures" / "basics" / "02_fails.facts.json").is_file()
    assert not (project / "cookbook" / "_captures" / "basics" / "01_hello.facts.json").exists()


def test_a_path_without_example_is_refused(project: Path) -> None:
    """Naming something that is no example says what was expected."""
    done = call(["gallery", "capture", "mkdocs.yml"], project)
    assert done.returncode == 2
    assert "found no example there" in done.stderr


def test_export_writes_plain_markdown(project: Path, tmp_path: Path) -> None:
    """Every page, in both languages, can be taken to another site generator."""
    call(["gallery", "capture"], project)
    done = call(["gallery", "export", str(tmp_path / "out")], project)
    assert done.returncode == 0, done.stderr
    for locale in ("zh", "en"):
        page = tmp_path / "out" / locale / "cookbook" / "basics" / "01_hello.md"
        assert "hello" in page.read_text("utf-8")


def test_serve_model_answers_until_interrupted(tmp_path: Path) -> None:
    """The served model lists itself and answers; Ctrl-C ends it with status 0 and no traceback."""
    server = subprocess.Popen(
        [*COMMAND, "serve-model", "--port", "0", "--latency", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with server:
        assert server.stdout is not None
        assert server.stderr is not None
        url = server.stdout.readline().split(" at ")[1].split()[0]
        body = {"model": "any", "messages": [{"role": "user", "content": "Hello!"}]}
        request = urllib.request.Request(
            f"{url}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            answer = json.load(response)
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert answer["choices"][0]["message"]["content"]
        assert "Traceback" not in server.stderr.read()
