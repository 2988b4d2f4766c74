"""The names of spans and attributes against OpenTelemetry's own package."""

from __future__ import annotations

import importlib

import pytest

from agno_lite.tracing import semconv

INCUBATING = "opentelemetry.semconv._incubating.attributes"
MODULES = [
    "opentelemetry.semconv.attributes.code_attributes",
    "opentelemetry.semconv.attributes.db_attributes",
    *(f"{INCUBATING}.{area}_attributes" for area in ("gen_ai", "user", "code", "db")),
]
OPERATIONS = ("INVOKE_AGENT", "CHAT", "EXECUTE_TOOL")
CONVENTIONAL = [
    name
    for name in vars(semconv)
    if name.isupper()
    and not str(getattr(semconv, name)).startswith("agno_lite.")
    and name not in (*OPERATIONS, "DATABASE")
]


@pytest.fixture(scope="module")
def conventions() -> dict[str, str]:
    """The package's attribute names, by the names of its constants."""
    found: dict[str, str] = {}
    for module in map(importlib.import_module, MODULES):
        found.update({name: value for name, value in vars(module).items() if isinstance(value, str)})
    return found


def test_there_are_names_to_compare() -> None:
    """The list of names to compare is not empty by mistake."""
    assert {"PROVIDER_NAME", "USER_ID", "CODE_FUNCTION_NAME", "DB_SYSTEM_NAME"} <= set(CONVENTIONAL)


@pytest.mark.parametrize("name", CONVENTIONAL)
def test_attributes_are_those_of_the_conventions(name: str, conventions: dict[str, str]) -> None:
    """Every attribute that is not marked as ours is known to the conventions, under that very string."""
    assert getattr(semconv, name) in conventions.values()


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_those_of_the_conventions(name: str) -> None:
    """Operations are values that the conventions list for `gen_ai.operation.name`."""
    values = importlib.import_module(f"{INCUBATING}.gen_ai_attributes").GenAiOperationNameValues
    assert getattr(semconv, name) == values[name].value
