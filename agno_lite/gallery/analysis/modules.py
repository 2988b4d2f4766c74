"""One Python file as a table of the names that it defines, each with the lines of its definition.

Read from the syntax tree and nothing else: the file is never imported. griffe's own positions are not
used, since a property's leave out its decorator and a field's move to its assignment in `__init__`.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from agno_lite.exceptions import SourceError

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
DefinitionNode = FunctionNode | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A class, function, property, field or variable that a module defines."""

    qualname: str
    """Dotted name inside the module, without `<locals>`: `Agent.arun`, `MemoryManager.tools.add_memory`."""
    kind: str
    """`class`, `function` or `attribute`; a property is an attribute."""
    local: bool
    """Whether it stands inside a function."""
    node: DefinitionNode
    """Its statement. Of overloads the implementation, of a property the getter."""
    docstring: str
    """Its docstring, of a field or variable the string under it; or empty."""

    @property
    def line(self) -> int:
        """First line, decorators included, 1-based."""
        decorators: list[ast.expr] = getattr(self.node, "decorator_list", [])
        return min([self.node.lineno, *(decorator.lineno for decorator in decorators)])

    @property
    def end_line(self) -> int:
        """Last line."""
        return self.node.end_lineno or self.node.lineno


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What a Python file defines and what it imports."""

    name: str
    """Dotted name; of a script its file name without suffix."""
    path: str
    """The file, relative to the project."""
    text: str
    """Its text."""
    tree: ast.Module
    """Its syntax tree."""
    definitions: dict[str, Definition]
    """By qualified name, in source order."""
    imports: dict[str, str]
    """What each imported name stands for: `{"Agent": "agno_lite.agent.agent.Agent"}`."""
    wildcards: tuple[str, ...]
    """Modules of which it imports everything."""
    lazy: dict[str, str]
    """Entries of module-level tables from text to text, with which `__getattr__` may serve names."""


# One entry per version of a file; a build after an edit parses the edited file alone.
@lru_cache(maxsize=4096)
def parse_module(name: str, path: str, text: str) -> Module:
    """The table of the module `name`, whose file `path` contains `text`.

    Raises:
        SourceError: the text is not Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        message = (
            f"expected Python, but it cannot be parsed: {getattr(error, 'msg', error)}; correct the file"
        )
        raise SourceError(message, path=path, line=getattr(error, "lineno", None)) from error
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    collector = _Collector()
    collector.statements(tree.body)
    imports = _imported_names(collector.imports, package)
    return Module(
        name=name,
        path=path,
        text=text,
        tree=tree,
        definitions=collector.found,
        imports={alias: target for alias, target in imports if alias != "*"},
        wildcards=tuple(target.removesuffix(".*") for alias, target in imports if alias == "*"),
        lazy=_text_tables(tree),
    )


class _Collector:
    """Walks a module's statements and notes what they define."""

    def __init__(self) -> None:
        self.found: dict[str, Definition] = {}
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self._scopes: list[ast.ClassDef | FunctionNode] = []

    def statements(self, body: list[ast.stmt]) -> None:
        """Notes what the statements of one block define."""
        for statement, following in zip_longest(body, body[1:]):
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                self._assignment(statement, _string(following))
            elif isinstance(statement, FunctionNode | ast.ClassDef):
                self._scope(statement)
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                self.imports.append(statement)
            else:
                self._blocks(statement)

    def _blocks(self, node: ast.AST) -> None:
        """Enters the blocks of a compound statement, its `except` and `case` clauses too."""
        for _, value in ast.iter_fields(node):
            nodes = value if isinstance(value, list) else []
            self.statements([item for item in nodes if isinstance(item, ast.stmt)])
            for clause in nodes:
                if isinstance(clause, ast.ExceptHandler | ast.match_case):
                    self._blocks(clause)

    def _scope(self, node: FunctionNode | ast.ClassDef) -> None:
        """Notes a class or function (the last of several with one name) and what is inside it."""
        decorators = {_last_name(decorator) for decorator in node.decorator_list}
        if decorators & {"setter", "deleter"}:
            return
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        if decorators & {"property", "cached_property"}:
            kind = "attribute"
        self._note(node.name, kind, node, ast.get_docstring(node) or "", replace=True)
        self._scopes.append(node)
        self.statements(node.body)
        self._scopes.pop()

    def _assignment(self, node: ast.Assign | ast.AnnAssign, docstring: str) -> None:
        """Notes variables of a module or class, and what a method assigns to its object."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        inside_function = bool(self._scopes) and isinstance(self._scopes[-1], FunctionNode)
        for target in (leaf for nested in targets for leaf in _leaves(nested)):
            if isinstance(target, ast.Name) and not inside_function:
                self._note(target.id, "attribute", node, docstring)
            elif isinstance(target, ast.Attribute) and inside_function and self._is_own_object(target.value):
                method = self._scopes.pop()
                self._note(target.attr, "attribute", node, docstring)
                self._scopes.append(method)

    def _is_own_object(self, node: ast.expr) -> bool:
        """Whether `node` is the first parameter of the method around it."""
        if len(self._scopes) < 2 or not isinstance(self._scopes[-2], ast.ClassDef):
            return False
        own = first_parameter(self._scopes[-1])
        return isinstance(node, ast.Name) and node.id == own

    def _note(
        self, name: str, kind: str, node: DefinitionNode, docstring: str, *, replace: bool = False
    ) -> None:
        """Puts a definition into the table, by default only if the name is new."""
        qualname = ".".join([*(scope.name for scope in self._scopes), name])
        if not replace and qualname in self.found:
            return
        self.found[qualname] = Definition(
            qualname=qualname,
            kind=kind,
            local=any(isinstance(scope, FunctionNode) for scope in self._scopes),
            node=node,
            docstring=docstring,
        )


def first_parameter(node: ast.AST) -> str | None:
    """Name of the first positional parameter of a function, by which a method calls its object."""
    if not isinstance(node, FunctionNode):
        return None
    arguments = [*node.args.posonlyargs, *node.args.args]
    return arguments[0].arg if arguments else None


def _leaves(target: ast.expr) -> list[ast.expr]:
    """The targets inside a tuple of targets."""
    if isinstance(target, ast.Tuple | ast.List):
        return [leaf for element in target.elts for leaf in _leaves(element)]
    return [target]


def _last_name(node: ast.expr) -> str:
    """`setter` of `value.setter`, `dataclass` of `dataclasses.dataclass(frozen=True)`."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _string(statement: ast.stmt | None) -> str:
    """The text of a statement that is nothing but a string, cleaned like a docstring; else empty."""
    return inspect.cleandoc(_text(statement.value)) if isinstance(statement, ast.Expr) else ""


def _imported_names(nodes: list[ast.Import | ast.ImportFrom], package: str) -> list[tuple[str, str]]:
    """Imported names and what they stand for; relative ones are made absolute."""
    found: list[tuple[str, str]] = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            base = _absolute_module(node, package)
            found += [(alias.asname or alias.name, f"{base}.{alias.name}") for alias in node.names]
        else:
            found += [
                (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
                for alias in node.names
            ]
    return found


def _absolute_module(node: ast.ImportFrom, package: str) -> str:
    """The module that `from … import` names, seen from `package`."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _text_tables(tree: ast.Module) -> dict[str, str]:
    """Entries of the module-level dictionaries in which keys and values are text."""
    entries: dict[str, str] = {}
    for statement in tree.body:
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        for key, item in zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ():
            if (name := _text(key)) and (target := _text(item)):
                entries[name] = target
    return entries


def _text(node: ast.expr | None) -> str:
    """The value of a string literal; empty for every other expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
