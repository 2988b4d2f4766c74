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
        env={**os.environ, "PYTHONPATH": str(folder)},
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
    for name in ("capture", "check", "translations", "export"):
        assert name in commands


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


def test_check_names_the_symbol_that_made_a_capture_stale(project: Path) -> None:
    """After a change the file, the symbol and the command that mends it are named."""
    (project / "tiny" / "words.py").write_text("def word():\n    return 'hello'\n")
    script = project / "cookbook" / "basics" / "01_hello.py"
    script.write_text('"""Greet."""\n\nfrom tiny.words import word\n\nprint(word())\n')
    assert call(["gallery", "capture"], project).returncode == 0
    (project / "tiny" / "words.py").write_text("def word():\n    return 'goodbye'\n")
    found = call(["gallery", "check"], project)
    assert found.returncode == 1
    assert "tiny/words.py: body of word changed" in found.stdout
    assert "agno-lite gallery capture cookbook/basics/01_hello.py" in found.stdout


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
