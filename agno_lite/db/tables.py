"""The names of the tables."""

from __future__ import annotations

from dataclasses import dataclass, fields

from agno_lite.exceptions import ConfigurationError

LONGEST_NAME = 50
"""Bytes in a table's name: PostgreSQL cuts names after 63, and the names of indexes are longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Where the rows are.

    Raises:
        ConfigurationError: a name is empty, too long, given twice, or has a character that cannot be used.
    """

    schema: str
    """Schema of all tables."""
    sessions: str
    """One row for each session."""
    runs: str
    """One row for each run."""
    memories: str
    """One row for each memory."""
    eval_runs: str
    """One row for each run of an evaluation."""

    def __post_init__(self) -> None:
        tables = tuple(getattr(self, kind) for kind in KINDS)
        if len(set(tables)) < len(tables):
            raise ConfigurationError(
                f"The tables need {len(tables)} different names, got {', '.join(tables)}."
            )
        for name in (self.schema, *tables):
            if not 0 < len(name.encode()) <= LONGEST_NAME or set(name) & set("%,\x00"):
                raise ConfigurationError(
                    f"{name!r} cannot be the name of a schema or table. Expected 1 to {LONGEST_NAME} bytes "
                    "without percent sign, comma or NUL. Give another."
                )


KINDS = tuple(field.name for field in fields(Tables) if field.name != "schema")
"""The fields of `Tables` that name a table."""
