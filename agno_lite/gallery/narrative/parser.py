"""Narratives: the text beside a script, cut into the sections of its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from agno_lite.exceptions import NarrativeError, SourceError
from agno_lite.gallery.config import Project
from agno_lite.gallery.narrative.blocks import Prose, scan
from agno_lite.gallery.records import SECTION_IDS, Narrative, NarrativeSection

HEADING = re.compile(
    r"(?P<level>#{1,6})[ \t]+(?P<title>.*?)[ \t]*(?:\{:?[ \t]*#(?P<id>[\w-]+)[ \t]*\}[ \t]*)?"
)
"""A heading, with its explicit id if it has one: `## Overview { #overview }`."""

_UNDERLINE = re.compile(r"(?:=+|-+)\s*")


def load(project: Project, path: str) -> Narrative:
    """The narrative in the file `path`, relative to the project.

    Raises:
        NarrativeError: the file breaks a rule; of several the first.
        OSError: the file cannot be read.
    """
    narrative, errors = examine(project, path)
    if errors:
        raise errors[0]
    return narrative


def examine(project: Project, path: str) -> tuple[Narrative, list[SourceError]]:
    """The narrative as far as it can be read, and every rule that its form breaks."""
    try:
        text = (project.root / path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = NarrativeError(f"expected UTF-8, but {error.reason}; save it as UTF-8", path=path)
        return parse("", path)[0], [problem]
    return parse(text, path)


def parse(text: str, path: str) -> tuple[Narrative, list[SourceError]]:
    """The sections of a text, and what is wrong with it, sorted by line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    errors: list[SourceError] = []
    lines = text.split("\n")
    prose = [block for block in scan(text, path, 1, errors) if isinstance(block, Prose)]
    headings = list(_section_headings(prose, path, errors))
    starts = [*(number for number, _, _ in headings), len(lines) + 1]
    stray = next((number for number in range(1, starts[0]) if lines[number - 1].strip()), None)
    if stray:
        message = "expected a heading such as `## Overview { #overview }` before any text; add one"
        errors.append(NarrativeError(message, path=path, line=stray))
    sections: dict[str, NarrativeSection] = {}
    for (number, title, identifier), end in zip(headings, starts[1:], strict=True):
        body = "\n".join(lines[number : end - 1])
        if problem := _section_problem(identifier, body, sections):
            errors.append(NarrativeError(problem, path=path, line=number))
        else:
            sections[identifier] = NarrativeSection(title=title, line=number + 1, text=body)
    return Narrative(path=path, locale=_locale(path), sections=sections), sorted(errors, key=_line)


def _locale(path: str) -> str:
    """`zh` of `NAME.zh.md`; empty for a name without a language."""
    suffixes = PurePosixPath(path).suffixes
    return suffixes[-2].removeprefix(".") if len(suffixes) > 1 else ""


def _line(error: SourceError) -> int:
    return error.line or 0


def _section_headings(
    prose: list[Prose], path: str, errors: list[SourceError]
) -> Iterator[tuple[int, str, str]]:
    """Line, title and id of each heading of level 2; headings in other forms are errors."""
    for block in prose:
        previous = ""
        for number, line in enumerate(block.text.split("\n"), start=block.line):
            heading = HEADING.fullmatch(line)
            if heading and heading["level"] == "##":
                yield number, heading["title"], heading["id"] or ""
            elif (heading and heading["level"] == "#") or (_UNDERLINE.fullmatch(line) and previous.strip()):
                message = "expected headings of sections as `## Title { #id }`, got another kind; change it"
                errors.append(NarrativeError(message, path=path, line=number))
            previous = line


def _section_problem(identifier: str, body: str, sections: dict[str, NarrativeSection]) -> str | None:
    """What is wrong with a section, if anything."""
    if not identifier:
        return "expected an id after the heading, such as `{ #overview }`, but there is none; add one"
    if identifier not in SECTION_IDS:
        return f"expected one of the ids {', '.join(SECTION_IDS)}, got {identifier!r}; correct it"
    if identifier in sections:
        return f"expected each section once, but {identifier!r} was there before; join the two"
    if not body.strip():
        return f"expected text in the section {identifier!r}, but it is empty; write some or remove it"
    return None
