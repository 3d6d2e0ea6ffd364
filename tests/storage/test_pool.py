"""The pool: connections are used again, as good as new, and none that broke is lent."""

from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import psycopg
import pytest

from springtide.services.programs import list_programs
from springtide.storage.database import ROLE, Database
from springtide.storage.errors import DatabaseDown


@pytest.fixture
def pooled(own_database: Database) -> Iterator[Database]:
    with own_database.pooled():
        yield own_database


def pid(tx: psycopg.Connection) -> int:
    return tx.info.backend_pid


def wait_for(pooled: Database, wanted: int) -> None:
    """Until a connection that was given back is lent again."""
    deadline = monotonic() + 30
    while True:
        with pooled.snapshot() as tx:
            if pid(tx) == wanted:
                return
        assert monotonic() < deadline
        sleep(0.01)


def test_a_connection_is_lent_again_as_good_as_new(pooled: Database) -> None:
    with pooled.snapshot() as tx:
        first = pid(tx)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), tx.transaction():
            tx.execute("DELETE FROM program")
    wait_for(pooled, first)
    with pooled.transaction() as tx:
        settings = "SELECT current_user, current_setting('transaction_read_only')"
        assert tx.execute(settings).fetchone() == (ROLE, "off")
        isolation = tx.execute("SHOW transaction_isolation").fetchone()
        assert isolation == ("read committed",)


def test_what_fails_is_rolled_back(pooled: Database) -> None:
    def fail() -> None:
        with pooled.transaction() as tx:
            tx.execute("INSERT INTO member VALUES (1, 'm1', 1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pooled.snapshot() as tx:
        assert tx.execute("SELECT count(*) FROM member").fetchone() == (0,)


def test_a_connection_that_broke_is_not_lent(pooled: Database, own_dsn: str) -> None:
    with pooled.snapshot() as tx:
        pids = [pid(tx)]
        with pooled.snapshot() as other:
            pids.append(pid(other))
    with psycopg.connect(own_dsn, autocommit=True) as admin:
        for one in pids:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [one])
    for _ in range(5):
        assert list_programs(pooled) == []


def test_nobody_waits_long_for_a_database_that_is_away() -> None:
    nowhere = Database("host=127.0.0.1 port=1 user=nobody")
    with nowhere.pooled():
        began = monotonic()
        with pytest.raises(DatabaseDown, match="cannot be reached"):
            list_programs(nowhere)
        assert monotonic() - began < 25, "a pool waits for 30 seconds if it is told nothing"


def test_more_than_are_kept_are_lent(pooled: Database) -> None:
    with ExitStack() as stack:
        lent = [stack.enter_context(pooled.snapshot()) for _ in range(20)]
        assert len({pid(tx) for tx in lent}) == 20
