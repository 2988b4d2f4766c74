"""Function tools: what a model is told of a Python function, and how its calls are carried out."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError

from agno_lite.exceptions import MemberError, ToolArgumentsError, ToolError
from agno_lite.tracing import semconv, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.models.message import ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Python function as a model sees it."""

    name: str
    """Name under which the model calls it."""
    description: str
    """What it does: the docstring's description."""
    parameters: dict[str, Any]
    """JSON schema of its arguments, an object."""
    entrypoint: Callable[..., Any]
    """The function itself, synchronous or asynchronous."""
    arguments_model: type[BaseModel]
    """Checks and converts a model's arguments."""

    @staticmethod
    def from_callable(entrypoint: Callable[..., Any], *, given: tuple[str, ...] = ()) -> Function:
        """Read name, description and schema from a function's signature and docstring.

        Types come from the annotations, descriptions from the docstring (Google, NumPy, Epydoc or reST
        form). A parameter without annotation takes anything.

        Args:
            entrypoint: the function.
            given: parameters that the model does not see; `bound` gives their values.

        Raises:
            ToolError: the function cannot be described: it has no name, positional-only or variable
                parameters, or an annotation that has no JSON schema.
        """
        return _describe(entrypoint, given)

    def bound(self, **values: Any) -> Function:
        """The same function with values for the parameters that the model does not see."""
        return replace(self, entrypoint=functools.partial(self.entrypoint, **values))

    def definition(self) -> dict[str, Any]:
        """What goes to the model: name, description and parameters."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}

    async def call(self, call: ToolCall) -> str:
        """Carry out a model's call.

        A synchronous function runs in a thread, so that it never blocks the event loop.

        Returns:
            What the function gave: text as it is, everything else as JSON.

        Raises:
            ToolArgumentsError: the arguments do not fit the signature.
            ToolError: the function raised; the cause is chained.
            MemberError: it asked a member of a team, which failed.
        """
        with span(
            semconv.EXECUTE_TOOL,
            self.name,
            gen_ai__tool__name=self.name,
            gen_ai__tool__call__id=call.id,
            gen_ai__tool__call__arguments=call.arguments,
        ) as current:
            arguments = self.arguments(call)
            try:
                if inspect.iscoroutinefunction(self.entrypoint):
                    result = await self.entrypoint(**arguments)
                else:
                    result = await asyncio.to_thread(self.entrypoint, **arguments)
            except MemberError:
                raise
            except Exception as error:
                raise ToolError(
                    f"tool {self.name!r} raised {type(error).__name__}: {error}; "
                    "let it return a text that the model can use, or mend the function",
                    tool_name=self.name,
                ) from error
            text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
            current.set(semconv.TOOL_CALL_RESULT, text)
            return text

    def arguments(self, call: ToolCall) -> dict[str, Any]:
        """What a model's call passes, checked and converted; parameters that it leaves out are left out.

        Raises:
            ToolArgumentsError: the arguments do not fit the signature.
        """
        try:
            checked = self.arguments_model.model_validate_json(call.arguments or "{}")
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
                for problem in error.errors(include_url=False)
            )
            raise ToolArgumentsError(
                f"tool {self.name!r} cannot be called with {call.arguments}: {problems}",
                tool_name=self.name,
            ) from error
        return {name: getattr(checked, name) for name in checked.model_fields_set}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """A call of a tool and what came of it."""

    call: ToolCall
    """What the model asked for."""
    result: str
    """What the model was told."""
    failed: bool = False
    """Whether the call could not be made: no such tool, or arguments that do not fit."""


@functools.lru_cache(maxsize=1024)
def _describe(entrypoint: Callable[..., Any], given: tuple[str, ...]) -> Function:
    name = getattr(entrypoint, "__name__", "")
    if not name.isidentifier():
        raise ToolError(
            f"a tool must be a function with a name, got {entrypoint!r}; write it with def", tool_name=name
        )
    documentation = docstring_parser.parse(inspect.getdoc(entrypoint) or "")
    described = {parameter.arg_name: parameter.description for parameter in documentation.params}
    try:
        model = create_model(
            f"{name}_arguments",
            __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False),
            **_fields(entrypoint, name, described, given),
        )
        schema = model.model_json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError, NameError) as error:
        raise ToolError(
            f"tool {name!r} has a parameter whose type has no JSON schema; annotate it with str, int, float, "
            f"bool, list, dict, Literal, an Enum or a pydantic model: {error}",
            tool_name=name,
        ) from error
    return Function(
        name=name,
        description=documentation.description or "",
        parameters=_plain(schema),
        entrypoint=entrypoint,
        arguments_model=model,
    )


def _fields(
    entrypoint: Callable[..., Any], name: str, described: dict[str, str | None], given: tuple[str, ...]
) -> dict[str, Any]:
    """A function's parameters that a model fills in, as pydantic fields: `{name: (type, field)}`."""
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(entrypoint, eval_str=True).parameters.values():
        if parameter.name in given:
            continue
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ToolError(
                f"tool {name!r} has the parameter {str(parameter)!r}, which a model cannot name; "
                "use ordinary parameters",
                tool_name=name,
            )
        annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (annotation, Field(default, description=described.get(parameter.name)))
    return fields


def _plain(schema: Any) -> Any:
    """The schema without the titles that pydantic makes from names: they tell a model nothing new."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: ({name: _plain(part) for name, part in value.items()} if key in _NAMED else _plain(value))
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


_NAMED = frozenset({"properties", "$defs"})
"""Keys of a JSON schema whose keys are names, among which `title` may be one."""
