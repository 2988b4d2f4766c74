"""Requests of teams and evaluations: who sent them, what repeats them, and what differs."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agno_lite.gallery.rendering import render_example
from agno_lite.gallery.rendering.bodies import broken, difference, pretty
from agno_lite.gallery.rendering.escape import fence
from agno_lite.gallery.rendering.facts import Facts
from agno_lite.gallery.rendering.script import read_script
from agno_lite.tracing import semconv

from .conftest import CaptureBuilder, analysis_of, request_body, section, to_html

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agno_lite.gallery.records import Exchange
    from agno_lite.gallery.rendering import Edition

    MakeEdition = Callable[..., Edition]

HOSTILE = "```\n</pre></code><script>alert(1)</script>\n@@ -1 +1 @@\n-minus\n+plus ````` {{ x }} \\n … \\"
TEXTS = st.text(alphabet=st.sampled_from('ab\n\\"`~@-+…</>&é\u2028\t '), max_size=30) | st.sampled_from(
    [HOSTILE, "x" * 300, "x" * 150 + "y" + "z" * 150, "x" * 150 + "…", "…" + "z" * 200]
)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(?: …(\d+) …(\d+))?")


def applied(first: list[str], changes: str) -> list[str]:
    """The lines that a difference leads to: read as its docstring says, not as its code does it."""
    lines = changes.split("\n") if changes else []
    result: list[str] = []
    done = 0
    while lines:
        head = HEAD.fullmatch(lines.pop(0))
        assert head is not None
        removed, added = (1 if count is None else int(count) for count in (head[2], head[4]))
        start = int(head[1]) - (1 if removed else 0)
        result += first[done:start]
        old, new = lines[:removed], lines[removed : removed + added]
        del lines[: removed + added]
        assert all(line.startswith("-") for line in old)
        assert all(line.startswith("+") for line in new)
        if head[5] is None:
            assert [line[1:] for line in old] == first[start : start + removed]
            result += [line[1:] for line in new]
        else:
            result.append(_whole(first[start], new[0][1:], int(head[5]), int(head[6])))
        done = start + removed
    return result + first[done:]


def _whole(old: str, shown: str, begin: int, end: int) -> str:
    """A line whose beginning and end were left out."""
    middle = shown[1:] if begin else shown
    middle = middle[:-1] if end else middle
    return old[:begin] + middle + old[len(old) - end :]


def joined(lines: list[str]) -> Any:
    """The JSON that lines are from: none of its own lines ends with a break inside a string."""
    return json.loads(re.sub(r"\\n\n", r"\\n", "\n".join(lines)))


@given(first=BODIES, later=BODIES)
@settings(max_examples=300, deadline=None)
def test_the_first_body_and_the_difference_give_the_later_body(first: Any, later: Any) -> None:
    """Nothing is hidden by what a difference leaves out."""
    assert applied(broken(first), difference(broken(first), broken(later))) == broken(later)


@given(body=st.dictionaries(TEXTS, BODIES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_bodies_can_be_read_back(body: dict[str, Any]) -> None:
    """Layout changes no value, and strings broken at their line breaks can be put together again."""
    assert json.loads(pretty(body)) == body
    assert joined(broken(body)) == body


def test_of_a_long_line_only_what_differs_is_shown() -> None:
    """A word in a long message is shown with what is beside it, and how much is left out."""
    first, later = ([f"{'a' * 500} {word} {'z' * 300}"] for word in ("one", "two"))
    head, old, new = difference(first, later).split("\n")
    assert head == "@@ -1 +1 @@ …461 …261"
    assert old == f"-…{'a' * 39} one {'z' * 39}…"
    assert new == f"+…{'a' * 39} two {'z' * 39}…"


@given(first=TEXTS, later=TEXTS)
@settings(max_examples=60, deadline=None)
def test_differences_show_as_they_are(first: str, later: str) -> None:
    """A fence of a difference is a block of exactly its text, whatever signs it holds."""
    changes = difference(broken({"content": first}), broken({"content": later}))
    if changes:
        soup = to_html(fence(changes, "diff"))
        assert [block.get_text().rstrip("\n") for block in soup.select("pre > code")] == [changes]


class TeamBuilder(CaptureBuilder):
    """Puts runs of a team together, inside the iterations of an evaluation."""

    calls = 0

    def measured(self, title: str = "memory") -> int:
        """A pass of an evaluation."""
        evaluation = self.span(None, semconv.EVALUATE, f"{semconv.EVALUATE} Team")
        return self.span(evaluation, semconv.MEASURE, f"{semconv.MEASURE} {title}")

    def iteration(self, measured: int, number: int) -> int:
        """One call of the function."""
        return self.span(measured, semconv.ITERATION, f"{semconv.ITERATION} {number}")

    def agent_run(self, parent: int, name: str, session: str, user: str = "ana@example.com") -> int:
        """The span of a run."""
        return self.span(
            parent,
            semconv.INVOKE_AGENT,
            f"invoke_agent {name}",
            gen_ai__agent__name=name,
            gen_ai__conversation__id=session,
            user__id=user,
        )

    def call(self, name: str, **arguments: str) -> dict[str, Any]:
        """A tool call as a model asks for it."""
        self.calls += 1
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {"id": f"<call:{self.calls}>", "type": "function", "function": function}

    def team_run(
        self,
        parent: int,
        words: str,
        *,
        rounds: int = 1,
        late: bool = False,
        session: str = "<uuid:1>",
        user: str = "ana@example.com",
    ) -> None:
        """A leader gives its member a task; the member calls tools; the leader answers, a manager remembers.

        `late` has the leader's first request recorded behind those of its member.
        """
        run = self.agent_run(parent, "Team", session, user)
        turn = self.span(run, semconv.TURN, semconv.TURN, concurrent=True)
        answering = self.span(turn, semconv.ANSWER, semconv.ANSWER)
        call = self.call("delegate_task_to_member", member_id="weather", task=f"Find out: {words}")
        asking = (request_body("Lead.", words), message(None, [call]))
        if not late:
            self.chat(answering, *asking)
        tool = self.span(
            answering,
            semconv.EXECUTE_TOOL,
            "execute_tool delegate_task_to_member",
            gen_ai__tool__call__id=call["id"],
            gen_ai__tool__call__arguments=call["function"]["arguments"],
        )
        member = self.span(self.agent_run(tool, "Weather", session, user), semconv.ANSWER, semconv.ANSWER)
        for _ in range(rounds):
            self.chat(member, request_body("Help.", words), message(None, [self.call("look", at=words)]))
        self.chat(member, request_body("Help.", f"{words} seen"), message(f"Mild in {words}."))
        if late:
            self.chat(answering, *asking)
        self.chat(answering, request_body("Lead.", words), message(f"The team says: {words}"))
        update = self.span(turn, semconv.UPDATE_MEMORY, semconv.UPDATE_MEMORY, user__id=user)
        self.chat(update, request_body("Remember.", words), message("Nothing to keep."))


def message(content: str | None, calls: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """An answer."""
    return {"choices": [{"message": {"role": "assistant", "content": content, "tool_calls": [*calls]}}]}


def evaluation(*words: str, **options: Any) -> TeamBuilder:
    """A team run in each iteration, about these words."""
    made = TeamBuilder()
    measured = made.measured()
    for number, said in enumerate(words, start=1):
        made.team_run(made.iteration(measured, number), said, session=f"<uuid:{number}>", **options)
    return made


def facts_of(builder: CaptureBuilder) -> Facts:
    """The facts of what was put together."""
    return Facts(builder.capture(), read_script(""))


def section_of(builder: CaptureBuilder, edition: Edition) -> BeautifulSoup:
    """The requests on the page."""
    page = render_example(analysis_of("x = 1\n"), builder.capture(), None, {}, edition)
    return section(to_html(page.markdown), "api-requests")


def table(soup: BeautifulSoup) -> list[list[str]]:
    """Rows below the head."""
    return [[cell.get_text() for cell in row.find_all("td")] for row in soup.select("tbody tr")]


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("words", [("Lisbon", "Lisbon", "Osaka", "Lisbon"), ("a", HOSTILE, "b" * 400)])
def test_every_request_can_be_had_from_the_page(
    edition_of: MakeEdition, locale: str, words: tuple[str, ...]
) -> None:
    """The first body stands on the page; those of repeats follow from it and what differs."""
    builder = evaluation(*words)
    capture = builder.capture()
    soup = section_of(builder, edition_of(locale))
    had = {}
    for block in soup.select("details.example"):
        number = int(block.summary.get_text().split()[0]) if block.summary else 0
        first = json.loads(block.select("pre > code")[0].get_text())
        had[number] = pretty(first)
        for anchor in block.select("span[id^=request-]"):
            had[int(str(anchor["id"]).removeprefix("request-"))] = "\n".join(_later(anchor, broken(first)))
    assert set(had) == {exchange.id for exchange in capture.exchanges}
    for exchange in capture.exchanges:
        expected = capture.bodies[exchange.request]
        read = json.loads(had[exchange.id]) if exchange.id <= 5 else joined(had[exchange.id].split("\n"))
        assert read == expected


def _later(anchor: Tag, first: list[str]) -> list[str]:
    """The lines of a repeat: what stands first behind its title says how its request differs."""
    title = anchor.find_parent("p")
    assert isinstance(title, Tag)
    following = title.find_next_sibling()
    label = following.get_text() if isinstance(following, Tag) else ""
    if label not in ("Request", "请求"):
        return first
    assert isinstance(following, Tag)
    block = following.find_next_sibling()
    assert isinstance(block, Tag)
    return applied(first, block.get_text().rstrip("\n"))


def test_repeats_that_are_alike_stand_together(edition_of: MakeEdition) -> None:
    """Iterations that differ from the first in the same way share an entry; equal ones are one line."""
    soup = section_of(evaluation("Lisbon", "Lisbon", "Osaka", "Lisbon", "Lisbon", "Osaka"), edition_of())
    block = soup.select("details.example")[0]
    assert isinstance(block.summary, Tag)
    assert block.summary.get_text() == "1 ×6 · Team · answer · POST /v1/chat/completions · 200"
    titles = [found.get_text() for found in block.find_all("p") if found.strong]
    assert titles == ["iterations 2, 4–5 (6, 16, 21): identical", "iterations 3, 6 (11, 26)"]
    diffs = [found.get_text() for found in block.select(".highlight")[2:]]
    assert len(diffs) == 2
    old, new = (re.findall(rf"^[{sign}] .*$", diffs[0], re.MULTILINE) for sign in "-+")
    assert [[re.findall("Lisbon|Osaka", line) for line in lines] for lines in (old, new)] == [
        [["Lisbon"]],
        [["Osaka"]],
    ]
    assert "Find out: Osaka" in diffs[1]


def test_the_table_has_a_row_for_each_fold(edition_of: MakeEdition) -> None:
    """A row names the numbers, agent, purpose, user, session, how often, status and outcome."""
    rows = table(section_of(evaluation("Lisbon", "Osaka"), edition_of()))
    assert [row[0] for row in rows] == ["1, 6", "2, 7", "3, 8", "4, 9", "5, 10"]
    assert [row[1] for row in rows] == [
        "Team",
        "Team → Weather",
        "Team → Weather",
        "Team",
        "memory manager of Team",
    ]
    assert rows[0][2:] == [
        "answer",
        "ana@example.com",
        "<uuid:1>, … (2)",
        "×2",
        "200",
        "delegate_task_to_member()",
    ]
    assert rows[4][2] == "memory update"


@pytest.mark.parametrize("late", [False, True])
def test_a_member_stands_below_the_request_that_asked_for_it(edition_of: MakeEdition, *, late: bool) -> None:
    """The task that the leader wrote is said; the order of recording does not matter."""
    soup = section_of(evaluation("Lisbon", late=late), edition_of())
    member = soup.select_one(".admonition.abstract")
    assert member is not None
    asked = 3 if late else 1
    heading = member.select_one(".admonition-title")
    assert heading is not None
    assert heading.get_text() == f"{asked} → Weather: “Find out: Lisbon”"
    inner = [found.get_text().split()[0] for found in member.select("details.example > summary")]
    every = [found.get_text().split()[0] for found in soup.select("details.example > summary")]
    assert inner == (["1", "2"] if late else ["2", "3"])
    assert every[:3] == [str(asked), *inner]


def test_members_may_lead_teams_of_their_own(edition_of: MakeEdition) -> None:
    """A run inside a run inside a run is nested twice, and its path has three names."""
    builder = TeamBuilder()
    outer = builder.agent_run(builder.iteration(builder.measured(), 1), "Chief", "s")
    builder.chat(outer, request_body("", "x"), message("on my own"))
    builder.team_run(outer, "Lisbon")
    facts = facts_of(builder)
    assert facts.agent(facts.capture.exchanges[2]) == ("Chief", "Team", "Weather")
    soup = section_of(builder, edition_of())
    titles = [found.get_text() for found in soup.select(".abstract .abstract > .admonition-title")]
    assert titles == ["2 → Weather: “Find out: Lisbon”"]


def test_a_run_says_what_its_leader_was_asked_and_answered(edition_of: MakeEdition) -> None:
    """Neither a member's words nor those of a memory manager stand for the team's."""
    run = facts_of(evaluation("Lisbon", late=True)).runs[0]
    assert (run.question, run.answer) == ("Lisbon", "The team says: Lisbon")
    assert "Nothing to keep" not in section_of(evaluation("Lisbon"), edition_of()).select("ul")[0].get_text()


def test_what_only_a_later_iteration_has_is_shown_in_full(edition_of: MakeEdition) -> None:
    """A round more in the second iteration is a block of its own that the third is folded into."""
    builder = TeamBuilder()
    measured = builder.measured()
    for number, rounds in enumerate((1, 2, 2), start=1):
        builder.team_run(builder.iteration(measured, number), "Lisbon", rounds=rounds)
    soup = section_of(builder, edition_of())
    numbers = [row[0] for row in table(soup)]
    assert numbers == ["1, 6, 12", "2, 7, 13", "3, 8, 14", "4, 10, 16", "5, 11, 17", "9, 15"]
    only = next(item for item in soup.find_all("li") if "no earlier iteration" in item.get_text())
    assert only.get_text() == "What no earlier iteration has: iteration 2"


def test_answers_that_only_look_alike_are_not_called_identical(edition_of: MakeEdition) -> None:
    """Words that read like a tool call are told from the call; another status is said."""
    builder = TeamBuilder()
    measured = builder.measured()
    answers = [message('f({"a": "b"})'), message(None, [builder.call("f", a="b")])]
    for number, answer in enumerate([*answers, answers[0]], start=1):
        run = builder.agent_run(builder.iteration(measured, number), "Agent", "s")
        builder.chat(run, request_body("", "x"), answer, status=200 if number < 3 else 503)
    soup = section_of(builder, edition_of())
    block = soup.select("details.example")[0]
    titles = [found.get_text() for found in block.find_all("p") if found.strong]
    assert titles == ["iteration 2 (2)", "iteration 3 (3) · POST /v1/chat/completions · 503"]
    assert "tool_calls" in block.select(".highlight")[2].get_text()
    assert table(soup)[0][5] == "200, 503"


def test_requests_outside_of_runs_are_folded_too(edition_of: MakeEdition) -> None:
    """An evaluation of a bare model has one block for all its iterations."""
    builder = TeamBuilder()
    measured = builder.measured()
    for number in (1, 2, 3):
        builder.chat(builder.iteration(measured, number), request_body("", "x"), message("y"))
    soup = section_of(builder, edition_of())
    assert [row[0] for row in table(soup)] == ["1, 2, 3"]
    assert "iterations 2–3 (2, 3): identical" in soup.get_text()


def test_groups_are_by_user_and_pass(edition_of: MakeEdition) -> None:
    """All of a user stands together, whatever came between; passes are told apart where there are two."""
    builder = TeamBuilder()
    for title in ("warm-up", "memory"):
        measured = builder.measured(title)
        for number in (1, 2):
            iteration = builder.iteration(measured, number)
            for user in ("ana", "bo"):
                builder.team_run(iteration, "x", session="s", user=user)
    soup = section_of(builder, edition_of())
    assert [heading.get_text() for heading in soup.find_all("h3")] == [
        f"{user} · s · {title}" for user in ("ana", "bo") for title in ("warm-up", "memory")
    ]


def test_all_links_lead_somewhere(edition_of: MakeEdition) -> None:
    """Numbers of shown and of folded requests, and branches, have a target on the page: each just one."""
    builder = TeamBuilder()
    measured = builder.measured()
    for number in (1, 2):
        gather = builder.span(
            builder.iteration(measured, number), semconv.GATHER, "agno_lite.gather gather", concurrent=True
        )
        for user in ("ana", "bo", "cy"):
            branch = builder.span(gather, semconv.BRANCH, "agno_lite.branch talk")
            builder.team_run(branch, "x" * number, user=user, session=f"{user}{number}", rounds=number)
    soup = section_of(builder, edition_of())
    targets = Counter(str(found["id"]) for found in soup.select("[id^=request]"))
    assert set(targets.values()) == {1}
    wanted = {str(link["href"]) for link in soup.select("a[href^='#request']")}
    assert wanted <= {f"#{target}" for target in targets}
    assert {f"request-{exchange.id}" for exchange in builder.exchanges} <= set(targets)
    first = soup.select("details.example")[0].get_text()
    assert "same time as every request of: talk() bo, talk() cy" in first


@given(
    iterations=st.lists(
        st.lists(st.tuples(st.sampled_from(["A", "B"]), st.booleans()), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_request_is_lost_or_paired_with_another_kind(iterations: list[list[tuple[str, bool]]]) -> None:
    """Each request is in one row; a row has one of an iteration, of one agent and purpose, in order."""
    builder = TeamBuilder()
    measured = builder.measured()
    for number, requests in enumerate(iterations, start=1):
        run = builder.agent_run(builder.iteration(measured, number), "Team", "s")
        inner = {name: builder.agent_run(run, name, "s") for name in ("A", "B")}
        for name, remembers in requests:
            kind = semconv.UPDATE_MEMORY if remembers else semconv.ANSWER
            builder.chat(builder.span(inner[name], kind, kind), {}, message("x"))
    facts = facts_of(builder)
    rows = [row for fold in facts.folds for row in facts.pairs(fold)]
    assert sorted(one.id for row in rows for one in row) == [one.id for one in builder.exchanges]
    for row in rows:
        assert len({(facts.agent(one), facts.purpose(one)) for one in row}) == 1
        assert all(_iteration(facts, one) < _iteration(facts, other) for one, other in pairwise(row))
    counts = [Counter(requests) for requests in iterations]
    assert len(rows) == sum(max(count[kind] for count in counts) for kind in set().union(*counts))


def _iteration(facts: Facts, exchange: Exchange) -> int:
    span = facts.around(exchange.span, semconv.ITERATION)
    assert span is not None
    return span.id
