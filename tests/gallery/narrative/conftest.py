"""A small project with one example, text in two languages, and a run to take values from."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from agno_lite.gallery.analysis import SymbolIndex, analyse
from agno_lite.gallery.config import Project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.narrative import ExpansionContext, Names, namespace
from agno_lite.gallery.records import (
    Analysis,
    Capture,
    Dependencies,
    Exchange,
    SpanRecord,
    Storage,
    UserStorage,
)

FILES = {
    "mkdocs.yml": "",
    "pyproject.toml": '[tool.agno_lite.gallery]\nwords = ["TINY_HOME", "OddWord"]\n',
    "tiny/__init__.py": "",
    "tiny/shop.py": '''
        """A shop."""

        class Shop:
            """Sells things.

            Args:
                opens_at: when it opens.
                name: what it is called.
            """

            def __init__(self, *, opens_at: int = 9, name: str = "") -> None:
                self.opens_at = opens_at
                self.name = name

            def sell(self, thing: str, *, buyer_id: str = "nobody") -> str:
                """Sell a thing."""
                price = len(thing)
                note = "```"

                return f"{price}{note}"

        class Bank:
            def sell(self) -> None: ...
            def close_down(self) -> None: ...

        class Bar:
            def close_down(self) -> None: ...
    ''',
    "cookbook/one/a.py": '''
        """Shows a shop."""
        import asyncio
        import json
        from tiny.shop import Shop

        corner_shop = Shop(opens_at=8)
        corner_shop.sell("tea", buyer_id="buyer_1")

        def show_all() -> None: ...
    ''',
    "cookbook/one/a.zh.md": "## 概述 { #overview }\n\n`Shop` 卖东西。\n",
    "cookbook/one/a.en.md": "## Overview { #overview }\n\nA `Shop` sells things.\n",
}


def span(number: int, kind: str, parent: int | None) -> SpanRecord:
    """A span of that kind."""
    return SpanRecord(
        id=number,
        parent=parent,
        kind=kind,
        name=kind,
        concurrent=False,
        path="",
        function="",
        attributes={"db.collection.name": "sales_table"},
        error=None,
    )


CAPTURE = Capture(
    example="cookbook/one/a.py",
    dependencies=Dependencies(script="", modules={}, functions={}, files={}, packages={}),
    exit_status=0,
    failure=None,
    stdout="a * b\n",
    stderr="",
    spans=(
        span(1, "invoke_agent", None),
        span(2, "execute_tool", 1),
        span(3, "invoke_agent", 2),
        span(4, "invoke_agent", None),
    ),
    exchanges=(
        Exchange(
            id=1, span=2, method="POST", path="/v1", status=200, streamed=False, request="q", response="r"
        ),
    ),
    bodies={
        "q": {"messages": [{"role": "developer", "content": "<b>|`x` {{ 1 }}"}]},
        "r": {"tool_calls": []},
    },
    entered=(),
    objects=(),
    storage=Storage(tables={"memories": 2}, users={"u_1": UserStorage(rows={}, memories=("likes tea",))}),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return Project(root=tmp_path.resolve(), packages=("tiny",))


@pytest.fixture
def index(project: Project) -> SymbolIndex:
    """Its symbols."""
    return SymbolIndex(project)


@pytest.fixture
def capture() -> Capture:
    """A run of the example."""
    return CAPTURE


@pytest.fixture
def analysis(project: Project, index: SymbolIndex) -> Analysis:
    """The analysis of its example."""
    return analyse(project, discover(project)[0], CAPTURE, index)


@pytest.fixture
def context(project: Project, index: SymbolIndex, analysis: Analysis) -> ExpansionContext:
    """What the example's text may refer to; links look like `tiny/shop.py#3-20`."""
    return ExpansionContext(
        path="cookbook/one/a.en.md",
        names=Names(project=project, index=index, analysis=analysis, capture=CAPTURE),
        link=lambda symbol: f"{symbol.path}#{symbol.line}-{symbol.end_line}",
        values=namespace(CAPTURE),
        section="components",
    )
