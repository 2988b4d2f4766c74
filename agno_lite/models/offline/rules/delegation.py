"""Which members of a team a question is for, and what they are told to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agno_lite.models.offline.rules.conversation import DELEGATE, Call
from agno_lite.models.offline.rules.language import enumerated, sentences, stems, variant, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.models.offline.rules.conversation import Conversation, Member

_NAMED, _IN_ROLE = 3, 1
"""Weight of a word that a member's name or tools have, and of one in its role."""
_COMMON = stems(
    "agent assistant expert helper member team specialist name role tools find fetch look lookup search"
    " answer question questions information info user users help handle task tasks provide suggest recommend"
    " day time place thing best good fun sure make"
)
"""What the descriptions of members have in common whatever they do."""
_ROLE = re.compile(r"^  role: *(.*)$", re.MULTILINE)
_PLACE = re.compile(
    r"\b(?:in|at|for|to|near|around|visit|visiting|of|from) +((?:[A-Z][\w'-]*)(?: +[A-Z][\w'-]*)*)"
)
_CAPITALS = re.compile(r"(?<=[\w,] )(?!I\b|I')([A-Z][\w'-]+(?: +[A-Z][\w'-]+)*)")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")


def delegations(talk: Conversation) -> tuple[Call, ...]:
    """A call for each member that is good for a part of what the user said, in the order of the team."""
    if not any(tool.name == DELEGATE for tool in talk.tools):
        return ()
    return tuple(
        Call(DELEGATE, {"member_id": member.id, "task": _task(member, talk.text)})
        for member in _fitting(talk.members, stems(talk.text))
    )


def _fitting(members: Sequence[Member], said: set[str]) -> list[Member]:
    """The members of whom the question has a word that fits nobody else as well; else the best one."""
    weights = [_weights(member) for member in members]
    chosen: set[int] = set()
    for word in said:
        fits = [known.get(word, 0) for known in weights]
        best = max(fits, default=0)
        if best and fits.count(best) == 1:
            chosen.add(fits.index(best))
    if chosen:
        return [members[place] for place in sorted(chosen)]
    totals = [sum(known.get(word, 0) for word in said) for known in weights]
    best = max(totals, default=0)
    return [members[totals.index(best)]] if best else []


def _task(member: Member, text: str) -> str:
    """The member's part of the question, in words of the leader's own."""
    about = _stems(member.about)
    topics = list(dict.fromkeys(word for word in words(text) if stems(word) & about))
    place = _PLACE.search(text) or _CAPITALS.search(text)
    where = f" in {place[1]}" if place else ""
    numbers = [number for part in sentences(text) if stems(part) & about for number in _NUMBER.findall(part)]
    given = f" The numbers are {enumerated(numbers)}." if numbers else ""
    form = variant(
        text + member.id,
        (
            "Find out about the {topics}{where}.",
            "Tell me about {topics}{where}.",
            "Look into {topics}{where}.",
        ),
    )
    return form.format(topics=enumerated(topics), where=where) + given


def _weights(member: Member) -> dict[str, int]:
    """How much each word says of a member."""
    role = dict.fromkeys(_stems(" ".join(_ROLE.findall(member.about))), _IN_ROLE)
    return role | dict.fromkeys(_stems(_ROLE.sub("", member.about)), _NAMED)


def _stems(about: str) -> set[str]:
    return stems(about.replace("_", " ")) - _COMMON
