"""The rules of docs/algorithms/commission.md, run as written."""

from decimal import Decimal

import pytest

from springtide.core.policy import PolicyError
from springtide.core.policy_file import read_policy
from tests.spec import Row, check, check_story, worked_examples


@pytest.mark.parametrize("rule", ["K1", "K2", "K3", "K4", "K5", "K6"])
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
