"""Places in code where a mutation can act."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.benchmarks.drift.trees import Edit, Source, Tree

Function = ast.FunctionDef | ast.AsyncFunctionDef
N = TypeVar("N")
Site = tuple[Source, N]


def one(tree: Tree, random: Random, sites: Sequence[Site[N]]) -> Site[N] | None:
    """A place at random: three times of four in a file that examples use, if there is one."""
    used = [site for site in sites if site[0].path in tree.used]
    if used and random.random() < 0.75:
        return random.choice(used)
    return random.choice(sites) if sites else None


def nodes(sources: Sequence[Source], kind: type[N]) -> list[Site[N]]:
    """All nodes of a kind, in the order of the files."""
    return [(source, node) for source in sources for node in ast.walk(source.tree) if isinstance(node, kind)]


def functions(sources: Sequence[Source]) -> list[Site[Function]]:
    """All functions that are written over more than one line."""
    found: list[Site[Function]] = [*nodes(sources, ast.FunctionDef)]
    found += nodes(sources, ast.AsyncFunctionDef)
    return [(source, node) for source, node in found if node.body[0].lineno > node.lineno]


def edited(source: Source, text: str, summary: str) -> Edit:
    """A change to one file."""
    return Edit(files={source.path: text}, summary=f"{source.path}: {summary}")


def other_value(value: object, random: Random) -> str:
    """Source text of another value of the same type."""
    match value:
        case bool():
            return repr(not value)
        case int():
            return repr(value + random.choice((1, 2, 7)))
        case float():
            return repr(round(value * 1.5 + 0.25, 4))
        case str():
            return repr(f"{value} {random.choice(('indeed', 'at last', 'anew'))}" if value else "filled")
        case None:
            return "0"
        case _:
            return repr(value)


def is_simple(node: ast.AST | None) -> bool:
    """Whether a node is a value that can be written anew in one word or text."""
    return isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str, type(None)))


def docstring(node: ast.AST) -> ast.Constant | None:
    """The docstring's node."""
    body = getattr(node, "body", None)
    match body:
        case [ast.Expr(value=ast.Constant(value=str()) as text), *_]:
            return text
    return None


def is_inside_text(tree: ast.AST, part: ast.AST) -> bool:
    """Whether a node is part of a formatted string, whose pieces have no place of their own."""
    return any(
        part is inner
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for inner in ast.walk(node)
    )


def docstring_free(node: ast.stmt) -> bool:
    """Whether a statement is no bare text, in which a comment would be words."""
    return not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
