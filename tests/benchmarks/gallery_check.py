"""How long `gallery check` takes for many examples: `python -m tests.benchmarks.gallery_check --help`.

Makes a project with a package and N examples of four kinds, each with a script, narratives in both languages
and a capture. The captures of four examples are made by running them; those of the others are copies, as if
their scripts, which differ in a comment, had been run. Then the command is timed as a user calls it: without
a cache, with it, and after edits. CPU seconds are steadier than seconds where others use the machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

COMMAND = [sys.executable, "-c", "from agno_lite.cli import main; main()", "gallery"]
KINDS = 4
MODULES = 60
FUNCTIONS = 12
SETTINGS = "site_name: Many\nplugins:\n  - agno_lite_gallery:\n      packages: [shop]\n"
NARRATIVE = """\
## {title} {{ #overview }}

It adds up prices with `shop.part{number}.price0`, whose `tax` is a parameter.

/// excerpt | shop.part{number}.price0
///
"""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one call of the command cost."""

    wall: float
    """Seconds."""
    cpu: float
    """CPU seconds."""
    problems: int
    """How many it found."""


def main() -> None:
    """Make the project, time the command, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agno-lite-many-") as folder:
        root = Path(folder).resolve() / "project"
        _make(root, given.examples)
        time.sleep(2.1)  # files that were just written are not remembered by their times
        rows = {"without a cache": _check(root), "with it, nothing changed": _check(root)}
        _edit(root / "shop/part0.py", "return price + 0", "return price + 1")
        rows["a function's body edited: captures"] = _check(root, "--captures")
        rows["the same, pages too"] = _check(root)
        time.sleep(2.1)
        rows["nothing changed since"] = _check(root)
        _edit(root / "cookbook/t0/e0.en.md", "It adds", "This adds")
        rows["one narrative edited"] = _check(root)
    _print(rows)


def _print(rows: dict[str, Cost]) -> None:
    table = Table("gallery check", "seconds", "CPU seconds", "problems", "of the first (CPU)")
    whole = next(iter(rows.values())).cpu
    for what, cost in rows.items():
        share = f"{cost.cpu / whole:.3f}"
        table.add_row(what, f"{cost.wall:.2f}", f"{cost.cpu:.2f}", str(cost.problems), share)
    Console().print(table)


def _make(root: Path, count: int) -> None:
    (root / "shop").mkdir(parents=True)
    (root / "mkdocs.yml").write_text(SETTINGS)
    (root / "shop/__init__.py").write_text("")
    for number in range(MODULES):
        functions = (
            f"def price{n}(price: float, tax: float = 0.{n + 1}) -> float:\n"
            f'    """Price of kind {n}."""\n    return price + {n}\n\n\n'
            for n in range(FUNCTIONS)
        )
        (root / f"shop/part{number}.py").write_text('"""Prices."""\n\n\n' + "".join(functions))
    for number in range(count):
        _write_example(root, number)
    subprocess.run([*COMMAND, "capture", *map(_script, range(min(KINDS, count)))], cwd=root, check=True)
    for number in range(KINDS, count):
        _copy_capture(root, number % KINDS, number)


def _script(number: int) -> str:
    """Examples stand in folders of fifty."""
    return f"cookbook/t{number // 50}/e{number}.py"


def _write_example(root: Path, number: int) -> None:
    path = root / _script(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = number % KINDS
    imports = "".join(f"from shop import part{n}\n" for n in range(MODULES))
    calls = "".join(f"print(part{n}.price{kind}({n}))\n" for n in range(MODULES))
    path.write_text(f"{imports}\n{calls}# example {number}\n")
    for locale, title in (("zh", "概述"), ("en", "Overview")):
        text = NARRATIVE.format(title=title, number=kind)
        path.with_suffix(f".{locale}.md").write_text(text, encoding="utf-8")


def _copy_capture(root: Path, origin: int, number: int) -> None:
    for kind in ("facts", "measured"):
        sources, target = (_capture(root, which, kind) for which in (origin, number))
        record = json.loads(sources.read_text(encoding="utf-8"))
        record["example"] = _script(number)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _capture(root: Path, number: int, kind: str) -> Path:
    inside = Path(_script(number)).relative_to("cookbook")
    return root / "cookbook/_captures" / inside.with_suffix(f".{kind}.json")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _check(root: Path, *options: str) -> Cost:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [*COMMAND, "check", "--format", "json", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env=os.environ, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        sys.exit(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall=wall, cpu=cpu, problems=len(json.loads(done.stdout)))


if __name__ == "__main__":
    main()
