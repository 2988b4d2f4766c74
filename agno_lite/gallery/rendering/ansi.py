"""Terminal output as HTML whose colours are the page's own, so that they hold in light and dark."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.ansi import AnsiDecoder
from rich.color import ColorSystem
from rich.console import Console

from agno_lite.gallery.rendering.escape import preformatted

if TYPE_CHECKING:
    from rich.color import Color
    from rich.style import Style

_ATTRIBUTES = ("bold", "dim", "italic", "underline", "strike", "reverse")


def terminal(output: str) -> str:
    """A `<pre>` element with the output; colours are the classes `ansi-fg-0` to `ansi-bg-15`."""
    console = Console(file=io.StringIO())
    lines = (
        "".join(_segment(segment.text, segment.style) for segment in line.render(console))
        for line in AnsiDecoder().decode(output.rstrip("\n"))
    )
    body = "\n".join(lines)
    return f'<pre class="terminal"><code>{body}</code></pre>'


def _segment(text: str, style: Style | None) -> str:
    escaped = preformatted(text)
    classes = _classes(style) if style else []
    return f'<span class="{" ".join(classes)}">{escaped}</span>' if classes and text else escaped


def _classes(style: Style) -> list[str]:
    names = [f"ansi-{name}" for name in _ATTRIBUTES if getattr(style, name)]
    for ground, color in (("fg", style.color), ("bg", style.bgcolor)):
        if color is not None and not color.is_default:
            names.append(f"ansi-{ground}-{_number(color)}")
    return names


def _number(color: Color) -> int:
    """The one of the sixteen colours of a terminal that comes nearest."""
    number = color.downgrade(ColorSystem.STANDARD).number
    assert number is not None
    return number
