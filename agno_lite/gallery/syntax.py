"""Facts about a script's syntax tree on which recording and rendering must agree."""

from __future__ import annotations

import ast


def construction_sites(tree: ast.Module) -> list[ast.Call]:
    """Calls of imported names that begin with a capital letter, in source order.

    By convention these construct objects. The recorder notes what came of the call with index `n`, the
    renderer shows its source: an index holds when lines move, which a line number does not.
    """
    imported = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and _constructs(node.func, imported)
    ]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _constructs(function: ast.expr, imported: set[str]) -> bool:
    """Whether `function` is `Name` or `module.Name`, imported, and the last part is capitalised."""
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    root = function
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in imported and last[:1].isupper()
