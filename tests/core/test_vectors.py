"""The vectors: policies and events, and the receipts every implementation must give."""

import json
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from springtide.core.entry import HorizonReached
from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.receipts import render
from springtide.core.reducer import fold
from springtide.core.state import EVERYTHING, State, open_state
from tests.core.history import snapshot, triggers_of

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(path.name.removesuffix(".policy.toml") for path in VECTORS.glob("*.policy.toml"))


def opened(name: str) -> State:
    return open_state(read_policy((VECTORS / f"{name}.policy.toml").read_text("utf-8")))


def lines(name: str, kind: str) -> list[Any]:
    text = (VECTORS / f"{name}.{kind}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def in_order(value: object) -> object:
    """A value of JSON in which the order of keys counts."""
    if isinstance(value, dict):
        return [(key, in_order(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [in_order(item) for item in value]
    return value


def test_all_vectors_are_complete() -> None:
    assert len(NAMES) == 11
    assert len(list(VECTORS.iterdir())) == 3 * len(NAMES)
    for name in NAMES:
        assert len(lines(name, "events")) == len(lines(name, "receipts")) > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_receipts_come_out_equal(name: str) -> None:
    state = opened(name)
    pairs = zip(lines(name, "events"), lines(name, "receipts"), strict=True)
    for number, (event, expected) in enumerate(pairs, 1):
        given = render(fold(state, event).receipt)
        assert list(given) == list(expected), f"fields of line {number}"
        for field, value in expected.items():
            assert in_order(given[field]) == in_order(value), f"{field} of line {number}"


@pytest.mark.parametrize("name", NAMES)
def test_a_state_without_balances_gives_the_same_receipts(name: str) -> None:
    state = opened(name)
    state.holds_all_balances = False
    before = dict(state.balances)
    for event, expected in zip(lines(name, "events"), lines(name, "receipts"), strict=True):
        assert render(fold(state, event).receipt) == expected
    assert state.balances == before


def deep(state: State) -> dict[str, Any]:
    held = {field.name: deepcopy(getattr(state, field.name)) for field in fields(state)}
    held["triggers"] = triggers_of(state)
    return held


def spoilt(event: Json, posted: list[str]) -> list[Json]:
    """Variants of an event, and others, each of which must be refused."""
    huge = {"type": "purchase", "id": "spoilt", "member": "m1", "referrer": "m2"}
    dust = {"member": "m1", "points": "0.000000001"}
    return [
        {**event, "id": "spoilt", "type": "gift"},
        {**event, "id": ""},
        {**event, "id": 7},
        *({**event, "id": known, "note": "other content"} for known in posted[-3:]),
        {"type": "cash_out", "id": "spoilt", "member": "m1", "points": "123456789"},
        {"type": "cash_out", "id": "spoilt", "member": "nobody", "points": "all"},
        {"type": "refund", "id": "spoilt", "order": "never"},
        {**huge, "amount": "0"},
        {**huge, "amount": "9223372036854.775807"},
        {**huge, "amount": "9223372036854.775808"},
        {"type": "cash_out_batch", "id": "spoilt", "requests": [dust, dust]},
    ]


@pytest.mark.parametrize("name", ["edges-order", "edges-member"])
def test_refused_events_leave_the_state_bit_equal(name: str) -> None:
    state, posted, own_refusals = opened(name), list[str](), 0
    for event in lines(name, "events"):
        before = deep(state)
        for bad in spoilt(event, posted):
            assert fold(state, bad).refusal is not None, bad
            assert deep(state) == before, bad
        if fold(state, event).refusal is None:
            posted.append(event["id"])
        else:
            own_refusals += 1
            assert deep(state) == before
    errors = [line["error"] for line in lines(name, "receipts") if "error" in line]
    assert own_refusals == len(errors) > 3


def test_a_working_set_that_lacks_lots_says_so_and_changes_nothing() -> None:
    state, told = opened("ties-order"), 0
    pairs = zip(lines("ties-order", "events"), lines("ties-order", "receipts"), strict=True)
    for event, expected in pairs:
        if "error" not in expected:
            state.horizon = 0
            before = snapshot(state)
            with pytest.raises(HorizonReached):
                fold(state, event)
            told += 1
            assert snapshot(state) == before
            state.horizon = EVERYTHING
        assert render(fold(state, event).receipt) == expected
    assert told == 16


@pytest.mark.parametrize("odd", [None, 7, 0.5, True, [], ["a"], [{"price": "x"}], {"net": "x"}])
@pytest.mark.parametrize("field", ["id", "type"])
def test_a_refusal_repeats_any_id_and_type_as_they_are(field: str, odd: object) -> None:
    event: dict[str, object] = {"id": "a", "type": "inject", "amount": "1"}
    outcome = fold(opened("ties-order"), {**event, field: odd})
    assert render(outcome.receipt) == {
        "id": "a",
        "type": "inject",
        "error": "invalid_event",
        "reserve": "1.000000",
        "supply": "1.000000000",
        "price": "1.000000",
    } | {field: odd}
