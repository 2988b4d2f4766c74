"""`python -m tests.benchmarks.drift`: changes projects in one place at a time, judges the gallery's answers.

Prints each mutation whose answer is wrong, with its diff and the command that repeats just that one, a table
by kind, and as its last line three figures: pages left stale and unannounced, runs in vain, wrong reasons.
`judging.py` says exactly what counts. Exit status: 0 if all three are 0, 1 if not.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool
from pathlib import Path

from tests.benchmarks.drift.bench import Bench, Ground, Result, database, prepare, remove
from tests.benchmarks.drift.kinds import KINDS
from tests.benchmarks.drift.projects import KITS
from tests.benchmarks.drift.report import figures, note, print_line, print_result, print_table

PER_KIND = 30
QUICK = {"tiny": 2, "cookbook": 0}
"""Mutations of each kind in a quick run; making ready the cookbook alone would take half of its time."""
QUICK_SECONDS = 110.0
"""After this time a quick run begins no more mutations."""
SLOWEST = 30.0
SLOWEST_QUICK = 4.0
"""Seconds that an example of this repository may take to be part of the copy."""

Task = tuple[str, str, int]
"""Project, kind, number."""
_benches: dict[str, Bench] = {}
"""The copies of this process, by project."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    given = _parser().parse_args(arguments)
    tasks = list(_tasks(given))
    note(f"seed {given.seed}, {len(tasks)} mutations, {given.jobs} processes")
    with _scratch() as place:
        results = _results(given, tasks, place)
        if given.against:
            from tests.benchmarks.drift.others import compare

            for line in compare(given.against, given.seed, given.per_kind or PER_KIND, place):
                print_line(line)
    print_table(results)
    print_line(figures(results))
    return int(any(result.verdict.wrong for result in results))


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what this process, and those that it starts, keep for a while; it goes with the block."""
    place = Path(tempfile.mkdtemp(prefix="drift-"))
    place.chmod(0o711)  # As root the database server runs as another user, who must be able to enter.
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = tempfile.tempdir = str(place)
    try:
        yield place
    finally:
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before
        remove(place)


def _results(given: argparse.Namespace, tasks: list[Task], place: Path) -> list[Result]:
    """Carry out all mutations; those with wrong answers are printed as they come."""
    results = []
    deadline = time.monotonic() + (QUICK_SECONDS if given.quick else math.inf)
    with ExitStack() as stack:
        grounds = []
        for name in dict.fromkeys(project for project, _, _ in tasks):
            note(f"preparing {name}")
            stack.enter_context(database(KITS[name], place / "home"))
            slowest = SLOWEST_QUICK if given.quick else given.slowest
            grounds.append(prepare(KITS[name], place, slowest=slowest))
        note("mutating")
        with _pool(given.jobs, grounds, place) as pool:
            work = [(task, given.seed, deadline) for task in tasks]
            for done, result in enumerate(pool.imap_unordered(_judged, work), start=1):
                if done % 20 == 0:
                    note(f"{done} of {len(tasks)}")
                if result is not None:
                    results.append(result)
                    if result.verdict.wrong:
                        print_result(result, given.seed)
    if len(results) < len(tasks):
        note(f"{len(tasks) - len(results)} not made: nothing of the kind in the project, or no time left")
    return sorted(results, key=lambda result: result.order)


def _pool(jobs: int, grounds: list[Ground], place: Path) -> Pool:
    """Processes, each with copies of all projects."""
    return multiprocessing.get_context("fork").Pool(jobs, _begin, (grounds, place))


def _begin(grounds: list[Ground], place: Path) -> None:
    """Make this process's copies, and start the tool on each. Ctrl-C is the main process's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for ground in grounds:
        bench = Bench(ground, place)
        bench.tool.__enter__()
        _benches[ground.kit.name] = bench


def _judged(work: tuple[Task, int, float]) -> Result | None:
    (project, kind, number), seed, deadline = work
    if time.monotonic() > deadline:
        return None
    return _benches[project].judge(kind, seed, number)


def _tasks(given: argparse.Namespace) -> Iterator[Task]:
    """What to do, kinds in turn, so that the slow ones are spread."""
    for project in given.projects:
        count = QUICK[project] if given.quick and given.per_kind is None else given.per_kind or PER_KIND
        numbers = [given.only] if given.only is not None else range(count)
        yield from ((project, kind, number) for number in numbers for kind in given.kinds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.drift", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sample, within two minutes")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=", ".join(KINDS)
    )
    parser.add_argument("--seed", type=int, default=1, help="another one gives other mutations (default: 1)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="of each kind just the one of this number")
    parser.add_argument("--per-kind", type=int, help=f"mutations of each kind (default: {PER_KIND})")
    parser.add_argument("--projects", nargs="+", choices=KITS, default=list(KITS), help="which to mutate")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one for each core)"
    )
    parser.add_argument(
        "--slowest", type=float, default=SLOWEST, help="seconds that an example of the cookbook may take"
    )
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        choices=("sphinx-gallery", "mkdocs-gallery"),
        help="judge these too, installed into environments of their own",
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
