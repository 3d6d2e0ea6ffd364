"""docs/algorithms/refusals.md: every code, by an event that gets it."""

import json
from copy import deepcopy
from dataclasses import replace

import pytest

from springtide.core.policy_file import read_policy
from springtide.core.reducer import fold
from springtide.core.state import State, open_state
from tests.spec import Row, worked_examples

POLICY = """
opening_reserve = "{opening}"
split = {{ take_rate = "0.20", platform = "0.10", distribution = "0.10" }}
points = {{ grant_ratio = "0.70" }}
cash_out = {{ fee = "0.20" }}
"""

BEFORE = (
    {"type": "purchase", "id": "o1", "member": "m1", "amount": "1000.00"},
    {"type": "purchase", "id": "o2", "member": "m2", "amount": "100.00"},
    {"type": "refund", "id": "r2", "order": "o2"},
)


def check_refused(state: State, row: Row) -> None:
    before = deepcopy(state)
    outcome = fold(state, json.loads(row["event"].strip("`")))
    assert outcome.entry is None, row["why"]
    assert outcome.receipt.get("error") == row["code"].strip("`"), row["why"]
    assert outcome.refusal is not None
    assert str(outcome.refusal), "a refusal says what is wrong"
    assert state == before, "a refused event changes nothing"


@pytest.mark.parametrize("row", worked_examples("refusals", "F1"))
def test_f1_codes(row: Row) -> None:
    state = open_state(read_policy(POLICY.format(opening="1.00")))
    for event in BEFORE:
        assert fold(state, event).entry is not None
    check_refused(state, row)


@pytest.mark.parametrize("row", worked_examples("refusals", "F3"))
def test_f3_no_cash(row: Row) -> None:
    closed = POLICY.replace('fee = "0.20"', "enabled = false")
    state = open_state(read_policy(closed.format(opening="1.00")))
    for event in BEFORE:
        assert fold(state, event).entry is not None
    check_refused(state, row)


@pytest.mark.parametrize("row", worked_examples("refusals", "F4"))
def test_f4_a_program_that_pays_cash_outs_once_a_day(row: Row) -> None:
    policy = read_policy(POLICY.format(opening="1.00"))
    state = open_state(replace(policy, cash_out_daily=True))
    for event in BEFORE:
        assert fold(state, event).entry is not None
    check_refused(state, row)


@pytest.mark.parametrize("row", worked_examples("refusals", "F2"))
def test_f2_a_program_without_points(row: Row) -> None:
    check_refused(open_state(read_policy(POLICY.format(opening="0"))), row)
