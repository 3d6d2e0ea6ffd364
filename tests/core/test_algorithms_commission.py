"""The rules of docs/algorithms/commission.md, run as written."""

from decimal import Decimal
from itertools import pairwise

import pytest

from springtide.core.budget import worst_case, worst_chain
from springtide.core.policy import PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.units import MICRO
from tests.core.history import ADVERT_B, bind, buy, policy_of, post, start
from tests.spec import Row, check, check_story, worked_examples


@pytest.mark.parametrize("rule", ["K1", "K2", "K3", "K4", "K5", "K6", "K8", "K9", "K10"])
def test_stories(rule: str) -> None:
    check_story("commission", rule)


def _policy(row: Row) -> str:
    district, city, province = row["territory"].split()
    rates = "\n".join(f'{level} = "{rate}"' for level, rate in enumerate(row["levels"].split()))
    return f"""
[split]
take_rate = "{row["take rate"]}"
platform = "0"
distribution = "{row["distribution"]}"
[points]
grant_ratio = "0.70"
[cash_out]
fee = "0.20"
[merchants.shop-1]
take_rate = "{row["shop-1"]}"
[commission]
direct = "{row["direct"]}"
indirect = "{row["indirect"]}"
recruiter = "{row["recruiter"]}"
[commission.territory]
district = "{district}"
city = "{city}"
province = "{province}"
[commission.level]
max_depth = 10
peer = "{row["peer"]}"
[commission.level.rates]
{rates}
"""


@pytest.mark.parametrize("row", worked_examples("commission", "K7"))
def test_k7_the_worst_case(row: Row) -> None:
    least = min(Decimal(row["take rate"]), Decimal(row["shop-1"]))
    check(row, "budget", least * Decimal(row["distribution"]))
    if row["answer"] == "accepted":
        worst = read_policy(_policy(row)).worst_commission_ppm()
        check(row, "worst", Decimal(worst) / 10**6)
        return
    check(row, "answer", "refused")
    with pytest.raises(PolicyError) as refusal:
        read_policy(_policy(row))
    said = str(refusal.value)
    assert f"can reach {row['worst']} of an order" in said
    assert said.endswith(f"= {row['budget']}; lower a rate")


@pytest.mark.parametrize("row", worked_examples("commission", "K11"))
def test_k11_the_worst_case_term_by_term(row: Row) -> None:
    rates = dict(enumerate(row["rates"].split()))
    level = {
        "max_depth": int(row["max depth"]),
        "peer": row["peer"],
        "rates": {str(number): rate for number, rate in rates.items()},
    }
    policy = policy_of(ADVERT_B, commission={"level": level})
    most = {term.kind: term.most_ppm for term in worst_case(policy)}
    check(row, "level", Decimal(most["level"]) / 10**6)
    check(row, "peers", Decimal(most["peer"]) / 10**6)
    chain = worst_chain(policy)
    check(row, "chain", " ".join(chain))
    members = ["m0", *(f"r{number}" for number, _ in enumerate(chain, 1))]
    state = start(
        ADVERT_B,
        commission={"level": level},
        levels=dict(zip(members[1:], chain, strict=True)),
    )
    for number, (member, referrer) in enumerate(pairwise(members)):
        post(state, bind(f"b{number}", member, referrer))
    receipt = post(state, buy("o", "m0", 1000 * MICRO))[0]
    paid = sum(row["amount"] for row in receipt["commissions"])
    assert paid == 1000 * (most["level"] + most["peer"]), "the chain does not reach it"
