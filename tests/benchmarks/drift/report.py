"""What the benchmark prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from tests.benchmarks.drift.bench import Result

LABELS = {"stale": "stale and unannounced", "vain": "runs in vain", "reasons": "wrong reasons"}


def note(text: str) -> None:
    """Say how far things are."""
    sys.stderr.write(f"{text}\n")


def print_line(text: str) -> None:
    """Print a line at once: a run is long, and its output often read from a file."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def print_result(result: Result, seed: int) -> None:
    """A mutation whose answer is wrong, so that it can be understood and repeated."""
    print_line(f"\n{result.project}, {result.kind} {result.number}: {result.summary}")
    for field, label in LABELS.items():
        for line in getattr(result.verdict, field):
            print_line(f"  {label}: {line}")
    print_line("  " + result.diff.rstrip().replace("\n", "\n  "))
    command = f"python -m tests.benchmarks.drift --projects {result.project} --kinds {result.kind}"
    print_line(f"  again: {command} --seed {seed} --only {result.number}")


def print_table(results: Sequence[Result]) -> None:
    """The figures by project and kind."""
    print_line(f"\n{'':22}{'mutations':>10}{'needed':>8}{'ran':>6}{'stale':>7}{'vain':>6}{'reasons':>9}")
    for key in dict.fromkeys((result.project, result.kind) for result in results):
        chosen = [result for result in results if (result.project, result.kind) == key]
        verdicts = [result.verdict for result in chosen]
        counts = [sum(len(getattr(verdict, field)) for verdict in verdicts) for field in LABELS]
        needed, ran = sum(verdict.needed for verdict in verdicts), sum(verdict.ran for verdict in verdicts)
        name = f"{key[0]} {key[1]}"
        print_line(f"{name:22}{len(chosen):>10}{needed:>8}{ran:>6}{counts[0]:>7}{counts[1]:>6}{counts[2]:>9}")


def figures(results: Iterable[Result]) -> str:
    """The last line."""
    every = list(results)
    sums = (
        f"{label} {sum(len(getattr(result.verdict, field)) for result in every)}"
        for field, label in LABELS.items()
    )
    kinds = len({result.kind for result in every})
    return f"{', '.join(sums)} (of {len(every)} mutations, {kinds} kinds)"
