"""The worst case of commissions: what any tree of members could make one order pay.

The budget of a sale is `take_rate * distribution` of its merchant. `worst_case` adds up the
most that each kind of award can ask for, whatever the tree, the levels in it, the agents and
whoever is the same person; so a merchant whose budget is not below it never pays more.

Source: docs/algorithms/commission.md, rules K7 and K11.
"""

from collections.abc import Iterator
from typing import NamedTuple

from springtide.core.policy import Policy, PolicyError, Terms
from springtide.core.policy_file import check_terms as check_policy_terms
from springtide.core.refusals import OverBudget
from springtide.core.units import PPM, format_ratio

TIERS = ("district", "city", "province")


class Term(NamedTuple):
    """The most that one kind of award can ask of an order, in ppm of its amount."""

    kind: str
    most_ppm: int
    why: str


class Proof(NamedTuple):
    """A merchant's budget beside the worst case of commissions; both in ppm of the amount."""

    merchant: str
    """Empty for sales under the policy's own terms."""
    budget_ppm2: int
    """In ppm of a ppm: exact."""
    worst_ppm: int

    @property
    def holds(self) -> bool:
        """Whether no order can pay more commissions than it distributes."""
        return self.worst_ppm * PPM <= self.budget_ppm2


def check_terms(policy: Policy, terms: Terms, whose: str) -> None:
    """Refuse terms whose sales could owe more commissions than they distribute.

    Raises:
        OverBudget: with the sum that passes and the budget.
    """
    try:
        check_policy_terms(policy, terms, whose)
    except PolicyError as error:
        raise OverBudget(str(error)) from None


def check_rate(policy: Policy, rate_ppm: int) -> None:
    """Refuse an agent's own rate above the highest that the policy has for a territory.

    So the worst case of the policy is that of every contract too.

    Raises:
        OverBudget: with both rates.
    """
    highest = max(policy.territory_ppm)
    if rate_ppm > highest:
        raise OverBudget(
            f"a rate of {format_ratio(rate_ppm)} passes the policy's highest for a territory, "
            f"{format_ratio(highest)}; lower it"
        )


def worst_case(policy: Policy) -> list[Term]:
    """The most that each kind of award can ask for; their sum bounds every order.

    The kinds are paid to positions, not to people, so somebody in several positions earns
    no more than several people would.

    * A territory's agents have differences of rates: together the highest rate among them.
    * Levels have differences too. Steps up the chain are at most `max_depth`, and a peer
      needs a paid rate of its own below it, which is a step: `max_depth // 2` peers at most.

    Source: docs/algorithms/commission.md, rule K11.
    """
    tier_ppm = max(policy.territory_ppm)
    tier = TIERS[policy.territory_ppm.index(tier_ppm)]
    rates = {rate for rate in policy.level_rates_ppm.values() if rate}
    steps = policy.level_depth
    highest = max(rates, default=0) if steps else 0
    peers = min(len(rates), steps // 2)
    return [
        Term("direct", policy.direct_ppm, "the buyer's referrer"),
        Term("indirect", policy.indirect_ppm, "the referrer's referrer"),
        Term("territory", tier_ppm, f"differences up to the highest rate, of a {tier}"),
        Term("recruiter", policy.recruiter_ppm, "whoever brought the merchant"),
        Term("level", highest, f"differences up to the highest rate, within {steps} steps"),
        Term("peer", policy.peer_ppm * peers, f"at most {peers} rates can have a peer"),
    ]


def worst_chain(policy: Policy) -> list[str]:
    """Levels, from the referrer up, that make an order pay the worst of levels and peers."""
    by_rate = {rate: level for level, rate in policy.level_rates_ppm.items() if rate}
    peers = min(len(by_rate), policy.level_depth // 2) if policy.peer_ppm else 0
    top = sorted(by_rate)[-max(peers, 1) :] if by_rate and policy.level_depth else []
    return [by_rate[rate] for rate in top for _ in range(2 if peers else 1)]


def prove(policy: Policy, registry: dict[str, Terms]) -> Iterator[Proof]:
    """For the policy's own terms and every merchant's, the budget beside the worst case.

    `registry` has the terms that events gave merchants; they count instead of the policy's.
    """
    worst = sum(term.most_ppm for term in worst_case(policy))
    merchants: dict[str, Terms] = {"": policy.default_terms, **policy.merchants, **registry}
    for merchant, terms in merchants.items():
        yield Proof(merchant, terms.take_ppm * terms.distribution_ppm, worst)
