"""Two examples side by side, from the facts and measurements of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.edition import Context
from agno_lite.gallery.rendering.escape import code, text
from agno_lite.gallery.rendering.links import example_uri
from agno_lite.gallery.rendering.sections.configuration import way_of_running
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.gallery.records import Analysis, Capture, Measurements
    from agno_lite.gallery.rendering.edition import Edition
    from agno_lite.gallery.rendering.facts import Facts
    from agno_lite.gallery.rendering.links import Links

Known = tuple["Analysis", "Capture | None", "Measurements | None"]
"""An example, and its run as far as there is one."""


def render_comparison(here: Known, other: Known, edition: Edition, links: Links) -> str:
    """A table of two examples, a column each, in the order of their paths; each column leads to its page.

    Args:
        here: the example whose page the table stands on.
        other: the one that it is compared with.
        edition: the language.
        links: links from the page that the table stands on.
    """
    several = sorted((here, other), key=lambda known: known[0].example.path)
    contexts = [
        Context(edition=edition, links=links, analysis=analysis, capture=capture, measurements=measurements)
        for analysis, capture, measurements in several
    ]
    columns = [_column(context) for context in contexts]
    rows = [(text(title), *(column[title] for column in columns)) for title in columns[0]]
    head = [text(edition.texts.gettext("Compared")), *(_title(context, here[0]) for context in contexts)]
    return edition.render("comparison.md", head=head, rows=rows)


def _title(context: Context, here: Analysis) -> str:
    example = context.analysis.example
    name = code(f"{example.name}.py")
    if example.path == here.example.path:
        return f"{name} ({text(context.say('this page'))})"
    return f"[{name}]({context.links.page(example_uri(context.edition.locale, example))})"


def _column(context: Context) -> dict[str, str]:
    """What is said of one example, by the title of the row; a dash where that is not known."""
    say = context.say
    return {
        say("Way of running"): way_of_running(context) if context.facts else "—",
        say("Users"): _counted(context, lambda facts: len(facts.users)),
        say("Turns"): _counted(context, lambda facts: len(facts.runs)),
        say("Requests to models"): _counted(context, lambda facts: len(facts.capture.exchanges)),
        say("Memory updates"): _counted(context, _updates),
        say("Memories stored"): _counted(context, _stored),
        say("Requests at once, at most, as measured"): _measured(
            context, lambda found: str(found.most_at_once)
        ),
        say("All requests added up, as measured"): _measured(context, lambda found: f"{found.waited:.2f} s"),
        say("From the first request to the last answer, as measured"): _measured(
            context, lambda found: f"{found.exchanging:.2f} s"
        ),
        say("Duration, as measured"): _measured(context, lambda found: f"{found.duration:.2f} s"),
    }


def _counted(context: Context, count: Callable[[Facts], int]) -> str:
    return str(count(context.facts)) if context.facts else "—"


def _measured(context: Context, figure: Callable[[Measurements], str]) -> str:
    return figure(context.measurements) if context.measurements else "—"


def _updates(facts: Facts) -> int:
    return sum(span.kind == semconv.UPDATE_MEMORY for span in facts.capture.spans)


def _stored(facts: Facts) -> int:
    return sum(len(facts.memories(user)) for user in facts.users)
