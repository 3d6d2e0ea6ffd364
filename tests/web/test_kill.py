"""Kills at random moments, of the server and of PostgreSQL, lose and double nothing."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import sleep
from urllib.parse import urlsplit

import psycopg
import pytest

from springtide.storage.database import Database
from tests.web.load import Load
from tests.web.serving import Service, Shop, opened, serving

KILLS = [2, pytest.param(25, marks=pytest.mark.slow)]
LONGEST_LULL_S = 0.6
"""A kill comes at most so long after orders were acknowledged again."""


@pytest.fixture
def settings(data: Path) -> dict[str, str]:
    return {"SPRINGTIDE_DATA": str(data)}


@pytest.fixture
def dsn_of_data(data: Path) -> str:
    return f"host={data} dbname=postgres user=postgres"


@pytest.fixture
def running(tmp_path: Path, settings: dict[str, str]) -> Iterator[Service]:
    with serving(tmp_path, settings) as service:
        yield service


@pytest.fixture
def own_shop(running: Service, dsn_of_data: str, name: str) -> Iterator[Shop]:
    with opened(Database(dsn_of_data), running.url, name) as shop:
        yield shop


@pytest.mark.parametrize("kills", KILLS)
def test_kills_of_the_server_lose_and_double_nothing(
    running: Service, own_shop: Shop, settings: dict[str, str], tmp_path: Path, kills: int
) -> None:
    random, port, services = Random(20261122), str(urlsplit(running.url).port), [running]
    try:
        with Load(own_shop) as load:
            for _ in range(kills):
                load.wait_for_more()
                sleep(random.uniform(0, LONGEST_LULL_S))
                services[-1].process.kill()
                assert services[-1].wait() == -signal.SIGKILL
                services.append(Service(tmp_path, settings, "--port", port))
            load.wait_for_more()
        load.check(own_shop.database, own_shop.name)
    finally:
        for service in services:
            service.end()
    assert services[-1].process.returncode == 0


def kill_postgres(dsn: str, data: Path, random: Random) -> None:
    """Kill every process of a server, in any order."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        ).fetchall()
    pids = [pid for (pid,) in rows]
    pids.append(int((data / "postmaster.pid").read_text().split()[0]))
    random.shuffle(pids)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it ended with those that were killed before
            continue


@pytest.mark.parametrize("kills", KILLS)
def test_kills_of_postgresql_lose_and_double_nothing(
    running: Service, own_shop: Shop, dsn_of_data: str, data: Path, kills: int
) -> None:
    random = Random(20261122)
    with Load(own_shop) as load:
        for _ in range(kills):
            load.wait_for_more()
            sleep(random.uniform(0, LONGEST_LULL_S))
            kill_postgres(dsn_of_data, data, random)
            running.wait_until_ready()
        load.wait_for_more()
    load.check(own_shop.database, own_shop.name)
    assert running.stop() == 0
    assert not (data / "postmaster.pid").exists(), "the embedded server still runs"
