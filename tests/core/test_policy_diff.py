"""What a policy changes, in words; and the parameters that came with profiles."""

from dataclasses import fields, replace
from typing import Any

import pytest

from springtide.core.policy import (
    Controls,
    LevelRule,
    Policy,
    PolicyError,
    Promotion,
    WithdrawalTerms,
)
from springtide.core.policy_diff import Change, list_changes
from tests.core.history import ADVERT_B, COMMISSIONS, policy_of

FULL = policy_of(
    ADVERT_B,
    points={"max_grant_value": "5000.00"},
    cap={"multiple": "1.2"},
    controls={"min_spend": "5.00"},
    commission=COMMISSIONS,
    merchants={"shop-1": {"take_rate": "0.50", "region": "330106", "recruiter": "m7"}},
    agents={"33": "a3"},
    levels={"m9": "2"},
)


def told(**changes: object) -> list[tuple[str, str, str]]:
    after = policy_of(ADVERT_B, **changes)
    return [
        (one.parameter, one.old, one.new) for one in list_changes(policy_of(ADVERT_B), after)
    ]


def test_changes_are_told_in_words() -> None:
    assert told() == []
    assert told(split={"take_rate": "0.333333"}, points={"max_grant_value": "5000.5"}) == [
        ("split.take_rate", "20 %", "33.3333 %"),
        ("points.max_grant_value", "no limit", "5,000.50"),
    ]
    assert told(
        orders={"settle_after": "36h"}, cap={"multiple": "1.2", "payout": "credit"}
    ) == [
        ("orders.settle_after", "at once", "36 hours"),
        ("cap.multiple", "no cap", "120 % of the spend"),
        ("cap.payout", "cash", "store credit"),
    ]
    assert told(cash_out={"enabled": False, "fee": None}, policy={"notice_days": 30}) == [
        ("cash_out.fee", "20 %", "0 %"),
        ("cash_out.enabled", "can be had", "cannot be had"),
        ("policy.notice_days", "as the profile says", "30 days"),
    ]


def test_tables_change_key_by_key() -> None:
    assert told(
        merchants={"shop-1": {"take_rate": "0.50", "region": "330106", "recruiter": "m7"}},
        agents={"33": "a3"},
    ) == [
        ("merchants.shop-1", "nothing", "take rate 50 %, region 330106, recruiter m7"),
        ("agents.33", "nothing", "a3"),
    ]
    without = policy_of(ADVERT_B, agents={"33": "a4"})
    changes = list_changes(policy_of(ADVERT_B, agents={"33": "a3", "44": "a1"}), without)
    assert changes == [
        Change("agents.33", "agent of this region", "a3", "a4"),
        Change("agents.44", "agent of this region", "a1", "nothing"),
    ]


def another(value: Any) -> Any:
    """A value of the same kind that differs."""
    if isinstance(value, WithdrawalTerms):
        return WithdrawalTerms(*map(another, value))
    if isinstance(value, Controls | Promotion):
        parts = {part.name: another(getattr(value, part.name)) for part in fields(value)}
        return type(value)(**parts)
    if value == {}:
        return {"2": LevelRule(1, 2)}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 60
    return {type(None): 5, tuple: (1, 2, 3), dict: {}}[type(value)]


@pytest.mark.parametrize("field", [field.name for field in fields(Policy)])
def test_no_parameter_changes_unseen(field: str) -> None:
    changed: dict[str, Any] = {field: another(getattr(FULL, field))}
    changes = list_changes(FULL, replace(FULL, **changed))
    inside = getattr(FULL, field)
    parts = (
        fields(inside)
        if isinstance(inside, Controls | Promotion)
        else getattr(inside, "_fields", [0])
    )
    assert len(changes) >= len(parts)
    assert all(change.old != change.new for change in changes)
    assert len({change.parameter for change in changes}) == len(changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"cash_out": {"enabled": False}},
            r"cash_out\.fee means nothing where cash_out\.enabled",
        ),
        ({"cash_out": {"enabled": "no"}}, r"cash_out\.enabled is 'no'; give true or false"),
        (
            {"policy": {"notice_days": 366}},
            "notice_days is 366; give a whole number from 0 to 365",
        ),
        ({"policy": {"notice_days": "7"}}, "notice_days is '7'; give a whole number"),
        ({"policy": {"days": 7}}, r"policy\.days is not known here"),
    ],
)
def test_parameters_are_checked(changes: dict[str, object], says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        policy_of(ADVERT_B, **changes)


def test_without_cash_the_fee_is_that_of_a_redemption() -> None:
    closed = policy_of(
        ADVERT_B, cash_out={"enabled": False, "fee": None}, redeem={"fee": "0.03"}
    )
    assert (closed.cash_out_enabled, closed.cash_out_fee_ppm) == (False, 30_000)
