"""As much English grammar as the rules need."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

_THIRD = {"have": "has", "do": "does", "go": "goes", "be": "is", "am": "is"}
_BASE = {third: base for base, third in _THIRD.items()} | {"is": "are", "was": "were", "has": "have"}
_ADVERBS = {"always", "sometimes", "usually", "often", "never", "regularly", "also", "currently", "doesn't"}
_PERSONS = {
    "i": "they",
    "i'm": "they are",
    "i've": "they have",
    "me": "them",
    "my": "their",
    "mine": "theirs",
    "myself": "themselves",
    "we": "they",
    "us": "them",
    "our": "their",
    "am": "are",
}
_BACK = {"they": "you", "them": "you", "their": "your", "theirs": "yours", "themselves": "yourself"}
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)(?<!\b[A-Z]\.)\s+|[\n;]+"
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_STOP_WORD = re.compile(
    "a|about|all|am|an|and|any|are|as|at|be|been|but|by|can|could|did|do|does|for|from|get|give"
    "|had|has|have|he|her|him|his|how|i|if|in|into|is|it|its|i'm|just|know|like|me|my|no|not|of"
    "|on|or|our|please|she|should|so|some|tell|than|that|the|their|them|then|there|these|they"
    "|this|to|us|want|was|we|were|what|what's|when|where|which|who|why|will|with|would|you|your"
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, with their marks."""
    return [sentence.strip() for sentence in _SENTENCE_END.split(text) if sentence.strip()]


def words(text: str) -> list[str]:
    """The words of a text in lower case, without those that carry no meaning by themselves."""
    found = (word.lower() for word in _WORD.findall(text.replace("’", "'")))
    return [word for word in found if not _STOP_WORD.fullmatch(word)]


def stems(text: str) -> set[str]:
    """The words of a text without common endings, so that `hikes` and `hiking` meet."""
    return {re.sub(r"(?<=\w{3})(?:ing|ers|er|es|ed|e|s)$", "", word) for word in words(text)}


def variant(seed: str, choices: Sequence[T]) -> T:
    """One of the choices, always the same for the same text."""
    return choices[zlib.crc32(seed.encode("utf-8", "surrogatepass")) % len(choices)]


def enumerated(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def split_list(text: str) -> list[str]:
    """The members of `a, b and c`."""
    parts = re.split(r"\s*(?:,\s*(?:and|or|plus)\s|,|\band\b|&|\bas well as\b|\bplus\b)\s*", text)
    return [part for part in (cleaned(part) for part in parts) if part]


def cleaned(text: str) -> str:
    """A phrase without marks at its ends, and without words that only stress it."""
    text = " ".join(text.split()).strip(" .,!?:;…–-")
    return re.sub(
        r"(?i)\s+(?:too|as well|a lot|very much|so much|though|actually|these days|at the moment|right now)$",
        "",
        text,
    ).removeprefix("both ")


def third_person(verb: str) -> str:
    """`play` to `plays`, `go` to `goes`, `study` to `studies`."""
    if verb in _THIRD:
        return _THIRD[verb]
    if re.search(r"(?:s|x|z|ch|sh|o)$", verb):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"


def second_person(verb: str) -> str:
    """`plays` to `play`: the reverse of `third_person`."""
    if verb in _BASE:
        return _BASE[verb]
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if re.search(r"(?:ss|x|z|ch|sh|o)es$", verb):
        return verb[:-2]
    return verb[:-1] if re.search(r"[^s]s$", verb) else verb


def gerund(verb: str) -> str:
    """`read` to `reading`, `hike` to `hiking`, `run` to `running`."""
    if re.search(r"[^aeioy]e$", verb) and verb != "be":
        return f"{verb[:-1]}ing"
    doubled = re.search(r"^[^aeiou]*[aeiou][bdgklmnprt]$", verb)
    return f"{verb}{verb[-1]}ing" if doubled else f"{verb}ing"


def gerund_phrase(phrase: str) -> str:
    """`to read manga` or `read manga` to `reading manga`."""
    verb, space, rest = phrase.removeprefix("to ").partition(" ")
    return f"{gerund(verb)}{space}{rest}"


def of_them(phrase: str) -> str:
    """A phrase of the first person, as one speaks of somebody else: `my dog` to `their dog`."""
    return re.sub(r"[\w']+", lambda match: _PERSONS.get(match[0].lower(), match[0]), phrase)


def to_you(statement: str) -> str:
    """A statement on the user, said to the user: `User likes tea` to `you like tea`."""
    subject, _, rest = statement.rstrip(" .").partition(" ")
    if subject.lower() == "the":
        subject, _, rest = rest.partition(" ")
    rest = re.sub(r"\b(?:they|them|their|theirs|themselves)\b", lambda match: _BACK[match[0]], rest)
    if subject.lower() == "user's":
        return f"your {rest}"
    if subject.lower() != "user":
        return f"“{statement}”"
    first, space, tail = rest.partition(" ")
    if first == "doesn't":
        return f"you don't {tail}"
    if first in _ADVERBS and tail:
        verb, gap, tail = tail.partition(" ")
        return f"you {first} {second_person(verb)}{gap}{tail}"
    return f"you {second_person(first)}{space}{tail}"
