"""What there is to know of one version of a Python file, for telling what in it changed later.

Nothing of it depends on comments, positions and layout, or on the version of Python that reads it.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.execution.probes import Function, functions
from agno_lite.gallery.syntax import construction_sites

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ABSENT = "absent"
"""Stands for the hash of something that is not there."""
DOCSTRING = "__doc__"
"""Ends the name under which a docstring is kept beside the bodies of functions."""
_HASHED = "#"
"""Begins a hash that stands for code too long to be shown."""
_LONGEST = 60
"""Characters of the longest value or annotation that is kept as it is."""
_LONGEST_HEAD = 40
"""Characters of the longest name for a statement that defines no name."""
_UNIMPORTANT = frozenset({"type_comment", "kind", "type_ignores"})
"""Fields of syntax trees that mean nothing to a run."""
_PLAIN = (
    ast.Constant, ast.Name, ast.Attribute, ast.UnaryOp, ast.USub, ast.Not, ast.BinOp, ast.BitOr, ast.Tuple,
    ast.List, ast.Set, ast.Dict, ast.Subscript, ast.Call, ast.keyword, ast.Load,
)  # fmt: skip
"""Expressions that every version of Python writes alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What there is to know of one version of a Python file."""

    script: str
    """What it is known by as a script, beside the bodies of functions: hash of `skeleton`, and of the calls
    that construct objects, to which a recording refers by their places among each other."""
    skeleton: str
    """Hash of `definitions` in their order: of all code but function bodies."""
    definitions: dict[str, str]
    """What the file and its classes define: values, or hashes of long ones, by name. A parameter has a
    name of its own, `Agent.__init__(name)`; so has each statement that defines nothing."""
    bodies: dict[str, str]
    """Hash of each function's body by qualified name, without the bodies of functions inside it."""
    docstrings: dict[str, str]
    """Docstrings by name with `__doc__` at its end."""


def parse(content: bytes) -> Code:
    """Read a file's bytes; one that cannot be parsed is known by them."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        known = hashed(content)
        return Code(script=known, skeleton=known, definitions={}, bodies={}, docstrings={})
    named = list(functions(tree))
    docstrings = dict(_docstrings(tree, named))
    _drop_docstrings(tree)
    sites = [call.func for call in construction_sites(tree)]
    bodies: dict[str, list[str]] = {}
    # From the inside out, so that an outer body has lost the inner ones when it is its turn.
    for name, function in reversed(named):
        # Several functions of one name: overloads, a property and its setter, alternatives.
        bodies.setdefault(name, []).append(_tree_hash(function.body))
        function.body = []
    definitions = _distinct(_definitions(tree.body))
    skeleton = hashed(repr(list(definitions.items())).encode())
    return Code(
        script=hashed(f"{skeleton} {_tree_hash(sites)}".encode()),
        skeleton=skeleton,
        definitions=definitions,
        bodies={name: hashed("".join(parts).encode()) for name, parts in bodies.items()},
        docstrings=docstrings,
    )


def hashed(content: bytes) -> str:
    """A short hash of bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def is_shown(text: str) -> bool:
    """Whether the text of a definition is all code, and no hash."""
    return bool(text) and not any(part.startswith(_HASHED) for part in text.split(" = "))


def value_of(text: str) -> tuple[str, str | None]:
    """Annotation and value of a definition; `None` if it has no value."""
    annotation, sign, value = f" {text}".rpartition(" = ")
    return (annotation.strip(), value) if sign else (text, None)


# --- definitions -------------------------------------------------------------------------------


def _definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of what the statements of a file or class define, in order."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield prefix + statement.name, _class_header(statement)
            yield from _definitions(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, Function):
            yield prefix + statement.name, _signature(statement)
            yield from _parameters(statement.args, prefix + statement.name)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield from _imports(statement, prefix)
        else:
            yield _statement(statement, prefix)


def _class_header(node: ast.ClassDef) -> str:
    rest = [getattr(node, name, None) for name in ("bases", "keywords", "decorator_list", "type_params")]
    return _HASHED + _tree_hash(rest)


def _signature(node: Function) -> str:
    """All of a function but its body and what belongs to one parameter."""
    arguments = node.args
    kinds = [len(arguments.posonlyargs), len(arguments.args), len(arguments.kwonlyargs)]
    rest = [getattr(node, name, None) for name in ("decorator_list", "returns", "type_params")]
    return _HASHED + _tree_hash([type(node).__name__, *kinds, *rest])


def _parameters(arguments: ast.arguments, function: str) -> Iterator[tuple[str, str]]:
    """Each parameter with its annotation and its default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    pairs = [
        *zip(positional, [*missing, *arguments.defaults], strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        *((rest, None) for rest in (arguments.vararg, arguments.kwarg) if rest),
    ]
    for parameter, default in pairs:
        stars = "*" * ((parameter is arguments.vararg) + 2 * (parameter is arguments.kwarg))
        yield f"{function}({stars}{parameter.arg})", _value(parameter.annotation, default)


def _imports(node: ast.Import | ast.ImportFrom, prefix: str) -> Iterator[tuple[str, str]]:
    origin = f"from {'.' * node.level}{node.module or ''} " if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        name = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
        yield f"{prefix}{origin}import {name}", ""


def _statement(node: ast.stmt, prefix: str) -> tuple[str, str]:
    """A variable and its value, or any other statement as a whole."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return prefix + node.targets[0].id, _value(None, node.value)
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return prefix + node.target.id, _value(node.annotation, node.value)
    names = [leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name)]
    head = " ".join([type(node).__name__.lower(), *dict.fromkeys(names)])
    return prefix + head[:_LONGEST_HEAD], _HASHED + _tree_hash(node)


def _value(annotation: ast.expr | None, value: ast.expr | None) -> str:
    """`int = 3`, `= 3` or `int`."""
    parts = ["" if annotation is None else _shown(annotation)]
    if value is not None:
        parts.append(_shown(value))
    return " = ".join(parts).strip()


def _shown(node: ast.expr) -> str:
    """The code of a short and simple expression, the hash of every other."""
    if all(isinstance(part, _PLAIN) for part in ast.walk(node)):
        text = ast.unparse(node)
        if len(text) <= _LONGEST and "\n" not in text:
            return text
    return _HASHED + _tree_hash(node)


def _distinct(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A mapping in which what has the name of something before it gets a number."""
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name, value in pairs:
        counts[name] = count = counts.get(name, 0) + 1
        found[name if count == 1 else f"{name} (no. {count})"] = value
    return found


# --- trees -------------------------------------------------------------------------------------


def _docstrings(tree: ast.Module, named: list[tuple[str, Function]]) -> Iterator[tuple[str, str]]:
    nodes: list[tuple[str, ast.Module | ast.ClassDef | Function]] = [("", tree), *named, *_classes(tree)]
    for name, node in nodes:
        if text := ast.get_docstring(node):
            yield f"{name}.{DOCSTRING}".removeprefix("."), text


def _classes(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef]]:
    """Classes outside functions, with their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            yield from _classes(node, f"{prefix}{node.name}.")
        elif not isinstance(node, Function):
            yield from _classes(node, prefix)


def _drop_docstrings(tree: ast.AST) -> None:
    """Take out every statement that is nothing but a string: docstrings, of variables too."""
    for node in ast.walk(tree):
        for _, block in ast.iter_fields(node):
            if isinstance(block, list):
                block[:] = [item for item in block if not _is_string(item)]


def _is_string(node: Any) -> bool:
    """Whether a statement is nothing but a string."""
    constant = node.value if isinstance(node, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)


def _tree_hash(tree: Any) -> str:
    return hashed("".join(_spelled(tree)).encode())


def _spelled(node: Any) -> Iterator[str]:
    """A syntax tree as text, the same in every version of Python that gives the same tree.

    `ast.dump` shows fields that are empty in some versions and not in others.
    """
    if isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name not in _UNIMPORTANT:
                yield f"{name}="
                yield from _spelled(value)
        yield ")"
    elif isinstance(node, list):
        for item in node:
            # An empty list of type parameters is one that this version of Python does not know.
            yield from _spelled(item or None)
            yield ","
    else:
        yield repr(node)
