"""Random histories, told to the reducer and to the kernels alike."""

from random import Random
from typing import Any, NamedTuple, cast

import numpy as np

from springtide.core.event_fields import Json
from springtide.core.policy import Policy
from springtide.core.reducer import fold
from springtide.core.state import State, open_state
from springtide.core.units import PPM
from springtide.simulation import layout
from springtide.simulation.layout import BATCH, BUY, CASH_OUT, INJECT, REDEEM, REFUND, REQUEST
from springtide.simulation.machine import Machine
from tests.core.history import (
    ADVERT_B,
    COMMISSIONS,
    batch,
    bind,
    buy,
    cash_out,
    inject,
    policy_of,
    redeem,
    refund,
)

MEMBERS = 40

ANSWERS = {
    None: layout.POSTED,
    "overflow": layout.OVERFLOWS,
    "insufficient_points": layout.INSUFFICIENT_POINTS,
    "duplicate_member": layout.DUPLICATE_MEMBER,
    "unknown_order": layout.UNKNOWN_ORDER,
    "already_refunded": layout.ALREADY_REFUNDED,
    "no_points_in_circulation": layout.NO_POINTS,
}


class Step(NamedTuple):
    """An event for the reducer, and the same as rows of a tape: kind, who, amount."""

    event: Json
    rows: list[tuple[int, int, int]]


def random_policy(random: Random) -> Policy:
    """Programs of every shape."""
    pick = random.choice
    price = pick(["1.00", "1.00", "0.01", "700.00"])
    opening = "1000.00" if price == "700.00" else pick(["0", "1.00", "250.00"])
    points: dict[str, Any] = {"start_price": price, "grant_ratio": pick(["1", "0.70"])}
    if random.random() < 0.5:
        points["split_at"] = {"1.00": "1.5", "0.01": "0.02", "700.00": "1000"}[price]
        points["split_factor"] = pick([2, 3, 10, 1000])
    if random.random() < 0.3:
        points["max_grant_value"] = pick(["150.00", "0.000007"])
    platform, distribution = pick([("0", "0"), ("0.10", "0.10"), ("0", "0.10")])
    cap = {
        "multiple": pick(["1.2", "0.3", "0.05", "0.15", "2", "1000000"]),
        "scope": pick(["order", "member"]),
        "payout": pick(["cash", "credit"]),
    }
    return policy_of(
        ADVERT_B,
        opening_reserve=opening,
        split={
            "take_rate": pick(["1", "0.20", "0.50"]),
            "platform": platform,
            "distribution": distribution,
            "unallocated": pick(["pool", "platform"]),
        },
        points=points,
        cash_out={"fee": pick(["0", "0.20", "0.003", "0.999999"])},
        redeem={"fee": pick(["0", "0.03"])},
        cap=pick([cap, cap, cap, None]),
        commission=None if distribution == "0" else COMMISSIONS,
        merchants={"shop-1": {"take_rate": "0.50", "region": "330106"}},
        agents={"330106": "m00001"},
        levels={"m00002": "2", "m00003": "1"},
    )


def member_id(member: int) -> str:
    return f"m{member:05}"


def order_id(order: int) -> str:
    return f"o{order:05}"


class Teller:
    """Makes events up, one after the other, looking at what the reducer holds."""

    def __init__(self, random: Random, state: State, *, huge: bool) -> None:
        self.random, self.state, self.huge = random, state, huge
        self.orders = self.count = 0
        self.restless = random.choice([0.02, 0.2, 0.5])

    def step(self) -> Step:
        self.count += 1
        kinds = [self._cash_out, self._cash_out, self._batch, self._redeem, self._refund]
        if self.random.random() > self.restless:
            return self._buy()
        return self.random.choice([*kinds, self._inject, self._bind])()

    def _member(self) -> int:
        return self.random.randrange(MEMBERS)

    def _amount(self) -> int:
        if self.huge and self.random.random() < 0.05:
            return self.random.randint(10**15, 10**18)
        return self.random.choice(
            [
                self.random.randint(10**6, 10**10),
                self.random.randint(10**6, 5 * 10**7),
                10**9,
                self.random.randint(1, 100) if self.random.random() < 0.2 else 10**8,
            ]
        )

    def _points(self, member: int) -> int | None:
        held = sum(
            self.state.lots[lot].points_nano
            for lot in self.state.lots_of.get(member_id(member), ())
        )
        share = self.random.choice([None, None, 1, 500, 999, 1000, 2000])
        return None if share is None else max(held * share // 1000, 1)

    def _buy(self) -> Step:
        member, amount = self._member(), self._amount()
        more = {
            "merchant": self.random.choice(["", "shop-1"]),
            "referrer": self.random.choice(["", member_id(self._member())]),
        }
        event = buy(order_id(self.orders), member_id(member), amount, **more)
        self.orders += 1
        return Step(event, [(BUY, member, amount)])

    def _ask(self, member: int) -> tuple[int | None, int]:
        points = self._points(member)
        return points, layout.ALL if points is None else points

    def _cash_out(self) -> Step:
        member = self._member()
        points, asked = self._ask(member)
        event = cash_out(f"x{self.count}", member_id(member), points)
        return Step(event, [(CASH_OUT, member, asked)])

    def _redeem(self) -> Step:
        member = self._member()
        points, asked = self._ask(member)
        event = redeem(f"d{self.count}", member_id(member), "shop-1", points)
        return Step(event, [(REDEEM, member, asked)])

    def _batch(self) -> Step:
        members = [self._member() for _ in range(self.random.randint(1, 4))]
        asked = [self._ask(member) for member in members]
        wishes = [(member_id(m), points) for m, (points, _) in zip(members, asked, strict=True)]
        requests = [(REQUEST, m, rows) for m, (_, rows) in zip(members, asked, strict=True)]
        event = batch(f"y{self.count}", *wishes)
        return Step(event, [(BATCH, 0, len(members)), *requests])

    def _refund(self) -> Step:
        order = self.random.randint(0, self.orders)
        return Step(refund(f"r{self.count}", order_id(order)), [(REFUND, order, 0)])

    def _inject(self) -> Step:
        amount = self._amount()
        return Step(inject(f"i{self.count}", amount), [(INJECT, 0, amount)])

    def _bind(self) -> Step:
        member, referrer = member_id(self._member()), member_id(self._member())
        return Step(bind(f"b{self.count}", member, referrer), [])


class Told(NamedTuple):
    """A history as the reducer folded it, and as a tape wants it."""

    state: State
    rows: list[tuple[int, int, int]]
    last_rows: list[int]
    """Of each event, the row at whose end its trace stands."""
    answers: list[tuple[int, int, int, int]]
    """First row, answer, reserve, supply, of each event."""
    rest: list[int]
    take_ppm: list[int]
    exits: int


def tell(random: Random, policy: Policy, events: int, *, huge: bool = False) -> Told:
    """Make up a history and fold it."""
    state = open_state(policy)
    teller = Teller(random, state, huge=huge)
    told = Told(state, [], [], [], [], [], 0)
    exits = 0
    for _ in range(events):
        step = teller.step()
        outcome = fold(state, step.event)
        receipt = cast(dict[str, Any], outcome.receipt)
        exits += len(receipt.get("exits", ()))
        if not step.rows:
            continue
        answer = ANSWERS[outcome.refusal.code if outcome.refusal else None]
        told.answers.append((len(told.rows), answer, receipt["reserve"], receipt["supply"]))
        told.rows.extend(step.rows)
        told.last_rows.append(len(told.rows) - 1)
        terms = policy.terms_of(str(step.event.get("merchant", "")))
        paid = sum(row["amount"] for row in receipt.get("commissions", ()))
        for _, _, amount in step.rows:
            take = amount * terms.take_ppm // PPM
            told.rest.append(take * policy.distribution_ppm // PPM - paid)
            told.take_ppm.append(terms.take_ppm)
    return told._replace(exits=exits)


def machine_of(policy: Policy, told: Told) -> tuple[Machine, layout.Tape]:
    """A machine and a tape for a history that was told."""
    kind, who, amount = (np.array(column) for column in zip(*told.rows, strict=True))
    orders = int((kind == BUY).sum()) + 1
    machine = Machine(policy, orders, MEMBERS)
    rest = np.array(
        [value if k == BUY else 0 for value, k in zip(told.rest, kind, strict=True)]
    )
    take = np.array(told.take_ppm)
    return machine, machine.tape(kind, who, amount, rest=rest, take_ppm=take, traced=True)
