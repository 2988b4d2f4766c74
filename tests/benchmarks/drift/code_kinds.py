"""Mutations of code. Each finds the places where it can act, takes one at random, and edits the text there.

None of them says what ought to come of it: that is the oracle's business.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from tests.benchmarks.drift.trees import Edit, Source, Tree, first_line

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
    found = nodes(sources, ast.FunctionDef) + nodes(sources, ast.AsyncFunctionDef)  # type: ignore[operator]
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


def _simple(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str, type(None)))


def docstring(node: ast.AST) -> ast.Constant | None:
    """The docstring's node."""
    body = getattr(node, "body", None)
    match body:
        case [ast.Expr(value=ast.Constant(value=str()) as text), *_]:
            return text
    return None


# --- names ---------------------------------------------------------------------------------------


def rename(tree: Tree, random: Random) -> Edit | None:
    """Give a function or class another name: everywhere in the code, or (one time of four) where it is defined."""
    found = functions(tree.modules) + nodes(tree.modules, ast.ClassDef)  # type: ignore[operator]
    site = one(tree, random, [site for site in found if _renameable(site[1].name)])
    if site is None:
        return None
    source, node = site
    new = f"{node.name}{'Renewed' if isinstance(node, ast.ClassDef) else '_renewed'}"
    if random.random() < 0.25:
        files = {source.path: _renamed(source.text, node.name, new, line=node.lineno)}
        return Edit(files=files, summary=f"{source.path}: {node.name} → {new}, where it is defined")
    files = {other.path: _renamed(other.text, node.name, new) for other in tree.code if node.name in other.text}
    files = {path: text for path, text in files.items() if text != tree.text(path)}
    return Edit(files=files, summary=f"{source.path}: {node.name} → {new}, everywhere")


def _renameable(name: str) -> bool:
    return not name.startswith("__") and name != "_" and not hasattr(builtins, name)


def _renamed(text: str, old: str, new: str, line: int = 0) -> str:
    """The text with the name `old` replaced: on one line, or on all."""
    lines = text.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(text).readline))):
        row, column = token.start
        if token.type == tokenize.NAME and token.string == old and line in (0, row):
            lines[row - 1] = lines[row - 1][:column] + new + lines[row - 1][column + len(old) :]
    return "".join(lines)


def move(tree: Tree, random: Random) -> Edit | None:
    """Move a function: to the end of its file, or into another module, which the old one imports it from."""
    top = [(source, node) for source in tree.modules for node in source.tree.body if isinstance(node, Function)]
    site = one(tree, random, [site for site in top if not site[1].name.startswith("__")])
    if site is None:
        return None
    source, node = site
    text = source.lines_of(node)
    if random.random() < 0.4:
        moved = f"{source.without(node).rstrip()}\n\n\n{text}"
        return edited(source, moved, f"{node.name} moved to the end")
    target = random.choice([other for other in tree.modules if _can_take(source, node, other)] or [source])
    if target is source:
        return None
    dotted = target.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    left = source.without(node).rstrip() + f"\n\nfrom {dotted} import {node.name}\n"
    files = {source.path: left, target.path: f"{target.text.rstrip()}\n\n\n{text}"}
    return Edit(files=files, summary=f"{node.name} moved from {source.path} to {target.path}")


def _can_take(source: Source, node: Function, other: Source) -> bool:
    """Whether a module is another one, and has nothing of the function's name."""
    return other is not source and node.name not in other.text


# --- values --------------------------------------------------------------------------------------


def default(tree: Tree, random: Random) -> Edit | None:
    """Give a parameter another default."""
    found = [
        (source, value)
        for source, node in functions(tree.modules)
        for value in (*node.args.defaults, *node.args.kw_defaults)
        if _simple(value)
    ]
    site = one(tree, random, found)
    if site is None:
        return None
    source, value = site
    assert isinstance(value, ast.Constant)
    new = other_value(value.value, random)
    return edited(source, source.replaced((value, new)), f"default {value.value!r} → {new}")


def constant(tree: Tree, random: Random) -> Edit | None:
    """Change a value that a module or class assigns."""
    found = [
        (source, part)
        for source in tree.modules
        for scope in (source.tree, *(node for _, node in nodes([source], ast.ClassDef)))
        for statement in scope.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for part in ast.walk(statement.value)
        if _simple(part) and not _inside_text(statement.value, part)
    ]
    site = one(tree, random, found)
    if site is None:
        return None
    source, value = site
    assert isinstance(value, ast.Constant)
    new = other_value(value.value, random)
    return edited(source, source.replaced((value, new)), f"constant {value.value!r:.40} → {new:.40}")


def _inside_text(tree: ast.AST, part: ast.AST) -> bool:
    """Whether a node is part of a formatted string, whose pieces have no place of their own."""
    return any(
        part is inner for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for inner in ast.walk(node)
    )


def _prose(sources: Sequence[Source]) -> list[Site[ast.Constant]]:
    """Texts of several words that are no docstrings."""
    found = []
    for source in sources:
        bound = {id(docstring(node)) for node in ast.walk(source.tree)}
        formatted = {
            id(inner) for _, node in nodes([source], ast.JoinedStr) for inner in ast.walk(node)
        }
        found += [
            (source, node)
            for _, node in nodes([source], ast.Constant)
            if isinstance(node.value, str) and node.value.count(" ") >= 3
            if id(node) not in bound | formatted
        ]
    return found


def prompt(tree: Tree, random: Random) -> Edit | None:
    """Change the words of a text that a model is told."""
    return _reworded(tree, random, tree.layout.prompts)


def answer(tree: Tree, random: Random) -> Edit | None:
    """Change the words of an answer that a model may give, in code or in a file of answers."""
    files = [path for path in tree.paths(tree.layout.package, ".json") if path.startswith(tree.layout.answers)]
    if files and random.random() < 0.7:
        path = random.choice(files)
        lines = tree.text(path).splitlines(keepends=True)
        index = random.choice([number for number, line in enumerate(lines) if '": "' in line])
        name, _, text = lines[index].partition('": "')
        lines[index] = f'{name}": "{random.choice(("Well. ", "Dear guest: ", "Mind you, "))}{text}'
        return Edit(files={path: "".join(lines)}, summary=f"{path}: answer {name.strip()}")
    return _reworded(tree, random, tree.layout.answers)


def _reworded(tree: Tree, random: Random, places: tuple[str, ...]) -> Edit | None:
    site = one(tree, random, _prose([source for source in tree.modules if source.path.startswith(places)]))
    if site is None:
        return None
    source, node = site
    words = str(node.value).split(" ")
    position = random.randrange(len(words))
    words[position] = f"{words[position]} {random.choice(('truly', 'kindly', 'once more'))}"
    return edited(source, source.replaced((node, repr(" ".join(words)))), f"text {str(node.value)[:30]!r}")


# --- functions -----------------------------------------------------------------------------------

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
        if isinstance(part, ast.Constant) and _simple(part) and id(part) not in skip
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
    return source.replaced((part, f"({source.segment(part.left)} {sign} {source.segment(part.right)})")), f"now {sign}"


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


# --- words and layout ----------------------------------------------------------------------------


def reworded_docstring(tree: Tree, random: Random) -> Edit | None:
    """Change the words of a docstring, in a module or a script."""
    sources = [*tree.modules, *tree.examples]
    found = [
        (source, text)
        for source in sources
        for node in ast.walk(source.tree)
        if (text := docstring(node)) is not None
    ]
    site = one(tree, random, found)
    if site is None:
        return None
    source, node = site
    old = source.segment(node)
    quotes = '"""' if old.endswith('"""') else old[-1]
    inner = old.removesuffix(quotes)
    new = random.choice((f"{inner.rstrip()} Anew.", f"{inner}\n\n    More words.\n    ", inner.replace(".", ", yes.", 1)))
    if new == inner:
        new = f"{inner} Anew."
    return edited(source, source.replaced((node, new + quotes)), f"docstring {old:.40}")


def comment(tree: Tree, random: Random) -> Edit | None:
    """Add comments and blank lines, so that everything below moves."""
    sources = [*tree.modules, *tree.examples]
    found: list[Site[ast.stmt]] = [
        (source, node)
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.stmt) and docstring_free(node)
    ]
    site = one(tree, random, [site for site in found if _begins_line(*site)])
    if site is None:
        return None
    source, node = site
    added = "\n" * random.randrange(3) + f"{' ' * node.col_offset}# A remark.\n" * random.randrange(1, 4)
    return edited(source, source.inserted(first_line(node), added), f"{added.count(chr(10))} lines without code")


def docstring_free(node: ast.stmt) -> bool:
    """Whether a statement is no bare text, in which a comment would be words."""
    return not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _begins_line(source: Source, node: ast.stmt) -> bool:
    """Whether nothing stands before a statement on its line, and no `elif` hides there."""
    line = source.text.splitlines()[first_line(node) - 1]
    return not line[: node.col_offset].strip() and not line.lstrip().startswith("elif")


def definition(tree: Tree, random: Random) -> Edit | None:
    """Add a function, class or import that nobody uses, or decorate a function."""
    source = random.choice([source for source in tree.modules if source.path in tree.used] or tree.modules)
    number = random.randrange(100)
    added = random.choice(
        (
            f"def added_{number}():\n    return {number}\n",
            f"class Added{number}:\n    value = {number}\n",
            f"import string as added_{number}\n",
            f"ADDED_{number} = {number}\n",
        )
    )
    return edited(source, f"{source.text.rstrip()}\n\n\n{added}", f"{added.splitlines()[0]} added")


def script(tree: Tree, random: Random) -> Edit | None:
    """Change an example's own code: a literal, a statement more, or a line of a function in it."""
    source = random.choice(tree.examples)
    ways: list[Callable[[Source, Random], Edit | None]] = [_script_literal, _script_statement]
    return random.choice(ways)(source, random) or _script_statement(source, random)


def _script_literal(source: Source, random: Random) -> Edit | None:
    skip = {id(docstring(node)) for node in ast.walk(source.tree)}
    skip |= {id(part) for _, text in nodes([source], ast.JoinedStr) for part in ast.walk(text)}
    found = [
        part
        for _, call in nodes([source], ast.Call)
        for part in (*call.args, *(item.value for item in call.keywords))
        if isinstance(part, ast.Constant) and _simple(part) and id(part) not in skip
    ]
    if not found:
        return None
    value = random.choice(found)
    new = other_value(value.value, random)
    return edited(source, source.replaced((value, new)), f"argument {value.value!r:.40} → {new:.40}")


def _script_statement(source: Source, random: Random) -> Edit:
    bodies = [source.tree.body, *(node.body for _, node in functions([source]))]
    statements = random.choice([[item for item in part if docstring_free(item)] for part in bodies])
    target = statements[-1]
    text = f"{' ' * target.col_offset}print('added', {random.randrange(10)})\n"
    return edited(source, source.inserted(first_line(target), text), "a statement more")
