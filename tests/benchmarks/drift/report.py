"""What the benchmark prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from tests.benchmarks.drift.bench import Result

LABELS = {"stale": "stale and unannounced", "vain": "runs in vain", "reasons": "wrong reasons"}


def print_result(result: Result, seed: int) -> None:
    """A mutation whose answer is wrong, so that it can be understood and repeated."""
    print(f"\n{result.project}, {result.kind} {result.number}: {result.summary}")
    for field, label in LABELS.items():
        for line in getattr(result.verdict, field):
            print(f"  {label}: {line}")
    print("  " + result.diff.rstrip().replace("\n", "\n  "))
    command = f"python -m tests.benchmarks.drift --projects {result.project} --kinds {result.kind}"
    print(f"  again: {command} --seed {seed} --only {result.number}", flush=True)


def print_table(results: Sequence[Result]) -> None:
    """The figures by project and kind."""
    print(f"\n{'':22}{'mutations':>10}{'needed':>8}{'ran':>6}{'stale':>7}{'vain':>6}{'reasons':>9}")
    for key in dict.fromkeys((result.project, result.kind) for result in results):
        chosen = [result for result in results if (result.project, result.kind) == key]
        verdicts = [result.verdict for result in chosen]
        counts = [sum(len(getattr(verdict, field)) for verdict in verdicts) for field in LABELS]
        needed, ran = sum(verdict.needed for verdict in verdicts), sum(verdict.ran for verdict in verdicts)
        name = f"{key[0]} {key[1]}"
        print(f"{name:22}{len(chosen):>10}{needed:>8}{ran:>6}{counts[0]:>7}{counts[1]:>6}{counts[2]:>9}")
    sys.stdout.flush()


def figures(results: Iterable[Result]) -> str:
    """The last line."""
    every = list(results)
    sums = (
        f"{label} {sum(len(getattr(result.verdict, field)) for result in every)}" for field, label in LABELS.items()
    )
    kinds = len({result.kind for result in every})
    return f"{', '.join(sums)} (of {len(every)} mutations, {kinds} kinds)"


def print_others(lines: Iterable[str]) -> None:
    """What other tools did with the same mutations."""
    for line in lines:
        print(line, flush=True)
