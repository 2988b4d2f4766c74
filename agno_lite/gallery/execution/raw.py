"""What a journal says, as records: before anything is sorted, numbered or hidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSpan:
    """A span as the child's runtime counted it."""

    number: int
    """Order of its start."""
    parent: int | None
    """Number of the span around it."""
    kind: str
    """Its operation."""
    name: str
    """Operation and object."""
    concurrent: bool
    """Whether its children may overlap by construction."""
    attributes: dict[str, Any]
    """All attributes, as JSON."""
    error: str | None
    """`Type: message` of the exception that left it."""
    start: float
    """Seconds since the script began."""
    end: float
    """Seconds since the script began; equal to `start` if it never ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawExchange:
    """An HTTP exchange as the child counted it."""

    number: int
    """Order in which requests were sent."""
    span: int | None
    """Number of the span inside which it was sent."""
    method: str
    """HTTP method."""
    path: str
    """Path of the URL."""
    status: int | None
    """HTTP status; `None` if no answer came."""
    streamed: bool
    """Whether the answer was a stream of events."""
    request: Any
    """Body of the request."""
    response: Any
    """Body of the answer, or its events."""
    start: float
    """Seconds since the script began."""
    end: float
    """Seconds since the script began; equal to `start` if no answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawObject:
    """An object that a construction site gave."""

    site: int
    """Which site."""
    flow: int
    """Number of the task or thread that made it, 0 for the script's own flow outside an event loop."""
    cls: str
    """Module and qualified name of its class."""
    arguments: dict[str, str]
    """What was passed, by parameter, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEntry:
    """The first time that a function was entered at some place of the run."""

    path: str
    """Its file, relative to the project."""
    name: str
    """Its qualified name."""
    span: int | None
    """Number of the first span of its place: those of one name under one parent are one place."""
    at: float
    """Seconds since the script began."""
    script_flow: bool
    """False if it was on a thread that the script's own flow of control did not hand its context to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRun:
    """All that came of one child process."""

    spans: tuple[RawSpan, ...] = ()
    """In the order of their numbers."""
    exchanges: tuple[RawExchange, ...] = ()
    """In the order of their numbers."""
    entered: tuple[RawEntry, ...] = ()
    """In order of time."""
    objects: tuple[RawObject, ...] = ()
    """In order of time."""
    modules: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Project files that were loaded as modules, the script among them: time of last change, and size."""
    files: tuple[tuple[str, str], ...] = ()
    """Other paths below the project and the first use of each: `read`, `write` or `list`; `look` if it was
    only looked for, `text` if it is code and was read other than to be run."""
    imports: tuple[str, ...] = ()
    """Modules that were imported, or looked for, in order of time; without those that every run loads."""
    stdout: str = ""
    """Standard output."""
    stderr: str = ""
    """Standard error."""
    exit_status: int | None = 0
    """Exit status; `None` if the process was stopped."""
    failure: str | None = None
    """Why it was stopped."""
    duration: float = 0.0
    """Seconds from the script's beginning to the end of the process."""
    peak_memory: int = 0
    """Greatest resident size, in bytes."""


Event = dict[str, Any]


def parse(events: Iterable[Event], *, ended: int, **outcome: Any) -> RawRun:
    """Make a record of a journal.

    Args:
        events: the journal's events, the `begin` among them.
        ended: `time.perf_counter_ns()` after the process ended, for a process that could not say it.
        **outcome: the fields of `RawRun` that the journal does not hold.
    """
    by_kind: dict[str, list[Event]] = {}
    for event in events:
        by_kind.setdefault(event["event"], []).append(event)
    began = by_kind["begin"][0]["at"]
    finish = by_kind.get("finish", [{"at": ended}])[-1]
    outcome["peak_memory"] = finish.get("peak_memory", outcome["peak_memory"])
    return RawRun(
        spans=tuple(_spans(by_kind, began)),
        exchanges=tuple(_exchanges(by_kind, began)),
        entered=tuple(
            RawEntry(
                path=e["path"],
                name=e["name"],
                span=e["span"],
                at=_seconds(e["at"] - began),
                script_flow=e["script_flow"],
            )
            for e in by_kind.get("enter", ())
        ),
        objects=tuple(
            RawObject(site=e["site"], flow=e["flow"], cls=e["cls"], arguments=e["arguments"])
            for e in by_kind.get("object", ())
        ),
        modules={e["path"]: (e["version"][0], e["version"][1]) for e in by_kind.get("module", ())},
        files=tuple(_files(by_kind.get("file", [])).items()),
        imports=tuple(dict.fromkeys(e["name"] for e in by_kind.get("import", ()))),
        duration=_seconds(finish["at"] - began),
        **outcome,
    )


_PLACES = {"text": 0, "look": 2}
"""Uses of a file that say more than others, or less."""


def _files(events: list[Event]) -> dict[str, str]:
    """Paths and their first use, of those that say most: what was looked for may be used later."""
    found: dict[str, str] = {}
    for event in sorted(events, key=lambda event: _PLACES.get(event["use"], 1)):
        found.setdefault(event["path"], event["use"])
    return found


def _seconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e9, 6)


def _spans(by_kind: dict[str, list[Event]], began: int) -> Iterator[RawSpan]:
    ends = {event["number"]: event for event in by_kind.get("end", ())}
    for start in by_kind.get("span", ()):
        end = ends.get(start["number"], start)
        yield RawSpan(
            number=start["number"],
            parent=start["parent"],
            kind=start["kind"],
            name=start["name"],
            concurrent=start["concurrent"],
            attributes=end["attributes"],
            error=end.get("error"),
            start=_seconds(start["at"] - began),
            end=_seconds(end["at"] - began),
        )


def _exchanges(by_kind: dict[str, list[Event]], began: int) -> Iterator[RawExchange]:
    answers = {event["number"]: event for event in by_kind.get("response", ())}
    unanswered = {"status": None, "streamed": False, "body": None}
    for request in by_kind.get("request", ()):
        answer = answers.get(request["number"], {**unanswered, "at": request["at"]})
        yield RawExchange(
            number=request["number"],
            span=request["span"],
            method=request["method"],
            path=request["path"],
            status=answer["status"],
            streamed=answer["streamed"],
            request=request["body"],
            response=answer["body"],
            start=_seconds(request["at"] - began),
            end=_seconds(answer["at"] - began),
        )
