"""Complete API requests: everything that was on the wire, by user, session and run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.delegation import Delegation, arranged, flat
from agno_lite.gallery.rendering.escape import code, shortened, text
from agno_lite.gallery.rendering.facts import short
from agno_lite.gallery.rendering.sections.exchanges import SHOWN, Sent, branch_name, iterations, links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.records import JSON, Exchange, SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts, Fold, Run


def api_requests(context: Context) -> str:
    """A table of all requests, then each with its whole bodies; repeats by what differs."""
    facts = context.facts
    if facts is None or not facts.capture.exchanges:
        return ""
    section = _Section(context, facts)
    return context.render(
        "api_requests.md",
        branched=bool(facts.groups),
        several=section.several,
        folded=section.folded,
        overlap=_overlap(context, facts),
        rows=[section.row(run, exchange) for run, exchange in section.shown()],
        groups=section.blocks(),
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


@dataclass(frozen=True)
class _Section:
    """The requests of one page, by user and then by session or branch."""

    context: Context
    facts: Facts

    @cached_property
    def groups(self) -> tuple[tuple[Fold, ...], ...]:
        """What is shown under one heading each."""
        users: dict[tuple[bool, str], dict[object, list[Fold]]] = {}
        for fold in (*self.facts.folds, *self.facts.outside):
            first = fold.runs[0]
            place = first.branch.id if first.branch else first.session
            measured = first.iteration.parent if first.iteration else None
            places = users.setdefault((first.span is None, first.user), {})
            places.setdefault((place, measured), []).append(fold)
        return tuple(tuple(folds) for places in users.values() for folds in places.values())

    @cached_property
    def rows(self) -> dict[int, tuple[Exchange, ...]]:
        """Requests shown in full, by number, each with its repeats."""
        return {row[0].id: row for folds in self.groups for fold in folds for row in self.facts.pairs(fold)}

    @cached_property
    def places(self) -> dict[int, tuple[str, str]]:
        """Heading and user of each branch."""
        return {
            run.branch.id: (f"requests-{number}", run.user)
            for number, folds in enumerate(self.groups, start=1)
            for fold in folds
            for turn in (fold.runs, *fold.repeats)
            for run in turn
            if run.branch is not None
        }

    @property
    def several(self) -> bool:
        """Whether it has to be said which agent sent a request."""
        return len(self.facts.agents) > 1

    @property
    def folded(self) -> bool:
        """Whether there are repeats."""
        return any(len(row) > 1 for row in self.rows.values())

    def shown(self) -> Iterator[tuple[Run, Exchange]]:
        """Requests shown in full, in the order of the page, each with its run."""
        for folds in self.groups:
            for fold in folds:
                for run in (run for turn in (fold.runs, *fold.repeats) for run in turn):
                    yield from ((run, exchange) for exchange in flat(self._steps(run)))

    def row(self, run: Run, exchange: Exchange) -> list[str]:
        """A row of the table."""
        sent = self._sent(exchange)
        speaker = (run.user, branch_name(run.branch) if run.branch else "")
        cells = {
            "number": links(sent.all),
            "agent": text(sent.agent) if self.several else None,
            "purpose": text(sent.purpose),
            "speaker": "<br>".join(code(name) for name in speaker if name),
            "session": self._session(run, sent),
            "count": f"×{len(sent.all)}" if self.folded else None,
            "status": text(sent.status),
            "outcome": sent.outcome,
        }
        return [cell for cell in cells.values() if cell is not None]

    def blocks(self) -> list[dict[str, object]]:
        """The headings with what stands below them."""
        return [
            {"title": self._title(folds[0].runs[0]), "runs": [*self._runs(folds)]} for folds in self.groups
        ]

    def _title(self, run: Run) -> str:
        title = text(self.context.say("Outside of any run"))
        if run.span is not None:
            place = f"{branch_name(run.branch)}()" if run.branch else run.session_name
            title = f"{text(run.user or '—')} · {text(place or '—')}"
        measured = self._pass(run)
        return f"{title} · {text(short(measured))}" if measured else title

    def _pass(self, run: Run) -> SpanRecord | None:
        """The pass of an evaluation that a run was made in, if there were several."""
        passes = [one for each in self.facts.evaluations for one in self.facts.passes(each).values()]
        if run.iteration is None or len(passes) < 2:
            return None
        return self.facts.spans.get(run.iteration.parent or 0)

    def _session(self, run: Run, sent: Sent) -> str:
        """The session of a request; of repeats in sessions of their own, how many there are."""
        runs = {exchange.id: one for one in self.facts.runs for exchange in one.exchanges}
        sessions = {runs[exchange.id].session for exchange in sent.all if exchange.id in runs}
        more = f", … ({len(sessions)})" if len(sessions) > 1 else ""
        return code(run.session_name) + more if run.session else ""

    def _sent(self, exchange: Exchange) -> Sent:
        return Sent(
            context=self.context,
            facts=self.facts,
            exchange=exchange,
            repeats=self.rows[exchange.id][1:],
            places=self.places,
        )

    def _steps(self, run: Run) -> tuple[Exchange | Delegation, ...]:
        """What of a run is shown in full."""
        return arranged(self.facts, (one for one in run.exchanges if one.id in self.rows))

    def _runs(self, folds: Iterable[Fold]) -> Iterator[dict[str, object]]:
        for fold in folds:
            for place, run in enumerate(fold.runs):
                again = [turn[place] for turn in fold.repeats if len(turn) > place]
                yield self._run(run) | {"again": self._again(run, again)}
            for run in (run for turn in fold.repeats for run in turn):
                steps = self._steps(run)
                if steps:
                    where = iterations(self.context, self.facts, [*flat(steps)][:1])
                    yield self._run(run) | {"only": text(where)}

    def _run(self, run: Run) -> dict[str, object]:
        number = self.context.say("Run %(number)d", number=run.number)
        return {
            "number": self.context.line(run.call.line, number) if run.call else number,
            "named": run.span is not None,
            "only": "",
            "again": "",
            "session": code(run.session_name) if run.branch and run.session else "",
            "question": text(f"“{shortened(run.question, 2 * SHOWN)}”") if run.question else "",
            "requests": len(run.exchanges),
            "answer": text(f"“{shortened(run.answer, 2 * SHOWN)}”") if run.answer else "",
            "changes": [self._change(change) for change in run.changes],
            "steps": [self._step(step) for step in self._steps(run)],
        }

    def _again(self, run: Run, again: list[Run]) -> str:
        """In which iterations a run was repeated, and in which sessions if in others."""
        if not any(other.exchanges for other in again):
            return ""
        firsts = [other.exchanges[0] for other in again if other.exchanges]
        numbers = text(iterations(self.context, self.facts, firsts))
        sessions = dict.fromkeys(other.session for other in again if other.session != run.session)
        return ", ".join([numbers, *(code(session) for session in sessions)])

    def _step(self, step: Exchange | Delegation) -> dict[str, object]:
        """A request, or what a member was asked to do, with its requests."""
        if not isinstance(step, Delegation):
            return self._sent(step).block() | {"steps": ()}
        task = f": “{shortened(step.task, 2 * SHOWN)}”" if step.task else ""
        asked = f"{step.asked.id} → " if step.asked else ""
        return {
            "title": text(f"{asked}{step.agent or '—'}{task}"),
            "steps": [self._step(inner) for inner in step.steps],
        }

    def _change(self, change: JSON) -> str:
        names = {
            "add": self.context.say("added"),
            "update": self.context.say("changed"),
            "delete": self.context.say("deleted"),
        }
        operation = str(change.get("operation", ""))
        memory = change.get("memory")
        return names.get(operation, text(operation)) + (f": {text(str(memory))}" if memory else "")
