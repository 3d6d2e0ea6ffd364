"""The local-life example, played on a database and asserted to the micro.

A store with a take of 20 %, whose owner's pay-QR binds the buyer; direct 0.3 %, indirect
0.2 %, whoever recruited the store 0.5 %, and agents of district, city and province at 0.1,
0.2 and 0.3 %, each less what is paid below. One order of 1000.00, and its refund.
"""

from datetime import UTC, datetime
from secrets import token_bytes

import psycopg
import pytest
from psycopg import errors

from springtide.core.event_fields import Json
from springtide.core.units import MICRO
from springtide.services import agents, invitations, merchants
from springtide.services.presets import read_preset
from springtide.services.writer import Writer
from springtide.storage import programs
from springtide.storage.database import Database
from springtide.storage.journal_reader import read_balances
from tests.services.histories import assert_sound, open_program

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LICENCE = "91110000600037341L"


def balances(database: Database, name: str) -> dict[str, int]:
    """Every account of money that is not empty."""
    with database.snapshot() as tx:
        found = read_balances(tx, programs.get_program(tx, name))
    return {account: balance for account, balance in found.items() if balance}


def post(database: Database, name: str, *events: Json) -> None:
    with Writer(database, name) as writer:
        for outcome in writer.post(events):
            assert outcome.is_posted, outcome.refusal


def opened(database: Database) -> str:
    """A program with an active store, its owner, and three agents."""
    name = open_program(database, read_preset("local-life"))
    application = merchants.Application(
        merchant="noodles", name="Noodles by the lake", licence=LICENCE, region="330106",
        settlement="bank account 1", owner="owner", recruiter="recruiter",
    )  # fmt: skip
    merchants.apply(database, name, application, NOW, "staff:ana")
    merchants.activate(database, name, "noodles", {"take_rate": "0.20"}, NOW, "staff:ana")
    for region, agent in (("330106", "district"), ("3301", "city"), ("33", "province")):
        agents.appoint(database, name, f"c-{region}", region, agent, {}, NOW, "staff:ana")
    return name


def test_the_local_life_example(database: Database) -> None:
    name = opened(database)
    post(database, name, {"type": "bind", "id": "b0", "member": "owner", "referrer": "friend"})
    code = invitations.make(database, name, "", "noodles", NOW, "staff:ana", token_bytes)
    before = balances(database, name)
    assert before == {"opening": -MICRO, "pool": MICRO}

    order = invitations.order_from(database, name, code, "buyer", "o1", "1000.00")
    post(database, name, order)
    assert balances(database, name) == {
        "opening": -1_000_000,
        "payments": -1_000_000_000,
        "merchant:noodles": 800_000_000,
        "wallet:owner": 3_000_000,
        "wallet:friend": 2_000_000,
        "wallet:district": 1_000_000,
        "wallet:city": 1_000_000,
        "wallet:province": 1_000_000,
        "wallet:recruiter": 5_000_000,
        "platform": 27_000_000,
        "pool": 161_000_000,
    }

    post(database, name, {"type": "refund", "id": "r1", "order": "o1"})
    # The 112 points were worth 159.575221 of the 160.00 that the pool was given for them: the
    # rest stays with the point of the opening, and the merchant bears it.
    assert balances(database, name) == {
        "opening": -1_000_000,
        "payments": -1_000_000_000,
        "refunds": 1_000_000_000,
        "merchant:noodles": -424_779,
        "pool": 1_424_779,
    }
    assert_sound(database, name)


def test_a_buyer_who_was_bound_before_stays_with_whoever_it_was(database: Database) -> None:
    name = opened(database)
    post(database, name, {"type": "bind", "id": "b0", "member": "buyer", "referrer": "first"})
    code = invitations.make(database, name, "", "noodles", NOW, "staff:ana", token_bytes)
    post(database, name, invitations.order_from(database, name, code, "buyer", "o1", "1000.00"))
    found = balances(database, name)
    assert (found["wallet:first"], found.get("wallet:owner", 0)) == (3_000_000, 0)


def test_the_database_refuses_a_second_agent_and_a_deposit_that_is_kept(
    database: Database,
) -> None:
    name = opened(database)
    agents.deposit(database, name, "c-33", "500.00", NOW, "staff:ana")
    with database.connect() as tx:
        program = programs.get_program(tx, name)
        agent = (
            "INSERT INTO agent_contract"
            " VALUES (%s, 'c9', 9, '33', 'eve', NULL, '', '', false, 0)"
        )
        with pytest.raises(errors.UniqueViolation, match="one_agent_of_a_region"):
            tx.execute(agent, [program.id])
        tx.rollback()
        for debit, credit in (("deposits:c-33", "platform"), ("deposits:c-33", "wallet:eve")):
            with pytest.raises(errors.CheckViolation, match="deposits_only_go_back"):
                keep(tx, program.id, debit, credit)
            tx.rollback()
        with pytest.raises(errors.CheckViolation, match="would be overpaid"):
            keep(tx, program.id, "commission-due:eve", "commissions-paid")
        tx.rollback()
        with pytest.raises(errors.CheckViolation, match="deposit_not_overdrawn"):
            tx.execute("UPDATE agent_contract SET deposit = -1 WHERE id = 'c-33'")
        tx.rollback()
        tx.execute("UPDATE agent_contract SET ended = true WHERE id = 'c-33'")
        with pytest.raises(errors.IntegrityConstraintViolation, match="make another"):
            tx.execute("UPDATE agent_contract SET ended = false WHERE id = 'c-33'")
        tx.rollback()
    assert_sound(database, name)


def keep(tx: psycopg.Connection, program: int, debit: str, credit: str) -> None:
    kind = "commission_paid" if credit == "commissions-paid" else "platform"
    tx.execute(
        "INSERT INTO transfer VALUES (%s, 99, 0, %s, %s, %s, 1)", [program, kind, debit, credit]
    )
