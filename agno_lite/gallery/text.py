"""Characters that pages cannot hold."""

from __future__ import annotations

_PICTURES = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)


def printable(text: str) -> str:
    """The text with control characters replaced by their pictures, so that none is lost on the way."""
    return text.replace("\r\n", "\n").translate(_PICTURES)
