"""Sections made from the code: overview, components, the index of sources, the script itself."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.escape import code, fence, inline, text
from agno_lite.gallery.rendering.objects import tool_function

if TYPE_CHECKING:
    from agno_lite.gallery.records import SpanRecord, Symbol
    from agno_lite.gallery.rendering.edition import Context

INDEX_LIMIT = 20
"""Symbols that the index of sources names at most."""


def overview(context: Context) -> str:
    """The script's docstring. An author wrote it for readers, in Markdown."""
    return context.edition.texts.translate(context.analysis.docstring.strip())


def components(context: Context) -> str:
    """What the script is made of: the classes it constructs, and its own functions."""
    classes = {
        found.symbol.name: (context.link(found.symbol, found.cls), context.meaning(found.symbol))
        for found in context.analysis.configurations
        if found.symbol
    }
    functions = [
        (context.line(node.lineno, code(f"{name}()")), _summary(context, node))
        for name, node in context.script.functions.items()
    ]
    rows = [*classes.values(), *functions]
    return context.render("components.md", rows=rows) if rows else ""


def _summary(context: Context, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    first = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return inline(context.edition.texts.translate(" ".join(first.split())))


def source_index(context: Context) -> str:
    """What the page rests on, in the order in which the run came upon it."""
    rows = [
        (
            f"[{_breakable(symbol.path)}]({context.links.source(symbol.path)})",
            f"{context.link(symbol, _short(symbol))} L{symbol.line}",
            context.meaning(symbol),
        )
        for symbol in index_symbols(context)
    ]
    return context.render("source_index.md", rows=rows) if rows else ""


def _breakable(path: str) -> str:
    """A path that may go on in the next line after each folder, so that other columns have room."""
    return text(path).replace("/", "/<wbr>")


def index_symbols(context: Context) -> list[Symbol]:
    """Symbols that the narrative names, owners of spans and tools, configured classes and fields: at most 20.

    Those named first here have precedence; then they stand in the order of the run.
    """
    owned = _owned(context)
    configured = _configured(context)
    candidates = (*context.cited, *(symbol for symbol, _ in owned), *configured)
    chosen = {symbol.name: symbol for symbol in candidates}
    order = _Order(
        entered=context.capture.entered if context.capture else (),
        owners={_entry(symbol): span.id for symbol, span in reversed(owned)},
        made=frozenset(symbol.name for symbol in configured if symbol.kind == "class"),
    )
    return sorted(list(chosen.values())[:INDEX_LIMIT], key=order.place)


def _owned(context: Context) -> list[tuple[Symbol, SpanRecord]]:
    """The functions that did what spans record, tools after what calls them; each with its spans."""
    owned = []
    for span in context.capture.spans if context.capture else ():
        found = (context.owner(span), tool_function(context, span))
        owned += [(symbol, span) for symbol in found if symbol is not None]
    return owned


def _configured(context: Context) -> list[Symbol]:
    """Classes of the script's objects, then fields that it passes: those that fewest objects share first."""
    made = context.analysis.configurations
    passed = [setting for found in made for setting in found.settings if setting.source is not None]
    shared = Counter(setting.name for setting in passed)
    fields = sorted(passed, key=lambda setting: shared[setting.name])
    symbols = (*(found.symbol for found in made), *(setting.symbol for setting in fields))
    return [symbol for symbol in symbols if symbol is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """The order of a run. In a race, functions entered have none, and spans do: so spans go before."""

    entered: tuple[str, ...]
    """Functions in the order of their first calls, as far as there is one."""
    owners: dict[str, int]
    """First span of each function that owns any, by its entry."""
    made: frozenset[str]
    """Names of the classes that the script constructs."""

    def place(self, symbol: Symbol) -> tuple[float, int]:
        """Where a symbol belongs: span, and first call after it.

        What the script constructs comes first. What owns no span stands with the functions of its module
        that do, else with the function that was entered before it.
        """
        first = self._first_call(_entry(symbol))
        if symbol.name.partition("(")[0] in self.made:
            return -1, first
        if _entry(symbol) in self.owners:
            return self.owners[_entry(symbol)], -1
        own = [span for entry, span in self.owners.items() if entry.startswith(f"{symbol.path}::")]
        return min(own, default=self._before(first)), first

    def _before(self, call: int) -> float:
        """The span of the last function entered before a call; the end for what was never called."""
        if call == len(self.entered):
            return inf
        return next((self.owners[name] for name in reversed(self.entered[:call]) if name in self.owners), 0)

    def _first_call(self, entry: str) -> int:
        """Position of the first function entered that is a symbol or belongs to its class."""
        calls = (
            index
            for index, name in enumerate(self.entered)
            if name == entry or name.startswith((f"{entry}.", f"{entry}.<locals>."))
        )
        return next(calls, len(self.entered))


def _entry(symbol: Symbol) -> str:
    """A function as `Capture.entered` names it; a parameter's is that of its class or function."""
    return f"{symbol.path}::{_short(symbol).removesuffix('()').partition('(')[0]}"


def _short(symbol: Symbol) -> str:
    """A symbol's name inside its module: `Agent.arun()`, `Agent(name)`, `SECTIONS`."""
    module = symbol.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    # A script is no module of a package: its symbols have the name of its file only.
    short = symbol.name.removeprefix(f"{module}.").removeprefix(f"{module.rpartition('.')[2]}.")
    return f"{short}()" if symbol.kind == "function" else short


def source(context: Context) -> str:
    """The whole script."""
    if not context.analysis.text.strip():
        return ""
    return fence(context.analysis.text, "python", 'linenums="1"')
