"""The rules of docs/algorithms/amounts.md, run as written."""

import json

import pytest

from springtide.core.units import (
    LIMIT,
    format_money,
    format_points,
    parse_money,
    parse_points,
)
from tests.spec import Program, Row, plain, worked_examples

POLICY = """
opening_reserve = "1.00"
split = { take_rate = "1", platform = "0", distribution = "0" }
points = { grant_ratio = "1" }
cash_out = { fee = "0" }
"""

WRITERS = {"money": format_money, "points": format_points}
READERS = {"money": parse_money, "points": parse_points}


@pytest.mark.parametrize("row", worked_examples("amounts", "M1"))
def test_m1_how_amounts_are_written(row: Row) -> None:
    write, read = WRITERS[row["quantity"]], READERS[row["quantity"]]
    assert row["counted in"] == {"money": "micro", "points": "nano"}[row["quantity"]]
    assert row["one unit"] == write(1)
    assert row["one unit below zero"] == write(-1)
    assert row["largest"] == write(LIMIT)
    assert read(row["largest"]) == LIMIT


def _field(row: Row, name: str) -> dict[str, object]:
    return {} if row["input"] == "missing" else {name: json.loads(plain(row["input"]))}


@pytest.mark.parametrize("row", worked_examples("amounts", "M2"))
def test_m2_how_money_is_read(row: Row) -> None:
    program = Program(POLICY)
    event = {"type": "inject", "id": "i1", **_field(row, "amount")}
    receipt = program.post(event).receipt
    added = format_money(program.state.reserve_micro - parse_money("1.00"))
    assert row["as money"] == receipt.get("error", added), row["why"]
    if "error" in receipt:
        assert added == "0.000000"


@pytest.mark.parametrize("row", worked_examples("amounts", "M2"))
def test_m2_how_points_are_read(row: Row) -> None:
    program = Program(POLICY)
    program.tell("o1: m1 buys for 100")
    event = {"type": "cash_out", "id": "x1", "member": "m1", **_field(row, "points")}
    receipt = program.post(event).receipt
    taken = format_points(parse_points("101") - program.state.supply_nano)
    assert row["as points"] == receipt.get("error", taken), row["why"]
    if "error" in receipt:
        assert taken == "0.000000000"


REFUSALS = {"invalid_amount", "invalid_event", "insufficient_points", "overflow"}


def _refusal(cell: str) -> str | None:
    return cell if cell in REFUSALS else None


@pytest.mark.parametrize("row", worked_examples("amounts", "M2"))
def test_m2_holds_for_every_event_with_an_amount(row: Row) -> None:
    program = Program(POLICY)
    purchase = {"type": "purchase", "id": "o1", "member": "m1", **_field(row, "amount")}
    assert program.post(purchase).receipt.get("error") == _refusal(row["as money"])
    request = {"member": "m1", **_field(row, "points")}
    events: list[dict[str, object]] = [
        {"type": "cash_out_batch", "id": "x1", "requests": [request]},
        {"type": "redeem", "id": "d1", "merchant": "shop-1", **request},
    ]
    for event in events:
        program = Program(POLICY)
        program.tell("o1: m1 buys for 100")
        assert program.post(event).receipt.get("error") == _refusal(row["as points"])
