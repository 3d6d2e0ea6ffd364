"""The rules of docs/algorithms/cash_out.md, run as written."""

import pytest

from springtide.core.units import format_money
from tests.spec import Program, Row, check, check_story, policy_text, worked_examples


@pytest.mark.parametrize("rule", ["C1", "C2"])
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
