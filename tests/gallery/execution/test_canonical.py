"""Equal runs give equal facts, in whatever order what ran at the same time happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from agno_lite.gallery.execution.canonical import canonicalise
from agno_lite.gallery.execution.raw import RawEntry, RawExchange, RawRun, RawSpan
from agno_lite.gallery.execution.volatile import Volatile
from agno_lite.gallery.records import Capture, Dependencies

_NOTHING = Dependencies(script="", modules={}, functions={}, files={}, packages={})


def _facts(run: RawRun) -> Capture:
    volatile = Volatile({}, 1.9e9)
    recording = canonicalise(run, example="x.py", dependencies=_NOTHING, storage=None, volatile=volatile)
    return recording.capture


def _span(number: int, name: str, parent: int | None = None, **given: Any) -> RawSpan:
    fields: dict[str, Any] = {"kind": "k", "concurrent": False, "attributes": {}, "error": None}
    fields |= {"start": float(number), "end": float(number)} | given
    return RawSpan(number=number, name=name, parent=parent, **fields)


def _exchange(number: int, body: Any, span: int | None, start: float) -> RawExchange:
    return RawExchange(
        number=number, span=span, method="POST", path="/v1", status=200, streamed=False,
        request=body, response={"of": body}, start=start, end=start,
    )  # fmt: skip


# A plan of a run: a name, whether its parts run at the same time, its parts.
_Plan = tuple[str, bool, list[Any]]
_NAMES = st.sampled_from(["a", "b", "c"])
_PLANS: st.SearchStrategy[_Plan] = st.recursive(
    st.tuples(_NAMES, st.just(False), st.just([])),
    lambda inner: st.tuples(_NAMES, st.booleans(), st.lists(inner, max_size=4)),
    max_leaves=12,
)


class _Player:
    """Plays a plan as one possible run: who of a concurrent group starts when is drawn."""

    def __init__(self, data: st.DataObject, first_uuid: int) -> None:
        self.data = data
        self.uuid = first_uuid
        self.clock = 0.0
        self.spans: list[RawSpan] = []
        self.exchanges: list[RawExchange] = []
        self.entered: list[RawEntry] = []

    def play(self, plan: _Plan, parent: int | None, path: str = "") -> None:
        name, concurrent, parts = plan
        number = len(self.spans) + 1
        start = self._tick()
        self.uuid += 1
        identity = str(UUID(int=self.uuid))
        self.spans.append(_span(number, name, parent, concurrent=concurrent, attributes={"id": identity}))
        self.entered.append(
            RawEntry(path="m.py", name=f"{path}.{name}", span=number, at=self.clock, script_flow=True)
        )
        body = {"id": identity, "path": f"{path}.{name}"}
        self.exchanges.append(_exchange(len(self.exchanges) + 1, body, number, self._tick()))
        order = self.data.draw(st.permutations(parts)) if concurrent else parts
        for part in order:
            self.play(part, number, f"{path}.{name}")
        self.spans[number - 1] = replace(self.spans[number - 1], start=start, end=self._tick())

    def _tick(self) -> float:
        self.clock += 1 + self.data.draw(st.floats(0, 1))
        return self.clock

    def run(self) -> RawRun:
        return RawRun(spans=tuple(self.spans), exchanges=tuple(self.exchanges), entered=tuple(self.entered))


@settings(deadline=None)
@given(plans=st.lists(_PLANS, min_size=1, max_size=3), data=st.data())
def test_the_order_of_what_is_concurrent_leaves_no_trace(plans: list[_Plan], data: st.DataObject) -> None:
    """Concurrent spans may start in any order, at any time, with any ids: the facts are equal."""
    played = []
    for first_uuid in (0, 1_000_000):
        player = _Player(data, first_uuid)
        for plan in plans:
            player.play(plan, None)
        played.append(_facts(player.run()))
    assert played[0] == played[1]


def test_what_runs_in_turn_keeps_its_order() -> None:
    """Spans and requests outside a race stay in order of time, not of content."""
    run = RawRun(
        spans=(
            _span(1, "z", end=4.0),
            _span(2, "y", 1, start=1.0, end=2.0),
            _span(3, "x", 1, start=3.0, end=4.0),
        ),
        exchanges=(_exchange(1, "second", 1, 2.5), _exchange(2, "first", None, 0.5)),
    )
    facts = _facts(run)
    assert [(span.id, span.parent, span.name) for span in facts.spans] == [
        (1, None, "z"),
        (2, 1, "y"),
        (3, 1, "x"),
    ]
    assert [(e.id, e.span, facts.bodies[e.request]) for e in facts.exchanges] == [
        (1, None, "first"),
        (2, 1, "second"),
    ]


def test_overlapping_spans_are_a_race_without_being_declared() -> None:
    """A script may run agents side by side, with no span around them."""
    early: dict[str, Any] = {"start": 0.0, "end": 2.0}
    late: dict[str, Any] = {"start": 1.0, "end": 3.0}
    assert _facts(RawRun(spans=(_span(1, "b", **early), _span(2, "a", **late)))) == _facts(
        RawRun(spans=(_span(1, "a", **early), _span(2, "b", **late)))
    )


def test_a_body_is_kept_once() -> None:
    """Equal bodies share a key, which does not depend on the order of their fields."""
    facts = _facts(
        RawRun(
            exchanges=(_exchange(1, {"a": 1, "b": 2}, None, 0.0), _exchange(2, {"b": 2, "a": 1}, None, 1.0))
        )
    )
    assert len(facts.bodies) == 2
    assert facts.exchanges[0].request == facts.exchanges[1].request


def test_a_number_means_the_same_everywhere() -> None:
    """One uuid has one number, in output, attributes and bodies."""
    one, two = str(UUID(int=1)), str(UUID(int=2))
    facts = _facts(
        RawRun(
            stdout=f"{two}\n",
            spans=(_span(1, "a", attributes={"one": one, "two": two}),),
            exchanges=(_exchange(1, [one, two], 1, 1.0),),
        )
    )
    assert facts.stdout == "<uuid:1>\n"
    assert facts.spans[0].attributes == {"one": "<uuid:2>", "two": "<uuid:1>"}
    assert facts.bodies[facts.exchanges[0].request] == ["<uuid:2>", "<uuid:1>"]


def test_a_span_is_placed_by_the_name_of_its_function() -> None:
    """A span that is opened on behalf of another function is shown where that function is."""
    attributes = {"code.function.name": "shop.sub.Till.pay", "code.file.path": "shop/base.py", "other": 1}
    run = RawRun(
        modules={"shop/__init__.py": (0.0, 0), "shop/sub/__init__.py": (0.0, 0), "shop/base.py": (0.0, 0)},
        spans=(
            _span(1, "a", attributes=attributes),
            _span(2, "b", attributes={"code.function.name": "__main__.f", "code.file.path": "cookbook/x.py"}),
            _span(3, "c", attributes={"code.function.name": "lib.f", "code.file.path": "/usr/lib/lib.py"}),
        ),
    )
    facts = _facts(run)
    assert [(span.path, span.function) for span in facts.spans] == [
        ("shop/sub/__init__.py", "Till.pay"),
        ("cookbook/x.py", "f"),
        ("", "lib.f"),
    ]
    assert facts.spans[0].attributes == {"other": 1}
