"""From what happened in one run to what happens in every run.

What ran one after another keeps its order. What ran at the same time is sorted by its content, with all
that belongs to it: that order alone was the same in every experiment, start times and creation order
were not. Volatile values are numbered after that.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.execution.calls import calls
from agno_lite.gallery.execution.raw import RawExchange, RawSpan
from agno_lite.gallery.records import (
    Capture,
    ConstructedObject,
    Exchange,
    Measurements,
    Recording,
    SpanRecord,
    Storage,
    Timing,
    UserStorage,
)
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.execution.raw import RawObject, RawRun
    from agno_lite.gallery.execution.volatile import Volatile
    from agno_lite.gallery.records import Dependencies

Node = RawSpan | RawExchange

_STABLE_RESULTS = ("name", "run_requests", "memory_requests")
"""What of an evaluation's result is no figure."""


def canonicalise(
    run: RawRun, *, example: str, dependencies: Dependencies, storage: Storage | None, volatile: Volatile
) -> Recording:
    """Make the facts and the measurements of a run.

    Args:
        run: what the journal says.
        example: path of the script.
        dependencies: what the run depended on.
        storage: what the database held afterwards.
        volatile: recognises what varies; fresh for each run, since it keeps the numbers it gave.
    """
    objects = tuple(_objects(run, volatile))
    # What is printed has one order already, so that it can tell concurrent twins apart by their numbers.
    stdout, stderr = volatile.printed(run.stdout), volatile.printed(run.stderr)
    tree = _Tree(run, volatile)
    capture = Capture(
        example=example,
        dependencies=dependencies,
        exit_status=run.exit_status,
        failure=run.failure,
        stdout=stdout,
        stderr=stderr,
        spans=tuple(tree.spans),
        exchanges=tuple(tree.exchanges),
        bodies=tree.bodies,
        entered=calls(run, tree.racing),
        objects=objects,
        storage=_storage(storage, volatile),
    )
    return Recording(capture=capture, measurements=_measurements(run, tree, example))


class _Tree:
    """Spans and exchanges in canonical order."""

    def __init__(self, run: RawRun, volatile: Volatile) -> None:
        self._volatile = volatile
        self._modules = sorted(((_module(path), path) for path in run.modules), reverse=True)
        self._spans = {span.number: span for span in run.spans}
        self._children: dict[int | None, list[Node]] = {}
        for span in run.spans:
            self._children.setdefault(self._existing(span.parent), []).append(span)
        for exchange in run.exchanges:
            self._children.setdefault(self._existing(exchange.span), []).append(exchange)
        self.spans: list[SpanRecord] = []
        self.exchanges: list[Exchange] = []
        self.bodies: dict[str, Any] = {}
        self.timings: tuple[dict[int, Timing], dict[int, Timing]] = ({}, {})
        self.racing: set[int] = set()
        self._visit(None, None)

    def _existing(self, number: int | None) -> int | None:
        return number if number in self._spans else None

    def _visit(self, parent: RawSpan | None, parent_id: int | None) -> None:
        """Number everything below a span; order is decided with the numbers that were given before."""
        for group in self._groups(parent):
            for node in group:
                if isinstance(node, RawExchange):
                    self._add_exchange(node, parent_id)
                    continue
                if len(group) > 1:
                    self.racing.add(node.number)
                self._visit(node, self._add_span(node, parent_id))

    def _groups(self, parent: RawSpan | None) -> list[list[Node]]:
        """What is directly below a span: groups of what ran at the same time, one after another."""
        nodes = sorted(self._children.get(parent.number if parent else None, ()), key=_by_start)
        if parent is not None and parent.concurrent:
            return [sorted(nodes, key=self._content)]
        groups: list[list[Node]] = []
        end = float("-inf")
        for node in nodes:
            if node.start < end:
                groups[-1].append(node)
            else:
                groups.append([node])
            end = max(end, node.end)
        return [sorted(group, key=self._content) if len(group) > 1 else group for group in groups]

    def _content(self, node: Node) -> str:
        """A span or exchange, with all below it, as text in which new volatile values are all alike."""
        own: Any
        if isinstance(node, RawExchange):
            own = [node.method, node.path, node.status, node.streamed, node.request, node.response]
            return _dumped(self._volatile.json(own, number=False))
        own = [node.name, node.kind, node.concurrent, _without_figures(node.attributes), node.error]
        below = [[self._content(child) for child in group] for group in self._groups(node)]
        return _dumped([self._volatile.json(own, number=False), below])

    def _add_span(self, span: RawSpan, parent: int | None) -> int:
        number = len(self.spans) + 1
        path, function = self._place(span)
        record = SpanRecord(
            id=number,
            parent=parent,
            kind=span.kind,
            name=self._volatile.text(span.name),
            concurrent=span.concurrent,
            path=path,
            function=function,
            attributes=self._volatile.json(_attributes(span)),
            error=None if span.error is None else self._volatile.text(span.error),
        )
        self.spans.append(record)
        self.timings[0][number] = _timing(span)
        return number

    def _place(self, span: RawSpan) -> tuple[str, str]:
        """File and qualified name of the function that opened a span."""
        path = self._volatile.text(str(span.attributes.get(semconv.CODE_FILE_PATH, "")))
        function = str(span.attributes.get(semconv.CODE_FUNCTION_NAME, ""))
        # A span may be opened on behalf of another function: the name tells better than the path.
        for module, file in self._modules:
            if function.startswith(f"{module}."):
                return file, function.removeprefix(f"{module}.")
        return "" if path.startswith(("/", "<")) else path, function.removeprefix("__main__.")

    def _add_exchange(self, exchange: RawExchange, span: int | None) -> None:
        number = len(self.exchanges) + 1
        record = Exchange(
            id=number,
            span=span,
            method=exchange.method,
            path=self._volatile.text(exchange.path),
            status=exchange.status,
            streamed=exchange.streamed,
            request=self._body(exchange.request),
            response=self._body(exchange.response),
        )
        self.exchanges.append(record)
        self.timings[1][number] = _timing(exchange)

    def _body(self, raw: Any) -> str:
        """Keep a body once; gives its key."""
        body = self._volatile.json(raw)
        key = hashlib.sha256(_dumped(body).encode()).hexdigest()[:16]
        self.bodies.setdefault(key, body)
        return key


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _by_start(node: Node) -> tuple[float, int]:
    return node.start, node.number


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _attributes(span: RawSpan) -> dict[str, Any]:
    """The attributes but for figures, and for the place in the code, which has fields of its own."""
    place = (semconv.CODE_FILE_PATH, semconv.CODE_FUNCTION_NAME)
    known = _without_figures(span.attributes)
    return {name: value for name, value in known.items() if name not in place}


def _without_figures(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes with that part of an evaluation's result only that is the same in every run."""
    result = attributes.get(semconv.EVALUATION_RESULT)
    if result is None:
        return attributes
    return attributes | {semconv.EVALUATION_RESULT: {name: result[name] for name in _STABLE_RESULTS}}


def _timing(node: Node) -> Timing:
    return Timing(start=node.start, duration=round(node.end - node.start, 6))


def _objects(run: RawRun, volatile: Volatile) -> Iterator[ConstructedObject]:
    """The first object of each construction site; of those that tasks made, the first by content."""
    sites: dict[int, list[RawObject]] = {}
    for made in run.objects:
        sites.setdefault(made.site, []).append(made)
    for site, several in sorted(sites.items()):
        chosen = several[0]
        if len({made.flow for made in several}) > 1:
            chosen = min(several, key=lambda made: _dumped(volatile.json(made.arguments, number=False)))
        yield ConstructedObject(site=site, cls=chosen.cls, arguments=volatile.json(chosen.arguments))


def _storage(storage: Storage | None, volatile: Volatile) -> Storage | None:
    if storage is None:
        return None
    users = {volatile.text(name): _user(user, volatile) for name, user in storage.users.items()}
    return Storage(tables=storage.tables, users=users)


def _user(user: UserStorage, volatile: Volatile) -> UserStorage:
    return UserStorage(rows=user.rows, memories=_texts(user.memories, volatile))


def _texts(texts: Iterable[str], volatile: Volatile) -> tuple[str, ...]:
    return tuple(volatile.text(text) for text in texts)


def _measurements(run: RawRun, tree: _Tree, example: str) -> Measurements:
    spans, exchanges = tree.timings
    return Measurements(
        example=example,
        duration=run.duration,
        peak_memory=run.peak_memory,
        spans=spans,
        exchanges=exchanges,
    )
