"""The rules of docs/algorithms/refund.md, run as written."""

import pytest

from springtide.core.units import format_money, parse_money
from tests.spec import Program, Row, check, check_story, policy_text, worked_examples


def _bought(row: Row, rule: str) -> Program:
    """A program in which m1 bought, and then happened what the row says."""
    bearer = f'refund = {{ bearer = "{row.get("bearer", "merchant")}" }}\n'
    program = Program(policy_text("refund", rule) + bearer)
    order = program.tell("o1: m1 buys for 1000.00 at shop-1, sent by m0").receipt
    assert (order["contribution"], order["granted"]) == ("160.000000", "112.000000000")
    for sentence in filter(None, row["then"].split("; ")):
        assert "error" not in program.tell(sentence).receipt
    return program


@pytest.mark.parametrize("row", worked_examples("refund", "R1"))
def test_r1_what_is_burnt_released_and_recovered(row: Row) -> None:
    program = _bought(row, "R1")
    check(row, "price before", program.look("price"))
    receipt = program.tell("r1: o1 is refunded").receipt
    for column in ("burned", "released", "recovered", "shortfall"):
        check(row, column, receipt[column])
    check(row, "buyer gets", format_money(program.balance("refunds")))
    check(row, "price after", program.look("price"))


@pytest.mark.parametrize("row", worked_examples("refund", "R2"))
def test_r2_who_pays_what(row: Row) -> None:
    program = _bought(row, "R2")
    accounts = {
        "merchant": "merchant:shop-1",
        "platform": "platform",
        "m0": "wallet:m0",
        "pool": "pool",
    }
    before = {column: program.balance(account) for column, account in accounts.items()}
    receipt = program.tell("r1: o1 is refunded").receipt
    paid = {
        column: before[column] - program.balance(account)
        for column, account in accounts.items()
    }
    for column, amount in paid.items():
        check(row, column, format_money(amount))
    buyer_gets = parse_money("1000.00") - parse_money(receipt["recovered"])
    check(row, "buyer gets", format_money(buyer_gets))
    assert sum(paid.values()) == buyer_gets == program.balance("refunds")


@pytest.mark.parametrize("rule", ["R3", "R4", "R5", "R6"])
def test_stories(rule: str) -> None:
    check_story("refund", rule)
