"""What the stages of the gallery hand to each other.

All records are frozen; paths are relative to the project and written with `/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from agno_lite.tracing import semconv

JSON = dict[str, Any]

LOCALES = ("zh", "en")
"""Languages of the site; the first one is shown to a reader who has not chosen."""


SECTION_IDS = (
    "overview",
    "configuration",
    "architecture",
    "components",
    "system-prompt",
    "api-requests",
    "output",
    "storage",
    "results",
    "flowchart",
    "comparison",
    "source-index",
    "source",
)
"""Sections that a page may have, in its order; their ids are the same in every language."""


# --- discovery -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A script of the cookbook."""

    path: str
    """The script: `cookbook/11_memory/05_multi_user_multi_session_chat.py`."""
    narratives: dict[str, str]
    """Its hand-written text by language: `{"zh": "cookbook/…/NAME.zh.md", …}`; missing ones left out."""

    @property
    def name(self) -> str:
        """File name without suffix."""
        return self.path.rsplit("/", 1)[-1].removesuffix(".py")

    @property
    def topic(self) -> str:
        """Path of its folder inside the cookbook: `11_memory`, `09_evals/performance`."""
        return self.path.split("/", 1)[1].rsplit("/", 1)[0]


def topic_title(topic: str) -> str:
    """`09_evals/performance` as a reader sees it: `Evals · Performance`."""
    words = (re.sub(r"^\d+_", "", part).replace("_", " ") for part in topic.split("/"))
    return " · ".join(word[:1].upper() + word[1:] for word in words)


# --- execution: facts ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Everything that a capture depended on. It is fresh as long as all of it is as it was."""

    script: str
    """Hash of the script's skeleton, and of the calls in it that construct objects."""
    modules: dict[str, str]
    """Hash of each imported project module's skeleton (everything but function bodies), by path."""
    functions: dict[str, dict[str, str]]
    """Hash of the body of each function entered: `{path: {qualified name: hash}}`."""
    files: dict[str, str]
    """Hash of the bytes of each project file read that is not a module, and of the names in each folder
    listed (`/` at its end); `present` if it was only looked for, `absent` if it was not there."""
    packages: dict[str, str]
    """Version of each third-party distribution imported."""
    environment: dict[str, str | None] = field(default_factory=dict)
    """Value of each declared environment variable, `None` if it was not set."""
    definitions: dict[str, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)
    """What each skeleton defines: `{hash: {name: value, or hash of a long one}}`. Kept once for all captures:
    one that is loaded has it empty, see `Store.definitions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One reason for which a capture is stale."""

    kind: str
    """What changed: `script`, `definition`, `body`, `docstring`, `module`, `file`, `folder`, `package` or
    `environment`."""
    name: str
    """Full name of the symbol, path of the file, name of the package or of the variable."""
    path: str
    """The file that it is in; empty if in none of the project."""
    text: str
    """All of it in plain words: `agno_lite.run.prompt.LIMIT changed: 3 → 4`."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """A span of the runtime, in canonical order: children of a concurrent span are sorted by content."""

    id: int
    """Position in the canonical order, from 1."""
    parent: int | None
    """The span around it."""
    kind: str
    """Operation, of `agno_lite.tracing.semconv`."""
    name: str
    """Operation and object: `invoke_agent Chat`."""
    concurrent: bool
    """Whether its children may overlap by construction."""
    path: str
    """Source file of the function that opened it; empty if outside the project."""
    function: str
    """Qualified name of that function inside its file: `Agent.arun`."""
    attributes: JSON
    """OpenTelemetry attributes; volatile values replaced by numbered placeholders such as `<uuid:1>`."""
    error: str | None
    """`Type: message` of the exception that left it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP request to a model and its answer, as they were on the wire."""

    id: int
    """Number on the page, from 1, in canonical order."""
    span: int | None
    """The span inside which it was sent."""
    method: str
    """HTTP method."""
    path: str
    """Path of the URL, for example `/v1/chat/completions`; host and query left out."""
    status: int | None
    """HTTP status; `None` if no answer came."""
    streamed: bool
    """Whether the answer came as server-sent events."""
    request: str
    """Key of the request's body in `Capture.bodies`."""
    response: str
    """Key of the answer's body in `Capture.bodies`; of a streamed answer the list of its events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstructedObject:
    """An object that the script made by calling a class it imports."""

    site: int
    """Which call: index in `agno_lite.gallery.syntax.construction_sites(tree)`."""
    cls: str
    """Module and qualified name of the class: `agno_lite.agent.agent.Agent`."""
    arguments: dict[str, str]
    """What was passed, by parameter (positional ones named too): `repr`, or the text shown for an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStorage:
    """What the database holds of one user after the run."""

    rows: dict[str, int]
    """Number of the user's rows by table."""
    memories: tuple[str, ...]
    """The user's memories, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What the database holds after the run."""

    tables: dict[str, int]
    """Number of rows by table."""
    users: dict[str, UserStorage]
    """The same by user id, in order of the ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Facts of one run. Deterministic: running again gives an equal record."""

    example: str
    """Path of the script."""
    dependencies: Dependencies
    """What decides whether the capture is stale."""
    exit_status: int | None
    """Exit status of the process; `None` if it was stopped, see `failure`."""
    failure: str | None
    """Why it did not end by itself: `timed out after 60 s`, `killed by SIGKILL`; `None` if it did."""
    stdout: str
    """Standard output, with colours as ANSI sequences."""
    stderr: str
    """Standard error."""
    spans: tuple[SpanRecord, ...]
    """In canonical order, parents before children."""
    exchanges: tuple[Exchange, ...]
    """Requests on the wire, in canonical order."""
    bodies: dict[str, Any]
    """JSON bodies of requests and answers, each once, by hash."""
    entered: tuple[str, ...]
    """Functions entered, `path::qualified name`, in a stable order of first call."""
    objects: tuple[ConstructedObject, ...]
    """Objects that the script constructed, in order of construction sites."""
    storage: Storage | None
    """Rows after the run; `None` if the script used no PostgreSQL."""

    @property
    def evaluates(self) -> bool:
        """Whether the script evaluated something, and came to a result."""
        return any(semconv.EVALUATION_RESULT in span.attributes for span in self.spans)


# --- execution: measurements -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When something happened, in seconds since the script began."""

    start: float
    """Its beginning."""
    duration: float
    """How long it took."""

    @property
    def changes(self) -> tuple[tuple[float, int], tuple[float, int]]:
        """When one more was under way, and when one less."""
        return (self.start, 1), (self.start + self.duration, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A line of code that holds more memory after an iteration than before."""

    path: str
    """Its file: relative to the project or, outside of it, to where packages are installed."""
    line: int
    """1-based line at the time of the measurement."""
    function: str
    """Qualified name of the function around it; empty at module level and outside of the project."""
    text: str
    """What stood on that line, without indentation; empty outside of the project. Finds a line that moved."""
    size: int
    """How many bytes more."""
    count: int
    """How many blocks of memory more; negative if they became fewer and larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What one iteration of an evaluation left in memory."""

    size: int
    """Bytes of all lines together; negative if it freed more than it left."""
    lines: tuple[Allocation, ...]
    """The lines that grew most, the largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one evaluation, from a run that nothing recorded."""

    name: str
    """What was evaluated."""
    run_times: tuple[float, ...] = ()
    """Seconds of each iteration of the runtime pass; empty if there was none."""
    memory_usages: tuple[float, ...] = ()
    """MiB of each iteration of the memory pass at its peak; empty if there was none."""
    growth: tuple[Growth, ...] = ()
    """What each iteration of the memory pass left, if growth was tracked."""
    statistics: dict[str, dict[str, float]] = field(default_factory=dict)
    """`mean`, `minimum`, `maximum`, `standard_deviation`, `median` and `percentile_95`, of `runtime` in
    seconds and of `memory` in MiB; a pass that was not made is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What varies from run to run. Never decides whether a page is stale."""

    example: str
    """Path of the script."""
    duration: float
    """Wall time of the script in seconds, without start-up of the interpreter."""
    peak_memory: int
    """Greatest resident size of the process, in bytes."""
    spans: dict[int, Timing] = field(default_factory=dict)
    """By `SpanRecord.id`."""
    exchanges: dict[int, Timing] = field(default_factory=dict)
    """By `Exchange.id`."""
    evaluations: tuple[Evaluation, ...] = ()
    """Figures of the script's evaluations, in the order in which they ended."""
    stdout: str | None = None
    """What the run printed that the evaluations' figures are from; `None` without evaluations."""
    stderr: str | None = None
    """What it printed to standard error."""

    @property
    def most_at_once(self) -> int:
        """Greatest number of requests that were under way at the same time."""
        # An end comes before a beginning at the same moment: the two did not overlap.
        changes = sorted((moment, step) for one in self.exchanges.values() for moment, step in one.changes)
        return max(accumulate((step for _, step in changes), initial=0))

    @property
    def waited(self) -> float:
        """Seconds that requests took, added up."""
        return sum(timing.duration for timing in self.exchanges.values())

    @property
    def exchanging(self) -> float:
        """Seconds from the first request to the last answer."""
        ends = [timing.start + timing.duration for timing in self.exchanges.values()]
        return max(ends) - min(timing.start for timing in self.exchanges.values()) if ends else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run of an example: what is the same each time, and what is not."""

    capture: Capture
    """The facts."""
    measurements: Measurements
    """What varies from run to run."""


# --- references ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A class, function, method, attribute, parameter or module of the project, with its place."""

    name: str
    """Dotted path: `agno_lite.agent.agent.Agent.arun`; a parameter's is `….Agent(update_memory_on_run)`."""
    kind: str
    """griffe's kind: `module`, `class`, `function`, `attribute`; or `parameter`."""
    path: str
    """Its file."""
    line: int
    """First line of its definition, 1-based, decorators included."""
    end_line: int
    """Last line of its definition."""
    summary: str
    """First sentence of its docstring, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the project something stands now that was somewhere when it was measured."""

    path: str
    """Its file."""
    line: int | None = None
    """1-based line; `None` if only the file is left."""
    exact: bool = False
    """Whether that is the very line, and not the beginning of the function that it was in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A parameter of an object that the script constructs."""

    name: str
    """Name of the parameter."""
    source: str | None
    """Source text of what is passed, `None` if it is left at its default."""
    value: str | None
    """What it was in the run: from the capture if passed, else the default's source text."""
    read: bool
    """For one left at its default: whether a function that the run entered reads it."""
    symbol: Symbol | None
    """The parameter's definition and first docstring sentence; `None` if it is not in the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectConfiguration:
    """All settings of one object that the script constructs."""

    site: int
    """Which construction site."""
    line: int
    """Line of the call in the script."""
    cls: str
    """Name of the class as the script writes it: `Agent`."""
    variable: str | None
    """Name that the object is bound to, `None` if it is an argument or not bound."""
    symbol: Symbol | None
    """The class; `None` if it is not in the project."""
    settings: tuple[Setting, ...]
    """Passed ones in the order of the call, then defaults in the order of the signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What can be known of an example without running it, with the run's values put in."""

    example: Example
    """The example."""
    docstring: str
    """The script's docstring, or empty."""
    text: str
    """The whole script."""
    configurations: tuple[ObjectConfiguration, ...]
    """The objects that it constructs, in source order."""
    error: str | None = None
    """Why the script cannot be parsed: `line 3: invalid syntax`; the rest is then empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Consecutive lines of a file."""

    line: int
    """First line, 1-based."""
    end_line: int
    """Last line."""
    text: str
    """Their text, without the indentation that all lines of the excerpt share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A definition or a part of it, cut from its file."""

    symbol: Symbol
    """What it is cut from; its path is the excerpt's."""
    passages: tuple[Passage, ...]
    """What is shown, in order; lines between two passages are left out."""

    @property
    def line(self) -> int:
        """First line shown."""
        return self.passages[0].line

    @property
    def end_line(self) -> int:
        """Last line shown."""
        return self.passages[-1].end_line


# --- narrative -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrativeSection:
    """What an author wrote for one section of a page."""

    title: str
    """Its heading, without the id."""
    line: int
    """Line of `text`'s first line in the narrative."""
    text: str
    """Everything below the heading: Markdown with directives, code spans to check and `{{ values }}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """The hand-written text beside an example, in one language."""

    path: str
    """The file."""
    locale: str
    """Its language."""
    sections: dict[str, NarrativeSection]
    """By section id, in the order of the file."""


# --- checks ----------------------------------------------------------------------------------


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
class Examination:
    """What was found in the pages of one example, whether its capture is fresh or not."""

    problems: tuple[Problem, ...]
    """What is wrong, but for translations."""
    untranslated: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Texts of the code that the page shows without a translation, by language, if there are no problems."""
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Words of the interface without a translation, by language."""


# --- rendering -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as plain Markdown, before any site generator has seen it."""

    uri: str
    """Where it is in the site: `zh/cookbook/11_memory/NAME.md`."""
    locale: str
    """Its language."""
    title: str
    """Its title."""
    markdown: str
    """Its whole text. Links to other pages are relative to `uri`."""
    sources: tuple[str, ...] = ()
    """Project files that it was made from: a change of one of them may change the page."""
