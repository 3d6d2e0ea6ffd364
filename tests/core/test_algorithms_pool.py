"""The rules of docs/algorithms/pool.md, run as written."""

import re

import pytest

from springtide.core.policy import PolicyError
from springtide.core.units import format_money, parse_money
from tests.spec import Program, Row, check, check_story, policy_text, worked_examples


@pytest.mark.parametrize("row", worked_examples("pool", "P1"))
def test_p1_opening(row: Row) -> None:
    policy = (
        f'opening_reserve = "{row["opening reserve"]}"\n'
        'split = { take_rate = "0.20", platform = "0.10", distribution = "0.10" }\n'
        f'points = {{ grant_ratio = "0.70", start_price = "{row["start price"]}" }}\n'
        'cash_out = { fee = "0.20" }\n'
    )
    if row["reserve"] == "refused":
        with pytest.raises(PolicyError, match="give at least"):
            Program(policy)
        assert row["supply"] == row["price"] == ""
        return
    program = Program(policy)
    for column in ("reserve", "supply", "price"):
        check(row, column, program.look(column))


def test_p1_opening_of_a_policy_that_names_neither() -> None:
    first = worked_examples("pool", "P1")[0]
    program = Program(policy_text("pool", "P1"))
    for column in ("reserve", "supply", "price"):
        check(first, column, program.look(column))


@pytest.mark.parametrize("rule", ["P2", "P5", "P6"])
def test_stories(rule: str) -> None:
    check_story("pool", rule)


def _split_policy(row: Row, take_rate: str, unallocated: str) -> str:
    return (
        f'split = {{ take_rate = "{take_rate}", platform = "{row["platform share"]}", '
        f'distribution = "{row["distribution share"]}", unallocated = "{unallocated}" }}\n'
        'points = { grant_ratio = "0.70" }\n'
        'cash_out = { fee = "0.20" }\n'
        f'merchants = {{ shop-1 = {{ take_rate = "{row["take rate"]}" }} }}\n'
    )


@pytest.mark.parametrize("row", worked_examples("pool", "P3"))
@pytest.mark.parametrize("own_rate", [False, True], ids=["policy's rate", "merchant's rate"])
def test_p3_splitting_a_purchase(row: Row, *, own_rate: bool) -> None:
    take_rate = "0.000001" if own_rate else row["take rate"]
    sentence = f"o1: m1 buys for {row['amount']}" + (" at shop-1" if own_rate else "")
    rest_to_platform, rest_to_pool = (
        Program(_split_policy(row, take_rate, unallocated)).tell(sentence).receipt
        for unallocated in ("platform", "pool")
    )
    merchant = parse_money(rest_to_pool["merchant"])
    distribution = parse_money(rest_to_platform["platform"]) - parse_money(
        rest_to_pool["platform"]
    )
    check(row, "merchant", rest_to_pool["merchant"])
    check(row, "take", format_money(parse_money(row["amount"]) - merchant))
    check(row, "platform", rest_to_pool["platform"])
    check(row, "distribution", format_money(distribution))
    check(row, "contribution", rest_to_platform["contribution"])


@pytest.mark.parametrize("row", worked_examples("pool", "P4"))
def test_p4_the_grant(row: Row) -> None:
    limit = row["max grant value"]
    policy = (
        'opening_reserve = "0"\n'
        'split = { take_rate = "1", platform = "0", distribution = "0" }\n'
        'cash_out = { fee = "0.20" }\n'
        "[points]\n"
        f'start_price = "{row["price before"]}"\n'
        f'grant_ratio = "{row["grant ratio"]}"\n'
        + (f'max_grant_value = "{limit}"\n' if limit else "")
    )
    receipt = Program(policy).tell(f"o1: m1 buys for {row['contribution']}").receipt
    assert receipt["contribution"] == format_money(parse_money(row["contribution"]))
    check(row, "granted", receipt["granted"])


@pytest.mark.parametrize("row", worked_examples("pool", "P7"))
def test_p7_no_free_profit(row: Row) -> None:
    program, put_in = Program(policy_text("pool", "P7")), 0
    for sentence in row["what they do"].split("; "):
        assert "error" not in program.tell(sentence).receipt
        bought = re.search(r"buys for (\S+)", sentence)
        put_in += parse_money(bought[1]) if bought else 0
    theirs = ("wallet:m1", "merchant:shop-1", "refunds")
    back = sum(program.balance(account) for account in theirs)
    check(row, "put in", format_money(put_in))
    check(row, "back", format_money(back))
    assert back <= put_in
