"""Commissions: who earns what on one order.

Source: docs/algorithms/commission.md.
"""

from collections.abc import Iterator, Mapping

from springtide.core.events import Purchase
from springtide.core.policy import Policy, Terms
from springtide.core.units import PPM

Commission = tuple[str, str, int]
"""Kind, earner and amount in micro."""

_REGION_DIGITS = (6, 4, 2)


def closes_loop(
    referrers: Mapping[str, str], members: set[str], member: str, referrer: str
) -> bool:
    """Whether binding `member` to `referrer` would put somebody above themselves.

    Somebody who was never seen before has nobody below, so no walk is needed.
    """
    if member == referrer:
        return True
    if member not in members:
        return False
    above: str | None = referrer
    while above is not None:
        if above == member:
            return True
        above = referrers.get(above)
    return False


def _chain(referrers: Mapping[str, str], first: str) -> Iterator[str]:
    above: str | None = first
    while above:
        yield above
        above = referrers.get(above)


def _territory(policy: Policy, region: str) -> Iterator[tuple[str, str, int]]:
    """An agent is paid the rate of the region less the highest rate paid below it."""
    paid_ppm = 0
    for digits, rate_ppm in zip(_REGION_DIGITS, policy.territory_ppm, strict=True):
        agent = policy.agents.get(region[:digits]) if len(region) >= digits else None
        if agent and rate_ppm > paid_ppm:
            yield "territory", agent, rate_ppm - paid_ppm
            paid_ppm = rate_ppm


def _levels(
    policy: Policy, referrers: Mapping[str, str], first: str
) -> Iterator[tuple[str, str, int]]:
    """Differential and peer awards up the referral chain."""
    paid_ppm, peers_paid = 0, set()
    for _, above in zip(range(policy.level_depth), _chain(referrers, first), strict=False):
        rate_ppm = policy.level_rates_ppm.get(policy.levels.get(above, ""), 0)
        if rate_ppm > paid_ppm:
            yield "level", above, rate_ppm - paid_ppm
            paid_ppm = rate_ppm
        elif rate_ppm == paid_ppm > 0 and rate_ppm not in peers_paid:
            yield "peer", above, policy.peer_ppm
            peers_paid.add(rate_ppm)


def _rates(
    policy: Policy, referrers: Mapping[str, str], referrer: str, region: str, recruiter: str
) -> list[tuple[str, str, int]]:
    rates = []
    if referrer:
        rates.append(("direct", referrer, policy.direct_ppm))
        above = referrers.get(referrer)
        if above:
            rates.append(("indirect", above, policy.indirect_ppm))
    if region and policy.agents:
        rates.extend(_territory(policy, region))
    if recruiter:
        rates.append(("recruiter", recruiter, policy.recruiter_ppm))
    if referrer and policy.pays_levels:
        rates.extend(_levels(policy, referrers, referrer))
    return rates


def split_commissions(
    policy: Policy,
    terms: Terms,
    order: Purchase,
    referrers: Mapping[str, str],
    referrer: str,
    distribution_micro: int,
) -> tuple[list[Commission], int]:
    """The commissions of an order, in the order they are paid, and what is left.

    Each is `min(amount * rate // 10^6, what is left)`; rows of zero are left out. `referrer`
    is the buyer's, after this order's binding; `referrers` is everybody else's.

    Rounding: down; what rounding leaves is part of the rest.

    Source: docs/algorithms/commission.md, rule K6.
    """
    commissions, rest = [], distribution_micro
    region = order.region or terms.region
    for kind, earner, rate_ppm in _rates(policy, referrers, referrer, region, terms.recruiter):
        amount = order.amount_micro * rate_ppm // PPM
        if amount > rest:
            amount = rest
        if amount:
            commissions.append((kind, earner, amount))
            rest -= amount
    return commissions, rest
