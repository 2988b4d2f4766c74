"""What the script constructs: classes and arguments at its construction sites.

A site `Agent(name=x)` becomes `Agent(name=x) if __built__[n] else <the same, noting>`: the class is
called from the script's own frame each time, and soon nothing but a test is left.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import copy
import inspect
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from agno_lite.gallery.execution.values import describe
from agno_lite.gallery.syntax import construction_sites

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.gallery.execution.journal import Journal

T = TypeVar("T")

_ANNOTATIONS = ("annotation", "returns")
"""Fields of a node that hold an annotation. Those may be turned back into text, so they are left alone."""


_MOST_IN_TASKS = 50
"""How many objects of one site are noted if tasks or threads make them: which of them is the first may be
a matter of chance, so a reader needs them all to choose one."""


class Constructions:
    """Notes the first objects that each construction site gives."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._built = bytearray()
        self._counts: Counter[int] = Counter()
        self._arguments: dict[int, list[tuple[str | None, Any]]] = {}

    def install(self, tree: ast.Module) -> ast.Module:
        """Rewrite the script's construction sites; the tree is changed."""
        sites = construction_sites(tree)
        self._built.extend(bytes(len(sites)))
        names = {
            "__built__": self._built,
            "__argument__": self._argument,
            "__note__": self._note,
            "__tuple__": tuple,
        }
        vars(builtins).update(names)
        rewritten = _Rewriter({id(call): number for number, call in enumerate(sites)}).visit(tree)
        assert isinstance(rewritten, ast.Module)
        return ast.fix_missing_locations(rewritten)

    def _argument(self, site: int, name: str | None, value: T) -> T:
        """Keep an argument on its way to the class.

        A positional one has the name "", a starred one `*`, a double-starred one `None`.
        """
        self._arguments.setdefault(site, []).append((name, value))
        return value

    def _note(self, site: int, callee: Callable[..., Any], made: T) -> T:
        """Write down what came of a site; let it be from now on if that is all there is to know."""
        passed = self._arguments.pop(site, [])
        self._counts[site] += 1
        flow = _flow()
        self._built[site] = not flow or self._counts[site] >= _MOST_IN_TASKS
        self._journal.write(
            "object", site=site, flow=flow, cls=_class_name(callee, made), arguments=_bind(callee, passed)
        )
        return made


def _flow() -> int:
    """Tells flows of control apart that may run beside each other; 0 for the script's own, outside a loop."""
    try:
        return id(asyncio.current_task())
    except RuntimeError:
        current = threading.current_thread()
        return 0 if current is threading.main_thread() else id(current)


def _class_name(callee: Callable[..., Any], made: object) -> str:
    cls = callee if isinstance(callee, type) else type(made)
    return f"{cls.__module__}.{cls.__qualname__}"


def _bind(callee: Callable[..., Any], passed: list[tuple[str | None, Any]]) -> dict[str, str]:
    """Arguments as text by the names of their parameters; by position where the callee tells no names."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, value in passed:
        if name is None:
            named.update(value)
        elif name == "*":
            positional.extend(value)
        elif name:
            named[name] = value
        else:
            positional.append(value)
    return {name: describe(value) for name, value in _by_parameter(callee, positional, named).items()}


def _by_parameter(callee: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> dict[str, Any]:
    try:
        signature = inspect.signature(callee)
        bound = signature.bind(*positional, **named).arguments
    except (TypeError, ValueError):  # a class in C without a signature, or one that lies
        return {str(index): value for index, value in enumerate(positional)} | named
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and parameter.name in bound:
            bound |= bound.pop(parameter.name)
    return bound


class _Rewriter(ast.NodeTransformer):
    """Replaces the calls at construction sites."""

    def __init__(self, sites: dict[int, int]) -> None:
        self._sites = sites

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit everything except annotations."""
        kept = {name: getattr(node, name) for name in _ANNOTATIONS if getattr(node, name, None) is not None}
        for name in kept:
            setattr(node, name, None)
        super().generic_visit(node)
        for name, annotation in kept.items():
            setattr(node, name, annotation)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Rewrite the call if it is a construction site."""
        site = self._sites.get(id(node))
        self.generic_visit(node)
        if site is None:
            return node
        return ast.copy_location(
            ast.IfExp(
                test=_subscript("__built__", site), body=node, orelse=_noting(copy.deepcopy(node), site)
            ),
            node,
        )


def _noting(call: ast.Call, site: int) -> ast.Call:
    """`__note__(site, callee, call)`, in which each argument of the call passes through `__argument__`."""
    for index, argument in enumerate(call.args):
        if isinstance(argument, ast.Starred):
            # A tuple, so that an iterator is not used up by the note.
            argument.value = _call("__argument__", site, "*", _call("__tuple__", argument.value))
        else:
            call.args[index] = _call("__argument__", site, "", argument)
    for keyword in call.keywords:
        keyword.value = _call("__argument__", site, keyword.arg, keyword.value)
    return _call("__note__", site, copy.deepcopy(call.func), call)


def _subscript(name: str, index: int) -> ast.Subscript:
    return ast.Subscript(value=ast.Name(id=name, ctx=ast.Load()), slice=ast.Constant(index), ctx=ast.Load())


def _call(name: str, *arguments: ast.expr | str | int | None) -> ast.Call:
    """A call of a builtin name; it takes the place of its last argument in the source."""
    nodes = [item if isinstance(item, ast.expr) else ast.Constant(item) for item in arguments]
    return ast.copy_location(
        ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=nodes, keywords=[]), nodes[-1]
    )
