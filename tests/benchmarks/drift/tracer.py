"""Runs a script as `python SCRIPT` does and writes down what it executed and read. Stands alone: no imports of ours.

`python tracer.py TRACE ROOT SCRIPT` writes to TRACE, as JSON: `code`, a list of path, qualified name and first
line of each piece of code under ROOT that was executed; `read`, the paths under ROOT that were opened, listed
(with `/` at the end) or looked for; `sought`, the names of all modules that were asked for, found or not.
"""

import atexit
import json
import os
import runpy
import sys
import threading


def by_import_system():
    """Whether Python itself opens or lists, to find a module."""
    return sys._getframe(2).f_code.co_filename.startswith("<frozen importlib")


def main(target, root, script):
    """Run the script under watch."""
    root = root + os.sep
    executed, read, sought = {}, {}, {}

    def on_call(frame, event, argument):
        if event == "call":
            code = frame.f_code
            if code.co_filename.startswith(root) and not code.co_filename.startswith(__file__):
                executed[code.co_filename[len(root) :], code.co_qualname, code.co_firstlineno] = None

    def note(path, mark=""):
        if isinstance(path, (str, bytes, os.PathLike)):
            name = os.path.abspath(os.fsdecode(path))
            if name.startswith(root) and "/__pycache__/" not in name:
                read[name[len(root) :] + mark] = None

    def audit(event, arguments):
        if event == "import":
            sought[arguments[0]] = None
        elif event == "open":
            if not (by_import_system() and str(arguments[0]).endswith(".py")):
                note(arguments[0])
        elif event in ("os.listdir", "os.scandir") and not by_import_system():
            note(arguments[0] or os.curdir, "/")

    stat = os.stat

    def watched(path, *arguments, **options):
        try:
            return stat(path, *arguments, **options)
        except OSError:
            note(path)
            raise

    def write():
        sys.setprofile(None)
        with open(target, "w", encoding="utf-8") as file:
            json.dump({"code": list(executed), "read": list(read), "sought": list(sought)}, file)

    atexit.register(write)
    os.stat = watched
    sys.addaudithook(audit)
    sys.argv[:] = [script]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    threading.setprofile(on_call)
    sys.setprofile(on_call)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], os.path.realpath(sys.argv[2]), sys.argv[3])
