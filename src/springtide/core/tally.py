"""Tallies: what the controls of a policy count, and the guards that people set.

Records only; `controls` has the rules. A program whose policy has no controls has no tally,
and one without a switch that is off or a frozen member has no guards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

DAY_S = 86_400

PURCHASES = "purchases"
SETTLEMENT = "settlement"
CASH_OUTS = "cash-outs"
COMMISSIONS = "commissions"

SWITCHES = {
    PURCHASES: "orders are taken",
    SETTLEMENT: "paid orders are settled",
    CASH_OUTS: "points are cashed out",
    COMMISSIONS: "orders pay commissions",
}
"""What can be switched off, each with what happens while it is on."""


class Guards(NamedTuple):
    """What people or the day have stopped; it only refuses, so no entry depends on it."""

    off: frozenset[str] = frozenset()
    """Switches."""
    frozen: frozenset[str] = frozenset()
    """Members; of those that a batch can touch."""
    lapsed: Mapping[str, str] = MappingProxyType({})
    """Features whose evidence does not hold today, each with what is missing."""
    held: Mapping[str, int] = MappingProxyType({})
    """Commissions in the wallets of who withdraws that are not payable yet, in micro."""


@dataclass(slots=True)
class Tally:
    """What the controls of a program have counted so far."""

    clock_s: int = 0
    """The latest time of an entry, in seconds since 1970; it never goes back."""
    outflow_micro: int = 0
    """What cash-outs and exits paid on the UTC day of the clock."""
    paused_day: int = -1
    """The last UTC day, since 1970, on which cash-outs are paused."""
    tripped: tuple[int, str] | None = None
    """When the breaker paused them, and what it said: for the alarm."""
    spent: dict[str, int] = field(default_factory=dict)
    """Of members: settled orders less their refunds, in micro."""
    cashed: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of members: the UTC day of the last cash-out, and the net of that day in micro."""
    settled: dict[str, int] = field(default_factory=dict)
    """Of lots: when their order was settled, in seconds since 1970."""


@dataclass(slots=True)
class Counts:
    """What one entry adds to the tally, and its time."""

    clock_s: int
    outflow_micro: int
    """Of the whole day, with this entry."""
    spent: list[tuple[str, int]] = field(default_factory=list)
    """Members and by how much their spending changes, in micro."""
    cashed: list[tuple[str, int, int]] = field(default_factory=list)
    """Members, the day, and their net of the whole day, in micro."""
    settled: tuple[str, int, int] | None = None
    """A new lot, the entry that opened it, and when that was."""
