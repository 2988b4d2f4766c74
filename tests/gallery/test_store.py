"""Captures on disk: readable, stable, and never half-written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.exceptions import CaptureError
from agno_lite.gallery.config import Project
from agno_lite.gallery.records import (
    Capture,
    ConstructedObject,
    Dependencies,
    Example,
    Exchange,
    Measurements,
    Recording,
    SpanRecord,
    Storage,
    Timing,
    UserStorage,
)
from agno_lite.gallery.store import Store

if TYPE_CHECKING:
    from pathlib import Path

_EXAMPLE = Example(path="cookbook/09_evals/performance/example.py", narratives={})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The store of an empty project."""
    return Store(Project(root=tmp_path.resolve()))


@pytest.fixture
def recording() -> Recording:
    """A recording in which every field says something."""
    capture = Capture(
        example=_EXAMPLE.path,
        dependencies=Dependencies(
            script="1", modules={"m.py": "2"}, functions={"m.py": {"f": "3"}}, files={"d": "absent"},
            packages={"p": "1"},
        ),
        exit_status=None,
        failure="timed out after 1 s",
        stdout="\x1b[31m红\x1b[0m\n\n\ttab\r\nlast line without end",
        stderr="",
        spans=(
            SpanRecord(
                id=1, parent=None, kind="chat", name="chat m", concurrent=True, path="m.py", function="f",
                attributes={"z": [1, {"y": None}], "a": 0.5}, error="E: e",
            ),
        ),
        exchanges=(
            Exchange(
                id=1, span=1, method="POST", path="/v1", status=200, streamed=True,
                request="aa", response="bb",
            ),
        ),
        bodies={"bb": [{"n": 1}, "[DONE]"], "aa": {"messages": ["é"], "temperature": 1.0}},
        entered=("m.py::f",),
        objects=(ConstructedObject(site=0, cls="m.C", arguments={"name": "'x'"}),),
        storage=Storage(
            tables={"runs": 1}, users={"u": UserStorage(rows={"runs": 1}, memories=("User is u",))}
        ),
    )  # fmt: skip
    measurements = Measurements(
        example=_EXAMPLE.path,
        duration=1.5,
        peak_memory=10,
        spans={1: Timing(start=0.0, duration=1.0)},
        exchanges={1: Timing(start=0.25, duration=0.5)},
    )
    return Recording(capture=capture, measurements=measurements)


def test_what_is_saved_is_what_is_loaded(store: Store, recording: Recording) -> None:
    """Both records come back equal, beside each other in the cookbook's mirror."""
    assert store.load(_EXAMPLE) is None
    assert store.load_measurements(_EXAMPLE) is None
    assert store.save(recording)
    assert store.load(_EXAMPLE) == recording.capture
    assert store.load_measurements(_EXAMPLE) == recording.measurements
    folder = store.facts_path(_EXAMPLE).parent
    assert folder.as_posix().endswith("cookbook/_captures/09_evals/performance")
    assert sorted(path.name for path in folder.iterdir()) == ["example.facts.json", "example.measured.json"]


def test_files_are_made_to_be_read(store: Store, recording: Recording) -> None:
    """Fields in the order of the records, text unescaped, output by lines, a newline at the end."""
    store.save(recording)
    text = store.facts_path(_EXAMPLE).read_bytes().decode()
    assert text.endswith("}\n")
    facts = json.loads(text)
    assert list(facts)[:4] == ["format", "example", "dependencies", "exit_status"]
    assert facts["format"] == 1
    assert facts["stdout"] == ["\x1b[31m红\x1b[0m", "", "\ttab\r", "last line without end"]
    assert "红" in text
    assert "\\u001b" in text
    assert list(facts["bodies"]) == ["bb", "aa"]


def test_measurements_are_renewed_with_the_facts_only(store: Store, recording: Recording) -> None:
    """A run with equal facts leaves both files alone, unless measuring is asked for."""
    store.save(recording)
    slower = replace(recording, measurements=replace(recording.measurements, duration=9.0))
    assert not store.save(slower)
    assert store.load_measurements(_EXAMPLE) == recording.measurements
    assert not store.save(slower, measure=True)
    assert store.load_measurements(_EXAMPLE) == slower.measurements
    changed = replace(recording, capture=replace(recording.capture, stdout="other"))
    assert store.save(changed)
    assert store.load_measurements(_EXAMPLE) == recording.measurements
    store.measurements_path(_EXAMPLE).unlink()
    assert not store.save(changed)
    assert store.load_measurements(_EXAMPLE) == recording.measurements


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "delimiter|Expecting|Unterminated"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format 1, but it is of another one"),
        (lambda text: "[]", "it is of another one"),
        (lambda text: text.replace('"spans"', '"things"'), "spans"),
        (lambda text: "<<<<<<< ours\n" + text, "Expecting"),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(
    store: Store, recording: Recording, damage: Any, message: str
) -> None:
    """A file that cannot be read is an error that says which, why and what to do."""
    store.save(recording)
    path = store.facts_path(_EXAMPLE)
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(CaptureError, match=message) as caught:
        store.load(_EXAMPLE)
    assert str(caught.value).startswith("cookbook/_captures/09_evals/performance/example.facts.json: ")
    assert "agno-lite gallery capture" in str(caught.value)


def test_a_damaged_file_is_replaced_by_the_next_capture(store: Store, recording: Recording) -> None:
    """Capturing again mends a damaged file."""
    store.save(recording)
    store.facts_path(_EXAMPLE).write_bytes(b"\xff")
    with pytest.raises(CaptureError):
        store.load(_EXAMPLE)
    assert store.save(recording)
    assert store.load(_EXAMPLE) == recording.capture
