"""What a memory manager is to do with what a user says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agno_lite.models.offline.rules.conversation import Call, Tool
from agno_lite.models.offline.rules.facts import extract
from agno_lite.models.offline.rules.tools import placeholder

if TYPE_CHECKING:
    from agno_lite.models.offline.rules.conversation import Conversation

_LIGHT = re.compile(
    r"(?<=user likes )(?:playing|watching|doing|listening to|going) |(?<=user dislikes )(?:playing|watching) "
)
_SLOTS = [
    (re.compile(pattern), slot)
    for pattern, slot in (
        (r"user's name is .*", "name"),
        (r"user lives .*", "home"),
        (r"user works as .*", "job"),
        (r"user is \d+ years old", "age"),
        (r"user's (favorite .+|birthday|email|address|phone number|job|age) is .*", ""),
        (r"user (?:likes|dislikes) (.+)", ""),
    )
]
_TOPICS = [
    (re.compile(pattern), topic)
    for pattern, topic in (
        (r"user's name ", "name"),
        (r"user (?:likes|prefers) |user's favorite ", "interests"),
        (r"user dislikes ", "dislikes"),
        (r"user (?:lives|is from|grew up|was born) ", "home"),
        (r"user works |user's (?:job|boss) ", "work"),
        (r"user (?:plans|is going|is planning|wants) ", "plans"),
        (r"user is allergic |user has (?:asthma|diabetes)", "health"),
        (r"user (?:\w+ )?(?:goes|plays|runs|does|reads|watches|swims) ", "habits"),
    )
]


def serves_memory(talk: Conversation) -> bool:
    """Whether the request comes from a memory manager."""
    return any(tool.name == "add_memory" for tool in talk.tools) or any(
        name.endswith("_memory") for name, _ in talk.results
    )


def memory_calls(talk: Conversation) -> tuple[Call, ...]:
    """A call for each fact that is new, or that replaces what was known."""
    known = {key(text): (number, text) for number, text in talk.existing}
    held = {slot_of(text): (number, text) for number, text in talk.existing if slot_of(text)}
    tools = {tool.name: tool for tool in talk.tools}
    calls: list[Call] = []
    for fact in settled(extract(talk.text)):
        held_as = held.get(slot_of(fact))
        if key(fact) in known or (held_as and _says_less(fact, held_as[1])):
            continue
        if held_as and "update_memory" in tools:
            calls.append(_call(tools["update_memory"], fact, memory_id=held_as[0]))
        elif "add_memory" in tools:
            calls.append(_call(tools["add_memory"], fact))
    return tuple(calls)


def settled(facts: list[str]) -> list[str]:
    """The facts without repetitions, and of those that exclude each other the last."""
    kept: dict[str, str] = {}
    for fact in facts:
        place = slot_of(fact) or key(fact)
        if place not in kept or not _says_less(fact, kept[place]):
            kept[place] = fact
    return list(kept.values())


def key(statement: str) -> str:
    """The same for statements that say the same: without case, marks and verbs that add nothing."""
    plain = re.sub(r"\s+", " ", re.sub(r"[^\w\s']", "", statement.casefold())).strip()
    return _LIGHT.sub("", plain.removeprefix("the "))


def slot_of(statement: str) -> str:
    """What can hold only one of several statements, such as the user's name; empty for most."""
    plain = key(statement)
    for pattern, slot in _SLOTS:
        if match := pattern.fullmatch(plain):
            return slot or match[1]
    return ""


def _says_less(fact: str, known: str) -> bool:
    """Whether a fact is a part of what is known, such as a first name of a full one."""
    return slot_of(fact) == "name" and set(key(fact).split()) <= set(key(known).split())


def _call(tool: Tool, fact: str, memory_id: str | None = None) -> Call:
    values: dict[str, Any] = {"memory": fact, "topics": [_topic(fact)], "memory_id": memory_id}
    properties = tool.schema.get("properties")
    required = tool.schema.get("required")
    arguments = {}
    for name, schema in (properties if isinstance(properties, dict) else {"memory": {}}).items():
        if values.get(name) is not None:
            arguments[name] = values[name]
        elif isinstance(required, list) and name in required:
            arguments[name] = placeholder(schema, fact)
    return Call(tool.name, arguments)


def _topic(fact: str) -> str:
    plain = key(fact) + " "
    return next((topic for pattern, topic in _TOPICS if pattern.match(plain)), "personal")
