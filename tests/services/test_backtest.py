"""Backtests: what was is as it was, what would be as it is posted; nothing is written."""

from datetime import UTC, datetime

from springtide.core.units import format_money
from springtide.services import policies
from springtide.services.backtest import Run, as_json, backtest
from springtide.services.reports import read_status
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, buy, cash_out, merged, pay, refund, settle, write_toml
from tests.services.histories import events_of, open_program, policy_of, post_in_batches


def assert_is_status(database: Database, name: str, run: Run) -> None:
    """A run says what the books of a program say."""
    status = read_status(database, name)
    program, activity = status.program, status.activity
    assert (run.reserve, run.supply, run.price) == (
        program.reserve, program.supply, status.price_micro,
    )  # fmt: skip
    assert run.splits == program.split_factor
    assert (run.exits, run.exits_paid) == (activity.exits, activity.exits_paid)
    assert (run.cashed_out, run.redeemed) == (activity.cashed_out, activity.redeemed)
    assert run.commissions == activity.commissions


def test_what_would_be_is_what_would_have_been_posted(database: Database) -> None:
    one, other, events = (
        policy_of("everything"),
        policy_of("member-credit"),
        events_of("everything"),
    )
    name, twin = open_program(database, one), open_program(database, other)
    receipts = post_in_batches(database, name, [events])
    accepted = [
        event for event, receipt in zip(events, receipts, strict=True) if "error" not in receipt
    ]
    unique = list({str(event["id"]): event for event in accepted}.values())
    post_in_batches(database, twin, [unique])
    found = backtest(database, name, other)
    assert found.was.refused == {}
    assert_is_status(database, name, found.was)
    assert_is_status(database, twin, found.would_be)
    written = as_json(name, found)
    assert isinstance(written["was"], dict)
    assert written["was"]["reserve"] == format_money(found.was.reserve)


def test_refused_events_are_told_by_their_reason(database: Database) -> None:
    toml = write_toml(ADVERT_B)
    closed = write_toml(merged(ADVERT_B, cash_out={"enabled": False, "fee": None}))
    name, now = open_program(database, toml), datetime(2026, 11, 22, tzinfo=UTC)
    events = [
        buy("o1", "m1", 10**9), cash_out("x1", "m1", 10**9), pay(buy("o2", "m2", 10**9)),
        refund("r2", "o2", 4 * 10**8), settle("s2", "o2"), refund("r3", "o2", 10**8),
    ]  # fmt: skip
    post_in_batches(database, name, [events])
    policies.create_draft(database, name, closed, "cli:ana", now)
    policies.submit(database, name, 1, "cli:ana", now)
    policies.approve(database, name, 1, "cli:ben", now)
    assert policies.put_in_effect(database, name, now) == 2
    found = backtest(database, name, closed)
    assert found.changes == [], "it is the one in effect"
    assert (found.events, found.was.accepted, found.would_be.accepted) == (6, 7, 5)
    assert found.was.refused == {}
    assert found.would_be.refused == {"cash_out_disabled": 1}
    assert (found.was.buyers, found.was.median_spent) == (2, 75 * 10**7)
    assert found.would_be.cashed_out == 0 < found.was.cashed_out
