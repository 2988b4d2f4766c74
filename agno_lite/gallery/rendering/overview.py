"""The gallery's first page: every example, by topic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from agno_lite.gallery.records import Page, topic_title
from agno_lite.gallery.rendering.escape import code, inline, text
from agno_lite.gallery.rendering.links import example_uri, overview_uri
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.records import Analysis, Capture
    from agno_lite.gallery.rendering.edition import Edition
    from agno_lite.gallery.rendering.links import Links

_SENTENCE = re.compile(
    r"(?:(?>(?P<ticks>`+).+?(?<!`)(?P=ticks)(?!`)|<code>.*?</code>|\[[^\[\]]*\]\([^()]*\)|.))+?"
    r"(?:[.!?](?=\s|$)|[。！？]|$)",
    re.DOTALL,
)
"""Code and links are passed over whole: a full stop inside of them ends no sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the first page says of an example."""

    analysis: Analysis
    """The example."""
    capture: Capture | None
    """Its run, `None` if there is none."""
    overview: str
    """Its narrative's overview in the page's language, expanded; or empty."""


def render_overview(cards: Sequence[Card], edition: Edition) -> Page:
    """Make the first page of the gallery in one language.

    Args:
        cards: the examples, in the order of the site.
        edition: the language.
    """
    uri = overview_uri(edition.locale)
    links = edition.links(uri)
    title = edition.texts.gettext("Cookbook")
    topics = [
        (text(topic_title(topic)), [_card(card, edition, links) for card in group])
        for topic, group in groupby(cards, key=lambda card: card.analysis.example.topic)
    ]
    markdown = edition.render("overview.md", title=text(title), topics=topics)
    sources = tuple(card.analysis.example.path for card in cards)
    return Page(uri=uri, locale=edition.locale, title=title, markdown=markdown + "\n", sources=sources)


def _card(card: Card, edition: Edition, links: Links) -> dict[str, object]:
    example = card.analysis.example
    spans = card.capture.spans if card.capture else ()
    users = {span.attributes.get(semconv.USER_ID) for span in spans if span.kind == semconv.INVOKE_AGENT}
    page = links.page(example_uri(edition.locale, example))
    return {
        "link": f"[{code(f'{example.name}.py')}]({page})",
        "summary": summary(card, edition).replace("](#", f"]({page}#"),  # links to the example's sections
        "requests": len(card.capture.exchanges) if card.capture else None,
        "users": len(users - {None}),
    }


def summary(card: Card, edition: Edition) -> str:
    """The first sentence on an example, on one line: of its narrative, else of its docstring."""
    if card.overview.strip():
        return _first_sentence(card.overview)
    docstring = edition.texts.translate(card.analysis.docstring.strip())
    return inline(_first_sentence(docstring)) if docstring else ""


def _first_sentence(markdown: str) -> str:
    paragraph = " ".join(markdown.strip().partition("\n\n")[0].split())
    found = _SENTENCE.match(paragraph)
    return found[0] if found else ""
