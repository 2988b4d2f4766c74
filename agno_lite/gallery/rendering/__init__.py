"""Rendering: from facts to pages of plain Markdown. Pure: nothing is run, nothing is written."""

from agno_lite.gallery.rendering.catalog import SOURCE_LOCALE, Texts, catalog_path, load_texts, update_catalog
from agno_lite.gallery.rendering.comparison import render_comparison
from agno_lite.gallery.rendering.edition import Edition
from agno_lite.gallery.rendering.links import Links, example_uri, overview_uri, source_uri
from agno_lite.gallery.rendering.overview import Card, render_overview
from agno_lite.gallery.rendering.pages import SECTIONS, State, render_example
from agno_lite.gallery.rendering.source_pages import render_source

__all__ = [
    "SECTIONS",
    "SOURCE_LOCALE",
    "Card",
    "Edition",
    "Links",
    "State",
    "Texts",
    "catalog_path",
    "example_uri",
    "load_texts",
    "overview_uri",
    "render_comparison",
    "render_example",
    "render_overview",
    "render_source",
    "source_uri",
    "update_catalog",
]
