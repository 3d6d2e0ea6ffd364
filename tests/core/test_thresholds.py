"""Exits, splits and refunds exactly at the number that decides."""

import pytest

from springtide.core.state import State
from springtide.core.units import LIMIT, MICRO, NANO
from tests.core.history import ADVERT_B, BARE, buy, cash_out, inject, post, refund, start


def before_an_exit() -> State:
    """50 of 51 points are in lot o1, which exits at a price of 2; the reserve is 101.00."""
    state = start(
        BARE, points={"grant_ratio": "0.5"}, cap={"multiple": "1"}, cash_out={"fee": "0.20"}
    )
    post(state, buy("o1", "m1", 100 * MICRO))
    assert state.pair == (101 * MICRO, 51 * NANO)
    return state


def numbers_of(state: State, lot_id: str) -> tuple[int, int, int]:
    lot = state.lots[lot_id]
    return lot.points_nano, lot.headroom_micro, lot.net_micro


def test_a_lot_exits_at_exactly_its_price() -> None:
    state = before_an_exit()
    assert post(state, inject("i", MICRO - 1))[0]["exits"] == []
    receipt = post(state, inject("j", 1))[0]
    assert receipt["exits"] == [
        {
            "lot": "o1",
            "member": "m1",
            "points": 50 * NANO,
            "gross": 100 * MICRO,
            "net": 80 * MICRO,
            "price": 22 * MICRO,
        }
    ]
    assert numbers_of(state, "o1") == (0, 0, 80 * MICRO)
    assert state.pair == (22 * MICRO, NANO)


def test_above_its_price_a_lot_is_paid_its_headroom_and_no_more() -> None:
    state = before_an_exit()
    (row,) = post(state, inject("i", 50 * MICRO))[0]["exits"]
    assert (row["gross"], row["net"]) == (100 * MICRO, 80 * MICRO)  # 50 x 151 / 51 is 148.04


def test_a_lot_without_headroom_waits() -> None:
    state = before_an_exit()
    post(state, inject("i", MICRO - 1), cash_out("x", "m1", 50 * NANO - 1))
    assert state.lots["o1"].headroom_micro == 100 * MICRO - 99_999_999
    assert post(state, inject("j", 10**12))[0]["exits"][0]["gross"] == 1
    post(state, buy("o2", "m2", 1), inject("k", 10**15))
    assert state.lots["o1"].points_nano == 0


def test_points_split_at_exactly_the_price_and_not_below() -> None:
    state = start(BARE, points={"split_at": "2", "split_factor": 10})
    below, at = post(state, inject("i", MICRO - 1), inject("j", 1))
    assert (below["split"], below["price"], below["supply"]) == (1, 2 * MICRO - 1, NANO)
    assert (at["split"], at["price"], at["supply"]) == (10, 200_000, 10 * NANO)


def test_points_split_until_the_price_is_below() -> None:
    state = start(BARE, points={"split_at": "2", "split_factor": 10})
    post(state, buy("o", "m1", MICRO))
    receipt = post(state, inject("i", 1998 * MICRO))[0]
    assert (receipt["split"], receipt["price"]) == (1000, MICRO)
    assert state.split_factor == 1000
    assert state.lots["o"].points_nano == 1000 * NANO
    receipt = post(state, refund("r", "o"))[0]
    assert (receipt["burned"], receipt["released"]) == (1000 * NANO, MICRO)


def test_points_do_not_split_past_64_bits() -> None:
    state = start(BARE, points={"split_at": "2", "split_factor": 1_000_000})
    receipt = post(state, inject("i", 5 * 10**18))[0]
    assert receipt["split"] == 1_000_000
    assert receipt["supply"] == 10**15 <= LIMIT // 1000
    assert receipt["price"] == 5 * 10**12 + 1  # still above 2, but 10^21 points are too many


@pytest.mark.parametrize(
    ("fee", "net", "recovered", "headroom"),
    [
        ("0.20", 255_459_768, 255_459_768, 1_200_000_000),  # all of it: one order's cap is left
        ("0", 319_324_710, 187_632_480, 1_068_307_770),  # what 112 points are worth then
    ],
)
def test_what_a_refund_recovers_gives_headroom_back_as_it_was_before_the_fee(
    fee: str, net: int, recovered: int, headroom: int
) -> None:
    state = start(ADVERT_B, cash_out={"fee": fee}, cap={"multiple": "1.2", "scope": "member"})
    post(state, buy("o1", "m1", 1000 * MICRO), buy("o2", "m1", 1000 * MICRO))
    sold, returned = post(state, cash_out("x", "m1"), refund("r", "o1"))
    assert (sold["gross"], sold["net"]) == (319_324_710, net)
    assert returned["recovered"] == recovered
    assert numbers_of(state, "m1") == (0, headroom, net - recovered)
