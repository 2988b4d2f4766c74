"""Whether a change to a file changes anything that a run executed, by the compiled code.

Two versions of a file are compiled without their docstrings, and their pieces of code (the module, each function)
compared instruction by instruction, without line numbers. A piece holds everything that is executed with it:
class bodies, comprehensions and lambdas belong to the code around them; a function does not, but for its
signature, which the `def` statement around it makes.
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
