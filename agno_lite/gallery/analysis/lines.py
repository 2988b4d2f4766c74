"""Lines that were noted when a script ran, found again in the files as they are now."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agno_lite.gallery.analysis.modules import FunctionNode
from agno_lite.gallery.analysis.symbols import SymbolIndex
from agno_lite.gallery.records import Allocation, Place, Symbol


def locate(index: SymbolIndex, allocation: Allocation) -> Place | None:
    """Where the line that allocated stands now; `None` if it is not in the project.

    It is the line with the same text in the same function; of several the one nearest to where it was,
    those of nested functions last. If the text is gone it is the beginning of the function; if that is
    gone too, or there never was one, the file.

    Raises:
        SourceError: the file is not Python any more.
    """
    path = allocation.path
    module = index.resolve(path) if allocation.text else None
    if module is None:
        return None
    around = _function(index, allocation) if allocation.function else module
    if around is None:
        return Place(path=path)
    if equal := _equal_lines(index, around, allocation.text):
        nearest = min(equal, key=lambda number: abs(number - allocation.line))
        return Place(path=path, line=nearest, exact=True)
    return Place(path=path, line=None if around.kind == "module" else around.line)


def _function(index: SymbolIndex, allocation: Allocation) -> Symbol | None:
    """The function around the line, if its file still defines it; of a lambda the one around that."""
    named = ".".join(part for part in allocation.function.split(".") if not part.startswith("<"))
    found = index.resolve(f"{allocation.path}::{named}")
    return found if found and found.path == allocation.path else None


def _equal_lines(index: SymbolIndex, around: Symbol, text: str) -> list[int]:
    """Lines of a definition with that text: its own, or if there are none, those of functions in it."""
    lines = index.lines(around.path)
    inside = range(around.line, around.end_line + 1)
    equal = [number for number in inside if lines[number - 1].strip() == text]
    nested = {number for body in _nested_bodies(index.node(around)) for number in body}
    return [number for number in equal if number not in nested] or equal


def _nested_bodies(outer: ast.AST | None) -> Iterator[range]:
    """The lines of the bodies of functions inside a definition."""
    for node in ast.walk(outer) if outer else ():
        if isinstance(node, FunctionNode) and node is not outer:
            yield range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
