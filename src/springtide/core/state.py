"""The state of a program: the pool, its lots, and what is known of orders and members.

A state may hold everything (a replay in memory) or only what a batch needs (the database's
working set). The reducer cannot tell the difference, but for one thing: of the lots that
can exit, all those with a trigger key below `horizon` must be here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappush

from springtide.core.events import Json
from springtide.core.journal import OPENING, POOL
from springtide.core.policy import Policy
from springtide.core.standing import Distribution
from springtide.core.units import LIMIT, NANO

KEY_SCALE = 10**12
"""Digits kept of a trigger key; see SPEC.md section 2, Exit at the cap."""

EVERYTHING = 10**40
"""A horizon past every trigger key and every price."""

Receipt = dict[str, object]
"""A receipt in the words of SPEC.md section 5, its amounts still integers: `receipts.render`
writes them as decimal strings."""


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
    receipt: Receipt
    split_factor: int


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
    reserve_micro: int
    supply_nano: int
    reference: tuple[int, int]
    """The price pair that counts while there are no points."""
    orphaned_micro: int = 0
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
    triggers: list[tuple[int, str]] = field(default_factory=list)
    """A heap of (trigger key, lot id); entries that no longer hold are skipped."""
    horizon: int = EVERYTHING
    holds_all_lots: bool = True
    holds_all_balances: bool = True
    inflow_micro: int = 0
    """All money that ever came in. No balance can pass it, so balances need not be held
    while it fits 64 bits; see docs/decisions/0004-overflow.md."""
    distribution: Distribution = field(default_factory=Distribution)

    @property
    def pair(self) -> tuple[int, int]:
        """The price pair (reserve, supply) at which the next event is priced."""
        if self.supply_nano:
            return self.reserve_micro, self.supply_nano
        return self.reference

    def remember_lots(self, lots: Iterable[Lot]) -> None:
        """Take in lots from elsewhere; those already here are newer and stay."""
        for lot in lots:
            if lot.id not in self.lots:
                self.lots[lot.id] = lot
                self.watch(lot)

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

    Source: SPEC.md section 2, Opening.
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
