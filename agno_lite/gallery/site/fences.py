"""Blocks of code that are coloured and no more: no line of them is linked to.

A page may show hundreds of requests. The anchors of their lines would be longer than their text.
"""

from __future__ import annotations

import pygments  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Punctuation, Text, Whitespace  # type: ignore[import-untyped]

_FORMATTER = HtmlFormatter(nowrap=True)


def coloured(source: str, language: str, *_given: object, **_more: object) -> str:
    """Format a fenced block: a custom fence of `pymdownx.superfences`.

    Spaces and punctuation have no colour of their own and get no element around each.

    Args:
        source: the block's text.
        language: its language, one that Pygments knows.
    """
    tokens = get_lexer_by_name(language, stripnl=False).get_tokens(source)
    plain = ((Text if kind in Whitespace or kind in Punctuation else kind, text) for kind, text in tokens)
    shown = pygments.format(plain, _FORMATTER)
    return f'<div class="language-{language} highlight"><pre><code>{shown}</code></pre></div>'
