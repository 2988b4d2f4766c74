"""Scripts of the cookbook, run as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
USERS = {
    "user_1@example.com": ("Mina Park", "anime", "video games", "manga"),
    "user_2@example.com": ("Omar Haddad", "hiking"),
    "user_3@example.com": ("Julia Lind", "gym"),
}
"""Words of what each user of the memory examples tells, one for each fact."""


def run(script: Path, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a script from `folder`, with no settings but the ones given."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "AGNO_LITE_HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        env={**kept, "COLUMNS": "100", **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def printed_memories(output: str) -> list[list[str]]:
    """What stands under each "User N's memories:"."""
    parts = re.split(r"User \d's memories:\n", output)[1:]
    return [re.findall(r"^- (.*)$", part, re.MULTILINE) for part in parts]
