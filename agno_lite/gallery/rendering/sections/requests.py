"""Complete API requests: everything that was on the wire, by user, session and run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.rendering import wire
from agno_lite.gallery.rendering.escape import code, fence, shortened, text
from agno_lite.gallery.rendering.facts import short
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import JSON, Exchange
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts, Run

_SHOWN = 80
"""Characters of a message in a summary; the message itself is in the bodies."""
_SIBLINGS = 6
"""Requests named as under way at the same time; more are counted."""


def api_requests(context: Context) -> str:
    """A table of all requests, then each with its whole bodies."""
    facts = context.facts
    if facts is None or not facts.capture.exchanges:
        return ""
    groups = [_group(context, facts, runs) for runs in facts.turns]
    if facts.outside:
        groups.append(_group(context, facts, (facts.outside,)))
    runs = [*facts.runs, *([facts.outside] if facts.outside else [])]
    rows = [_row(context, facts, run, exchange) for run in runs for exchange in run.exchanges]
    return context.render(
        "api_requests.md",
        branched=bool(facts.groups),
        overlap=_overlap(context, facts),
        rows=rows,
        groups=groups,
    )


def _overlap(context: Context, facts: Facts) -> list[str]:
    """What is under way at the same time: by construction, and as measured; a sentence each."""
    sentences = []
    if facts.groups:
        names = ", ".join(dict.fromkeys(code(f"{short(group)}()") for group in facts.groups))
        sentences.append(context.say("Branches of %(groups)s send theirs at the same time.", groups=names))
    if context.measurements and context.measurements.exchanges:
        most = context.measurements.most_at_once
        sentences.append(
            context.count(
                "At most %(num)d request was under way at once, as measured.",
                "At most %(num)d requests were under way at once, as measured.",
                most,
            )
        )
    return sentences


def _row(context: Context, facts: Facts, run: Run, exchange: Exchange) -> tuple[str, ...]:
    return (
        f"[{exchange.id}](#request-{exchange.id})",
        text(_purpose(context, facts, exchange)),
        "<br>".join(code(name) for name in (run.user, short(run.branch) if run.branch else "") if name),
        code(run.session_name) if run.session else "",
        _status(context, exchange),
        _outcome(context, facts.answer(exchange)),
    )


def _purpose(context: Context, facts: Facts, exchange: Exchange) -> str:
    """What a request is for, in the words of the page."""
    names = {
        semconv.ANSWER: context.say("answer"),
        semconv.INVOKE_AGENT: context.say("answer"),
        semconv.UPDATE_MEMORY: context.say("memory update"),
        semconv.EXECUTE_TOOL: context.say("inside a tool"),
    }
    return names.get(facts.purpose(exchange), context.say("request"))


def _status(context: Context, exchange: Exchange) -> str:
    return str(exchange.status) if exchange.status is not None else text(context.say("no answer"))


def _outcome(context: Context, answer: wire.Answer) -> str:
    """What an answer did: an error, tool calls, or words."""
    if answer.error:
        return text(shortened(answer.error, _SHOWN))
    calls: dict[str, int] = {}
    for name, _ in answer.calls:
        calls[name] = calls.get(name, 0) + 1
    named = [code(f"{name}()") + (f" ×{count}" if count > 1 else "") for name, count in calls.items()]
    said = [text(f"“{shortened(answer.text, _SHOWN)}”")] if answer.text else []
    return ", ".join(named + said) or text(context.say("nothing"))


def _group(context: Context, facts: Facts, runs: tuple[Run, ...]) -> dict[str, object]:
    """Runs that follow each other in one session, or in one branch."""
    first = runs[0]
    title = text(context.say("Outside of any run"))
    if first.span is not None:
        place = f"{short(first.branch)}()" if first.branch else first.session_name
        title = f"{text(first.user or '—')} · {text(place or '—')}"
    return {"title": title, "runs": [_run(context, facts, run) for run in runs]}


def _run(context: Context, facts: Facts, run: Run) -> dict[str, object]:
    number = context.say("Run %(number)d", number=run.number)
    return {
        "number": context.line(run.call.line, number) if run.call else number,
        "named": run.span is not None,
        "session": code(run.session_name) if run.branch and run.session else "",
        "question": text(f"“{shortened(run.question, 2 * _SHOWN)}”") if run.question else "",
        "requests": len(run.exchanges),
        "answer": text(f"“{shortened(run.answer, 2 * _SHOWN)}”") if run.answer else "",
        "changes": [_change(context, change) for change in run.changes],
        "exchanges": [_exchange(context, facts, exchange) for exchange in run.exchanges],
    }


def _change(context: Context, change: JSON) -> str:
    names = {
        "add": context.say("added"),
        "update": context.say("changed"),
        "delete": context.say("deleted"),
    }
    operation = str(change.get("operation", ""))
    memory = change.get("memory")
    return names.get(operation, text(operation)) + (f": {text(str(memory))}" if memory else "")


def _exchange(context: Context, facts: Facts, exchange: Exchange) -> dict[str, object]:
    answer = facts.answer(exchange)
    body = facts.capture.bodies.get(exchange.response)
    title = (
        f"{exchange.id} · {_purpose(context, facts, exchange)} · {exchange.method} {exchange.path} · "
        f"{exchange.status if exchange.status is not None else context.say('no answer')}"
    )
    return {
        "id": exchange.id,
        "title": text(title),
        "siblings": _siblings(facts, exchange),
        "branches": _branches(facts, exchange),
        "request": body_block(facts.request(exchange)),
        "response": body_block(body) if body is not None else "",
        "events": answer.events,
        "assembled": fence(_assembled(answer), "text") if answer.events is not None else "",
    }


def _siblings(facts: Facts, exchange: Exchange) -> str:
    numbers = [f"[{other.id}](#request-{other.id})" for other in facts.siblings(exchange)]
    more = f", … ({len(numbers)})" if len(numbers) > _SIBLINGS else ""
    return ", ".join(numbers[:_SIBLINGS]) + more


def _branches(facts: Facts, exchange: Exchange) -> str:
    """Branches beside the request's own, linked to their requests."""
    first: dict[int, int] = {}
    for number, runs in enumerate(facts.turns, start=1):
        if runs[0].branch is not None:
            first.setdefault(runs[0].branch.id, number)
    links = [
        f"[{code(f'{short(branch)}()')}](#requests-{first[branch.id]})"
        for branch in facts.beside(exchange.span)
        if branch.id in first
    ]
    more = f", … ({len(links)})" if len(links) > _SIBLINGS else ""
    return ", ".join(links[:_SIBLINGS]) + more


def _assembled(answer: wire.Answer) -> str:
    calls = [f"{name}({arguments})" for name, arguments in answer.calls]
    return "\n".join([*([answer.text] if answer.text else []), *calls]) or answer.error


def body_block(body: Any) -> str:
    """A body as it was, indented; long lines wrap where they are shown."""
    if isinstance(body, str):
        return fence(body, "text")
    return fence(json.dumps(body, ensure_ascii=False, indent=2), "json")
