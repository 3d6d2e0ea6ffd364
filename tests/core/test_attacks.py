"""Attacks that are known from elsewhere, each with what it would bring and what it brings.

`POOL` sends everything that is paid to the pool, as if merchants, the platform and the
earners were the attacker; in advert B a fifth is taken and four fifths of that contributed.
"""

import pytest

from springtide.core.reducer import fold
from springtide.core.state import State
from springtide.core.units import MICRO, NANO
from tests.core.history import (
    ADVERT_B,
    BARE,
    batch,
    bind,
    buy,
    cash_out,
    inject,
    merged,
    points_of,
    post,
    redeem,
    refund,
    refused,
    start,
)

POOL = merged(BARE, points={"grant_ratio": "0.70"}, cash_out={"fee": "0.20"})


def wallet(state: State, member: str) -> int:
    return state.balances.get(f"wallet:{member}", 0)


def inflate(opening: str) -> tuple[int, list[int]]:
    """Buy for 100, sell all points but one unit, let 200 others buy, sell the unit."""
    state = start(POOL, opening_reserve=opening)
    granted = post(state, buy("o", "thief", 100 * MICRO))[0]["granted"]
    post(state, cash_out("x", "thief", granted - 1))
    victims = [buy(f"v{number}", f"v{number}", 25 * MICRO) for number in range(200)]
    grants = [receipt["granted"] for receipt in post(state, *victims)]
    post(state, cash_out("y", "thief"))
    return wallet(state, "thief") - 100 * MICRO, grants


def test_exit_fee_inflation_works_without_an_opening_reserve() -> None:
    """Wants the exit fee behind one unit, so that buyers get nothing; only the demo is open."""
    assert inflate("0") == (3_995_999_999, [0] * 200)


@pytest.mark.parametrize(
    ("opening", "gain", "least", "most"),
    [
        ("1.00", -20_338_029, 178_107_505, 820_131_982),
        ("100.00", -34_117_648, 4_461_243_790, 13_048_245_522),
    ],
)
def test_exit_fee_inflation_loses_against_an_opening_reserve(
    opening: str, gain: int, least: int, most: int
) -> None:
    """Wants the fees behind one unit; the opening points hold the supply up, and take them."""
    lost, grants = inflate(opening)
    assert lost == gain
    assert (min(grants), max(grants)) == (least, most)
    assert grants == sorted(grants, reverse=True)


def test_an_empty_pool_gives_its_residue_to_nobody() -> None:
    """Wants the 1,600 that the last holder left behind for 1.00; it is orphaned instead."""
    state = start(POOL, opening_reserve="0")
    post(state, buy("o", "m1", 8000 * MICRO), cash_out("x", "m1"))
    assert (state.reserve_micro, state.supply_nano) == (0, 0)
    assert state.orphaned_micro == state.balances["orphaned"] == 1600 * MICRO
    assert state.pair == (8000 * MICRO, 5600 * NANO)
    bought, sold = post(state, buy("p", "thief", MICRO), cash_out("y", "thief"))
    assert bought["granted"] == 490_000_000  # 0.70 at the price of before, 8000 / 5600
    assert sold["net"] == 800_000  # their own contribution less the fee
    assert state.orphaned_micro == 1_600_200_000


def test_an_opened_pool_is_never_empty() -> None:
    """Wants the residue of a pool that all have left; the opening points own it."""
    state = start(POOL, opening_reserve="1.00")
    post(state, buy("o", "m1", 8000 * MICRO), cash_out("x", "m1"))
    assert (state.reserve_micro, state.supply_nano) == (1_601_342_796, NANO)
    bought, sold = post(state, buy("p", "thief", MICRO), cash_out("y", "thief"))
    assert bought["granted"] == 437_133
    assert sold["net"] == 560_104  # 0.7 x 0.8 of 1.00, and a little of what they pay in


@pytest.mark.parametrize(
    ("opening", "nets"),
    [
        ("0", [80_000_000, 65_882_352, 62_222_221]),
        ("1.00", [79_661_971, 65_824_560, 62_199_261]),
    ],
)
def test_the_first_buyer_pays_no_entry_but_still_loses_the_fee(
    opening: str, nets: list[int]
) -> None:
    """Wants to be first and leave at once; even alone the exit fee of a fifth is lost."""
    for place, net in enumerate(nets):
        state = start(POOL, opening_reserve=opening)
        for number in range(place + 1):
            post(state, buy(f"o{number}", f"m{number}", 100 * MICRO))
        assert post(state, cash_out("x", f"m{place}"))[0]["net"] == net


def whale() -> State:
    """Somebody who holds 42 % of the points: 350 of 841.419161676."""
    state = start(POOL)
    post(state, buy("o1", "whale", 500 * MICRO), buy("o2", "m2", 1000 * MICRO))
    assert (state.lots["o1"].points_nano, state.supply_nano) == (350 * NANO, 841_419_161_676)
    return state


WHOLE = 499_489_456
"""What the whale is paid at one price: 350 x 1501 / 841.419161676, less a fifth."""


def test_slicing_an_exit_gains_one_after_the_other_but_not_within_a_batch() -> None:
    """Wants own fees back by selling in slices; a batch takes one request a member."""
    state = whale()
    assert post(state, cash_out("x", "whale"))[0]["net"] == WHOLE
    state, tenth = whale(), 35 * NANO
    slices = [cash_out(f"x{number}", "whale", tenth) for number in range(10)]
    assert sum(row["net"] for row in post(state, *slices)) == 522_472_379
    state = whale()
    wishes = [("whale", tenth)] * 10
    assert refused(state, batch("x", *wishes)).code == "duplicate_member"
    assert post(state, batch("x", ("whale", None)))[0]["paid"][0]["net"] == WHOLE


def test_a_batch_pays_everybody_the_same_price_in_any_order() -> None:
    """Wants to be first, or last, in a batch; the place makes no difference."""
    wishes = [("whale", None), ("m2", 100 * NANO)]
    paid = {}
    for order in (wishes, wishes[::-1]):
        state = whale()
        rows = post(state, batch("x", *order))[0]["paid"]
        paid[order[0]] = sorted((row["member"], row["gross"], row["net"]) for row in rows)
    first, second = paid.values()
    assert first == second == [("m2", 178_389_091, 142_711_272), ("whale", 624_361_820, WHOLE)]


def test_slicing_over_accounts_within_a_batch_gains_nothing() -> None:
    """Wants a request for each of ten accounts; together they are paid what one would be."""
    one, ten = start(POOL), start(POOL)
    for state in (one, ten):
        post(state, inject("i", 700 * MICRO), buy("o2", "m2", 1000 * MICRO))
    for state in (one, ten):
        members = ["whale"] if state is one else [f"w{number}" for number in range(10)]
        orders = [buy(f"p-{member}", member, 500 * MICRO // len(members)) for member in members]
        granted = [receipt["granted"] for receipt in post(state, *orders)]
        post(state, batch("x", *((member, None) for member in members)))
        if state is one:
            most, single = granted[0], wallet(state, "whale")
        assert sum(granted) <= most
        assert sum(wallet(state, member) for member in members) <= single
    assert single == 300_477_815


@pytest.mark.parametrize(
    ("bearer", "gain"), [("merchant", -136_443_152), ("platform", -59_552_576)]
)
def test_a_refund_pump_loses_and_leaves_the_price_up(bearer: str, gain: int) -> None:
    """Wants a big order to lift the price for an accomplice, and its money back; the pool
    gives back no more than the burnt points are worth, and the shortfall is the ring's own."""
    state = start(ADVERT_B, refund={"bearer": bearer})
    mine = {"merchant": "mine"}
    post(state, buy("o1", "honest", 1000 * MICRO), buy("o2", "b", 1000 * MICRO, **mine))
    quiet = state.pair
    post(state, buy("o3", "a", 10_000 * MICRO, **mine), cash_out("x", "b"))
    pumped = state.pair
    receipt = post(state, refund("r", "o3"))[0]
    assert receipt["released"] == 1_523_109_424  # of the 1,600 contributed
    assert receipt["shortfall"] == 1600 * MICRO - receipt["released"] == 76_890_576
    for reserve, supply in (quiet, pumped):
        assert state.reserve_micro * supply >= reserve * state.supply_nano
    paid_back = 10_000 * MICRO - receipt["recovered"]
    theirs = wallet(state, "b") + state.balances["merchant:mine"]
    assert theirs + paid_back - 11_000 * MICRO == gain
    if bearer == "platform":
        assert gain - receipt["shortfall"] == -136_443_152  # counted as theirs, it is the same


def test_a_refund_after_cash_out_returns_what_the_points_brought() -> None:
    """Wants the order back after selling its risen points; what they brought is kept."""
    state = start(ADVERT_B)
    post(state, buy("o1", "a", 1000 * MICRO, merchant="mine"))
    post(state, *(buy(f"p{number}", f"m{number}", 1000 * MICRO) for number in range(9)))
    net = post(state, cash_out("x", "a"))[0]["net"]
    assert net == wallet(state, "a") == 233_600_182
    reserve, supply = state.pair
    receipt = post(state, refund("r", "o1"))[0]
    assert (receipt["burned"], receipt["released"], receipt["shortfall"]) == (0, 0, 0)
    assert receipt["recovered"] == net
    assert state.balances["refunds"] == 1000 * MICRO - net
    assert state.balances["merchant:mine"] == 0
    assert state.pair == (reserve + net - 160 * MICRO, supply)  # the contribution went back
    assert refused(state, refund("r2", "o1")).code == "already_refunded"


def test_a_refund_cannot_pump_a_lot_of_one_member() -> None:
    """Wants a second order's points burnt for the first's contribution; value bounds it."""
    state = start(ADVERT_B, cap={"multiple": "1.2", "scope": "member"})
    post(state, buy("o1", "a", 1000 * MICRO), cash_out("x", "a"), buy("o2", "a", 10 * MICRO))
    held, pair = points_of(state, ["a"]), state.pair
    receipt = post(state, refund("r", "o1"))[0]
    assert receipt["burned"] == held == 33_593_458
    assert receipt["released"] == held * 160 * MICRO // (112 * NANO) == 47_990
    assert receipt["recovered"] == 127_660_176
    assert state.reserve_micro * pair[1] >= pair[0] * state.supply_nano


def test_dust_orders_by_the_thousand_buy_nothing() -> None:
    """Wants roundings in the buyer's favour; what rounding leaves goes to the pool."""
    state = start(ADVERT_B)
    orders = [buy(f"o{number}", "m1", 9) for number in range(2000)]
    for receipt in post(state, *orders):
        assert (receipt["merchant"], receipt["platform"]) == (8, 0)
        assert (receipt["contribution"], receipt["granted"]) == (1, 0)
    assert state.pair == (MICRO + 2000, NANO)


def test_dust_exits_by_the_thousand_are_paid_nothing() -> None:
    """Wants each unit rounded up to a micro; each is rounded down to nothing."""
    state = start(ADVERT_B)
    post(state, buy("o", "m1", 1000 * MICRO))
    assert state.pair == (161 * MICRO, 113 * NANO)
    post(state, *(cash_out(f"x{number}", "m1", 1) for number in range(2000)))
    post(state, *(cash_out(f"y{number}", "m1", 701) for number in range(2000)))
    assert state.pair == (161 * MICRO, 113 * NANO - 2000 - 2000 * 701)
    assert wallet(state, "m1") == 0
    paid = [post(state, cash_out(f"z{number}", "m1", 1404)) for number in range(1000)]
    assert {receipt["gross"] for (receipt,) in paid} == {2}  # 2.0003 at the price of 1.424
    assert wallet(state, "m1") == 1000  # 2 less a fifth, rounded down


def test_dust_orders_by_the_thousand_earn_no_commission() -> None:
    """Wants a thousandth rounded up on each of many small orders; it is rounded down."""
    whole = start(ADVERT_B, commission={"direct": "0.001"})
    post(whole, bind("b", "m1", "ref"), buy("o", "m1", 10_000 * MICRO))
    even = start(ADVERT_B, commission={"direct": "0.001"})
    post(even, bind("b", "m1", "ref"))
    post(even, *(buy(f"o{number}", "m1", 5 * MICRO) for number in range(2000)))
    assert wallet(whole, "ref") == wallet(even, "ref") == 10 * MICRO
    dust = start(ADVERT_B, commission={"direct": "0.001"})
    post(dust, bind("b", "m1", "ref"))
    post(dust, *(buy(f"o{number}", "m1", 1999) for number in range(2000)))
    assert wallet(dust, "ref") == 2000  # of 3,998 that one order of the same sum would bring
    assert post(dust, buy("o", "m1", 999))[0]["commissions"] == []


def test_splitting_an_order_never_helps() -> None:
    """Wants more points by many small orders; each pays the price the ones before it made."""
    granted = []
    for parts in (1, 2, 10, 100, 1000):
        state = start(ADVERT_B)
        post(state, buy("o", "m0", 100 * MICRO))
        slices = [buy(f"p{part}", "m1", 1000 * MICRO // parts) for part in range(parts)]
        post(state, *slices)
        assert state.reserve_micro == 177 * MICRO
        granted.append(points_of(state, ["m1"]))
    assert granted == sorted(granted, reverse=True)
    assert granted == [
        80_376_470_588, 70_432_989_690, 56_023_430_868, 51_256_854_818, 50_752_729_013,
    ]  # fmt: skip


MALFORMED = [
    "-1", "-0.000001", "NaN", "Infinity", "1e3", "１００", "1.５", "", " 1", "1,000", "0x10",
    "0", "0.000000", "000", 100, 0.5, True, None, ["1"], "0.0000001", "1.0000000",
    "9" * 5000 + "x",
]  # fmt: skip


@pytest.mark.parametrize("amount", MALFORMED, ids=lambda value: repr(value)[:12])
def test_malformed_amounts_are_refused_and_never_rounded(amount: object) -> None:
    """Wants a negative price, a float, or digits that other parsers read differently."""
    state = start(ADVERT_B)
    post(state, buy("o", "m1", 1000 * MICRO))
    order = {"type": "purchase", "id": "p", "member": "m1", "amount": amount}
    assert refused(state, order).code == "invalid_amount"
    gift = {"type": "inject", "id": "p", "amount": amount}
    assert refused(state, gift).code == "invalid_amount"
    if amount not in ("0.0000001", "1.0000000"):
        wish = {"type": "cash_out", "id": "p", "member": "m1", "points": amount}
        assert refused(state, wish).code == "invalid_amount"


@pytest.mark.parametrize("amount", ["9223372036854.775808", "1" + "0" * 30, "9" * 5000])
def test_oversized_amounts_are_refused(amount: str) -> None:
    """Wants a number that wraps round; past 64 bits it is refused, at any length."""
    state = start(ADVERT_B)
    post(state, buy("o", "m1", 1000 * MICRO))
    order = {"type": "purchase", "id": "p", "member": "m1", "amount": amount}
    assert refused(state, order).code == "overflow"
    assert refused(state, {"type": "inject", "id": "p", "amount": amount}).code == "overflow"
    wish = {"type": "cash_out", "id": "p", "member": "m1", "points": amount}
    assert refused(state, wish).code == "insufficient_points"


def test_referral_loops_are_ignored_and_own_referrers_never_pay() -> None:
    """Wants commissions on own orders; a loop binds nobody, and the take is far above them."""
    state = start(ADVERT_B, commission={"direct": "0.003", "indirect": "0.002"})
    standing = [
        ("me-1", "me-1", None),
        ("me-1", "me-2", "me-2"),
        ("me-2", "me-1", None),
        ("me-2", "me-3", "me-3"),
        ("me-3", "me-1", None),
        ("me-1", "me-3", "me-2"),
    ]
    for number, (member, referrer, stands) in enumerate(standing):
        assert post(state, bind(f"b{number}", member, referrer))[0]["referrer"] == stands
    bought, sold = post(
        state, buy("o", "me-1", 1000 * MICRO, merchant="mine"), cash_out("x", "me-1")
    )
    assert bought["commissions"] == [
        {"kind": "direct", "to": "me-2", "amount": 3 * MICRO},
        {"kind": "indirect", "to": "me-3", "amount": 2 * MICRO},
    ]
    assert sold["net"] == 127_660_176
    back = state.balances["merchant:mine"] + 5 * MICRO + sold["net"]
    assert back - 1000 * MICRO == -67_339_824


def test_a_new_order_does_not_raise_the_cap_of_an_old_lot() -> None:
    """Wants more headroom for a lot about to exit; in scope "order" a lot has its own."""
    state = start(ADVERT_B, cap={"multiple": "1.2"})
    post(state, buy("o1", "m1", 1000 * MICRO))
    post(state, buy("o2", "m1", 100 * MICRO), redeem("d", "m1", "mine", NANO))
    assert state.lots["o1"].headroom_micro == 1200 * MICRO - 1_464_493
    assert state.lots["o2"].headroom_micro == 120 * MICRO


def test_a_repeated_event_pays_once() -> None:
    """Wants one request paid twice; its id answers with the first receipt."""
    state = whale()
    wish = cash_out("x", "whale", 100 * NANO)
    first = post(state, wish)[0]
    seq, paid = state.seq, wallet(state, "whale")
    again = fold(state, {**wish})
    assert again.receipt == first
    assert again.entry is None
    assert (state.seq, wallet(state, "whale")) == (seq, paid)
    assert refused(state, cash_out("x", "whale", 200 * NANO)).code == "id_reused"
    assert refused(state, inject("x", 1)).code == "id_reused"
