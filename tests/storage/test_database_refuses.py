"""What the database itself refuses, whoever asks under the product's role."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage.database import Database

Transfer = tuple[str, str, str, int]

NAME = "refused"

POSTED = [
    {"type": "purchase", "id": "o1", "member": "m1", "amount": "1000.00", "referrer": "m0"},
    {"type": "purchase", "id": "o2", "member": "m2", "amount": "500.00"},
    {"type": "cash_out", "id": "x1", "member": "m1", "points": "10"},
    {"type": "refund", "id": "r1", "order": "o2"},
]
"""Entries 1 to 4 of the program below; later ones are written by hand."""

NEXT = len(POSTED) + 1


@pytest.fixture(scope="module")
def program(database: Database) -> int:
    program = create_program(database, NAME, read_preset("local-life"))
    with Writer(database, NAME) as writer:
        assert all(outcome.is_posted for outcome in writer.post(POSTED))
    return program.id


@pytest.fixture
def tx(database: Database) -> Iterator[psycopg.Connection]:
    """A connection as the product has it; what it does is rolled back."""
    with database.connect() as connection:
        yield connection
        connection.rollback()


def insert(tx: psycopg.Connection, program: int, seq: int, *transfers: Transfer) -> None:
    """One statement with the transfers of one entry."""
    values = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, (program, seq, *row))))
        for row in ((line, *transfer) for line, transfer in enumerate(transfers))
    )
    tx.execute(sql.SQL("INSERT INTO transfer VALUES {}").format(values))


def wallet(tx: psycopg.Connection, program: int, code: str) -> int:
    row = tx.execute("SELECT wallet_balance(%s, %s)", [program, code]).fetchone()
    assert row is not None
    return int(row[0])


NEVER_EDITED = {
    "entry": "receipt = '{}'",
    "transfer": "amount = 1",
    "batch": "last_seq = last_seq + 1",
    "policy": "toml = ''",
    "refund": "seq = 0",
    "account": "balance = 0",
    "wallet": "owed = 1000",
    "split": "factor = 2",
    "merchant": "first_seq = 0",
    "member": "first_seq = 0",
    "binding": "referrer = 'mallory'",
    "rebinding": "referrer = 'mallory'",
    "invitation": "member = 'mallory'",
    "identity": "member = 'mallory'",
    "program_secret": "version = 2",
}


FORGOTTEN = ("invitation", "identity")
"""Deleted when a member leaves, and only then: see tests/services/test_leaving.py."""


@pytest.mark.parametrize(
    ("table", "verb"),
    [
        (table, verb)
        for table in NEVER_EDITED
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
        if verb != "DELETE" or table not in FORGOTTEN
    ],
)
def test_what_was_posted_is_never_edited(
    tx: psycopg.Connection, program: int, table: str, verb: str
) -> None:
    edit = {
        "UPDATE": f"UPDATE {table} SET {NEVER_EDITED[table]} WHERE program_id = {program}",
        "DELETE": f"DELETE FROM {table} WHERE program_id = {program}",
        "TRUNCATE": f"TRUNCATE {table}",
    }[verb]
    with pytest.raises(errors.InsufficientPrivilege) as refused:
        tx.execute(edit.encode())
    assert refused.value.sqlstate == "42501"
    assert refused.value.diag.message_primary == f"permission denied for table {table}"


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO account VALUES (1, 'backing', 10)",
        "INSERT INTO wallet VALUES (1, 'wallet:mallory', 10, 0, 0)",
        "UPDATE program SET name = 'other'",
        "UPDATE lot SET member = 'mallory'",
        "DELETE FROM lot",
        "DELETE FROM program",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_nor_is_anything_else_that_the_product_need_not_write(
    tx: psycopg.Connection, write: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        tx.execute(write.encode())


@pytest.mark.parametrize(
    "change", ["ALTER TABLE transfer DISABLE TRIGGER ALL", "DROP TABLE entry CASCADE"]
)
def test_the_schema_is_not_the_products(tx: psycopg.Connection, change: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="must be owner"):
        tx.execute(change.encode())


@pytest.mark.parametrize(
    ("transfer", "constraint"),
    [
        (("x", "pool", "pool", 1), "transfer_check"),
        (("x", "payments", "pool", 0), "transfer_amount_check"),
        (("x", "payments", "pool", -1), "transfer_amount_check"),
        (("x", "payments", "points:m1", 1), "transfer_of_one_unit"),
        (("x", "points:m1", "wallet:m1", 1), "transfer_of_one_unit"),
        (("x", "credit-issued", "wallet:m1", 1), "transfer_of_one_unit"),
        (("x", "backing", "credit:m1", 1), "transfer_of_one_unit"),
        (("x", "points-issued", "credit:m1", 1), "transfer_of_one_unit"),
    ],
)
def test_a_transfer_moves_a_positive_amount_of_one_unit_between_two_accounts(
    tx: psycopg.Connection, program: int, transfer: Transfer, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        insert(tx, program, NEXT, transfer)
    assert refused.value.sqlstate == "23514"
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize("code", ["pool", "orphaned", "backing"])
def test_the_pool_and_its_neighbours_are_not_overdrawn(
    tx: psycopg.Connection, program: int, code: str
) -> None:
    held = tx.execute(
        "SELECT balance FROM account WHERE program_id = %s AND code = %s", [program, code]
    ).fetchone()
    balance = int(held[0]) if held else 0
    assert balance > 0 or code != "pool"
    with pytest.raises(errors.CheckViolation) as refused:
        insert(tx, program, NEXT, ("x", code, "platform", balance + 1))
    assert refused.value.diag.constraint_name == "account_not_overdrawn"


def test_the_pool_may_be_emptied_to_the_last_unit(tx: psycopg.Connection, program: int) -> None:
    held = tx.execute("SELECT reserve FROM program WHERE id = %s", [program]).fetchone()
    assert held is not None
    insert(tx, program, NEXT, ("x", "pool", "platform", held[0]))
    with pytest.raises(errors.CheckViolation):
        insert(tx, program, NEXT + 1, ("x", "pool", "platform", 1))


@pytest.mark.parametrize(
    ("code", "source", "sink"),
    [
        ("wallet:m9", "payments", "platform"),
        ("credit:m9", "credit-issued", "credit-issued"),
    ],
)
def test_wallets_and_store_credit_are_not_overdrawn(
    tx: psycopg.Connection, program: int, code: str, source: str, sink: str
) -> None:
    insert(tx, program, NEXT, ("direct", source, code, 7))
    insert(tx, program, NEXT + 1, ("direct", source, code, 3))
    insert(tx, program, NEXT + 2, ("withdrawal", code, sink, 6))
    assert wallet(tx, program, code) == 4
    with pytest.raises(errors.CheckViolation) as refused:
        insert(tx, program, NEXT + 3, ("withdrawal", code, sink, 5))
    assert refused.value.diag.constraint_name == "wallet_not_overdrawn"


def test_a_wallet_that_never_earned_has_nothing(tx: psycopg.Connection, program: int) -> None:
    with pytest.raises(errors.CheckViolation, match="wallet_not_overdrawn"):
        insert(tx, program, NEXT, ("withdrawal", "wallet:m9", "platform", 1))


def clawed_back_to_minus_five(tx: psycopg.Connection, program: int) -> None:
    insert(tx, program, NEXT, ("direct", "payments", "wallet:m9", 10))
    insert(tx, program, NEXT + 1, ("clawback", "wallet:m9", "refunds", 15))
    assert wallet(tx, program, "wallet:m9") == -5


def test_a_clawback_may_take_a_wallet_below_zero_and_a_later_debit_may_not(
    tx: psycopg.Connection, program: int
) -> None:
    clawed_back_to_minus_five(tx, program)
    with pytest.raises(errors.CheckViolation, match="wallet_not_overdrawn"):
        insert(tx, program, NEXT + 2, ("withdrawal", "wallet:m9", "platform", 1))


def test_what_was_clawed_back_is_owed_until_it_is_earned_again(
    tx: psycopg.Connection, program: int
) -> None:
    clawed_back_to_minus_five(tx, program)
    insert(tx, program, NEXT + 2, ("direct", "payments", "wallet:m9", 9))
    insert(tx, program, NEXT + 3, ("withdrawal", "wallet:m9", "platform", 4))
    assert wallet(tx, program, "wallet:m9") == 0
    with pytest.raises(errors.CheckViolation, match="wallet_not_overdrawn"):
        insert(tx, program, NEXT + 4, ("withdrawal", "wallet:m9", "platform", 1))


def test_a_debt_that_was_repaid_is_no_credit_line(tx: psycopg.Connection, program: int) -> None:
    clawed_back_to_minus_five(tx, program)
    insert(tx, program, NEXT + 2, ("direct", "payments", "wallet:m9", 9))
    with pytest.raises(errors.CheckViolation, match="wallet_not_overdrawn"):
        insert(tx, program, NEXT + 3, ("withdrawal", "wallet:m9", "platform", 5))


@pytest.mark.parametrize("seq", [-1, 0, 1, NEXT - 1])
def test_an_entry_that_was_posted_gets_no_further_transfer(
    tx: psycopg.Connection, program: int, seq: int
) -> None:
    with pytest.raises(errors.IntegrityConstraintViolation, match="never edited") as refused:
        insert(tx, program, seq, ("x", "payments", "platform", 1))
    assert refused.value.sqlstate == "23000"


def test_nor_does_the_opening_before_anything_else_was_posted(
    database: Database, name: str, tx: psycopg.Connection
) -> None:
    program = create_program(database, name, read_preset("advert-b"))
    with pytest.raises(errors.IntegrityConstraintViolation, match="never edited"):
        insert(tx, program.id, 0, ("x", "payments", "platform", 1))


@pytest.mark.parametrize("column", ["points", "headroom", "net"])
def test_no_number_of_a_lot_is_negative(
    tx: psycopg.Connection, program: int, column: str
) -> None:
    with pytest.raises(errors.CheckViolation) as refused:
        tx.execute(f"UPDATE lot SET {column} = -1 WHERE program_id = {program}".encode())
    assert refused.value.diag.constraint_name == f"lot_{column}_check"


@pytest.mark.parametrize(
    ("write", "constraint"),
    [
        ("INSERT INTO refund SELECT * FROM refund WHERE program_id = {}", "refund_pkey"),
        ("INSERT INTO entry VALUES ({}, 5, 'o1', 'purchase', 1, '{{}}', '{{}}')",
         "entry_program_id_id_key"),
        ("INSERT INTO entry VALUES ({}, 1, 'o9', 'purchase', 1, '{{}}', '{{}}')",
         "entry_pkey"),
        ("INSERT INTO batch VALUES ({}, 1, 5, 5, sha256('x'))", "batch_pkey"),
        ("INSERT INTO policy VALUES ({}, 1, '')", "policy_pkey"),
        ("INSERT INTO lot VALUES ({}, 1, 'o1', 'm1', 1, 1, 0)", "lot_pkey"),
        ("INSERT INTO member VALUES ({}, 'm1', 5)", "member_pkey"),
        ("INSERT INTO binding VALUES ({}, 'm1', 'm7', 5)", "binding_pkey"),
    ],
)  # fmt: skip
def test_nothing_is_there_twice(
    tx: psycopg.Connection, program: int, write: str, constraint: str
) -> None:
    with pytest.raises(errors.UniqueViolation) as refused:
        tx.execute(write.format(program).encode())
    assert refused.value.sqlstate == "23505"
    assert refused.value.diag.constraint_name == constraint


def test_a_program_name_is_there_once(tx: psycopg.Connection, program: int) -> None:
    columns = ", ".join(
        column
        for (column,) in tx.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'program' AND is_identity = 'NO'"
        )
    )
    again = (
        f"INSERT INTO program ({columns}) SELECT {columns} FROM program WHERE id = {program}"
    )
    with pytest.raises(errors.UniqueViolation) as refused:
        tx.execute(again.encode())
    assert refused.value.diag.constraint_name == "program_name_key"
    assert NAME in str(refused.value)


def test_nobody_refers_themselves(tx: psycopg.Connection, program: int) -> None:
    with pytest.raises(errors.CheckViolation, match="binding_check"):
        tx.execute("INSERT INTO binding VALUES (%s, 'm2', 'm2', 5)", [program])
