"""What the README shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_example_runs_and_remembers(tmp_path: Path) -> None:
    """The program under "The runtime" calls the tool, answers, and ends with what it remembers."""
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = tmp_path / "readme.py"
    script.write_text(program, "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        env={**os.environ, "AGNO_LITE_OFFLINE": "1", "AGNO_LITE_EMBEDDED_DATABASE": "readme"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "It is sunny in Rome." in done.stdout
    assert "UserMemory(memory='User likes anime'" in done.stdout.splitlines()[-1]


def test_every_file_that_is_linked_is_there() -> None:
    """Links and pictures of the README lead to files of the repository."""
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert len(targets) >= 5
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_task_that_is_named_can_be_made() -> None:
    """`make` knows each task that the README and CONTRIBUTING name."""
    texts = README + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = {
        task for tasks in re.findall(r"make ((?:[a-z]+ ?)+)(?:`|\s+#|\s&&)", texts) for task in tasks.split()
    }
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"site", "test", "serve", "capture"} <= named
    assert named - known == set()
