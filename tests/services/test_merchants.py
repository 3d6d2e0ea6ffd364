"""Merchants from application to suspension, their statements, and dividends of a month."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psycopg
import pytest
from psycopg import errors

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.core.refusals import OverBudget
from springtide.core.units import MICRO
from springtide.services import agents, budget, dividends, merchants
from springtide.services.deciding import decide
from springtide.services.merchant_statements import (
    pay_merchant,
    read_merchant_statement,
    write_xlsx,
)
from springtide.services.presets import read_preset
from springtide.services.writer import Writer
from springtide.storage import programs
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible
from tests.services.histories import assert_sound, open_program

NOW = datetime.now(UTC)
LICENCE = "91110000600037341L"


@pytest.fixture
def program(database: Database) -> str:
    return open_program(database, read_preset("local-life"))


def wish(merchant: str = "noodles", **more: str) -> merchants.Application:
    given = {"licence": LICENCE, "region": "330106", "recruiter": "m7", "owner": "m1", **more}
    return merchants.Application(
        merchant, "Noodles by the lake", settlement="account 1", **given
    )


def order(database: Database, name: str, id_: str) -> str:
    """What became of an order at the merchant: accepted, or the code of the refusal."""
    event: Json = {
        "type": "purchase", "id": id_, "member": "m2", "merchant": "noodles",
        "amount": "1000.00",
    }  # fmt: skip
    with Writer(database, name) as writer:
        [outcome] = writer.post([event])
    return "accepted" if outcome.refusal is None else outcome.refusal.code


def test_a_merchant_sells_while_it_is_active(database: Database, program: str) -> None:
    merchants.apply(database, program, wish(), NOW, "staff:ana")
    with pytest.raises(NotPossible, match="applied before"):
        merchants.apply(database, program, wish("other-name"), NOW, "staff:ana")
    with pytest.raises(OverBudget, match="merchant noodles distributes only"):
        merchants.activate(database, program, "noodles", {"take_rate": "0.05"}, NOW, "staff:bo")
    assert merchants.read_application(database, program, "noodles").status == "applied"
    terms = {"take_rate": "0.20", "recruiter_until": "2999-12-31"}
    merchants.activate(database, program, "noodles", terms, NOW, "staff:bo")
    assert order(database, program, "o1") == "accepted"
    merchants.suspend(database, program, "noodles", "complaints", NOW, "staff:bo")
    assert order(database, program, "o2") == "merchant_suspended"
    with pytest.raises(NotPossible, match="suspended, not active"):
        merchants.suspend(database, program, "noodles", "again", NOW, "staff:bo")
    merchants.resume(database, program, "noodles", NOW + timedelta(hours=1), "staff:bo")
    assert order(database, program, "o2") == "accepted"
    found = merchants.read_terms(database, program, "noodles")
    assert found is not None
    assert (found.recruiter, found.recruiter_until, found.owner) == ("m7", "2999-12-31", "m1")
    row = merchants.read_application(database, program, "noodles")
    assert (row.status, row.reviewer) == ("active", "staff:bo")
    with database.snapshot() as tx:
        acts = list_acts(tx, programs.get_program(tx, program).id, limit=9, subject="noodles")
    assert [act.what for act in reversed(acts)] == [
        "merchant.apply",
        *["event.merchant_terms"] * 3,
    ]
    assert all(one.holds for one in budget.read_budget(database, program).proofs)
    assert_sound(database, program)


def test_terms_that_change_do_not_wake_who_was_suspended_meanwhile(
    database: Database, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchants.apply(database, program, wish(), NOW, "staff:ana")
    merchants.activate(database, program, "noodles", {"take_rate": "0.20"}, NOW, "staff:ana")

    def after_somebody_else(*given: Any) -> Outcome:
        monkeypatch.undo()
        merchants.suspend(database, program, "noodles", "complaints", NOW, "staff:bo")
        return decide(*given)

    monkeypatch.setattr("springtide.services.merchants.decide", after_somebody_else)
    with pytest.raises(NotPossible, match="just changed by somebody else"):
        merchants.change(database, program, "noodles", {"take_rate": "0.30"}, NOW, "staff:ana")
    terms = merchants.read_terms(database, program, "noodles")
    assert terms is not None
    assert (terms.suspended, terms.take_ppm) == (True, 200_000)
    assert order(database, program, "o1") == "merchant_suspended"
    assert_sound(database, program)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("licence", "91110000600037341X"), ("licence", ""), ("region", "33"),
        ("region", "330199"), ("region", "110103"), ("owner", "a\tb"),
    ],
)  # fmt: skip
def test_an_application_that_cannot_be_right_is_refused(
    database: Database, program: str, field: str, value: str
) -> None:
    with pytest.raises(NotPossible, match=field):
        merchants.apply(database, program, wish(**{field: value}), NOW, "cli")
    assert merchants.list_applications(database, program, "", "", 10) == []


def test_the_database_lets_no_application_go_back(
    database: Database, program: str, admin: psycopg.Connection
) -> None:
    merchants.apply(database, program, wish(), NOW, "cli")
    merchants.reject(database, program, "noodles", "no such shop", NOW, "staff:ana")
    with pytest.raises(NotPossible, match="is rejected"):
        merchants.activate(database, program, "noodles", {"take_rate": "0.20"}, NOW, "cli")
    merchants.apply(database, program, wish("noodles-2"), NOW, "cli")  # it may try again
    with pytest.raises(NotPossible, match="no application that stands"):
        merchants.move_settlement(database, program, "noodles", "mine", NOW, "cli")
    with database.connect() as tx:
        id_ = programs.get_program(tx, program).id
        with pytest.raises(errors.IntegrityConstraintViolation, match="rejected to active"):
            tx.execute(
                "UPDATE merchant_application SET status = 'active' WHERE program_id = %s"
                " AND merchant = 'noodles'", [id_],
            )  # fmt: skip
        tx.rollback()
        with pytest.raises(errors.IntegrityConstraintViolation, match="it has no account"):
            tx.execute(
                "UPDATE merchant_application SET settlement = 'mine' WHERE program_id = %s"
                " AND merchant = 'noodles'", [id_],
            )  # fmt: skip
        tx.rollback()
    assert admin.execute("SELECT count(*) FROM merchant_terms WHERE program_id = %s", [id_]
                         ).fetchone() == (0,)  # fmt: skip


def test_a_statement_adds_up_and_becomes_a_sheet(
    database: Database, program: str, tmp_path: Path
) -> None:
    for number in range(2):
        order(database, program, f"o{number}")
    with Writer(database, program) as writer:
        writer.post([
            {"type": "refund", "id": "r", "order": "o1"},
            {"type": "redeem", "id": "d", "member": "m2", "merchant": "noodles", "points": "1"},
        ])  # fmt: skip
    always = NOW - timedelta(days=1), NOW + timedelta(days=1)
    found = read_merchant_statement(database, program, "noodles", *always)
    assert found.sold == 1600 * MICRO
    assert found.sold + found.redeemed - found.returned == found.owed_now
    assert sum(line.change for line in found.lines) == found.owed_now
    earlier = read_merchant_statement(
        database, program, "noodles", NOW - timedelta(days=9), NOW - timedelta(days=8)
    )
    assert (earlier.lines, earlier.owed_now) == ([], found.owed_now)
    write_xlsx(found, tmp_path / "statement.xlsx")
    with ZipFile(tmp_path / "statement.xlsx") as book:
        assert b"1600.000000" in book.read("xl/sharedStrings.xml")
    with pytest.raises(NotPossible, match="no merchant"):
        read_merchant_statement(database, program, "nobody", *always)


def test_a_merchant_is_paid_what_it_is_owed_once(database: Database, program: str) -> None:
    order(database, program, "o1")

    def pay(amount: str, reference: str) -> bool:
        outcome = pay_merchant(
            database, program, "noodles", amount, reference, NOW, "staff:ana"
        )
        return outcome.is_posted

    with pytest.raises(NotPossible, match=r"is owed 800\.000000; pay no more"):
        pay("800.000001", "bank 1")
    assert [pay("500.00", "bank 1"), pay("500.00", "bank 1")] == [True, False]
    with pytest.raises(NotPossible, match=r"is owed 300\.000000"):
        pay("500.00", "bank 2")
    always = NOW - timedelta(days=1), NOW + timedelta(days=1)
    found = read_merchant_statement(database, program, "noodles", *always)
    assert (found.paid, found.owed_now) == (500 * MICRO, 300 * MICRO)
    assert found.sold - found.paid == sum(line.change for line in found.lines)
    assert_sound(database, program)


def test_a_month_is_shared_when_it_is_over_and_once(database: Database, program: str) -> None:
    order(database, program, "o1")
    period = f"{NOW:%Y-%m}"
    _, over = dividends.months(period)
    weights = {"ana": "1", "bo": "2"}
    with pytest.raises(NotPossible, match="not over"):
        dividends.event_of(database, program, period, "0.2", weights, NOW)
    event = dividends.event_of(database, program, period, "0.2", weights, over)
    assert event["revenue"] == "40.000000"
    shown = dividends.preview_dividend(database, program, event, NOW).receipt["dividends"]
    assert shown == [{"to": "ana", "amount": 2_666_666}, {"to": "bo", "amount": 5_333_333}]
    for _ in range(2):
        paid = dividends.post_dividend(database, program, event, over, "cli")
        assert paid.receipt["dividends"] == shown
    again = dividends.event_of(database, program, period, "0.2", weights, over)
    assert again == event, "a dividend is not revenue"
    assert_sound(database, program)


def test_a_program_is_told_the_day_only_if_something_ends(
    database: Database, program: str
) -> None:
    assert agents.due_day(database, program, NOW) == []
    agents.appoint(database, program, "c1", "33", "ana", {"to": "2999-01-01"}, NOW, "cli")
    due = agents.due_day(database, program, NOW)
    with Writer(database, program) as writer:
        assert [outcome.refusal for outcome in writer.post(due)] == [None]
    assert agents.due_day(database, program, NOW) == []
    assert len(agents.due_day(database, program, NOW + timedelta(days=1))) == 1
    assert_sound(database, program)
