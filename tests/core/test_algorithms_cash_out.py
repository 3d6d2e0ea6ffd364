"""The rules of docs/algorithms/cash_out.md, run as written."""

from datetime import UTC, datetime

import pytest

from springtide.core.daily import batch_id, join_requests, last_batch_time
from springtide.core.events import Request
from springtide.core.policy import PolicyError
from springtide.core.units import format_money, parse_money, parse_points
from tests.core.history import ADVERT_B, policy_of
from tests.spec import Program, Row, check, check_story, policy_text, worked_examples


@pytest.mark.parametrize("rule", ["C1", "C2", "C4"])
def test_stories(rule: str) -> None:
    check_story("cash_out", rule)


@pytest.mark.parametrize("row", worked_examples("cash_out", "C3"))
def test_c3_redemption(row: Row) -> None:
    fee = f'redeem = {{ fee = "{row["redeem fee"]}" }}\n'
    program = Program(policy_text("cash_out", "C3") + fee)
    program.tell("o1: m1 buys for 1000.00")
    receipt = program.tell(f"d1: m1 redeems {row['points']} at shop-9").receipt
    for column in ("gross", "net", "reserve", "supply", "price"):
        check(row, column, receipt[column])
    check(row, "shop-9 has", format_money(program.balance("merchant:shop-9")))


def test_c3_redemption_costs_nothing_unless_the_policy_says_so() -> None:
    first = worked_examples("cash_out", "C3")[0]
    program = Program(policy_text("cash_out", "C3"))
    program.tell("o1: m1 buys for 1000.00")
    receipt = program.tell(f"d1: m1 redeems {first['points']} at shop-9").receipt
    check(first, "net", receipt["net"])


@pytest.mark.parametrize("row", worked_examples("cash_out", "C5"))
def test_c5_one_members_requests_are_one(row: Row) -> None:
    assert join_requests(requests_of(row["asked"])) == requests_of(row["in the batch"])


def requests_of(cell: str) -> list[Request]:
    found = []
    for wish in cell.split("; "):
        member, points, *least = wish.split()
        nano = None if points == "all" else parse_points(points)
        found.append(Request(member, nano, parse_money(least[1]) if least else 0))
    return found


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-22T01:59:59.999999+00:00", "2026-11-21"),
        ("2026-11-22T02:00:00+00:00", "2026-11-22"),
        ("2026-11-22T23:59:59+00:00", "2026-11-22"),
        ("2026-11-22T09:59:59+08:00", "2026-11-21"),
        ("2026-11-22T10:00:00+08:00", "2026-11-22"),
        ("2026-03-01T01:00:00+00:00", "2026-02-28"),
    ],
)
def test_c4_a_batch_is_due_at_one_time_of_day_in_utc(now: str, day: str) -> None:
    policy = policy_of(ADVERT_B, cash_out={"execution": "daily"})
    due = last_batch_time(policy, datetime.fromisoformat(now))
    assert (due.hour, due.minute, due.tzinfo) == (2, 0, UTC)
    assert batch_id(due) == (day, f"springtide:cash-outs:{day}")


@pytest.mark.parametrize(
    "value", ["24:00", "2:00", "02:60", "02:00Z", "02.00", "０2:00", 2, ""]
)
def test_a_time_of_day_is_hours_and_minutes(value: object) -> None:
    assert policy_of(ADVERT_B, cash_out={"at": "23:59"}).cash_out_at_s == 86_340
    with pytest.raises(PolicyError) as error:
        policy_of(ADVERT_B, cash_out={"at": value})
    assert str(error.value) == (
        f'cash_out.at is {value!r}; give hours and minutes UTC like "02:00"'
    )
