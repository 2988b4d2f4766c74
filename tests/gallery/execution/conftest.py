"""A tiny project with a package of its own, and a loopback server for its scripts to talk to."""

from __future__ import annotations

import gzip
import json
import textwrap
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.gallery.config import Project
from agno_lite.gallery.execution.runner import run
from agno_lite.gallery.execution.staleness import changes
from agno_lite.gallery.records import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.gallery.records import Capture, Recording


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """A project below a temporary folder."""

    project: Project
    example: Example = field(default=Example(path="cookbook/01_topic/example.py", narratives={}))

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.project.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text), encoding="utf-8")
        return target

    def record(self, script: str | None = None, **options: Any) -> Recording:
        """Write the script, if one is given, and run it."""
        if script is not None:
            self.write(self.example.path, script)
        return run(self.project, self.example, **options)

    def capture(self, script: str | None = None, **options: Any) -> Capture:
        """The facts of a run of the script."""
        return self.record(script, **options).capture

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text of a file, once."""
        file = self.project.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def reasons(self, capture: Capture) -> tuple[str, ...]:
        """Why a capture is stale, in words."""
        return tuple(map(str, changes(self.project, capture, capture.dependencies.definitions.get)))


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A project with the package `shop`, whose code runs in every test of this folder."""
    root = (tmp_path / "project").resolve()
    made = Tiny(project=Project(root=root, packages=("shop",)))
    made.write("mkdocs.yml", "site_name: tiny\n")
    made.write("shop/__init__.py", '"""A shop."""\n')
    made.write(
        "shop/till.py",
        '''
        """A till."""

        from __future__ import annotations

        from agno_lite.tracing import span


        class Counter:
            """Counts."""

            step = 1

            def advance(self) -> None:
                """Go on."""
                self.count = getattr(self, "count", 0) + self.step


        class Till(Counter):
            """Takes money."""

            def __init__(self, name: str, *, tax: float = 0.2, **more: object) -> None:
                """Open it."""
                self.name = name
                self.tax = tax

            def pay(self, price: float) -> float:
                """Pay a price."""
                with span("pay", self.name, price=price):
                    self.advance()
                    return total(price, self.tax)


        def total(price: float, tax: float) -> float:
            """Price with tax."""
            return round(price * (1 + tax), 2)


        def unused() -> str:
            """Nobody calls this."""
            return "unused"
        ''',
    )
    return made


class _Handler(BaseHTTPRequestHandler):
    """Echoes JSON, streams events, packs, and fails every first time."""

    server: Server

    def do_POST(self) -> None:
        """Answer by path."""
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.path, content))
        if self.path == "/events":
            self._send(200, self.server.events, "text/event-stream")
        elif self.path == "/packed":
            body = gzip.compress(json.dumps({"packed": True}).encode())
            self._send(200, [body], "application/json", ("content-encoding", "gzip"))
        elif self.path == "/flaky" and self.server.fails_next():
            self._send(500, [b"no"], "text/plain")
        else:
            self._send(200, [json.dumps({"echo": json.loads(content)}).encode()], "application/json")

    def _send(self, status: int, chunks: list[bytes], kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("content-length", str(sum(map(len, chunks)))), *headers):
            self.send_header(name, value)
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by the base class
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server on a free port of the loopback interface."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, bytes]] = []
        self.events = [
            b'data: {"n": 1}\n\n',
            b'event: more\ndata: {"n"',
            b": 2}\r\n\r\n",
            b"data: [DONE]\n\n",
        ]
        self._failed = False

    def fails_next(self) -> bool:
        """True the first time."""
        failed, self._failed = self._failed, True
        return not failed

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Server]:
    """A loopback server."""
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()
