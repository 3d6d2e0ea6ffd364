"""The figures of docs/algorithms/disclosure.md, found as written."""

from math import prod
from typing import Any

import pytest

from springtide.core.disclosure import Rise, outlook
from springtide.core.reducer import fold
from springtide.core.units import format_money, parse_money
from tests.sentences import read_sentence
from tests.spec import Program, Row, check, policy_text, worked_examples


def told(row: Row, rule: str) -> tuple[Program, list[tuple[str, dict[str, Any]]]]:
    """A program after what the row says, and the kinds and receipts of it."""
    program, receipts = Program(policy_text("disclosure", rule)), []
    for sentence in filter(None, row["before"].split("; ")):
        event = read_sentence(sentence)
        outcome = fold(program.state, event)
        assert outcome.entry is not None
        receipts.append((str(event["type"]), outcome.receipt))
    return program, receipts


@pytest.mark.parametrize("row", worked_examples("disclosure", "D1"))
def test_d1_a_purchase_today(row: Row) -> None:
    program, _ = told(row, "D1")
    outcome = fold(program.state, read_sentence(f"new: m9 buys for {row['amount']}"))
    found = outlook(program.policy, parse_money(row["amount"]), outcome.receipt)
    check(row, "value", format_money(found.value))
    check(row, "cash now", format_money(found.cash_now))
    assert found.highest is not None
    assert found.highest_paid is not None
    check(row, "cap", format_money(found.highest))
    check(row, "paid", format_money(found.highest_paid))
    check(row, "price", f"{found.price_multiple:.1f}")
    check(row, "pool", f"{found.pool_multiple:.1f}")


@pytest.mark.parametrize("row", worked_examples("disclosure", "D2"))
def test_d2_what_multiplied_the_price(row: Row) -> None:
    start = Program(policy_text("disclosure", "D2")).state.pair
    program, receipts = told(row, "D2")
    rise = Rise(start)
    for kind, receipt in receipts:
        rise.add(kind, receipt)
    for cause, multiple in rise.multiples.items():
        check(row, cause.replace("_", "-"), f"{multiple:.6f}")
    reserve, supply = program.state.pair
    times = reserve * program.state.split_factor * start[1] / (supply * start[0])
    assert prod(rise.multiples.values()) == pytest.approx(times)


def test_a_purchase_without_points_has_no_multiple() -> None:
    policy = Program(policy_text("disclosure", "D1")).policy
    receipt = {"granted": 0, "split": 1, "reserve": 1, "supply": 1}
    found = outlook(policy, 10**6, receipt)
    assert (found.price_multiple, found.pool_multiple) == (None, None)
