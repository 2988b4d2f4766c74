"""What a request says: the conversation, what is remembered, the tools on offer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

DELEGATE = "delegate_task_to_member"
"""Name of the tool with which a team's leader hands tasks to members."""

_REMEMBERED = re.compile(
    r"<memories_from_previous_interactions>(.*?)</memories_from_previous_interactions>", re.DOTALL
)
_MEMBERS = re.compile(r"<team_members>(.*?)</team_members>", re.DOTALL)
_MEMBER = re.compile(r"^- id: *(.+)((?:\n  .*)*)", re.MULTILINE)
_EXISTING = re.compile(r"<existing_memories>(.*?)</existing_memories>", re.DOTALL)
_ENTRY = re.compile(r"^ID: *(.+)\nMemory: *(.*(?:\n(?!ID: |\s*$).+)*)", re.MULTILINE)
_ITEM = re.compile(r"^\s*- +(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    name: str
    """Name of the tool."""
    arguments: dict[str, Any]
    """Arguments by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function tool on offer."""

    name: str
    """Its name."""
    description: str
    """What it is for."""
    schema: dict[str, Any]
    """JSON schema of its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the team that the model leads."""

    id: str
    """Its id."""
    about: str
    """What is said of it: its id, name, role and tools, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A request, as the rules read it."""

    text: str
    """What the user said last; empty if nothing."""
    earlier: tuple[str, ...]
    """What the user said before, oldest first."""
    remembered: tuple[str, ...]
    """Memories that are told for the answer."""
    existing: tuple[tuple[str, str], ...]
    """Ids and texts of the memories that a memory manager has."""
    members: tuple[Member, ...]
    """Members of the team that the model leads; empty if it leads none."""
    tools: tuple[Tool, ...]
    """Tools that may be called now."""
    must_call: bool
    """Whether the request demands a tool call."""
    results: tuple[tuple[str, str], ...]
    """Names of the tools called since the user last spoke, or of the members asked, and their results."""


def read(request: dict[str, Any]) -> Conversation:
    """Read a Chat Completions request of the right form."""
    messages = request["messages"]
    said = [_text(message) for message in messages if message["role"] == "user"]
    system = "\n".join(_text(message) for message in messages if message["role"] in ("system", "developer"))
    choice = request.get("tool_choice")
    return Conversation(
        text=said[-1] if said else "",
        earlier=tuple(said[:-1]),
        remembered=tuple(_ITEM.findall("\n".join(_REMEMBERED.findall(system)))),
        existing=tuple(_ENTRY.findall("\n".join(_EXISTING.findall(system)))),
        members=_members("\n".join(_MEMBERS.findall(system))),
        tools=_tools(request.get("tools") or [], choice),
        must_call=choice == "required" or isinstance(choice, dict),
        results=_results(messages),
    )


def _members(listed: str) -> tuple[Member, ...]:
    return tuple(Member(id=name.strip(), about=name + about) for name, about in _MEMBER.findall(listed))


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))


def _tools(tools: list[dict[str, Any]], choice: Any) -> tuple[Tool, ...]:
    if choice == "none":
        return ()
    function = choice.get("function") if isinstance(choice, dict) else None
    only = function.get("name") if isinstance(function, dict) else None
    offered = (_tool(tool["function"]) for tool in tools)
    return tuple(tool for tool in offered if only in (None, tool.name))


def _tool(function: dict[str, Any]) -> Tool:
    description = function.get("description")
    return Tool(
        name=function["name"],
        description=description if isinstance(description, str) else "",
        schema=function.get("parameters") or {},
    )


def _results(messages: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    names: dict[Any, str] = {}
    results: list[tuple[str, str]] = []
    for message in messages:
        if message["role"] == "user":
            results.clear()
        elif message["role"] == "tool":
            results.append((names.get(str(message.get("tool_call_id")), "the tool"), _text(message)))
        for call in _calls(message):
            function = call.get("function")
            if isinstance(function, dict):
                names[str(call.get("id"))] = _member_asked(function) or str(function.get("name"))
    return tuple(results)


def _member_asked(function: dict[str, Any]) -> str:
    """Whom a call hands a task to: the member's id as words; empty if it is no such call."""
    if function.get("name") != DELEGATE:
        return ""
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError, RecursionError):
        return ""
    member = arguments.get("member_id") if isinstance(arguments, dict) else None
    return re.sub("[-_]+", " ", member) if isinstance(member, str) else ""


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
