"""What a purchase brings the pool, before the pool is looked at.

The split of an order's amount depends on the policy alone, so it is computed for a whole
tape at once. With its own rates of merchants, or commissions whose rest goes to the pool,
give `take_ppm` or `rest`; core's `split_commissions` says what rest there is.

Source: docs/algorithms/pool.md, rule P3.
"""

import numpy as np
from numba import njit

from springtide.core.policy import Policy
from springtide.simulation.arithmetic import LIMIT, OVERFLOW, mul_div, share
from springtide.simulation.layout import (
    AMOUNT,
    BUY,
    CONTRIBUTION,
    KIND,
    ROOM,
    VALUE,
    Codes,
    Ints,
)


@njit(cache=True)
def _price(codes: Codes, money: Ints, take_ppm: Ints, shares: Ints, rest: Ints) -> int:
    largest = 0
    platform_ppm, distribution_ppm, grant_ppm, most, cap, to_pool = shares
    for order in range(len(money)):
        if codes[order, KIND] != BUY:
            continue
        amount = money[order, AMOUNT]
        rate = take_ppm[order] if take_ppm.size > 1 else take_ppm[0]
        take = share(amount, rate)
        distribution = share(take, distribution_ppm)
        given = take - share(take, platform_ppm) - distribution
        money[order, VALUE] = min(share(given, grant_ppm), most)
        money[order, CONTRIBUTION] = given
        if to_pool:
            money[order, CONTRIBUTION] += rest[order] if rest.size else distribution
        room = money[order, ROOM] = share(amount, cap)
        if room == OVERFLOW or largest == OVERFLOW:
            largest = OVERFLOW
        else:
            largest = max(largest, amount, room, money[order, CONTRIBUTION])
    return largest


def price_orders(
    policy: Policy,
    codes: Codes,
    money: Ints,
    rest: Ints | None = None,
    take_ppm: Ints | None = None,
) -> int:
    """Fill in the contribution, the value granted and the headroom of each purchase.

    Gives the largest of these numbers; -1 if a headroom would pass 64 bits, as it then is
    itself. Rounding: down, as in the reducer.
    """
    most = policy.max_grant_value_micro
    shares = np.array(
        [
            policy.platform_ppm,
            policy.distribution_ppm,
            policy.grant_ppm,
            LIMIT if most is None else most,
            policy.cap_ppm or 0,
            policy.rest_to_pool,
        ],
        np.int64,
    )
    rates = np.array([policy.take_ppm], np.int64) if take_ppm is None else take_ppm
    left = np.empty(0, np.int64) if rest is None else rest
    return int(_price(codes, money, rates, shares, left))


@njit(cache=True)
def cash_values(points: Ints, reserve: int, supply: int, keep: int) -> Ints:
    """What each number of points would pay at a price pair, alone; rounded down."""
    paid = np.empty(len(points), np.int64)
    for number in range(len(points)):
        paid[number] = share(mul_div(points[number], reserve, supply), keep)
    return paid
