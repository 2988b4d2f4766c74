"""Flowchart: what the script did, from its first call to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.diagram import Diagram, draw
from agno_lite.gallery.rendering.sections.flowchart.chart import Chart
from agno_lite.gallery.rendering.sections.flowchart.inside import Inside
from agno_lite.gallery.rendering.sections.flowchart.storage import Storage
from agno_lite.gallery.rendering.sections.flowchart.trunk import draw_trunk

if TYPE_CHECKING:
    from agno_lite.gallery.rendering.edition import Context


def flowchart(context: Context) -> str:
    """The script's own flow with what happens inside of its runs; at most 40 boxes, each with a link."""
    facts = context.facts
    if facts is None or not (facts.runs or facts.evaluations):
        return ""
    chart = Chart(context, facts)
    # First what has its bounds, so that the flow knows how many boxes are left to it.
    inside = Inside(chart)
    storage = Storage(chart)
    draw_trunk(chart, storage)
    inside.connect()
    storage.connect(inside)
    diagram = Diagram(
        title=context.say("Flow of %(name)s", name=context.analysis.example.name),
        description=context.say(
            "From the script's first call over %(runs)s to its result. The text below says the same.",
            runs=chart.count_runs(len(facts.runs)),
        ),
        nodes=(*chart.nodes, *chart.inner),
        edges=tuple(chart.edges),
    )
    return draw(context, diagram)
