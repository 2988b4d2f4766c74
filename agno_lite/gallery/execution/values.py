"""Python values as text and as JSON that are the same in every run."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

_DEPTH = 8
"""Levels of nesting that are shown; deeper ones, and circles, end in `…`."""

_LITERALS = (str, bytes, int, float, complex, bool, type(None), type(...))
_NAMED = (FunctionType, MethodType, BuiltinFunctionType, type)


def describe(value: Any, depth: int = _DEPTH) -> str:
    """A value as a reader would write it, without addresses.

    Literals and plain containers of them are shown by `repr`, functions and classes by their qualified
    name, paths as `Path('…')`, other objects as `ClassName(...)`.
    """
    if type(value) in _LITERALS:
        return repr(value)
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    if isinstance(value, _NAMED):
        return value.__qualname__
    if isinstance(value, PurePath):
        return f"Path({str(value)!r})"
    return _container(value, depth)


def _container(value: Any, depth: int) -> str:
    """A list, tuple, set or dictionary of values; anything else by the name of its class."""
    kind = type(value)
    if kind not in (list, tuple, set, frozenset, dict):
        return f"{kind.__qualname__}(...)"
    if not depth:
        return "…"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{describe(k, depth - 1)}: {describe(v, depth - 1)}" for k, v in value.items())
            + "}"
        )
    items = [describe(item, depth - 1) for item in value]
    if kind is list:
        return f"[{', '.join(items)}]"
    if kind is tuple:
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    text = ", ".join(sorted(items))
    if kind is set:
        return f"{{{text}}}" if items else "set()"
    return f"frozenset({{{text}}})" if items else "frozenset()"


def plain(value: Any, depth: int = _DEPTH * 2) -> Any:
    """A value as JSON: what JSON has no form for is described."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if not depth:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, enum.Enum):
        return plain(value.value, depth - 1)
    return describe(value)
