"""Commissions by example: who is paid, why, how much, and who is not.

Orders are of 1000.00, so a rate of 0.001 is an amount of 1.00.
"""

from itertools import pairwise
from typing import Any

import pytest

from springtide.core.state import State
from springtide.core.units import MICRO
from tests.core.history import ADVERT_B, bind, buy, merged, post, refund, start

ORDER = 1000 * MICRO
Rows = list[tuple[str, str, int]]

REFERRAL = {"direct": "0.003", "indirect": "0.002"}
TERRITORY = {"territory": {"district": "0.001", "city": "0.002", "province": "0.003"}}
AGENTS = {"330106": "a1", "3301": "a2", "33": "a3"}


def rows_of(state: State, id_: str = "o", amount: int = ORDER, **more: object) -> Rows:
    receipt = post(state, buy(id_, "buyer", amount, **more))[0]
    rows = [(row["kind"], row["to"], row["amount"]) for row in receipt["commissions"]]
    paid = sum(row[2] for row in rows)
    take = amount - receipt["merchant"]
    assert receipt["platform"] + paid + receipt["contribution"] == take
    return rows


def chained(state: State, *members: str) -> State:
    """Each member is referred by the next one; the buyer is the first."""
    for number, (member, referrer) in enumerate(pairwise(members)):
        receipt = post(state, bind(f"bind-{number}", member, referrer))[0]
        assert receipt["referrer"] == referrer
    return state


def test_nobody_is_paid_if_nobody_qualifies() -> None:
    state = start(
        ADVERT_B,
        commission=merged(REFERRAL, recruiter="0.005", **TERRITORY),
        agents=AGENTS,
        merchants={"shop": {}},
    )
    assert rows_of(state, merchant="shop", region="44") == []
    receipt = post(state, buy("p", "buyer", ORDER))[0]
    assert receipt["platform"] == 40 * MICRO  # its 20, and the 20 that nobody earned
    assert receipt["contribution"] == 160 * MICRO


def test_the_rest_goes_to_the_pool_if_the_policy_says_so() -> None:
    state = start(ADVERT_B, split={"unallocated": "pool"}, commission=REFERRAL)
    chained(state, "buyer", "r1")
    receipt = post(state, buy("o", "buyer", ORDER))[0]
    assert (receipt["platform"], receipt["contribution"]) == (20 * MICRO, 177 * MICRO)
    assert receipt["granted"] == 112_000_000_000  # the rest grants no points


def test_direct_goes_to_the_referrer_and_indirect_to_theirs() -> None:
    state = chained(start(ADVERT_B, commission=REFERRAL), "buyer", "r1", "r2", "r3")
    assert rows_of(state) == [("direct", "r1", 3 * MICRO), ("indirect", "r2", 2 * MICRO)]
    alone = chained(start(ADVERT_B, commission=REFERRAL), "buyer", "r1")
    assert rows_of(alone) == [("direct", "r1", 3 * MICRO)]


def test_rows_of_zero_are_left_out() -> None:
    state = chained(start(ADVERT_B, commission={"indirect": "0.002"}), "buyer", "r1", "r2")
    assert rows_of(state) == [("indirect", "r2", 2 * MICRO)]
    assert rows_of(state, "p", 500) == [("indirect", "r2", 1)]
    assert rows_of(state, "q", 499) == []


def test_a_binding_on_a_purchase_acts_before_its_commissions_and_once() -> None:
    state = start(ADVERT_B, commission=REFERRAL)
    chained(state, "r1", "r2")
    first = [("direct", "r1", 3 * MICRO), ("indirect", "r2", 2 * MICRO)]
    assert rows_of(state, referrer="r1") == first
    assert rows_of(state, "p", referrer="r9") == first
    assert rows_of(state, "q") == first
    assert post(state, bind("late", "buyer", "r9"))[0]["referrer"] == "r1"


def test_binding_oneself_or_closing_a_loop_is_ignored() -> None:
    state = start(ADVERT_B, commission=REFERRAL)
    assert rows_of(state, referrer="buyer") == []
    chained(state, "r1", "r2", "buyer")
    assert rows_of(state, "p", referrer="r1") == []
    assert post(state, bind("x", "buyer", "r2"))[0]["referrer"] is None
    assert rows_of(state, "q", referrer="r3") == [("direct", "r3", 3 * MICRO)]
    assert state.referrers == {"buyer": "r3", "r1": "r2", "r2": "buyer"}


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_referrer_binds_nobody(nothing: str | None) -> None:
    state = start(ADVERT_B, commission=REFERRAL)
    assert rows_of(state, referrer=nothing, merchant=nothing, region=nothing) == []
    assert state.referrers == {}


@pytest.mark.parametrize(
    ("region", "agents", "rows"),
    [
        ("330106", AGENTS, [("a1", 1), ("a2", 1), ("a3", 1)]),
        ("3301", AGENTS, [("a2", 2), ("a3", 1)]),
        ("33", AGENTS, [("a3", 3)]),
        ("330107", AGENTS, [("a2", 2), ("a3", 1)]),
        ("330206", AGENTS, [("a3", 3)]),
        ("440106", AGENTS, []),
        ("330106", {"330106": "a1", "33": "a3"}, [("a1", 1), ("a3", 2)]),
        ("330106", {"330106": "a1"}, [("a1", 1)]),
        ("330106", {"33": "buyer"}, [("buyer", 3)]),
        ("330106", {}, []),
    ],
)
def test_territory_pays_the_difference_going_up(
    region: str, agents: dict[str, str], rows: list[tuple[str, int]]
) -> None:
    state = start(ADVERT_B, commission=TERRITORY, agents=agents)
    expected = [("territory", agent, amount * MICRO) for agent, amount in rows]
    assert rows_of(state, region=region) == expected


def test_a_lower_rate_further_up_is_not_paid() -> None:
    rates = {"district": "0.003", "city": "0.003", "province": "0.001"}
    state = start(ADVERT_B, commission={"territory": rates}, agents=AGENTS)
    assert rows_of(state, region="330106") == [("territory", "a1", 3 * MICRO)]


def test_a_territory_rate_counts_even_if_its_amount_is_zero() -> None:
    rates = {"district": "0.000999", "city": "0.001998", "province": "0.01"}
    state = start(ADVERT_B, commission={"territory": rates}, agents=AGENTS)
    # of 1,000 micro: 0.999 and 0.999 round to nothing, and 8.002 of the 10 are left
    assert rows_of(state, amount=1000, region="330106") == [("territory", "a3", 8)]


def test_an_order_without_a_region_has_that_of_its_merchant() -> None:
    shops = {"shop": {"region": "330106"}, "plain": {}}
    state = start(ADVERT_B, commission=TERRITORY, agents=AGENTS, merchants=shops)
    district = [("territory", agent, MICRO) for agent in ("a1", "a2", "a3")]
    assert rows_of(state, "o1", merchant="shop") == district
    assert rows_of(state, "o2", merchant="shop", region="") == district
    assert rows_of(state, "o3", merchant="shop", region=None) == district
    assert rows_of(state, "o4", merchant="shop", region="33") == [
        ("territory", "a3", 3 * MICRO)
    ]
    assert rows_of(state, "o5", merchant="shop", region="44") == []
    assert rows_of(state, "o6", merchant="plain") == []
    assert rows_of(state, "o7", merchant="unknown") == []


def test_the_recruiter_of_the_merchant_is_paid_even_as_the_buyer() -> None:
    shops = {"shop": {"recruiter": "m7"}, "own": {"recruiter": "buyer"}, "plain": {}}
    state = start(ADVERT_B, commission={"recruiter": "0.005"}, merchants=shops)
    assert rows_of(state, "o1", merchant="shop") == [("recruiter", "m7", 5 * MICRO)]
    assert rows_of(state, "o2", merchant="own") == [("recruiter", "buyer", 5 * MICRO)]
    assert rows_of(state, "o3", merchant="plain") == rows_of(state, "o4") == []


RATES = {"1": "0.001", "2": "0.002", "3": "0.004", "none": "0"}


def levelled(levels: dict[str, str], depth: int = 10, **more: str) -> State:
    """The buyer below r1 to r5."""
    level: dict[str, Any] = {"max_depth": depth, "rates": RATES, **more}
    state = start(ADVERT_B, commission={"level": level}, levels=levels)
    return chained(state, "buyer", "r1", "r2", "r3", "r4", "r5")


@pytest.mark.parametrize(
    ("levels", "rows"),
    [
        ({"r1": "1", "r2": "2", "r3": "3"}, [("r1", 1), ("r2", 1), ("r3", 2)]),
        ({"r1": "3", "r2": "2", "r3": "1"}, [("r1", 4)]),
        ({"r2": "2", "r3": "1", "r5": "3"}, [("r2", 2), ("r5", 2)]),
        ({"r1": "none", "r3": "none", "r4": "1"}, [("r4", 1)]),
        ({"r1": "unheard-of", "r2": "1"}, [("r2", 1)]),
        ({"buyer": "3", "r2": "1"}, [("r2", 1)]),
        ({}, []),
    ],
)
def test_levels_pay_the_difference_going_up(
    levels: dict[str, str], rows: list[tuple[str, int]]
) -> None:
    expected = [("level", earner, amount * MICRO) for earner, amount in rows]
    assert rows_of(levelled(levels)) == expected


@pytest.mark.parametrize(
    ("depth", "earners"), [(0, []), (1, []), (2, ["r2"]), (3, ["r2"]), (4, ["r2", "r4"])]
)
def test_levels_are_looked_for_up_to_max_depth(depth: int, earners: list[str]) -> None:
    rows = rows_of(levelled({"r2": "1", "r4": "2"}, depth))
    assert [earner for _, earner, _ in rows] == earners


def test_peers_are_paid_once_for_a_rate() -> None:
    same = dict.fromkeys(("r1", "r2", "r3"), "1")
    state = levelled({**same, "r4": "2", "r5": "2"}, peer="0.0005")
    assert rows_of(state) == [
        ("level", "r1", MICRO),
        ("peer", "r2", MICRO // 2),
        ("level", "r4", MICRO),
        ("peer", "r5", MICRO // 2),
    ]


def test_only_the_highest_paid_rate_has_a_peer() -> None:
    state = levelled({"r1": "2", "r2": "1", "r3": "1", "r4": "2"}, peer="0.0005")
    assert rows_of(state) == [("level", "r1", 2 * MICRO), ("peer", "r4", MICRO // 2)]
    zeros = levelled({"r1": "none", "r2": "none"}, peer="0.0005")
    assert rows_of(zeros) == []


def test_a_level_rate_counts_even_if_its_amount_is_zero() -> None:
    state = levelled({"r1": "1", "r2": "2"}, peer="0.0005")
    assert rows_of(state, amount=999) == []  # 0.999 and 0.999
    assert rows_of(state, "p", 1999) == [("level", "r1", 1), ("level", "r2", 1)]


def everything(**split: str) -> State:
    """An order of 1000.00 that pays every kind: 3 + 2 + 1 + 1 + 1 + 5 + 1 + 0.5 + 2 = 16.5."""
    level = {"max_depth": 3, "peer": "0.0005", "rates": {"1": "0.001", "2": "0.003"}}
    commission = merged(REFERRAL, recruiter="0.005", level=level, **TERRITORY)
    state = start(
        ADVERT_B,
        split=split,
        commission=commission,
        merchants={"shop": {"region": "330106", "recruiter": "m7"}},
        agents=AGENTS,
        levels={"r1": "1", "r2": "1", "r3": "2"},
    )
    return chained(state, "buyer", "r1", "r2", "r3")


ALL_ROWS: Rows = [
    ("direct", "r1", 3_000_000),
    ("indirect", "r2", 2_000_000),
    ("territory", "a1", 1_000_000),
    ("territory", "a2", 1_000_000),
    ("territory", "a3", 1_000_000),
    ("recruiter", "m7", 5_000_000),
    ("level", "r1", 1_000_000),
    ("peer", "r2", 500_000),
    ("level", "r3", 2_000_000),
]


def test_kinds_are_paid_in_order_and_what_is_left_goes_to_the_platform() -> None:
    state = everything()
    assert rows_of(state, merchant="shop") == ALL_ROWS
    assert state.balances["platform"] == 20_000_000 + 20_000_000 - 16_500_000


def test_earners_return_their_commissions_with_a_refund() -> None:
    state = everything()
    rows = rows_of(state, merchant="shop")
    earners = {earner for _, earner, _ in rows}
    earned = {earner: state.balances[f"wallet:{earner}"] for earner in earners}
    agents = dict.fromkeys(AGENTS.values(), 1_000_000)
    others = {"r1": 4_000_000, "r2": 2_500_000, "r3": 2_000_000, "m7": 5_000_000}
    assert earned == others | agents
    post(state, refund("r", "o"))
    assert {state.balances[f"wallet:{earner}"] for earner in earners} == {0}


@pytest.mark.parametrize(
    ("amount", "rows"),
    [
        (100, [("direct", "r1", 30), ("indirect", "r2", 20), ("recruiter", "m7", 10)]),
        (17, [("direct", "r1", 5), ("indirect", "r2", 3), ("recruiter", "m7", 1)]),
        (12, [("direct", "r1", 3), ("indirect", "r2", 2), ("recruiter", "m7", 1)]),
        (10, [("direct", "r1", 3), ("indirect", "r2", 2), ("recruiter", "m7", 1)]),
        (7, [("direct", "r1", 2), ("indirect", "r2", 1)]),
        (2, []),
    ],
)
def test_commissions_are_rounded_down_each(amount: int, rows: Rows) -> None:
    """Eight tenths are taken, of them three quarters distributed: 0.60 of an order at most."""
    shop = {"take_rate": "0.80", "recruiter": "m7"}
    state = start(
        ADVERT_B,
        split={"take_rate": "0.80", "platform": "0", "distribution": "0.75"},
        commission={"direct": "0.3", "indirect": "0.2", "recruiter": "0.1"},
        merchants={"shop": shop},
    )
    chained(state, "buyer", "r1", "r2")
    assert rows_of(state, amount=amount, merchant="shop") == rows


@pytest.mark.parametrize(
    ("amount", "rows"),
    [
        (17, [("direct", "r1", 5), ("indirect", "r2", 4)]),  # 13 taken, 9 to share: 5 and not 5
        (12, [("direct", "r1", 3), ("indirect", "r2", 3)]),  # 9 taken, 6 to share
        (7, [("direct", "r1", 2), ("indirect", "r2", 1)]),  # 5 taken, 3 to share: 2 and not 2
        (2, []),  # 1 taken, nothing to share
    ],
)
def test_an_exhausted_budget_pays_what_is_left(amount: int, rows: Rows) -> None:
    state = start(
        ADVERT_B,
        split={"take_rate": "0.80", "platform": "0", "distribution": "0.75"},
        commission={"direct": "0.3", "indirect": "0.3"},
    )
    chained(state, "buyer", "r1", "r2")
    assert rows_of(state, amount=amount) == rows


def test_who_comes_after_an_exhausted_budget_has_nothing() -> None:
    state = start(
        ADVERT_B,
        split={"take_rate": "0.80", "platform": "0", "distribution": "0.75"},
        commission={"direct": "0.5", "indirect": "0.1"},
    )
    chained(state, "buyer", "r1", "r2")
    assert rows_of(state, amount=12) == [("direct", "r1", 6)]  # 6 to share, though 1 is due
    assert rows_of(state, "p", 13) == [("direct", "r1", 6), ("indirect", "r2", 1)]
