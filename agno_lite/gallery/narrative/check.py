"""Everything that is wrong with the text beside an example, in all languages at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import zip_longest
from typing import Any

from agno_lite.exceptions import NarrativeError, SourceError
from agno_lite.gallery.config import Project
from agno_lite.gallery.narrative.blocks import ComparisonDirective, ExcerptDirective, Prose, scan
from agno_lite.gallery.narrative.expand import ExpansionContext, expand_all
from agno_lite.gallery.narrative.names import Names, SymbolLookup
from agno_lite.gallery.narrative.parser import HEADING, examine
from agno_lite.gallery.narrative.values import namespace
from agno_lite.gallery.records import LOCALES, Analysis, Capture, Measurements, Narrative


def check(
    project: Project,
    analysis: Analysis,
    index: SymbolLookup,
    capture: Capture | None,
    measurements: Measurements | None = None,
    examples: Collection[str] = (),
) -> list[SourceError]:
    """All problems of an example's narratives: each by itself, then where the languages differ.

    A missing narrative is no problem. Without a capture values are not checked, and names that occur only
    in a run are not known. With `examples`, the paths of all scripts, may it be compared.
    """
    names = Names(project=project, index=index, analysis=analysis, capture=capture)
    values = namespace(capture, measurements) if capture else None
    others = set(examples) - {analysis.example.path}
    errors: list[SourceError] = []
    narratives: list[Narrative] = []
    for locale in LOCALES:
        if path := analysis.example.narratives.get(locale):
            narrative, problems = examine(project, path)
            narratives.append(narrative)
            errors += problems
            errors += _content_problems(narrative, names, values, problems, others)
    for other in narratives[1:]:
        errors += _differences(narratives[0], other)
    return errors


def _content_problems(
    narrative: Narrative,
    names: Names,
    values: Mapping[str, Any] | None,
    known: list[SourceError],
    others: Collection[str],
) -> Iterator[SourceError]:
    """What does not hold inside the sections; malformed blocks were found before."""
    found = {(error.line, str(error)) for error in known}
    for identifier, section in narrative.sections.items():
        context = ExpansionContext(
            path=narrative.path,
            names=names,
            link=lambda symbol: f"#{symbol.name}",
            values=values,
            compare=lambda path: path if path in others else None,
            section=identifier,
        )
        for error in expand_all(section.text, context, line=section.line)[1]:
            if (error.line, str(error)) not in found:
                yield error


def _differences(first: Narrative, other: Narrative) -> Iterator[SourceError]:
    """What one language has and the other lacks."""
    if list(first.sections) != list(other.sections):
        message = (
            f"expected the sections of {first.path}: {', '.join(first.sections) or 'none'}; "
            f"got {', '.join(other.sections) or 'none'}; give both languages the same, in one order"
        )
        yield NarrativeError(message, path=other.path)
    for identifier in first.sections.keys() & other.sections.keys():
        pairs = zip_longest(_outline(first, identifier), _outline(other, identifier))
        for (wanted, _), (got, line) in ((a or ("nothing", 0), b or ("nothing", 0)) for a, b in pairs):
            if wanted != got:
                message = (
                    f"expected {wanted} in the section {identifier!r}, as in {first.path}, got {got}; "
                    "make the two languages alike"
                )
                at = line or other.sections[identifier].line - 1
                yield NarrativeError(message, path=other.path, line=at)
                break


def _outline(narrative: Narrative, identifier: str) -> Iterator[tuple[str, int]]:
    """Headings and directives of a section in order, as text that must be equal in all languages."""
    section = narrative.sections[identifier]
    for block in scan(section.text, narrative.path, section.line, []):
        match block:
            case ExcerptDirective():
                yield _described(block), block.line
            case ComparisonDirective():
                yield f"a comparison with {block.reference}", block.line
            case Prose():
                yield from _headings(block)


def _headings(block: Prose) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(block.text.split("\n"), start=block.line):
        if heading := HEADING.fullmatch(line):
            explicit = f" with the id {heading['id']}" if heading["id"] else ""
            yield f"a heading of level {len(heading['level'])}{explicit}", number


def _described(directive: ExcerptDirective) -> str:
    """The directive without what is translated."""
    options = [f"{name} {value!r}" for name in ("start", "end") if (value := getattr(directive, name))]
    options += [] if directive.docstring else ["no docstring"]
    options += [f"a note on {note.anchor!r}" for note in directive.notes]
    return f"an excerpt of {directive.reference}" + (f" with {', '.join(options)}" if options else "")
