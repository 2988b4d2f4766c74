"""What is true: plain runs of scripts, and what they executed and read. Imports nothing of the gallery."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tests.benchmarks.drift.effects import MODULE, changed_pieces
from tests.benchmarks.drift.endpoint import listening
from tests.benchmarks.drift.trees import Edit, Tree

TIMEOUT = 60.0
_TRACER = Path(__file__).with_name("tracer.py")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
_DURATION = re.compile(r"\b\d+(?:\.\d+)?\s?(?:s|ms|seconds)\b")
_TRACEBACK_LINE = re.compile(r'(?<=", line )\d+')
_BOX = "│├┃┡╭╰┏└┠ "
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a plain run of a script gave, with its own paths, ids and times taken out."""

    status: int | None
    """Its exit status; `None` if it did not end in time."""
    stdout: str
    stderr: str
    raw: str = field(compare=False)
    """Standard output as it was."""
    requests: tuple[str, ...] = ()
    """What it asked a model, sorted, since requests may be sent at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a run executed and read, by paths below the root."""

    code: frozenset[tuple[str, str]]
    """Path and qualified name of each function, `<module>` for the module itself."""
    read: frozenset[str]
    """Files opened or looked for; folders listed, with `/` at the end."""
    sought: frozenset[str]
    """Modules asked for, found or not."""

    @property
    def files(self) -> frozenset[str]:
        """All files that were executed or read."""
        return frozenset({path for path, _ in self.code} | {path for path in self.read if path[-1] != "/"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What an example did before any mutation."""

    outcome: Outcome
    trace: Trace
    varying: bool
    """Whether two runs differed in numbers, so that numbers are not compared."""
    steady: frozenset[str] | None = None
    """If they differed in words too: lines that both had, tables left out. Only these are compared."""

    def differs(self, now: Outcome) -> bool:
        """Whether a run's outcome is another one."""
        if self.steady is not None:
            words = not self.steady <= _lines(without_numbers(now))
            return words or now.status != self.outcome.status
        return (without_numbers(now) if self.varying else now) != self.outcome


@dataclass(slots=True)
class Oracle:
    """Runs the scripts of one project.

    Args:
        root: the project's folder.
        search: folders for `PYTHONPATH` below the root, in order.
        environment: variables beside the fixed ones.
    """

    root: Path
    search: tuple[str, ...] = (".", "site")
    environment: Mapping[str, str] = field(default_factory=dict)
    online: Mapping[str, str | None] = field(default_factory=dict)
    """Variables for a second run, which asks a model server of the oracle: `{url}` is its address; `None` for
    a variable that is not set then. Without any there is no second run."""

    def baseline(self, script: str) -> Baseline:
        """Run a script three times: twice to see what varies, once under watch."""
        first, second = self.run(script), self.run(script)
        trace = self.trace(script)
        if first == second:
            return Baseline(outcome=first, trace=trace, varying=False)
        first, second = without_numbers(first), without_numbers(second)
        steady = _lines(first) & _lines(second) if first != second else None
        return Baseline(outcome=first, trace=trace, varying=True, steady=steady)

    def run(self, script: str) -> Outcome:
        """Run a script as `python SCRIPT` from the project's root."""
        with tempfile.TemporaryDirectory(prefix="drift-run-") as scratch:
            outcome = self._finished([script], scratch)
        return replace(outcome, requests=self._asked(script)) if self.online else outcome

    def _asked(self, script: str) -> tuple[str, ...]:
        """What a script asks a model, each time given the same answer."""
        with (
            tempfile.TemporaryDirectory(prefix="drift-run-") as scratch,
            listening() as (url, bodies),
        ):
            given = {name: value and value.replace("{url}", url) for name, value in self.online.items()}
            online = replace(self, environment=_merged(self.environment, given), online={})
            online._finished([script], scratch)
            return tuple(sorted(self._plain(body, scratch) for body in bodies))

    def trace(self, script: str) -> Trace:
        """Run a script under watch."""
        with tempfile.TemporaryDirectory(prefix="drift-run-") as scratch:
            target = Path(scratch, "trace.json")
            self._finished([str(_TRACER), str(target), str(self.root), script], scratch)
            noted = json.loads(target.read_text("utf-8"))
        return Trace(
            code=frozenset((path, name) for path, name in noted["code"]),
            read=frozenset(noted["read"]),
            sought=frozenset(noted["sought"]),
        )

    def _finished(self, arguments: list[str], scratch: str) -> Outcome:
        try:
            done = subprocess.run(
                [sys.executable, *arguments],
                cwd=self.root,
                env=self._variables(scratch),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(status=None, stdout="", stderr="", raw="")
        stdout, stderr = (self._plain(text, scratch) for text in (done.stdout, done.stderr))
        return Outcome(status=done.returncode, stdout=stdout, stderr=stderr, raw=done.stdout)

    def _variables(self, scratch: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": os.pathsep.join(str((self.root / folder).resolve()) for folder in self.search),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": scratch,
            "TMPDIR": scratch,
            **{
                name: value.replace("{run}", secrets.token_hex(6)) for name, value in self.environment.items()
            },
        }

    def _plain(self, text: str, scratch: str) -> str:
        """Output without what is of this run or machine only; lines of code in tracebacks are positions."""
        text = text.replace(f"{self.root}/", "").replace(scratch, "<tmp>")
        for pattern, name in (
            (_UUID, "<id>"),
            (_ADDRESS, "<address>"),
            (_DURATION, "<duration>"),
            (_TRACEBACK_LINE, "#"),
        ):
            text = pattern.sub(name, text)
        return text


def _merged(base: Mapping[str, str], other: Mapping[str, str | None]) -> dict[str, str]:
    """Variables with others set, or (`None`) taken away."""
    return {name: value for name, value in {**base, **other}.items() if value is not None}


def without_numbers(outcome: Outcome) -> Outcome:
    """The outcome with all numbers alike, and spaces, which tables adapt to them."""
    stdout, stderr = (
        re.sub(r"[ ─━]+", " ", _NUMBER.sub("#", text)) for text in (outcome.stdout, outcome.stderr)
    )
    requests = tuple(sorted(_NUMBER.sub("#", body) for body in outcome.requests))
    return replace(outcome, stdout=stdout, stderr=stderr, requests=requests)


def _lines(outcome: Outcome) -> frozenset[str]:
    """Lines of an outcome, without rows of tables."""
    lines = (outcome.stdout + outcome.stderr).splitlines()
    return frozenset(line for line in lines if line.strip() and line[0] not in _BOX)


# --- what an edit touches -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What of a run an edit touches; empty if it touches nothing that the run executed or read."""

    code: frozenset[tuple[str, str]] = frozenset()
    """Path and name of executed pieces whose code is another one now."""
    files: frozenset[str] = frozenset()
    """Files that were read, and folders that were listed, and are others now."""
    distributions: frozenset[str] = frozenset()
    """Third-party distributions that were imported and have another version now."""

    def __bool__(self) -> bool:
        return bool(self.code or self.files or self.distributions)


def touched(tree: Tree, edit: Edit, trace: Trace) -> Touched:
    """What of a run an edit touches."""
    code = frozenset(
        (path, name)
        for path in edit.files
        if path.endswith(".py")
        for name in changed_pieces(_before(tree, path), edit.files[path])
        if (path, name) in trace.code or (name == MODULE and _dotted(path) in trace.sought)
    )
    return Touched(
        code=code, files=frozenset(_read(tree, edit, trace)), distributions=_versions(tree, edit, trace)
    )


def _before(tree: Tree, path: str) -> str | None:
    return tree.text(path) if (tree.root / path).is_file() else None


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _read(tree: Tree, edit: Edit, trace: Trace) -> set[str]:
    found = edit.files.keys() & trace.read
    for path, text in edit.files.items():
        folder = f"{PurePosixPath(path).parent}/"
        appears_or_goes = text is None or not (tree.root / path).is_file()
        if appears_or_goes and folder in trace.read:
            found.add(folder)
    return set(found)


def _versions(tree: Tree, edit: Edit, trace: Trace) -> frozenset[str]:
    names = {
        PurePosixPath(path).parent.name.partition("-")[0]
        for path in edit.files
        if path.startswith(f"{tree.layout.distributions}/") and path.endswith("/METADATA")
    }
    top = {name.partition(".")[0] for name in trace.sought}
    return frozenset(names & top)
