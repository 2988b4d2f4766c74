"""`mkdocs serve` on a tiny project: what is saved is captured and shown, and nothing stale is."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE_SECONDS = 20
SETTLED_SECONDS = 2.0
"""Several intervals of mkdocs's watcher: a build that started another one would show within it."""


class Server:
    """A running `mkdocs serve`."""

    def __init__(self, root: Path, log: Path, port: int) -> None:
        self.root = root
        self.log = log
        self.url = f"http://127.0.0.1:{port}"

    def read(self, uri: str) -> str:
        """The page at `uri`, empty while there is none."""
        try:
            with urllib.request.urlopen(f"{self.url}/{uri}", timeout=PATIENCE_SECONDS) as response:
                return str(response.read().decode("utf-8"))
        except (urllib.error.URLError, ConnectionError):
            return ""

    def builds(self) -> int:
        """How often the site was built anew.

        Not by "Documentation built in …": mkdocs drops a line that it has already logged.
        """
        return self.log.read_text("utf-8").count("Reloading browsers")

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text("utf-8")
            time.sleep(0.1)

    def save(self, name: str, text: str) -> None:
        """Write a file as an editor does: to another name, then renamed; and wait for the new site."""
        before = self.builds()
        path = self.root / name
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text, "utf-8")
        draft.rename(path)
        self.wait(lambda: self.builds() > before)


@pytest.fixture
def server(captured_copy: Path, tmp_path: Path) -> Iterator[Server]:
    """The tiny project, served. Without a search, which takes most of the time of a build."""
    with (captured_copy / "mkdocs.yml").open("a") as config:
        config.write("  search:\n    enabled: false\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"],
            cwd=captured_copy,
            stdout=output,
            stderr=output,
            env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        )
    server = Server(captured_copy, log, port)
    server.wait(lambda: server.read("zh/index.html"))
    yield server
    process.send_signal(signal.SIGINT)
    process.wait(timeout=PATIENCE_SECONDS)


def test_what_is_saved_is_captured_and_shown(server: Server) -> None:
    """Script, package and hand-written page refresh the site once each, the script with a new capture."""
    facts = server.root / "cookbook" / "_captures" / "01_first" / "hello.facts.json"
    before = facts.read_text("utf-8")

    script = (server.root / "cookbook" / "01_first" / "hello.py").read_text("utf-8")
    server.save("cookbook/01_first/hello.py", script.replace('"you"', '"everybody"'))
    assert "everybody" in server.read("en/source/cookbook/01_first/hello.py.html")
    assert facts.read_text("utf-8") != before

    package = (server.root / "tiny" / "greeting.py").read_text("utf-8")
    server.save("tiny/greeting.py", package.replace("Greet somebody.", "Greet politely."))
    assert "Greet politely." in server.read("zh/api/tiny.greeting.html")

    server.save("docs/tour.zh.md", "# 新的参观\n")
    assert "新的参观" in server.read("zh/tour.html")

    built = server.builds()
    time.sleep(SETTLED_SECONDS)
    assert server.builds() == built == 3


def test_an_error_is_shown_in_place_of_the_page(server: Server) -> None:
    """The server goes on: the page says what is wrong until the file is right again."""
    uri = "en/cookbook/01_first/hello.html"
    server.save("cookbook/01_first/hello.en.md", "## Overview { #overview }\n\nSee `tiny.nothing`.\n")
    assert "could not be refreshed" in server.read(uri)
    assert "tiny.nothing" in server.read(uri)
    assert "tiny.nothing" in server.log.read_text("utf-8")

    server.save("cookbook/01_first/hello.en.md", "## Overview { #overview }\n\nFine.\n")
    assert "could not be refreshed" not in server.read(uri)
