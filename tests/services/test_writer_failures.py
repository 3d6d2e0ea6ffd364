"""Batches that fail: nothing of them stays, and the writer goes on as if they had not been."""

from itertools import count
from time import sleep
from types import ModuleType
from typing import Any

import psycopg
import pytest

from springtide.core.receipts import render
from springtide.services import writer as writing
from springtide.services.gateway import DatabaseDown
from springtide.services.writer import Writer
from springtide.storage import ledger, programs, working_set
from springtide.storage.database import Database
from tests.services.histories import (
    assert_sound,
    events_of,
    open_program,
    policy_of,
    post_in_batches,
    receipts_of,
    written,
)


def kill(dsn: str, victim: psycopg.Connection) -> None:
    with psycopg.connect(dsn, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s, 5000)", [victim.info.backend_pid])


@pytest.mark.parametrize(
    ("room", "step", "call"),
    [
        (working_set, "load_state", 1),
        (ledger, "append", 1),
        (ledger, "append", 3),
        (programs, "move_program", 1),
    ],
    ids=["loading", "first slice", "third slice", "closing"],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_batch_whose_backend_is_killed_leaves_nothing(
    dsn: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    room: ModuleType,
    step: str,
    call: int,
    when: str,
) -> None:
    events = events_of("everything")
    name = open_program(database, policy_of("everything"))
    post_in_batches(database, name, [events[:200]])
    with database.snapshot() as tx:
        before = programs.get_program(tx, name)
    calls, does = count(1), getattr(room, step)

    def interrupted(tx: psycopg.Connection, *arguments: Any) -> None:
        fatal = next(calls) == call
        if fatal and when == "before":
            kill(dsn, tx)
        does(tx, *arguments)
        if fatal:
            kill(dsn, tx)

    with monkeypatch.context() as patch, Writer(database, name) as writer:
        patch.setattr(writing, "SLICE", 50)
        patch.setattr(room, step, interrupted)
        with pytest.raises(DatabaseDown, match=r"the database went away: .*; start it"):
            writer.post(events[200:])
    with database.snapshot() as tx:
        assert programs.get_program(tx, name) == before
    assert_sound(database, name)
    again = post_in_batches(database, name, [events[200:]])
    assert written(map(render, again)) == written(receipts_of("everything")[200:])
    assert_sound(database, name)


def test_a_writer_whose_batch_failed_forgets_what_it_believed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = events_of("everything")
    name = open_program(database, policy_of("everything"))

    def broken(tx: psycopg.Connection, *_: object) -> None:
        tx.execute("SELECT 1 / 0")

    with Writer(database, name) as writer:
        receipts = writer.post(events[:200])
        with monkeypatch.context() as patch:
            patch.setattr(programs, "move_program", broken)
            with pytest.raises(psycopg.errors.DivisionByZero):
                writer.post(events[200:])
        receipts += writer.post(events[200:])
    assert written(render(outcome.receipt) for outcome in receipts) == written(
        receipts_of("everything")
    )
    assert_sound(database, name)


def test_a_disk_that_fills_up_is_said_and_what_comes_later_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = events_of("everything")
    name = open_program(database, policy_of("everything"))
    does, calls = ledger.append, count(1)

    def full(tx: psycopg.Connection, *arguments: Any) -> None:
        if next(calls) == 1:
            tx.execute(
                "DO $$ BEGIN RAISE 'No space left on device' USING ERRCODE = '53100'; END $$"
            )
        sleep(0.05)  # the others wait for their turn while the first has failed
        does(tx, *arguments)

    with Writer(database, name) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(writing, "SLICE", 50)
            patch.setattr(ledger, "append", full)
            with pytest.raises(DatabaseDown, match="No space left on device"):
                writer.post(events)
        receipts = [render(outcome.receipt) for outcome in writer.post(events)]
    assert written(receipts) == written(receipts_of("everything"))
    assert_sound(database, name)
