"""What every database does, whatever its kind."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agno_lite.db.schemas import EvalRunRecord, MemoryChange, RunRecord, UserMemory
from agno_lite.exceptions import OwnershipError, StorageError
from agno_lite.tracing import Span, add_watcher, remove_watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.db.base import BaseDb

    MakeRun = Callable[..., RunRecord]


def add(memory: str, *topics: str) -> MemoryChange:
    """A change that adds a memory."""
    return MemoryChange(operation="add", memory=memory, topics=topics)


def update(memory_id: str | None, memory: str, *topics: str) -> MemoryChange:
    """A change that replaces a text."""
    return MemoryChange(operation="update", memory_id=memory_id, memory=memory, topics=topics)


def delete(memory_id: str | None) -> MemoryChange:
    """A change that deletes a memory."""
    return MemoryChange(operation="delete", memory_id=memory_id)


def texts(db: BaseDb, user_id: str = "ann") -> list[str]:
    """The texts of a user's memories, oldest first."""
    return [memory.memory for memory in db.get_user_memories(user_id=user_id)]


class TestRuns:
    def test_a_run_comes_back_as_it_was_stored(self, db: BaseDb, make_run: MakeRun) -> None:
        """Every field of a run survives, and the time of storing is added."""
        run = make_run(
            agent_id="chat",
            parent_run_id="of the team",
            messages=(
                {"role": "user", "content": "a \\u0000 that is six characters, 漢字, 😀"},
                {"n": [1, 2.5, None, {}]},
            ),
            metrics={"input_tokens": 3, "nested": {"seconds": 0.1}},
        )
        db.save_run(run)
        (found,) = db.get_runs(user_id="ann", session_id="s")
        assert found.created_at is not None
        assert replace(found, created_at=None) == run

    def test_a_session_is_made_by_its_first_run_and_touched_by_the_next(
        self, db: BaseDb, make_run: MakeRun
    ) -> None:
        """A session keeps its first agent and its first time, and its last time moves on."""
        db.save_run(make_run(agent_id="first"))
        (before,) = db.get_sessions(user_id="ann")
        db.save_run(make_run(agent_id="second"))
        (after,) = db.get_sessions(user_id="ann")
        assert (before.agent_id, after.agent_id) == ("first", "first")
        assert after.created_at == before.created_at
        assert (after.updated_at or 0) > (before.updated_at or 0)

    def test_a_session_begins_with_the_team_and_not_with_a_member(
        self, db: BaseDb, make_run: MakeRun
    ) -> None:
        """A member's run is stored before its team's, but the conversation is the team's."""
        db.save_run(make_run(agent_id="member", parent_run_id="r"))
        db.save_run(make_run(agent_id="team", run_id="r"))
        (session,) = db.get_sessions(user_id="ann")
        assert session.agent_id == "team"

    def test_sessions_are_listed_last_used_first(self, db: BaseDb, make_run: MakeRun) -> None:
        """The session that was used last leads the list, also if it is the oldest."""
        for session_id in ("a", "b", "c", "a"):
            db.save_run(make_run(session_id=session_id))
        assert [session.session_id for session in db.get_sessions(user_id="ann")] == ["a", "c", "b"]

    def test_storing_a_run_again_replaces_it_in_its_place(self, db: BaseDb, make_run: MakeRun) -> None:
        """A retry stores once: same row, same place, same time of storing, new content."""
        first, second = make_run(status="RUNNING", content=None), make_run()
        db.save_run(first)
        db.save_run(second)
        db.save_run(replace(first, status="COMPLETED", content="done", messages=({"role": "user"},)))
        runs = db.get_runs(user_id="ann", session_id="s")
        assert [run.run_id for run in runs] == [first.run_id, second.run_id]
        assert (runs[0].status, runs[0].content, runs[0].messages) == (
            "COMPLETED",
            "done",
            ({"role": "user"},),
        )

    def test_what_was_read_is_nobody_elses(self, db: BaseDb, make_run: MakeRun) -> None:
        """Changing what was handed in or read changes nothing that is stored."""
        message = {"role": "user", "content": "as it was"}
        db.save_run(make_run(messages=(message,)))
        message["content"] = "changed by the writer"
        db.get_runs(user_id="ann", session_id="s")[0].messages[0]["content"] = "changed by a reader"
        assert db.get_runs(user_id="ann", session_id="s")[0].messages[0]["content"] == "as it was"

    def test_many_threads_lose_no_run(self, db: BaseDb, make_run: MakeRun) -> None:
        """Eight threads with 25 runs each for one session store 200 runs."""
        gate = threading.Barrier(8)

        def append(_: int) -> None:
            gate.wait()
            for _ in range(25):
                db.save_run(make_run())

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(append, range(8)))
        assert len({run.run_id for run in db.get_runs(user_id="ann", session_id="s")}) == 200


class TestTurn:
    def test_of_a_new_session_is_empty(self, db: BaseDb) -> None:
        """An unknown session is no error: it has no runs yet."""
        turn = db.load_turn(user_id="ann", session_id="s", runs=3, memories=True)
        assert (turn.session, turn.runs, turn.memories) == (None, (), ())

    def test_has_the_last_completed_runs_oldest_first(self, db: BaseDb, make_run: MakeRun) -> None:
        """Runs that failed or still run are no history; of the others the last ones count."""
        kept = [make_run() for _ in range(4)]
        for run in kept:
            db.save_run(run)
            db.save_run(make_run(status="ERROR"))
        turn = db.load_turn(user_id="ann", session_id="s", runs=3)
        assert [run.run_id for run in turn.runs] == [run.run_id for run in kept[1:]]
        assert turn.session is not None
        assert turn.session.user_id == "ann"

    @pytest.mark.parametrize("runs", [0, 2, 9])
    def test_has_at_most_as_many_runs_as_asked_for(self, db: BaseDb, make_run: MakeRun, runs: int) -> None:
        """`runs` is a limit, and 0 means none."""
        for _ in range(4):
            db.save_run(make_run())
        assert len(db.load_turn(user_id="ann", session_id="s", runs=runs).runs) == min(runs, 4)

    def test_has_the_runs_of_the_session_or_of_one_agent(self, db: BaseDb, make_run: MakeRun) -> None:
        """Runs of a team's members are history of the member alone, not of the session."""
        asked = make_run(agent_id="team")
        parts = [make_run(agent_id=name, parent_run_id=asked.run_id) for name in ("a", "b", "a")]
        for run in (*parts, asked):
            db.save_run(run)
        of_session = db.load_turn(user_id="ann", session_id="s", runs=9).runs
        of_member = db.load_turn(user_id="ann", session_id="s", runs=9, agent_id="a").runs
        assert [run.run_id for run in of_session] == [asked.run_id]
        assert [run.run_id for run in of_member] == [parts[0].run_id, parts[2].run_id]

    def test_has_memories_if_asked_for(self, db: BaseDb) -> None:
        """Memories come with the turn, as `get_user_memories` gives them, or not at all."""
        db.change_memories([add("Likes tea", "drinks"), add("Has a dog")], user_id="ann", source="hello")
        turn = db.load_turn(user_id="ann", session_id="s", memories=True)
        assert list(turn.memories) == db.get_user_memories(user_id="ann")
        assert db.load_turn(user_id="ann", session_id="s").memories == ()


class TestOwners:
    def test_never_see_each_other(self, db: BaseDb, make_run: MakeRun) -> None:
        """One user's sessions, runs and memories are empty lists for another."""
        db.save_run(make_run(session_id="anns"))
        db.change_memories([add("Likes tea")], user_id="ann")
        assert db.get_sessions(user_id="bob") == []
        assert db.get_runs(user_id="bob", session_id="anns") == []
        assert db.get_user_memories(user_id="bob") == []
        assert db.clear_memories(user_id="bob") == 0
        assert texts(db) == ["Likes tea"]

    def test_have_sessions_of_their_own(self, db: BaseDb, make_run: MakeRun) -> None:
        """Loading another user's session raises and names it."""
        db.save_run(make_run(session_id="anns"))
        with pytest.raises(OwnershipError, match="anns") as caught:
            db.load_turn(user_id="bob", session_id="anns")
        assert (caught.value.kind, caught.value.key) == ("session", "anns")

    def test_a_run_in_anothers_session_is_refused_whole(self, db: BaseDb, make_run: MakeRun) -> None:
        """Neither the run nor the session's time is stored."""
        db.save_run(make_run(session_id="anns"))
        before = db.get_sessions(user_id="ann")
        with pytest.raises(OwnershipError) as caught:
            db.save_run(make_run(run_id="bobs", session_id="anns", user_id="bob"))
        assert (caught.value.kind, caught.value.key) == ("session", "anns")
        assert db.get_sessions(user_id="ann") == before
        assert len(db.get_runs(user_id="ann", session_id="anns")) == 1
        assert db.get_runs(user_id="bob", session_id="anns") == []

    def test_a_run_id_of_another_is_refused_whole(self, db: BaseDb, make_run: MakeRun) -> None:
        """The other's run stays, and no session is left behind by the attempt."""
        run = make_run(run_id="taken")
        db.save_run(run)
        with pytest.raises(OwnershipError) as caught:
            db.save_run(make_run(run_id="taken", session_id="bobs", user_id="bob", input="stolen"))
        assert (caught.value.kind, caught.value.key) == ("run", "taken")
        assert db.get_sessions(user_id="bob") == []
        assert db.get_runs(user_id="ann", session_id="s")[0].input == run.input

    @pytest.mark.parametrize("operation", ["update", "delete"])
    def test_a_change_to_anothers_memory_undoes_all_changes(self, db: BaseDb, operation: str) -> None:
        """A list with one forbidden change leaves both users as they were."""
        (anns,) = db.change_memories([add("Likes tea")], user_id="ann")
        (bobs,) = db.change_memories([add("Has a dog")], user_id="bob")
        forbidden = MemoryChange(operation=operation, memory_id=anns.memory_id, memory="Hates tea")
        with pytest.raises(OwnershipError) as caught:
            db.change_memories([add("New"), delete(bobs.memory_id), forbidden], user_id="bob")
        assert (caught.value.kind, caught.value.key) == ("memory", anns.memory_id)
        assert db.get_user_memories(user_id="ann") == [anns]
        assert db.get_user_memories(user_id="bob") == [bobs]

    def test_a_memory_that_does_not_exist_is_not_the_users(self, db: BaseDb) -> None:
        """An id that nobody has is refused like one of another user."""
        with pytest.raises(OwnershipError, match="no-such-memory"):
            db.change_memories([delete("no-such-memory")], user_id="ann")


class TestMemories:
    def test_are_stored_with_their_origin(self, db: BaseDb) -> None:
        """What was added comes back, with id, owner, source, agent and times."""
        (memory,) = db.change_memories(
            [add("Likes tea", "drinks", "habits")], user_id="ann", agent_id="chat", source="I like tea"
        )
        assert memory.memory_id
        assert memory.created_at is not None
        expected = UserMemory(
            memory="Likes tea",
            memory_id=memory.memory_id,
            user_id="ann",
            topics=("drinks", "habits"),
            input="I like tea",
            agent_id="chat",
            created_at=memory.created_at,
            updated_at=memory.updated_at,
        )
        assert memory == expected
        assert db.get_user_memories(user_id="ann") == [expected]

    def test_an_update_keeps_id_place_agent_and_first_time(self, db: BaseDb) -> None:
        """Text, topics, source and last time are new; the rest stays."""
        first, second = db.change_memories(
            [add("Likes tea", "a"), add("Has a dog")], user_id="ann", agent_id="one"
        )
        (changed,) = db.change_memories(
            [update(first.memory_id, "Likes coffee", "b")], user_id="ann", agent_id="two", source="now"
        )
        assert (changed.memory, changed.topics, changed.input) == ("Likes coffee", ("b",), "now")
        assert (changed.memory_id, changed.agent_id, changed.created_at) == (
            first.memory_id,
            "one",
            first.created_at,
        )
        assert (changed.updated_at or 0) > (first.updated_at or 0)
        assert db.get_user_memories(user_id="ann") == [changed, second]

    @pytest.mark.parametrize("again", ["Likes tea", "likes TEA", "  Likes tea\n\t", "LIKES TEA"])
    def test_the_same_text_is_stored_once(self, db: BaseDb, again: str) -> None:
        """Case and surrounding white space do not make another memory; nothing is returned for it."""
        db.change_memories([add("Likes tea")], user_id="ann")
        assert (
            db.change_memories([add(again), add("Has a dog")], user_id="ann", source="x")[0].memory
            == "Has a dog"
        )
        assert texts(db) == ["Likes tea", "Has a dog"]

    def test_the_same_text_of_two_users_is_two_memories(self, db: BaseDb) -> None:
        """What one user has does not keep another from having it."""
        for user_id in ("ann", "bob"):
            assert len(db.change_memories([add("Straße")], user_id=user_id)) == 1

    def test_an_update_to_the_text_of_another_memory_leaves_one(self, db: BaseDb) -> None:
        """Of two memories that become the same, the one named stays."""
        first, second = db.change_memories([add("Likes tea"), add("Has a dog")], user_id="ann")
        db.change_memories([update(second.memory_id, "likes TEA")], user_id="ann")
        (left,) = db.get_user_memories(user_id="ann")
        assert (left.memory_id, left.memory) == (second.memory_id, "likes TEA")
        with pytest.raises(OwnershipError):
            db.change_memories([delete(first.memory_id)], user_id="ann")

    def test_changes_are_done_in_order(self, db: BaseDb) -> None:
        """What was deleted can be added again; what an earlier change deleted cannot be updated."""
        (memory,) = db.change_memories([add("Likes tea")], user_id="ann")
        (again,) = db.change_memories([delete(memory.memory_id), add("Likes tea")], user_id="ann")
        assert again.memory_id != memory.memory_id
        with pytest.raises(OwnershipError):
            db.change_memories([delete(again.memory_id), update(again.memory_id, "x")], user_id="ann")
        assert db.get_user_memories(user_id="ann") == [again]

    def test_clearing_says_how_many_there_were(self, db: BaseDb) -> None:
        """All of the user's memories go, and the next are stored as if new."""
        db.change_memories([add("Likes tea"), add("Has a dog")], user_id="ann")
        assert db.clear_memories(user_id="ann") == 2
        assert texts(db) == []
        assert len(db.change_memories([add("Likes tea")], user_id="ann")) == 1

    def test_no_changes_change_nothing(self, db: BaseDb) -> None:
        """An empty list is fine."""
        assert db.change_memories([], user_id="ann") == []

    def test_many_threads_store_the_same_fact_once(self, db: BaseDb) -> None:
        """Concurrent lists with the same facts in different orders store each fact once, and none fails."""
        facts = [f"Fact {number}" for number in range(6)]
        gate = threading.Barrier(6)

        def change(turn: int) -> list[UserMemory]:
            gate.wait()
            return db.change_memories([add(fact) for fact in facts[turn:] + facts[:turn]], user_id="ann")

        with ThreadPoolExecutor(6) as threads:
            added = [memory for batch in threads.map(change, range(6)) for memory in batch]
        assert sorted(memory.memory for memory in added) == facts
        assert sorted(texts(db)) == facts


class TestEvalRuns:
    def test_a_result_comes_back_as_it_was_stored(self, db: BaseDb) -> None:
        """Every field survives, and the time of storing is added."""
        record = EvalRunRecord(
            run_id="one",
            name="Team Memory Impact",
            eval_type="performance",
            eval_data={"runs": [1, 2.5, None], "漢字": {"deep": "😀 \\u0000"}},
            eval_input={"num_iterations": 5},
            evaluated_component_name="run_team",
            agent_id="chat",
            team_id="team",
            model_id="gpt",
            model_provider="OpenAI",
        )
        db.save_eval_run(record)
        (found,) = db.get_eval_runs()
        assert found.created_at is not None
        assert replace(found, created_at=None) == record

    def test_results_are_listed_newest_first(self, db: BaseDb) -> None:
        """The first of the list is the one stored last; a type and a limit narrow the list down."""
        for number, kind in enumerate(["accuracy", "performance", "accuracy"]):
            db.save_eval_run(EvalRunRecord(run_id=str(number), eval_type=kind, eval_data={}))

        def ids(**only: Any) -> list[str]:
            return [record.run_id for record in db.get_eval_runs(**only)]

        assert ids() == ids(limit=9) == ["2", "1", "0"]
        assert ids(limit=2) == ["2", "1"]
        assert ids(limit=0) == []
        assert ids(eval_type="accuracy") == ["2", "0"]
        assert ids(eval_type="accuracy", limit=1) == ["2"]
        assert ids(eval_type="other") == []

    def test_storing_a_result_again_replaces_it_in_its_place(self, db: BaseDb) -> None:
        """A retry stores once: same place, same time of storing, new content."""
        first, second = (EvalRunRecord(run_id=key, eval_type="accuracy", eval_data={}) for key in "ab")
        db.save_eval_run(first)
        db.save_eval_run(second)
        before = db.get_eval_runs()[1].created_at
        db.save_eval_run(replace(first, eval_data={"score": 9}, name="again"))
        newest, oldest = db.get_eval_runs()
        assert newest.run_id == "b"
        assert (oldest.eval_data, oldest.name, oldest.created_at) == ({"score": 9}, "again", before)

    def test_what_was_read_is_nobody_elses(self, db: BaseDb) -> None:
        """Changing what was handed in or read changes nothing that is stored."""
        data = {"scores": [1]}
        db.save_eval_run(EvalRunRecord(run_id="a", eval_type="accuracy", eval_data=data))
        data["scores"].append(2)
        db.get_eval_runs()[0].eval_data["scores"].append(3)
        assert db.get_eval_runs()[0].eval_data == {"scores": [1]}

    @pytest.mark.parametrize(
        ("field", "bad"),
        [
            ("name", "a\x00b"),
            ("model_id", "\ud83d"),
            ("eval_data", {"x": float("nan")}),
            ("eval_input", {"x": object()}),
        ],
    )
    def test_what_cannot_be_stored_is_named(self, db: BaseDb, field: str, bad: Any) -> None:
        """A text or value that no database keeps is refused, with the name of the field."""
        good = EvalRunRecord(run_id="a", eval_type="accuracy", eval_data={})
        with pytest.raises(StorageError, match=field):
            db.save_eval_run(replace(good, **{field: bad}))
        assert db.get_eval_runs() == []


FACTS = st.sampled_from(
    ["Likes tea", " likes TEA ", "Has a dog", "HAS A DOG", "Straße", "STRASSE", "ΣΊΣΥΦΟΣ", "漢字"]
)
STEPS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["add", "update", "delete"]), FACTS, st.integers(0, 5)),
        min_size=1,
        max_size=4,
    ),
    max_size=6,
)


class _Model:
    """The simplest thing that keeps one user's memories: a list of pairs of id and text."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.ids: list[str] = []

    def apply(self, change: MemoryChange, new_id: str | None) -> bool:
        """Do one change; False if it names a memory that is not there."""
        key, text = change.memory_id, change.memory or ""
        if change.operation == "add":
            if not any(self._same(text, known) for _, known in self.rows):
                self.rows.append((new_id or "", text))
            return True
        if key not in [known for known, _ in self.rows]:
            return False
        if change.operation == "delete":
            self.rows = [row for row in self.rows if row[0] != key]
        else:
            kept = [row for row in self.rows if row[0] == key or not self._same(row[1], text)]
            self.rows = [(key or "", text) if row[0] == key else row for row in kept]
        return True

    @staticmethod
    def _same(one: str, other: str) -> bool:
        return one.strip().casefold() == other.strip().casefold()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_list_of_changes_is_done_whole_or_not_at_all(
    db: BaseDb, steps: list[list[tuple[str, str, int]]]
) -> None:
    """After any lists of changes a user has exactly what a plain model has, in the same order."""
    db.clear_memories(user_id="ann")
    db.clear_memories(user_id="bob")
    db.change_memories([add("Likes tea")], user_id="bob")
    model: list[str] = []
    for step in steps:
        known = db.get_user_memories(user_id="ann")
        keys = [memory.memory_id or "" for memory in known] + ["unknown"]
        changes = [
            MemoryChange(
                operation=operation,
                memory=None if operation == "delete" else text,
                memory_id=None if operation == "add" else keys[place % len(keys)],
            )
            for operation, text, place in step
        ]
        expected = _expected(known, changes)
        if expected is None:
            with pytest.raises(OwnershipError):
                db.change_memories(changes, user_id="ann")
            assert db.get_user_memories(user_id="ann") == known
        else:
            db.change_memories(changes, user_id="ann")
            model = expected
            assert texts(db) == model
    assert texts(db, "bob") == ["Likes tea"]


def _expected(known: list[UserMemory], changes: list[MemoryChange]) -> list[str] | None:
    model = _Model()
    model.rows = [(memory.memory_id or "", memory.memory) for memory in known]
    for number, change in enumerate(changes):
        if not model.apply(change, f"new-{number}"):
            return None
    return [text for _, text in model.rows]


class TestValues:
    @pytest.mark.parametrize("bad", ["a\x00b", "half a pair: \ud83d"])
    def test_text_that_no_database_keeps_is_named(self, db: BaseDb, make_run: MakeRun, bad: str) -> None:
        """A NUL character or half a surrogate pair is refused, with the name of the field."""
        for field, value in (
            ("input", bad),
            ("content", bad),
            ("messages", ({"x": [bad]},)),
            ("metrics", {bad: 1}),
        ):
            with pytest.raises(StorageError, match=field):
                db.save_run(make_run(**{field: value}))
        with pytest.raises(StorageError, match=r"changes\[1\]\.memory"):
            db.change_memories([add("fine"), add(bad)], user_id="ann")
        with pytest.raises(StorageError, match="source"):
            db.change_memories([add("fine")], user_id="ann", source=bad)
        with pytest.raises(StorageError, match="user_id"):
            db.get_user_memories(user_id=bad)
        assert db.get_sessions(user_id="ann") == []
        assert texts(db) == []

    @pytest.mark.parametrize("metrics", [{"x": float("nan")}, {"x": object()}])
    def test_what_is_no_json_is_named(self, db: BaseDb, make_run: MakeRun, metrics: dict[str, Any]) -> None:
        """Data that JSON cannot hold is refused, with the name of the field."""
        with pytest.raises(StorageError, match="metrics"):
            db.save_run(make_run(metrics=metrics))

    @pytest.mark.parametrize(
        "change",
        [
            MemoryChange(operation="forget", memory="x"),
            MemoryChange(operation="add"),
            MemoryChange(operation="add", memory="  "),
            MemoryChange(operation="update", memory="x"),
            MemoryChange(operation="update", memory_id="x"),
            MemoryChange(operation="delete"),
        ],
    )
    def test_changes_that_say_too_little_are_refused(self, db: BaseDb, change: MemoryChange) -> None:
        """A change without what its operation needs is refused by its place, and nothing is stored."""
        with pytest.raises(StorageError, match=r"changes\[1\]"):
            db.change_memories([add("fine"), change], user_id="ann")
        assert texts(db) == []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
        data=st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**20), 10**20)
            | st.text(st.characters(codec="ascii", min_codepoint=1)),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text("ab\\u0", max_size=6), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    )
    def test_any_other_text_and_data_come_back_the_same(
        self, db: BaseDb, make_run: MakeRun, text: str, data: Any
    ) -> None:
        """Text is kept to the letter, backslashes and quotes included."""
        run = make_run(session_id="values", input=text, content=text, messages=({"data": data},))
        db.save_run(run)
        found = db.get_runs(user_id="ann", session_id="values")[-1]
        assert (found.input, found.content, found.messages) == (text, text, ({"data": data},))


class _Recorder:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def on_start(self, span: Span) -> None:
        """Nothing to do."""

    def on_end(self, span: Span) -> None:
        self.spans.append(span)


VARIABLE: ContextVar[str] = ContextVar("variable", default="lost")


class TestOffload:
    def test_gives_what_the_method_gives_in_two_loops_in_turn(self, db: BaseDb, make_run: MakeRun) -> None:
        """Twenty concurrent calls work, and work again in a second event loop."""

        async def fill() -> int:
            await asyncio.gather(*(db.offload(db.save_run, make_run()) for _ in range(20)))
            return len(await db.offload(db.get_runs, user_id="ann", session_id="s"))

        assert asyncio.run(fill()) == 20
        assert asyncio.run(fill()) == 40

    def test_raises_what_the_method_raises(self, db: BaseDb) -> None:
        """An error passes through."""
        with pytest.raises(OwnershipError):
            asyncio.run(db.offload(db.change_memories, [delete("x")], user_id="ann"))

    def test_carries_the_callers_context(self, db: BaseDb) -> None:
        """A context variable has the same value on the thread that serves the call."""

        def read() -> str:
            return VARIABLE.get()

        async def call() -> str:
            VARIABLE.set("carried")
            return await db.offload(read)

        assert asyncio.run(call()) == "carried"

    def test_opens_a_span_that_names_the_method(self, db: BaseDb) -> None:
        """Whoever watches sees one database span for the call, with system, operation and user."""
        recorder = _Recorder()
        add_watcher(recorder)
        try:
            asyncio.run(db.offload(db.get_user_memories, user_id="ann"))
        finally:
            remove_watcher(recorder)
        (span,) = recorder.spans
        assert span.attributes["db.operation.name"] == "get_user_memories"
        assert span.attributes["db.system.name"] == db.system
        assert span.attributes["user.id"] == "ann"


def test_describe_is_one_clause(db: BaseDb) -> None:
    """The description fits into a line with others: no line break, no full stop at its end."""
    assert "\n" not in db.describe()
    assert not db.describe().endswith(".")
