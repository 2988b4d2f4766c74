"""Python processes that the script starts: what they use, the capture depends on too.

A forked process goes on with its parent's recorders. One that starts anew is given them by a
`sitecustomize` of ours, in front of its `PYTHONPATH`. Only functions, files and imports are noted there,
never output, requests or spans. Not followed: Python with `-I`, `-E` or `-S`, and every other program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from agno_lite.gallery.execution.journal import Journal
from agno_lite.gallery.execution.probes import Probes, ProjectFinder
from agno_lite.gallery.execution.watching import FileWatcher

VARIABLE = "AGNO_LITE_GALLERY_RECORD"
"""Environment variable that tells a child process what to record."""
_STARTUP = str(Path(__file__).parent / "startup")
_OWN_PACKAGE = "agno_lite"
_SEARCH = "PYTHONPATH"


def follow(given: dict[str, Any]) -> None:
    """Have the Python processes recorded that this one starts.

    The process itself sees its environment as it would be without that.
    """
    extra = {VARIABLE: json.dumps({name: given[name] for name in ("root", "packages", "journal")})}
    _hand_down(extra)
    start = subprocess.Popen.__init__

    def watched(self: Any, *arguments: Any, **options: Any) -> None:
        if options.get("env") is not None:
            options["env"] = _with_search(dict(options["env"])) | extra
        start(self, *arguments, **options)

    setattr(subprocess.Popen, "__init__", watched)  # noqa: B010 - a method of Python's own class


def _hand_down(extra: dict[str, str]) -> None:
    """Put variables into the environment that child processes inherit, but not into `os.environ`."""
    for name, value in _with_search({_SEARCH: os.environ.get(_SEARCH, "")}).items():
        os.putenv(name, value)
    for name, value in extra.items():
        os.putenv(name, value)


def _with_search(variables: dict[str, str]) -> dict[str, str]:
    """An environment in which Python looks for its start-up modules in our folder first."""
    search = [_STARTUP, *filter(None, [variables.get(_SEARCH)])]
    return variables | {_SEARCH: os.pathsep.join(search)}


def begin(own_code: str) -> None:
    """Record this process, which another one started; called while Python starts.

    Args:
        own_code: the folder that holds this package.
    """
    given = json.loads(os.environ.pop(VARIABLE))
    _restore_search()
    journal = Journal(given["journal"])
    root = Path(given["root"])
    probes = Probes(journal, root)
    probes.install(script_flow=False)
    ProjectFinder(probes, journal, root, given["packages"]).install()
    sys.path.remove(own_code)
    forget_own_modules()
    FileWatcher(journal, str(root)).install()
    follow(given)


def _restore_search() -> None:
    """Take our folder out of what this process sees of its search path."""
    rest = os.environ.pop(_SEARCH, "").split(os.pathsep)[1:]
    if rest:
        os.environ[_SEARCH] = os.pathsep.join(rest)
    if _STARTUP in sys.path:
        sys.path.remove(_STARTUP)


def forget_own_modules() -> None:
    """Let the script import the package anew, with probes: what the recorder imported had none."""
    for name in [name for name in sys.modules if name.partition(".")[0] == _OWN_PACKAGE]:
        del sys.modules[name]
