"""Text that shows as itself, wherever on a page it is put.

Values come from code, models and users and may hold anything. Each function gives Markdown that
renders to exactly the text it was given, in one kind of place; nothing else on a page escapes.
"""

from __future__ import annotations

import html
import re

from agno_lite.gallery.text import printable

_INLINE = frozenset("\\`*_{}[]()#|!~^=+:$\"'&<>@%-")
"""Punctuation that Markdown or one of its extensions may take for its own."""
_LABEL = frozenset(" ._,-/()@")
"""ASCII punctuation that is itself in a quoted Mermaid label; all other is written as a number."""
_MERMAID_OWN = frozenset("°¶")
"""Signs by which Mermaid marks entities while it works."""
_WORD = re.compile(r"[^\W_]")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def text(value: str) -> str:
    """Plain text inside a paragraph, a heading, a link, a table cell or a quoted title.

    Line breaks become `<br>`. A letter or digit stands for itself, and so does punctuation between two
    of them that means nothing there.
    """
    value = printable(value)
    return "".join(_inline(value, index) for index in range(len(value)))


def _inline(value: str, index: int) -> str:
    """One character of plain text."""
    char = value[index]
    if char == "\n":
        return "<br>"
    edge = index == 0 or index == len(value) - 1
    if char.isspace():
        doubled = not edge and value[index - 1].isspace()
        return f"&#{ord(char)};" if edge or doubled or char != " " else char
    if char in _INLINE:
        return f"&#{ord(char)};" if not _harmless(value, index) else char
    numbered = char == "." and value[:index].strip().isdigit() and not value[index + 1 : index + 2].strip()
    return f"&#{ord(char)};" if numbered else char


def _harmless(value: str, index: int) -> bool:
    """Whether punctuation is no markup where it is: in `a_b`, `x-y` and `me@host`; in `word: ` and `f()`."""
    before, after = value[index - 1 : index], value[index + 1 : index + 2]
    if len(_WORD.findall(before + after)) == 2:
        return value[index] in "_-@'%+=$"
    return value[index] in ":!()'\"-%=" and bool(_WORD.match(before)) and after in tuple(" ,.()”")


def code(value: str) -> str:
    """Inline code: between backticks where that is exact, else as an element."""
    plain = not re.search(r"[`|\n&<>\t\\]", value) and value == value.strip() and "  " not in value
    if value and plain and value.isprintable() and not value.startswith(("#!", ":::")):
        return f"`{value}`"
    return f"<code>{_element(value)}</code>"


def _element(value: str) -> str:
    """Text inside a raw inline element, whose content Markdown still reads."""
    keep = "\n "
    encoded = "".join(
        char if char in keep or char.isalnum() else f"&#{ord(char)};" for char in printable(value)
    )
    spaced = re.sub(r"^ | $| (?=[ \n])|(?<=[ \n]) ", "&#32;", encoded)
    return spaced.replace("\n", "<br>")


def inline(markdown: str) -> str:
    """A sentence of a docstring: its code spans stay code, everything else is plain text."""
    parts: list[str] = []
    end = 0
    for span in _CODE_SPAN.finditer(markdown):
        parts += [text(markdown[end : span.start()]), code(span[2].strip())]
        end = span.end()
    parts.append(text(markdown[end:]))
    return "".join(parts).replace("<br>", " ").replace("&#32;", " ").strip()


def fence(value: str, language: str = "text", options: str = "") -> str:
    """A fenced block: its fence is longer than any run of backticks inside.

    Markdown itself turns tabs into spaces and empties lines of nothing but spaces.
    """
    value = printable(value).expandtabs(4).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", value)), default=0)
    ticks = "`" * max(3, longest + 1)
    head = f"{ticks}{language} {options}".rstrip()
    return f"{head}\n{value}\n{ticks}"


def indented(block: str) -> str:
    """A block as content of a folded or noted one: four spaces before each line that has text."""
    return "\n".join(f"    {line}" if line else line for line in block.split("\n"))


def preformatted(value: str) -> str:
    """Text inside a raw `<pre>` element. Fences are looked for before elements, hence no backtick."""
    escaped = html.escape(printable(value), quote=False)
    return escaped.replace("`", "&#96;").replace("~", "&#126;").replace("\t", "&#9;")


def attribute(value: str) -> str:
    """Text inside a quoted attribute, or an element, of a raw block of HTML: on one line."""
    escaped = html.escape(" ".join(printable(value).split()))
    return escaped.replace("`", "&#96;").replace("~", "&#126;")


def label(value: str) -> str:
    r"""Text inside a quoted Mermaid label, where `\n` breaks the line.

    Mermaid's numbered entities (`#60;`) need no `&` and no `<`, so a label passes through a fence that
    puts the diagram into HTML unescaped, as mermaid2's does, and through one that escapes it.
    """
    return "".join(_labelled(char) for char in printable(value))


def _labelled(char: str) -> str:
    """One character of a label."""
    if char == "\n":
        return "\\n"
    plain = char.isalnum() or char in _LABEL or (not char.isascii() and char not in _MERMAID_OWN)
    return char if plain and char.isprintable() else f"#{ord(char)};"


def plain(value: str) -> str:
    """Text for a diagram's title and description, which know no entities: words and a few signs."""
    words = "".join(char if char in "':" or _labelled(char) == char else " " for char in value)
    return " ".join(words.split())


def shortened(value: str, limit: int) -> str:
    """The first line of a text, cut at a number of characters."""
    first, *rest = value.strip().split("\n")
    if len(first) > limit:
        return first[: limit - 1].rstrip() + "…"
    return f"{first} …" if any(line.strip() for line in rest) else first
