"""Fixtures for all tests: a real PostgreSQL, an empty database for whoever asks, a clean environment."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from agno_lite.db import embedded
from agno_lite.db.postgres.connections import close_all

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.fix_model"]

_SETTINGS = (
    "AGNO_LITE_DB_URL",
    "AGNO_LITE_EMBEDDED_DATABASE",
    "AGNO_LITE_OFFLINE",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
)


def pytest_configure(config: pytest.Config) -> None:
    """Give the whole test run, its workers and child processes one private server, away from the user's."""
    if hasattr(config, "workerinput"):
        return
    home = Path(tempfile.mkdtemp(prefix="agno_lite-tests-"))
    home.chmod(0o711)  # As root the server runs as another user, who must be able to enter.
    os.environ["AGNO_LITE_HOME"] = str(home)
    for name in _SETTINGS:
        os.environ.pop(name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the server stop, and remove its data."""
    if hasattr(config, "workerinput"):
        return
    embedded.leave()
    home = Path(os.environ["AGNO_LITE_HOME"])
    deadline = time.monotonic() + 30
    while any(home.glob("pg*/data/postmaster.pid")) and time.monotonic() < deadline:
        time.sleep(0.01)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Address of the test run's private server (its database `agno_lite`)."""
    return embedded.start().url


@pytest.fixture(scope="session")
def worker_database(postgres_server: str) -> str:
    """Address of a database of this process."""
    name = f"tests_{os.getpid()}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(postgres_server)._replace(path=f"/{name}"))


@pytest.fixture
def postgres_url(worker_database: str) -> Iterator[str]:
    """Address of an empty database. What the test leaves in it, connections included, is removed after."""
    yield worker_database
    close_all()
    with psycopg.connect(worker_database, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        made = "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
        for (schema,) in connection.execute(made).fetchall():
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
        connection.execute("create schema public")
