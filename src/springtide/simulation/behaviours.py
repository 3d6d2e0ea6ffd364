"""What members do with their points: small functions that a user can add to.

A behaviour looks at the members who follow it and hold points, and says which of them give
up all their points this period. Register your own before simulating:

    @behaviour("leave on a Monday", weekday=0)
    def leave(view, weekday):
        return view.members[view.period % 7 == weekday :]
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """What a behaviour may look at; money in micro, prices in the units of the opening."""

    period: int
    members: Numbers
    """Those who follow this behaviour and hold points."""
    cash_now: Numbers
    """What the points of each of them would pay now."""
    spent: Numbers
    received: Numbers
    joined: Numbers
    """The period of each one's first order."""
    prices: list[float]
    """After every period so far, and at the opening."""
    orders: list[int]
    """In every period so far, with this one."""
    chance: np.random.Generator


@dataclass(frozen=True)
class Entry:
    """A behaviour as it is registered."""

    decide: Callable[..., Numbers]
    settings: dict[str, float]
    redeems: bool


BEHAVIOURS: dict[str, Entry] = {}


def behaviour(
    name: str, *, redeems: bool = False, **settings: float
) -> Callable[[Callable[..., Numbers]], Callable[..., Numbers]]:
    """Register a behaviour; `settings` are its settings with their defaults.

    With `redeems`, its members take goods for their points instead of cash.
    """

    def register(decide: Callable[..., Numbers]) -> Callable[..., Numbers]:
        BEHAVIOURS[name] = Entry(decide, dict(settings), redeems)
        return decide

    return register


def _at_random(view: View, probability: float) -> Numbers:
    return view.members[view.chance.random(len(view.members)) < probability]


@behaviour("hold")
def hold(view: View) -> Numbers:
    """Never sells; only an exit at the cap pays."""
    return view.members[:0]


@behaviour("sell at target", target=1.0)
def sell_at_target(view: View, target: float) -> Numbers:
    """Sells once the points would pay this multiple of what was spent."""
    return view.members[view.cash_now + view.received >= target * view.spent]


@behaviour("sell at random", probability=0.01)
def sell_at_random(view: View, probability: float) -> Numbers:
    """Each holder sells with this probability a period."""
    return _at_random(view, probability)


@behaviour("panic", window=7, below=0.5, probability=0.2)
def panic(view: View, window: float, below: float, probability: float) -> Numbers:
    """Sells when orders fall: the last window brought less than a share of the one before."""
    width = int(window)
    recent, earlier = sum(view.orders[-width:]), sum(view.orders[-2 * width : -width])
    if len(view.orders) < 2 * width or recent >= below * earlier:
        return view.members[:0]
    return _at_random(view, probability)


@behaviour("cash out at once")
def cash_out_at_once(view: View) -> Numbers:
    """Sells in the period in which points were granted."""
    return view.members


@behaviour("redeem", redeems=True, probability=0.05)
def redeem(view: View, probability: float) -> Numbers:
    """Takes goods for all points, with this probability a period."""
    return _at_random(view, probability)


def decide(entry: Entry, view: View, settings: dict[str, Any]) -> Numbers:
    """Ask a behaviour; its members in the order it gave them, each once at most."""
    chosen = np.asarray(entry.decide(view, **settings), np.int64)
    assert np.isin(chosen, view.members).all(), "a behaviour may only choose its own members"
    return chosen[np.sort(np.unique(chosen, return_index=True)[1])]
