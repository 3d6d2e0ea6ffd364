"""Who orders what and when, drawn from a scenario's seed."""

from math import exp, pi, sin
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from springtide.core.policy import Policy
from springtide.core.units import MICRO, PPM
from springtide.simulation.layout import Ints
from springtide.simulation.scenario import MOST_BASKET, MOST_ORDERS, Scenario, ScenarioError

NOBODY = -1


class Drawn(NamedTuple):
    """The orders of one period."""

    member: Ints
    amount: Ints
    rest: Ints
    """What direct and indirect commissions leave of each order's distribution, in micro."""
    earner: NDArray[np.int64]
    """Of each order the referrer and theirs, or NOBODY, one column each."""
    earned: Ints


def order_counts(scenario: Scenario) -> list[int]:
    """How many orders each period brings.

    Raises:
        ScenarioError: more than can be simulated.
    """
    orders, periods = scenario.orders, scenario.time.periods
    if orders.rows:
        counts = [0] * periods
        for period, _, _ in orders.rows:
            counts[period] += 1
        return counts
    total, counts = 0.0, []
    for period in range(periods):
        expected = _expected(scenario, period)
        if orders.stop_after and period >= orders.stop_after:
            expected = 0.0
        before, total = total, total + expected
        if total > MOST_ORDERS:
            raise ScenarioError(
                f"orders pass {MOST_ORDERS:,} in period {period}; let them grow less or shorter"
            )
        counts.append(int(total + 0.5) - int(before + 0.5))
    return counts


def _expected(scenario: Scenario, period: int) -> float:
    orders = scenario.orders
    level = orders.per_period
    if orders.growth == "linear":
        level = max(level * (1 + orders.rate * period), 0.0)
    elif orders.growth == "exponential":
        level *= (1 + orders.rate) ** period
    elif orders.growth == "logistic" and level:
        level = orders.limit / (1 + (orders.limit / level - 1) * exp(-orders.rate * period))
    if orders.season_length:
        level *= 1 + orders.season_strength * sin(2 * pi * period / orders.season_length)
    return level


class Population:
    """Members as they come; each period draws from a stream of its own."""

    def __init__(self, scenario: Scenario, most: int) -> None:
        self.scenario = scenario
        self.count = 0
        self.joined = np.zeros(most, np.int64)
        self.referrer = np.full(most, NOBODY, np.int64)
        self.spent = np.zeros(most, np.int64)
        self.commissions = np.zeros(most, np.int64)
        self._names: dict[str, int] = {}
        self._rows: dict[int, list[tuple[int, str]]] = {}
        for at, amount, name in scenario.orders.rows:
            self._rows.setdefault(at, []).append((amount, name))

    def draw(
        self, period: int, count: int, policy: Policy, chance: np.random.Generator
    ) -> Drawn:
        """The orders of a period, and the members they bring."""
        if self.scenario.orders.rows:
            member, amount = self._from_rows(period)
        else:
            member, amount = self._members(count, chance), self._amounts(count, chance)
        self._join(member, period, chance)
        np.add.at(self.spent, member, amount)
        return self._commission(member, amount, policy)

    def _from_rows(self, period: int) -> tuple[Ints, Ints]:
        members, amounts = [], []
        for amount, name in self._rows.get(period, ()):
            key = name or f"\n{len(self._names)}"
            members.append(self._names.setdefault(key, len(self._names)))
            amounts.append(amount)
        return np.array(members, np.int64), np.array(amounts, np.int64)

    def _members(self, count: int, chance: np.random.Generator) -> Ints:
        is_new = chance.random(count) >= self.scenario.members.returning
        if count and not self.count:
            is_new[0] = True
        known = self.count + np.cumsum(is_new)
        before = np.maximum(known - is_new, 1)
        return np.where(is_new, known - 1, (chance.random(count) * before).astype(np.int64))

    def _amounts(self, count: int, chance: np.random.Generator) -> Ints:
        basket = self.scenario.basket
        if basket.shape == "uniform":
            drawn = basket.mean + basket.spread * (2 * chance.random(count) - 1)
        elif basket.shape == "lognormal":
            sigma = basket.spread
            drawn = basket.mean * np.exp(sigma * chance.standard_normal(count) - sigma**2 / 2)
        else:
            drawn = np.full(count, basket.mean)
        cents = np.clip(np.rint(drawn * 100), 1, MOST_BASKET * 100).astype(np.int64)
        return cents * (MICRO // 100)

    def _join(self, member: Ints, period: int, chance: np.random.Generator) -> None:
        count = max(self.count, int(member.max()) + 1 if member.size else 0)
        newcomers = np.arange(self.count, count)
        self.joined[newcomers] = period
        sent = (chance.random(len(newcomers)) < self.scenario.members.referred) & (
            newcomers > 0
        )
        above = (chance.random(len(newcomers)) * newcomers).astype(np.int64)
        self.referrer[newcomers] = np.where(sent, above, NOBODY)
        self.count = count

    def _commission(self, member: Ints, amount: Ints, policy: Policy) -> Drawn:
        """Direct and indirect commissions; see docs/algorithms/commission.md."""
        take = amount * policy.take_ppm // PPM
        rest = take * policy.distribution_ppm // PPM
        direct = self.referrer[member]
        indirect = np.where(direct == NOBODY, NOBODY, self.referrer[direct])
        earned = np.zeros((len(member), 2), np.int64)
        rates = (policy.direct_ppm, policy.indirect_ppm)
        for column, (earner, rate) in enumerate(zip((direct, indirect), rates, strict=True)):
            wanted = np.where(earner == NOBODY, 0, amount * rate // PPM)
            earned[:, column] = np.minimum(wanted, rest)
            rest = rest - earned[:, column]
            np.add.at(
                self.commissions, earner[earner != NOBODY], earned[earner != NOBODY, column]
            )
        return Drawn(member, amount, rest, np.stack([direct, indirect], axis=1), earned)
