"""The stages in order: examples → captures (`plan`, `capture`), and captures → pages (`check`, `pages`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agno_lite.exceptions import CaptureError, GalleryError, SourceError
from agno_lite.gallery import narrative, rendering
from agno_lite.gallery.analysis import SymbolIndex, analyse
from agno_lite.gallery.config import Project
from agno_lite.gallery.differences import differences
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.execution import runner, staleness
from agno_lite.gallery.records import LOCALES, Analysis, Capture, Change, Example, Measurements, Page, Symbol
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
class Problem:
    """Something that keeps a page from being right."""

    path: str
    """The file that is wrong, relative to the project."""
    message: str
    """What is wrong and what to do."""
    line: int | None = None
    """Where in the file, 1-based."""
    severity: str = "error"
    """`error`, or `warning` where the page is still right."""
    changes: tuple[Change, ...] = ()
    """What made a stale capture so."""


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
        for example in _chosen(project, paths)
    )
    return tuple(task for task in tasks if task.reasons or not only_stale)


def capture(
    project: Project,
    tasks: Sequence[Task],
    *,
    measure: bool = False,
    timeout: float = TIMEOUT,
) -> Iterator[Done]:
    """Run examples, one after the other, and keep what was recorded of each as soon as it ends.

    Args:
        project: the project.
        tasks: what to run.
        measure: renew measurements also where the facts stay as they are.
        timeout: seconds that each script may run.

    Raises:
        CaptureError: the recorder could not be started.
    """
    store = Store(project)
    for task in tasks:
        recording = runner.run(project, task.example, timeout=timeout)
        yield Done(
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
    for example in _chosen(project, paths):
        known = store.load(example)
        now = runner.run(project, example, timeout=timeout).capture
        missing: dict[str, tuple[str, ...]] = {"capture": ("there is none yet",)}
        yield Rerun(example=example, differences=differences(known, now) if known else missing)


def tidy(project: Project) -> None:
    """Delete what was kept beside the captures and none of them refers to any more."""
    Store(project).prune(discover(project))


def _chosen(project: Project, paths: Sequence[Path]) -> list[Example]:
    """The examples at or below the given paths."""
    examples = discover(project)
    if not paths:
        return list(examples)
    wanted: list[Example] = []
    for path in paths:
        place = path.resolve()
        found = [example for example in examples if (project.root / example.path).is_relative_to(place)]
        if not found:
            raise GalleryError(
                f"{path}: expected a script of {project.root / project.cookbook} or a folder of scripts, "
                f"found no example there; see what there is with: agno-lite gallery check"
            )
        wanted += [example for example in found if example not in wanted]
    return wanted


def _staleness(project: Project, store: Store, example: Example) -> tuple[str, ...]:
    """Why an example must be run; empty if it need not."""
    try:
        known = store.load(example)
    except CaptureError as error:
        return (str(error),)
    if known is None:
        return ("it was never captured",)
    return tuple(map(str, staleness.changes(project, known, store.definitions)))


def _failure(known: Capture) -> str | None:
    return known.failure or (f"exit status {known.exit_status}" if known.exit_status else None)


# --- captures → pages --------------------------------------------------------------------------


@dataclass(slots=True)
class _Book:
    """Everything known of a project's examples at one moment; makes their pages."""

    project: Project
    index: SymbolIndex
    entries: list[_Entry]

    @classmethod
    def open(cls, project: Project) -> _Book:
        index = SymbolIndex(project)
        store = Store(project)
        return cls(project, index, [_entry(project, store, index, example) for example in discover(project)])

    def edition(self, locale: str, *, directory_urls: bool = True) -> rendering.Edition:
        return rendering.Edition(
            project=self.project,
            texts=rendering.load_texts(self.project, locale),
            resolve=self.index.resolve,
            directory_urls=directory_urls,
        )

    def pages(self, edition: rendering.Edition) -> Iterator[Page]:
        """The pages of one language: examples, the first page of the gallery, the sources they link."""
        cards: list[rendering.Card] = []
        sources: set[str] = set()
        for entry in self.entries:
            example = entry.analysis.example
            text = self._expanded(entry, edition, rendering.example_uri(edition.locale, example))
            page = rendering.render_example(
                entry.analysis,
                entry.capture,
                entry.measurements,
                text.sections,
                edition,
                state=entry.state,
                cited=tuple(text.cited),
            )
            yield page
            summary = self._expanded(entry, edition, rendering.overview_uri(edition.locale))
            overview = summary.sections.get("overview", "")
            cards.append(rendering.Card(analysis=entry.analysis, capture=entry.capture, overview=overview))
            sources |= text.linked.union(page.sources) - set(example.narratives.values())
        yield rendering.render_overview(cards, edition)
        for path in sorted(sources):
            yield rendering.render_source(self.project, path, edition.locale)

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
        for other in self.entries:
            if other.analysis.example.path == path and other is not entry:
                return rendering.render_comparison(entry.known, other.known, edition, links)
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


def check(project: Project, paths: Sequence[Path] = ()) -> tuple[Problem, ...]:
    """Everything that keeps a page from being right, found without running anything.

    Stale and missing captures, runs that failed, names and values in narratives that do not hold,
    differences between the languages, missing translations.

    Args:
        project: the project.
        paths: scripts and folders to look at; if empty, the whole cookbook and the translations.

    Raises:
        GalleryError: a path holds no example.
    """
    chosen = {example.path for example in _chosen(project, paths)}
    try:
        book = _Book.open(project)
    except SourceError as error:
        return (_problem(error),)
    entries = [entry for entry in book.entries if entry.analysis.example.path in chosen]
    found = [problem for entry in entries for problem in _entry_problems(book, entry)]
    return tuple(found or (() if paths else _translation_problems(book)))


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
    remedy = f"run: agno-lite gallery capture {path}"
    if entry.analysis.error:
        yield Problem(path=path, message=f"the script cannot be read: {entry.analysis.error}")
    if entry.capture is None:
        yield Problem(path=path, message=f"it was never captured; {remedy}")
        return
    if entry.reasons:
        reasons = "; ".join(map(str, entry.reasons))
        message = f"its capture is stale: {reasons}; {remedy}"
        yield Problem(path=path, message=message, changes=entry.reasons)
    if failure := _failure(entry.capture):
        yield Problem(path=path, message=f"its recorded run failed: {failure}; see the output on its page")
    examples = [other.analysis.example.path for other in book.entries]
    for error in narrative.check(book.project, entry.analysis, book.index, *entry.known[1:], examples):
        yield _problem(error)


def _translation_problems(book: _Book) -> Iterator[Problem]:
    """Texts that pages show in the wrong language."""
    for locale in LOCALES:
        edition = book.edition(locale)
        _make_all(book, edition)
        texts = edition.texts
        path = book.project.relative(rendering.catalog_path(book.project, locale))
        for message in sorted(texts.missing & texts.asked):
            yield Problem(
                path=path,
                message=f"{message!r} has no translation, or one marked fuzzy; "
                "run: agno-lite gallery translations, then translate it",
            )
        for message in sorted(texts.missing - texts.asked):
            yield Problem(
                path=path, message=f"the gallery itself has no translation of {message!r}: report it"
            )


def _make_all(book: _Book, edition: rendering.Edition) -> None:
    """Make every page for what the edition's catalogue learns by it."""
    for _ in book.pages(edition):
        pass


def _problem(error: SourceError) -> Problem:
    message = str(error).removeprefix(f"{error.path}:{error.line}: ").removeprefix(f"{error.path}: ")
    return Problem(path=error.path, message=message, line=error.line)
