"""The rules of docs/algorithms/policy_changes.md, run as written."""

from typing import Any

import pytest

from springtide.core.policy import PolicyError
from springtide.core.policy_change import check_change
from springtide.core.policy_diff import list_changes
from tests.core.history import ADVERT_B, merged, policy_of
from tests.spec import Program, Row, check_story, next_policy_text, policy_text, worked_examples

RUNNING = merged(ADVERT_B, points={"split_at": "1000"}, cap={"multiple": "1.2"})


def test_c1_orders_before_during_and_after() -> None:
    check_story("policy_changes", "C1")


@pytest.mark.parametrize(
    ("order", "bearer"),
    [("o2", "merchant:shop-1"), ("o3", "platform")],
)
def test_c1_who_bears_the_shortfall(order: str, bearer: str) -> None:
    program = Program(policy_text("policy_changes", "C1"))
    program.next_toml = next_policy_text("policy_changes", "C1")
    for sentence in (
        "o1: m1 buys for 1000.00 at shop-1",
        "o2: m2 pays 1000.00 at shop-1",
        "v2: version 2 is in effect",
        "s2: o2 is settled",
        "o3: m3 buys for 1000.00 at shop-1",
        f"x1: m{order[1]} cashes out 30",
    ):
        assert "error" not in program.tell(sentence).receipt
    refunded = program.tell(f"r1: {order} is refunded")
    [row] = [row for row in refunded.transfers if row[0] == "shortfall"]
    assert row[1] == bearer


@pytest.mark.parametrize("row", worked_examples("policy_changes", "C2"))
def test_c2_what_may_not_change(row: Row) -> None:
    path = row["parameter"].strip("`").split(".")

    def with_value(text: str) -> dict[str, Any]:
        value: Any = int(text) if path[-1] == "split_factor" else text
        for key in reversed(path):
            value = {key: value}
        return merged(RUNNING, **value)

    old, new = policy_of(with_value(row["from"])), policy_of(with_value(row["to"]))
    if row["refused"]:
        with pytest.raises(PolicyError, match=f"^{row['refused']} cannot change"):
            check_change(old, new)
    else:
        check_change(old, new)
    [change] = list_changes(old, new)
    assert change.parameter == row["parameter"].strip("`")
    assert change.old != change.new
