"""Blocks of code that are coloured and no more: no line of them is linked to.

A page may show hundreds of requests. The anchors of their lines would be longer than their text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Punctuation, Text, Whitespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FORMATTER = HtmlFormatter(nowrap=True)


class _Plain(Filter):
    """Leaves spaces and punctuation, which have no colour of their own, without an element around each."""

    def filter(self, lexer: Any, stream: Iterable[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
        """Tokens as the formatter gets them."""
        for kind, value in stream:
            yield (Text if kind in Whitespace or kind in Punctuation else kind), value


def coloured(
    source: str, language: str, css_class: str, options: dict[str, Any], md: Any, **more: Any
) -> str:
    """Format a fenced block of a language that Pygments knows; a custom fence of `pymdownx.superfences`."""
    lexer = get_lexer_by_name(language, stripnl=False)
    lexer.add_filter(_Plain())
    shown = highlight(source, lexer, _FORMATTER)
    return f'<div class="language-{language} highlight"><pre><code>{shown}</code></pre></div>'
