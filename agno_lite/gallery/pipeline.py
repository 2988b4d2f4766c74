"""The stages in order: examples → captures (`plan`, `capture`), and captures → pages (`examine`, `pages`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from agno_lite.exceptions import CaptureError, SourceError
from agno_lite.gallery import narrative, rendering
from agno_lite.gallery.analysis import SymbolIndex, analyse, locate
from agno_lite.gallery.config import Project
from agno_lite.gallery.differences import differences
from agno_lite.gallery.discovery import choose, discover
from agno_lite.gallery.execution import child, runner, staleness
from agno_lite.gallery.records import (
    LOCALES,
    Analysis,
    Capture,
    Change,
    Examination,
    Example,
    Measurements,
    Page,
    Problem,
    Recording,
    Symbol,
)
from agno_lite.gallery.store import Store

TIMEOUT = 120.0
"""Seconds that a script may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An example that is to be run."""

    example: Example
    """Which one."""
    reasons: tuple[str, ...]
    """Why, in plain words: what changed since it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An example that was run."""

    example: Example
    """Which one."""
    changed: bool
    """Whether its facts are others than before."""
    failure: str | None
    """How it failed, `None` if it ended well."""
    duration: float
    """Seconds that the script took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """An example that was run to be compared; nothing of it was kept."""

    example: Example
    """Which one."""
    differences: dict[str, tuple[str, ...]]
    """How its facts differ from those that are kept, by section; empty if they are the same."""


# --- examples → captures -----------------------------------------------------------------------


def plan(project: Project, paths: Sequence[Path] = (), *, only_stale: bool = True) -> tuple[Task, ...]:
    """Which examples are to be run, and why. Runs nothing.

    Args:
        project: the project.
        paths: scripts and folders to choose from; the whole cookbook if empty.
        only_stale: leave out those whose captures are as the code is now.

    Raises:
        GalleryError: a path holds no example.
    """
    store = Store(project)
    tasks = (
        Task(example=example, reasons=_staleness(project, store, example))
        for example in choose(project, paths)
    )
    return tuple(task for task in tasks if task.reasons or not only_stale)


def capture(
    project: Project,
    tasks: Sequence[Task],
    *,
    measure: bool = False,
    timeout: float = TIMEOUT,
    jobs: int | None = None,
) -> Iterator[Done]:
    """Run examples side by side, and keep what was recorded of each as soon as it is complete.

    Evaluations are run once more for their figures, one after the other when nothing else runs.

    Args:
        project: the project.
        tasks: what to run.
        measure: renew measurements also where the facts stay as they are.
        timeout: seconds that each script may run.
        jobs: how many run at the same time; as many as there are processors if not given.

    Raises:
        CaptureError: the recorder could not be started, or an evaluation does something else each time.
    """
    store = Store(project)
    evaluations: list[tuple[Task, Recording]] = []
    with child.side_by_side(jobs or os.cpu_count() or 1) as executor:
        futures = {
            executor.submit(runner.run, project, task.example, timeout=timeout): task for task in tasks
        }
        for future in as_completed(futures):
            task, recording = futures[future], future.result()
            if recording.capture.evaluates and (measure or store.wants_measurements(recording)):
                evaluations.append((task, recording))
            else:
                yield _kept(store, task, recording, measure=measure)
    for task, recording in evaluations:
        figures = runner.measure(project, recording, timeout=timeout)
        yield _kept(store, task, figures, measure=measure)


def _kept(store: Store, task: Task, recording: Recording, *, measure: bool) -> Done:
    """Keep a recording, and say what came of it."""
    return Done(
        example=task.example,
        changed=store.save(recording, measure=measure),
        failure=_failure(recording.capture),
        duration=recording.measurements.duration,
    )


def rerun(project: Project, paths: Sequence[Path] = (), *, timeout: float = TIMEOUT) -> Iterator[Rerun]:
    """Run examples, fresh ones too, and say how their facts differ from those that are kept. Keeps nothing.

    Args:
        project: the project.
        paths: scripts and folders to choose from; the whole cookbook if empty.
        timeout: seconds that each script may run.

    Raises:
        GalleryError: a path holds no example, or a capture cannot be read.
        CaptureError: the recorder could not be started.
    """
    store = Store(project)
    for example in choose(project, paths):
        known = store.load(example)
        now = runner.run(project, example, timeout=timeout).capture
        missing: dict[str, tuple[str, ...]] = {"capture": ("there is none yet",)}
        yield Rerun(example=example, differences=differences(known, now) if known else missing)


def tidy(project: Project) -> None:
    """Delete what was kept beside the captures and none of them refers to any more."""
    Store(project).prune(discover(project))


def _staleness(project: Project, store: Store, example: Example) -> tuple[str, ...]:
    """Why an example must be run; empty if it need not."""
    try:
        known = store.load(example)
    except CaptureError as error:
        return (str(error),)
    if known is None:
        return ("it was never captured",)
    if store.load_measurements(example) is None:
        return ("its measurements are missing",)
    return tuple(map(str, staleness.changes(project, known, store.definitions)))


def _failure(known: Capture) -> str | None:
    return known.failure or (f"exit status {known.exit_status}" if known.exit_status else None)


# --- captures → pages --------------------------------------------------------------------------


@dataclass(slots=True)
class _Book:
    """Everything known of a project's examples at one moment; makes their pages."""

    project: Project
    index: SymbolIndex
    examples: tuple[Example, ...]
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _texts: dict[str, rendering.Texts] = field(default_factory=dict)

    @classmethod
    def open(cls, project: Project) -> _Book:
        return cls(project, SymbolIndex(project), discover(project))

    @property
    def entries(self) -> Iterator[_Entry]:
        return map(self.entry, self.examples)

    def entry(self, example: Example) -> _Entry:
        """What is known of one example, found out when it is first asked for."""
        if example.path not in self._entries:
            self._entries[example.path] = _entry(self.project, Store(self.project), self.index, example)
        return self._entries[example.path]

    def edition(self, locale: str, *, directory_urls: bool = True) -> rendering.Edition:
        """An edition that has shown no text yet."""
        if locale not in self._texts:
            self._texts[locale] = rendering.load_texts(self.project, locale)
        return rendering.Edition(
            project=self.project,
            texts=replace(self._texts[locale], asked=set(), missing=set()),
            resolve=self.index.resolve,
            locate=partial(locate, self.index),
            directory_urls=directory_urls,
        )

    def pages(self, edition: rendering.Edition) -> Iterator[Page]:
        """The pages of one language: examples, the first page of the gallery, the sources they link."""
        cards: list[rendering.Card] = []
        sources: set[str] = set()
        for entry in self.entries:
            page, linked = self.page(entry, edition)
            yield page
            cards.append(self.card(entry, edition))
            sources |= linked.union(page.sources) - set(entry.analysis.example.narratives.values())
        yield rendering.render_overview(cards, edition)
        for path in sorted(sources):
            yield rendering.render_source(self.project, path, edition.locale)

    def page(self, entry: _Entry, edition: rendering.Edition) -> tuple[Page, set[str]]:
        """The page of an example, and the source files that its narrative links."""
        text = self._expanded(entry, edition, rendering.example_uri(edition.locale, entry.analysis.example))
        page = rendering.render_example(
            entry.analysis,
            entry.capture,
            entry.measurements,
            text.sections,
            edition,
            state=entry.state,
            cited=tuple(text.cited),
        )
        return page, text.linked

    def card(self, entry: _Entry, edition: rendering.Edition) -> rendering.Card:
        """What the first page of the gallery says of an example."""
        summary = self._expanded(entry, edition, rendering.overview_uri(edition.locale))
        overview = summary.sections.get("overview", "")
        return rendering.Card(analysis=entry.analysis, capture=entry.capture, overview=overview)

    def _expanded(self, entry: _Entry, edition: rendering.Edition, uri: str) -> _Text:
        """The narrative of an example in one language, as Markdown for the page at `uri`."""
        links = edition.links(uri)
        text = _Text(linked=links.paths)
        path = entry.analysis.example.narratives.get(edition.locale)
        if path is None:
            return text
        values = narrative.namespace(entry.capture, entry.measurements) if entry.capture else None
        for identifier, section in narrative.load(self.project, path).sections.items():
            context = narrative.ExpansionContext(
                path=path,
                names=self._names(entry),
                link=links.symbol,
                values=values,
                gettext=edition.texts.gettext,
                compare=partial(self._compared, entry, edition, links),
                section=identifier,
                cited=text.cited,
            )
            text.sections[identifier] = narrative.expand(section.text, context, line=section.line)
        return text

    def _compared(
        self, entry: _Entry, edition: rendering.Edition, links: rendering.Links, path: str
    ) -> str | None:
        """The table of an example and the one at `path`, if that is another."""
        for other in self.examples:
            if other.path == path and other != entry.analysis.example:
                return rendering.render_comparison(entry.known, self.entry(other).known, edition, links)
        return None

    def _names(self, entry: _Entry) -> narrative.Names:
        return narrative.Names(
            project=self.project, index=self.index, analysis=entry.analysis, capture=entry.capture
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An example and what is known of it."""

    analysis: Analysis
    capture: Capture | None
    measurements: Measurements | None
    reasons: tuple[Change, ...]
    """Why its capture is stale; empty if it is fresh or there is none."""

    @property
    def known(self) -> tuple[Analysis, Capture | None, Measurements | None]:
        return self.analysis, self.capture, self.measurements

    @property
    def state(self) -> rendering.State:
        if self.capture is None:
            return "absent"
        return "stale" if self.reasons else "fresh"


@dataclass(slots=True, kw_only=True)
class _Text:
    """A narrative in one language, expanded."""

    linked: set[str]
    """Source files that it links."""
    sections: dict[str, str] = field(default_factory=dict)
    """Markdown by section id."""
    cited: list[Symbol] = field(default_factory=list)
    """Symbols that it names, in order."""


def _entry(project: Project, store: Store, index: SymbolIndex, example: Example) -> _Entry:
    known = store.load(example)
    return _Entry(
        analysis=analyse(project, example, known, index),
        capture=known,
        measurements=store.load_measurements(example),
        reasons=() if known is None else staleness.changes(project, known, store.definitions),
    )


def pages(project: Project, *, use_directory_urls: bool = True) -> tuple[Page, ...]:
    """Every generated page of the site, in all languages. Runs nothing.

    Args:
        project: the project.
        use_directory_urls: whether the site has a folder for each page.

    Raises:
        GalleryError: a capture or narrative cannot be used; the message names file and line.
    """
    book = _Book.open(project)
    return tuple(
        page
        for locale in LOCALES
        for page in book.pages(book.edition(locale, directory_urls=use_directory_urls))
    )


def examine(project: Project, examples: Iterable[Example]) -> Iterator[Examination]:
    """What keeps the pages of examples from being right, apart from stale and missing captures. Runs nothing.

    Runs that failed, names and values in narratives that do not hold, differences between
    the languages, missing translations.
    """
    book = _Book.open(project)
    for example in examples:
        try:
            entry = book.entry(example)
            problems = tuple(_entry_problems(book, entry))
            known = problems or entry.capture is None
            yield Examination(problems=problems) if known else _translated(book, entry)
        except SourceError as error:
            yield Examination(problems=(_problem(error),))


def translations(project: Project) -> tuple[Path, ...]:
    """Bring the catalogues in step with the texts that the pages show, and say which files these are.

    Raises:
        GalleryError: a page cannot be made.
    """
    book = _Book.open(project)
    changed = []
    for locale in LOCALES:
        if locale != rendering.SOURCE_LOCALE:
            edition = book.edition(locale)
            _make_all(book, edition)
            changed.append(rendering.update_catalog(project, locale, edition.texts.asked))
    return tuple(changed)


def _entry_problems(book: _Book, entry: _Entry) -> Iterator[Problem]:
    path = entry.analysis.example.path
    if entry.analysis.error:
        yield Problem(path=path, message=f"the script cannot be read: {entry.analysis.error}")
    if entry.capture is None:
        return
    if failure := _failure(entry.capture):
        yield Problem(path=path, message=f"its recorded run failed: {failure}; see the output on its page")
    examples = [other.path for other in book.examples]
    for error in narrative.check(book.project, entry.analysis, book.index, *entry.known[1:], examples):
        yield _problem(error)


def _translated(book: _Book, entry: _Entry) -> Examination:
    """Texts that the pages of an example show in the wrong language."""
    untranslated, missing = {}, {}
    for locale in LOCALES:
        edition = book.edition(locale)
        book.page(entry, edition)
        rendering.render_overview([book.card(entry, edition)], edition)
        texts = edition.texts
        untranslated[locale] = tuple(sorted(texts.missing & texts.asked))
        missing[locale] = tuple(sorted(texts.missing - texts.asked))
    return Examination(problems=(), untranslated=untranslated, missing=missing)


def _make_all(book: _Book, edition: rendering.Edition) -> None:
    """Make every page for what the edition's catalogue learns by it."""
    for _ in book.pages(edition):
        pass


def _problem(error: SourceError) -> Problem:
    message = str(error).removeprefix(f"{error.path}:{error.line}: ").removeprefix(f"{error.path}: ")
    return Problem(path=error.path, message=message, line=error.line)
