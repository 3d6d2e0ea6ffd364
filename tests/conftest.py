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
from xdist.remote import Producer

from springtide.storage import embedded
from springtide.storage.database import Database, migrate
from tests.scheduling import Groups, rank

_numbers = count(1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Of several workers, each is given whole groups."""
    config.option.loadscopereorder = False  # the order is that of the collection
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first."""
    items.sort(key=lambda item: rank(item.nodeid))


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
def template(server: str) -> str:
    """A database that was migrated once; others are copies of it, which is much quicker."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    migrate(make_conninfo(server, dbname="migrated"))
    return "migrated"


def _create(server: str, database: str, template: str) -> str:
    """Copy the template; gives the DSN of the copy."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(database), sql.Identifier(template)
            )
        )
    return make_conninfo(server, dbname=database)


def _drop(server: str, database: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
        )


@pytest.fixture(scope="session")
def dsn(server: str, template: str) -> str:
    """A migrated database for all tests; each works on programs of its own."""
    return _create(server, "all_tests", template)


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
def quiet_dsn(server: str, template: str) -> Iterator[str]:
    """A migrated database for the tests of one module, in which no server is at work."""
    name = f"quiet_{next(_numbers)}"
    yield _create(server, name, template)
    _drop(server, name)


@pytest.fixture
def empty_dsn(server: str) -> Iterator[str]:
    """A database that nobody migrated, on the same server."""
    database = f"empty_{next(_numbers)}"
    yield _create(server, database, "template1")
    _drop(server, database)


@pytest.fixture
def own_dsn(server: str, template: str) -> Iterator[str]:
    """A migrated database for one test alone: for those that post so much that the others
    would have to wait for it.
    """
    database = f"own_{next(_numbers)}"
    yield _create(server, database, template)
    _drop(server, database)


@pytest.fixture
def own_database(own_dsn: str) -> Database:
    return Database(own_dsn)
