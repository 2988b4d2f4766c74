"""Diagrams stay drawable whatever they are of."""

from __future__ import annotations

import pytest

from agno_lite.gallery.rendering.diagram import Node

MOST_BOXES = 40
MOST_CHARACTERS = 50_000
"""Of a diagram that Mermaid draws by default (`maxTextSize`)."""


def boxed(label: str) -> str:
    """A box of that label, in Mermaid's language."""
    return Node(id="a", label=label, role="agent", path="a.py").boxed


@pytest.mark.parametrize(
    "label", ["x" * 100_000, "<" * 100_000, "<\n" * 100_000, ("\u202e" * 60 + "\n") * 1000]
)
def test_long_labels_are_cut(label: str) -> None:
    """A full diagram of nothing but long labels is within what Mermaid draws, and shows that they are cut."""
    assert "…" in boxed(label)
    assert len(boxed(label)) * MOST_BOXES < 0.8 * MOST_CHARACTERS


def test_other_labels_are_whole() -> None:
    """What is short enough is shown as it is, line by line."""
    assert boxed("Chat Agent\nuser_1@example.com\n3 runs") == '["Chat Agent\\nuser_1@example.com\\n3 runs"]'
