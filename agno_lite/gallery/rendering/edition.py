"""What all pages of one language share, and what the sections of one page share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agno_lite.gallery.rendering import escape
from agno_lite.gallery.rendering.facts import Facts
from agno_lite.gallery.rendering.links import Links
from agno_lite.gallery.rendering.script import Script, read_script
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.records import (
        Allocation,
        Analysis,
        Capture,
        Measurements,
        Place,
        SpanRecord,
        Symbol,
    )
    from agno_lite.gallery.rendering.catalog import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The site in one language."""

    project: Project
    """The project."""
    texts: Texts
    """The words of the language."""
    resolve: Callable[[str], Symbol | None]
    """Finds a symbol of the project by its dotted name."""
    locate: Callable[[Allocation], Place | None]
    """Finds the line of an allocation in the project as it is now."""
    directory_urls: bool = True
    """Whether the site has a folder for each page (`use_directory_urls`)."""

    @property
    def locale(self) -> str:
        """The language."""
        return self.texts.locale

    def links(self, uri: str) -> Links:
        """Links from a page of this edition."""
        return Links(uri, locale=self.locale, directory_urls=self.directory_urls)

    def render(self, template: str, **values: object) -> str:
        """Fill a template of this package. Values are Markdown: whoever prepares them has escaped them."""
        found = _ENVIRONMENT.get_template(f"{template}.j2")
        return found.render(_=self.texts.gettext, ngettext=self.texts.ngettext, **values).strip("\n")


class Context:
    """What the sections of one example's page are made from.

    Args:
        edition: the language's edition.
        links: links from the page.
        analysis: what is known without running.
        capture: facts of the run, `None` if there are none.
        measurements: figures of the run, `None` if there are none.
        cited: symbols that the narrative names, in order.
    """

    def __init__(
        self,
        *,
        edition: Edition,
        links: Links,
        analysis: Analysis,
        capture: Capture | None,
        measurements: Measurements | None = None,
        cited: tuple[Symbol, ...] = (),
    ) -> None:
        self.edition = edition
        self.links = links
        self.analysis = analysis
        self.capture = capture
        self.measurements = measurements
        self.cited = cited

    @cached_property
    def script(self) -> Script:
        """The script's calls."""
        return read_script(self.analysis.text)

    @property
    def printed(self) -> tuple[str, str]:
        """Standard output and standard error as the page shows them.

        Of a script that evaluates, they are those of the run that was measured: the same text, and the
        figures are those of the page.
        """
        measured, capture = self.measurements, self.capture
        if measured and measured.stdout is not None:
            return measured.stdout, measured.stderr or ""
        return (capture.stdout, capture.stderr) if capture else ("", "")

    @cached_property
    def facts(self) -> Facts | None:
        """The run."""
        return Facts(self.capture, self.script) if self.capture else None

    def say(self, message: str, /, **values: object) -> str:
        """A text of the interface."""
        return self.edition.texts.gettext(message, **values)

    def count(self, one: str, many: str, number: int) -> str:
        """A text of the interface about a number of things."""
        return self.edition.texts.ngettext(one, many, number)

    def meaning(self, symbol: Symbol | None) -> str:
        """The first sentence of a symbol's docstring, in the page's language."""
        sentence = self.edition.texts.translate(symbol.summary) if symbol else ""
        return escape.inline(sentence[:1].upper() + sentence[1:])

    def link(self, symbol: Symbol, shown: str) -> str:
        """A symbol's name, linked to its definition."""
        return f"[{escape.code(shown)}]({self.links.symbol(symbol)})"

    def line(self, number: int, shown: str) -> str:
        """Text linked to a line of the script."""
        return f"[{shown}]({self.links.source(self.analysis.example.path, number)})"

    def owner(self, span: SpanRecord) -> Symbol | None:
        """The function that did what a span records: the one it names, else the one that opened it."""
        named = self.edition.resolve(str(span.attributes.get(semconv.CODE_FUNCTION_NAME) or ""))
        if named is not None or not span.path:
            return named
        module = span.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return self.edition.resolve(f"{module}.{span.function}")

    def database(self, span: SpanRecord) -> Symbol | None:
        """The class of the database that a span is an operation of."""
        operation = self.owner(span)
        return self.edition.resolve(operation.name.rpartition(".")[0]) if operation else None

    def render(self, template: str, **values: object) -> str:
        """Fill a template."""
        return self.edition.render(template, **values)


_ENVIRONMENT = Environment(  # noqa: S701 - Markdown, escaped where values are prepared
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_ENVIRONMENT.filters["indented"] = escape.indented
