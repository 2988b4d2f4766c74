"""The definitions of a project, found by name: what a reference on a page is resolved with."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.analysis.excerpts import cut
from agno_lite.gallery.analysis.files import ModuleFiles
from agno_lite.gallery.analysis.modules import Definition, FunctionNode, Module
from agno_lite.gallery.analysis.signatures import (
    ParameterNode,
    described_parameters,
    fields,
    first_sentence,
    signature,
)
from agno_lite.gallery.config import Project
from agno_lite.gallery.records import Excerpt, Symbol

# Lines as Python counts them: a form feed or a Unicode separator ends none.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PARAMETER = re.compile(r"(?P<owner>.+)\((?P<name>\w+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a function, or of the constructor of a class."""

    name: str
    """Its name."""
    default: str | None
    """Source text of its default; `None` if it has to be passed."""
    positional: bool
    """Whether it may be passed by position."""
    symbol: Symbol
    """Its place and the first sentence of its description."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A definition and the module that it stands in."""

    module: Module
    definition: Definition

    @property
    def name(self) -> str:
        return f"{self.module.name}.{self.definition.qualname}"


class SymbolIndex:
    """Finds the classes, functions, attributes, parameters and modules of a project by name.

    Files are read when they are first needed and never imported. An index shows the files as they were
    then: make a new one for each build, which costs little, since unchanged files are not parsed again.
    """

    def __init__(self, project: Project) -> None:
        self._modules = ModuleFiles(project)

    # --- names -------------------------------------------------------------------------------

    def resolve(self, name: str, *, near: str | None = None) -> Symbol | None:
        """The one symbol that `name` means; `None` if there is none or more than one.

        Args:
            name: a dotted path, also of a re-export (`agno_lite.agent.Agent`); its end
                (`Agent.arun`, `MemoryManager`); a parameter (`Agent(db)`); a module's dotted path or file;
                a function of any Python file of the project (`cookbook/x/y.py::main`), nested ones too.
            near: a class, preferably by its dotted path: its parameters and members come first.

        Raises:
            SourceError: a file that has to be read is not Python.
        """
        found = self.candidates(name, near=near)
        return found[0] if len(found) == 1 else None

    def candidates(self, name: str, *, near: str | None = None) -> list[Symbol]:
        """Every symbol that `name` may mean; one if it is clear, several if it is ambiguous.

        Kinds of meaning are tried in turn, and the first that yields anything decides: near the class
        `near`, file, exact path, definition at the top of a module, module, member, parameter.
        """
        name = name.strip().removesuffix("()")
        if "/" in name or "::" in name or name.endswith(".py"):
            return self._in_file(name)
        if match := _PARAMETER.fullmatch(name):
            return self._parameters_named(match["owner"], match["name"])
        if not all(part.isidentifier() for part in name.split(".")):
            return []
        found = self._near(name, near) or _listed(self._exact(name)) or self._by_suffix(name)
        return found or self._inherited(name) or self._bare_parameter(name)

    def visible(self, name: str, *, path: str) -> Symbol | None:
        """What `name` means to the code of a Python file: defined in it or imported."""
        module = self._modules.at(path)
        return self._member(module, name) if module else None

    def suggestions(self, name: str) -> list[str]:
        """Up to three names of the project that resemble `name`."""
        wanted = name.strip().removesuffix("()")
        known = self._suffixes if "." not in wanted else self._two_part_names
        return difflib.get_close_matches(wanted, sorted(known), n=3, cutoff=0.7)

    def _near(self, name: str, near: str | None) -> list[Symbol]:
        owner = self.resolve(near) if near else None
        if owner is None:
            return []
        return self._parameters_of(owner, name) or _listed(self._exact(f"{owner.name}.{name}"))

    def _in_file(self, name: str) -> list[Symbol]:
        path, _, qualname = name.partition("::")
        module = self._modules.at(path)
        if module is None:
            return []
        qualname = qualname.replace("<locals>.", "")
        if qualname in ("", "<module>"):
            return [_module_symbol(module)]
        return _listed(self._member(module, qualname))

    def _exact(self, dotted: str, seen: frozenset[str] = frozenset()) -> Symbol | None:
        """The symbol with that full path, through imports and re-exports."""
        if dotted in seen:
            return None
        parts = dotted.split(".")
        for end in range(len(parts), 0, -1):
            module = self._modules.named(".".join(parts[:end]))
            if module is not None:
                rest = ".".join(parts[end:])
                return self._member(module, rest, seen | {dotted}) if rest else _module_symbol(module)
        return None

    def _member(self, module: Module, qualname: str, seen: frozenset[str] = frozenset()) -> Symbol | None:
        """What `qualname` is inside a module: defined there, inherited by a class, or imported."""
        if definition := module.definitions.get(qualname):
            return self._symbol(_Place(module, definition))
        head, _, rest = qualname.partition(".")
        if head not in module.definitions:
            return self._imported(module, head, f".{rest}" if rest else "", seen)
        owner, _, attribute = qualname.rpartition(".")
        cls = module.definitions.get(owner)
        for place in self._ancestry(_Place(module, cls)) if cls else ():
            if definition := place.module.definitions.get(f"{place.definition.qualname}.{attribute}"):
                return self._symbol(_Place(place.module, definition))
        return None

    def _imported(self, module: Module, head: str, rest: str, seen: frozenset[str]) -> Symbol | None:
        """What a name that the module does not define comes from."""
        package = module.name if module.path.endswith("__init__.py") else module.name.rpartition(".")[0]
        targets = [module.imports[head]] if head in module.imports else []
        if served := module.lazy.get(head):
            absolute = f"{package}{served}" if served.startswith(".") else served
            absolute = absolute.replace(":", ".")
            targets += [f"{absolute}.{head}", absolute]
        targets += [f"{wildcard}.{head}" for wildcard in module.wildcards]
        for target in targets:
            if found := self._exact(target + rest, seen):
                return found
        return self._below(module, head + rest) if module.path.endswith("__init__.py") else None

    def _below(self, package: Module, name: str) -> Symbol | None:
        """The one definition of that name in the package, for names served in a way of its own."""
        found = [item for item in self._by_suffix(name) if item.name.startswith(f"{package.name}.")]
        return found[0] if len(found) == 1 else None

    def _by_suffix(self, name: str) -> list[Symbol]:
        """Definitions whose path ends with `name`: at the top of a module, else modules, else all others."""
        places = [
            place
            for place in self._suffixes.get(name.rpartition(".")[2], ())
            if place.name == name or place.name.endswith(f".{name}")
        ]
        length = len(name.split("."))
        top = [place for place in places if place.definition.qualname.count(".") < length]
        if not top and (modules := self._modules_ending(name)):
            return modules
        members = [place for place in places if not place.definition.local]
        return _distinct(self._symbol(place) for place in top or members or places)

    def _modules_ending(self, name: str) -> list[Symbol]:
        return [_module_symbol(module) for module in self._modules.all if module.name.endswith(f".{name}")]

    def _inherited(self, name: str) -> list[Symbol]:
        """`Agent.arun` where a base class of the one class `Agent` defines it."""
        owner, _, attribute = name.rpartition(".")
        cls = self.resolve(owner) if owner else None
        return _listed(self._exact(f"{cls.name}.{attribute}")) if cls and cls.kind == "class" else []

    def _bare_parameter(self, name: str) -> list[Symbol]:
        """Parameters of that name of any class."""
        if "." in name:
            return []
        classes = (
            self._symbol(place)
            for places in self._suffixes.values()
            for place in places
            if place.definition.kind == "class"
        )
        return _distinct(symbol for cls in classes for symbol in self._parameters_of(cls, name))

    def _parameters_named(self, owner: str, name: str) -> list[Symbol]:
        return _distinct(
            symbol for item in self.candidates(owner) for symbol in self._parameters_of(item, name)
        )

    def _parameters_of(self, owner: Symbol, name: str) -> list[Symbol]:
        return [parameter.symbol for parameter in self.parameters(owner) if parameter.name == name]

    # --- what is known of a symbol -----------------------------------------------------------

    def parameters(self, symbol: Symbol) -> list[Parameter]:
        """The parameters of a function, or of the constructor of a class, in order.

        An inherited constructor counts; a class without one has its annotated fields and those of its
        base classes. `self` is left out. Empty for every other kind of symbol.
        """
        place = self._place(symbol)
        if place is None:
            return []
        described = self._descriptions(place)
        return [
            Parameter(
                name=node.name,
                default=node.default,
                positional=node.positional,
                symbol=Symbol(
                    name=f"{symbol.name}({node.name})",
                    kind="parameter",
                    path=module.path,
                    line=node.line,
                    end_line=node.end_line,
                    summary=first_sentence(described.get(node.name) or node.docstring),
                ),
            )
            for module, node in self._parameter_nodes(place)
        ]

    def bases(self, symbol: Symbol) -> tuple[str, ...]:
        """Dotted paths of a class and of its base classes in the project, itself first."""
        place = self._place(symbol)
        return tuple(base.name for base in self._ancestry(place)) if place else ()

    def source(self, symbol: Symbol) -> str:
        """The lines of the definition, as they stand in the file."""
        return "".join(self.lines(symbol.path)[symbol.line - 1 : symbol.end_line])

    def lines(self, path: str) -> list[str]:
        """The lines of a Python file of the project, with their ends.

        Raises:
            GalleryError: there is no such file.
        """
        return _LINE.findall(self._required(path).text)

    def excerpt(
        self, symbol: Symbol, *, start: str | None = None, end: str | None = None, docstring: bool = True
    ) -> Excerpt:
        """The definition of a symbol, or a part of it between two anchors.

        Args:
            symbol: what is cut.
            start: text on the first line of the part; it must stand on one line of the definition only.
            end: the same for the last line.
            docstring: whether a definition's docstring is shown; without it the excerpt has two passages.

        Raises:
            GalleryError: an anchor is on no line or on several, or nothing is left to show.
        """
        lines = [line.rstrip("\n") for line in self.lines(symbol.path)]
        return cut(symbol, lines, self.node(symbol), start=start, end=end, docstring=docstring)

    def node(self, symbol: Symbol) -> ast.AST | None:
        """The syntax tree of a symbol; `None` for a parameter."""
        module = self._required(symbol.path)
        if symbol.kind == "module":
            return module.tree
        place = self._place(symbol)
        return place.definition.node if place else None

    def _required(self, path: str) -> Module:
        module = self._modules.at(path)
        if module is None:
            raise GalleryError(f"{path}: expected a Python file of the project, but there is none")
        return module

    def _place(self, symbol: Symbol) -> _Place | None:
        module = self._modules.at(symbol.path)
        if module is None:
            return None
        definition = module.definitions.get(symbol.name.removeprefix(f"{module.name}."))
        return _Place(module, definition) if definition else None

    def _parameter_nodes(self, place: _Place) -> list[tuple[Module, ParameterNode]]:
        """Parameters with the module that each stands in."""
        if isinstance(place.definition.node, FunctionNode):
            nodes = list(signature(place.definition.node))
            return [(place.module, node) for node in nodes[_is_method(place) :]]
        ancestry = self._ancestry(place)
        for base in ancestry:
            constructor = base.module.definitions.get(f"{base.definition.qualname}.__init__")
            if constructor and isinstance(constructor.node, FunctionNode):
                return [(base.module, node) for node in list(signature(constructor.node))[1:]]
        # As in a dataclass: the place of the first declaration in the order, the value of the last.
        merged = {
            node.name: (base.module, node)
            for base in reversed(ancestry)
            for node in fields(base.module.definitions, base.definition.qualname)
        }
        return list(merged.values())

    def _descriptions(self, place: _Place) -> dict[str, str]:
        """What docstrings say of the parameters; the class's own ones before those of its bases."""
        merged: dict[str, str] = {}
        for base in reversed(self._ancestry(place) or [place]):
            constructor = base.module.definitions.get(f"{base.definition.qualname}.__init__")
            for definition in (constructor, base.definition):
                merged |= described_parameters(definition.docstring) if definition else {}
        return merged

    def _ancestry(self, place: _Place, seen: tuple[str, ...] = ()) -> list[_Place]:
        """A class and its base classes in the project, nearest first."""
        node = place.definition.node
        if not isinstance(node, ast.ClassDef) or place.name in seen:
            return []
        found = [place]
        for base in node.bases:
            text = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
            symbol = self._member(place.module, text)
            above = self._place(symbol) if symbol else None
            found += self._ancestry(above, (*seen, place.name)) if above else []
        return list({item.name: item for item in found}.values())

    def _symbol(self, place: _Place) -> Symbol:
        """The record of a definition; of a field that `__init__` sets from a parameter, the parameter."""
        definition = place.definition
        owner, _, attribute = definition.qualname.rpartition(".")
        cls = place.module.definitions.get(owner)
        if cls and _is_set_by_method(definition) and not definition.docstring:
            for parameter in self.parameters(_record(_Place(place.module, cls))):
                if parameter.name == attribute:
                    return parameter.symbol
        return _record(place)

    # --- tables of all definitions -----------------------------------------------------------

    @cached_property
    def _suffixes(self) -> dict[str, list[_Place]]:
        """All definitions of the packages by the last part of their name."""
        found: dict[str, list[_Place]] = {}
        for module in self._modules.all:
            for qualname, definition in module.definitions.items():
                found.setdefault(qualname.rpartition(".")[2], []).append(_Place(module, definition))
        return found

    @cached_property
    def _two_part_names(self) -> set[str]:
        return {
            ".".join(place.name.split(".")[-2:]) for places in self._suffixes.values() for place in places
        }


def _module_symbol(module: Module) -> Symbol:
    return Symbol(
        name=module.name,
        kind="module",
        path=module.path,
        line=1,
        end_line=max(1, len(_LINE.findall(module.text))),
        summary=first_sentence(ast.get_docstring(module.tree) or ""),
    )


def _record(place: _Place) -> Symbol:
    definition = place.definition
    return Symbol(
        name=place.name,
        kind=definition.kind,
        path=place.module.path,
        line=definition.line,
        end_line=definition.end_line,
        summary=first_sentence(definition.docstring),
    )


def _is_method(place: _Place) -> bool:
    """Whether the first parameter is the object or class."""
    owner = place.module.definitions.get(place.definition.qualname.rpartition(".")[0])
    node = place.definition.node
    static = isinstance(node, FunctionNode) and any(
        ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list
    )
    return owner is not None and owner.kind == "class" and not static


def _is_set_by_method(definition: Definition) -> bool:
    """Whether the definition is an assignment such as `self.db = db`."""
    node = definition.node
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Attribute) for target in targets)


def _listed(symbol: Symbol | None) -> list[Symbol]:
    return [symbol] if symbol else []


def _distinct(symbols: Iterator[Symbol]) -> list[Symbol]:
    """The symbols, each place once."""
    return list({(symbol.path, symbol.line, symbol.kind): symbol for symbol in symbols}.values())
