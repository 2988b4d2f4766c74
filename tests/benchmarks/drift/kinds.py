"""The kinds of mutation by name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from random import Random

from tests.benchmarks.drift import code_kinds, file_kinds, function_kinds
from tests.benchmarks.drift.trees import Edit, Tree

Kind = Callable[[Tree, Random], Edit | None]
"""Makes one change, or `None` where a project has nothing of the kind."""

KINDS: Mapping[str, Kind] = {
    "rename": code_kinds.rename,
    "move": code_kinds.move,
    "default": code_kinds.default,
    "body": function_kinds.body,
    "constant": code_kinds.constant,
    "prompt": code_kinds.prompt,
    "answer": code_kinds.answer,
    "signature": function_kinds.signature,
    "branch": function_kinds.branch,
    "hierarchy": function_kinds.hierarchy,
    "docstring": code_kinds.reworded_docstring,
    "comment": code_kinds.comment,
    "definition": code_kinds.definition,
    "script": code_kinds.script,
    "data": file_kinds.data,
    "migration": file_kinds.migration,
    "module": file_kinds.module,
    "dependency": file_kinds.dependency,
    "narrative": file_kinds.narrative,
    "translation": file_kinds.translation,
}

_TRIES = 50


def mutate(tree: Tree, kind: str, seed: int, number: int) -> Edit | None:
    """The mutation of a kind with a number: for one seed always the same, on any machine.

    Args:
        tree: the project.
        kind: name of the kind.
        seed: of the whole benchmark.
        number: which one of the kind.

    Returns:
        The change; `None` where the project has nothing of the kind.
    """
    random = Random(f"{seed}/{kind}/{number}")
    for _ in range(_TRIES):
        edit = KINDS[kind](tree, random)
        if edit is not None and _is_real(tree, edit):
            return edit
    return None


def _is_real(tree: Tree, edit: Edit) -> bool:
    """Whether an edit changes every file that it names, and leaves code that can be parsed."""
    for path, text in edit.files.items():
        before = tree.text(path) if (tree.root / path).is_file() else None
        if text == before:
            return False
        if path.endswith(".py") and text is not None:
            try:
                ast.parse(text)
            except SyntaxError:
                return False
    return bool(edit.files)
