"""How the facts of two runs differ, in words."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agno_lite.gallery.differences import differences
from agno_lite.gallery.records import (
    Capture,
    ConstructedObject,
    Dependencies,
    Exchange,
    SpanRecord,
    Storage,
    UserStorage,
)

CAPTURE = Capture(
    example="cookbook/one/a.py",
    dependencies=Dependencies(script="", modules={}, functions={}, files={}, packages={}),
    exit_status=0,
    failure=None,
    stdout="one\ntwo\n",
    stderr="",
    spans=(
        SpanRecord(
            id=1, parent=None, kind="chat", name="chat gpt", concurrent=False, path="", function="",
            attributes={"model": "gpt"}, error=None,
        ),
    ),
    exchanges=(
        Exchange(
            id=1, span=1, method="POST", path="/v1", status=200, streamed=False, request="q", response="a"
        ),
    ),
    bodies={"q": {"messages": [{"content": "x" * 200 + "old"}]}, "a": {"text": "yes"}},
    entered=("m.py::f", "m.py::g"),
    objects=(ConstructedObject(site=0, cls="m.C", arguments={"name": "'x'"}),),
    storage=Storage(tables={"runs": 1}, users={"u": UserStorage(rows={"runs": 1}, memories=("likes tea",))}),
)  # fmt: skip


def test_equal_facts_do_not_differ() -> None:
    """Other dependencies are no other facts."""
    other = replace(CAPTURE.dependencies, script="changed")
    assert differences(CAPTURE, replace(CAPTURE, dependencies=other)) == {}


def test_each_section_tells_its_own_differences() -> None:
    """Values with their places, lines with signs, long texts where they differ."""
    now = replace(
        CAPTURE,
        exit_status=1,
        stdout="one\nthree\n",
        spans=(replace(CAPTURE.spans[0], error="ValueError: no"),),
        exchanges=(*CAPTURE.exchanges, replace(CAPTURE.exchanges[0], id=2)),
        bodies={"q": {"messages": [{"content": "x" * 200 + "new"}]}, "a": {}},
        entered=("m.py::f",),
        objects=(replace(CAPTURE.objects[0], arguments={"name": "'y'"}),),
        storage=None,
    )
    found = differences(CAPTURE, now)
    assert list(found) == [
        "configuration", "spans", "requests", "answers", "functions entered", "output", "storage",
    ]  # fmt: skip
    assert found["configuration"] == ("m.C (call 1).name: \"'x'\" → \"'y'\"",)
    assert found["spans"] == ("1 chat gpt.error: None → 'ValueError: no'",)
    assert found["functions entered"] == ("-m.py::g",)
    assert found["output"] == ("exit status: 0 → 1", "-two", "+three")
    assert found["answers"][0] == "response 1.body.text is gone: 'yes'"
    (content, more) = found["requests"]
    assert content.startswith("request 1.body.messages[0].content: …xxx")
    assert content.endswith("xold' → …xxxxxxxxxxxxxxxxxxxxxxxnew'")
    assert more.startswith("request 2 is new: {'path': '/v1', 'body'")


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


@given(one=JSON, other=JSON)
def test_bodies_that_differ_are_always_told(one: object, other: object) -> None:
    """Something is said exactly where something differs."""
    then, now = (replace(CAPTURE, bodies={"q": body, "a": {}}) for body in (one, other))
    assert (differences(then, now) == {}) == (one == other)
