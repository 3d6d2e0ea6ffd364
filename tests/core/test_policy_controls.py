"""The controls of a policy file: what each may be, and what a refusal says."""

import pytest

from tests.core.history import merged, policy_of
from tests.core.test_policy import CAPPED, REQUIRED, refusal

LIMITS = ["min_spend", "min_cash_out", "daily_cash_out", "daily_outflow"]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_a_positive_amount_or_absent(limit: str) -> None:
    controls = policy_of(REQUIRED, controls={limit: "2.50"}).controls
    assert controls is not None
    assert getattr(controls, f"{limit}_micro") == 2_500_000
    assert controls.timed == limit.startswith("daily")
    assert refusal(controls={limit: "0"}) == (
        f"controls.{limit} is 0; it must be above zero, or remove it"
    )
    assert f"controls.{limit}: 5 is not" in refusal(controls={limit: 5})


def test_controls_are_read_and_refused_by_name() -> None:
    assert policy_of(REQUIRED).controls is None
    assert policy_of(REQUIRED, controls={}).controls is None
    both = {"max_contribution_ratio": "1.5", "launch_floor": "0"}
    controls = policy_of(REQUIRED, controls={"hold_days": 7, **both}).controls
    assert controls is not None
    assert (controls.hold_s, controls.timed) == (7 * 86_400, True)
    assert (controls.max_contribution_ppm, controls.launch_floor_micro) == (1_500_000, 0)
    for one in both:
        assert "go together" in refusal(controls={one: both[one]})
    assert "must be above zero" in refusal(controls={**both, "max_contribution_ratio": "0"})
    assert "whole number from 0 to 3650" in refusal(controls={"hold_days": "7d"})
    assert "is points.max_grant_value; set that" in refusal(
        controls={"max_grant_per_order": "5.00"}
    )
    assert 'set cap.scope to "order"' in refusal(
        merged(CAPPED, cap={"scope": "member"}), controls={"hold_days": 1}
    )
    assert refusal(controls={"min_spent": "1"}).startswith("controls.min_spent is not known")
