"""The sections of an example's page, each a function from its context to Markdown.

A section that the example has nothing for is the empty string.
"""

from agno_lite.gallery.rendering.sections.aftermath import output, storage
from agno_lite.gallery.rendering.sections.architecture import architecture
from agno_lite.gallery.rendering.sections.code import components, overview, source, source_index
from agno_lite.gallery.rendering.sections.configuration import configuration
from agno_lite.gallery.rendering.sections.evaluation import results
from agno_lite.gallery.rendering.sections.flowchart import flowchart
from agno_lite.gallery.rendering.sections.prompt import system_prompt
from agno_lite.gallery.rendering.sections.requests import api_requests

__all__ = [
    "api_requests",
    "architecture",
    "components",
    "configuration",
    "flowchart",
    "output",
    "overview",
    "results",
    "source",
    "source_index",
    "storage",
    "system_prompt",
]
