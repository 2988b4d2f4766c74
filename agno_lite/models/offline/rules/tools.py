"""Which tool fits a question, with which arguments, and what to say with its result."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from agno_lite.models.offline.rules.conversation import DELEGATE, Call, Tool
from agno_lite.models.offline.rules.language import enumerated, split_list, stems, variant

if TYPE_CHECKING:
    from agno_lite.models.offline.rules.conversation import Conversation

_NAME_WEIGHT, _DESCRIPTION_WEIGHT, _ENOUGH = 3, 1, 3
_DEEPEST = 4
"""How many levels of a schema are filled in."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_QUOTED = re.compile(r"[\"“']([^\"”']{2,}?)[\"”'](?!\w)")
_PLACE = re.compile(r"\b(?:in|at|for|from|to|of|near)\s+((?:[A-Z][\w'-]*)(?:\s+[A-Z][\w'-]*)*)")
_TAIL = re.compile(r"\b(?:about|for|on|of|in|called|named)\s+(?:the\s+)?([^?.!,]+)")
_WHOLE = re.compile(r"query|question|task|text|message|prompt|input|content|request|description")
_WHERE = re.compile(r"city|location|place|country|town|region|destination|origin|address")


def tool_calls(talk: Conversation) -> tuple[Call, ...]:
    """The call of the tool that fits what the user said best; none if none fits."""
    offered = [tool for tool in talk.tools if tool.name != DELEGATE]
    ranked = sorted(offered, key=lambda tool: -_score(tool, talk.text))
    for tool in ranked:
        if not talk.must_call and _score(tool, talk.text) < _ENOUGH:
            return ()
        arguments = _arguments(tool.schema, talk.text, forced=talk.must_call)
        if arguments is not None:
            return (Call(tool.name, arguments),)
    return ()


def results_text(talk: Conversation) -> str:
    """An answer from what tools returned."""
    parts = [f"{name.replace('_', ' ')}: {_plain(result)}" for name, result in talk.results]
    if len(parts) == 1:
        name, result = talk.results[0]
        form = variant(
            talk.text + result,
            ("{name} says: {result}", "From {name}: {result}", "{name} gave this: {result}"),
        )
        return form.format(name=name.replace("_", " "), result=_plain(result)).strip()
    return "\n".join(f"- {part}" for part in parts)


def placeholder(schema: Any, text: str, level: int = 0) -> Any:
    """A value that a schema allows, if nothing in the text is meant for it."""
    schema = _narrowed(schema)
    if options := _options(schema):
        return options[0]
    kind = _kind(schema)
    if kind == "object" and level < _DEEPEST:
        return {name: placeholder(of, text, level + 1) for name, of in _required(schema).items()}
    empty = {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}, "null": None}
    return empty.get(kind, text)


def _score(tool: Tool, text: str) -> int:
    said = stems(text)
    name = stems(tool.name.replace("_", " ")) - stems(
        "fetch find search look lookup compute calculate run user"
    )
    description = stems(tool.description.split("\n")[0])
    return _NAME_WEIGHT * len(said & name) + _DESCRIPTION_WEIGHT * len(said & (description - name))


def _arguments(schema: dict[str, Any], text: str, *, forced: bool) -> dict[str, Any] | None:
    """Arguments from the text; `None` if one that is required cannot be found."""
    numbers = [json.loads(number) for number in _NUMBER.findall(text) if _is_json(number)]
    arguments: dict[str, Any] = {}
    required = _required(schema)
    properties = schema.get("properties")
    for name, of in (properties if isinstance(properties, dict) else {}).items():
        value = _value(name, _narrowed(of), text, numbers, needed=name in required)
        if value is not None:
            arguments[name] = value
        elif name in required:
            if not forced and _kind(of) not in ("null", "boolean", "array", "object"):
                return None
            arguments[name] = placeholder(of, text)
    return arguments


def _value(name: str, schema: dict[str, Any], text: str, numbers: list[Any], *, needed: bool) -> Any:
    """What the text says for one argument; takes the first of the numbers if it is one."""
    options = _options(schema)
    if options:
        said = text.casefold()
        return next((option for option in options if str(option).casefold() in said), None)
    kind = _kind(schema)
    if kind in ("integer", "number"):
        fitting = [number for number in numbers if kind == "number" or isinstance(number, int)]
        if fitting:
            numbers.remove(fitting[0])
        return fitting[0] if fitting else None
    if kind == "array":
        return _items(schema, text, numbers)
    return _string(name, text, needed=needed) if kind == "string" else None


def _items(schema: dict[str, Any], text: str, numbers: list[Any]) -> list[Any] | None:
    kind = _kind(schema.get("items"))
    if kind in ("integer", "number"):
        return [number for number in numbers if kind == "number" or isinstance(number, int)]
    tail = _TAIL.search(text)
    return split_list(tail[1]) if tail and kind == "string" else None


def _string(name: str, text: str, *, needed: bool) -> str | None:
    if quoted := _QUOTED.search(text):
        return quoted[1]
    if _WHERE.search(name.lower()):
        place = _PLACE.search(text)
        return place[1] if place else None
    if _WHOLE.search(name.lower()):
        return text.strip()
    if not needed:
        return None
    tail = _PLACE.search(text) or _TAIL.search(text)
    return tail[1].strip() if tail else text.strip() or None


def _narrowed(schema: Any) -> dict[str, Any]:
    """A schema without alternatives: the first of them that is not null."""
    several = schema.get("anyOf") or schema.get("oneOf") if isinstance(schema, dict) else None
    if isinstance(several, list):
        alternatives = [_narrowed(one) for one in several]
        return next((one for one in alternatives if _kind(one) != "null"), {"type": "null"})
    return schema if isinstance(schema, dict) else {}


def _kind(schema: Any) -> str:
    """The JSON type that a schema asks for, the first that is not null."""
    schema = _narrowed(schema)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return kind if isinstance(kind, str) else "string"


def _options(schema: dict[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    options = schema.get("enum")
    return options if isinstance(options, list) else []


def _required(schema: dict[str, Any]) -> dict[str, Any]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return {}
    return {name: of for name, of in properties.items() if name in required}


def _is_json(number: str) -> bool:
    return not re.match(r"-?0\d", number) and len(number) < 16


def _plain(result: str) -> str:
    """A result as text: JSON objects as `name: value`, lists as an enumeration."""
    try:
        data = json.loads(result)
    except (ValueError, RecursionError):
        return result.strip()
    if isinstance(data, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {_inline(value)}" for name, value in data.items())
    return enumerated([_inline(item) for item in data]) if isinstance(data, list) else _inline(data)


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
