"""The line on standard error that says which model and which database are at work."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agno_lite.db.base import BaseDb
    from agno_lite.models.base import Model

_said: set[str] = set()


def announce(model: Model, db: BaseDb | None) -> None:
    """Say once in a process, for each combination, which model answers and where things are kept.

    Raises:
        ConfigurationError: no model can be reached with the settings at hand.
    """
    database = "none: nothing is kept" if db is None else db.describe()
    line = f"agno_lite: model {model.describe()}; database {database}."
    if line not in _said:
        _said.add(line)
        print(line, file=sys.stderr)  # noqa: T201 - addressed to the person at the terminal
