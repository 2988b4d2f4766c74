"""Text shows as itself wherever it is put."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import mermaidx
import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agno_lite.gallery.rendering import escape
from agno_lite.gallery.rendering.ansi import terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    Render = Callable[[str], BeautifulSoup]

NASTY = (
    "<script>alert('x')</script>",
    "```\nfence\n```",
    "~~~ python\n`a` ``b``",
    "end",
    'say "hello" | {{ name }} {% if x %}',
    "a & b &amp; &#35; #35; #1",
    "*a* _b_ **c** ~~d~~ ^e^",
    "1. one\n- two\n> three\n# four\n    five",
    "[a](b) ![c](d) [e][f] [TOC] <http://x.y>",
    "{ .cls #id } {: .x } a{ #b }",
    "!!! note\n??? tip\n=== tab",
    "::: agno_lite.agent",
    ":smile: $x$ \\( \\) \\n \\\\",
    "%%{init: {}}%% classDef style:#fff; click",
    "#!python x",
    ":::python x",
    "<uuid:1> <!-- c --> &lt;",
    "*[a]: b\n[c]: d",
)
PIECES = st.sampled_from(
    [*"`~|<>&\"'*_{}[]()#!:;.-+=\\$%^ \n", "a", "b1", "end", "中文", "::", "```", "{{", "&#", "<b>", "0"]
)
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.lists(PIECES, max_size=12).map("".join),
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20),
)
ONE_RENDERER = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def shown(tag: Tag) -> str:
    """What a reader reads in an element: its text, line breaks included."""
    for line_break in tag.find_all("br"):
        line_break.replace_with("\n")
    return tag.get_text()


def one(soup: BeautifulSoup, selector: str) -> Tag:
    """The one element that matches."""
    (found,) = soup.select(selector)
    return found


@ONE_RENDERER
@given(TEXTS.filter(str.strip))
def test_text_in_a_table(render: Render, value: str) -> None:
    """A table cell gives back exactly the text, and no element of its own."""
    soup = render(f"| a | b |\n| --- | --- |\n| {escape.text(value)} | x |")
    cells = soup.select("tbody td")
    assert len(cells) == 2
    assert {tag.name for tag in cells[0].find_all(True)} <= {"br"}
    assert shown(cells[0]) == value


@ONE_RENDERER
@given(TEXTS.filter(str.strip))
def test_code_in_a_table(render: Render, value: str) -> None:
    """Inline code in a table cell gives back exactly the text."""
    soup = render(f"| a | b |\n| --- | --- |\n| {escape.code(value)} | x |")
    cells = soup.select("tbody td")
    assert len(cells) == 2
    assert shown(one(BeautifulSoup(str(cells[0]), "html.parser"), "td > code")) == value


@ONE_RENDERER
@given(TEXTS.filter(str.strip))
def test_text_in_a_heading_and_a_link(render: Render, value: str) -> None:
    """A heading keeps its id, and a link its target, whatever their text."""
    soup = render(f"## {escape.text(value)} {{ #there }}\n\nsee [{escape.text(value)}](#there)")
    assert shown(one(soup, "h2#there")) == value
    assert shown(one(soup, 'a[href="#there"]')) == value


@ONE_RENDERER
@given(TEXTS.filter(str.strip))
def test_text_as_title_of_a_folded_block(render: Render, value: str) -> None:
    """A folded block's title gives back exactly the text."""
    soup = render(f'??? note "{escape.text(value)}"\n\n    inside')
    assert shown(one(soup, "details > summary")) == value
    assert one(soup, "details > p").get_text() == "inside"


def code_lines(soup: BeautifulSoup) -> str:
    """Text of the only code block."""
    return one(soup, "pre > code").get_text().removesuffix("\n")


@ONE_RENDERER
@given(TEXTS.map(lambda value: re.sub("(?m)^ +$", "", value)))
def test_fence(render: Render, value: str) -> None:
    """A fenced block gives back exactly the text, also inside a folded block in a folded block."""
    block = escape.fence(f"first\n{value}\nlast")
    nested = f'??? note "a"\n\n    ??? note "b"\n\n{escape.indented(escape.indented(block))}\n\nafter'
    assert code_lines(render(f"before\n\n{block}\n\nafter")) == f"first\n{value}\nlast"
    soup = render(nested)
    assert code_lines(soup) == f"first\n{value}\nlast"
    assert len(soup.select("details > details")) == 1


@ONE_RENDERER
@given(TEXTS.map(lambda value: re.sub("(?m)^ +$", "", value)))
def test_terminal(render: Render, value: str) -> None:
    """Terminal output gives back exactly the text, whatever it holds, in one element."""
    soup = render(f"before\n\n{terminal(f'> {value}.')}\n\nafter")
    assert one(soup, "pre.terminal").get_text() == f"> {value}."
    assert soup.get_text().strip().endswith("after")


def test_terminal_colours() -> None:
    """Colours and attributes become classes, also those of 256 and of 16 million colours."""
    soup = BeautifulSoup(terminal("\x1b[1;31mred\x1b[0m \x1b[38;2;0;0;128mblue\x1b[0m ┃"), "html.parser")
    assert [(tag["class"], tag.get_text()) for tag in soup.find_all("span")] == [
        (["ansi-bold", "ansi-fg-1"], "red"),
        (["ansi-fg-4"], "blue"),
    ]
    assert soup.get_text() == "red blue ┃"


@pytest.mark.parametrize("char", ["\x00", "\x02", "\x07", "\x0c", "\x7f", "\x85"])
def test_control_characters(render: Render, char: str) -> None:
    """A control character is shown by a sign in its place, and takes nothing with it."""
    found = render(f"x {escape.text(f'a{char}b')}").get_text()
    assert re.fullmatch(r"x a[\u2400-\u2421\ufffd]b", found)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30))
def test_label_needs_no_escaping_for_html(value: str) -> None:
    """A label is the same before and after a fence that does not escape and one that does."""
    made = escape.label(value)
    assert html.escape(made) == made
    assert html.unescape(made) == made


def test_labels_are_drawn_as_they_are() -> None:
    """Mermaid draws exactly the texts, in nodes, on edges and on frames."""
    nodes = "\n".join(f'n{number}["{escape.label(value)}"]' for number, value in enumerate(NASTY))
    edges = "\n".join(f'n0 -->|"{escape.label(value)}"| n1' for value in NASTY)
    frames = "\n".join(
        f'subgraph g{number}["{escape.label(value)}"]\n{nodes.splitlines()[number]}\nend'
        for number, value in enumerate(NASTY)
    )
    svg = BeautifulSoup(mermaidx.render(f"flowchart TD\n{frames}\n{edges}").svg(), "html.parser")
    expected = [value.strip() for value in NASTY]
    for drawn in ("g.node", "g.edgeLabel:has(foreignObject)", "g.cluster"):
        found = [shown(tag).strip() for tag in svg.select(drawn)]
        assert sorted(filter(None, found)) == sorted(expected), drawn


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("Whether `a | b` is *kept*.", "Whether a | b is *kept*."),
        ("Text with <tags> and ``a ` b``.", "Text with <tags> and a ` b."),
        ("No code here", "No code here"),
    ],
)
def test_sentences_keep_their_code(render: Render, markdown: str, expected: str) -> None:
    """Of a docstring sentence code spans are code and the rest is text, also in a table."""
    soup = render(f"| a |\n| --- |\n| {escape.inline(markdown)} |")
    cell = one(soup, "tbody td")
    assert cell.get_text() == expected
    assert bool(cell.code) == ("`" in markdown)


def test_shortened() -> None:
    """A text is cut at its first line and at the limit, and shows that it was."""
    assert escape.shortened("one\ntwo", 10) == "one …"
    assert escape.shortened("one two three", 8) == "one two…"
    assert escape.shortened("one\n", 10) == "one"
