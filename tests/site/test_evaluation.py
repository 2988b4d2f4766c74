"""Plots of an evaluation as a reader sees them, in a real browser."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from agno_lite.gallery.config import open_project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.records import Evaluation, Growth, Recording, SpanRecord
from agno_lite.gallery.store import Store
from agno_lite.tracing import semconv

from .conftest import Open, build_site

pytestmark = pytest.mark.browser

BACKGROUND = "node => getComputedStyle(node.closest('body')).backgroundColor"
COLOUR = "(node, name) => getComputedStyle(node)[name]"
OUTSIDE = """
drawing => {
  const frame = drawing.getBoundingClientRect();
  return [...drawing.querySelectorAll("text")]
    .filter(text => {
      const place = text.getBoundingClientRect();
      return place.left < frame.left || place.right > frame.right || place.width === 0;
    })
    .map(text => text.textContent);
}
"""


@pytest.fixture
def evaluated(captured_copy: Path, tmp_path: Path) -> Path:
    """The tiny site, one example of which evaluates a thousand iterations."""
    project = open_project(captured_copy, packages=("tiny",))
    store, example = Store(project), discover(project)[0]
    capture, measurements = store.load(example), store.load_measurements(example)
    assert capture is not None
    assert measurements is not None
    span = SpanRecord(
        id=1,
        parent=None,
        kind=semconv.EVALUATE,
        name=f"{semconv.EVALUATE} Impact",
        concurrent=False,
        path="",
        function="",
        attributes={semconv.EVALUATION_RESULT: {"name": "Impact"}},
        error=None,
    )
    figures = Evaluation(
        name="Impact",
        memory_usages=(15.98776, *(0.4 + number % 7 / 50 for number in range(999))),
        growth=tuple(Growth(size=(-1) ** (number // 50) * 2_000_000, lines=()) for number in range(1000)),
    )
    recording = Recording(
        capture=dataclasses.replace(capture, spans=(span,)),
        measurements=dataclasses.replace(measurements, evaluations=(figures,)),
    )
    store.save(recording, measure=True)
    return build_site(captured_copy, tmp_path / "site").folder


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_bars_can_be_read(visit: Open, evaluated: Path, colours: str, width: int) -> None:
    """Texts are inside of the drawing on any screen; bars and texts differ from the page."""
    page = visit(f"file://{evaluated}/en/cookbook/01_first/hello.html", colours=colours, width=width)
    drawings = page.locator("figure.bars > svg")
    assert drawings.count() == 2
    for drawing in drawings.all():
        assert drawing.evaluate(OUTSIDE) == []
        behind = drawing.evaluate(BACKGROUND)
        assert drawing.locator("rect").first.evaluate(COLOUR, "fill") != behind
        assert drawing.locator("text").first.evaluate(COLOUR, "fill") != behind
    assert drawings.first.locator(".break").evaluate(COLOUR, "fill") == behind
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_bars_are_in_the_colours_of_the_page(visit: Open, evaluated: Path) -> None:
    """Bars and texts have other colours on light pages than on dark ones; a plot is an image with a name."""
    address = f"file://{evaluated}/zh/cookbook/01_first/hello.html"
    light, dark = (visit(address, colours=colours) for colours in ("light", "dark"))
    for part in ("rect", "text", ".break"):
        one, other = (page.locator(f"figure.bars {part}").first for page in (light, dark))
        assert one.evaluate(COLOUR, "fill") != other.evaluate(COLOUR, "fill")
    assert light.get_by_role("img", name="Impact").count() == 2
