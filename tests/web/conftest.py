"""One running server over the tests' database, and a program of its own for each test."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from springtide.storage.database import Database
from tests.web.serving import Service, Shop, opened, serving


@pytest.fixture(scope="session")
def dsn(server: str, template: str) -> str:
    """A database for the server's tests: what is due there by the real clock, it does."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE served TEMPLATE {template}")
    return make_conninfo(server, dbname="served")


@pytest.fixture(scope="session")
def database(dsn: str) -> Database:
    return Database(dsn)


@pytest.fixture(scope="session")
def service(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, {"SPRINGTIDE_DATABASE": dsn}) as service:
        yield service


@pytest.fixture
def shop(service: Service, database: Database, name: str) -> Iterator[Shop]:
    """A new program behind the server that all tests share."""
    with opened(database, service.url, name) as shop:
        yield shop


@pytest.fixture
def own_service(own_dsn: str, tmp_path: Path) -> Iterator[Service]:
    """A server for one test alone, over a database for it alone."""
    with serving(tmp_path, {"SPRINGTIDE_DATABASE": own_dsn}) as service:
        yield service


@pytest.fixture
def data() -> Iterator[Path]:
    """Where an embedded server may keep its data; one that is left there is stopped."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="springtide-test-"))
    yield home / "pgdata"
    pid_file = home / "pgdata" / "postmaster.pid"
    if pid_file.exists():
        pid = int(pid_file.read_text().split()[0])
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGINT)
            while Path(f"/proc/{pid}").exists():
                sleep(0.05)
    shutil.rmtree(home)
