"""Mutations of names, values, words and layout in code.

Each finds the places where it can act, takes one at random, and edits the text there. None of them says what
ought to come of it: that is the oracle's business.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Callable, Sequence
from random import Random

from tests.benchmarks.drift.sites import (
    Function,
    Site,
    docstring,
    docstring_free,
    edited,
    functions,
    is_inside_text,
    is_simple,
    nodes,
    one,
    other_value,
)
from tests.benchmarks.drift.trees import Edit, Source, Tree, first_line

# --- names ---------------------------------------------------------------------------------------


def rename(tree: Tree, random: Random) -> Edit | None:
    """Give a function or class another name: everywhere in the code, or (rarely) only where it is defined."""
    found = [*functions(tree.modules), *nodes(tree.modules, ast.ClassDef)]
    site = one(tree, random, [site for site in found if _renameable(site[1].name)])
    if site is None:
        return None
    source, node = site
    new = f"{node.name}{'Renewed' if isinstance(node, ast.ClassDef) else '_renewed'}"
    if random.random() < 0.25:
        files = {source.path: _renamed(source.text, node.name, new, line=node.lineno)}
        return Edit(files=files, summary=f"{source.path}: {node.name} → {new}, where it is defined")
    files = {
        other.path: _renamed(other.text, node.name, new) for other in tree.code if node.name in other.text
    }
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
    top = [
        (source, node) for source in tree.modules for node in source.tree.body if isinstance(node, Function)
    ]
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
        if is_simple(value)
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
        for scope in (source.tree.body, *(node.body for _, node in nodes([source], ast.ClassDef)))
        for statement in scope
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for part in ast.walk(statement.value)
        if is_simple(part) and not is_inside_text(statement.value, part)
    ]
    site = one(tree, random, found)
    if site is None:
        return None
    source, value = site
    assert isinstance(value, ast.Constant)
    new = other_value(value.value, random)
    return edited(source, source.replaced((value, new)), f"constant {value.value!r:.40} → {new:.40}")


def _prose(sources: Sequence[Source]) -> list[Site[ast.Constant]]:
    """Texts of several words that are no docstrings."""
    found = []
    for source in sources:
        bound = {id(node.value) for _, node in nodes([source], ast.Expr)}
        formatted = {id(inner) for _, node in nodes([source], ast.JoinedStr) for inner in ast.walk(node)}
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
    files = [
        path for path in tree.paths(tree.layout.package, ".json") if path.startswith(tree.layout.answers)
    ]
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


# --- words and layout ----------------------------------------------------------------------------


def reworded_docstring(tree: Tree, random: Random) -> Edit | None:
    """Change the words of a docstring, of a field too, in a module or a script."""
    found = [
        (source, node.value)
        for source, node in nodes([*tree.modules, *tree.examples], ast.Expr)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    site = one(tree, random, found)
    if site is None:
        return None
    source, node = site
    old = source.segment(node)
    quotes = '"""' if old.endswith('"""') else old[-1]
    inner = old.removesuffix(quotes)
    new = random.choice(
        (f"{inner.rstrip()} Anew.", f"{inner}\n\n    More words.\n    ", inner.replace(".", ", yes.", 1))
    )
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
    return edited(
        source, source.inserted(first_line(node), added), f"{added.count(chr(10))} lines without code"
    )


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
        if isinstance(part, ast.Constant) and is_simple(part) and id(part) not in skip
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
