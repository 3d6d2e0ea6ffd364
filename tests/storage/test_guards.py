"""What the database itself holds about controls: guards, counts, and no wrong state."""

import psycopg
import pytest
from psycopg import errors

from springtide.storage import guards, programs
from springtide.storage.database import Database
from tests.core.history import buy
from tests.services.histories import open_program
from tests.services.test_controls import NOW, policy, post


def test_the_programs_row_says_whether_anything_is_stopped(database: Database) -> None:
    """Whoever sets a guard holds the row, so no batch can miss it."""
    name = open_program(database, policy())

    def guarded() -> bool:
        with database.snapshot() as tx:
            return programs.get_program(tx, name).guarded

    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
    for off, frozen in ((True, False), (True, True), (False, True), (False, False)):
        with database.transaction() as tx:
            guards.put_switch(tx, program, "purchases", NOW, "cli", "why", off=off)
            guards.put_freeze(tx, program, "m1", NOW, "cli", "why", frozen=frozen)
            with database.connect() as other, pytest.raises(errors.LockNotAvailable):
                other.execute("SELECT FROM program WHERE name = %s FOR UPDATE NOWAIT", [name])
        assert guarded() == (off or frozen)
    with database.connect() as tx, pytest.raises(errors.InsufficientPrivilege):
        tx.execute("UPDATE program SET guarded = false")


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (
            "INSERT INTO switch VALUES ({id}, 'refunds', true, now(), 'cli', 'why')",
            errors.CheckViolation,
        ),
        (
            "INSERT INTO switch VALUES ({id}, 'purchases', true, now(), 'cli', '')",
            errors.CheckViolation,
        ),
        (
            "INSERT INTO member_freeze VALUES ({id}, 'm1', true, now(), '', 'why')",
            errors.CheckViolation,
        ),
        ("DELETE FROM switch", errors.InsufficientPrivilege),
        ("DELETE FROM member_freeze", errors.InsufficientPrivilege),
        ("UPDATE tally SET spent = -1 WHERE program_id = {id}", errors.CheckViolation),
        ("UPDATE tally SET cash_day = 1 WHERE program_id = {id}", errors.CheckViolation),
        ("DELETE FROM tally", errors.InsufficientPrivilege),
        ("UPDATE hold SET settled_at = 0", errors.InsufficientPrivilege),
        ("UPDATE program SET clock = -1 WHERE id = {id}", errors.CheckViolation),
        (
            (
                "INSERT INTO alarm (program_id, kind, day, at, detail, acknowledged_at)"
                " VALUES ({id}, 'k', now(), now(), 'd', now())"
            ),
            errors.CheckViolation,
        ),
    ],
)
def test_wrong_states_cannot_be_written(
    database: Database, statement: str, error: type[psycopg.Error]
) -> None:
    name = open_program(database, policy(min_spend="1.00", hold_days=1))
    post(database, name, buy("o1", "m1", 10**6))
    with database.connect() as tx:
        id_ = programs.get_program(tx, name).id
        with pytest.raises(error):
            tx.execute(statement.format(id=id_).encode())
