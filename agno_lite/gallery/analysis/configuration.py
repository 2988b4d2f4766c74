"""What an example sets on the objects that it constructs, and which defaults its run made use of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from agno_lite.gallery.analysis.modules import FunctionNode, Module, first_parameter
from agno_lite.gallery.analysis.symbols import Parameter, SymbolIndex
from agno_lite.gallery.records import Capture, ConstructedObject, ObjectConfiguration, Setting, Symbol
from agno_lite.gallery.syntax import construction_sites

_CONSTRUCTORS = ("__init__", "__post_init__", "__new__")


@dataclass(frozen=True, slots=True)
class _Read:
    """An access to an attribute's value, in a function that the run entered."""

    attribute: str
    function: str
    """Dotted path of the function."""
    owners: frozenset[str]
    """Dotted paths of the classes that the object is known to be of; empty if nothing is known."""


def configurations(
    script: Module, capture: Capture | None, index: SymbolIndex
) -> tuple[ObjectConfiguration, ...]:
    """The objects that a script constructs, in source order, with all their settings."""
    reads = tuple(_reads(capture, index)) if capture else ()
    objects = capture.objects if capture else ()
    variables = _variables(script.tree)
    return tuple(
        ObjectConfiguration(
            site=site,
            line=call.lineno,
            cls=ast.unparse(call.func),
            variable=variables.get(call),
            symbol=(symbol := constructed_class(script, call, index)),
            settings=tuple(
                _settings(script, call, symbol, [made for made in objects if made.site == site], reads, index)
            ),
        )
        for site, call in enumerate(construction_sites(script.tree))
    )


def constructed_class(script: Module, call: ast.Call, index: SymbolIndex) -> Symbol | None:
    """The class that a construction site calls; `None` if it is not in the project."""
    head, _, rest = ast.unparse(call.func).partition(".")
    target = script.imports.get(head, head)
    return index.resolve(f"{target}.{rest}" if rest else target)


def _settings(
    script: Module,
    call: ast.Call,
    symbol: Symbol | None,
    objects: list[ConstructedObject],
    reads: tuple[_Read, ...],
    index: SymbolIndex,
) -> Iterator[Setting]:
    """What the call passes, then what it leaves at its default."""
    parameters = {item.name: item for item in index.parameters(symbol)} if symbol else {}
    read = {name for name in parameters if symbol and _is_read(name, symbol, reads, index)}
    passed = dict(_passed(script, call, parameters, objects))
    for name, source in passed.items():
        known = parameters.get(name)
        yield Setting(
            name=name,
            source=source,
            value=_value(name, objects),
            read=name in read,
            symbol=known.symbol if known else None,
        )
    for name, parameter in parameters.items():
        if name not in passed and parameter.default is not None:
            yield Setting(
                name=name, source=None, value=parameter.default, read=name in read, symbol=parameter.symbol
            )


def _passed(
    script: Module, call: ast.Call, parameters: dict[str, Parameter], objects: list[ConstructedObject]
) -> Iterator[tuple[str, str]]:
    """Name and source text of every argument; one whose name nobody knows is called by its position."""
    keywords = {keyword.arg for keyword in call.keywords}
    names = [parameter.name for parameter in parameters.values() if parameter.positional]
    if not names and objects:
        names = [name for name in objects[0].arguments if name not in keywords]
    for position, argument in enumerate(call.args):
        known = position < len(names) and not isinstance(argument, ast.Starred)
        yield names[position] if known else str(position + 1), _source(script, argument)
    for keyword in call.keywords:
        source = _source(script, keyword.value)
        yield (keyword.arg, source) if keyword.arg else (f"**{source}", source)


def _source(script: Module, node: ast.expr) -> str:
    """The expression as it is written."""
    return ast.get_source_segment(script.text, node) or ast.unparse(node)


def _value(name: str, objects: list[ConstructedObject]) -> str | None:
    """What was passed in the run; all different values, if the site made several objects."""
    values = dict.fromkeys(made.arguments[name] for made in objects if name in made.arguments)
    return " / ".join(values) or None


def _variables(tree: ast.Module) -> dict[ast.expr, str]:
    """The names to which results of expressions are bound."""
    bound: dict[ast.expr, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value):
                bound[value] = ast.unparse(target)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                bound[value] = ast.unparse(target)
            case ast.NamedExpr(target=target, value=value):
                bound[value] = target.id
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                bound[value] = ast.unparse(target)
    return bound


# --- which attributes the run read -----------------------------------------------------------


def _is_read(name: str, symbol: Symbol, reads: tuple[_Read, ...], index: SymbolIndex) -> bool:
    """Whether a function other than the constructor read the attribute that holds the parameter."""
    family = index.bases(symbol)
    attributes = _attributes_holding(name, symbol, index)
    constructors = {f"{cls}.{method}" for cls in family for method in _CONSTRUCTORS}
    return any(
        read.attribute in attributes
        and read.function not in constructors
        and (not read.owners or not read.owners.isdisjoint(family))
        for read in reads
    )


def _attributes_holding(name: str, symbol: Symbol, index: SymbolIndex) -> set[str]:
    """The parameter's own name, and attributes that `__init__` makes of it, such as `_db`."""
    constructor = index.resolve(f"{symbol.name}.__init__")
    node = index.node(constructor) if constructor else None
    parameters = {parameter.name for parameter in index.parameters(symbol)}
    made = {
        target.attr
        for assignment in (ast.walk(node) if node else ())
        if isinstance(assignment, ast.Assign) and name in _names(assignment.value)
        for target in assignment.targets
        if isinstance(target, ast.Attribute)
    }
    return {name} | (made - parameters)


def _names(node: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}


def _reads(capture: Capture, index: SymbolIndex) -> Iterator[_Read]:
    """Every attribute whose value an entered function of the project asks for."""
    for entered in capture.entered:
        symbol = index.resolve(entered)
        node = index.node(symbol) if symbol else None
        if symbol is None or not isinstance(node, FunctionNode):
            continue
        owners = _known_classes(node, symbol, index)
        for item in _own_nodes(node):
            if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Load):
                receiver = item.value.id if isinstance(item.value, ast.Name) else ""
                yield _Read(item.attr, symbol.name, owners.get(receiver, frozenset()))


def _own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a function's body without those of inner functions, which are entered by themselves."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, FunctionNode):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _known_classes(node: FunctionNode, symbol: Symbol, index: SymbolIndex) -> dict[str, frozenset[str]]:
    """Which class of the project each parameter is of: `self` by its place, others by annotation."""
    known: dict[str, frozenset[str]] = {}
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        classes = _annotated_classes(argument, symbol, index)
        if classes:
            known[argument.arg] = frozenset(classes)
    owner = index.resolve(symbol.name.rpartition(".")[0])
    own = first_parameter(node)
    if own and owner and owner.kind == "class":
        known[own] = frozenset({owner.name})
    return known


def _annotated_classes(argument: ast.arg, function: Symbol, index: SymbolIndex) -> set[str]:
    """Classes of the project that a parameter's annotation names; none if one is a protocol."""
    names = _names(argument.annotation) if argument.annotation else set()
    found = [index.visible(name, path=function.path) for name in names]
    classes = [symbol for symbol in found if symbol and symbol.kind == "class"]
    nodes = [index.node(symbol) for symbol in classes]
    if any(isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases) for node in nodes):
        return set()
    return {symbol.name for symbol in classes}
