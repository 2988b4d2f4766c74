"""What somebody says of themselves, as short statements in the third person.

Each rule is a pattern for a clause of the first person, and what it makes of it. The first rule that fits a
clause decides. Questions, requests and small talk fit none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agno_lite.models.offline.rules.clauses import VERBS, clauses
from agno_lite.models.offline.rules.language import (
    cleaned,
    gerund_phrase,
    of_them,
    split_list,
    third_person,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Statements = Callable[[re.Match[str]], list[str]]

_A = (
    r"(?:(?:really|also|just|absolutely|quite|particularly|especially|truly|still|do|mostly|actually"
    r"|definitely|totally|simply|now|currently|recently|kind of|sort of|originally|very|super|so|deeply"
    r"|always|both)\s+)*"
)
_OFTEN = r"(?P<often>(?:usually|often|always|sometimes|regularly|never)\s+)?"
_STATES = (
    "vegetarian|vegan|pescatarian|married|single|divorced|engaged|retired|pregnant|diabetic"
    "|unemployed|self-employed|left-handed|right-handed|colou?r-?blind|bilingual"
    "|lactose intolerant|gluten intolerant|deaf|blind|american|argentinian|australian|austrian"
    "|belgian|brazilian|british|canadian|chinese|czech|danish|dutch|english|finnish|french|german"
    "|greek|hungarian|indian|irish|italian|japanese|korean|mexican|norwegian|polish|portuguese"
    "|russian|scottish|spanish|swedish|swiss|turkish|ukrainian|vietnamese|welsh|buddhist|catholic"
    "|christian|hindu|jewish|muslim"
)
_CONDITIONS = "asthma|diabetes|allergies|adhd|dyslexia|epilepsy|insomnia|migraines"
_PAST = (
    "started|began|stopped|quit|bought|adopted|got|graduated|retired|visited|won|wrote|built"
    "|studied|used to|moved out|broke"
)
_COUNT = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|\d+|some|several|many|twin|no|my own)"
_NOT_OWNED = (
    r"(?!.*\b(?:questions?|problems?|ideas?|issues?|doubts?|requests?|feeling|look|chance|time|point)\b)"
)
_NOT_WANTED = (
    r"(?!(?:know|ask|say|tell|thank|understand|hear|check|see if|make sure|talk|discuss|introduce)\b)"
)
_NOT_DOING = (
    r"(?!(?:going|wondering|asking|trying|feeling|doing|calling|talking|kidding|joking|being|getting|hoping"
    r"|telling|having|saying|guessing|looking|planning|living|working as|thinking)\b)"
)
_NOT_MINE = r"(?!(?:question|problem|point|guess|mistake|opinion|answer|apologies|bad|favou?rite|name)\b)"
_NAME = r"[^\W\d_][\w'.-]*(?: [^\W\d_][\w'.-]*){0,3}"
_CAPITALS = r"(?-i:(?!I\b)[A-Z][\w'.-]*(?: [A-Z][\w'.-]*){0,3})"
_NO_NAME = re.compile(r"(?i)ok|okay|fine|sorry|in|at|on|so|not|good|great|done|here|back|home|sure|glad")
_VAGUE = re.compile(
    r"(?i)(?:it|that|this|these|those|them|him|her|you|your|how|what|when|where|the way|the idea|to know)\b"
)
_HOBBY = r"(?:things?|hobby|hobbies|pastimes?|activity|activities|things? to do|ways?|interests?)"
_TIME = (
    r"(?:today|tonight|tomorrow|(?:this|next) \w+|on \w+day|at the weekend|in (?:the )?\w+|after \w+|later)"
)


def extract(text: str) -> list[str]:
    """The facts in what a user says, in its order, each once.

    Args:
        text: anything.

    Returns:
        Statements such as `User likes anime`; none if the user says nothing of themselves.
    """
    found: dict[str, None] = {}
    for clause in clauses(text):
        matches = ((pattern.fullmatch(clause), statements) for pattern, statements in _RULES)
        made = next((statements(match) for match, statements in matches if match), [])
        found.update(dict.fromkeys(made))
    return list(found)


def _name(match: re.Match[str]) -> list[str]:
    name = re.split(r"(?i)\s+(?:and|but|from|not|by|I'm|nice|the|an?)\b", f" {match['x']}")[0].strip(" .-")
    if not name or _NO_NAME.fullmatch(name):
        return []
    return [f"User's name is {name.title() if name.islower() else name}"]


def _each(form: str) -> Statements:
    """A statement for each member of the list `x`, in the place of `{}`."""

    def statements(match: re.Match[str]) -> list[str]:
        items = split_list(_uncapitalized(match["x"]))
        if items and re.match(r"to [a-z]", items[0]):
            items = [gerund_phrase(item) for item in items]
        return [form.format(of_them(item)) for item in items if not _VAGUE.match(item)]

    return statements


def _uncapitalized(phrase: str) -> str:
    """`Reading manga`, which began a sentence, to `reading manga`."""
    return f"{phrase[0].lower()}{phrase[1:]}" if re.match(r"[A-Z][a-z]+ing\b", phrase) else phrase


def _one(form: str) -> Statements:
    """One statement, with the pattern's groups in the places with their names."""

    def statements(match: re.Match[str]) -> list[str]:
        groups = {name: of_them(value or "") for name, value in match.groupdict().items()}
        return [] if _VAGUE.match(groups["x"]) else [cleaned(form.format_map(groups))]

    return statements


def _favorite(match: re.Match[str]) -> list[str]:
    kind = (match["kind"] or "").strip()
    if not kind or re.fullmatch(_HOBBY, kind, re.IGNORECASE):
        return _each("User likes {}")(match)
    return [f"User's favorite {of_them(kind)} is {of_them(cleaned(match['x']))}"]


def _habit(match: re.Match[str]) -> list[str]:
    verb, space, particle = match["verb"].lower().partition(" ")
    rest = of_them(match["x"] or "")
    return [cleaned(f"User {match['often'] or ''}{third_person(verb)}{space}{particle}{rest}")]


def _past(match: re.Match[str]) -> list[str]:
    return [cleaned(f"User {match['verb'].lower()}{of_them(match['x'])}")]


_ABOUT_NAMES: list[tuple[str, Statements]] = [
    (
        rf"(?:my (?:full |first )?name(?:'s| is)|I'm called|I go by|the name(?:'s| is)) (?P<x>{_NAME})\b.*",
        _name,
    ),
    (
        rf"(?:(?:you can|please|just|people|friends|everyone|they|my friends) )*call me (?P<x>{_CAPITALS}).*",
        _name,
    ),
    (rf"I'm {_A}(?P<x>{_STATES})(?: and .*)?", _one("User is {x}")),
    (r"I'm (?P<x>\d{1,3})(?: years? old)?", _one("User is {x} years old")),
    (rf"(?:I'm|this is) (?P<x>{_CAPITALS})(?:,.*| from .*| and .*)?", _name),
]
_ABOUT_TASTES: list[tuple[str, Statements]] = [
    (rf"I {_A}don't {_A}(?:like|enjoy|love|care for) (?P<x>.+)", _each("User dislikes {}")),
    (rf"I(?:'m {_A}not (?:a (?:big )?fan of|into|fond of)) (?P<x>.+)", _each("User dislikes {}")),
    (rf"I {_A}(?:hate|dislike|can't stand|detest) (?P<x>.+)", _each("User dislikes {}")),
    (r"I no longer (?:like|enjoy|love) (?P<x>.+)", _each("User dislikes {}")),
    (
        rf"I {_A}(?:like|love|enjoy|adore) (?P<x>.+)",
        _each("User likes {}"),
    ),
    (
        (
            rf"I'm {_A}(?:a )?{_A}(?:(?:big|huge|great|massive|lifelong) )?(?:fan of|into|fond of|keen on"
            r"|(?:crazy|passionate|mad|nuts|enthusiastic) about|interested in|addicted to) (?P<x>.+)"
        ),
        _each("User likes {}"),
    ),
    (
        (
            rf"(?P<x>.+) (?:is|are) (?:something|things?|what|one thing|an activity|hobbies) (?:that )?I {_A}"
            r"(?:like|enjoy|love)(?: doing)?"
        ),
        _each("User likes {}"),
    ),
    (
        r"my (?:hobbies|interests|passions?|hobby|interest)(?: are| include| is) (?P<x>.+)",
        _each("User likes {}"),
    ),
    (r"what I (?:like|love|enjoy)(?: most| best| doing)? (?:is|are) (?P<x>.+)", _each("User likes {}")),
    (
        r"my (?:all-time )?favou?rite (?P<kind>[\w ]+?) (?:is|are|(?:has|have) always been) (?P<x>.+)",
        _favorite,
    ),
    (
        r"(?P<x>.+) (?:is|are) (?:one of )?my (?:all-time )?favou?rites?(?P<kind> [\w ]+)?",
        _favorite,
    ),
    (rf"I(?:'d rather have| {_A}prefer) (?P<x>.+)", _one("User prefers {x}")),
    (rf"I'm {_A}(?:severely |highly )?allergic to (?P<x>.+)", _each("User is allergic to {}")),
]
_ABOUT_LIFE: list[tuple[str, Statements]] = [
    (
        rf"I(?: {_A}(?:live|reside)|'m {_A}(?:living|based)) (?P<where>in|near|at|on) (?P<x>.+)",
        _one("User lives {where} {x}"),
    ),
    (rf"I(?:'ve)? +{_A}moved to (?P<x>.+)", _one("User lives in {x}")),
    (rf"I(?:'m| come) {_A}from (?P<x>.+)", _one("User is from {x}")),
    (r"I (?P<verb>grew up|was born)(?P<x> (?:in|near|on) .+)", _past),
    (rf"I(?: {_A}work|'m {_A}working|'m employed) as (?P<x>.+)", _one("User works as {x}")),
    (r"my (?:job|profession|occupation) is (?P<x>.+)", _one("User works as {x}")),
    (rf"I(?: {_A}work|'m {_A}working) (?P<where>at|for|in|with) (?P<x>.+)", _one("User works {where} {x}")),
    (rf"I'm {_A}(?P<x>an? (?!bit\b|little\b|lot\b|big\b|huge\b).+)", _one("User is {x}")),
    (
        rf"I(?:'ve got| {_A}have|'ve| {_A}own) +{_NOT_OWNED}(?P<x>{_COUNT} .+|{_CONDITIONS})",
        _one("User has {x}"),
    ),
    (rf"I {_A}speak (?P<x>.+)", _each("User speaks {}")),
    (
        rf"my {_NOT_MINE}(?P<what>[\w'-]+(?: [\w'-]+){{0,3}}?)(?:'s| is| are) (?P<x>.+)",
        _one("User's {what} is {x}"),
    ),
]
_ABOUT_PLANS: list[tuple[str, Statements]] = [
    (
        (
            rf"I(?:'m {_A}planning| {_A}plan|'m {_A}going| intend| aim) to (?!(?:the|an?|my|see you)\b)"
            r"(?P<x>(?-i:[a-z]).+)"
        ),
        _one("User plans to {x}"),
    ),
    (rf"I'm {_A}planning on (?P<x>.+)", _one("User plans on {x}")),
    (rf"I'm {_A}planning (?P<x>.+)", _one("User is planning {x}")),
    (rf"I'm {_A}going (?P<x>.+)", _one("User is going {x}")),
    (rf"I'll {_A}(?!be\b)(?P<x>.+ {_TIME})", _one("User plans to {x}")),
    (
        rf"I(?:'d {_A}(?:like|love)| {_A}want| {_A}hope| {_A}wish| would like) to {_NOT_WANTED}(?P<x>.+)",
        _one("User wants to {x}"),
    ),
    (rf"I(?:'d {_A}like| {_A}want) (?P<x>{_COUNT} .+)", _one("User wants {x}")),
    (rf"I'm {_A}(?P<x>(?:looking for|thinking about) .+)", _one("User is {x}")),
    (rf"I'm {_A}{_NOT_DOING}(?P<x>[a-z]+ing .+)", _one("User is {x}")),
    (rf"I(?:'ve)? +{_A}{_OFTEN}(?P<verb>{_PAST})(?P<x> .+)", _past),
    (rf"I {_A}{_OFTEN}(?P<verb>{VERBS})(?P<x> .+)?", _habit),
]
_RULES = [
    (re.compile(pattern, re.IGNORECASE), statements)
    for pattern, statements in (*_ABOUT_NAMES, *_ABOUT_TASTES, *_ABOUT_LIFE, *_ABOUT_PLANS)
]
