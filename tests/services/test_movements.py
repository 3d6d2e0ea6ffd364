"""Movements written for statements: what is read never depends on how far they are written."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from springtide.services.audit import audit
from springtide.services.commissions import (
    list_earned,
    list_newest,
    payable_micro,
    read_team,
)
from springtide.services.listing import list_commissions, read_wallet
from springtide.services.movements import write_movements
from springtide.services.reports import Statement, read_statement
from springtide.storage import movements
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, buy, write_toml
from tests.services.histories import (
    NAMES,
    assert_sound,
    events_of,
    open_program,
    policy_of,
    post_in_batches,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ACCOUNTS = ("wallet:", "points:", "credit:")


def members_of(admin: psycopg.Connection, name: str) -> list[str]:
    rows = admin.execute(
        "SELECT m.id FROM member m JOIN program p ON p.id = m.program_id WHERE p.name = %s",
        [name],
    )
    return [id_ for (id_,) in rows]


def note(database: Database, name: str, most: int) -> int:
    """Write some more movements of a program."""
    with database.transaction() as tx:
        row = tx.execute("SELECT id FROM program WHERE name = %s", [name]).fetchone()
        assert row is not None
        return movements.note_movements(tx, row[0], most)


def scanned(admin: psycopg.Connection, name: str, member: str) -> list[tuple[int, str, int]]:
    """What the transfers alone say of a member: seq, cause and change."""
    return admin.execute(
        """
        SELECT t.seq, t.kind, side.change FROM transfer t JOIN program p ON p.id = t.program_id,
        LATERAL (VALUES (t.credit, t.amount), (t.debit, -t.amount)) side (account, change)
        WHERE p.name = %s AND side.account = ANY(%s) ORDER BY t.seq, t.line, side.account
        """,
        [name, [prefix + member for prefix in ACCOUNTS]],
    ).fetchall()


def earned_by(database: Database, name: str, member: str) -> list[object]:
    """All that is told of what a member earned."""
    return [
        list_earned(database, name, member, NOW),
        list_newest(database, name, member, NOW, None, 5),
        list_commissions(database, name, member, (0, 0), 100),
        payable_micro(database, name, member, NOW),
        read_team(database, name, member),
    ]


def told(statement: Statement) -> list[tuple[int, str, int]]:
    return [(line.seq, line.cause, line.change) for line in statement.lines
            if line.cause != "split"]  # fmt: skip


@pytest.mark.parametrize("vector", NAMES)
def test_a_statement_is_the_same_however_far_movements_are_written(
    database: Database, admin: psycopg.Connection, vector: str
) -> None:
    name = open_program(database, policy_of(vector))
    post_in_batches(database, name, [events_of(vector)])
    members = members_of(admin, name)[:6]
    before = [read_statement(database, name, member) for member in members]
    wallets = [read_wallet(database, name, member) for member in members]
    earned = [earned_by(database, name, member) for member in members]
    for member, statement in zip(members, before, strict=True):
        assert told(statement) == scanned(admin, name, member)
    step = -(-len(events_of(vector)) // 2)
    while note(database, name, step):
        after = [read_statement(database, name, member) for member in members]
        assert after == before
        assert [read_wallet(database, name, member) for member in members] == wallets
        assert [earned_by(database, name, member) for member in members] == earned
        assert [statement.wallet_micro for statement in after] == wallets
    assert_sound(database, name)


@pytest.mark.parametrize("vector", ["everything", "tiny"])
def test_everybodys_commissions_are_those_of_each(
    database: Database, admin: psycopg.Connection, vector: str
) -> None:
    name = open_program(database, policy_of(vector))
    post_in_batches(database, name, [events_of(vector)])
    note(database, name, len(events_of(vector)) // 2)
    earners = admin.execute("SELECT DISTINCT member FROM commission").fetchall()
    rows = [
        row
        for (member,) in earners
        for row in list_commissions(database, name, member, (0, 0), 10_000)
    ]
    rows.sort(key=lambda row: (row.seq, row.line))
    assert len(rows) > 2
    paged, after = [], (0, 0)
    while page := list_commissions(database, name, "", after, 2):
        paged += page
        after = page[-1].seq, page[-1].line
    assert paged == rows == list_commissions(database, name, "", (0, 0), 10_000)


def test_programs_that_are_behind_are_written_to_the_end(
    own_database: Database, name: str
) -> None:
    other = f"{name}-other"
    for program, orders in ((name, 7), (other, 3)):
        open_program(own_database, write_toml(ADVERT_B), program)
        post_in_batches(
            own_database, program, [[buy(f"o{n}", "m1", 10**9) for n in range(orders)]]
        )
    assert write_movements(own_database, behind=5, most=3) == 3
    assert write_movements(own_database, behind=5) == 5, "with the opening"
    assert write_movements(own_database, behind=5) == 0
    assert write_movements(own_database, behind=1) == 4
    post_in_batches(own_database, other, [[buy("later", "m1", 10**9)]])
    assert len(read_statement(own_database, other, "m1").lines) == 4


def test_two_who_write_at_once_write_everything_once(own_database: Database, name: str) -> None:
    open_program(own_database, write_toml(ADVERT_B), name)
    post_in_batches(
        own_database, name, [[buy(f"o{n}", f"m{n % 3}", 10**9) for n in range(200)]]
    )
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(write_movements, own_database, 1, 50) for _ in range(9)]
        written = sum(run.result() for run in runs)
    written += write_movements(own_database, 1)
    assert written == 201
    assert_sound(own_database, name)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE movement SET change = change + 1 WHERE seq = 2",
        "DELETE FROM movement WHERE seq = 2",
        "INSERT INTO movement SELECT program_id, 'x', 2, 9, 'gift', 5 FROM movement_mark",
    ],
)
def test_the_audit_finds_movements_that_no_transfer_says(
    own_database: Database, own_dsn: str, name: str, tampering: str
) -> None:
    open_program(own_database, write_toml(ADVERT_B), name)
    post_in_batches(own_database, name, [[buy("o1", "m1", 10**9), buy("o2", "m2", 10**9)]])
    write_movements(own_database, 1)
    with psycopg.connect(own_dsn, autocommit=True) as somebody:
        somebody.execute(tampering)
    broken = [by for finding in audit(own_database, name).findings for by in finding.broken_by]
    assert len(broken) == 1
    assert broken[0].endswith("movements are not as the transfers say")


def test_the_product_itself_cannot_write_movements(database: Database, name: str) -> None:
    open_program(database, write_toml(ADVERT_B), name)
    for statement in (
        "INSERT INTO movement VALUES (1, 'wallet:m1', 1, 0, 'gift', 5)",
        "DELETE FROM movement",
        "UPDATE movement_mark SET seq = 0",
    ):
        with database.connect() as connection, pytest.raises(psycopg.DatabaseError) as refused:
            connection.execute(statement)
        assert refused.value.sqlstate == "42501"


def test_the_index_on_seqs_learns_of_ranges_that_are_full(
    own_database: Database, own_dsn: str, name: str
) -> None:
    open_program(own_database, write_toml(ADVERT_B), name)
    with psycopg.connect(own_dsn, autocommit=True) as somebody:
        somebody.execute("SET session_replication_role = replica")
        somebody.execute(
            "INSERT INTO transfer SELECT id, n, 0, 'grant', 'points-issued', 'points:m1', 1"
            " FROM program, generate_series(1, 40000) n"
        )
        somebody.execute("UPDATE program SET seq = 40000")
        assert write_movements(own_database) == 40_001
        left = somebody.execute("SELECT brin_summarize_new_values('transfer_by_seq')")
        assert left.fetchone() == (1,), "the last one, which is not full"
