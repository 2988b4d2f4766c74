"""From stored figures of an evaluation to the page that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agno_lite.gallery import pipeline
from agno_lite.gallery.config import Project
from agno_lite.gallery.records import (
    Allocation,
    Capture,
    Dependencies,
    Evaluation,
    Growth,
    Measurements,
    Recording,
    SpanRecord,
)
from agno_lite.gallery.store import Store
from agno_lite.tracing import semconv

SCRIPT = "cookbook/one/measured.py"
MODULE = "tiny/work.py"


def recording() -> Recording:
    """A recorded evaluation of two iterations, the second of which left something in memory."""
    span = SpanRecord(
        id=1,
        parent=None,
        kind=semconv.EVALUATE,
        name=f"{semconv.EVALUATE} Impact",
        concurrent=False,
        path="",
        function="",
        attributes={
            semconv.EVALUATION_RESULT: {"name": "Impact", "run_requests": [], "memory_requests": [1, 1]}
        },
        error=None,
    )
    kept = Allocation(path=MODULE, line=2, function="work", text="kept = [1]", size=2048, count=2)
    return Recording(
        capture=Capture(
            example=SCRIPT,
            dependencies=Dependencies(script="", modules={}, functions={}, files={}, packages={}),
            exit_status=0,
            failure=None,
            stdout="",
            stderr="",
            spans=(span,),
            exchanges=(),
            bodies={},
            entered=(),
            objects=(),
            storage=None,
        ),
        measurements=Measurements(
            example=SCRIPT,
            duration=1,
            peak_memory=1,
            evaluations=(
                Evaluation(
                    name="Impact",
                    memory_usages=(9.0, 1.0),
                    growth=(Growth(size=0, lines=()), Growth(size=2048, lines=(kept,))),
                ),
            ),
        ),
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose one example was recorded."""
    for path, text in (
        (SCRIPT, "import tiny.work\n"),
        (MODULE, "def work():\n    kept = [1]\n"),
        ("mkdocs.yml", ""),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    made = Project(root=tmp_path.resolve(), packages=("tiny",))
    Store(made).save(recording(), measure=True)
    return made


def test_a_line_is_linked_where_it_is_now(project: Project) -> None:
    """Lines move and nothing is measured again: both languages link the line at its new place."""
    for above, line in (("", 2), ("# said\n\n", 4)):
        (project.root / MODULE).write_text(f"{above}def work():\n    kept = [1]\n", encoding="utf-8")
        pages = {page.uri: page for page in pipeline.pages(project)}
        for locale in ("zh", "en"):
            page = pages[f"{locale}/cookbook/one/measured.md"]
            link = f"[`{MODULE}:{line}`](../../source/{MODULE}.md#__codelineno-0-{line})"
            assert link in page.markdown
            assert MODULE in page.sources
            assert f"{locale}/source/{MODULE}.md" in pages
