"""Who stands where: merchants' terms, agents' contracts, levels, and how long bindings earn.

The policy file says how a program starts; events of the journal say what stands now. A day
is text of the form `2026-01-31`, so days compare as text; an empty one is not known, and what
cannot be dated ends nothing.

Source: docs/algorithms/distribution.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from springtide.core.policy import Policy, Terms

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
DAY_LENGTH = 10


def is_day(text: object) -> bool:
    """Whether this is a day of the calendar, as `2026-01-31`."""
    return type(text) is str and _is_day(text)


@lru_cache(maxsize=1024)  # orders come by the day
def _is_day(text: str) -> bool:
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def day_of(event: Mapping[str, object], otherwise: str) -> str:
    """The day that an event says in `at`, as it is written there; else the other one."""
    at = event.get("at")
    if type(at) is str and is_day(at[:DAY_LENGTH]):
        return at[:DAY_LENGTH]
    return otherwise


class Contract(NamedTuple):
    """What an agent agreed to: a region from one day to another."""

    id: str
    region: str
    member: str
    rate_ppm: int | None
    """None for the policy's rate of the region's tier."""
    first: str
    last: str
    """The last day it pays; empty for no end."""
    ended: bool = False
    """Whether it was dismissed, or followed by another."""
    deposit_micro: int = 0

    def covers(self, day: str) -> bool:
        """Whether it pays on a day; one that is not known is in no contract's way."""
        if self.ended:
            return False
        return not day or (self.first <= day and not self.is_past(day))

    def is_past(self, day: str) -> bool:
        """Whether its last day was before this one."""
        return bool(self.last and day) and self.last < day


class NewTerms(NamedTuple):
    """Terms that a merchant's sales have from now on."""

    merchant: str
    terms: Terms


class NewLevel(NamedTuple):
    """A member's level from now on."""

    member: str
    level: str
    reason: str


class Rebound(NamedTuple):
    """A member's referrer from now on."""

    member: str
    before: str
    referrer: str
    day: str
    reason: str


class Today(NamedTuple):
    """The program's day."""

    day: str


Change = NewTerms | Contract | NewLevel | Rebound | Today
"""What an event changes of a distribution."""


@dataclass(slots=True)
class Distribution:
    """What events said of merchants, agents, levels and bindings; only the reducer moves it.

    Like the state it is part of, it holds everything, or what a batch needs.
    """

    terms: dict[str, Terms] = field(default_factory=dict)
    contracts: dict[str, Contract] = field(default_factory=dict)
    """By id, in the order they were agreed."""
    agents: dict[str, str] = field(default_factory=dict)
    """The last contract of each region that ever had one."""
    levels: dict[str, str] = field(default_factory=dict)
    """Empty for a level that was taken away."""
    bound_on: dict[str, str] = field(default_factory=dict)
    """The days of bindings, as far as they are known."""
    held: dict[str, int] = field(default_factory=dict)
    """Balances of accounts that a batch may draw on only as far as they go, in micro; a state
    that holds all balances has them there."""
    sponsors: set[str] = field(default_factory=set)
    """Everybody who was bound to once: only they can be above somebody."""
    day: str = ""
    """The program's day, for events that do not say theirs."""
    registry: int = 0
    """The last entry that changed any of this but a first binding; 0 for none."""

    def terms_of(self, policy: Policy, merchant: str) -> Terms:
        """A merchant's terms: what was agreed last, else the policy's."""
        return self.terms.get(merchant) or policy.terms_of(merchant)

    def agent(self, policy: Policy, region: str, tier_ppm: int, day: str) -> tuple[str, int]:
        """Who serves a region on a day, and at which rate; empty for nobody.

        Once a region had a contract, the policy's entry counts no more.
        """
        contract_id = self.agents.get(region)
        if contract_id is None:
            return policy.agents.get(region, ""), tier_ppm
        contract = self.contracts[contract_id]
        if not contract.covers(day):
            return "", 0
        return contract.member, tier_ppm if contract.rate_ppm is None else contract.rate_ppm

    def level_of(self, policy: Policy, member: str) -> str:
        """A member's level: what was said last, else the policy's; empty for none."""
        level = self.levels.get(member)
        return policy.levels.get(member, "") if level is None else level


@dataclass(slots=True)
class Links:
    """Referrers of members, as far as their bindings still earn on a day."""

    referrers: Mapping[str, str]
    bound_on: Mapping[str, str]
    days: int
    today: str

    def get(self, member: str, otherwise: str | None = None) -> str | None:
        """The referrer whose binding of this member still earns."""
        referrer = self.referrers.get(member)
        if referrer is None or self._is_over(member):
            return otherwise
        return referrer

    def _is_over(self, member: str) -> bool:
        bound = self.bound_on.get(member, "")
        if not bound or not self.today:
            return False
        return (date.fromisoformat(self.today) - date.fromisoformat(bound)).days > self.days
