"""What can be known without simulating: formulas of the pool when orders are equal.

Floating point, for people and pictures; the tests hold each against the kernels. `grant` is
the grant ratio, `fee` the cash-out fee, both as fractions of one.

Source: docs/algorithms/simulation.md.
"""

from math import exp, lgamma


def price_after(orders: int, grant: float) -> float:
    """The price after equal orders when nobody sells, from 1 and an empty pool (Y1)."""
    if orders == 0:
        return 1.0
    return exp(lgamma(grant) + lgamma(orders + 1) - lgamma(orders + grant))


def multiple_to_cap(cap: float, contribution_share: float, grant: float) -> float:
    """How many times dearer points must be than when bought, for a lot to exit (Y2)."""
    return cap / (contribution_share * grant)


def orders_until_cap(buyer: int, multiple: float, grant: float) -> int:
    """How many orders there must be in all for the buyer of a number to exit (Y2)."""
    goal = price_after(buyer - 1, grant) * multiple
    low, high = buyer, 2 * buyer
    while price_after(high, grant) < goal:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if price_after(middle, grant) < goal:
            low = middle + 1
        else:
            high = middle
    return low


def share_reaching_cap(multiple: float, grant: float) -> float:
    """The share of orders that ever exit in the long run, if nothing else is sold (Y2)."""
    return float(multiple ** (-1 / (1 - grant)))


def highest_share_reaching_cap(cap: float, contribution_share: float, fee: float) -> float:
    """The share of equal orders that can ever exit, whatever anybody does (Y3).

    All exits together cannot pay more than all orders contributed.
    """
    return min(contribution_share / ((1 - fee) * cap), 1.0)


def paid_to_leaver(gone: float, fee: float) -> float:
    """What a point is paid after a share of all points left, one after the other (Y4).

    As a share of the price before the first left.
    """
    return float((1 - fee) * (1 - gone) ** -fee)


def points_paid_when_short(cover: float, fee: float) -> float:
    """The share of points that are paid if only a share of the reserve is there (Y5)."""
    return float(1 - (1 - cover) ** (1 / (1 - fee)))
