"""Function tools."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import threading
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_lite.exceptions import ToolArgumentsError, ToolError
from agno_lite.models.message import ToolCall
from agno_lite.tools import Function


class Unit(enum.Enum):
    celsius = "celsius"
    kelvin = "kelvin"


def weather(city: str, days: int = 1, unit: Unit = Unit.celsius) -> str:
    """Tell the weather.

    It never rains.

    Args:
        city: where.
        days: how many days ahead.
        unit: of the temperature.
    """
    return f"{city} {days} {unit.value}"


def call(tool: Function, arguments: object) -> str:
    """Call a tool as a model would."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return asyncio.run(tool.call(ToolCall("call_1", tool.name, text)))


def test_schema_comes_from_signature_and_docstring() -> None:
    """Types come from annotations, descriptions from the docstring, required from missing defaults."""
    tool = Function.from_callable(weather)
    assert tool.name == "weather"
    assert tool.description == "Tell the weather.\n\nIt never rains."
    properties = tool.parameters["properties"]
    assert properties["city"] == {"type": "string", "description": "where."}
    assert properties["days"] == {"type": "integer", "default": 1, "description": "how many days ahead."}
    assert tool.parameters["$defs"]["Unit"]["enum"] == ["celsius", "kelvin"]
    assert tool.parameters["required"] == ["city"]
    assert tool.parameters["additionalProperties"] is False


def test_given_parameters_are_not_the_models_to_fill() -> None:
    """What the program gives is not in the schema, is refused from a model, and reaches the function."""
    tool = Function.from_callable(weather, given=("days", "unit")).bound(days=3, unit=Unit.kelvin)
    assert list(tool.parameters["properties"]) == ["city"]
    assert call(tool, {"city": "Rome"}) == "Rome 3 kelvin"
    with pytest.raises(ToolArgumentsError, match="days"):
        call(tool, {"city": "Rome", "days": 1})


def test_a_parameter_called_title_keeps_its_schema() -> None:
    """Generated titles are dropped, parameters of that name are not."""

    def file(title: str) -> str:
        return title

    assert Function.from_callable(file).parameters["properties"] == {"title": {"type": "string"}}


def test_arguments_are_converted() -> None:
    """A function gets the types that it declares."""
    tool = Function.from_callable(weather)
    assert call(tool, {"city": "Rome", "unit": "kelvin"}) == "Rome 1 kelvin"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        ({}, "city: Field required"),
        ({"city": 3}, "city: Input should be a valid string"),
        ({"city": "Rome", "unit": "mile"}, "unit: Input should be 'celsius' or 'kelvin'"),
        ({"city": "Rome", "when": "now"}, "when: Extra inputs are not permitted"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: object, problem: str) -> None:
    """The error says which argument is wrong and how, and the function is not called."""
    with pytest.raises(ToolArgumentsError, match="'weather'") as caught:
        call(Function.from_callable(weather), arguments)
    assert problem in str(caught.value)
    assert caught.value.tool_name == "weather"


@given(st.text())
def test_any_text_as_arguments_gives_a_result_or_a_typed_error(text: str) -> None:
    """Whatever a model writes, nothing but `ToolArgumentsError` comes of it."""

    def nothing() -> str:
        """Do nothing."""
        return "done"

    with contextlib.suppress(ToolArgumentsError):
        assert call(Function.from_callable(nothing), text) == "done"


def test_async_functions_are_awaited_and_other_results_become_json() -> None:
    """A coroutine function is awaited; what is not text is given as JSON."""

    async def lookup(key: Literal["a", "b"]) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"key": key, "name": "é"}

    assert call(Function.from_callable(lookup), {"key": "a"}) == '{"key": "a", "name": "é"}'


def test_synchronous_functions_leave_the_event_loop_free() -> None:
    """A blocking tool runs in a thread, so that the loop goes on."""
    released = threading.Event()

    def wait() -> str:
        return "released" if released.wait(10) else "blocked"

    async def main() -> str:
        tool = asyncio.create_task(Function.from_callable(wait).call(ToolCall("1", "wait", "{}")))
        await asyncio.sleep(0.01)
        released.set()
        return await tool

    assert asyncio.run(main()) == "released"


def test_a_tool_that_raises_is_named_with_its_cause() -> None:
    """The error names the tool and what it raised, and chains the cause."""

    def broken() -> str:
        raise ZeroDivisionError("no luck")

    with pytest.raises(ToolError, match="tool 'broken' raised ZeroDivisionError: no luck") as caught:
        call(Function.from_callable(broken), {})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_what_cannot_be_described_is_refused_with_the_remedy() -> None:
    """Variable parameters, names that are none and types without a schema are refused at once."""

    class Opaque:
        pass

    def variable(*args: str) -> None: ...

    def opaque(thing: Opaque) -> None: ...

    with pytest.raises(ToolError, match=r"\*args.*use ordinary parameters"):
        Function.from_callable(variable)
    with pytest.raises(ToolError, match="annotate it with"):
        Function.from_callable(opaque)
    with pytest.raises(ToolError, match="write it with def"):
        Function.from_callable(lambda: None)
