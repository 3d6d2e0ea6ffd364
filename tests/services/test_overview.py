"""A program at a glance: what came in less what went out is what the reserve became."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from statistics import median_low

import psycopg
import pytest

from springtide.core.units import parse_money, price_micro
from springtide.services.audit import audit
from springtide.services.demo import moved
from springtide.services.history import Days, write_histories, write_history
from springtide.services.holding import list_lots, read_holding
from springtide.services.listing import list_members, list_merchants, read_merchant
from springtide.services.overview import read_overview
from springtide.services.reports import Status
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.overview import Happened
from tests.core.history import ADVERT_B, buy, cash_out, write_toml
from tests.services.histories import (
    NAMES,
    assert_sound,
    events_of,
    open_program,
    policy_of,
    post_in_batches,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def posted(database: Database, vector: str) -> str:
    """A program with the history of a vector."""
    name = open_program(database, policy_of(vector))
    with Writer(database, name) as writer:
        writer.post(events_of(vector))
    return name


@pytest.mark.parametrize("vector", ["everything", "splits", "tiny", "member-credit"])
def test_days_add_up_to_the_reserve(database: Database, vector: str) -> None:
    found = read_overview(database, posted(database, vector), NOW)
    program, policy = found.status.program, found.status.policy
    came, left = (sum(getattr(day, way) for day in found.days) for way in ("inflow", "outflow"))
    assert all(day.inflow >= 0 and day.outflow >= 0 for day in found.days)
    assert came > 0
    assert policy.opening_reserve_micro + came - left == program.reserve
    assert found.days[-1].factor == program.split_factor
    if program.supply:
        now = price_micro(program.reserve, program.supply)
        assert found.days[-1].price_micro(program.split_factor) == now
    assert sum(day.exits for day in found.days) == found.status.activity.exits
    assert sum(found.owed.values()) == 0, "every micro has a place"
    value, cash = found.held
    members = sum(row.points for row in list_members(database, program.name, "", 1_000))
    pair = program.state(policy).pair
    assert value == members * pair[0] // pair[1] <= program.reserve
    assert cash <= value


@pytest.mark.parametrize("vector", NAMES)
def test_an_overview_is_the_same_however_far_it_is_kept(
    database: Database, admin: psycopg.Connection, vector: str
) -> None:
    name, events = open_program(database, policy_of(vector)), events_of(vector)
    third = -(-len(events) // 3)
    with Writer(database, name) as writer:
        for first in range(0, len(events), third):
            writer.post(events[first : first + third])
            before = read_overview(database, name, NOW)
            merchants = owed_to_merchants(database, name)
            assert_is_outcome(admin, name, before.status)
            steps = 0
            while write_history(database, name, third // 3):
                assert read_overview(database, name, NOW) == before
                assert owed_to_merchants(database, name) == merchants
                steps += 1
            assert steps > 1
    assert_sound(database, name)


def owed_to_merchants(database: Database, name: str) -> dict[str, int | None]:
    ids = list_merchants(database, name, "", 100)
    return {id_: read_merchant(database, name, id_) for id_ in ids}


def assert_is_outcome(admin: psycopg.Connection, name: str, status: Status) -> None:
    """Medians and counts of buyers are those of their orders and lots, one by one."""
    rows = admin.execute(
        """
        SELECT member, sum(points)::text, sum(net)::text FROM lot JOIN program p
            ON p.id = program_id
        WHERE p.name = %s GROUP BY member
        """,
        [name],
    ).fetchall()
    ordered = admin.execute(
        """
        SELECT e.event, coalesce((SELECT sum(amount) FROM refund r
                         WHERE r.program_id = e.program_id AND r.order_id = e.id), 0)::text
        FROM entry e JOIN program p ON p.id = e.program_id
        WHERE p.name = %s AND e.kind IN ('purchase', 'pay')
        """,
        [name],
    ).fetchall()
    spent: dict[str, int] = {}
    for event, refunded in ordered:
        told = json.loads(event)
        left = parse_money(told["amount"]) - int(refunded)
        spent[told["member"]] = spent.get(told["member"], 0) + left
    state = status.program.state(status.policy)
    buyers = [
        (spent[member], int(net), state.cash_now_micro(int(points)))
        for member, points, net in rows
        if spent[member]
    ]
    medians = [median_low(column) for column in zip(*buyers, strict=True)] or [0, 0, 0]
    got_back = sum(net + cash >= paid for paid, net, cash in buyers)
    assert list(status.outcomes) == [len(buyers), *medians, got_back]


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE history SET figures = replace(figures, '\"purchases\": ', '\"purchases\": 1')",
         "the history of the pool"),
        ("UPDATE history_balance SET balance = balance + 1 WHERE account = 'platform'",
         "the balances by kind of account"),
        ("UPDATE buyer SET spent = spent + 1 WHERE member = 'm1'", "the buyers' rows"),
        ("UPDATE buyer SET points = points + 1 WHERE member = 'm1'", "the buyers' rows"),
        ("DELETE FROM buyer WHERE member = 'm1'", "the buyers' rows"),
        ("UPDATE buyer SET received = 7 WHERE member = 'm2'", "the buyers' rows"),
    ],
)  # fmt: skip
def test_the_audit_finds_what_is_kept_and_the_journal_does_not_say(
    own_database: Database, own_dsn: str, name: str, tampering: str, told: str
) -> None:
    open_program(own_database, write_toml(ADVERT_B), name)
    first = [buy("o1", "m1", 10**9), buy("o2", "m2", 10**9, referrer="m1")]
    post_in_batches(own_database, name, [first])
    assert write_history(own_database, name, 100) == 3
    post_in_batches(own_database, name, [[buy("o3", "m3", 10**9), cash_out("x1", "m3")]])
    assert_sound(own_database, name)
    with psycopg.connect(own_dsn, autocommit=True) as somebody:
        assert somebody.execute(tampering).rowcount == 1
    broken = [by for finding in audit(own_database, name).findings for by in finding.broken_by]
    assert broken == [told]


def test_programs_that_are_behind_are_summed_up_to_the_end(
    own_database: Database, name: str
) -> None:
    other = f"{name}-other"
    for program, orders in ((name, 7), (other, 3)):
        open_program(own_database, write_toml(ADVERT_B), program)
        post_in_batches(
            own_database, program, [[buy(f"o{n}", "m1", 10**9) for n in range(orders)]]
        )
    assert write_histories(own_database, behind=5, most=3) == 3
    assert write_histories(own_database, behind=5) == 5, "with the opening"
    assert write_histories(own_database, behind=5) == 0
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(write_histories, own_database, 1, 1) for _ in range(6)]
        assert sum(run.result() for run in runs) == 4, "everything once"
    assert_sound(own_database, other)


@pytest.mark.parametrize("vector", ["everything", "splits", "advert-a"])
def test_a_holding_is_the_sum_of_its_lots(database: Database, vector: str) -> None:
    name = posted(database, vector)
    for member in list_members(database, name, "", 40):
        has = read_holding(database, name, member.id)
        policy, lots = list_lots(database, name, member.id, None, 1_000)
        assert (has.known, has.points) == (True, sum(lot.points for lot in lots))
        assert sum(lot.cash_now for lot in lots) <= has.cash_now <= has.value
        assert [lot.seq for lot in lots] == sorted((lot.seq for lot in lots), reverse=True)
        for lot in lots:
            # What was granted was worth, at the price then, its part of what was paid in.
            value = lot.granted * lot.price_then // 10**9
            assert value <= lot.contribution * policy.grant_ppm // 10**6 + 1


def test_somebody_unknown_has_nothing(database: Database) -> None:
    has = read_holding(database, posted(database, "tiny"), "springtide:nobody")
    assert (has.known, has.points, has.value, has.cash_now) == (False, 0, 0, 0)


def test_an_entry_counts_to_the_day_it_names_and_never_goes_back() -> None:
    def receipt(reserve: int, **more: int) -> dict[str, int]:
        return {"split": 1, "reserve": reserve, "supply": 10**9, **more}

    days = Days(100)
    for row in (
        Happened("2026-01-01", "purchase", {}, receipt(150)),
        Happened("2026-01-01T23:30:00-05:00", "cash_out", {}, receipt(120, net=30)),
        Happened("2026-01-01T10:00:00Z", "purchase", {}, receipt(170)),
        Happened("soon", "inject", {}, receipt(200)),
    ):
        days.add(row)
    assert [(day.on, day.inflow, day.outflow) for day in days.listed()] == [
        (date(2026, 1, 1), 50, 0),
        (date(2026, 1, 2), 80, 30),
    ]


def test_the_example_orders_move_as_one() -> None:
    text = "order_id,customer,date\no1,m1,2021-01-01\no2,m2,2021-01-13\n"
    assert moved(text, date(2026, 3, 1)).splitlines()[1:] == [
        "o1,m1,2026-02-17",
        "o2,m2,2026-03-01",
    ]
