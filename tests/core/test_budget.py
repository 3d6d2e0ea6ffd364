"""No tree, no levels and no overlap can make an order pay more than its budget."""

from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from springtide.core.budget import prove, worst_case, worst_chain
from springtide.core.commission import shares_of, split_commissions
from springtide.core.policy import Policy, Terms
from springtide.core.reducer import fold
from springtide.core.state import open_state
from springtide.core.units import PPM
from tests.core.history import ADVERT_B, policy_of

DEEPEST = 60
EVERYBODY = "nobody but me"
"""One person in all positions at once."""


def total(policy: Policy) -> int:
    return sum(term.most_ppm for term in worst_case(policy))


@st.composite
def budgeted(draw: st.DrawFn) -> Policy:
    """Policies with any awards that fit all of the take being distributed."""

    def rate() -> str:
        return f"0.0{draw(st.integers(0, 30)):05d}"

    rates = {str(level): rate() for level in range(draw(st.integers(0, 6)))}
    depth = draw(st.integers(0, DEEPEST))
    level = {"max_depth": depth, "peer": rate(), "rates": rates}
    territory = {"district": rate(), "city": rate(), "province": rate()}
    return policy_of(
        ADVERT_B,
        split={"take_rate": "1", "platform": "0", "distribution": "1"},
        commission={
            "direct": rate(), "indirect": rate(), "recruiter": rate(),
            "territory": territory, "level": level,
        },
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(policy=budgeted(), data=st.data(), depth=st.integers(0, DEEPEST))
def test_no_tree_pays_more_than_the_worst_case(
    policy: Policy, data: st.DataObject, depth: int
) -> None:
    names = [EVERYBODY] if data.draw(st.booleans()) else ["a", "b", "c", "d", "e"]
    state = open_state(policy)
    standing = state.distribution
    chain = [f"m{number}" for number in range(depth + 1)]
    referrers = dict(pairwise(chain))
    levels = st.sampled_from(["", *policy.level_rates_ppm])
    for number, member in enumerate(chain[1:]):
        event = {"type": "level", "id": f"l{number}", "member": member, "reason": "any"}
        assert fold(state, {**event, "level": data.draw(levels)}).entry is not None
    for region in ("330106", "3301", "33"):
        rate = f"0.0{data.draw(st.integers(0, 35)):05d}"
        contract = {"contract": region, "region": region, "rate": rate}
        member = data.draw(st.sampled_from(names))
        fold(state, {"type": "appoint", "id": region, "member": member, **contract})
    amount = data.draw(st.integers(1, 10**12))
    terms = Terms(PPM, "330106", data.draw(st.sampled_from(["", *names])), 0, PPM)
    referrer = referrers.get("m0", "")
    shares = shares_of(policy, standing, terms, "", referrers, referrer, "")
    asked = sum(share[2] for share in shares)
    assert asked <= total(policy) <= policy.worst_commission_ppm()
    budget = amount * total(policy) // PPM
    paid, rest = split_commissions(shares, amount, budget)
    assert sum(row[2] for row in paid) + rest == budget
    whole = sum(amount * share[2] // PPM for share in shares)
    assert sum(row[2] for row in paid) == whole, "somebody got less than their rate"


def test_the_worst_case_of_levels_is_the_highest_of_all_chains() -> None:
    """Every chain of up to five steps over three rates: one reaches the bound, none passes."""
    for depth, rates in product(range(6), (["0.001"], ["0.001", "0.002"], ["0", "0.003"])):
        level = {
            "max_depth": depth, "peer": "0.0007",
            "rates": {str(number): rate for number, rate in enumerate(rates)},
        }  # fmt: skip
        policy = policy_of(ADVERT_B, commission={"level": level})
        most = 0
        for levels in product(["", *policy.level_rates_ppm], repeat=depth):
            most = max(most, asked_by(policy, levels))
        assert most == total(policy)
        assert asked_by(policy, tuple(worst_chain(policy))) == most


def asked_by(policy: Policy, levels: tuple[str, ...]) -> int:
    """What a chain of these levels asks of an order, from the referrer up."""
    state = open_state(policy)
    members = [f"m{number}" for number in range(len(levels) + 1)]
    state.distribution.levels.update(zip(members[1:], levels, strict=True))
    referrers = dict(pairwise(members))
    shares = shares_of(
        policy, state.distribution, policy.default_terms, "", referrers,
        referrers.get("m0", ""), "",
    )  # fmt: skip
    return sum(share[2] for share in shares)


def test_every_merchant_is_proved_under_its_own_terms() -> None:
    policy = policy_of(ADVERT_B, commission={"direct": "0.02"}, merchants={"mine": {}})
    poor = Terms(100_000, "", "", 0, 199_999)
    proofs = {one.merchant: one.holds for one in prove(policy, {"poor": poor})}
    assert proofs == {"": True, "mine": True, "poor": False}
