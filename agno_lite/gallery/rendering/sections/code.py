"""Sections made from the code: overview, components, the index of sources, the script itself."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.escape import code, fence, inline

if TYPE_CHECKING:
    from agno_lite.gallery.records import Symbol
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
            f"[{code(symbol.path)}]({context.links.source(symbol.path)})",
            f"{context.link(symbol, _short(symbol))} L{symbol.line}",
            context.meaning(symbol),
        )
        for symbol in index_symbols(context)
    ]
    return context.render("source_index.md", rows=rows) if rows else ""


def index_symbols(context: Context) -> list[Symbol]:
    """Symbols that the narrative names, owners of spans, configured classes and settings: at most 20.

    What the narrative names has precedence; then they stand in the order of their first call.
    """
    spans = context.capture.spans if context.capture else ()
    owners = (context.owner(span) for span in spans)
    configured = (
        symbol
        for found in context.analysis.configurations
        for symbol in (
            found.symbol,
            *(setting.symbol for setting in found.settings if setting.source is not None),
        )
    )
    candidates = (*context.cited, *owners, *configured)
    chosen = {symbol.name: symbol for symbol in candidates if symbol is not None}
    return sorted(list(chosen.values())[:INDEX_LIMIT], key=lambda symbol: _first_call(context, symbol))


def _first_call(context: Context, symbol: Symbol) -> int:
    """Position of the first function entered that is the symbol or belongs to its class."""
    entered = context.capture.entered if context.capture else ()
    place = f"{symbol.path}::{_short(symbol).removesuffix('()').partition('(')[0]}"
    calls = (
        index
        for index, name in enumerate(entered)
        if name == place or name.startswith((f"{place}.", f"{place}.<locals>."))
    )
    return next(calls, len(entered))


def _short(symbol: Symbol) -> str:
    """A symbol's name inside its module: `Agent.arun()`, `Agent(name)`, `SECTIONS`."""
    module = symbol.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    short = symbol.name.removeprefix(f"{module}.")
    return f"{short}()" if symbol.kind == "function" else short


def source(context: Context) -> str:
    """The whole script."""
    if not context.analysis.text.strip():
        return ""
    return fence(context.analysis.text, "python", 'linenums="1"')
