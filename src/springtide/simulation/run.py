"""Running a scenario: period by period, orders and sales become a tape, and the tape is played.

All chance is drawn from the seed, a stream for each period, so a run gives the same
integers wherever and in whatever company it runs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from springtide.core.units import MICRO, PPM
from springtide.simulation.behaviours import BEHAVIOURS, Numbers, View, decide
from springtide.simulation.layout import (
    ALL,
    BATCH,
    BUY,
    CASH_OUT,
    CASHED,
    CONTRIBUTED,
    EXIT_PAID,
    EXITS,
    FACTOR,
    GRANTED,
    INJECT,
    INJECTED,
    NET,
    ORDERS,
    POINTS,
    REDEEM,
    REDEEMED,
    REFUND,
    RELEASED,
    REQUEST,
    RESERVE,
    SUPPLY,
    UNPAID,
    Ints,
    Tape,
)
from springtide.simulation.machine import Machine
from springtide.simulation.population import Population, order_counts
from springtide.simulation.scenario import Scenario, Shock

PERIOD_FIELDS = {
    "reserve_micro": RESERVE,
    "supply_nano": SUPPLY,
    "split_factor": FACTOR,
    "exits": EXITS,
    "exit_paid_micro": EXIT_PAID,
    "cashed_micro": CASHED,
    "redeemed_micro": REDEEMED,
    "released_micro": RELEASED,
    "injected_micro": INJECTED,
    "contributed_micro": CONTRIBUTED,
    "unpaid_micro": UNPAID,
}
"""Columns of a period: the pool after it, and what was counted since the start."""

Rows = list[tuple[int, Numbers, Numbers]]
"""Kind, who and amount of events of one kind."""


@dataclass
class Run:
    """A scenario that was played to its end."""

    scenario: Scenario
    machine: Machine
    population: Population
    periods: list[dict[str, int | float]] = field(default_factory=list)
    tapes: list[Tape] = field(default_factory=list)
    """Of every period, if they were asked for."""


class _Player:
    def __init__(self, scenario: Scenario, counts: list[int]) -> None:
        orders = max(sum(counts), 1)
        self.scenario = scenario
        self.machine = Machine(scenario.policy, orders, orders)
        self.population = Population(scenario, orders)
        self.prices = [self.machine.price]
        self.counts: list[int] = []
        shares = np.cumsum([one.share for one in scenario.behaviours] or [0.0])
        # Whoever falls past all shares holds.
        self.follows = np.searchsorted(
            shares, np.random.default_rng([scenario.seed, 0]).random(orders), side="right"
        )

    def points(self) -> Ints:
        """The points of every member."""
        held = np.zeros(self.population.count, np.int64)
        lots = self.machine.book.lots[: len(self.machine.member_of_lots())]
        kept = np.flatnonzero(lots[:, POINTS])
        np.add.at(held, self.machine.member_of_lots()[kept], lots[kept, POINTS])
        return held

    def received(self) -> Ints:
        """What points paid every member so far."""
        paid = np.zeros(self.population.count, np.int64)
        lots = np.flatnonzero(self.machine.book.lots[:, NET])
        owners = self.machine.member_of_lots()[lots]
        np.add.at(paid, owners, self.machine.book.lots[lots, NET])
        return paid

    def shocks(self, period: int, chance: np.random.Generator) -> Rows:
        rows: Rows = []
        for shock in self.scenario.shocks:
            if shock.at == period:
                rows += self._shock(shock, chance)
        return rows

    def _shock(self, shock: Shock, chance: np.random.Generator) -> Rows:
        if shock.policy is not None:
            self.machine.change_policy(shock.policy)
        elif shock.kind == "custody":
            self.machine.lose(round(shock.share * PPM))
        elif shock.kind == "injection":
            amount = np.array([round(shock.amount * MICRO)])
            return [(INJECT, np.zeros(1, np.int64), amount)] if amount[0] else []
        elif shock.kind == "refund_wave":
            known = np.flatnonzero(
                self.machine.book.orders[: self.machine[ORDERS], GRANTED] >= 0
            )
            chosen = known[chance.random(len(known)) < shock.share]
            return [(REFUND, chosen, np.zeros(len(chosen), np.int64))]
        else:
            holders = np.flatnonzero(self.points())
            running = chance.permutation(holders[chance.random(len(holders)) < shock.share])
            return [(CASH_OUT, running, np.full(len(running), ALL))]
        return []

    def wishes(self, period: int, chance: np.random.Generator) -> tuple[Numbers, Numbers]:
        """Who wants to sell and who wants to redeem in this period."""
        behaviours = self.scenario.behaviours
        if all(one.name == "hold" for one in behaviours) or not self.population.count:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        points, received = self.points(), self.received()
        reserve, supply = self.machine.pair
        keep = 1 - self.scenario.policy.cash_out_fee_ppm / PPM
        chosen: dict[bool, list[Numbers]] = {False: [], True: []}
        for number, one in enumerate(behaviours):
            mine = (self.follows[: len(points)] == number) & (points > 0)
            members = np.flatnonzero(mine)
            worth = points[members] * (reserve / supply) * keep
            view = View(
                period=period,
                members=members,
                cash_now=worth.astype(np.int64),
                spent=self.population.spent[members],
                received=received[members],
                joined=self.population.joined[members],
                prices=self.prices,
                orders=self.counts,
                chance=chance,
            )
            entry = BEHAVIOURS[one.name]
            chosen[entry.redeems].append(decide(entry, view, one.settings))
        nobody = np.zeros(0, np.int64)
        return np.concatenate([nobody, *chosen[False]]), np.concatenate([nobody, *chosen[True]])

    def play(self, period: int, count: int) -> Tape:
        """One period: shocks, then orders with the sales of those who want to among them."""
        chance = np.random.default_rng([self.scenario.seed, period + 1])
        first = self.shocks(period, chance)
        drawn = self.population.draw(period, count, self.machine.policy, chance)
        self.counts.append(count)
        selling, redeeming = self.wishes(period, chance)
        orders: Rows = [(BUY, drawn.member, drawn.amount)]
        later: Rows = [(REDEEM, redeeming, np.full(len(redeeming), ALL))]
        if self.scenario.pricing == "instant":
            later.append((CASH_OUT, selling, np.full(len(selling), ALL)))
            last: Rows = []
        else:
            last = [
                (BATCH, np.zeros(1, np.int64), np.array([len(selling)])),
                (REQUEST, selling, np.full(len(selling), ALL)),
            ]
        mixed = _joined(orders + later)
        sales = len(mixed[0]) - count
        places = np.concatenate(
            [np.arange(count), np.floor(chance.random(sales) * (count + 1)) - 0.5]
        )
        order = np.argsort(places, kind="stable")
        parts = [_joined(first), tuple(column[order] for column in mixed)]
        parts.append(_joined(last if len(selling) else []))
        kind, who, amount = (np.concatenate(column) for column in zip(*parts, strict=True))
        rest = np.zeros(len(kind), np.int64)
        rest[kind == BUY] = drawn.rest
        tape = self.machine.tape(kind, who, amount, rest=rest)
        self.machine.play(tape)
        self.prices.append(self.machine.price)
        return tape


def _joined(rows: Rows) -> tuple[Numbers, Numbers, Numbers]:
    nothing = np.zeros(0, np.int64)
    kinds = [np.full(len(who), kind, np.int64) for kind, who, _ in rows]
    return (
        np.concatenate([nothing, *kinds]),
        np.concatenate([nothing, *(who for _, who, _ in rows)]),
        np.concatenate([nothing, *(amount for _, _, amount in rows)]),
    )


def run(
    scenario: Scenario,
    *,
    progress: Callable[[int], None] = lambda orders: None,
    keep_tapes: bool = False,
) -> Run:
    """Play a scenario to its end; `progress` is told the orders of every period.

    Raises:
        ScenarioError: it has more orders than can be simulated.
        SimulationLimit: a number would pass 64 bits.
    """
    counts = order_counts(scenario)
    player = _Player(scenario, counts)
    done = Run(scenario, player.machine, player.population)
    for period, count in enumerate(counts):
        tape = player.play(period, count)
        numbers = {name: player.machine[place] for name, place in PERIOD_FIELDS.items()}
        done.periods.append(
            {
                "period": period,
                "orders": count,
                "spent_micro": int(tape.money[tape.codes[:, 0] == BUY, 0].sum()),
                "price": player.prices[-1],
                **numbers,
            }
        )
        if keep_tapes:
            done.tapes.append(tape)
        progress(count)
    return done
