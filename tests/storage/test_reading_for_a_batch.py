"""What a batch reads: rows of its own, however much the program holds."""

from random import Random
from time import monotonic, sleep

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, write_toml
from tests.services.histories import open_program

BATCHES, ORDERS = 40, 50
TABLES = ["entry", "member", "binding"]


@pytest.fixture
def database(own_database: Database) -> Database:
    """One of its own: what was read is counted by table."""
    return own_database


def events_of(batch: int, chance: Random) -> list[Json]:
    """Orders of members seen before and of new ones, and what becomes of earlier orders.

    The latest ids come first: of none can be told without looking that it is new.
    """
    events: list[Json] = []
    for number in range(ORDERS):
        id_, before = (f"{10**6 - part * ORDERS - number}" for part in (batch, batch - 1))
        order = {
            "id": f"o{id_}",
            "member": f"m{chance.randrange((batch + 1) * ORDERS)}",
            "referrer": f"m{chance.randrange((batch + 1) * ORDERS)}",
            "amount": "10.00",
        }
        events.append({"type": "pay" if number % 5 == 0 else "purchase", **order})
        if batch and number % 5 == 0:
            events.append({"type": "settle", "id": f"s{id_}", "order": f"o{before}"})
        if batch and number % 10 < 2:
            events.append({"type": "refund", "id": f"r{id_}", "order": f"o{before}"})
        if number % 10 == 3:
            wish = {"member": order["member"], "points": "all"}
            events.append({"type": "cash_out", "id": f"c{id_}", **wish})
    return events


def test_a_batch_reads_as_much_of_a_large_program_as_of_a_small_one(
    database: Database, own_dsn: str
) -> None:
    """The tables are new, and never analyzed: a plan cannot lean on statistics."""
    with psycopg.connect(own_dsn) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    name = open_program(database, write_toml(ADVERT_B))
    chance = Random(20261129)
    posted = 0
    for batch in range(BATCHES):
        with Writer(database, name) as writer:  # nothing is remembered of the batch before
            outcomes = writer.post(events_of(batch, chance))
        posted += sum(outcome.is_posted for outcome in outcomes)
    assert posted > 1.4 * BATCHES * ORDERS
    for table, rows in rows_read(own_dsn).items():
        assert 0 < rows < 3 * posted, f"{rows} rows of {table}"


def rows_read(dsn: str) -> dict[str, int]:
    """Rows that were read of the tables, once what ended connections read is counted."""
    before: dict[str, int] = {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        until = monotonic() + 10
        while monotonic() < until:
            rows = connection.execute(
                "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables"
                " WHERE relname = ANY(%s)",
                [TABLES],
            )
            found: dict[str, int] = dict(rows.fetchall())
            if before == found and all(found.values()):
                return found
            before = found
            sleep(0.5)
    raise AssertionError(f"what was read is not counted: {before}")
