"""The audit: silent on good books, and every single tampering is found and named."""

import signal
from collections.abc import Iterator

import psycopg
import pytest

from springtide.services.audit import (
    CHAIN,
    CONSERVED,
    KEPT,
    LOTS,
    REPEATED,
    SUPPLY,
    audit,
)
from springtide.services.gateway import UnknownProgram
from springtide.services.presets import list_presets, read_preset
from springtide.services.programs import create_program
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, COMMISSIONS, merged, write_toml
from tests.services.histories import (
    assert_sound,
    cut,
    events_of,
    open_program,
    policy_of,
    post_in_batches,
)


@pytest.mark.parametrize("preset", list_presets())
def test_a_program_that_was_only_opened_passes(
    database: Database, name: str, preset: str
) -> None:
    create_program(database, name, read_preset(preset))
    result = audit(database, name)
    assert result.passed
    assert (result.entries, result.batches) == (1, 1)


@pytest.mark.parametrize("vector", ["everything", "member-credit", "splits", "budget"])
def test_good_books_pass(database: Database, vector: str) -> None:
    name = open_program(database, policy_of(vector))
    post_in_batches(database, name, cut(events_of(vector), [100, 50, 50]))
    result = audit(database, name)
    assert [finding.law for finding in result.findings if not finding.holds] == []
    assert len(result.findings) == 9
    assert result.batches == 5
    assert result.entries == result.program.seq + 1


def test_an_unknown_program_is_not_audited(database: Database, name: str) -> None:
    with pytest.raises(UnknownProgram, match=f"no program is named '{name}'"):
        audit(database, name)


@pytest.fixture(autouse=True)
def _promptly() -> Iterator[None]:
    """An audit that waits for something fails instead of waiting for ever."""

    def ring(*_: object) -> None:
        raise TimeoutError("the audit has not ended for ten seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def books(database: Database) -> int:
    """A program in which everything happened: splits, exits, refunds, clawbacks, credit."""
    toml = write_toml(
        merged(
            ADVERT_B,
            commission=COMMISSIONS,
            cap={"multiple": "0.3"},
            points={"split_at": "20"},
            levels={"m7": "2"},
        )
    )
    name = open_program(database, toml, "tampered")
    post_in_batches(database, name, cut(events_of("everything"), [150, 150]))
    result = audit(database, name)
    assert result.passed
    assert result.program.split_factor > 1
    return result.program.id


TAMPERINGS = {
    "a receipt": (
        (
            "UPDATE entry SET receipt = replace(receipt, '\"merchant\":', '\"merchant\":1')"
            " WHERE program_id = {id} AND seq = 1"
        ),
        {CHAIN: "batch 1, entries 1 to ", REPEATED: "entry 1 (o0)"},
    ),
    "a receipt, by a space": (
        "UPDATE entry SET receipt = receipt || ' ' WHERE program_id = {id} AND seq = 1",
        {CHAIN: "batch 1, entries 1 to ", REPEATED: "entry 1 (o0)"},
    ),
    "an event": (
        (
            'UPDATE entry SET event = replace(event, \'"type"\', \'"note":1,"type"\')'
            " WHERE program_id = {id} AND seq = 200"
        ),
        {CHAIN: "batch 2, entries "},
    ),
    "an event's amount": (
        (
            'UPDATE entry SET event = replace(event, \'"amount":"\', \'"amount":"1\')'
            " WHERE program_id = {id} AND seq = 1"
        ),
        {CHAIN: "batch 1, entries 1 to ", REPEATED: "entry 1 (o0)"},
    ),
    "an event's id": (
        "UPDATE entry SET id = 'other' WHERE program_id = {id} AND seq = 1",
        {CHAIN: "batch 1, entries 1 to ", REPEATED: "entry 1 (other)"},
    ),
    "the policy's version of an entry": (
        "UPDATE entry SET policy_version = 2 WHERE program_id = {id} AND seq = 1",
        {CHAIN: "batch 1, entries 1 to "},
    ),
    "an amount into the pool": (
        (
            "UPDATE transfer SET amount = amount + 1"
            " WHERE program_id = {id} AND seq = 1 AND kind = 'contribution'"
        ),
        {CHAIN: "batch 1, ", REPEATED: "entry 1 (o0)", CONSERVED: "pool: ", KEPT: "pool: "},
    ),
    "an amount to a merchant": (
        (
            "UPDATE transfer SET amount = amount + 1"
            " WHERE program_id = {id} AND seq = 1 AND kind = 'merchant'"
        ),
        {CHAIN: "batch 1, ", REPEATED: "entry 1 (o0)"},
    ),
    "a payee": (
        (
            "UPDATE transfer SET credit = 'merchant:mallory'"
            " WHERE program_id = {id} AND seq = 1 AND kind = 'merchant'"
        ),
        {CHAIN: "batch 1, ", REPEATED: "entry 1 (o0)"},
    ),
    "a transfer taken out": (
        "DELETE FROM transfer WHERE program_id = {id} AND seq = 1 AND kind = 'contribution'",
        {CHAIN: "batch 1, ", REPEATED: "entry 1 (o0)", CONSERVED: "pool: "},
    ),
    "a transfer put in": (
        "INSERT INTO transfer VALUES ({id}, 1, 99, 'gift', 'payments', 'wallet:mallory', 5)",
        {CHAIN: "batch 1, ", REPEATED: "entry 1 (o0)"},
    ),
    "a transfer put in after the last": (
        (
            "INSERT INTO transfer VALUES"
            " ({id}, 1000000, 0, 'gift', 'payments', 'wallet:mallory', 5)"
        ),
        {CHAIN: "there are rows after entry "},
    ),
    "a transfer put in before the first": (
        "INSERT INTO transfer VALUES ({id}, -1, 0, 'gift', 'payments', 'wallet:mallory', 5)",
        {CHAIN: "batch 0, entries 0 to 0", REPEATED: "the opening does not follow"},
    ),
    "an entry put in after the last": (
        "INSERT INTO entry VALUES ({id}, 1000000, 'late', 'inject', 1, '{{}}', '{{}}')",
        {CHAIN: "there are rows after entry "},
    ),
    "an entry put in before the first": (
        "INSERT INTO entry VALUES ({id}, -1, 'early', 'inject', 1, '{{}}', '{{}}')",
        {CHAIN: "entry 0 is missing"},
    ),
    "an entry taken out": (
        "DELETE FROM entry WHERE program_id = {id} AND seq = 7",
        {CHAIN: "entry 7 is missing"},
    ),
    "the last entry and its transfers taken out": (
        (
            "WITH last AS (DELETE FROM entry USING program p WHERE p.id = {id}"
            " AND entry.program_id = p.id AND entry.seq = p.seq RETURNING entry.seq)"
            " DELETE FROM transfer USING last WHERE program_id = {id}"
            " AND transfer.seq = last.seq"
        ),
        {CHAIN: " is missing"},
    ),
    "a lot's points": (
        (
            "UPDATE lot SET points = points + 1 WHERE program_id = {id} AND seq ="
            " (SELECT min(seq) FROM lot WHERE program_id = {id} AND points > 0)"
        ),
        {LOTS: "lot ", SUPPLY: " are held"},
    ),
    "points moved between lots": (
        (
            "UPDATE lot SET points = points + CASE WHEN seq = (SELECT max(seq) FROM lot"
            " WHERE program_id = {id}) THEN 1 ELSE -1 END WHERE program_id = {id} AND seq IN"
            " (SELECT max(seq) FROM lot WHERE program_id = {id} UNION ALL"
            "  SELECT min(seq) FROM lot WHERE program_id = {id} AND points > 0)"
        ),
        {LOTS: "lot "},
    ),
    "a lot's owner": (
        "UPDATE lot SET member = 'mallory' WHERE program_id = {id} AND seq = 1",
        {LOTS: "lot o0"},
    ),
    "a lot's headroom": (
        "UPDATE lot SET headroom = headroom + 1 WHERE program_id = {id} AND seq = 1",
        {LOTS: "lot o0"},
    ),
    "a lot's payments": (
        "UPDATE lot SET net = net + 1 WHERE program_id = {id} AND seq = 1",
        {LOTS: "lot o0"},
    ),
    "a lot's trigger": (
        (
            "UPDATE lot SET trigger_key = coalesce(trigger_key, 0) + 1"
            " WHERE program_id = {id} AND seq = 1"
        ),
        {LOTS: "lot o0"},
    ),
    "a lot taken out": (
        "DELETE FROM lot WHERE program_id = {id} AND seq = 1",
        {LOTS: "lot o0 is missing"},
    ),
    "a lot put in": (
        "INSERT INTO lot VALUES ({id}, 1000000, 'mine', 'mallory', 5, 5, 0)",
        {LOTS: "lot mine", SUPPLY: " are held"},
    ),
    "a wallet": (
        "UPDATE wallet SET balance = balance + 1 WHERE program_id = {id}",
        {KEPT: "wallet:"},
    ),
    "what a wallet owes": (
        "UPDATE wallet SET owed = owed + 1000000 WHERE program_id = {id}",
        {KEPT: "wallet:"},
    ),
    "a wallet put in": (
        "INSERT INTO wallet VALUES ({id}, 'wallet:mallory', 1000, 0, 0)",
        {KEPT: "wallet:mallory: 1000 kept, 0 posted"},
    ),
    "the pool's account": (
        "UPDATE account SET balance = balance + 1 WHERE program_id = {id} AND code = 'pool'",
        {KEPT: "pool: "},
    ),
    "the pool's account taken out": (
        "DELETE FROM account WHERE program_id = {id} AND code = 'pool'",
        {KEPT: "pool: "},
    ),
    "the reserve": (
        "UPDATE program SET reserve = reserve + 1 WHERE id = {id}",
        {CONSERVED: "pool: ", LOTS: "program: reserve_micro is "},
    ),
    "the supply": (
        "UPDATE program SET supply = supply + 1 WHERE id = {id}",
        {SUPPLY: " are held", LOTS: "program: supply_nano is "},
    ),
    "the orphaned reserve": (
        "UPDATE program SET orphaned = orphaned + 1 WHERE id = {id}",
        {CONSERVED: "orphaned: 0 posted, 1 in the row"},
    ),
    "the split factor": (
        "UPDATE program SET split_factor = 1 WHERE id = {id}",
        {LOTS: "program: split_factor is 1"},
    ),
    "the number of batches": (
        "UPDATE program SET batch = batch + 1 WHERE id = {id}",
        {CHAIN: "the program's row"},
    ),
    "the inflow": (
        "UPDATE program SET inflow = inflow + 1 WHERE id = {id}",
        {LOTS: "program: inflow_micro is "},
    ),
    "the reference pair": (
        "UPDATE program SET reference_reserve = 1 WHERE id = {id}",
        {LOTS: "program: reference is "},
    ),
    "the program's hash": (
        "UPDATE program SET hash = sha256(hash) WHERE id = {id}",
        {CHAIN: "the program's row does not follow from the last batch"},
    ),
    "a batch's hash": (
        "UPDATE batch SET hash = sha256(hash) WHERE program_id = {id} AND number = 1",
        {CHAIN: "batch 1, entries 1 to "},
    ),
    "a batch taken out": (
        "DELETE FROM batch WHERE program_id = {id} AND number = 1",
        {CHAIN: "batch 1 is missing or out of order"},
    ),
    "the last batch taken out": (
        "DELETE FROM batch WHERE program_id = {id} AND number = 3",
        {CHAIN: "the program's row does not follow from the last batch"},
    ),
    "a referrer": (
        (
            "UPDATE binding SET referrer = 'mallory' WHERE program_id = {id} AND member ="
            " (SELECT min(member) FROM binding WHERE program_id = {id})"
        ),
        {LOTS: "the referral tree"},
    ),
    "a referrer taken out": (
        "DELETE FROM binding WHERE program_id = {id}",
        {LOTS: "the referral tree"},
    ),
    "a referrer put in": (
        "INSERT INTO binding VALUES ({id}, 'mallory', 'm1', 1)",
        {LOTS: "the referral tree"},
    ),
    "a member taken out": ("DELETE FROM member WHERE program_id = {id}", {LOTS: "member"}),
    "a refund taken out": ("DELETE FROM refund WHERE program_id = {id}", {LOTS: "refund"}),
    "a refund put in": ("INSERT INTO refund VALUES ({id}, 'o1', 2, 5)", {LOTS: "refund"}),
    "a split taken out": ("DELETE FROM split WHERE program_id = {id}", {LOTS: "split"}),
    "a split's factor": (
        "UPDATE split SET factor = factor * 10 WHERE program_id = {id}",
        {LOTS: "split"},
    ),
    "the policy": (
        "UPDATE policy SET toml = toml || ' ' WHERE program_id = {id}",
        {REPEATED: "the opening does not follow from the policy"},
    ),
    "the opening's event": (
        (
            "UPDATE entry SET event = replace(event, '0.20', '0.21')"
            " WHERE program_id = {id} AND seq = 0"
        ),
        {CHAIN: "batch 0, entries 0 to 0", REPEATED: "the opening does not follow"},
    ),
    "the opening's reserve": (
        (
            "UPDATE transfer SET amount = amount + 1"
            " WHERE program_id = {id} AND seq = 0 AND credit = 'pool'"
        ),
        {CHAIN: "batch 0, entries 0 to 0", REPEATED: "the opening does not follow"},
    ),
    "the opening's receipt": (
        "UPDATE entry SET receipt = '{{}}' WHERE program_id = {id} AND seq = 0",
        {CHAIN: "batch 0, entries 0 to 0"},
    ),
}
"""What somebody did as a superuser, and in whose findings it must be named, and how."""


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_every_tampering_is_found_and_named(
    database: Database, admin: psycopg.Connection, books: int, tampering: str
) -> None:
    change, expected = TAMPERINGS[tampering]
    keep(admin, books)
    try:
        done = admin.execute(change.format(id=books).encode())
        assert done.rowcount > 0, "nothing was tampered with"
        found = {
            finding.law: finding.broken_by for finding in audit(database, "tampered").findings
        }
        for law, how in expected.items():
            assert any(how in by for by in found[law]), found
    finally:
        restore(admin, books)
    assert_sound(database, "tampered")


TABLES = (
    "policy", "batch", "entry", "split", "member", "binding", "merchant", "lot", "refund",
    "transfer", "account", "wallet",
)  # fmt: skip


def keep(admin: psycopg.Connection, program: int) -> None:
    """Copy a program's rows."""
    admin.execute("CREATE TEMP TABLE kept_program AS TABLE program")
    for table in TABLES:
        admin.execute(
            f"CREATE TEMP TABLE kept_{table} AS"
            f" SELECT * FROM {table} WHERE program_id = {program}".encode()
        )


def restore(admin: psycopg.Connection, program: int) -> None:
    """Put the copied rows back."""
    admin.execute(
        b"UPDATE program p SET (batch, reserve, supply, orphaned, split_factor, inflow, hash,"
        b" reference_reserve) = (k.batch, k.reserve, k.supply, k.orphaned, k.split_factor,"
        b" k.inflow,"
        b" k.hash, k.reference_reserve) FROM kept_program k WHERE k.id = p.id"
    )
    for table in TABLES:
        admin.execute(f"DELETE FROM {table} WHERE program_id = {program}".encode())
        admin.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}".encode())
