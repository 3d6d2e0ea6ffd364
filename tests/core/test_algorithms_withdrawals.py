"""The rules of docs/algorithms/withdrawals.md, run as written."""

import pytest

from springtide.core.units import parse_money
from springtide.core.withdrawal import GIVEN_BACK, NEXT, STATES
from springtide.services.payouts import Sandbox
from tests.spec import Row, check, check_story, plain, worked_examples


@pytest.mark.parametrize("rule", ["W1", "W2", "W3", "W5"])
def test_stories(rule: str) -> None:
    check_story("withdrawals", rule)


@pytest.mark.parametrize("row", worked_examples("withdrawals", "W4"))
def test_w4_where_each_state_leads(row: Row) -> None:
    state = plain(row["state"])
    check(row, "can become", " ".join(NEXT.get(state, ())))
    back = "in the wallet" if state in GIVEN_BACK else "on its way"
    check(row, "the money is", "paid out" if state == "settled" else back)


def test_w4_names_every_state_once() -> None:
    named = [plain(row["state"]) for row in worked_examples("withdrawals", "W4")]
    assert sorted(named) == sorted(STATES)


@pytest.mark.parametrize("row", worked_examples("withdrawals", "W6"))
def test_w6_what_the_sandbox_makes_of_an_amount(row: Row) -> None:
    check(row, "becomes", Sandbox().state_of(parse_money(row["amount"])))
