"""Addresses of pages, seen from a page."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from agno_lite.gallery.records import Example, Symbol


def example_uri(locale: str, example: Example) -> str:
    """Where an example's page is: `zh/cookbook/11_memory/NAME.md`."""
    return f"{locale}/cookbook/{example.topic}/{example.name}.md"


def overview_uri(locale: str) -> str:
    """Where the gallery's first page is: `zh/cookbook/index.md`."""
    return f"{locale}/cookbook/index.md"


def source_uri(locale: str, path: str) -> str:
    """Where a source file's page is: `zh/source/agno_lite/agent/agent.py.md`."""
    return f"{locale}/source/{path}.md"


def line_anchor(line: int | None) -> str:
    """The anchor of a line on its source page, or nothing."""
    return f"#__codelineno-0-{line}" if line else ""


class Links:
    """Relative addresses from one page. Remembers the source files that it was asked for.

    Args:
        uri: the page that holds the links.
        locale: its language; it links pages of that language.
        directory_urls: whether the site has a folder for each page (`use_directory_urls`).
    """

    def __init__(self, uri: str, *, locale: str, directory_urls: bool = True) -> None:
        self.uri = uri
        self.locale = locale
        self.directory_urls = directory_urls
        self.paths: set[str] = set()

    def page(self, uri: str, anchor: str = "") -> str:
        """Address of another page for a Markdown link, which mkdocs checks and rewrites."""
        return quote(posixpath.relpath(uri, posixpath.dirname(self.uri))) + anchor

    def source(self, path: str, line: int | None = None) -> str:
        """Address of a line of a source file for a Markdown link."""
        self.paths.add(path)
        return self.page(source_uri(self.locale, path), line_anchor(line))

    def symbol(self, symbol: Symbol) -> str:
        """Address of a symbol's definition for a Markdown link."""
        return self.source(symbol.path, symbol.line)

    def source_url(self, path: str, line: int | None = None) -> str:
        """Address of a line of a source file in the built site, where no Markdown link can stand."""
        self.paths.add(path)
        here, target = (uri.removesuffix(".md") for uri in (self.uri, source_uri(self.locale, path)))
        if self.directory_urls:
            return f"{quote(posixpath.relpath(target, here))}/{line_anchor(line)}"
        relative = posixpath.relpath(f"{target}.html", posixpath.dirname(here))
        return quote(relative) + line_anchor(line)
