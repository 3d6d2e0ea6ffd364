"""The rules of docs/algorithms/exits.md, run as written."""

import re

import pytest

from springtide.core.state import KEY_SCALE
from springtide.core.units import LIMIT
from tests.spec import Program, Row, check, check_story, policy_text, worked_examples


@pytest.mark.parametrize("rule", ["E2", "E4"])
def test_stories(rule: str) -> None:
    check_story("exits", rule)


def _policy(row: Row, payout: str) -> str:
    cap = f'cap = {{ multiple = "{row["multiple"]}", payout = "{payout}" }}'
    return re.sub(r"^cap = .*$", cap, policy_text("exits", "E1"), flags=re.MULTILINE)


def _price_key(row: Row) -> int:
    """The price key after the injection, seen in a program without a cap."""
    program = Program(re.sub(r"cap = .*", "", policy_text("exits", "E1")))
    program.tell(f"o1: m1 buys for {row['bought']}")
    program.tell(f"i1: {row['injected']} is injected")
    return program.state.reserve_micro * KEY_SCALE // program.state.supply_nano


@pytest.mark.parametrize("row", worked_examples("exits", "E1"))
def test_e1_when_a_lot_exits(row: Row) -> None:
    program = Program(_policy(row, "cash"))
    program.tell(f"o1: m1 buys for {row['bought']}")
    key = program.look("o1 key")
    exits = program.tell(f"i1: {row['injected']} is injected").receipt["exits"]
    check(row, "trigger key", "never" if key == str(LIMIT) else key)
    check(row, "price key", _price_key(row))
    check(row, "exits", "yes" if exits else "no")


@pytest.mark.parametrize("row", worked_examples("exits", "E3"))
def test_e3_how_an_exit_pays(row: Row) -> None:
    program = Program(_policy(row, row["payout"]))
    program.tell(f"o1: m1 buys for {row['bought']}")
    receipt = program.tell(f"i1: {row['injected']} is injected").receipt
    one = receipt["exits"][0] if receipt["exits"] else {}
    check(row, "gross", one.get("gross"))
    check(row, "net", one.get("net"))
    check(row, "wallet", program.look("m1 wallet"))
    check(row, "credit", program.look("m1 credit"))
    check(row, "price", one.get("price", receipt["price"]))
    assert receipt["price"] == program.look("price")


@pytest.mark.parametrize("row", worked_examples("exits", "E5"))
def test_e5_when_points_are_not_split(row: Row) -> None:
    opening = f'opening_reserve = "{row["opening reserve"]}"'
    policy = re.sub(r"opening_reserve = .*", opening, policy_text("exits", "E5"))
    receipt = Program(policy).tell(f"i1: {row['injected']} is injected").receipt
    for column in ("split", "supply", "price"):
        check(row, column, receipt[column])
