"""The tool under test, by its command line: what it says of a project, what it runs, what it publishes.

Everything that depends on the wording of its answers is in this module.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

REPOSITORY = Path(__file__).parents[3]
_STALE = "its capture is stale: "
_MARK = ("The code has changed since this run was recorded", "录制之后代码已有改动")
_REASON = re.compile(
    r"(?:package (?P<package>\S+): .*"
    r"|(?P<path>[^\s:]+): (?:(?P<what>body|docstring) of (?P<symbol>\S+)|(?P<whole>a definition)|.*).*"
    r"|(?P<script>script) changed)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the tool takes an example's record for stale."""

    text: str
    """In its words."""
    path: str | None = None
    """The file, or folder with `/` at the end, that it names."""
    kind: str = ""
    """What of the symbol it names: its `body`, `docstring` or `definition`; empty for a file."""
    symbol: str | None = None
    """The symbol by its name inside the file; `<module>` for anything outside of functions."""
    package: str | None = None
    """The distribution that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that a check announces."""

    path: str
    line: int | None
    message: str
    reasons: tuple[Reason, ...] = ()
    """Why an example is stale, if the problem is that it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that a tool says of a project after a mutation, and what it publishes then."""

    stale: Mapping[str, tuple[Reason, ...]]
    """Examples announced as stale before anything ran, and why."""
    drafts: Mapping[str, str] | None
    """Pages published before anything ran, by their path; `None` if the tool refused to publish."""
    marked: frozenset[str]
    """Those of them that say of themselves that they are out of date."""
    runs: Mapping[str, tuple[Reason, ...]]
    """Examples that were run again, and why."""
    problems: tuple[Problem, ...]
    """Announced after these runs."""
    pages: Mapping[str, str] | None
    """Pages published after these runs, by their path; `None` if the tool refused to publish."""
    refusal: str = ""
    """What it said then."""


class Tool(Protocol):
    """A tool that keeps pages in step with code."""

    def ask(self) -> Answer:
        """Say what is stale, run that, and publish."""


@dataclass(frozen=True, slots=True)
class _Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Gallery:
    """`agno-lite gallery`, on the project in a folder.

    Args:
        root: the project's folder.
        search: folders for `PYTHONPATH`.
        home: folder of the private database.
        timeout: seconds that a script may run.
    """

    root: Path
    search: tuple[Path, ...]
    home: Path
    timeout: float = 20.0
    _server: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        """Start the process that runs the commands."""
        path = os.pathsep.join(str(folder) for folder in (*self.search, REPOSITORY))
        environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        self._server = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("serving.py"))],
            cwd=self.root,
            env={
                **environment,
                "PYTHONPATH": path,
                "PYTHONDONTWRITEBYTECODE": "1",
                "AGNO_LITE_HOME": str(self.home),
                "TMPDIR": tempfile.gettempdir(),
                "NO_MKDOCS_2_WARNING": "1",
                "COLUMNS": "200",
                "LC_ALL": "C.UTF-8",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()

    def ask(self) -> Answer:
        """Check, publish, capture what is stale, and if that was anything check and publish again."""
        problems = self.check()
        drafts, refusal = self.export()
        pages = drafts
        ran = self.capture()
        marked = frozenset(uri for uri, text in (drafts or {}).items() if any(mark in text for mark in _MARK))
        stale = {problem.path: problem.reasons for problem in problems if problem.message.startswith(_STALE)}
        known = {reason.text: reason for reasons in stale.values() for reason in reasons}
        runs = {path: tuple(_known(known, text) for text in texts) for path, texts in ran.items()}
        if runs:
            problems = self.check()
            pages, refusal = self.export()
        return Answer(
            stale=stale,
            drafts=drafts,
            marked=marked,
            runs=runs,
            problems=problems,
            pages=pages,
            refusal=refusal,
        )

    def capture(self) -> dict[str, list[str]]:
        """Run what is stale; gives what was run, and why in its words."""
        done = self._command("capture", "--timeout", str(self.timeout))
        if done.status not in (0, 1):
            raise RuntimeError(f"agno-lite gallery capture ended with {done.status}:\n{done.stderr}")
        runs: dict[str, list[str]] = {}
        for line in done.stderr.splitlines():
            if because := re.fullmatch(r"  because (.*)", line):
                runs[next(reversed(runs))].append(because[1])
            elif ran := re.match(r"(\S+\.py): (?:new facts|facts unchanged|.*), \d+\.\d s$", line):
                runs[ran[1]] = []
        return runs

    def check(self) -> tuple[Problem, ...]:
        """What keeps pages from being right."""
        done = self._command("check", "--format", "json")
        if done.status not in (0, 1):
            return (Problem(path="", line=None, message=done.stderr),)
        return tuple(
            Problem(
                path=found["path"],
                line=found["line"],
                message=found["message"],
                reasons=tuple(_reasons(found)) if found["message"].startswith(_STALE) else (),
            )
            for found in json.loads(done.stdout)
        )

    def export(self) -> tuple[dict[str, str] | None, str]:
        """The published pages; `None` and the message if the tool refuses."""
        with tempfile.TemporaryDirectory(prefix="drift-pages-") as folder:
            done = self._command("export", folder)
            if done.status:
                return None, done.stderr
            base = Path(folder)
            files = sorted(base.rglob("*.md"))
            return {path.relative_to(base).as_posix(): path.read_text("utf-8") for path in files}, ""

    def translate(self) -> None:
        """Bring the catalogues in step with the texts that pages show."""
        self._command("translations")

    def _command(self, *arguments: str) -> _Done:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(["gallery", "--project", str(self.root), *arguments]) + "\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError("the process that runs agno-lite ended; see its message above")
        return _Done(**json.loads(line))


def _reasons(problem: Mapping[str, Any]) -> Iterator[Reason]:
    """The reasons that a problem gives: as data, else in its message."""
    text = problem["message"].removeprefix(_STALE).rpartition("; run: ")[0]
    yield from map(_structured, problem["changes"]) if "changes" in problem else reasons_of(text)


def _structured(change: Mapping[str, str]) -> Reason:
    """A reason that was given as data."""
    kind, name, path = change["kind"], change["name"], change["path"]
    if kind == "package":
        return Reason(text=change["text"], package=name)
    if kind not in ("definition", "body", "docstring"):
        return Reason(text=change["text"], path=path or None, symbol="<module>" if kind == "module" else None)
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    symbol = name.removeprefix(f"{path}::").removeprefix(f"{path.removesuffix('.py')}::")
    return Reason(text=change["text"], path=path, kind=kind, symbol=symbol.removeprefix(f"{module}."))


def _known(known: Mapping[str, Reason], text: str) -> Reason:
    """The reason of these words, as the check gave it, or as they say."""
    return known.get(text) or _reason(text)


def reasons_of(text: str) -> tuple[Reason, ...]:
    """The reasons in a message, which separates them by semicolons."""
    return tuple(_reason(part) for part in text.split("; "))


def _reason(text: str) -> Reason:
    found = _REASON.fullmatch(text.strip())
    if found is None or found["script"]:
        return Reason(text=text)
    return Reason(
        text=text,
        path=found["path"],
        kind=found["what"] or "",
        symbol="<module>" if found["whole"] else found["symbol"],
        package=found["package"],
    )
