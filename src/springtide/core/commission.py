"""Commissions: who earns what on one order.

Source: docs/algorithms/commission.md.
"""

from collections.abc import Iterator
from typing import Protocol

from springtide.core.entry import ChainNotLoaded
from springtide.core.policy import Policy, Terms
from springtide.core.standing import Distribution, Links
from springtide.core.state import State
from springtide.core.units import PPM

Commission = tuple[str, str, int]
"""Kind, earner and amount in micro."""

KINDS = ("direct", "indirect", "territory", "recruiter", "level", "peer")
"""Of commissions, in the order in which they are paid."""

_REGION_DIGITS = (6, 4, 2)


class Referrers(Protocol):
    """Whose binding earns: all referrers, or only those whose days are not over."""

    def get(self, member: str, /) -> str | None:
        """The referrer of a member, if there is one who earns."""
        ...


OFF = "off"
"""`commissions` of a purchase or a settlement that was posted while they were switched off."""

WITHOUT = "without "
"""How it begins while only features are stopped; their names follow."""

STOPPABLE = {
    "indirect": ("indirect",),
    "levels": ("level", "peer"),
    "territory": ("territory",),
}
"""Features that can be left out, each with the kinds of its commissions."""

Share = tuple[str, str, int, str | int]
"""What somebody earns of an order: kind, earner, rate in ppm, and by what: the step up the
referral chain, the region, or the merchant's recruitment. Made for every order, so no record.
"""


def closes_loop(state: State, member: str, referrer: str) -> bool:
    """Whether binding `member` to `referrer` would put somebody above themselves.

    Only somebody to whom others were bound can be above anybody, so the walk is rare.

    Raises:
        ChainNotLoaded: who is above the referrer is not all in the state.
    """
    if member == referrer:
        return True
    if member not in state.distribution.sponsors:
        return False
    above = state.referrers.get(referrer)
    while above is not None:
        if above == member:
            return True
        if above not in state.members:
            raise ChainNotLoaded(above)  # somebody is bound to them, so they are somewhere
        above = state.referrers.get(above)
    return False


def _chain(referrers: Referrers, first: str) -> Iterator[str]:
    above: str | None = first
    while above:
        yield above
        above = referrers.get(above)


def _territory(
    policy: Policy, distribution: Distribution, region: str, day: str
) -> Iterator[Share]:
    """An agent is paid the rate of the region less the highest rate paid below it."""
    paid_ppm = 0
    for digits, tier_ppm in zip(_REGION_DIGITS, policy.territory_ppm, strict=True):
        if len(region) < digits:
            continue
        place = region[:digits]
        agent, rate_ppm = distribution.agent(policy, place, tier_ppm, day)
        if agent and rate_ppm > paid_ppm:
            yield ("territory", agent, rate_ppm - paid_ppm, place)
            paid_ppm = rate_ppm


def _levels(
    policy: Policy, distribution: Distribution, referrers: Referrers, first: str
) -> Iterator[Share]:
    """Differential and peer awards up the referral chain."""
    paid_ppm, peers_paid = 0, set[int]()
    steps = range(1, policy.level_depth + 1)
    for step, above in zip(steps, _chain(referrers, first), strict=False):
        rate_ppm = policy.level_rates_ppm.get(distribution.level_of(policy, above), 0)
        if rate_ppm > paid_ppm:
            yield ("level", above, rate_ppm - paid_ppm, step)
            paid_ppm = rate_ppm
        elif rate_ppm == paid_ppm > 0 and rate_ppm not in peers_paid:
            yield ("peer", above, policy.peer_ppm, step)
            peers_paid.add(rate_ppm)


def shares_of(
    policy: Policy,
    distribution: Distribution,
    terms: Terms,
    region: str,
    referrers: Referrers,
    referrer: str,
    day: str,
) -> list[Share]:
    """Who earns at which rate on an order, in the order in which they are paid.

    `region` is the order's, or empty; `referrer` is the buyer's, or empty. `day` is the
    order's, and empty if it is not known.

    Source: docs/algorithms/commission.md, rules K1 to K5.
    """
    shares: list[Share] = []
    if referrer:
        shares.append(("direct", referrer, policy.direct_ppm, 1))
        above = referrers.get(referrer)
        if above:
            shares.append(("indirect", above, policy.indirect_ppm, 2))
    region = region or terms.region
    if region and (policy.agents or distribution.agents):
        shares.extend(_territory(policy, distribution, region, day))
    if terms.recruiter and not (day and terms.recruiter_until and terms.recruiter_until < day):
        shares.append(("recruiter", terms.recruiter, policy.recruiter_ppm, "merchant"))
    if referrer and policy.pays_levels:
        shares.extend(_levels(policy, distribution, referrers, referrer))
    return shares


def links_of(state: State, policy: Policy, day: str) -> Referrers:
    """The referrers whose bindings earn on a day, by an order's policy."""
    days = policy.promotion.bind_days
    if days is None:
        return state.referrers
    return Links(state.referrers, state.distribution.bound_on, days, day)


def shares_left(shares: list[Share], said: object) -> list[Share]:
    """The shares that are paid, by what `commissions` of the event says.

    Source: docs/algorithms/controls.md, rule K10, and profiles.md, rule L3.
    """
    if said == OFF:
        return []
    if type(said) is str and said.startswith(WITHOUT):
        stopped = said.removeprefix(WITHOUT).split(", ")
        kinds = {kind for feature in stopped for kind in STOPPABLE.get(feature, ())}
        return [share for share in shares if share[0] not in kinds]
    return shares


def split_commissions(
    shares: list[Share], amount_micro: int, distribution_micro: int
) -> tuple[list[Commission], int]:
    """The commissions of an order, in the order they are paid, and what is left.

    Each is `min(amount * rate // 10^6, what is left)`; rows of zero are left out.

    Rounding: down; what rounding leaves is part of the rest.

    Source: docs/algorithms/commission.md, rule K6.
    """
    commissions, rest = [], distribution_micro
    for kind, earner, rate_ppm, _ in shares:
        amount = amount_micro * rate_ppm // PPM
        if amount > rest:
            amount = rest
        if amount:
            commissions.append((kind, earner, amount))
            rest -= amount
    return commissions, rest
