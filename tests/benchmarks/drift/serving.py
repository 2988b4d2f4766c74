"""Runs commands of `agno-lite` one after the other, each in a process of its own that finds its imports done.

Reads a JSON list of arguments from each line of standard input, and answers each with a line of JSON:
`status`, `stdout` and `stderr` of the command. What a command leaves in memory is gone with its process.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path


def serve() -> None:
    """Answer until there is no more input."""
    for module in ("agno_lite.cli", "agno_lite.gallery.pipeline", "rich.progress"):
        import_module(module)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_command(json.loads(line))) + "\n")
        sys.stdout.flush()


def _command(arguments: list[str]) -> dict[str, object]:
    """Run one command to its end."""
    with tempfile.TemporaryDirectory(prefix="drift-tool-") as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        child = os.fork()
        if child == 0:
            _become(arguments, outputs)
        _, status = os.waitpid(child, 0)
        stdout, stderr = (path.read_text("utf-8", errors="replace") for path in outputs)
    return {"status": os.waitstatus_to_exitcode(status), "stdout": stdout, "stderr": stderr}


def _become(arguments: list[str], outputs: list[Path]) -> None:
    """Be the command: this never returns."""
    status = 70
    try:
        for number, path in enumerate(outputs, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            import_module("agno_lite.cli").main(arguments, prog_name="agno-lite")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        else:
            status = 0
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve()
