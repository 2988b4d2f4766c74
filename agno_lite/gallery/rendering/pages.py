"""An example's page, from its facts to Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from agno_lite.gallery.records import Page
from agno_lite.gallery.rendering import sections as made
from agno_lite.gallery.rendering.edition import Context
from agno_lite.gallery.rendering.escape import code, text
from agno_lite.gallery.rendering.links import example_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agno_lite.gallery.records import Analysis, Capture, Measurements, Symbol
    from agno_lite.gallery.rendering.edition import Edition

State = Literal["fresh", "stale", "absent"]

SECTIONS: tuple[tuple[str, str, Callable[[Context], str] | None], ...] = (
    ("overview", "Overview", made.overview),
    ("configuration", "Configuration at a glance", made.configuration),
    ("architecture", "Architecture layers", made.architecture),
    ("components", "Key components", made.components),
    ("system-prompt", "System prompt assembly", made.system_prompt),
    ("api-requests", "Complete API requests", made.api_requests),
    ("output", "Output", made.output),
    ("storage", "Storage after the run", made.storage),
    ("results", "Evaluation results", made.results),
    ("flowchart", "Flowchart", made.flowchart),
    ("comparison", "Comparison", None),
    ("source-index", "Key source files", made.source_index),
    ("source", "Full source", made.source),
)
"""Id, English title and maker of each section, in the order of the page. Without a maker: narrative only."""

_REPLACED = frozenset({"overview", "components"})
"""Sections whose generated text stands in for a narrative, and goes when there is one."""


def render_example(
    analysis: Analysis,
    capture: Capture | None,
    measurements: Measurements | None,
    narrative: Mapping[str, str],
    edition: Edition,
    *,
    state: State = "fresh",
    cited: tuple[Symbol, ...] = (),
) -> Page:
    """Make the page of an example in one language.

    Args:
        analysis: what is known without running.
        capture: facts of the run, `None` if there are none.
        measurements: figures of the run, `None` if there are none.
        narrative: hand-written text by section id, expanded: Markdown that is put in as it is.
        edition: the language.
        state: whether the capture is of the code as it is now.
        cited: symbols that the narrative names, in order.
    """
    uri = example_uri(edition.locale, analysis.example)
    links = edition.links(uri)
    context = Context(
        edition=edition,
        links=links,
        analysis=analysis,
        capture=capture,
        measurements=measurements,
        cited=cited,
    )
    title = edition.texts.gettext("%(name)s.py — How it works", name=analysis.example.name)
    markdown = edition.render(
        "example.md",
        title=text(title),
        source=f"[{code(analysis.example.path)}]({links.source(analysis.example.path)})",
        models=_models(context),
        status=_status(context, "absent" if capture is None else state),
        version=_version(context),
        sections=_sections(context, narrative),
    )
    sources = {analysis.example.path, *analysis.example.narratives.values(), *links.paths}
    return Page(
        uri=uri, locale=edition.locale, title=title, markdown=markdown + "\n", sources=tuple(sorted(sources))
    )


def _sections(context: Context, narrative: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Id, title and content of the sections that have any."""
    found = []
    for section, title, make in SECTIONS:
        prose = narrative.get(section, "").strip()
        made_here = make is not None and not (prose and section in _REPLACED)
        generated = make(context).strip("\n") if make is not None and made_here else ""
        content = "\n\n".join(part for part in (prose, generated) if part)
        if content:
            found.append((section, text(context.say(title)), content))
    return found


def _models(context: Context) -> str:
    """Which model answered, in a sentence; empty if none was asked."""
    models = context.facts.models() if context.facts else {}
    if not models:
        return ""
    names = ", ".join(code(model) for model in models)
    if all(models.values()):
        return context.say(
            "No language model was asked. The built-in offline model answered in place of %(models)s. It "
            "follows fixed rules and understands nothing: its answers show how the program works, not how "
            "good a model is.",
            models=names,
        )
    if any(models.values()):
        return context.say(
            "Some of these models were stood in for by the built-in offline model, which follows fixed "
            "rules: %(models)s.",
            models=names,
        )
    return context.say("The answers on this page are recorded answers of %(models)s.", models=names)


def _status(context: Context, state: State) -> list[str]:
    """What a reader must know before believing the page: sentences, worst first."""
    notes = []
    if context.analysis.error:
        notes.append(context.say("The script cannot be read: %(error)s.", error=text(context.analysis.error)))
    if state == "absent":
        notes.append(
            context.say("This example has not been run: what only a run can tell is not on this page.")
        )
    if state == "stale":
        notes.append(
            context.say("The code has changed since this run was recorded: facts may be out of date.")
        )
    if context.capture and (context.capture.failure or context.capture.exit_status):
        notes.append(context.say("The recorded run failed: %(reason)s.", reason=_reason(context)))
    return notes


def _reason(context: Context) -> str:
    capture = context.capture
    assert capture is not None
    return text(capture.failure or context.say("exit status %(status)s", status=capture.exit_status))


def _version(context: Context) -> str:
    project, commit = context.edition.project, context.say("commit")
    parts = [
        f"{text(project.packages[0])} {text(project.version)}" if project.version else "",
        f"{commit} {code(project.commit)}" if project.commit else "",
    ]
    return ", ".join(part for part in parts if part)
