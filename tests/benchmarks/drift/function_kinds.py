"""Mutations of functions and classes: what they do, what they take, what they are made of.

None of them says what ought to come of it: that is the oracle's business.
"""

from __future__ import annotations

import ast
from random import Random

from tests.benchmarks.drift.sites import (
    Function,
    docstring,
    edited,
    functions,
    is_simple,
    nodes,
    one,
    other_value,
)
from tests.benchmarks.drift.trees import Edit, Source, Tree, first_line

_OPERATORS: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.Div: "*"}


def body(tree: Tree, random: Random) -> Edit | None:
    """Change what a function does: a constant, an operator, a statement more, a statement less."""
    found = [site for site in functions(tree.modules) if len(site[1].body) > 1 or not docstring(site[1])]
    site = one(tree, random, found)
    if site is None:
        return None
    source, node = site
    ways = [change for way in (_tuned, _recalculated, _lengthened) if (change := way(source, node, random))]
    text, what = random.choice(ways)
    return edited(source, text, f"{node.name}: {what}")


def _tuned(source: Source, node: Function, random: Random) -> tuple[str, str] | None:
    """Another constant."""
    skip = {id(docstring(inner)) for inner in ast.walk(node)}
    skip |= {id(inner) for _, text in nodes([source], ast.JoinedStr) for inner in ast.walk(text)}
    skip |= {id(inner) for case in nodes([source], ast.match_case) for inner in ast.walk(case[1].pattern)}
    found = [
        part
        for statement in node.body
        for part in ast.walk(statement)
        if isinstance(part, ast.Constant) and is_simple(part) and id(part) not in skip
    ]
    if not found:
        return None
    value = random.choice(found)
    new = other_value(value.value, random)
    return source.replaced((value, new)), f"{value.value!r:.30} → {new:.30}"


def _recalculated(source: Source, node: Function, random: Random) -> tuple[str, str] | None:
    """Another operator."""
    skip = {id(inner) for _, text in nodes([source], ast.JoinedStr) for inner in ast.walk(text)}
    found = [
        part
        for statement in node.body
        for part in ast.walk(statement)
        if isinstance(part, ast.BinOp) and type(part.op) in _OPERATORS and id(part) not in skip
    ]
    if not found:
        return None
    part = random.choice(found)
    sign = _OPERATORS[type(part.op)]
    return source.replaced(
        (part, f"({source.segment(part.left)} {sign} {source.segment(part.right)})")
    ), f"now {sign}"


def _lengthened(source: Source, node: Function, random: Random) -> tuple[str, str] | None:
    """A statement more, at the beginning or at the end."""
    statements = node.body[1:] if docstring(node) else node.body
    if not statements:
        return None
    target = random.choice((statements[0], statements[-1]))
    pad = " " * target.col_offset
    line = random.choice(("_marker = 1", "assert True, 'always'", "len('added')"))
    return source.inserted(first_line(target), f"{pad}{line}\n"), f"{line} added"


def signature(tree: Tree, random: Random) -> Edit | None:
    """Add a parameter that has a default, rename one, or take the default of the last one away."""
    site = one(tree, random, functions(tree.modules))
    if site is None:
        return None
    source, node = site
    ways = (_parameter_added, _parameter_renamed, _default_removed)
    change = random.choice(ways)(source, node) or _parameter_added(source, node)
    return change and edited(source, change[0], f"{node.name}: {change[1]}")


def _parameter_added(source: Source, node: Function) -> tuple[str, str] | None:
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    if arguments.vararg or arguments.kwonlyargs or arguments.kwarg or not plain:
        return None
    last = arguments.defaults[-1] if arguments.defaults else plain[-1]
    return source.replaced((last, f"{source.segment(last)}, extra=None")), "a parameter more"


def _parameter_renamed(source: Source, node: Function) -> tuple[str, str] | None:
    names = [argument for argument in node.args.args if argument.arg not in ("self", "cls")]
    if not names:
        return None
    old = names[-1].arg
    uses = [part for part in ast.walk(node) if isinstance(part, ast.Name) and part.id == old]
    inside = {id(part) for _, text in nodes([source], ast.JoinedStr) for part in ast.walk(text)}
    if any(id(part) in inside for part in uses):
        return None
    head = source.segment(names[-1]).replace(old, f"{old}_given", 1)
    changes = [(names[-1], head), *((part, f"{old}_given") for part in uses)]
    return source.replaced(*changes), f"{old} → {old}_given"


def _default_removed(source: Source, node: Function) -> tuple[str, str] | None:
    if len(node.args.defaults) != 1 or not node.args.args:
        return None
    value, argument = node.args.defaults[0], node.args.args[-1]
    begin, end = source.span(argument)[1], source.span(value)[1]
    content = source.text.encode()
    return (content[:begin] + content[end:]).decode(), f"{argument.arg} has no default"


def branch(tree: Tree, random: Random) -> Edit | None:
    """Turn the test of an `if` round, or drop its `else`."""
    found = [
        (source, part)
        for source, node in functions(tree.modules)
        for statement in node.body
        for part in ast.walk(statement)
        if isinstance(part, ast.If | ast.IfExp)
    ]
    inside = {id(part) for _, text in nodes(tree.modules, ast.JoinedStr) for part in ast.walk(text)}
    site = one(tree, random, [site for site in found if id(site[1]) not in inside])
    if site is None:
        return None
    source, part = site
    tests = source.segment(part.test)
    new = tests.removeprefix("not ") if isinstance(part.test, ast.UnaryOp) else f"not ({tests})"
    if random.random() < 0.3:
        new = f"({tests}) or False"
    return edited(source, source.replaced((part.test, new)), f"if {tests:.40} → {new:.40}")


def hierarchy(tree: Tree, random: Random) -> Edit | None:
    """Give a class another base, a method of its own, or take a method away from it."""
    found = [site for site in nodes(tree.modules, ast.ClassDef) if site[1].body[0].lineno > site[1].lineno]
    site = one(tree, random, found)
    if site is None:
        return None
    source, node = site
    ways = [way for way in (_mixed_in, _overridden, _thinned) if way(source, node, random)]
    change = random.choice(ways)(source, node, random)
    return change and edited(source, change[0], f"class {node.name}: {change[1]}")


def _mixed_in(source: Source, node: ast.ClassDef, random: Random) -> tuple[str, str] | None:
    """A new base class, written in front of the class."""
    line = first_line(node)
    mixin = f"class {node.name}Base:\n    def added(self):\n        return {random.randrange(9)}\n\n\n"
    lines = source.inserted(line, mixin).splitlines(keepends=True)
    at = node.lineno - 1 + mixin.count("\n")
    head, name = lines[at], f"class {node.name}"
    if node.bases and f"{name}(" in head:
        lines[at] = head.replace(f"{name}(", f"{name}({node.name}Base, ", 1)
    elif f"{name}:" in head:
        lines[at] = head.replace(f"{name}:", f"{name}({node.name}Base):", 1)
    else:
        return None
    return "".join(lines), "a base class more"


def _overridden(source: Source, node: ast.ClassDef, random: Random) -> tuple[str, str]:
    """A method more, which a base may have."""
    inherited = [
        member.name
        for _, other in nodes([source], ast.ClassDef)
        if other.name in {getattr(base, "id", None) for base in node.bases}
        for member in other.body
        if isinstance(member, Function) and not member.name.startswith("__")
    ]
    name = random.choice(inherited or ["added"])
    pad = " " * (node.col_offset + 4)
    last = node.body[-1].end_lineno or node.lineno
    method = f"\n{pad}def {name}(self, *arguments, **options):\n{pad}    return 'overridden'\n"
    return source.inserted(last + 1, method), f"{name} overridden"


def _thinned(source: Source, node: ast.ClassDef, random: Random) -> tuple[str, str] | None:
    """A method less."""
    methods = [member for member in node.body if isinstance(member, Function)]
    if len(node.body) < 3 or not methods:
        return None
    method = random.choice(methods)
    return source.without(method), f"{method.name} removed"
