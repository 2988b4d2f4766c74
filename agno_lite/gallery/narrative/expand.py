"""Hand-written text made into plain Markdown: excerpts cut, names linked, values filled in.

An excerpt becomes a code block with the file's own line numbers, in which the lines that have notes are
highlighted, and a list of the notes under it, each headed by its line number and linked to that line. The
notes of mkdocs-material's own kind (`# (1)!` in the code) are not used: they change the code that is shown,
vanish without JavaScript, are not printed, and have to be opened one by one. A style sheet may set the list
beside the block, since both stand in one `<div class="excerpt">`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agno_lite.exceptions import GalleryError, NarrativeError, SourceError, UnresolvedReferenceError
from agno_lite.gallery.narrative.blocks import (
    Block,
    ComparisonDirective,
    ExcerptDirective,
    Fence,
    Note,
    Prose,
    scan,
)
from agno_lite.gallery.narrative.names import Names
from agno_lite.gallery.narrative.parser import HEADING
from agno_lite.gallery.narrative.values import escape, evaluate
from agno_lite.gallery.records import Excerpt, Passage, Symbol

_TOKEN = re.compile(
    r"(?P<escaped>\\[\\`{\[])"
    r"|(?P<link>!?\[(?P<label>(?:[^\[\]`]|`[^`\n]*`)*)\](?P<target>\([^()\n]*\)|\[[^\[\]\n]*\]))"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?P<code>(?:(?!\n[ \t]*\n).)+?)(?<!`)(?P=ticks)(?!`)"
    r"|\{\{(?P<value>(?:(?!\n[ \t]*\n).)*?)\}\}"
    r"|(?P<open>\{\{)",
    re.DOTALL,
)
_VALUE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LINE_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?:L\d{2,}(?![A-Za-z0-9_])|lines?\s+\d+(?![A-Za-z0-9_]))"
    r"|\.py:\d+|第\s*\d+\s*(?:[-–—~～至到]\s*\d+\s*)?行",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpansionContext:
    """What a text may refer to, and how that is shown."""

    path: str
    """The file that the text is from, for messages."""
    names: Names
    """Finds what code spans and directives name."""
    link: Callable[[Symbol], str]
    """URL of a symbol's place: of its path, from `line` to `end_line`."""
    values: Mapping[str, Any] | None = None
    """Names for `{{ … }}`, see `agno_lite.gallery.narrative.values.namespace`; `None`: not recorded yet."""
    gettext: Callable[[str], str] = str
    """Translates the few words that an excerpt brings along."""
    compare: Callable[[str], str | None] = lambda _: None
    """Markdown of a comparison with the example of that path; `None` if there is no such example."""
    section: str = ""
    """Id of the section. Headings in it without an id get `section-1`, `section-2` …, in each language."""
    cited: list[Symbol] = field(default_factory=list)
    """Filled with the symbols that the text cites, each once, in order."""


def expand(text: str, context: ExpansionContext, *, line: int = 1) -> str:
    """The text as Markdown that needs nothing of this package.

    Args:
        text: a section of a narrative, or a guide.
        context: what it may refer to.
        line: line of its first line in its file.

    Raises:
        NarrativeError: a directive, value or line number breaks a rule; of several problems the first.
        UnresolvedReferenceError: a name means nothing, or several things.
    """
    markdown, errors = expand_all(text, context, line=line)
    if errors:
        raise errors[0]
    return markdown


def expand_all(text: str, context: ExpansionContext, *, line: int = 1) -> tuple[str, list[SourceError]]:
    """The text as Markdown as far as it can be made, and all its problems, sorted by line."""
    expander = _Expander(context)
    blocks = scan(text, context.path, line, expander.errors)
    markdown = "\n".join(expander.block(block) for block in blocks)
    return markdown, sorted(expander.errors, key=lambda error: error.line or 0)


class _Expander:
    """Expands one text and collects what is wrong with it."""

    def __init__(self, context: ExpansionContext) -> None:
        self.errors: list[SourceError] = []
        self._context = context
        self._headings = 0

    def block(self, block: Block) -> str:
        """The Markdown of one block."""
        match block:
            case Fence():
                return block.text
            case Prose():
                self._forbid_line_numbers(block.text, block.line)
                return self._headed(block)
            case ExcerptDirective():
                return self._excerpt(block)
            case ComparisonDirective():
                return self._comparison(block)

    # --- prose -------------------------------------------------------------------------------

    def _headed(self, block: Prose) -> str:
        """The prose, its headings without links and with ids."""
        parts: list[str] = []
        waiting: list[str] = []
        begin = block.line
        for number, line in enumerate(block.text.split("\n"), start=block.line):
            heading = HEADING.fullmatch(line)
            if heading is None:
                waiting.append(line)
                continue
            if waiting:
                parts.append(self._inline("\n".join(waiting), begin))
            parts.append(self._heading(heading, number))
            waiting, begin = [], number + 1
        return "\n".join([*parts, self._inline("\n".join(waiting), begin)] if waiting else parts)

    def _heading(self, heading: re.Match[str], line: int) -> str:
        self._headings += 1
        title = self._inline(heading["title"], line, links=False)
        identifier = heading["id"]
        if self._context.section and not identifier:
            identifier = f"{self._context.section}-{self._headings}"
        return f"{heading['level']} {title}" + (f" {{ #{identifier} }}" if identifier else "")

    def _inline(self, text: str, line: int, *, links: bool = True) -> str:
        """Text outside of blocks, with code spans and values replaced."""

        def replaced(match: re.Match[str]) -> str:
            at = line + text.count("\n", 0, match.start())
            if match["link"]:
                bang = "!" if match["link"].startswith("!") else ""
                return f"{bang}[{self._inline(match['label'], at, links=False)}]{match['target']}"
            if match["code"] is not None:
                return self._code(match["code"], match[0], at, links=links)
            if match["value"] is not None:
                value = self._value(match["value"], at)
                return match[0] if value is None else escape(value)
            if match["open"]:
                self._note_error("expected `}}` after `{{`, but there is none; add it", at)
            return match[0]

        return _TOKEN.sub(replaced, text)

    def _code(self, code: str, span: str, line: int, *, links: bool) -> str:
        """A code span: linked if it names a symbol; with values in it, it is taken as it comes."""
        if "{{" in code:
            values = [self._value(match[1], line) for match in _VALUE.finditer(code)]
            filled = iter(values)
            return span if None in values else _filled_span(_VALUE.sub(lambda _: next(filled) or "", code))
        try:
            symbol = self._context.names.find(" ".join(code.split()))
        except GalleryError as error:
            self._note_error(str(error), line, UnresolvedReferenceError)
            return span
        if symbol is None:
            return span
        self._cite(symbol)
        return f"[{span}]({self._context.link(symbol)})" if links else span

    def _value(self, expression: str, line: int) -> str | None:
        """The value as plain text; `None` if there is an error."""
        if self._context.values is None:
            return self._context.gettext("(not recorded yet)")
        try:
            return evaluate(expression, self._context.values)
        except GalleryError as error:
            self._note_error(str(error), line)
            return None

    def _forbid_line_numbers(self, text: str, line: int) -> None:
        for match in _LINE_NUMBER.finditer(text):
            message = (
                f"expected no line number typed by hand, since it will not stay right, got {match[0]!r}; "
                "name the symbol instead"
            )
            self._note_error(message, line + text.count("\n", 0, match.start()))

    # --- excerpts ----------------------------------------------------------------------------

    def _excerpt(self, directive: ExcerptDirective) -> str:
        """The code, the notes on it and where it is from."""
        context = self._context
        try:
            symbol = context.names.definition(directive.reference)
        except GalleryError as error:
            self._note_error(str(error), directive.line, UnresolvedReferenceError)
            return ""
        try:
            excerpt = context.names.index.excerpt(
                symbol, start=directive.start, end=directive.end, docstring=directive.docstring
            )
        except GalleryError as error:
            self._note_error(str(error), directive.line)
            return ""
        self._cite(symbol)
        notes = sorted((line, note) for note in directive.notes for line in self._noted_line(note, excerpt))
        marked = {line for line, _ in notes}
        listed = [self._listed_note(line, note, symbol) for line, note in notes]
        parts = [*_fences(excerpt, marked), "\n".join(listed), self._source_line(excerpt)]
        return '<div class="excerpt" markdown>\n\n' + "\n\n".join(filter(None, parts)) + "\n\n</div>"

    def _noted_line(self, note: Note, excerpt: Excerpt) -> list[int]:
        """The line that a note is on, if there is exactly one."""
        found = [
            number
            for passage in excerpt.passages
            for number, text in enumerate(passage.text.split("\n"), start=passage.line)
            if note.anchor in text
        ]
        if len(found) == 1:
            return found
        where = f"lines {', '.join(map(str, found))} of {excerpt.symbol.path}" if found else "no line"
        message = (
            f"expected the note's anchor {note.anchor!r} on exactly one line of the excerpt, "
            f"but it is on {where}; give text that only one line has"
        )
        self._note_error(message, note.line)
        return []

    def _listed_note(self, line: int, note: Note, symbol: Symbol) -> str:
        self._forbid_line_numbers(note.text, note.line)
        url = self._context.link(replace(symbol, line=line, end_line=line))
        return f"- [{line}]({url}) {self._inline(note.text, note.line)}"

    def _source_line(self, excerpt: Excerpt) -> str:
        """Where the excerpt is from: the symbol first, then its lines."""
        gettext, symbol = self._context.gettext, excerpt.symbol
        single = excerpt.line == excerpt.end_line
        lines = gettext("line {first}") if single else gettext("lines {first}–{last}")
        shown = lines.format(first=excerpt.line, last=excerpt.end_line)
        place = self._context.link(replace(symbol, line=excerpt.line, end_line=excerpt.end_line))
        return gettext("Source: {symbol}, {lines}").format(
            symbol=f"[{_code_span(_qualified(symbol))}]({self._context.link(symbol)})",
            lines=f"[{shown}]({place})",
        )

    # --- comparisons -------------------------------------------------------------------------

    def _comparison(self, directive: ComparisonDirective) -> str:
        table = self._context.compare(directive.reference)
        if table is None:
            message = (
                f"expected the path of another example, such as cookbook/topic/NAME.py, "
                f"got {directive.reference!r}; correct it"
            )
            self._note_error(message, directive.line)
        return table or ""

    # --- results -----------------------------------------------------------------------------

    def _cite(self, symbol: Symbol) -> None:
        if symbol not in self._context.cited:
            self._context.cited.append(symbol)

    def _note_error(self, message: str, line: int, kind: type[SourceError] = NarrativeError) -> None:
        self.errors.append(kind(message, path=self._context.path, line=line))


def _fences(excerpt: Excerpt, marked: set[int]) -> list[str]:
    """A code block for each passage, with the numbers of its lines; the first names the file."""
    title = f' title="{excerpt.symbol.path}"'
    return [
        _fence(passage, title if passage is excerpt.passages[0] else "", marked)
        for passage in excerpt.passages
    ]


def _fence(passage: Passage, title: str, marked: set[int]) -> str:
    ticks = "`" * max(3, _longest_run(passage.text) + 1)
    inside = [
        str(line - passage.line + 1) for line in sorted(marked) if passage.line <= line <= passage.end_line
    ]
    lines = f' hl_lines="{" ".join(inside)}"' if inside else ""
    return f'{ticks}python{title} linenums="{passage.line}"{lines}\n{passage.text}\n{ticks}'


def _code_span(text: str) -> str:
    """The text as a code span, whatever it contains."""
    ticks = "`" * (_longest_run(text) + 1)
    return f"{ticks}{text}{ticks}" if len(ticks) == 1 else f"{ticks} {text} {ticks}"


def _filled_span(text: str) -> str:
    """A code span with a value in it: an element if backticks cannot hold it, as with `|` or line breaks."""
    escaped = escape(text)
    return _code_span(text) if escaped == text else f"<code>{escaped}</code>"


def _longest_run(text: str) -> int:
    """Length of the longest run of backticks."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _qualified(symbol: Symbol) -> str:
    """The symbol's name without its module: `MemoryManager.aupdate`."""
    module = symbol.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    stem = module.rpartition(".")[2]
    return symbol.name.removeprefix(f"{module}.").removeprefix(f"{stem}.") or symbol.name
