"""Hand-written text: read, checked against what can be known, and expanded to plain Markdown."""

from agno_lite.gallery.narrative.check import check
from agno_lite.gallery.narrative.expand import ExpansionContext, expand, expand_all
from agno_lite.gallery.narrative.names import Names, SymbolLookup
from agno_lite.gallery.narrative.parser import load
from agno_lite.gallery.narrative.values import namespace

__all__ = [
    "ExpansionContext",
    "Names",
    "SymbolLookup",
    "check",
    "expand",
    "expand_all",
    "load",
    "namespace",
]
