"""Settling: orders that are due are settled once, whoever asks and however often."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from springtide.core.receipts import render
from springtide.services.audit import audit
from springtide.services.listing import OrderFilter, list_orders, read_entry
from springtide.services.preview import preview
from springtide.services.settling import due_settlements, settle_due
from springtide.services.stores import read_today
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.programs import get_program
from springtide.storage.settling import move_mark
from tests.core.history import ADVERT_B, buy, cash_out, merged, pay, refund, write_toml
from tests.services.histories import assert_sound, in_memory, open_program, written

ONLINE = write_toml(merged(ADVERT_B, orders={"settle_after": "7d"}, cap={"multiple": "1.2"}))
PAID = [pay(buy(f"o{number}", f"m{number % 3}", 10**8 + number)) for number in range(40)]


def in_days(days: float) -> datetime:
    """A moment as seen from now; what was just posted was paid today."""
    return datetime.now(UTC) + timedelta(days=days)


@pytest.fixture
def online(database: Database) -> str:
    """A program with a refund window of a week, in which forty orders were paid."""
    name = open_program(database, ONLINE)
    with Writer(database, name) as writer:
        writer.post(PAID)
    return name


def test_orders_are_settled_when_their_window_is_over(database: Database, online: str) -> None:
    assert due_settlements(database, online, in_days(6.9)) == []
    assert settle_due(database, online, in_days(6.9)) == 0
    settlements = due_settlements(database, online, in_days(7.1))
    assert [event["order"] for event in settlements] == [order["id"] for order in PAID]
    assert settle_due(database, online, in_days(7.1)) == 40
    last = read_entry(database, online, ["pay"], "o39")
    assert last is not None
    assert last.settled_receipt is not None
    settled = render(json.loads(last.settled_receipt))
    assert written([settled])[0] == in_memory(ONLINE, [*PAID, *settlements])[-1]
    assert_sound(database, online)


def test_settling_twice_or_at_once_settles_each_order_once(
    database: Database, online: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: settle_due(database, online, in_days(8)), range(4)))
    assert sum(counts) == 40
    assert settle_due(database, online, in_days(8)) == 0
    assert_sound(database, online)


def test_a_refund_before_settlement_returns_everything(database: Database, online: str) -> None:
    with Writer(database, online) as writer:
        [outcome] = writer.post([refund("r1", "o0")])
    assert outcome.is_posted
    with database.snapshot() as tx:
        moved = tx.execute(
            "SELECT t.kind, t.debit, t.credit, t.amount FROM transfer t"
            " JOIN program p ON p.id = t.program_id WHERE p.name = %s AND t.seq = %s",
            [online, outcome.seq],
        ).fetchall()
    assert moved == [("refund", "escrow", "refunds", 10**8)]
    assert settle_due(database, online, in_days(8)) == 39
    refunded = read_entry(database, online, ["pay"], "o0")
    assert refunded is not None
    assert (refunded.refunded, refunded.settled_receipt) == (10**8, None)
    assert_sound(database, online)


def test_an_order_is_refunded_by_the_rule_after_settlement(
    database: Database, online: str
) -> None:
    settle_due(database, online, in_days(8))
    with Writer(database, online) as writer:
        cashed, refunded = writer.post([cash_out("x1", "m0"), refund("r1", "o0")])
    assert cashed.is_posted
    assert refunded.is_posted
    assert refunded.receipt["burned"] == 0
    assert refunded.receipt["recovered"] != 0
    assert_sound(database, online)


def test_a_preview_says_what_would_happen_and_does_nothing(
    database: Database, online: str
) -> None:
    settle_due(database, online, in_days(8))
    wish = cash_out("x1", "m0")
    seen, seq = preview(database, online, wish, in_days(8))
    assert preview(database, online, wish, in_days(8))[1] == seq
    with Writer(database, online) as writer:
        [outcome] = writer.post([wish])
    assert outcome.is_posted
    assert outcome.seq == seq + 1
    assert render(outcome.receipt) == render(seen.receipt)


def test_orders_that_are_settled_at_once_are_never_due(database: Database) -> None:
    name = open_program(database, write_toml(ADVERT_B))
    events = [buy("o1", "m1", 10**8)]
    with Writer(database, name) as writer:
        receipts = [outcome.receipt for outcome in writer.post(events)]
    assert written(map(render, receipts)) == in_memory(write_toml(ADVERT_B), events)
    assert settle_due(database, name, in_days(1000)) == 0


ODD = ["\0", "a\0\0b", "\\u0000", "\\\0", '"\0"', "\\"]
"""What an event may carry in fields that nobody reads, and PostgreSQL would not read."""


def test_orders_with_odd_notes_are_found_and_settled(database: Database) -> None:
    name = open_program(database, ONLINE)
    events = [
        {**pay(buy(f"o{number}", "m1", 10**8)), "merchant": "shop-1", "note": note}
        for number, note in enumerate(ODD)
    ]
    with Writer(database, name) as writer:
        assert all(outcome.is_posted for outcome in writer.post(events))
    asked = OrderFilter(member="m1", merchant="shop-1", state="paid")
    found = list_orders(database, name, asked, 0, 99)
    assert [row.id for row in found] == [event["id"] for event in events]
    sold = read_today(database, name, "shop-1", datetime.now(UTC))
    assert (sold.orders, sold.amount) == (len(ODD), len(ODD) * 10**8)
    assert settle_due(database, name, in_days(8)) == len(ODD)
    assert_sound(database, name)


def test_orders_before_the_mark_are_not_looked_at_again(
    database: Database, online: str, admin: psycopg.Connection
) -> None:
    def mark() -> int:
        with database.transaction() as tx:
            move_mark(tx, get_program(tx, online), 1)
            row = tx.execute(
                "SELECT m.seq FROM settled_mark m JOIN program p ON p.id = m.program_id"
                " WHERE p.name = %s",
                [online],
            ).fetchone()
        return 0 if row is None else int(row[0])

    assert mark() == 0, "the first order waits"
    with Writer(database, online) as writer:
        writer.post([refund("r1", "o0"), *due_settlements(database, online, in_days(8))[1:9]])
    assert mark() == 9, "the tenth order waits"
    settle_due(database, online, in_days(8))
    assert mark() > len(PAID)
    assert_sound(database, online)
    with Writer(database, online) as writer:
        writer.post([pay(buy("late", "m1", 10**8))])
    admin.execute(
        "UPDATE settled_mark m SET seq = 10000 FROM program p"
        " WHERE p.id = m.program_id AND p.name = %s",
        [online],
    )
    broken = [by for finding in audit(database, online).findings for by in finding.broken_by]
    assert broken == ["the mark before which all orders are settled"]
