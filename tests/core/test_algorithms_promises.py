"""The rule of docs/algorithms/promises.md, run as written."""

import pytest

from springtide.core.promises import Promise, find_promises
from tests.spec import Row, worked_examples

NEVER = (
    "稳赚", "只涨不跌", "躺赚", "免费消费", "静态收益", "guaranteed", "risk-free",
    "passive income", "单边上扬", "保本", "零风险", "消费全返", "原始股", "上市", "几倍",
    "动态收益",
)  # fmt: skip


@pytest.mark.parametrize("row", worked_examples("promises", "W1"))
def test_w1_what_is_found(row: Row) -> None:
    found = "; ".join(promise.found for promise in find_promises(row["text"]))
    assert found == row["found"], row["why"]


@pytest.mark.parametrize("phrase", NEVER)
def test_what_no_page_may_ever_say_is_found(phrase: str) -> None:
    assert [promise.found for promise in find_promises(f"… {phrase} …")] == [phrase]


def test_a_promise_is_told_with_its_place() -> None:
    text = "Fine.\n加入就躺\u200b赚！\n\n  Zero risk."
    assert find_promises(text) == [
        Promise(2, 4, "躺\u200b赚", "promises an income without work"),
        Promise(4, 3, "Zero risk", "promises that nothing can be lost"),
    ]
