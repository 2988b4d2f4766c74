"""What only a file can show: paths, tables, other processes, killed writers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agno_lite.db.migrate import migrations
from agno_lite.db.schemas import EvalRunRecord, MemoryChange, RunRecord
from agno_lite.db.sqlite import SqliteDb, connections
from agno_lite.exceptions import (
    ConfigurationError,
    MigrationError,
    StorageConnectionError,
    StorageError,
    StorageURLError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeRun = Callable[..., RunRecord]

WRITER = """
import sys
from agno_lite.db.schemas import MemoryChange, RunRecord
from agno_lite.db.sqlite import SqliteDb

sys.stdin.readline()
db = SqliteDb(sys.argv[1])
for number in range(int(sys.argv[3])):
    run_id = f"{sys.argv[2]}-{number}"
    db.save_run(RunRecord(run_id=run_id, session_id="s", user_id="ann", status="COMPLETED", input=run_id))
    add = [MemoryChange(operation="add", memory=f"{run_id} {fact}") for fact in "abc"]
    db.change_memories(add, user_id="ann")
    print(run_id, flush=True)
"""
"""A program that waits for a line, then stores runs and lists of three memories."""


def execute(file: Path, statement: str) -> list[tuple[object, ...]]:
    """Carry out one statement on a connection of its own."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def writer(file: Path, name: str, runs: int) -> subprocess.Popen[str]:
    """Start a process that stores runs as soon as its input has a line."""
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", WRITER, str(file), name, str(runs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestFile:
    def test_is_below_the_home_directory_if_none_is_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The default does not depend on the working directory; nothing is made before the first call."""
        monkeypatch.setenv("AGNO_LITE_HOME", str(tmp_path / "a" / "home"))
        db = SqliteDb()
        file = tmp_path / "a" / "home" / "agno_lite.db"
        assert str(file) in db.describe()
        assert list(tmp_path.iterdir()) == []
        db.get_sessions(user_id="ann")
        assert file.exists()
        db.close()

    def test_is_only_for_its_owner(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """A new file, and those that SQLite puts beside it, cannot be read by others."""
        SqliteDb(sqlite_file).save_run(make_run())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in sqlite_file.parent.iterdir()}
        assert modes == {f"agents.db{end}": 0o600 for end in ("", "-wal", "-shm")}

    def test_stays_the_same_when_the_working_directory_changes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_run: MakeRun
    ) -> None:
        """A relative path means what it meant when the object was made, and links lead to one file."""
        monkeypatch.chdir(tmp_path)
        db = SqliteDb("data/agents.db")
        monkeypatch.chdir("/")
        db.save_run(make_run())
        (tmp_path / "link").symlink_to(tmp_path / "data")
        assert len(SqliteDb(tmp_path / "link" / "agents.db").get_sessions(user_id="ann")) == 1
        assert SqliteDb(tmp_path / "link" / "agents.db").describe() == db.describe()
        db.close()

    @pytest.mark.parametrize("name", ["a space, a 'quote' & 漢字.db", "100%?x=1#y.db", "file.db;--"])
    def test_may_have_any_name(self, tmp_path: Path, name: str, make_run: MakeRun) -> None:
        """Nothing in a path has a meaning of its own."""
        db = SqliteDb(tmp_path / name)
        db.save_run(make_run())
        db.close()
        assert [path.name for path in tmp_path.iterdir()] == [name]

    @pytest.mark.parametrize(
        "bad", ["", "  ", "a\x00b", "sqlite:///x.db", "postgresql://bob:s3cret@localhost/x", "file:x?mode=ro"]
    )
    def test_that_is_no_path_is_refused_at_once(self, bad: str) -> None:
        """The error says how a path looks, and never repeats a password."""
        with pytest.raises(StorageURLError, match="expected a path such as") as caught:
            SqliteDb(bad)
        assert "s3cret" not in str(caught.value)

    def test_that_is_no_database_is_left_as_it_is(self, sqlite_file: Path) -> None:
        """Somebody's notes are an error that names them, again and again, and not changed."""
        sqlite_file.write_text("My notes. " * 500)
        for _ in range(2):
            with pytest.raises(StorageURLError, match=r"agents\.db is no SQLite database.*another db_file"):
                SqliteDb(sqlite_file).get_sessions(user_id="ann")
        assert sqlite_file.read_text() == "My notes. " * 500
        sqlite_file.unlink()
        assert SqliteDb(sqlite_file).get_sessions(user_id="ann") == []

    def test_that_is_damaged_says_so(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """A file with overwritten pages is an error that says what can be done."""
        db = SqliteDb(sqlite_file)
        db.save_run(make_run())
        db.close()
        whole = sqlite_file.read_bytes()
        sqlite_file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
        with pytest.raises(StorageError, match=r"agents\.db is damaged.*Restore a copy"):
            db.get_sessions(user_id="ann")

    def test_whose_folder_cannot_be_made_is_refused(self, tmp_path: Path) -> None:
        """A path through a file, and one to a folder, are errors with the reason and the remedy."""
        (tmp_path / "notes").write_text("")
        with pytest.raises(StorageConnectionError, match=r"notes.*another db_file"):
            SqliteDb(tmp_path / "notes" / "agents.db").get_sessions(user_id="ann")
        with pytest.raises(StorageConnectionError, match="another db_file"):
            SqliteDb(tmp_path).get_sessions(user_id="ann")

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    @pytest.mark.parametrize("closed", ["file", "folder"])
    def test_that_may_not_be_written_is_refused(self, closed: str, make_run: MakeRun) -> None:
        """Without the right to write, storing is an error with the remedy."""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            db = SqliteDb(folder / "agents.db")
            if closed == "file":
                db.save_run(make_run())
                db.close()
                (folder / "agents.db").chmod(0o444)
            folder.chmod(0o777 if closed == "file" else 0o555)
            answer, question = multiprocessing.Pipe(duplex=False)
            child = multiprocessing.get_context("fork").Process(
                target=_store_unprivileged, args=(db, make_run(), question)
            )
            child.start()
            kind, text = answer.recv()
            child.join()
        assert kind == "StorageConnectionError"
        assert "Let this user write to the file and to its folder" in text


def _store_unprivileged(db: SqliteDb, run: RunRecord, question: object) -> None:
    """Store a run as a user without rights, and tell what came of it."""
    if os.geteuid() == 0:
        os.setuid(65534)
    outcome = ("stored", "")
    try:
        db.save_run(run)
    except StorageError as error:
        outcome = (type(error).__name__, str(error))
    question.send(outcome)  # type: ignore[attr-defined]


class TestMemory:
    def test_of_each_object_is_its_own(self, make_run: MakeRun) -> None:
        """Two objects share nothing, and a closed one is empty."""
        first, second = SqliteDb(":memory:"), SqliteDb(":memory:")
        first.save_run(make_run())
        assert second.get_sessions(user_id="ann") == []
        assert len(first.get_sessions(user_id="ann")) == 1
        first.close()
        assert first.get_sessions(user_id="ann") == []

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_of_a_forked_child_is_a_copy(self, make_run: MakeRun) -> None:
        """The child has what was there, and what it stores is not seen by the parent."""
        db = SqliteDb(":memory:")
        db.save_run(make_run())
        child = multiprocessing.get_context("fork").Process(target=_store_second, args=(db, make_run()))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert len(db.get_runs(user_id="ann", session_id="s")) == 1


def _store_second(db: SqliteDb, run: RunRecord) -> None:
    db.save_run(run)
    assert len(db.get_runs(user_id="ann", session_id="s")) == 2


class TestTables:
    def test_have_the_names_that_were_given(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """Two sets of names in one file are two databases, whatever characters the names have."""
        names = {
            "session_table": 'my "sessions"',
            "runs_table": "my {runs}; --",
            "memory_table": "Memories of :one ?",
            "eval_table": "eval\n{runs_index};",
        }
        first, second = SqliteDb(sqlite_file, **names), SqliteDb(sqlite_file)
        first.save_run(make_run())
        assert second.get_runs(user_id="ann", session_id="s") == []
        assert execute(sqlite_file, 'select user_id from "my {runs}; --"') == [("ann",)]
        assert execute(sqlite_file, "select count(*) from sqlite_master where type = 'table'") == [(9,)]

    @pytest.mark.parametrize("other", ["session_table", "runs_table", "memory_table", "eval_table"])
    def test_may_be_shared_one_by_one(self, sqlite_file: Path, other: str, make_run: MakeRun) -> None:
        """Objects that differ in one name share the other tables."""
        first, second = SqliteDb(sqlite_file), SqliteDb(sqlite_file, **{other: "others"})
        for db in (first, second):
            db.save_run(make_run(session_id=f"{id(db)}"))
            db.change_memories([MemoryChange(operation="add", memory=f"{id(db)}")], user_id="ann")
            db.save_eval_run(EvalRunRecord(run_id=f"{id(db)}", eval_type="accuracy", eval_data={}))
        counts = [
            len(first.get_sessions(user_id="ann")),
            len(first.get_runs(user_id="ann", session_id=f"{id(second)}")) + 1,
            len(first.get_user_memories(user_id="ann")),
            len(first.get_eval_runs()),
        ]
        place = ["session_table", "runs_table", "memory_table", "eval_table"].index(other)
        assert counts == [1 if number == place else 2 for number in range(4)]

    @pytest.mark.parametrize("name", ["", "x" * 51, "per%cent", "a,b", "nul\x00"])
    def test_names_that_cannot_be_are_refused(self, name: str) -> None:
        """The same names are refused as for PostgreSQL."""
        with pytest.raises(ConfigurationError, match="cannot be the name"):
            SqliteDb(":memory:", eval_table=name)
        with pytest.raises(ConfigurationError, match="4 different"):
            SqliteDb(":memory:", memory_table="runs")

    def test_of_a_changed_migration_are_refused(self, sqlite_file: Path) -> None:
        """A recorded hash that differs from the file's is an error, and nothing is run."""
        db = SqliteDb(sqlite_file)
        db.get_sessions(user_id="ann")
        db.close()
        execute(sqlite_file, "update schema_version set sha = 'other' where n = 2")
        with pytest.raises(MigrationError, match=r"agents\.db was made by a 0002_runs\.sql.*another db_file"):
            db.get_sessions(user_id="ann")

    def test_of_a_newer_version_are_refused(self, sqlite_file: Path) -> None:
        """An unknown migration of one of the tables is an error that says to update; others do not matter."""
        db = SqliteDb(sqlite_file)
        db.get_sessions(user_id="ann")
        db.close()
        insert = "insert into schema_version (tables, n, name, sha) values "
        execute(sqlite_file, insert + "('of others', 98, '0098_w.sql', '')")
        assert db.get_sessions(user_id="ann") == []
        db.close()
        execute(sqlite_file, insert + "('memories,facts', 99, '0099_x.sql', '')")
        with pytest.raises(MigrationError, match=r"0099_x\.sql.*Update"):
            db.get_sessions(user_id="ann")

    def test_that_are_in_the_way_are_left_alone(self, sqlite_file: Path) -> None:
        """A table of somebody else's with one of our names is an error, and all is as it was."""
        execute(sqlite_file, "create table memories (theirs int)")
        with pytest.raises(MigrationError, match=r"already exists.*another db_file"):
            SqliteDb(sqlite_file).get_sessions(user_id="ann")
        assert execute(sqlite_file, "select name from sqlite_master") == [("memories",)]

    def test_that_were_dropped_meanwhile_say_so(self, sqlite_file: Path) -> None:
        """A statement that is refused is an error with the reason."""
        db = SqliteDb(sqlite_file)
        db.get_sessions(user_id="ann")
        execute(sqlite_file, "drop table sessions")
        with pytest.raises(StorageError, match="no such table: sessions"):
            db.get_sessions(user_id="ann")


class TestProcesses:
    def test_at_once_on_a_new_file_lose_nothing(self, sqlite_file: Path) -> None:
        """Six that start together all make, migrate and fill the file; each migration is applied once."""
        processes = [writer(sqlite_file, f"p{number}", 20) for number in range(6)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.communicate()[0].count("\n") for process in processes] == [20] * 6
        assert [process.returncode for process in processes] == [0] * 6
        db = SqliteDb(sqlite_file)
        assert len(db.get_runs(user_id="ann", session_id="s")) == 120
        assert len(db.get_user_memories(user_id="ann")) == 360
        rows = execute(sqlite_file, "select n, sha from schema_version order by n")
        assert rows == [(one.number, one.sha) for one in migrations("sqlite")]

    def test_that_are_killed_leave_whole_data(self, sqlite_file: Path) -> None:
        """After SIGKILL everything that was reported is there, and of a list of changes all or none."""
        for turn in range(4):
            process = writer(sqlite_file, f"p{turn}", 10_000)
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            seen = [process.stdout.readline().strip() for _ in range(20 + turn)]
            process.kill()
            rest, _ = process.communicate()
            assert process.returncode == -signal.SIGKILL
            seen += [line for line in rest.splitlines(keepends=False) if line]
            db = SqliteDb(sqlite_file)
            stored = {run.run_id for run in db.get_runs(user_id="ann", session_id="s")}
            facts = {memory.memory for memory in db.get_user_memories(user_id="ann")}
            assert set(seen) <= stored
            assert {f"{run_id} {fact}" for run_id in seen for fact in "abc"} <= facts
            assert len(facts) % 3 == 0
            assert execute(sqlite_file, "pragma integrity_check") == [("ok",)]
            db.close()

    def test_that_are_killed_in_a_transaction_leave_nothing_of_it(
        self, sqlite_file: Path, make_run: MakeRun
    ) -> None:
        """A transaction that was never committed is as if it had not been, and hinders nobody."""
        db = SqliteDb(sqlite_file)
        db.save_run(make_run())
        program = (
            "import os, signal, sqlite3, sys\n"
            "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "connection.execute('begin immediate')\n"
            "connection.execute('pragma cache_spill = 1')\n"
            "connection.execute('delete from runs')\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        ended = subprocess.run([sys.executable, "-c", program, sqlite_file], check=False)
        assert ended.returncode == -signal.SIGKILL
        db.save_run(make_run())
        assert len(db.get_runs(user_id="ann", session_id="s")) == 2

    def test_that_write_do_not_keep_others_from_reading(
        self, sqlite_file: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While a transaction is open elsewhere reading works; writing waits, then says why it did not."""
        monkeypatch.setattr(connections, "PATIENCE", 0.1)
        db = SqliteDb(sqlite_file)
        db.save_run(make_run())
        other = sqlite3.connect(sqlite_file, isolation_level=None)
        try:
            other.execute("begin immediate")
            other.execute("delete from runs")
            assert len(db.get_runs(user_id="ann", session_id="s")) == 1
            with pytest.raises(StorageConnectionError, match=r"another process.*repeat"):
                db.save_run(make_run())
            other.execute("rollback")
        finally:
            other.close()
        db.save_run(make_run())
        assert len(db.get_runs(user_id="ann", session_id="s")) == 2

    def test_that_write_a_file_of_another_kind_are_waited_for(
        self, sqlite_file: Path, make_run: MakeRun
    ) -> None:
        """A file without a write-ahead log that is in use gets one as soon as it is free."""
        other = sqlite3.connect(sqlite_file, isolation_level=None, check_same_thread=False)
        try:
            other.execute("create table theirs (x)")
            other.execute("begin immediate")
            end = threading.Timer(0.1, other.execute, ["commit"])
            end.start()
            SqliteDb(sqlite_file).save_run(make_run())
            end.join()
        finally:
            other.close()
        assert execute(sqlite_file, "pragma journal_mode") == [("wal",)]


class TestConnections:
    def test_are_at_most_ten_for_any_number_of_callers(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """Fifty threads that read and write share the file's connections."""
        gate = threading.Barrier(50)

        def work(_: int) -> None:
            gate.wait()
            SqliteDb(sqlite_file).save_run(make_run())
            SqliteDb(sqlite_file).get_runs(user_id="ann", session_id="s")

        with ThreadPoolExecutor(50) as threads:
            list(threads.map(work, range(50)))
        opened = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        assert 0 < opened.count(sqlite_file) <= connections.SIZE

    def test_see_all_or_nothing_of_a_list_of_changes(self, sqlite_file: Path) -> None:
        """Readers beside a writer never see a part of a transaction."""
        db = SqliteDb(sqlite_file)
        done = threading.Event()

        def write() -> None:
            for number in range(50):
                db.change_memories(
                    [MemoryChange(operation="add", memory=f"{number} {fact}") for fact in "abc"],
                    user_id="ann",
                )
            done.set()

        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(write)
            while not done.is_set() and not writing.done():
                assert len(db.load_turn(user_id="ann", session_id="s", memories=True).memories) % 3 == 0
            writing.result()

    def test_of_writers_that_wait_leave_some_to_readers(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """However many threads wait for another process that writes, reading goes on."""
        db = SqliteDb(sqlite_file)
        db.save_run(make_run())
        other = sqlite3.connect(sqlite_file, isolation_level=None)
        try:
            other.execute("begin immediate")
            with ThreadPoolExecutor(20) as threads:
                waiting = [threads.submit(db.save_run, make_run()) for _ in range(20)]
                seen = [len(db.get_runs(user_id="ann", session_id="s")) for _ in range(50)]
                assert not any(future.done() for future in waiting)
                other.execute("rollback")
        finally:
            other.close()
        assert set(seen) == {1}
        assert len(db.get_runs(user_id="ann", session_id="s")) == 21

    def test_read_a_turn_as_it_was_at_one_moment(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """A turn that has runs has their session too, also while the first run is being stored."""
        db = SqliteDb(sqlite_file)
        with ThreadPoolExecutor(1) as threads:
            for number in range(300):
                saving = threads.submit(db.save_run, make_run(session_id=f"{number}"))
                while not saving.done():
                    turn = db.load_turn(user_id="ann", session_id=f"{number}", runs=1)
                    assert (turn.session is None) == (turn.runs == ())
                saving.result()

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_of_a_forked_child_are_its_own(self, sqlite_file: Path, make_run: MakeRun) -> None:
        """Children that were forked while threads wrote store and exit, and nothing is lost."""
        db = SqliteDb(sqlite_file)
        context = multiprocessing.get_context("fork")
        with ThreadPoolExecutor(4) as threads:
            writing = [threads.submit(db.save_run, make_run()) for _ in range(100)]
            children = [context.Process(target=db.save_run, args=(make_run(),)) for _ in range(5)]
            for child in children:
                child.start()
            for child in children:
                child.join()
            for future in writing:
                future.result()
        assert [child.exitcode for child in children] == [0] * 5
        assert len(db.get_runs(user_id="ann", session_id="s")) == 105
        assert execute(sqlite_file, "pragma integrity_check") == [("ok",)]

    @pytest.mark.parametrize("file", ["agents.db", ":memory:"])
    def test_are_closed_at_exit_without_a_word(self, sqlite_file: Path, file: str) -> None:
        """A program that used threads and an event loop ends silently, and leaves one file."""
        program = (
            "import asyncio, sys\n"
            "from agno_lite.db.sqlite import SqliteDb\n"
            "db = SqliteDb(sys.argv[1])\n"
            "db.get_sessions(user_id='ann')\n"
            "asyncio.run(db.offload(db.get_sessions, user_id='ann'))\n"
        )
        path = file if file == ":memory:" else str(sqlite_file)
        ended = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program, path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
        left = [path.name for path in sqlite_file.parent.iterdir()]
        assert left == ([] if file == ":memory:" else [file])


def test_it_needs_no_driver_of_postgresql() -> None:
    """Storing in a file loads no psycopg."""
    program = (
        "import sys\n"
        "from agno_lite import SqliteDb\n"
        "SqliteDb(':memory:').get_sessions(user_id='ann')\n"
        "print('psycopg' in sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
