"""Runs a script as `python SCRIPT` does and writes down what it executed and read. Imports nothing of ours.

`python tracer.py TRACE ROOT SCRIPT` writes to TRACE, as JSON: `code`, path and qualified name of each piece
of code under ROOT that was executed; `read`, the paths under ROOT that were opened, listed (with `/` at the
end) or looked for; `sought`, the names of all modules that were asked for, found or not.
"""

from __future__ import annotations

import atexit
import builtins
import json
import os
import sys
import threading
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any


class Watch:
    """Notes what happens below a folder."""

    def __init__(self, root: str) -> None:
        self._root = root + os.sep
        self._executed: dict[tuple[str, str], None] = {}
        self._read: dict[str, None] = {}
        self._sought: dict[str, None] = {}
        self._stat = os.stat

    def start(self) -> None:
        """Watch everything from now on."""
        os.stat = self._watched_stat
        sys.addaudithook(self._audit)
        threading.setprofile(self._called)
        sys.setprofile(self._called)

    def write(self, target: str) -> None:
        """Write down what was noted."""
        sys.setprofile(None)
        noted = {"code": list(self._executed), "read": list(self._read), "sought": list(self._sought)}
        Path(target).write_text(json.dumps(noted), "utf-8")

    def _called(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(self._root):
            self._executed[code.co_filename[len(self._root) :], code.co_qualname] = None

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import":
            self._sought[arguments[0]] = None
        elif event == "open":
            if not (_is_import_system() and str(arguments[0]).endswith(".py")):
                self._note(arguments[0])
        elif event in ("os.listdir", "os.scandir") and not _is_import_system():
            self._note(arguments[0] or os.curdir, "/")

    def _note(self, path: Any, mark: str = "") -> None:
        if isinstance(path, (str, bytes, os.PathLike)):
            name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links stay as they are
            if name.startswith(self._root) and "/__pycache__/" not in name:
                self._read[name[len(self._root) :] + mark] = None

    def _watched_stat(self, path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        try:
            return self._stat(path, *arguments, **options)
        except OSError:
            self._note(path)
            raise


def _is_import_system() -> bool:
    """Whether Python itself opens or lists, to find a module."""
    return sys._getframe(2).f_code.co_filename.startswith("<frozen importlib")


def main(target: str, root: str, script: str) -> None:
    """Run the script under watch."""
    path = Path(script).resolve()
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    module = ModuleType("__main__")
    vars(module).update(__file__=str(path), __builtins__=builtins)
    sys.modules["__main__"] = module
    sys.argv[:] = [script]
    sys.path[0] = str(path.parent)
    watch = Watch(root)
    atexit.register(watch.write, target)
    watch.start()
    exec(code, vars(module))


if __name__ == "__main__":
    main(sys.argv[1], str(Path(sys.argv[2]).resolve()), sys.argv[3])
