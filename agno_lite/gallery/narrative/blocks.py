"""Hand-written Markdown as a sequence of prose, code fences and directives, each with its line.

One directive names a piece of source and says how to show it, in YAML:

    /// excerpt | MemoryManager.aupdate
    start: "async with"
    end: "return"
    docstring: false
    notes:
      "for change in changes": text shown with that line
    ///

Another one sets the page's example beside another, by the path of its script, and has no options:

    /// comparison | cookbook/11_memory/05_multi_user_multi_session_chat.py
    ///
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import yaml

from agno_lite.exceptions import NarrativeError, SourceError

_FENCE = re.compile(r"\s*(?P<mark>`{3,}|~{3,})(?P<info>.*)")
_OPTIONS = "expected the options start and end (text), docstring (true or false), notes (text by anchor)"
_DIRECTIVE = re.compile(r"///\s*(?P<name>[^\s|]*)\s*(?:\|\s*(?P<argument>.*?))?\s*")


@dataclass(frozen=True, slots=True)
class Prose:
    """Lines of text."""

    line: int
    """Line of its first line, 1-based."""
    text: str
    """The lines."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced code block, in which nothing is replaced."""

    line: int
    """Line of the opening fence."""
    text: str
    """The lines, fences included."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on one line of an excerpt."""

    line: int
    """Its line in the narrative."""
    anchor: str
    """Text that stands on one line of the excerpt only."""
    text: str
    """What is said about that line, one paragraph of Markdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcerptDirective:
    """Asks for a passage of source."""

    line: int
    """Line of `/// excerpt`."""
    reference: str
    """The symbol to cut from."""
    start: str | None = None
    """Text on the first line shown."""
    end: str | None = None
    """Text on the last line shown."""
    docstring: bool = True
    """Whether a docstring is shown."""
    notes: tuple[Note, ...] = ()
    """Remarks, in the order written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonDirective:
    """Asks for a table of the page's example and another one."""

    line: int
    """Line of `/// comparison`."""
    reference: str
    """Path of the other example's script."""


Block = Prose | Fence | ExcerptDirective | ComparisonDirective


def scan(text: str, path: str, line: int, errors: list[SourceError]) -> list[Block]:
    """The blocks of `text`, whose first line is line `line` of the file `path`.

    What breaks a rule is appended to `errors` and left out of the result.
    """
    lines = text.split("\n")
    blocks: list[Block] = []
    position = prose = 0
    while position < len(lines):
        closing = _closing(lines[position])
        if closing is None:
            position += 1
            continue
        if prose < position:
            blocks.append(Prose(line + prose, "\n".join(lines[prose:position])))
        inside = range(position + 1, len(lines))
        last = next((number for number in inside if closing.fullmatch(lines[number])), None)
        end = len(lines) if last is None else last + 1
        try:
            blocks.append(_block(lines[position:end], path, line + position, closed=last is not None))
        except SourceError as error:
            errors.append(error)
        position = prose = end
    return [*blocks, Prose(line + prose, "\n".join(lines[prose:]))] if prose < len(lines) else blocks


def _closing(opening: str) -> re.Pattern[str] | None:
    """What the last line of a block looks like that begins with the line `opening`, if one does."""
    if opening.startswith("///"):
        return re.compile(r"///\s*")
    fence = _FENCE.fullmatch(opening)
    if not fence or (fence["mark"][0] == "`" and "`" in fence["info"]):
        return None
    return re.compile(rf"\s*{fence['mark']}{fence['mark'][0]}*\s*")


def _block(lines: list[str], path: str, line: int, *, closed: bool) -> Block:
    """The fence or directive that these lines are."""
    mark = lines[0].strip()[:3]
    if not closed:
        message = f"expected a closing {mark!r}, but the text ends without one; add it"
        raise NarrativeError(message, path=path, line=line)
    if mark != "///":
        return Fence(line, "\n".join(lines))
    opening = _DIRECTIVE.fullmatch(lines[0])
    options = "\n".join(lines[1:-1])
    match opening and (opening["name"], opening["argument"]):
        case "excerpt", str(reference) if reference:
            return _excerpt(reference, options, path, line)
        case "comparison", str(reference) if reference and not options.strip():
            return ComparisonDirective(line=line, reference=reference)
    message = (
        "expected the directive `/// excerpt | symbol`, or `/// comparison | cookbook/…/NAME.py` without "
        f"options, got {lines[0]!r}; correct it"
    )
    raise NarrativeError(message, path=path, line=line)


def _excerpt(reference: str, options: str, path: str, line: int) -> ExcerptDirective:
    """The directive with its options, whose YAML begins one line below `line`."""
    directive = ExcerptDirective(line=line, reference=reference)
    for key, value, at in _entries(options, path, line + 1):
        match key, value:
            case "start", yaml.ScalarNode(value=str(text)) if text:
                directive = replace(directive, start=text)
            case "end", yaml.ScalarNode(value=str(text)) if text:
                directive = replace(directive, end=text)
            case "docstring", yaml.ScalarNode(value="true" | "false" as text):
                directive = replace(directive, docstring=text == "true")
            case "notes", yaml.MappingNode():
                directive = replace(directive, notes=tuple(_notes(value, path, line + 1)))
            case _:
                raise NarrativeError(f"{_OPTIONS}, got another {key!r}; correct it", path=path, line=at)
    return directive


def _entries(options: str, path: str, line: int) -> list[tuple[str, yaml.Node, int]]:
    """Keys and values of a YAML mapping, with the line of each in the file."""
    try:
        tree = yaml.compose(options, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        message = f"expected options in YAML, but {problem}; correct them"
        raise NarrativeError(message, path=path, line=line + (mark.line if mark else 0)) from error
    if tree is None:
        return []
    if not isinstance(tree, yaml.MappingNode):
        message = "expected options such as `start: text`, got something else; correct them"
        raise NarrativeError(message, path=path, line=line)
    return _pairs(tree, path, line)


def _pairs(tree: yaml.MappingNode, path: str, line: int) -> list[tuple[str, yaml.Node, int]]:
    """Keys and values of a mapping, whose keys are text and each there once."""
    pairs: list[tuple[str, yaml.Node, int]] = []
    for key, value in tree.value:
        at = line + key.start_mark.line
        if not isinstance(key, yaml.ScalarNode) or key.value in [known for known, _, _ in pairs]:
            message = "expected each key once, and as plain text, got another one; correct it"
            raise NarrativeError(message, path=path, line=at)
        pairs.append((key.value, value, at))
    return pairs


def _notes(tree: yaml.MappingNode, path: str, line: int) -> list[Note]:
    """The remarks of a `notes` mapping."""
    notes = []
    for anchor, value, at in _pairs(tree, path, line):
        if not isinstance(value, yaml.ScalarNode) or not value.value.strip() or not anchor:
            message = f"expected text for the note on {anchor!r}, got something else; correct it"
            raise NarrativeError(message, path=path, line=at)
        notes.append(Note(at, anchor, " ".join(value.value.split())))
    return notes
