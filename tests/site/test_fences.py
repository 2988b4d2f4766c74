"""Blocks that are coloured without an anchor for each line."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from agno_lite.gallery.site.fences import coloured

HOSTILE = '{"a": "</pre></code><script>x</script> & `` \\n", "b": [1, null]}\n\n  not json @@ "'


@pytest.mark.parametrize("language", ["json", "diff"])
@pytest.mark.parametrize("source", [HOSTILE, "-one\n+two", "", "\n\n x"])
def test_the_text_is_what_it_was(language: str, source: str) -> None:
    """Whatever the text is, it is one block of exactly that, with no link and no other element."""
    block = BeautifulSoup(coloured(source, language, "css", {}, None), "html.parser")
    assert [code.get_text().removesuffix("\n") for code in block.select("pre > code")] == [source]
    assert {found.name for found in block.find_all(True)} <= {"div", "pre", "code", "span"}
    assert not block.select("[id]")


def test_what_has_a_colour_keeps_it() -> None:
    """Names, texts and changed lines can be told apart; punctuation gets no element."""
    json_block = BeautifulSoup(coloured('{"a": "b"}', "json"), "html.parser")
    assert [(span["class"], span.get_text()) for span in json_block.find_all("span")] == [
        (["nt"], '"a"'),
        (["s2"], '"b"'),
    ]
    changes = BeautifulSoup(coloured("-one\n+two", "diff"), "html.parser")
    assert [span["class"] for span in changes.find_all("span")] == [["gd"], ["gi"]]
