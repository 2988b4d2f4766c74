"""What the offline model says to a user when no tool is to be called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.models.offline.rules.facts import extract
from agno_lite.models.offline.rules.language import (
    enumerated,
    gerund_phrase,
    second_person,
    stems,
    to_you,
    variant,
    words,
)
from agno_lite.models.offline.rules.memory import settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.models.offline.rules.conversation import Conversation

_QUOTED = 60
"""Characters of the user's words that are repeated at most."""
_NAME = re.compile(r"(?:the )?user's name is (.+?)\.?", re.IGNORECASE)
_LIKES = re.compile(r"(?:the )?user (?:likes|loves|enjoys|is interested in|prefers) (.+?)\.?", re.IGNORECASE)
_FAVORITE = re.compile(r"(?:the )?user's favou?rite .+? is (.+?)\.?", re.IGNORECASE)
_HABIT = re.compile(
    r"(?:the )?user (?:(?:usually|often|always|regularly|sometimes) )?"
    r"((?:plays|runs|swims|cooks|bakes|paints|draws|hikes|dances|sings|reads|watches|climbs|goes) ?.*?)\.?",
    re.IGNORECASE,
)
_PLAN = re.compile(r"(?:the )?user (?:plans to|is going) (.+?)\.?", re.IGNORECASE)
_WHEN = re.compile(
    r"(?i)\b((?:this|next) (?:weekend|evening|morning|afternoon|week|month|year|summer|winter|spring|autumn)"
    r"|tonight|tomorrow|today|on \w+day|at the weekend)\b"
)
_ASKS_ADVICE = re.compile(
    r"(?i)\b(?:suggest|recommend|advise|should i|could i do|can i do|shall i|ideas? for|any ideas|tips?"
    r"|what to do|plan (?:my|a)|something (?:fun|nice|to do))"
)
_ASKS_ALL = re.compile(
    r"(?i)\b(?:(?:know|remember|learned|told you|tell me|have on) about (?:me|myself)|who am i"
    r"|what have i told you|what do you (?:know|remember)|summari[sz]e (?:me|what i))"
)
_ASKS_NAME = re.compile(r"(?i)\b(?:my name|who am i|what am i called)\b")
_ASKS_TASTE = re.compile(
    r"(?i)\b(?:do i (?:like|love|enjoy)|my (?:hobbies|interests|favou?rite)|am i into)\b"
)
_GREETING = re.compile(
    r"(?i)\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b[\s\w]{0,12}\W*"
)
_HOW_ARE_YOU = re.compile(r"(?i)\b(?:how are you|how's it going|how do you do|what's up)\b")
_THANKS = re.compile(r"(?i)\b(?:thanks|thank you|cheers|much appreciated)\b")
_BYE = re.compile(r"(?i)\W*(?:bye|goodbye|good night|see you|farewell|talk to you later)\b.*")
_QUESTION = re.compile(
    r"(?i)\W*(?:what|how|why|when|where|who|which|is|are|do|does|did|can|could|would|will|should)\b"
)
_REQUEST = re.compile(
    r"(?i)\W*(?:please |can you |could you )?"
    r"(?:write|tell|explain|describe|summari[sz]e|translate|list|give|create|make|show|help)\b"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a reply depends on."""

    text: str
    """What the user says."""
    told: list[str]
    """The facts in it."""
    known: list[str]
    """These, those in what the user said before, and those remembered."""


def reply(talk: Conversation) -> str:
    """A short answer, the same for the same conversation. The first rule that has one decides."""
    told = settled(extract(talk.text))
    before = [fact for text in talk.earlier for fact in extract(text)]
    known = settled([*talk.remembered, *before, *told])
    turn = Turn(talk.text, told, known)
    return next(filter(None, (rule(turn) for rule in _RULES)), "") or _otherwise(talk.text)


def _advice(turn: Turn) -> str:
    if not _ASKS_ADVICE.search(turn.text):
        return ""
    likes = _ranked(interests(turn.known), turn.text)
    when = _WHEN.search(turn.text)
    time = f" {when[1].lower()}" if when else ""
    if not likes:
        return variant(
            turn.text,
            (
                "I don't know yet what you enjoy. What do you like to do?",
                "That depends on your taste, and I don't know it yet. What are you interested in?",
            ),
        )
    first, others = likes[0], likes[1:3]
    also = f" {_capitalized(enumerated(others))} would fit too." if others else ""
    form = variant(
        turn.text + first,
        (
            "You could make time for {first}{time}: you told me about it.{also}",
            "How about {first}{time}? It is among the things you told me about.{also}",
            "From what I know of you, {first} would be a good choice{time}.{also}",
        ),
    )
    return form.format(first=first, time=time, also=also)


def _recall(turn: Turn) -> str:
    if _ASKS_ALL.search(turn.text):
        return _everything(turn.known)
    if _ASKS_NAME.search(turn.text) and _asks(turn.text):
        name = _name_in(turn.known)
        return f"Your name is {name}." if name else "You haven't told me your name yet."
    if _ASKS_TASTE.search(turn.text) and _asks(turn.text):
        likes = interests(turn.known)
        return (
            f"You told me about {enumerated(likes)}." if likes else "You haven't told me what you like yet."
        )
    if _asks(turn.text) and re.search(r"\b(?:I|my|me)\b", turn.text):
        return _matching(turn.text, turn.known)
    return ""


def _acknowledgement(turn: Turn) -> str:
    if not turn.told:
        return ""
    name = _name_in(turn.told)
    rest = _said_back([fact for fact in turn.told if not _NAME.fullmatch(fact)])
    if name and not rest:
        return variant(
            name, (f"Nice to meet you, {name}!", f"Hello {name}, good to meet you.", f"Welcome, {name}!")
        )
    if name:
        return f"Nice to meet you, {name}! So {rest}: good to know."
    form = variant(
        turn.text, ("So {rest}: good to know.", "Noted: {rest}.", "Thanks for telling me that {rest}.")
    )
    return form.format(rest=rest)


def _small_talk(turn: Turn) -> str:
    name = _name_in(turn.known)
    to = f", {name}" if name else ""
    if _HOW_ARE_YOU.search(turn.text):
        return f"All is well here{to}. What can I do for you?"
    if _BYE.fullmatch(turn.text):
        return f"Goodbye{to}!"
    if _GREETING.fullmatch(turn.text):
        return f"Hello{to}! What is on your mind?"
    return f"You're welcome{to}." if _THANKS.search(turn.text) else ""


_RULES: tuple[Callable[[Turn], str], ...] = (_advice, _recall, _acknowledgement, _small_talk)


def _otherwise(text: str) -> str:
    if not words(text):
        return "I am not sure what you mean. Could you say it in other words?"
    forms: tuple[str, ...]
    if _asks(text):
        forms = (
            "I don't know the answer to “{}”: I only know what I am told here.",
            "Nobody has told me about “{}” yet, so I can't answer that.",
            "I have nothing to go by on “{}”.",
        )
    elif _REQUEST.match(text):
        forms = ("I can't do that: my rules don't cover “{}”.", "“{}” is beyond what my rules can do.")
    else:
        forms = ("I see. Tell me more about “{}”.", "All right: “{}”. What would you like to do with it?")
    return variant(text, forms).format(_quoted(text))


def interests(facts: list[str]) -> list[str]:
    """What the user enjoys, in words that fit after `how about`; plans after tastes."""
    forms: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
        (_LIKES, str),
        (_FAVORITE, str),
        (_HABIT, _as_gerund),
        (_PLAN, _planned),
    )
    found = [
        form(match[1])
        for pattern, form in forms
        for fact in facts
        if (match := pattern.fullmatch(fact.strip()))
    ]
    return list(dict.fromkeys(found))


def _as_gerund(phrase: str) -> str:
    verb, space, rest = phrase.partition(" ")
    return gerund_phrase(f"{second_person(verb.lower())}{space}{rest}")


def _planned(phrase: str) -> str:
    phrase = _WHEN.sub("", phrase).strip()
    if re.match(r"to (?:the|an?|my|their) |\w+ing\b", phrase):
        return f"going {phrase}"
    return gerund_phrase(phrase)


def _ranked(likes: list[str], text: str) -> list[str]:
    asked = stems(text)
    return sorted(likes, key=lambda like: -len(asked & stems(like)))


def _name_in(facts: list[str]) -> str:
    names = [match[1] for fact in facts if (match := _NAME.fullmatch(fact.strip()))]
    return names[-1] if names else ""


def _said_back(facts: list[str]) -> str:
    """Facts as one clause for the user; tastes in one enumeration."""
    likes = [match[1] for fact in facts if (match := re.fullmatch(r"User likes (.+)", fact))]
    others = [to_you(fact) for fact in facts if not fact.startswith("User likes ")]
    parts = [f"you like {enumerated(likes)}", *others] if likes else others
    return ", and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _everything(known: list[str]) -> str:
    if not known:
        return "I know nothing about you yet. Tell me something?"
    return f"This is what I know: {_said_back(known)}."


def _matching(text: str, known: list[str]) -> str:
    """The facts that have the most words in common with the question."""
    asked = stems(text)
    best = max(known, key=lambda fact: len(asked & stems(fact)), default="")
    if not best or not asked & stems(best):
        return "You haven't told me that yet." if re.search(r"\b(?:my|am I|do I|did I)\b", text) else ""
    said = to_you(best)
    return f"{_capitalized(said)}."


def _quoted(text: str) -> str:
    """The beginning of what was said, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED].rstrip()}…"


def _capitalized(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _asks(text: str) -> bool:
    return text.rstrip().endswith("?") or bool(_QUESTION.match(text))
