"""What a purchase will really bring: figures that stand beside every price.

Money and points are exact; multiples and shares are for people, in floating point.
Source: docs/algorithms/disclosure.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

from springtide.core.policy import Policy
from springtide.core.units import PPM

CAUSES = {
    "purchase": "purchases",
    "settle": "purchases",
    "cash_out": "cash_outs",
    "cash_out_batch": "cash_outs",
    "redeem": "cash_outs",
    "refund": "refunds",
    "inject": "injections",
}
"""What each kind of event lifts the price by; exits at the cap are counted apart."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """One purchase, as it would be now; money in micro, points in nano."""

    amount: int
    granted: int
    value: int
    """Of the points granted, right after it."""
    cash_now: int
    """What they would pay if they were cashed at once."""
    highest: int | None
    """What they may be worth at most; None without a cap."""
    highest_paid: int | None
    """What is paid of it, after the fee; of store credit all."""
    price_multiple: float | None
    """How many times dearer points must become until that is reached."""
    pool_multiple: float | None
    """How many times larger the pool must become by purchases alone; None if never."""


def outlook(policy: Policy, amount_micro: int, receipt: Mapping[str, Any]) -> Outlook:
    """What the receipt of a purchase means for the buyer.

    Rounding: down, as the pool rounds.
    """
    granted, reserve, supply = receipt["granted"], receipt["reserve"], receipt["supply"]
    value = granted * receipt["split"] * reserve // supply
    highest = paid = price = pool = None
    if policy.cap_ppm is not None:
        highest = amount_micro * policy.cap_ppm // PPM
        paid = highest if policy.cap_pays_credit else policy.after_cash_out_fee(highest)
        if value:
            price = highest / value
            if policy.grant_ppm < PPM:
                pool = price ** (PPM / (PPM - policy.grant_ppm))
    cash = policy.after_cash_out_fee(value)
    return Outlook(amount_micro, granted, value, cash, highest, paid, price, pool)


class Rise:
    """By how much each cause multiplied the price so far, as entries are told one by one.

    The product of all is the price now over the price at the start, splits undone. While
    nobody holds points the price stands still.
    """

    def __init__(self, start: tuple[int, int]) -> None:
        """`start` is the reserve and the supply that the price begins with."""
        self.logs = dict.fromkeys([*CAUSES.values(), "exits"], 0.0)
        self.pair = start

    def add(self, kind: str, receipt: Mapping[str, Any]) -> None:
        """Count an entry, the next after those that were counted."""
        reserve, supply = self.pair
        before = log(reserve / supply)
        left = receipt["supply"] // receipt["split"]
        exits = receipt["exits"]
        if left:
            paid = sum(row["net"] for row in exits)
            burnt = sum(row["points"] for row in exits)
            between = log((receipt["reserve"] + paid) / (left + burnt))
            self.logs["exits"] += log(receipt["reserve"] / left) - between
            if kind in CAUSES:
                self.logs[CAUSES[kind]] += between - before
            self.pair = receipt["reserve"], receipt["supply"]

    @property
    def multiples(self) -> dict[str, float]:
        """By what each cause multiplied the price."""
        return {cause: exp(growth) for cause, growth in self.logs.items()}
