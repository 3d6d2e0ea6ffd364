"""Reports: what members and operators read is what the receipts said."""

import itertools
from decimal import Decimal
from statistics import median_low
from typing import Any

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.core.units import MICRO, format_money, format_points
from springtide.services.gateway import UnknownMember, UnknownProgram
from springtide.services.holding import list_lots
from springtide.services.reports import read_prices, read_statement, read_status
from springtide.storage.database import Database
from tests.core.history import (
    ADVERT_B,
    buy,
    cash_out,
    inject,
    merged,
    redeem,
    refund,
    write_toml,
)
from tests.services.histories import (
    NAMES,
    events_of,
    open_program,
    policy_of,
    post_in_batches,
    receipts_of,
)


@pytest.fixture(scope="module")
def programs(database: Database) -> dict[str, str]:
    """Every vector, posted: the name of its program."""
    names = {}
    for vector in NAMES:
        names[vector] = open_program(database, policy_of(vector))
        post_in_batches(database, names[vector], [events_of(vector)])
    return names


def accepted(vector: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The events that were posted, each once, with their receipts."""
    seen: set[str] = set()
    pairs = []
    for event, receipt in zip(events_of(vector), receipts_of(vector), strict=True):
        if "error" not in receipt and receipt["id"] not in seen:
            seen.add(receipt["id"])
            pairs.append((event, receipt))
    return pairs


def total(rows: list[str]) -> str:
    return f"{sum(map(Decimal, rows), Decimal(0)):.6f}"


@pytest.mark.parametrize("vector", NAMES)
def test_status_adds_up_what_the_receipts_say(
    database: Database, programs: dict[str, str], vector: str
) -> None:
    status, pairs = read_status(database, programs[vector]), accepted(vector)
    last = receipts_of(vector)[-1]
    assert format_money(status.program.reserve) == last["reserve"]
    assert format_points(status.program.supply) == last["supply"]
    assert format_money(status.price_micro) == last["price"]
    receipts = [receipt for _, receipt in pairs]
    exits = [row for receipt in receipts for row in receipt["exits"]]
    activity = status.activity
    of_type = {kind: [pair for pair in pairs if pair[0]["type"] == kind] for kind in (
        "purchase", "refund", "redeem", "cash_out", "cash_out_batch")}  # fmt: skip
    assert status.program.seq == len(pairs)
    assert activity.orders == len(of_type["purchase"])
    assert activity.refunded == len(of_type["refund"])
    assert format_money(activity.spent) == total(
        [event["amount"] for event, _ in of_type["purchase"]]
    )
    assert activity.exits == len(exits)
    assert format_money(activity.exits_paid) == total([row["net"] for row in exits])
    assert format_money(activity.commissions) == total(
        [row["amount"] for _, receipt in of_type["purchase"] for row in receipt["commissions"]]
    )
    assert format_money(activity.redeemed) == total([r["net"] for _, r in of_type["redeem"]])
    assert format_money(activity.cashed_out) == total(
        [r["net"] for _, r in of_type["cash_out"]]
        + [row["net"] for _, r in of_type["cash_out_batch"] for row in r["paid"]]
    )


@pytest.mark.parametrize("vector", NAMES)
def test_every_entry_balances_in_every_unit(
    admin: psycopg.Connection, programs: dict[str, str], vector: str
) -> None:
    rows = admin.execute(
        "SELECT t.seq, t.unit, sum(t.debit), sum(t.credit), count(*) FROM posting t"
        " JOIN program p ON p.id = t.program_id WHERE p.name = %s GROUP BY 1, 2",
        [programs[vector]],
    ).fetchall()
    assert {seq for seq, *_ in rows} >= {
        number for number, (event, _) in enumerate(accepted(vector), 1)
        if event["type"] != "bind"
    }  # fmt: skip
    assert {unit for _, unit, *_ in rows} >= {"money", "points"}
    assert all(debit == credit > 0 and count >= 2 for _, _, debit, credit, count in rows)


@pytest.mark.parametrize("vector", NAMES)
def test_statements_end_with_what_members_have(
    database: Database, programs: dict[str, str], vector: str, admin: psycopg.Connection
) -> None:
    name = programs[vector]
    held = admin.execute(
        "SELECT l.member, sum(l.points) FROM lot l JOIN program p ON p.id = l.program_id"
        " WHERE p.name = %s GROUP BY 1", [name],
    ).fetchall()  # fmt: skip
    assert held
    for member, points in held[:: max(len(held) // 4, 1)]:
        statement = read_statement(database, name, member)
        assert statement.points_nano == points
        assert statement.points_nano == sum(
            line.change for line in statement.lines if line.unit == "points"
        )
        for unit, end in (
            ("wallet", statement.wallet_micro),
            ("credit", statement.credit_micro),
        ):
            lines = [line for line in statement.lines if line.unit == unit]
            assert end == sum(line.change for line in lines)
            assert end == (lines[-1].balance if lines else 0)


@pytest.mark.parametrize("vector", ["everything", "splits", "member-credit"])
def test_prices_are_those_of_the_receipts(
    database: Database, programs: dict[str, str], vector: str
) -> None:
    _, prices = read_prices(database, programs[vector], 10_000)
    pairs = accepted(vector)
    assert [row.seq for row in prices] == list(range(len(pairs) + 1))
    factor = 1
    for row, (event, receipt) in zip(prices[1:], pairs, strict=True):
        factor *= receipt["split"]
        assert format_money(row.price) == receipt["price"]
        assert format_money(row.reserve) == receipt["reserve"]
        assert format_points(row.supply) == receipt["supply"]
        assert (row.kind, row.factor) == (event["type"], factor)


@pytest.mark.parametrize("most", [2, 3, 7, 100])
def test_prices_are_spread_evenly_and_end_with_the_last(
    database: Database, programs: dict[str, str], most: int
) -> None:
    _, prices = read_prices(database, programs["tiny"], most)
    last = len(accepted("tiny"))
    assert prices[0].seq == 0
    assert prices[-1].seq == last
    assert 2 <= len(prices) <= most
    *steps, rest = (later.seq - earlier.seq for earlier, later in itertools.pairwise(prices))
    assert len(set(steps)) <= 1
    assert not steps or 0 < rest <= steps[0]


def test_what_says_no_date_has_that_of_its_batch(
    database: Database, name: str, admin: psycopg.Connection
) -> None:
    open_program(database, write_toml(ADVERT_B), name)
    said = "2026-01-31"
    silent = [buy(f"o{number}", "m1", 10 * MICRO) for number in range(7)]
    dated = buy("dated", "m1", 10 * MICRO, at=said)
    post_in_batches(database, name, [silent[:3], silent[3:4], [dated, *silent[4:]]])
    admin.execute(
        "UPDATE batch SET posted_at = timestamptz '2026-02-01T12:00:00Z'"
        " + number * interval '1 day'"
        " WHERE program_id = (SELECT id FROM program WHERE name = %s)",
        [name],
    )
    days = ["02", "02", "02", "03", "said", "04", "04", "04"]
    dates = [said if day == "said" else f"2026-02-{day}T12:00:00+00:00" for day in days]
    assert [line.at for line in read_statement(database, name, "m1").lines] == dates
    _, prices = read_prices(database, name, 100)
    assert [row.at for row in prices] == ["2026-02-01T12:00:00+00:00", *dates]
    _, lots = list_lots(database, name, "m1", None, 100)
    assert [lot.at for lot in reversed(lots)] == dates


def lines_of(
    database: Database, toml: str, events: list[Json], member: str
) -> list[tuple[Any, ...]]:
    """A member's statement, in short, after events that must all be accepted."""
    name = open_program(database, toml)
    receipts = post_in_batches(database, name, [events])
    assert not any("error" in receipt for receipt in receipts)
    statement = read_statement(database, name, member)
    return [
        (line.cause, line.unit, line.change, line.balance, line.id) for line in statement.lines
    ]


def policy(**changes: object) -> str:
    return write_toml(merged(ADVERT_B, **changes))


def test_a_split_restates_the_points_that_are_held(database: Database) -> None:
    toml = policy(points={"split_at": "1.5", "split_factor": 10})
    events = [buy("o1", "m1", 10**7), inject("i1", 10**8), cash_out("x1", "m1", 10**9)]
    granted = 1_120_000_000
    lines = lines_of(database, toml, events, "m1")
    assert lines[0] == ("grant", "points", granted, granted, "o1")
    splits = [line for line in lines if line[0] == "split"]
    assert splits == [("split", "points", granted * 99, granted * 100, "")]
    assert lines[1] == splits[0]
    assert ("cash_out", "points", -(10**9), granted * 100 - 10**9, "x1") in lines


def test_a_split_has_the_day_of_what_brought_it_about(database: Database) -> None:
    name = open_program(database, policy(points={"split_at": "1.5", "split_factor": 10}))
    gift = {**inject("i1", 10**8), "at": "2026-01-03"}
    bought = buy("o1", "m1", 10**7, at="2026-01-01")
    later = buy("o2", "m1", 10**7, at="2026-01-09")
    receipts = post_in_batches(database, name, [[bought, gift, later]])
    assert not any("error" in receipt for receipt in receipts)
    lines = read_statement(database, name, "m1").lines
    assert [(line.cause, line.at) for line in lines[:3]] == [
        ("grant", "2026-01-01"), ("split", "2026-01-03"), ("grant", "2026-01-09"),
    ]  # fmt: skip


def test_commissions_and_a_clawback_that_takes_the_wallet_below_zero(
    database: Database,
) -> None:
    toml = policy(commission={"direct": "0.01"}, cash_out={"fee": "0"})
    events = [
        buy("o1", "m1", 10**9, referrer="m0"),
        buy("o2", "m1", 10**8),
        refund("r1", "o1"),
        refund("r2", "o2"),
    ]
    assert lines_of(database, toml, events, "m0") == [
        ("direct", "wallet", 10**7, 10**7, "o1"),
        ("direct", "wallet", 10**6, 11 * 10**6, "o2"),
        ("clawback", "wallet", -(10**7), 10**6, "r1"),
        ("clawback", "wallet", -(10**6), 0, "r2"),
    ]


def test_a_wallet_that_was_spent_is_owed_after_a_clawback(
    database: Database, admin: psycopg.Connection
) -> None:
    name = open_program(database, policy(commission={"direct": "0.01"}))
    post_in_batches(database, name, [[buy("o1", "m1", 10**9, referrer="m0")]])
    admin.execute("SET session_replication_role = origin")
    admin.execute(
        "INSERT INTO transfer SELECT id, seq + 1, 0, 'withdrawal', 'wallet:m0', 'in-transit',"
        " 7000000 FROM program WHERE name = %s", [name],
    )  # fmt: skip
    admin.execute("UPDATE program SET seq = seq + 1 WHERE name = %s", [name])
    admin.execute(
        "INSERT INTO entry SELECT id, seq, 'w1', 'withdrawal', 1, '{}', '{}' FROM program"
        " WHERE name = %s", [name],
    )  # fmt: skip
    post_in_batches(database, name, [[refund("r1", "o1")]])
    statement = read_statement(database, name, "m0")
    assert [(line.cause, line.change) for line in statement.lines] == [
        ("direct", 10**7), ("withdrawal", -7 * 10**6), ("clawback", -(10**7)),
    ]  # fmt: skip
    assert statement.wallet_micro == -7 * 10**6


@pytest.mark.parametrize(("payout", "unit"), [("cash", "wallet"), ("credit", "credit")])
def test_an_exit_shows_the_points_and_what_they_paid(
    database: Database, payout: str, unit: str
) -> None:
    toml = policy(cap={"multiple": "0.3", "payout": payout})
    events = [buy("o1", "m1", 10**7), inject("i1", 10**8)]
    grant, *exit_ = lines_of(database, toml, events, "m1")
    paid = 3_000_000 if payout == "credit" else 2_400_000
    assert grant[0] == "grant"
    assert len(exit_) == 2
    assert set(exit_) == {
        ("exit", "points", -grant[2], 0, "i1"),
        ("exit", unit, paid, paid, "i1"),
    }


def test_redeemed_points_leave_no_money(database: Database) -> None:
    events = [buy("o1", "m1", 10**8), redeem("d1", "m1", "shop-1", 10**9)]
    grant, redeemed = lines_of(database, policy(), events, "m1")
    assert redeemed == ("redeem", "points", -(10**9), grant[2] - 10**9, "d1")


def test_cash_now_is_what_a_cash_out_pays(database: Database) -> None:
    name = open_program(database, policy())
    post_in_batches(database, name, [[buy("o1", "m1", 10**9 + 7), inject("i1", 12_345_678)]])
    promised = read_statement(database, name, "m1").cash_now_micro
    (receipt,) = post_in_batches(database, name, [[cash_out("x1", "m1")]])
    assert receipt["net"] == promised > 0


def test_whoever_only_refers_or_was_bound_has_an_empty_statement(database: Database) -> None:
    name = open_program(database, policy())
    post_in_batches(database, name, [[buy("o1", "m1", 10**8, referrer="m0")]])
    statement = read_statement(database, name, "m0")
    assert statement.lines == []
    assert (statement.wallet_micro, statement.points_nano, statement.cash_now_micro) == (
        0,
        0,
        0,
    )


def test_unknown_names_are_refused(database: Database) -> None:
    name = open_program(database, policy())
    with pytest.raises(UnknownMember, match="nobody named 'm1' ever bought"):
        read_statement(database, name, "m1")
    for read in (read_status, lambda db, unknown: read_statement(db, unknown, "m1"),
                 lambda db, unknown: read_prices(db, unknown, 5)):  # fmt: skip
        with pytest.raises(UnknownProgram, match="no program is named 'nope'"):
            read(database, "nope")


def test_outcomes_compare_what_was_spent_with_what_points_paid(database: Database) -> None:
    name = open_program(database, policy(cash_out={"fee": "0"}))
    spent = {"m1": 10**9, "m2": 2 * 10**9, "m3": 10**6}
    events = [buy(f"o-{member}", member, amount) for member, amount in spent.items()]
    post_in_batches(database, name, [[*events, inject("i1", 10**10), cash_out("x1", "m3")]])
    outcomes = read_status(database, name).outcomes
    statements = [read_statement(database, name, member) for member in spent]
    assert outcomes.buyers == 3
    assert outcomes.median_spent == median_low(spent.values())
    assert outcomes.median_received == 0
    assert outcomes.median_cash_now == median_low(one.cash_now_micro for one in statements)
    got = [one.wallet_micro + one.cash_now_micro for one in statements]
    assert outcomes.got_back == sum(
        back >= paid for back, paid in zip(got, spent.values(), strict=True)
    )
    assert 0 < outcomes.got_back <= 3
