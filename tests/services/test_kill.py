"""An import that is killed again and again ends as one that never was."""

import csv
import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from time import monotonic, sleep

import psycopg
import pytest

from springtide.services.importing import OrderFile, import_orders, read_mapping
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.reports import read_status
from springtide.storage import programs
from springtide.storage.database import Database
from springtide.storage.programs import Program
from tests.services.histories import assert_sound
from tests.services.test_cdnow import MAPPING, PACKED

ALL_ROWS = 69_659


def first_orders(folder: Path, rows: int) -> tuple[Path, int]:
    """A file of the first orders of a shop, and how many of them can be posted."""
    path = folder / "cdnow.csv"
    lines = gzip.decompress(PACKED.read_bytes()).splitlines(keepends=True)[: rows + 1]
    path.write_bytes(b"".join(lines))
    with path.open(newline="") as file:
        return path, sum(row["amount"] != "0.00" for row in csv.DictReader(file))


def start(dsn: str, name: str, orders: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "springtide.cli", "import", str(orders), "--program", name,
         "--map", MAPPING],
        env={**os.environ, "SPRINGTIDE_DATABASE": dsn},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


class Watcher:
    """Follows a program from outside."""

    def __init__(self, connection: psycopg.Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    def posted(self) -> int:
        row = self._connection.execute(
            "SELECT seq FROM program WHERE name = %s", [self._name]
        ).fetchone()
        assert row is not None
        return int(row[0])

    def wait_for_a_batch(self) -> None:
        """Until something more was posted."""
        before, deadline = self.posted(), monotonic() + 120
        while self.posted() == before:
            assert monotonic() < deadline
            sleep(0.005)


def state_of(database: Database, name: str) -> tuple[Program, list[tuple[str, str, str]]]:
    """Everything but what depends on where the batches were cut."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        entries = tx.execute(
            "SELECT id, event, receipt FROM entry WHERE program_id = %s ORDER BY seq",
            [program.id],
        ).fetchall()
    return program, entries


@pytest.mark.parametrize(
    ("kills", "rows"), [(4, 30_000), pytest.param(10, ALL_ROWS, marks=pytest.mark.slow)]
)
def test_kills_lose_and_double_nothing(
    own_dsn: str, own_database: Database, name: str, tmp_path: Path, kills: int, rows: int
) -> None:
    dsn, database = own_dsn, own_database
    orders, good = first_orders(tmp_path, rows)
    random = Random(20261121)
    create_program(database, name, read_preset("advert-b"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        watcher = Watcher(connection, name)
        for number in range(kills):
            process = start(dsn, name, orders)
            if number % 2:  # wherever it is: starting, reading, skipping or posting
                sleep(random.uniform(0.5, 2 if rows == ALL_ROWS else 1))
            else:  # within a batch, soon after the one before was committed
                watcher.wait_for_a_batch()
                sleep(random.uniform(0, 0.1))
            assert process.poll() is None, "it ended before it could be killed"
            process.kill()
            assert process.wait() == -signal.SIGKILL
            assert 0 < watcher.posted() < good
    result = import_orders(
        database, name, OrderFile(orders, read_mapping(MAPPING)), lambda _: None
    )
    assert result.posted > 0
    assert (result.rows, result.posted + result.repeated) == (rows, good)
    assert result.rejected == rows - good
    assert_sound(database, name)
    assert read_status(database, name).activity.orders == good

    unharmed = f"{name}-unharmed"
    create_program(database, unharmed, read_preset("advert-b"))
    import_orders(database, unharmed, OrderFile(orders, read_mapping(MAPPING)), lambda _: None)
    killed, entries = state_of(database, name)
    whole, expected = state_of(database, unharmed)
    assert entries == expected
    for field in ("seq", "batch", "reserve", "supply", "orphaned", "split_factor", "inflow"):
        assert getattr(killed, field) == getattr(whole, field)
