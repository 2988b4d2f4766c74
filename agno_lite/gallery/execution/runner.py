"""Runs one example in a process of its own, and makes a recording of it."""

from __future__ import annotations

import json
import os
import secrets
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agno_lite.exceptions import CaptureError
from agno_lite.gallery.execution import child, dependencies, figures, journal, storage
from agno_lite.gallery.execution.canonical import canonicalise
from agno_lite.gallery.execution.environment import SECRET_NAME, declared
from agno_lite.gallery.execution.raw import RawRun, parse
from agno_lite.gallery.execution.volatile import Volatile
from agno_lite.gallery.records import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.records import Example

__all__ = ["Recording", "measure", "run"]

_SHORTEST_SECRET = 8
"""Characters; a shorter value may be a word that stands elsewhere with another meaning."""
_DATABASE_MODULE = "agno_lite.db.embedded.launcher"
"""Who imports this has started the private database, or joined it."""
_RECORDED = """\
import sys
sys.path[0] = sys.argv[1]
from agno_lite.gallery.execution.worker import main
main(sys.argv[2])
"""
_UNWATCHED = """\
import sys
sys.path[0] = sys.argv[1]
from agno_lite.gallery.execution.unwatched import main
main(*sys.argv[2:])
"""


def run(
    project: Project,
    example: Example,
    *,
    timeout: float = 120.0,
    environment: Mapping[str, str] | None = None,
) -> Recording:
    """Run a script and record it. Whatever the script does, this returns, and leaves no process behind.

    The script runs as `python path` from the project's root would, with its home and temporary folder
    empty, an empty database, and nothing of the caller's environment but where programs are.

    Args:
        project: the project.
        example: which script.
        timeout: seconds after which it is stopped.
        environment: variables that it gets in addition.

    Raises:
        CaptureError: the recorder could not be started; no fault of the script's has this effect.
        EmbeddedServerError: the script used the private database, which then could not be read.
    """
    began = time.time()
    with _prepared(project, example.path, environment) as place:
        specification = {
            "root": str(project.root),
            "script": str(project.root / example.path),
            "packages": project.packages,
            "cookbook": project.cookbook,
            "journal": str(place.folder / "journal"),
        }
        outcome = place.execute(project, _RECORDED, json.dumps(specification), timeout=timeout)
        found = _parsed(example, outcome, journal.read(place.folder / "journal"))
    stored = storage.read(place.database) if _DATABASE_MODULE in found.imports else None
    return canonicalise(
        found,
        example=example.path,
        dependencies=dependencies.compute(project, example.path, found),
        storage=stored,
        volatile=Volatile(_literals(project, place), began),
    )


def measure(
    project: Project,
    recording: Recording,
    *,
    timeout: float = 120.0,
    environment: Mapping[str, str] | None = None,
) -> Recording:
    """Run a recorded script once more, with nothing recorded, for the figures of its evaluations.

    Args:
        project: the project.
        recording: what was recorded of it.
        timeout: seconds after which it is stopped.
        environment: variables that it gets in addition.

    Returns:
        The recording with the figures, and with what was printed of them.

    Raises:
        CaptureError: this run printed something else than the recorded one, figures apart: they would be
            those of another run.
    """
    began = time.time()
    example = recording.capture.example
    with _prepared(project, example, environment) as place:
        results = place.folder / "results"
        arguments = (str(project.root), str(project.root / example), str(results))
        outcome = place.execute(project, _UNWATCHED, *arguments, timeout=timeout)
        found = figures.read(results)
    volatile = Volatile(_literals(project, place), began)
    figures.check(recording.capture, outcome, volatile)
    measurements = replace(
        recording.measurements,
        evaluations=tuple(figures.evaluation(project, result) for result in found),
        stdout=volatile.printed(outcome.stdout, figures=True),
        stderr=volatile.printed(outcome.stderr, figures=True),
    )
    return replace(recording, measurements=measurements)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one run happens."""

    folder: Path
    """A folder that goes when the run has ended."""
    database: str
    """Name of the run's database on the private server."""
    environment: dict[str, str]
    """The environment of the run."""

    def execute(self, project: Project, program: str, *arguments: str, timeout: float) -> child.Outcome:
        """Run a program, started in the project's root."""
        return child.execute(
            program, *arguments, folder=project.root, environment=self.environment, timeout=timeout
        )


@contextmanager
def _prepared(project: Project, example: str, environment: Mapping[str, str] | None) -> Iterator[_Place]:
    """Make a place for a run, with the variables that the project or the script declares."""
    known = {name: value for name, value in declared(project, example).items() if value is not None}
    database = f"capture_{secrets.token_hex(8)}"
    storage.hold()
    with tempfile.TemporaryDirectory(prefix="agno-lite-") as name:
        folder = Path(name)
        given = known | child.environment(folder, database) | dict(environment or {})
        yield _Place(folder, database, given)


def _parsed(example: Example, outcome: child.Outcome, events: list[dict[str, Any]]) -> RawRun:
    if not any(event["event"] == "begin" for event in events):
        raise CaptureError(
            f"{example.path}: its process ended before the script began "
            f"({outcome.failure or f'status {outcome.code}'}); expected {sys.executable} to be able to start "
            f"the recorder, in an environment with agno-lite in it. It said:\n{outcome.stderr.strip()}"
        )
    return parse(
        events,
        ended=outcome.ended,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        exit_status=None if outcome.failure else outcome.code,
        failure=outcome.failure,
        peak_memory=outcome.peak_memory,
    )


def _literals(project: Project, place: _Place) -> dict[str, str]:
    """Texts that are known to vary, and what stands for each."""
    from agno_lite.db import embedded

    paths = sysconfig.get_paths()
    server = storage.hold()
    return {
        **dict.fromkeys(_secret_values(), "<secret>"),
        str(embedded.default_home()): "<agno_lite home>",
        **({str(server.parent): "<agno_lite home>"} if server else {}),
        paths["stdlib"]: "<stdlib>",
        paths["purelib"]: "<site-packages>",
        str(place.folder / "home"): "<home>",
        str(place.folder / "tmp"): "<tmp>",
        place.database: "<database>",
        f"{project.root}/": "",
        str(project.root): ".",
    }


def _secret_values() -> Iterator[str]:
    """Values of the caller that look like secrets: kept from the child, and from the record all the same."""
    for name, value in os.environ.items():
        if SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            yield value
