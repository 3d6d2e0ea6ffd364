"""The state of a program: the pool, its lots, and what is known of orders and members.

A state may hold everything (a replay in memory) or only what a batch needs (the database's
working set). The reducer cannot tell the difference, but for one thing: of the lots that
can exit, all those with a trigger key below `horizon` must be here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappush
from typing import cast

from springtide.core.event_fields import Json
from springtide.core.journal import OPENING, POOL, wallet_account
from springtide.core.policy import Policy
from springtide.core.standing import Distribution
from springtide.core.tally import Guards, Tally
from springtide.core.units import LIMIT, NANO

KEY_SCALE = 10**12
"""Digits kept of a trigger key; see docs/algorithms/exits.md, rule E1."""

EVERYTHING = 10**40
"""A horizon past every trigger key and every price."""

Receipt = dict[str, object]
"""A receipt, its amounts still integers: `receipts.render` writes them as decimal strings."""


@dataclass(slots=True)
class Lot:
    """Points that were bought together, and what they may still be paid; never changed."""

    id: str
    member: str
    points_nano: int
    headroom_micro: int
    net_micro: int
    """Paid out for this lot so far, after fees."""
    seq: int
    """The entry that opened it; older lots are burnt first."""

    def moved(self, points_nano: int, headroom_micro: int = 0, net_micro: int = 0) -> "Lot":
        """The lot after adding these to its numbers."""
        return Lot(
            self.id,
            self.member,
            self.points_nano + points_nano,
            self.headroom_micro + headroom_micro,
            self.net_micro + net_micro,
            self.seq,
        )


@dataclass(slots=True)
class Posted:
    """An event that was accepted, the answer it got, and the units its points are in."""

    event: Json
    said: Receipt | str
    """The receipt, or its JSON: a batch has thousands, and few are asked for again."""
    split_factor: int
    policy: Policy
    """The one it was made under: an order is settled and taken back under it."""

    @property
    def receipt(self) -> Receipt:
        """The answer; read from its JSON when it is asked for."""
        if isinstance(self.said, str):
            self.said = cast(Receipt, json.loads(self.said))
        return self.said


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Money on its way from a wallet to its owner, and how far it came."""

    id: str
    seq: int
    """The entry that took it from the wallet."""
    member: str
    amount_micro: int
    fee_micro: int
    """What the platform keeps of the amount once it is settled."""
    needed: int
    """How many different people must approve it."""
    by: str
    """Who asked for it, and so cannot approve it."""
    day: str
    state: str = "requested"
    steps: int = 1
    """Asking for it is the first."""
    approved_by: tuple[str, ...] = ()
    reference: str = ""
    """Under which it was sent."""


def trigger_key(lot: Lot) -> int:
    """The price at which a lot exits, scaled; LIMIT for a lot that never does.

    Rounding: down. Lots without points or headroom have no trigger.
    """
    if not lot.points_nano or not lot.headroom_micro:
        return LIMIT
    return min(lot.headroom_micro * KEY_SCALE // lot.points_nano, LIMIT)


@dataclass(slots=True)
class State:
    """A program at one instant; only `reducer.fold` moves it."""

    policy: Policy
    """The one in effect now."""
    reserve_micro: int
    supply_nano: int
    reference: tuple[int, int]
    """The price pair that counts while there are no points."""
    orphaned_micro: int = 0
    policy_version: int = 1
    """Of the policy in effect."""
    split_factor: int = 1
    """Product of all splits."""
    seq: int = 0
    """Of the last entry; the opening is entry 0."""
    lots: dict[str, Lot] = field(default_factory=dict)
    lots_of: dict[str, list[str]] = field(default_factory=dict)
    """Lot ids of members, oldest first."""
    refunded: dict[str, int] = field(default_factory=dict)
    """What was paid back of orders so far, or kept from it, in micro."""
    referrers: dict[str, str] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    """Everybody who bought, was bound or is a referrer."""
    merchants: set[str] = field(default_factory=set)
    """Every merchant who sold or took points."""
    posted: dict[str, Posted] = field(default_factory=dict)
    settlements: dict[str, Posted] = field(default_factory=dict)
    """Of paid orders: the order's event with the receipt of its settlement."""
    balances: dict[str, int] = field(default_factory=dict)
    """Of all accounts; or, unless `holds_all_balances`, of wallets that may be debited."""
    withdrawals: dict[str, Withdrawal] = field(default_factory=dict)
    withdrawn: dict[tuple[str, str], int] = field(default_factory=dict)
    """By member and day: what was asked for and not given back, in micro."""
    triggers: list[tuple[int, str]] = field(default_factory=list)
    """A heap of (trigger key, lot id); entries that no longer hold are skipped."""
    horizon: int = EVERYTHING
    holds_all_lots: bool = True
    holds_all_balances: bool = True
    inflow_micro: int = 0
    """All money that ever came in. No balance can pass it, so balances need not be held
    while it fits 64 bits; see docs/decisions/0004-overflow.md."""
    tally: Tally = field(default_factory=Tally)
    """What controls counted, while the policy in effect had any."""
    guards: Guards | None = None
    """What people have stopped; None if nothing."""
    distribution: Distribution = field(default_factory=Distribution)

    @property
    def pair(self) -> tuple[int, int]:
        """The price pair (reserve, supply) at which the next event is priced."""
        if self.supply_nano:
            return self.reserve_micro, self.supply_nano
        return self.reference

    def value_micro(self, points_nano: int) -> int:
        """What points are worth at the price that stands; rounded down."""
        reserve, supply = self.pair
        return points_nano * reserve // supply

    def cash_now_micro(self, points_nano: int) -> int:
        """What points would pay if they were cashed out now; rounded down as a cash-out is."""
        return self.policy.after_cash_out_fee(self.value_micro(points_nano))

    def remember_lots(self, lots: Iterable[Lot]) -> None:
        """Take in lots from elsewhere; those already here are newer and stay."""
        for lot in lots:
            if lot.id not in self.lots:
                self.lots[lot.id] = lot
                self.watch(lot)

    def wallet_micro(self, member: str) -> int:
        """What a member's wallet holds; it must be here. Below zero after a clawback."""
        return self.balances.get(wallet_account(member), 0)

    def watch(self, lot: Lot) -> None:
        """Let a lot exit when its price comes."""
        key = trigger_key(lot)
        if key < LIMIT:
            heappush(self.triggers, (key, lot.id))

    def list_lot(self, lot: Lot) -> None:
        """Append a new lot to its member's, if those are held here."""
        lots = self.lots_of.get(lot.member)
        if lots is not None:
            lots.append(lot.id)
        elif self.holds_all_lots:
            self.lots_of[lot.member] = [lot.id]

    def multiply_lots(self, factor: int) -> None:
        """Re-denominate every lot that is here, and the horizon with them."""
        for lot in self.lots.values():
            if lot.points_nano:
                self.lots[lot.id] = lot.moved(lot.points_nano * (factor - 1))
        keys = ((trigger_key(lot), lot.id) for lot in self.lots.values())
        self.triggers = [(key, lot_id) for key, lot_id in keys if key < LIMIT]
        heapify(self.triggers)
        if not self.holds_all_lots:
            # A lot elsewhere that had no trigger below LIMIT may have one now.
            self.horizon = min(self.horizon, LIMIT) // factor


def open_state(policy: Policy) -> State:
    """The state of a program that has only its opening reserve.

    Source: docs/algorithms/pool.md, rule P1.
    """
    opening_micro = policy.opening_reserve_micro
    return State(
        policy=policy,
        reserve_micro=opening_micro,
        supply_nano=policy.opening_supply_nano,
        reference=(policy.start_price_micro, NANO),
        balances={OPENING: -opening_micro, POOL: opening_micro} if opening_micro else {},
        inflow_micro=opening_micro,
    )
