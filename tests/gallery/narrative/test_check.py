"""All problems of an example's text, in all languages, are found at once."""

from __future__ import annotations

import pytest

from agno_lite.gallery.analysis import SymbolIndex, analyse
from agno_lite.gallery.config import Project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.narrative import check
from agno_lite.gallery.records import Capture

ZH, EN = "cookbook/one/a.zh.md", "cookbook/one/a.en.md"


def problems(project: Project, index: SymbolIndex, capture: Capture | None) -> list[tuple[str, int | None]]:
    """File and line of each problem."""
    analysis = analyse(project, discover(project)[0], capture, index)
    return [(error.path, error.line) for error in check(project, analysis, index, capture)]


def test_good_text_has_no_problems(project: Project, index: SymbolIndex, capture: Capture) -> None:
    """Both languages, one, or none."""
    assert problems(project, index, capture) == []
    (project.root / ZH).unlink()
    assert problems(project, index, capture) == []
    (project.root / EN).unlink()
    assert problems(project, index, None) == []


def test_problems_of_all_languages_are_collected(
    project: Project, index: SymbolIndex, capture: Capture
) -> None:
    """Form and content, each problem once, in Chinese and in English."""
    (project.root / ZH).write_text("文\n## 概述 { #overview }\n\n`NopeNope`\n\n/// nope\n///\n", "utf-8")
    (project.root / EN).write_text("## O { #overview }\n\n{{ facts.nope }} L55\n", "utf-8")
    assert problems(project, index, capture) == [(ZH, 1), (ZH, 6), (ZH, 4), (EN, 3), (EN, 3)]


def test_values_wait_for_a_run(project: Project, index: SymbolIndex, capture: Capture) -> None:
    """Without a capture there is nothing to compare them with."""
    for path in (ZH, EN):
        (project.root / path).write_text("## O { #overview }\n\n{{ facts.nope }}\n", "utf-8")
    assert problems(project, index, None) == []
    assert problems(project, index, capture) == [(ZH, 3), (EN, 3)]


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ("## O { #overview }\n\nx\n", None),
        ("## K { #components }\n\n/// excerpt | Shop\n///\n\n### S\n\n## O { #overview }\n\nx\n", None),
        ("## O { #overview }\n\nx\n\n## K { #components }\n\nx\n\n### S\n", 9),
        ("## O { #overview }\n\nx\n\n## K { #components }\n\n/// excerpt | Bank\n///\n\n### S\n", 7),
        ("## O { #overview }\n\nx\n\n## K { #components }\n\n/// excerpt | Shop\n///\n", 5),
        ("## O { #overview }\n\nx\n\n## K { #components }\n\n/// excerpt | Shop\n///\n\n#### S\n", 10),
        ("## O { #overview }\n\nx\n\n## K { #components }\n\n/// excerpt | Shop\n///\n\n### S {#s}\n", 10),
    ],
)
def test_the_languages_must_be_alike(
    other: str, line: int | None, project: Project, index: SymbolIndex, capture: Capture
) -> None:
    """Sections, directives and headings have the same order in both; the second file is told off."""
    first = "## 概 { #overview }\n\nx\n\n## 组 { #components }\n\n/// excerpt | Shop\n///\n\n### 小\n"
    (project.root / ZH).write_text(first, "utf-8")
    (project.root / EN).write_text(other, "utf-8")
    assert (EN, line) in problems(project, index, capture)
    (project.root / EN).write_text(first, "utf-8")
    assert problems(project, index, capture) == []


def test_only_other_examples_can_be_compared(project: Project, index: SymbolIndex, capture: Capture) -> None:
    """A script that is not there, and the page's own, are problems in each language, with their line."""
    analysis = analyse(project, discover(project)[0], capture, index)
    for own, expected in (("one/b.py", []), ("one/a.py", [(ZH, 3), (EN, 3)]), ("b.py", [(ZH, 3), (EN, 3)])):
        for path in (ZH, EN):
            text = f"## C {{ #comparison }}\n\n/// comparison | cookbook/{own}\n///\n"
            (project.root / path).write_text(text, "utf-8")
        found = check(project, analysis, index, capture, None, ["cookbook/one/a.py", "cookbook/one/b.py"])
        assert [(error.path, error.line) for error in found] == expected


def test_both_languages_compare_the_same(project: Project, index: SymbolIndex, capture: Capture) -> None:
    """A comparison in one language stands in the other too."""
    text = "## C { #comparison }\n\n/// comparison | cookbook/one/b.py\n///\n"
    (project.root / ZH).write_text(text, "utf-8")
    (project.root / EN).write_text(text.replace("one/b", "one/c"), "utf-8")
    analysis = analyse(project, discover(project)[0], capture, index)
    found = check(project, analysis, index, capture, None, ["cookbook/one/b.py", "cookbook/one/c.py"])
    assert [(error.path, error.line) for error in found] == [(EN, 3)]
