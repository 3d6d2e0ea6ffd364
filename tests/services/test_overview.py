"""A program at a glance: what came in less what went out is what the reserve became."""

from copy import deepcopy
from datetime import UTC, date, datetime

import pytest

from springtide.core.units import price_micro
from springtide.services.demo import moved
from springtide.services.history import Days
from springtide.services.holding import list_lots, read_holding
from springtide.services.listing import list_members
from springtide.services.overview import read_overview
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.overview import Happened
from tests.services.histories import NAMES, events_of, open_program, policy_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def posted(database: Database, vector: str) -> str:
    """A program with the history of a vector."""
    name = open_program(database, policy_of(vector))
    with Writer(database, name) as writer:
        writer.post(events_of(vector))
    return name


@pytest.mark.parametrize("vector", ["everything", "splits", "tiny", "member-credit"])
def test_days_add_up_to_the_reserve(database: Database, vector: str) -> None:
    found, _ = read_overview(database, posted(database, vector), NOW)
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
def test_reading_on_says_what_reading_anew_says(database: Database, vector: str) -> None:
    name, events = open_program(database, policy_of(vector)), events_of(vector)
    seen, history = read_overview(database, name, NOW)
    shown = deepcopy(seen)
    third = -(-len(events) // 3)
    with Writer(database, name) as writer:
        for first in range(0, len(events), third):
            writer.post(events[first : first + third])
            on, history = read_overview(database, name, NOW, history)
            anew, _ = read_overview(database, name, NOW)
            assert on == anew
            assert seen == shown, "what was shown before is still what it was"
            seen, shown = on, deepcopy(on)


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
