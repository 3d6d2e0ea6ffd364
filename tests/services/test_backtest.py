"""Backtests: what was is as it was, what would be as it is posted; nothing is written."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

from springtide.core.event_fields import Json
from springtide.core.units import format_money, format_points
from springtide.services import policies
from springtide.services.backtest import Run, as_json, backtest
from springtide.services.presets import read_preset
from springtide.services.reports import read_status
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, buy, cash_out, merged, pay, refund, settle, write_toml
from tests.services.histories import events_of, open_program, policy_of, post_in_batches

PACKED = Path(__file__).parent.parent / "data" / "cdnow.csv.gz"


def cdnow() -> list[Json]:
    with gzip.open(PACKED, "rt", newline="") as file:
        return [
            {
                "type": "purchase", "id": row["order_id"], "member": row["customer"],
                "amount": row["amount"],
            }
            for row in csv.DictReader(file)
            if row["amount"] != "0.00"
        ]  # fmt: skip


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


def test_the_whole_history_of_a_shop_under_two_policies(
    own_database: Database, name: str
) -> None:
    database, other = own_database, read_preset("advert-a")
    open_program(database, read_preset("advert-b"), name)
    with Writer(database, name) as writer:
        assert all(outcome.entry for outcome in writer.post(cdnow()))
    before = read_status(database, name).program
    found = backtest(database, name, other)
    assert read_status(database, name).program == before, (
        "nothing is posted: the hash is the same"
    )
    assert found.events == found.was.accepted == found.would_be.accepted == 69_579
    assert_is_status(database, name, found.was)
    assert (found.was.exits, format_money(found.was.price)) == (16, "36.407855")
    assert format_points(found.was.supply) == "10961.958481424"
    assert format_money(found.was.median_spent) == "43.690000"
    assert (found.was.buyers, found.was.got_back) == (23_476, 0)
    assert [change.parameter for change in found.changes] == [
        "split.take_rate", "split.platform", "split.distribution", "cap.multiple",
    ]  # fmt: skip
    assert found.would_be.reserve > found.was.reserve * 18 // 10
    assert len(found.was.tenths) == len(found.would_be.tenths) == 10


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
