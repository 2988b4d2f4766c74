"""Narratives fall into known sections; each broken rule is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_lite.exceptions import NarrativeError
from agno_lite.gallery.config import Project
from agno_lite.gallery.narrative import load
from agno_lite.gallery.narrative.blocks import ExcerptDirective, Fence, scan
from agno_lite.gallery.narrative.parser import parse
from agno_lite.gallery.records import SECTION_IDS

PATH = "cookbook/one/a.en.md"


def write(project: Project, text: str) -> str:
    """Writes the narrative and returns its path."""
    (project.root / PATH).write_text(text, encoding="utf-8")
    return PATH


def test_sections_have_title_text_and_line(project: Project) -> None:
    """The first line of a section's text is the one below its heading."""
    text = "\n## Overview { #overview }\n\nOne.\n\n### Inner\n\n## Parts {: #components }\nTwo.\n"
    narrative = load(project, write(project, text))
    assert (narrative.path, narrative.locale) == (PATH, "en")
    assert {key: (item.title, item.line, item.text) for key, item in narrative.sections.items()} == {
        "overview": ("Overview", 3, "\nOne.\n\n### Inner\n"),
        "components": ("Parts", 9, "Two.\n"),
    }


def test_headings_inside_fences_are_text(project: Project) -> None:
    """A `##` in a code block begins no section."""
    text = "## A { #overview }\n\n```python\n## not { #components }\n```\n~~~\n# no\n~~~\n"
    assert list(load(project, write(project, text)).sections) == ["overview"]


def test_an_empty_file_is_a_narrative_without_sections(project: Project) -> None:
    """Nothing is wrong with having nothing to say."""
    assert load(project, write(project, "\n")).sections == {}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\nHello\n\n## A { #overview }\nx\n", 2, "before any text"),
        ("## A { #overview }\nx\n\n## B { #wrong }\nx\n", 4, "got 'wrong'"),
        ("## A\nx\n", 1, "no"),
        ("## A { #overview }\nx\n## B { #overview }\ny\n", 3, "'overview' was there before"),
        ("## A { #overview }\n\n\n## B { #components }\ny\n", 1, "is empty"),
        ("## A { #overview }\nx\n\n# Title\n", 4, "got another kind"),
        ("## A { #overview }\nx\n\nTitle\n-----\n", 5, "got another kind"),
        ("## A { #overview }\n\n```python\ncode\n", 3, "closing '```'"),
        ("## A { #overview }\n\n/// excerpt | Shop\n", 3, "closing '///'"),
        ("## A { #overview }\n\n/// compare | Shop\n///\n", 3, "/// compare"),
        ("## A { #overview }\n\n/// excerpt\n///\n", 3, "/// excerpt | symbol"),
        ("## A { #overview }\n\n/// excerpt | Shop\nstart: a\ncolour: red\n///\n", 5, "'colour'"),
        ("## A { #overview }\n\n/// excerpt | Shop\nstart: [a]\n///\n", 4, "'start'"),
        ("## A { #overview }\n\n/// excerpt | Shop\ndocstring: maybe\n///\n", 4, "'docstring'"),
        ("## A { #overview }\n\n/// excerpt | Shop\nstart: a\nstart: b\n///\n", 5, "each key once"),
        ("## A { #overview }\n\n/// excerpt | Shop\nstart: 'a\n\n///\n", 5, "YAML"),
        ("## A { #overview }\n\n/// excerpt | Shop\njust text\n///\n", 4, "options such as"),
        ("## A { #overview }\n\n/// excerpt | Shop\nnotes:\n  a: x\n  b: [1]\n///\n", 6, "note on 'b'"),
        ("## A { #overview }\n\n/// excerpt | Shop\nnotes: text\n///\n", 4, "'notes'"),
    ],
)
def test_each_broken_rule_has_file_and_line(text: str, line: int, message: str, project: Project) -> None:
    """The first problem is raised, and says where it is and what to do."""
    with pytest.raises(NarrativeError) as caught:
        load(project, write(project, text))
    assert (caught.value.path, caught.value.line) == (PATH, line)
    assert message in str(caught.value)


def test_a_file_that_is_not_utf8_is_an_error(project: Project) -> None:
    """Another encoding is told, not guessed."""
    (project.root / PATH).write_bytes(b"## A { #overview }\n\xff\n")
    with pytest.raises(NarrativeError, match="UTF-8"):
        load(project, PATH)


def test_a_directive_keeps_its_options_and_their_lines() -> None:
    """Every option is read; notes know where they stand."""
    text = (
        "a\n/// excerpt | Shop.sell\nstart: 'price ='\nend: return\ndocstring: false\n"
        "notes:\n  price: 'how\n    much'\n  return: 'back'\n///\nb"
    )
    errors: list[Exception] = []
    directive = scan(text, PATH, 10, errors)[1]  # type: ignore[arg-type]
    assert errors == []
    assert isinstance(directive, ExcerptDirective)
    assert (directive.line, directive.reference, directive.start) == (11, "Shop.sell", "price =")
    assert (directive.end, directive.docstring) == ("return", False)
    assert [(note.line, note.anchor, note.text) for note in directive.notes] == [
        (16, "price", "how much"),
        (18, "return", "back"),
    ]


def test_a_fence_is_closed_by_one_as_long() -> None:
    """Shorter fences inside are text."""
    (fence,) = scan("````\n```\nx\n```\n````", PATH, 1, [])
    assert fence == Fence(1, "````\n```\nx\n```\n````")


PIECES = st.sampled_from(
    [f"## T {{ #{name} }}" for name in SECTION_IDS]
    + ["## x", "### y", "# z", "text", "", "```", "````py", "~~~", "/// excerpt | A", "///", "/// b", "---"]
    + ["start: a", "notes:", "  k: v", "{{ x }}", "`A`", "\x0c", "\u2028", "- [", ": :", "? x", "&a *a", "%"]
)


@settings(deadline=None)
@given(text=st.text() | st.lists(PIECES | st.text(max_size=5), max_size=12).map("\n".join))
def test_any_text_is_a_narrative_or_has_errors_with_valid_lines(text: str) -> None:
    """Whatever is written, every error is a narrative's, inside the file, and in the order of lines."""
    narrative, errors = parse(text, PATH)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert all(isinstance(error, NarrativeError) and error.path == PATH for error in errors)
    numbers = [error.line or 0 for error in errors]
    assert numbers == sorted(numbers)
    assert all(1 <= number <= len(lines) for number in numbers)
    for identifier, section in narrative.sections.items():
        assert identifier in SECTION_IDS
        first = section.text.split("\n")
        assert lines[section.line - 1 : section.line - 1 + len(first)] == first


def test_seed_of_this_repository_is_well_formed() -> None:
    """The narratives of the cookbook can be loaded."""
    root = Path(__file__).resolve().parents[3]
    found = sorted((root / "cookbook").rglob("*.??.md"))
    assert found
    for file in found:
        assert load(Project(root=root), file.relative_to(root).as_posix()).sections
