"""What only a server can show: addresses, tables, connections that break."""

from __future__ import annotations

import multiprocessing
import os
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from agno_lite.db.migrate import migrations
from agno_lite.db.postgres import PostgresDb
from agno_lite.db.schemas import EvalRunRecord, MemoryChange
from agno_lite.exceptions import (
    ConfigurationError,
    MigrationError,
    StorageConnectionError,
    StorageError,
    StorageURLError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.db.schemas import RunRecord

    MakeRun = Callable[..., RunRecord]


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Carry out one statement on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def logged(postgres_url: str) -> Callable[[Callable[[], object]], list[str]]:
    """Calls a function and gives the statements that the server carried out meanwhile, from its log."""
    execute(
        postgres_url,
        "alter database " + urlsplit(postgres_url).path[1:] + " set log_statement = 'all'",
    )
    (log,) = Path(os.environ["AGNO_LITE_HOME"]).glob("pg*/log")

    def call(function: Callable[[], object]) -> list[str]:
        before = log.stat().st_size
        function()
        new = log.read_bytes()[before:].decode()
        return [line for line in new.splitlines() if re.search(r"LOG:  (execute|statement)", line)]

    return call


class TestAddress:
    @pytest.mark.parametrize("driver", ["", "+psycopg", "+psycopg_async", "+psycopg2", "+asyncpg"])
    @pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
    def test_may_name_a_driver(self, postgres_url: str, scheme: str, driver: str) -> None:
        """Addresses written for other libraries work as they are."""
        url = postgres_url.replace("postgresql:", f"{scheme}{driver}:")
        assert PostgresDb(url).get_sessions(user_id="ann") == []

    @pytest.mark.parametrize(
        ("url", "found"),
        [
            ("mysql://bob:s3cret@localhost/app", "'mysql'"),
            ("sqlite:///app.db", "'sqlite'"),
            ("host=localhost password=s3cret", "without a scheme"),
            ("", "without a scheme"),
            ("postgresql://bob:s3cret@localhost:notaport/app?x=%zz", "libpq cannot read"),
        ],
    )
    def test_that_names_no_postgresql_is_refused_at_once(self, url: str, found: str) -> None:
        """The error says what came and how an address looks, and never repeats a password."""
        with pytest.raises(StorageURLError, match=found) as caught:
            PostgresDb(url)
        assert "postgresql://" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_of_a_port_that_nobody_listens_on(self) -> None:
        """The error names the place and the ways out but not the password, and no other server is used."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        db = PostgresDb(f"postgresql://bob:s3cret@127.0.0.1:{port}/app")
        with pytest.raises(StorageConnectionError, match=f"127.0.0.1:{port}/app cannot be reached") as caught:
            db.get_sessions(user_id="ann")
        assert "s3cret" not in str(caught.value)
        assert "pg_isready" in str(caught.value)
        assert "private PostgreSQL" in str(caught.value)

    def test_of_somebody_who_never_answers(self) -> None:
        """A listener that accepts and stays silent is given up after the limit for connecting."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            place = f"127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(StorageConnectionError, match="timeout"):
                PostgresDb(f"postgresql://{place}/app?connect_timeout=2").get_sessions(user_id="ann")

    def test_of_a_database_that_does_not_exist(self, postgres_url: str) -> None:
        """The server's reason is part of the error."""
        with pytest.raises(StorageConnectionError, match='"missing" does not exist'):
            PostgresDb(f"{postgres_url}&dbname=missing").get_sessions(user_id="ann")

    def test_comes_from_the_environment(self, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a URL the variable counts, and the description says so; a URL goes before it."""
        monkeypatch.setenv("AGNO_LITE_DB_URL", "postgresql://bob:s3cret@db.test:1234/app")
        assert PostgresDb().describe() == "PostgreSQL at db.test:1234/app (from AGNO_LITE_DB_URL)"
        assert PostgresDb("postgresql://localhost/x").describe() == "PostgreSQL at localhost:5432/x"
        monkeypatch.setenv("AGNO_LITE_DB_URL", postgres_url)
        PostgresDb().get_sessions(user_id="ann")
        assert execute(postgres_url, "select count(*) from agno_lite.sessions") == [(0,)]
        monkeypatch.setenv("AGNO_LITE_DB_URL", "http://example.test")
        with pytest.raises(StorageURLError, match="AGNO_LITE_DB_URL"):
            PostgresDb()


class TestTables:
    def test_are_made_once_by_twelve_at_a_time(self, postgres_url: str) -> None:
        """Threads and objects that meet an empty database all succeed, and each file is applied once."""
        gate = threading.Barrier(12)

        def first_call(number: int) -> None:
            # Another application name is another address, and so another pool.
            db = PostgresDb(f"{postgres_url}&application_name=racer{number}")
            gate.wait()
            db.get_sessions(user_id="ann")
            db.close()

        with ThreadPoolExecutor(12) as threads:
            list(threads.map(first_call, range(12)))
        rows = execute(postgres_url, "select tables, n, sha from agno_lite.schema_version order by n")
        sets = ["sessions,runs,memories", "eval_runs", "runs"]
        applied = zip(sets, migrations("postgres"), strict=True)
        assert rows == [(names, one.number, one.sha) for names, one in applied]

    def test_have_the_names_that_were_given(self, postgres_url: str, make_run: MakeRun) -> None:
        """Two sets of names in one schema are two databases, whatever characters the names have."""
        names = {
            "session_table": 'my "sessions"',
            "runs_table": "my {runs}; --",
            "memory_table": "Memories of $1",
            "eval_table": "eval {{runs}}",
        }
        first, second = (
            PostgresDb(postgres_url, db_schema="a b", **names),
            PostgresDb(postgres_url, db_schema="a b"),
        )
        first.save_run(make_run())
        assert second.get_runs(user_id="ann", session_id="s") == []
        assert execute(postgres_url, 'select user_id from "a b"."my {runs}; --"') == [("ann",)]
        made = execute(postgres_url, "select count(*) from pg_tables where schemaname = 'a b'")
        assert made == [(9,)]

    @pytest.mark.parametrize("name", ["", "x" * 51, "per%cent", "a,b", "nul\x00"])
    def test_names_that_cannot_be_are_refused(self, name: str) -> None:
        """A name that PostgreSQL would cut or misread is refused before anything is done."""
        with pytest.raises(ConfigurationError, match="cannot be the name"):
            PostgresDb("postgresql://localhost/x", memory_table=name)
        with pytest.raises(ConfigurationError, match="different"):
            PostgresDb("postgresql://localhost/x", memory_table="runs")

    def test_of_evaluations_may_have_a_name_of_their_own(self, postgres_url: str, make_run: MakeRun) -> None:
        """Objects that differ in `eval_table` share their other tables."""
        first, second = PostgresDb(postgres_url), PostgresDb(postgres_url, eval_table="others")
        first.save_run(make_run())
        first.save_eval_run(EvalRunRecord(run_id="one", eval_type="accuracy", eval_data={}))
        assert len(second.get_runs(user_id="ann", session_id="s")) == 1
        assert second.get_eval_runs() == []

    def test_of_the_first_version_get_what_came_later(self, postgres_url: str, make_run: MakeRun) -> None:
        """A database that has seen the first file only keeps its rows and gets the rest."""
        db = PostgresDb(postgres_url)
        db.save_run(make_run())
        execute(postgres_url, "drop table agno_lite.eval_runs")
        execute(postgres_url, "alter table agno_lite.runs drop column parent_run_id")
        execute(postgres_url, "delete from agno_lite.schema_version where n > 1")
        db.close()
        assert db.get_eval_runs() == []
        assert len(db.get_runs(user_id="ann", session_id="s")) == 1

    def test_of_a_changed_migration_are_refused(self, postgres_url: str) -> None:
        """A recorded hash that differs from the file's is an error, and nothing is run."""
        PostgresDb(postgres_url).get_sessions(user_id="ann")
        execute(postgres_url, "update agno_lite.schema_version set sha = 'other'")
        PostgresDb(postgres_url).close()
        with pytest.raises(MigrationError, match=r"0001_initial\.sql"):
            PostgresDb(postgres_url).get_sessions(user_id="ann")

    def test_of_a_newer_version_are_refused(self, postgres_url: str) -> None:
        """A migration that this package does not have is an error that says to update."""
        PostgresDb(postgres_url).get_sessions(user_id="ann")
        execute(
            postgres_url,
            "insert into agno_lite.schema_version values ('sessions,runs,memories', 99, '0099_x.sql', '')",
        )
        PostgresDb(postgres_url).close()
        with pytest.raises(MigrationError, match=r"0099_x\.sql.*Update"):
            PostgresDb(postgres_url).get_sessions(user_id="ann")

    def test_that_are_in_the_way_are_left_alone(self, postgres_url: str) -> None:
        """A table of somebody else's with one of our names is an error, and all is as it was."""
        execute(postgres_url, "create schema agno_lite")
        execute(postgres_url, "create table agno_lite.runs (theirs int)")
        with pytest.raises(MigrationError, match="already exists"):
            PostgresDb(postgres_url).get_sessions(user_id="ann")
        assert execute(postgres_url, "select tablename from pg_tables where schemaname = 'agno_lite'") == [
            ("runs",)
        ]

    def test_need_no_right_to_create_once_they_exist(self, postgres_url: str, make_run: MakeRun) -> None:
        """An ordinary role may use tables that another made."""
        PostgresDb(postgres_url).save_run(make_run())
        execute(postgres_url, "create role ordinary login")
        try:
            execute(postgres_url, "grant usage on schema agno_lite to ordinary")
            execute(
                postgres_url,
                "grant select, insert, update, delete on all tables in schema agno_lite to ordinary",
            )
            ordinary = PostgresDb(postgres_url.replace("//postgres@", "//ordinary@"))
            ordinary.save_run(make_run())
            assert len(ordinary.get_runs(user_id="ann", session_id="s")) == 2
            ordinary.close()
        finally:
            execute(postgres_url, "drop owned by ordinary")
            execute(postgres_url, "drop role ordinary")

    def test_all_name_the_owner_of_each_row(self, postgres_url: str) -> None:
        """Each table of what users said has a user_id that cannot be null; evaluations have no owner."""
        PostgresDb(postgres_url).get_sessions(user_id="ann")
        columns = (
            "select table_name::text from information_schema.columns where table_schema = 'agno_lite' "
            "and column_name = 'user_id' and is_nullable = 'NO' order by 1"
        )
        assert execute(postgres_url, columns) == [("memories",), ("runs",), ("sessions",)]


class TestStatements:
    def test_that_are_hot_take_one_round_trip(
        self, postgres_url: str, make_run: MakeRun, logged: Callable[[Callable[[], object]], list[str]]
    ) -> None:
        """Loading a turn, storing a run and changing memories are one statement each, and no transaction."""
        db = PostgresDb(postgres_url)
        db.save_run(make_run())
        changes = [MemoryChange(operation="add", memory=f"Fact {number}") for number in range(5)]
        for call in (
            lambda: db.load_turn(user_id="ann", session_id="s", runs=3, memories=True),
            lambda: db.save_run(make_run()),
            lambda: db.change_memories(changes, user_id="ann"),
            lambda: db.get_user_memories(user_id="ann"),
        ):
            assert len(logged(call)) == 1

    def test_that_are_refused_say_why(self, postgres_url: str) -> None:
        """A table that was dropped meanwhile is an error with the server's reason."""
        db = PostgresDb(postgres_url)
        db.get_sessions(user_id="ann")
        execute(postgres_url, "drop table agno_lite.sessions")
        with pytest.raises(StorageError, match="does not exist"):
            db.get_sessions(user_id="ann")


class TestConnections:
    def test_are_at_most_ten_for_any_number_of_callers(self, postgres_url: str, make_run: MakeRun) -> None:
        """Fifty threads and several objects share ten connections."""
        gate = threading.Barrier(50)

        def work(_: int) -> None:
            gate.wait()
            PostgresDb(postgres_url).save_run(make_run())

        with ThreadPoolExecutor(50) as threads:
            list(threads.map(work, range(50)))
        count = (
            "select count(*) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        ((connections,),) = execute(postgres_url, count)
        assert isinstance(connections, int)
        assert connections <= 10

    def test_that_the_server_dropped_are_replaced(self, postgres_url: str, make_run: MakeRun) -> None:
        """After the server has ended all connections, the next calls succeed, from many threads too."""
        db = PostgresDb(postgres_url)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: db.save_run(make_run()), range(40)))
            dropped = execute(
                postgres_url,
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()",
            )
            assert dropped
            list(threads.map(lambda _: db.save_run(make_run()), range(40)))
        assert len(db.get_runs(user_id="ann", session_id="s")) == 80

    def test_that_break_in_use_say_that_the_outcome_is_unknown(
        self, postgres_url: str, make_run: MakeRun
    ) -> None:
        """A statement whose connection is ended under it raises, and the next call works."""
        db = PostgresDb(postgres_url)
        db.save_run(make_run())
        with psycopg.connect(postgres_url) as blocker:
            blocker.execute("lock table agno_lite.runs in access exclusive mode")
            with ThreadPoolExecutor(1) as threads:
                waiting = threads.submit(db.save_run, make_run())
                ended: list[tuple[object, ...]] = []
                while not ended:
                    ended = execute(
                        postgres_url,
                        "select pg_terminate_backend(pid) from pg_stat_activity "
                        "where datname = current_database() and wait_event_type = 'Lock'",
                    )
                with pytest.raises(StorageConnectionError, match="not known"):
                    waiting.result()
        db.save_run(make_run())
        assert len(db.get_runs(user_id="ann", session_id="s")) == 2

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_of_a_forked_child_are_its_own(self, postgres_url: str, make_run: MakeRun) -> None:
        """A child that was forked stores and exits, and leaves its parent's connections whole."""
        db = PostgresDb(postgres_url)
        db.save_run(make_run())
        child = multiprocessing.get_context("fork").Process(target=db.save_run, args=(make_run(),))
        child.start()
        child.join()
        assert child.exitcode == 0
        db.save_run(make_run())
        assert len(db.get_runs(user_id="ann", session_id="s")) == 3

    def test_are_closed_at_exit_without_a_word(self, postgres_url: str) -> None:
        """A program that used threads and an event loop ends silently, with warnings as errors."""
        program = (
            "import asyncio, sys\n"
            "from agno_lite.db.postgres import PostgresDb\n"
            "db = PostgresDb(sys.argv[1])\n"
            "db.get_sessions(user_id='ann')\n"
            "asyncio.run(db.offload(db.get_sessions, user_id='ann'))\n"
        )
        ended = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program, postgres_url],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_interface_loads_without_a_driver() -> None:
    """Importing the interface and the in-memory database loads no psycopg."""
    program = "import sys, agno_lite.db.base, agno_lite.db.in_memory; print('psycopg' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
