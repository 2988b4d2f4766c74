"""Passages of source, cut by symbol and by anchors: text that must stand on exactly one line."""

from __future__ import annotations

import ast
import textwrap

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.records import Excerpt, Passage, Symbol


def cut(
    symbol: Symbol,
    lines: list[str],
    node: ast.AST | None,
    *,
    start: str | None = None,
    end: str | None = None,
    docstring: bool = True,
) -> Excerpt:
    """The definition of a symbol, or a part of it, as it stands in its file.

    Args:
        symbol: what is cut.
        lines: all lines of its file.
        node: its syntax tree, `None` for a parameter.
        start: text on the first line of the part; it must stand on one line of the definition only.
        end: the same for the last line.
        docstring: whether a definition's docstring is shown; without it the excerpt has two passages.

    Raises:
        GalleryError: an anchor is on no line or on several; the end comes before the start; nothing is
            left without the docstring.
    """
    first = symbol.line if start is None else _anchor(lines, symbol, "start", start)
    last = symbol.end_line if end is None else _anchor(lines, symbol, "end", end)
    if last < first:
        raise GalleryError(
            f"{symbol.path}: expected the start {start!r} before the end {end!r} in {symbol.name}, "
            f"but they are on lines {first} and {last}; exchange them"
        )
    hidden = range(0) if docstring else _docstring_lines(node)
    passages = _passages(lines, first, last, hidden)
    if not passages:
        raise GalleryError(f"{symbol.path}: expected code in the part of {symbol.name}, but it is empty")
    return Excerpt(symbol=symbol, passages=passages)


def _anchor(lines: list[str], symbol: Symbol, option: str, text: str) -> int:
    """The one line of the symbol that contains `text`."""
    inside = range(symbol.line, symbol.end_line + 1)
    found = [number for number in inside if text in lines[number - 1]]
    if len(found) == 1:
        return found[0]
    where = f"lines {', '.join(map(str, found))}" if found else "no line"
    raise GalleryError(
        f"{symbol.path}: expected {option} {text!r} on exactly one line of {symbol.name}, "
        f"but it is on {where}; give text that only one line has"
    )


def _docstring_lines(node: ast.AST | None) -> range:
    """The lines of a definition's docstring."""
    body = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else []
    match body:
        case [ast.Expr(value=ast.Constant(value=str())) as statement, _, *_]:
            return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    return range(0)


def _passages(lines: list[str], first: int, last: int, hidden: range) -> tuple[Passage, ...]:
    """The lines from `first` to `last` without the hidden ones, evenly dedented."""
    shown = [number for number in range(first, last + 1) if number not in hidden]
    dedented = textwrap.dedent("\n".join(lines[number - 1] for number in shown)).split("\n")
    groups: list[list[tuple[int, str]]] = []
    for number, text in zip(shown, dedented, strict=True):
        if not groups or groups[-1][-1][0] != number - 1:
            groups.append([])
        groups[-1].append((number, text))
    return tuple(
        Passage(line=group[0][0], end_line=group[-1][0], text="\n".join(text for _, text in group))
        for group in map(_without_blank_ends, groups)
        if group
    )


def _without_blank_ends(group: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The group without empty lines before and after, which a left out docstring leaves behind."""
    filled = [position for position, (_, text) in enumerate(group) if text.strip()]
    return group[filled[0] : filled[-1] + 1] if filled else []
