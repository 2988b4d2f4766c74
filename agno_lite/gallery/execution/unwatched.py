"""The child process of a run whose figures are published: nothing is recorded but what evaluations found.

What is imported here is loaded before the script and so not in its figures: no more than the script loads
in any case.
"""

from __future__ import annotations

import random
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from agno_lite.tracing import add_watcher, semconv

if TYPE_CHECKING:
    from agno_lite.tracing import Span


def main(root: str, script: str, results: str) -> None:
    """Run a script as `python path` does.

    Args:
        root: the project's folder; its packages are taken from there, wherever else they are installed.
        script: absolute path of the script.
        results: file to which each evaluation's result is appended, as a line of JSON.
    """
    sys.argv[:] = [script]
    sys.path[:1] = [script.rpartition("/")[0], root]
    random.seed(0)
    add_watcher(_Results(results), kinds={semconv.EVALUATE})
    module = ModuleType("__main__")
    vars(module).update(__file__=script, __builtins__=sys.modules["builtins"], __cached__=None)
    sys.modules["__main__"] = module
    with open(script, "rb") as source:  # noqa: PTH123 - pathlib may be none of what the script loads
        code = compile(source.read(), script, "exec", dont_inherit=True)
    exec(code, vars(module))  # noqa: S102 - running it is what this is for


class _Results:
    """Writes down what evaluations found. Spans of other kinds are not even made for it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def on_start(self, span: Span) -> None:
        """Nothing is known yet."""

    def on_end(self, span: Span) -> None:
        """Write the result, if there is one."""
        import json

        if result := span.attributes.get(semconv.EVALUATION_RESULT):
            with open(self._path, "a", encoding="utf-8") as file:  # noqa: PTH123 - as above
                file.write(f"{json.dumps(result)}\n")
