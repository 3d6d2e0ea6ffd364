"""Numbers at their limit, and the order in which an event is checked."""

import pytest

from springtide.core.event_fields import Json
from springtide.core.reducer import fold
from springtide.core.state import State
from springtide.core.units import LIMIT, MICRO, NANO
from tests.core.history import (
    ADVERT_B,
    BARE,
    batch,
    bind,
    buy,
    cash_out,
    inject,
    merged,
    post,
    redeem,
    refund,
    refused,
    snapshot,
    start,
)

FLAT = merged(BARE, opening_reserve="0", points={"start_price": "1000.00"})
"""A nano of points costs a micro of money, so both can come close to the limit."""

FREE = {"merchants": {"free": {"take_rate": "0"}}}
"""A merchant whose sales bring the pool nothing."""

X = 5 * 10**18


def overflows(state: State, event: Json, number: str) -> None:
    """The event is refused for that number, and changes nothing."""
    refusal = refused(state, event)
    assert refusal.code == "overflow"
    assert number in str(refusal)


def test_an_amount_fits_64_bits() -> None:
    state = start(BARE, **FREE)
    overflows(state, buy("o", "m1", LIMIT + 1, merchant="free"), "amount passes")
    receipt = post(state, buy("o", "m1", LIMIT, merchant="free"))[0]
    assert receipt["merchant"] == LIMIT


def test_the_reserve_fits_64_bits() -> None:
    state = start(BARE, opening_reserve="2000.00", points={"start_price": "2000.00"})
    overflows(state, buy("o", "m1", LIMIT - 2 * NANO + 1), "the reserve or the supply")
    post(state, buy("o", "m1", LIMIT - 2 * NANO))
    assert state.reserve_micro == LIMIT
    assert state.supply_nano < LIMIT
    overflows(state, buy("p", "m1", 1), "the reserve or the supply")
    overflows(state, inject("i", 1), "the reserve or the supply")


@pytest.mark.parametrize(("sold", "over"), [(192, 0), (191, 1)])
def test_the_supply_fits_64_bits(sold: int, over: int) -> None:
    state = start(BARE)
    post(state, buy("o", "m1", 9_223_372_035_854_775))
    assert state.supply_nano == LIMIT - 807
    overflows(state, buy("p", "m2", 1), "the reserve or the supply")  # 1,000 nano
    post(state, cash_out("x", "m1", sold))
    if over:  # a micro buys 999 now
        overflows(state, buy("p", "m2", 1), "the reserve or the supply")
    else:
        assert post(state, buy("p", "m2", 1))[0]["granted"] == 999
        assert state.supply_nano == LIMIT


def test_the_points_granted_fit_64_bits() -> None:
    state = start(BARE)
    overflows(state, buy("o", "m1", 9_223_372_036_854_776), "the points granted")
    overflows(state, buy("o", "m1", 9_223_372_036_854_775), "the reserve or the supply")


def test_the_points_of_a_lot_fit_64_bits() -> None:
    state = start(BARE, cap={"multiple": "2", "scope": "member"})
    post(state, buy("o", "m1", 5 * 10**15))
    assert state.lots["m1"].points_nano == 5 * 10**18
    overflows(state, buy("p", "m1", 5 * 10**15), "lot m1")
    overflows(state, buy("p", "m2", 5 * 10**15), "the reserve or the supply")


def test_the_headroom_of_a_lot_fits_64_bits() -> None:
    amount = 9_223_362_813_491_962_316  # the first whose 1.000001 is the limit
    state = start(BARE, cap={"multiple": "1.000001"}, **FREE)
    overflows(state, buy("o", "m1", amount + 1, merchant="free"), "lot o")
    post(state, buy("o", "m1", amount, merchant="free"))
    assert state.lots["o"].headroom_micro == LIMIT


def test_the_headroom_of_several_orders_fits_64_bits() -> None:
    state = start(BARE, cap={"multiple": "2", "scope": "member"}, **FREE)
    post(state, buy("o", "m1", 2**62 - 1, merchant="free"))
    overflows(state, buy("p", "m1", 1, merchant="free"), "lot m1")
    post(state, buy("p", "m2", 1, merchant="free"))


def test_what_was_paid_for_a_lot_fits_64_bits() -> None:
    for excess in (1, 0):
        state = start(FLAT)
        post(state, buy("o", "m1", X), redeem("d", "m1", "shop-a", X - 1000))
        assert state.pair == (1000, 1000)
        post(state, inject("i", LIMIT - X + excess))
        if excess:
            overflows(state, redeem("e", "m1", "shop-b"), "lot o")
        else:
            post(state, redeem("e", "m1", "shop-b"))
            assert state.lots["o"].net_micro == LIMIT


def test_a_wallet_fits_64_bits() -> None:
    for excess in (1, 0):
        state = start(FLAT)
        post(state, buy("o", "m1", X), buy("p", "m1", 1000), cash_out("x", "m1", X))
        assert state.pair == (1000, 1000)
        post(state, inject("i", LIMIT - X - 1000 + excess))
        if excess:
            overflows(state, cash_out("y", "m1"), "wallet:m1")
        else:
            post(state, cash_out("y", "m1"))
            assert state.balances["wallet:m1"] == LIMIT


def test_the_balance_of_a_merchant_fits_64_bits() -> None:
    state = start(FLAT, split={"take_rate": "0.5"})
    post(state, buy("o", "m1", 6 * 10**18, merchant="shop"), inject("i", X))
    overflows(state, redeem("d", "m1", "shop"), "merchant:shop")
    post(state, redeem("d", "m1", "shop", 2_333_764_513_820_540_927))
    assert state.balances["merchant:shop"] == LIMIT - 2
    overflows(state, buy("p", "m1", 5, merchant="shop"), "merchant:shop")
    post(state, buy("p", "m1", 4, merchant="shop"))
    assert state.balances["merchant:shop"] == LIMIT
    overflows(state, buy("q", "m1", 1, merchant="shop"), "merchant:shop")
    post(state, buy("q", "m1", 1, merchant="other"))


def test_the_sources_of_money_fit_64_bits_below_zero() -> None:
    state = start(BARE, **FREE)
    post(state, buy("o", "m1", LIMIT - 5, merchant="free"), buy("p", "m1", 5))
    assert state.balances["payments"] == -LIMIT
    overflows(state, buy("q", "m1", 1), "payments")
    flat = start(FLAT)
    post(flat, buy("o", "m1", 2000), inject("i", X), redeem("d", "m1", "shop", 1999))
    overflows(flat, inject("j", X), "injections")
    post(flat, inject("j", LIMIT - X))
    assert flat.balances["injections"] == -LIMIT


def nearly_full() -> State:
    """Lot o1 exits at a price of 2, and payments have room for 5.00 more."""
    state = start(
        BARE,
        points={"grant_ratio": "0.5"},
        cap={"multiple": "1"},
        cash_out={"fee": "0.20"},
        **FREE,
    )
    post(state, buy("o1", "m1", 100 * MICRO))
    assert state.pair == (101 * MICRO, 51 * NANO)
    post(state, buy("o2", "m2", LIMIT - 105 * MICRO, merchant="free"))
    return state


@pytest.mark.parametrize(
    ("trigger", "exits"),
    [
        (buy("p", "m3", 5 * MICRO), [("o1", 80 * MICRO), ("p", 4 * MICRO)]),
        (inject("p", 10 * MICRO), [("o1", 80 * MICRO)]),
    ],
)
def test_exits_found_before_an_overflow_are_undone_and_happen_later(
    trigger: Json, exits: list[tuple[str, int]]
) -> None:
    state, calm = nearly_full(), nearly_full()
    for number in range(3):
        overflows(state, buy(f"big{number}", "m3", 10 * MICRO), "payments")
    receipt = post(state, trigger)[0]
    assert [(row["lot"], row["net"]) for row in receipt["exits"]] == exits
    assert post(calm, trigger)[0] == receipt
    assert snapshot(state) == snapshot(calm)


def test_without_balances_money_past_64_bits_is_a_defect_of_the_caller() -> None:
    state = nearly_full()
    state.holds_all_balances = False
    post(state, buy("p", "m3", 4 * MICRO))  # with the opening reserve, all there is room for
    before = snapshot(state)
    with pytest.raises(AssertionError, match="balances must be loaded"):
        fold(state, buy("q", "m3", 1))
    before.pop("triggers")
    after = snapshot(state)
    after.pop("triggers")
    assert after == before


BAD_SHAPE: list[Json] = [
    {"type": "purchase", "id": "a", "member": "", "amount": "x"},
    {"type": "purchase", "id": "a", "member": "m1", "region": "1", "amount": "x"},
    {"type": "purchase", "id": "a", "member": "m1", "merchant": 5, "amount": "x"},
    {"type": "purchase", "id": "a", "member": "m1", "referrer": "\x00", "amount": "x"},
    {"type": "purchase", "id": "a", "member": "m" * 256, "amount": "x"},
    {"type": "purchase", "id": "a", "member": "\ud800", "amount": "x"},
    {"type": "cash_out", "id": "a", "points": "x"},
    {"type": "cash_out_batch", "id": "a", "requests": [{"member": "m1", "points": "x"}, {}]},
    {"type": "cash_out_batch", "id": "a", "requests": [{"member": "m1", "points": "x"}, 5]},
    {"type": "cash_out_batch", "id": "a", "requests": {"member": "m1", "points": "x"}},
    {"type": "redeem", "id": "a", "member": "m1", "points": "x"},
    {"type": "redeem", "id": "a", "member": "m1", "merchant": "", "points": "x"},
    {"type": "inject", "id": None, "amount": "x"},
    {"type": ["inject"], "id": "a", "amount": "x"},
]


@pytest.mark.parametrize("event", BAD_SHAPE)
def test_the_shape_is_checked_before_the_amounts(event: Json) -> None:
    assert refused(start(ADVERT_B), event).code == "invalid_event"


def test_a_known_id_is_checked_before_the_shape() -> None:
    state = start(ADVERT_B)
    post(state, bind("b", "m1", "m2"))
    assert refused(state, {"type": "gift", "id": "b"}).code == "id_reused"
    assert refused(state, {"type": "gift", "id": "c"}).code == "invalid_event"


def test_amounts_are_checked_before_the_state() -> None:
    state = start(merged(ADVERT_B, opening_reserve="0"))
    bad_points = {"type": "cash_out", "id": "x", "member": "m1", "points": "0"}
    assert refused(state, bad_points).code == "invalid_amount"
    assert refused(state, {"type": "inject", "id": "i", "amount": "0"}).code == "invalid_amount"
    twice = [{"member": "m1", "points": "1"}, {"member": "m1", "points": "0"}]
    wish = {"type": "cash_out_batch", "id": "x", "requests": twice}
    assert refused(state, wish).code == "invalid_amount"


def test_the_state_is_checked_before_overflow() -> None:
    state = start(merged(ADVERT_B, opening_reserve="0"))
    assert refused(state, inject("i", 10 * LIMIT)).code == "no_points_in_circulation"
    assert refused(state, cash_out("x", "m1", 10 * LIMIT)).code == "insufficient_points"
    assert refused(state, refund("r", "o")).code == "unknown_order"


def test_all_of_a_batch_is_checked_before_overflow() -> None:
    state = start(FLAT)
    post(state, buy("o", "m1", X), redeem("d", "m1", "shop-a", X - 1000))
    post(state, inject("i", LIMIT - X + 1))
    overflows(state, batch("x", ("m1", None)), "lot o")
    assert refused(state, batch("x", ("m2", 1), ("m1", None))).code == "insufficient_points"
    assert refused(state, batch("x", ("m1", None), ("m2", 1))).code == "insufficient_points"


def test_a_refused_event_does_not_keep_its_id() -> None:
    state = start(ADVERT_B)
    assert refused(state, cash_out("e", "m1")).code == "insufficient_points"
    assert refused(state, buy("e", "m1", LIMIT)).code == "overflow"
    post(state, buy("e", "m1", MICRO))
    assert refused(state, cash_out("e", "m1")).code == "id_reused"


def test_content_is_equal_only_if_its_json_is() -> None:
    state = start(ADVERT_B)
    order = buy("o", "m1", MICRO, note=1)
    first = post(state, order)[0]
    assert fold(state, dict(list(order.items())[::-1])).receipt == first
    assert refused(state, {**order, "amount": "1.0"}).code == "id_reused"
    assert refused(state, {**order, "region": None}).code == "id_reused"


def test_true_and_one_are_not_equal_content() -> None:
    state = start(ADVERT_B)
    order = buy("o", "m1", MICRO, note=1)
    post(state, order)
    assert refused(state, {**order, "note": True}).code == "id_reused"
