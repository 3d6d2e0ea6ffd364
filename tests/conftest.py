"""One PostgreSQL server for a run of the tests: started here, stopped and removed after."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import sleep

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from springtide.storage import embedded
from springtide.storage.database import Database, migrate

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The DSN of a server of its own, with an empty database."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="springtide-test-"))
    try:
        with embedded.running(home / "pgdata") as dsn:
            _hurry(dsn)
            yield dsn
    finally:
        _end(home / "pgdata" / "postmaster.pid")
        shutil.rmtree(home)


def _end(pid_file: Path) -> None:
    """Stop a server that a failed test left with a connection; usually it is gone."""
    if pid_file.exists():
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    while pid_file.exists():
        sleep(0.05)


def _hurry(dsn: str) -> None:
    """Nobody pulls the plug of a test, so nothing need be flushed to the disk."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def dsn(server: str) -> str:
    """A migrated database for all tests; each works on programs of its own."""
    migrate(server)
    return server


@pytest.fixture(scope="session")
def database(dsn: str) -> Database:
    return Database(dsn)


@pytest.fixture
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    """A superuser, for whom no trigger runs: somebody who tampers with the books."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def name() -> str:
    """A program name that no other test has."""
    return f"program-{next(_numbers)}"


@pytest.fixture(scope="module")
def quiet_dsn(server: str) -> Iterator[str]:
    """A migrated database for the tests of one module, in which no server is at work."""
    name = f"quiet_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        quiet = make_conninfo(server, dbname=name)
        migrate(quiet)
        yield quiet
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture
def empty_dsn(server: str) -> Iterator[str]:
    """A database that nobody migrated, on the same server."""
    database = f"empty_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        yield make_conninfo(server, dbname=database)
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
        )


@pytest.fixture
def own_database(empty_dsn: str) -> Database:
    """A migrated database for one test alone: for those that post so much that the others
    would have to wait for it.
    """
    migrate(empty_dsn)
    return Database(empty_dsn)
