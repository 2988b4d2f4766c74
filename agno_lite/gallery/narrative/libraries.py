"""Whether a name belongs to Python or to a library, looked up in its source without running it."""

from __future__ import annotations

import builtins
import importlib.util
import keyword
import re
import sys
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[A-Za-z_]\w*")


def is_python(name: str) -> bool:
    """Whether `name` is a keyword, a special method, a built-in or an attribute of one (`str.join`)."""
    head, _, attribute = name.partition(".")
    if keyword.iskeyword(name) or (name.startswith("__") and name.endswith("__")):
        return True
    return hasattr(builtins, head) and (not attribute or hasattr(getattr(builtins, head), attribute))


def is_standard(name: str) -> bool:
    """Whether `name` is a module of the standard library, or something in one (`asyncio.gather`)."""
    root, *parts = name.split(".")
    return root in sys.stdlib_module_names and _mentions(root, parts)


def is_library(name: str, imported: frozenset[str]) -> bool:
    """Whether `name` is one of the imported top-level packages, or something in one."""
    root, *parts = name.split(".")
    return root in imported and _mentions(root, parts)


def _mentions(root: str, parts: list[str]) -> bool:
    """Whether all parts occur as words in the source of a package; true where it has no Python source.

    This finds slips of the pen at the cost of letting some pass: to know better one would have to import.
    """
    words = _words(root)
    return words is None or words.issuperset(parts)


@cache
def _words(root: str) -> frozenset[str] | None:
    """All identifiers in the source of a top-level module; `None` if there is no source."""
    if root in sys.builtin_module_names:
        return frozenset(vars(__import__(root)))
    spec = importlib.util.find_spec(root)
    origin = Path(spec.origin) if spec and spec.origin else None
    if origin is None or origin.suffix != ".py":
        return None
    files = origin.parent.rglob("*.py") if origin.name == "__init__.py" else [origin]
    words: set[str] = set()
    for file in files:
        words.update(_WORD.findall(file.read_text(encoding="utf-8", errors="replace")), [file.stem])
        words.add(file.parent.name)
    return frozenset(words)
