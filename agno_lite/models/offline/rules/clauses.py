"""A text as statements with a subject each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agno_lite.models.offline.rules.language import cleaned, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 20_000
"""Characters of a text that are looked at."""
_LONGEST = 300
"""Characters of a clause that is looked at: longer ones are not what people say of themselves."""

VERBS = (
    "play|practise|practice|run|swim|read|watch|cook|bake|paint|draw|collect|write|drive|ride"
    "|train|climb|cycle|bike|hike|dance|sing|garden|knit|sew|code|program|teach|volunteer"
    "|meditate|exercise|jog|ski|surf|travel|commute|eat|drink|smoke|sleep|wake up|go|do|use|study"
    "|speak|follow|support|listen|attend|coach|fish|camp|skate|grow|build|work out|walk"
)
"""Verbs that say what somebody does habitually, as a pattern."""
_FEELINGS = "like|love|enjoy|adore|hate|dislike|prefer|work|live|have|own|want|plan|don't"

_CONTRACTIONS = [
    (re.compile(pattern, re.IGNORECASE), short)
    for pattern, short in (
        (r"[’`]", "'"),
        (r"\bi am\b|\bim\b|\bi'm\b", "I'm"),
        (r"\bi have (?=got\b|been\b|just\b|recently\b)|\bive\b\s*|\bi've\b\s*", "I've "),
        (r"\bi would\b|\bi'd\b", "I'd"),
        (r"\bi will\b|\bi'll\b", "I'll"),
        (r"\bdo not\b|\bdont\b", "don't"),
        (r"\bcan ?not\b", "can't"),
        (r"\bi\b(?!\.)", "I"),
    )
]
_NEXT_SUBJECT = re.compile(
    r"(?i),?\s+(?:and|but|so|because|plus|while)\s+(?=(?:I|my)\b)|,\s+(?=(?:I|my)\b)|\s[–—-]\s"
)
_NEXT_VERB = re.compile(rf"(?i),?\s+(?:and|but)\s+(?:also\s+|really\s+)*(?=(?:{_FEELINGS}|{VERBS})\b)")
_INFINITIVE = re.compile(r"(?i)\b(?:to|I'll|going)\b")
_ASIDE = re.compile(
    r"(?i)^(.+?),\s+(?:and\s+|so\s+)?(?:what|how|do|can|could|would|which|where|when|who|why|is|are|should|any)\b"
)
_OPENING = re.compile(
    r"(?i)^(?:(?:hi|hello|hey|there|good (?:morning|evening|afternoon)|well|so|also|oh|yes|yeah|no|ok|okay"
    r"|by the way|btw|actually|honestly|in fact|and|but|thanks|thank you|please|note that|remember(?: that)?"
    r"|just so you know|sure|in my (?:free|spare) time|on (?:the )?weekends|these days|lately|currently"
    r"|right now|for me|personally|to be honest|nice to meet you|i think(?: that)?|everyone|all)\b[\s,:!.]*)+"
)
_TIME_COMMA = re.compile(r"(?i)^((?:today|tomorrow|tonight|(?:this|next|every|on) \w+)),(?=\s+I\b)")
_ADVERBIAL = re.compile(
    r"(?i)(?P<when>(?:today|tomorrow|tonight"
    r"|(?:this|next|every|on|in|at|during|after|before)(?: [\w'-]+){1,3}?))"
    r",?\s+(?P<rest>I(?:'m|'ll|'d|'ve)?\s.+)"
)


def clauses(text: str) -> Iterator[str]:
    """Statements of the text, contractions made uniform, without greetings and questions."""
    text = re.sub(r"[^\S\n]+", " ", text[:_MOST])
    for pattern, short in _CONTRACTIONS:
        text = pattern.sub(short, text)
    for sentence in sentences(text):
        statement: str | None = sentence
        if sentence.endswith("?"):
            aside = _ASIDE.match(sentence)
            statement = aside[1] if aside else None
        if statement is not None:
            statement = _TIME_COMMA.sub(r"\1", _OPENING.sub("", statement))
            for part in _NEXT_SUBJECT.split(statement):
                yield from _with_subject(_adverbial_last(_OPENING.sub("", part.strip())))


def _adverbial_last(clause: str) -> str:
    """`Tomorrow I'm going to the gym` as `I'm going to the gym tomorrow`."""
    found = _ADVERBIAL.fullmatch(cleaned(clause))
    if found is None:
        return clause
    when = found["when"]
    return f"{found['rest']} {when[0].lower()}{when[1:]}"


def _with_subject(clause: str) -> Iterator[str]:
    """`I like tea and play chess` as `I like tea` and `I play chess`."""
    parts = _NEXT_VERB.split(clause) if re.match(r"I\b", clause) else [clause]
    if len(parts) > 1 and _INFINITIVE.search(parts[0]):
        parts = [clause]
    for number, part in enumerate(parts):
        whole = cleaned(part if number == 0 else f"I {part}")
        if 0 < len(whole) <= _LONGEST:
            yield whole
