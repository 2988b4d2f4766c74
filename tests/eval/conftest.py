"""Helpers for evaluations: counting functions, short evaluations, agents at a loopback server."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.agent import Agent
from agno_lite.models.openai import OpenAIChat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fix_model import ModelServer


@pytest.fixture(autouse=True)
def _no_tracing() -> Iterator[None]:
    """No test finds memory being traced, nor leaves it so."""
    assert not tracemalloc.is_tracing()
    # Evaluations collect garbage often, and need not look at all that the test run has loaded.
    gc.freeze()
    yield
    gc.unfreeze()
    tracing = tracemalloc.is_tracing()
    tracemalloc.stop()
    assert not tracing


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is 100 columns wide."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def make_agent(serve_model: Callable[..., ModelServer]) -> Callable[..., tuple[Agent, ModelServer]]:
    """Make agents, each with the server that answers it."""

    def make(**settings: Any) -> tuple[Agent, ModelServer]:
        server = serve_model()
        return Agent(model=OpenAIChat("m", base_url=server.url, max_retries=0), **settings), server

    return make
