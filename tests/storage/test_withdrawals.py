"""What the database itself refuses of withdrawals, whoever asks under the product's role."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors

from springtide.core.withdrawal import NEXT, STATES
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.storage.database import Database

ASKER = "key:asker"


@pytest.fixture(scope="module")
def program(database: Database) -> int:
    return create_program(database, "withdrawals-refused", read_preset("advert-b")).id


@pytest.fixture
def tx(database: Database) -> Iterator[psycopg.Connection]:
    """A connection as the product has it; what it does is rolled back."""
    with database.connect() as connection:
        yield connection
        connection.rollback()


_ASK: LiteralString = (
    "INSERT INTO withdrawal"
    " (program_id, id, seq, member, amount, fee, approvals, asked_by, day)"
    " VALUES (%s, %s, %s, 'm1', %s, %s, %s, %s, '2026-01-31')"
)


def ask(
    tx: psycopg.Connection, program: int, id_: str = "w1", approvals: int = 1, **other: object
) -> None:
    """A withdrawal that was asked for."""
    wish = {"seq": 1, "amount": 100, "fee": 1, "by": ASKER, **other}
    tx.execute(
        _ASK,
        [program, id_, wish["seq"], wish["amount"], wish["fee"], approvals, wish["by"]],
    )


def step(
    tx: psycopg.Connection, program: int, number: int, before: str, after: str, actor: str
) -> None:
    """An act of somebody, as it is written."""
    tx.execute(
        "INSERT INTO withdrawal_act (program_id, withdrawal, number, seq, at, actor,"
        " from_state, to_state, why, reference)"
        " VALUES (%s, 'w1', %s, 9, now(), %s, %s, %s, '', %s)",
        [program, number, actor, before, after, "b1w1" if after == "sent" else None],
    )


def walk(tx: psycopg.Connection, program: int, state: str) -> int:
    """Bring w1 into a state by allowed steps; gives the number of steps it took."""
    route = {
        "requested": [],
        "under_review": ["under_review"],
        "approved": ["under_review", "approved"],
        "rejected": ["rejected"],
        "cancelled": ["cancelled"],
    }.get(state, ["under_review", "approved", "sent", state])
    if state == "sent":
        route = route[:-1]
    before, number = "requested", 1
    for after in route:
        number += 1
        step(tx, program, number, before, after, "staff:ana")
        before = after
    return number


def state_of(tx: psycopg.Connection, program: int) -> tuple[str, int, str | None]:
    row = tx.execute(
        "SELECT state, steps, reference FROM withdrawal WHERE program_id = %s AND id = 'w1'",
        [program],
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("before", STATES)
def test_from_each_state_only_the_allowed_steps_are_taken(
    tx: psycopg.Connection, program: int, before: str
) -> None:
    ask(tx, program)
    number = walk(tx, program, before) + 1
    assert state_of(tx, program)[:2] == (before, number - 1)
    for after in (*STATES, "elsewhere"):
        tx.execute("SAVEPOINT here")
        if after in NEXT.get(before, ()):
            step(tx, program, number, before, after, "staff:bo")
            assert state_of(tx, program)[:2] == (after, number)
        else:
            with pytest.raises(errors.CheckViolation):
                step(tx, program, number, before, after, "staff:bo")
        tx.execute("ROLLBACK TO here")
    assert state_of(tx, program)[:2] == (before, number - 1)


def test_the_reference_is_kept_from_the_step_that_sent_it(
    tx: psycopg.Connection, program: int
) -> None:
    ask(tx, program)
    walk(tx, program, "unknown")
    assert state_of(tx, program) == ("unknown", 5, "b1w1")


@pytest.mark.parametrize(
    ("number", "before"), [(2, "approved"), (3, "requested"), (2, "under_review")]
)
def test_a_step_starts_where_the_withdrawal_is(
    tx: psycopg.Connection, program: int, number: int, before: str
) -> None:
    ask(tx, program)
    with pytest.raises(errors.CheckViolation, match="withdrawal w1 is not"):
        step(tx, program, number, before, "rejected", "staff:ana")


def test_whoever_asked_cannot_approve(tx: psycopg.Connection, program: int) -> None:
    ask(tx, program)
    step(tx, program, 2, "requested", "under_review", ASKER)
    with pytest.raises(errors.CheckViolation, match="cannot approve it"):
        step(tx, program, 3, "under_review", "approved", ASKER)


def test_above_the_limit_one_approval_is_not_enough(
    tx: psycopg.Connection, program: int
) -> None:
    ask(tx, program, approvals=2)
    step(tx, program, 2, "requested", "under_review", "staff:ana")
    with pytest.raises(errors.CheckViolation, match="1 of 2 approvals"):
        step(tx, program, 3, "under_review", "approved", "staff:ana")


@pytest.mark.parametrize("after", ["under_review", "approved"])
def test_one_person_approving_twice_does_not_count_as_two(
    tx: psycopg.Connection, program: int, after: str
) -> None:
    ask(tx, program, approvals=2)
    step(tx, program, 2, "requested", "under_review", "staff:ana")
    step(tx, program, 3, "under_review", "under_review", "staff:ana")
    with pytest.raises(errors.UniqueViolation, match="withdrawal_approved_once"):
        step(tx, program, 4, "under_review", after, "staff:ana")


def test_two_people_approve_and_not_a_third(tx: psycopg.Connection, program: int) -> None:
    ask(tx, program, approvals=2)
    step(tx, program, 2, "requested", "under_review", "staff:ana")
    step(tx, program, 3, "under_review", "under_review", "staff:ana")
    enough = "2 of 2 approvals, so it cannot be under_review"
    with pytest.raises(errors.CheckViolation, match=enough), tx.transaction():
        step(tx, program, 4, "under_review", "under_review", "staff:bo")
    step(tx, program, 4, "under_review", "approved", "staff:bo")
    with pytest.raises(errors.CheckViolation):
        step(tx, program, 5, "under_review", "approved", "staff:cy")


@pytest.mark.parametrize("table", ["withdrawal", "withdrawal_act", "act"])
@pytest.mark.parametrize(
    "edit", ["UPDATE {} SET program_id = 7", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_nobody_edits_acts_or_moves_a_withdrawal_without_one(
    tx: psycopg.Connection, table: str, edit: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match=f"denied for table {table}"):
        tx.execute(edit.format(table).encode())


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE withdrawal SET state = 'approved'",
        "INSERT INTO withdrawal (program_id, id, state) VALUES (1, 'w9', 'approved')",
    ],
)
def test_a_withdrawal_begins_at_the_beginning(tx: psycopg.Connection, write: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        tx.execute(write.encode())


@pytest.mark.parametrize(
    ("wish", "constraint"),
    [
        ({"amount": 0}, "withdrawal_amount_check"),
        ({"fee": 100}, "withdrawal_check"),
        ({"fee": -1}, "withdrawal_check"),
        ({"approvals": 0}, "withdrawal_approvals_check"),
        ({"by": ""}, "withdrawal_asked_by_check"),
    ],
)
def test_no_withdrawal_is_senseless(
    tx: psycopg.Connection, program: int, wish: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        ask(tx, program, **wish)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(("id_", "seq"), [("w1", 2), ("w2", 1)])
def test_no_withdrawal_is_there_twice(
    tx: psycopg.Connection, program: int, id_: str, seq: int
) -> None:
    ask(tx, program)
    with pytest.raises(errors.UniqueViolation):
        ask(tx, program, id_, seq=seq)


def test_what_is_on_its_way_is_not_overdrawn(tx: psycopg.Connection, program: int) -> None:
    transfer: LiteralString = "INSERT INTO transfer VALUES (%s, %s, 0, 'x', %s, %s, %s)"
    tx.execute(transfer, [program, 1, "payments", "withdrawals", 10])
    tx.execute(transfer, [program, 2, "withdrawals", "payouts", 10])
    with pytest.raises(errors.CheckViolation, match="account_not_overdrawn"):
        tx.execute(transfer, [program, 3, "withdrawals", "payouts", 1])


FAR = 20_005
"""Entries: more than a debit reads back."""


def test_wallets_are_counted_together_before_a_debit_would_read_far_back(
    tx: psycopg.Connection, program: int
) -> None:
    transfer: LiteralString = "INSERT INTO transfer VALUES (%s, %s, 0, %s, %s, %s, %s)"
    tx.execute(transfer, [program, 1, "clawback", "wallet:n", "refunds", 5])
    tx.execute(transfer, [program, 2, "direct", "payments", "wallet:n", 9])
    tx.execute(
        "INSERT INTO transfer SELECT %s, s, 0, 'direct', 'payments', 'wallet:m' || s %% 50, 7"
        " FROM generate_series(3, %s) s", [program, FAR],
    )  # fmt: skip
    tx.execute(transfer, [program, FAR + 1, "spend", "wallet:m1", "payments", 100])
    rows = tx.execute(
        "SELECT code, balance, owed, through_seq, wallet_balance(program_id, code)"
        " FROM wallet WHERE program_id = %s", [program],
    ).fetchall()  # fmt: skip
    assert len(rows) == 52
    assert sum(row[1] for row in rows) == 7 * (FAR - 2) + 9 - 5 - 100
    assert all(row[1] == row[4] and row[2] == 0 for row in rows)
    counted = {row[0]: row[3] for row in rows}
    assert (counted[""], counted["wallet:m2"], counted["wallet:m1"]) == (FAR, FAR, FAR + 1)
    with pytest.raises(errors.CheckViolation, match="wallet_not_overdrawn"), tx.transaction():
        tx.execute(transfer, [program, FAR + 2, "spend", "wallet:n", "payments", 5])
    tx.execute(transfer, [program, FAR + 2, "direct", "payments", "wallet:new", 3])
    tx.execute(transfer, [program, FAR + 3, "spend", "wallet:n", "payments", 4])
    tx.execute(transfer, [program, FAR + 4, "spend", "wallet:new", "payments", 3])
    left = tx.execute(
        "SELECT code, balance FROM wallet WHERE program_id = %s AND code LIKE 'wallet:n%%'",
        [program],
    )
    assert set(left) == {("wallet:n", 0), ("wallet:new", 0)}


def test_of_two_who_decide_at_once_one_does(database: Database, name: str) -> None:
    """Both connections see the withdrawal as it was; the second waits, and is refused."""
    program = create_program(database, name, read_preset("advert-b")).id
    with database.transaction() as tx:
        ask(tx, program)
    with database.connect() as first, database.connect() as second:
        step(first, program, 2, "requested", "rejected", "staff:ana")
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(
                step, second, program, 2, "requested", "under_review", "staff:bo"
            )  # fmt: skip
            first.commit()
            with pytest.raises((errors.UniqueViolation, errors.CheckViolation)):
                late.result()
        second.rollback()
        assert state_of(second, program) == ("rejected", 2, None)
