"""Whether a change to a file changes anything that a run executed, by the compiled code.

Two versions of a file are compiled without their docstrings, and their pieces of code (the module, each
function) compared instruction by instruction, without line numbers. A piece holds everything that is executed
with it: class bodies, comprehensions and lambdas belong to the code around them; a function does not, but for
its signature, which the `def` statement around it makes.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from types import CodeType

MODULE = "<module>"
_PART = ("<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_SIGNATURE = 0x0F | 0x20 | 0x80 | 0x100 | 0x200
"""Flags of code that say what kind of function it is."""
Fingerprint = tuple[object, ...]


def changed_pieces(before: str | None, after: str | None) -> frozenset[str]:
    """Qualified names of the pieces of a Python file that an edit changed; `<module>` is what importing runs.

    A file that is not there has no pieces.
    """
    old, new = pieces(before), pieces(after)
    return frozenset(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def pieces(text: str | None) -> dict[str, list[Fingerprint]]:
    """What each piece of a file does; several of one name are taken together."""
    if text is None:
        return {}
    tree = _Bare().visit(ast.parse(text))
    found: dict[str, list[Fingerprint]] = {}
    for code in _functions(compile(ast.fix_missing_locations(tree), "file", "exec")):
        found.setdefault(code.co_qualname, []).append(_fingerprint(code))
    return found


class _Bare(ast.NodeTransformer):
    """Takes docstrings away."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        match getattr(node, "body", None):
            case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                node.body = rest or [ast.Pass()]  # type: ignore[attr-defined]
        return node


def _functions(code: CodeType) -> Iterator[CodeType]:
    """The module's own code, and that of all functions in it."""
    yield code
    for part in _nested(code):
        yield from _functions(part) if _is_function(part) else _inside(part)


def _inside(code: CodeType) -> Iterator[CodeType]:
    """Functions in a piece that belongs to the code around it."""
    for part in _nested(code):
        yield from _functions(part) if _is_function(part) else _inside(part)


def _nested(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))


def _is_function(code: CodeType) -> bool:
    """Whether code was made by `def`; a class body has no fast locals."""
    return code.co_name not in _PART and bool(code.co_flags & 0x02)


def _fingerprint(code: CodeType) -> Fingerprint:
    """What a piece does, without where it stands."""
    instructions = [
        (step.opname, _signature(step.argval) if isinstance(step.argval, CodeType) else _plain(step))
        for step in dis.get_instructions(code)
    ]
    return (_head(code), tuple(instructions), code.co_exceptiontable)


def _plain(step: dis.Instruction) -> str:
    return f"{type(step.argval).__name__} {step.argval!r}"


def _signature(code: CodeType) -> Fingerprint:
    """What the code around a piece sees of it."""
    return _head(code) if _is_function(code) else _fingerprint(code)


def _head(code: CodeType) -> Fingerprint:
    """Name, kind and parameters."""
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[: count + bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)]
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    return (code.co_name, names, counts, code.co_flags & _SIGNATURE)


# --- definitions ---------------------------------------------------------------------------------


def definitions(text: str | None) -> dict[str, list[str]]:
    """What a file defines outside of function bodies: statements by the names that they bind.

    `C.m` is the head of a method, `C.m(x)` its parameter with annotation and default, `C` the head of a
    class, `from a import b` one import. A statement that binds nothing stands under its first word.
    """
    found: dict[str, list[str]] = {}
    if text is not None:
        _define(_Bare().visit(ast.parse(text)).body, "", found)
    return found


def _define(body: list[ast.stmt], prefix: str, found: dict[str, list[str]]) -> None:
    for node in body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # The docstring of a field, which executes nothing.
        names = [f"{prefix}{name}" for name in (*_bound(node), *_imported(node))]
        for name in names or [f"{prefix}{ast.unparse(node).split()[0]}"]:
            found.setdefault(name, []).append("" if "import " in name else _outside(node))
        match node:
            case ast.ClassDef(body=inner):
                _define(inner, f"{names[0]}.", found)
            case ast.FunctionDef(args=arguments) | ast.AsyncFunctionDef(args=arguments):
                for name, code in _parameters(arguments):
                    found.setdefault(f"{names[0]}({name})", []).append(code)
            case _:
                for part in ("body", "orelse", "finalbody"):
                    _define(getattr(node, part, []), prefix, found)


def _bound(node: ast.stmt) -> list[str]:
    """Names that a statement binds."""
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names]
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and _is_stored(part)]
    return []


def _imported(node: ast.stmt) -> list[str]:
    """Each import of a statement by itself, as it would be written."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return []
    origin = f"from {'.' * node.level}{node.module or ''} " if isinstance(node, ast.ImportFrom) else ""
    return [f"{origin}import {ast.unparse(alias)}" for alias in node.names]


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _outside(node: ast.stmt) -> str:
    """A statement without the statements inside of it."""
    copy = ast.parse(ast.unparse(node)).body[0]
    for part in ("body", "orelse", "finalbody"):
        if getattr(copy, part, None):
            setattr(copy, part, [])
    return ast.dump(copy)


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, str]]:
    """Each parameter with its annotation and default."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    for argument, default in (
        *zip(plain, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        *((rest, None) for rest in (arguments.vararg, arguments.kwarg) if rest),
    ):
        yield argument.arg, ast.dump(argument) + (ast.dump(default) if default else "")
