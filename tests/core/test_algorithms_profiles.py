"""The rules of docs/algorithms/profiles.md: every feature, switched on under every profile."""

from datetime import date
from typing import Any

import pytest

from springtide.core.commission import STOPPABLE
from springtide.core.policy import Policy, PolicyError
from springtide.core.profile import (
    FEATURES,
    LIMITS,
    Evidence,
    ProfileError,
    check_profile,
    lapsed_features,
    read_profile,
    used_features,
    warning_of,
)
from springtide.core.tally import Guards
from springtide.services.profiles import get_profile
from tests.core.history import ADVERT_B, merged, policy_of
from tests.sentences import read_sentence
from tests.spec import Program, Row, check, commissions_of, policy_text, worked_examples

TODAY = date(2026, 11, 22)

CLOSED = merged(
    ADVERT_B,
    cash_out={"fee": None, "enabled": False},
    cap={"multiple": "2", "payout": "credit"},
)

LEVELS = {"max_depth": 3, "peer": "0", "rates": {"1": "0.001"}}

SWITCHED_ON: dict[str, dict[str, Any]] = {
    "cash_out": {"cash_out": {"enabled": True, "fee": "0.20"}},
    "cash_exit": {"cap": {"payout": "cash"}},
    "indirect": {"commission": {"indirect": "0.000001"}},
    "territory": {"commission": {"territory": {"province": "0.000001"}}},
    "levels": {"commission": {"level": LEVELS}},
    "no_reserve": {"opening_reserve": "0"},
}

CELLS = [
    pytest.param(row["feature"].strip("`"), name, row[name], id=f"{row['feature']} {name}")
    for row in worked_examples("profiles", "L1")
    for name in LIMITS
]


def using(feature: str) -> Policy:
    policy = policy_of(CLOSED, **SWITCHED_ON[feature])
    assert used_features(policy) == [feature]
    return policy


def on_file(
    feature: str, *kinds: str, last: date = TODAY, depth: int | None = 3
) -> list[Evidence]:
    return [Evidence(feature, kind, depth, date(2026, 1, 1), last) for kind in kinds]


def test_every_feature_has_its_row() -> None:
    assert [row["feature"].strip("`") for row in worked_examples("profiles", "L1")] == [
        *FEATURES
    ]
    assert used_features(policy_of(CLOSED)) == []


@pytest.mark.parametrize(("feature", "name", "cell"), CELLS)
def test_l1_what_each_profile_allows(feature: str, name: str, cell: str) -> None:
    profile, policy = get_profile(name), using(feature)
    everything = [one for other in FEATURES for one in on_file(other, "licence", "opinion")]
    if cell == "yes":
        check_profile(profile, policy, [], TODAY)
    elif cell == "no":
        with pytest.raises(PolicyError, match=rf"profile {name} does not allow {feature} \("):
            check_profile(profile, policy, everything, TODAY)
    else:
        kinds = cell.split(", ")
        check_profile(profile, policy, on_file(feature, *kinds), TODAY)
        for missing in kinds:
            others = [kind for kind in kinds if kind != missing]
            with pytest.raises(PolicyError, match=f"profile {name} {feature} .* needs "):
                check_profile(profile, policy, on_file(feature, *others), TODAY)


@pytest.mark.parametrize("feature", ["cash_out", "territory"])
def test_evidence_counts_on_its_days_and_for_its_feature_only(feature: str) -> None:
    profile, policy = get_profile("cash"), using(feature)
    held = on_file(feature, "licence", "opinion")
    check_profile(profile, policy, held, TODAY)
    check_profile(profile, policy, held, date(2026, 1, 1))
    for day in (date(2025, 12, 31), date(2026, 11, 23)):
        with pytest.raises(PolicyError, match=f"on file that holds on {day}"):
            check_profile(profile, policy, held, day)
    with pytest.raises(PolicyError, match="needs "):
        check_profile(profile, policy, on_file("indirect", "licence", "opinion"), TODAY)
    with pytest.raises(PolicyError, match="open the program without, record it"):
        check_profile(profile, policy)


def test_the_licence_says_how_deep_levels_may_be() -> None:
    profile, policy = get_profile("direct-selling"), using("levels")
    for depth in (2, None):
        held = on_file("levels", "licence", "opinion", depth=depth)
        with pytest.raises(PolicyError, match="max_depth is 3; the licence on file permits"):
            check_profile(profile, policy, held, TODAY)


@pytest.mark.parametrize("row", worked_examples("profiles", "L2"))
def test_l2_real_money_and_notice(row: Row) -> None:
    profile = get_profile(row["profile"].strip("`"))
    assert profile.real_money is (row["real money"] == "yes")
    least = int(row["least notice in days"])
    assert profile.notice_days == least
    check_profile(profile, policy_of(CLOSED, policy={"notice_days": least}), [], TODAY)
    if least:
        shorter = policy_of(CLOSED, policy={"notice_days": least - 1})
        with pytest.raises(
            PolicyError, match=f"notice_days is {least - 1}; .* at least {least}"
        ):
            check_profile(profile, shorter, [], TODAY)


def edited(name: str, **changes: object) -> str:
    told = {"about": "x", "real_money": True, "notice_days": 7, "allows": [], **changes}
    lines = [
        f"{key} = {str(value).lower() if value is True else value!r}"
        for key, value in told.items()
    ]
    return "\n".join([*lines, "[evidence]"])


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("feature", FEATURES)
def test_a_data_file_allows_no_more_than_the_code(name: str, feature: str) -> None:
    text = edited(name, allows=[feature], real_money=name != "demo")
    text = text.replace("False", "false")
    if feature in LIMITS[name].allows:
        profile = read_profile(name, text)
        asked = LIMITS[name].evidence.get(feature, frozenset())
        assert profile.evidence[feature] == asked, (
            "what it leaves out is asked for all the same"
        )
    else:
        with pytest.raises(ProfileError, match=f"profile {name} cannot allow {feature}"):
            read_profile(name, text)


def test_a_data_file_may_narrow() -> None:
    narrow = edited("cash", allows=["cash_out"], notice_days=30) + '\ncash_out = ["licence"]'
    profile = read_profile("cash", narrow)
    assert profile.notice_days == 30
    with pytest.raises(PolicyError, match="does not allow territory"):
        check_profile(
            profile, using("territory"), on_file("territory", "licence", "opinion"), TODAY
        )
    assert read_profile("cash", edited("cash", notice_days=0)).notice_days == 7
    with pytest.raises(ProfileError, match="demo cannot allow real_money"):
        read_profile("demo", edited("demo", real_money=True))
    with pytest.raises(ProfileError, match="no profile is named 'casino'; known are demo, "):
        read_profile("casino", "")
    with pytest.raises(ProfileError, match="profile cash is not complete"):
        read_profile("cash", "about = 1")


def test_l3_what_stops_when_evidence_ends() -> None:
    program = Program(policy_text("profiles", "L3"))
    for row in worked_examples("profiles", "L3"):
        stopped = [feature for feature in row["stopped"].split(", ") if feature]
        assert set(stopped) <= FEATURES.keys()
        program.state.guards = Guards(lapsed=dict.fromkeys(stopped, "it has stopped"))
        event = read_sentence(row["event"])
        unpaid = ", ".join(feature for feature in stopped if feature in STOPPABLE)
        if unpaid and event["type"] in ("purchase", "settle"):
            event["commissions"] = f"without {unpaid}"  # as the service does
        receipt = program.post(event).receipt
        check(row, "refused as", receipt.get("error"))
        check(row, "platform", receipt.get("platform"))
        check(row, "commissions", commissions_of(receipt))
        exits = [f"{one['lot']} {one['net']}" for one in receipt.get("exits", [])]
        check(row, "exits", "; ".join(exits))


def documents(kind: str, cell: str) -> list[Evidence]:
    spans = [span.rsplit(" to ", 1) for span in cell.split(", ")]
    return [
        Evidence(
            "cash_out", kind, None,
            date.fromisoformat(span[0] if len(span) > 1 else "2026-01-01"),
            date.fromisoformat(span[-1]), "L-17",
        )
        for span in spans
    ]  # fmt: skip


@pytest.mark.parametrize("row", worked_examples("profiles", "L4"))
def test_l4_what_operators_are_told(row: Row) -> None:
    profile, policy = get_profile("cash"), using("cash_out")
    today = date.fromisoformat(row["today"])
    evidence = [
        *documents("licence", row["licences until"]),
        *documents("opinion", row["opinions until"]),
    ]
    told = warning_of(profile, policy, evidence, "cash_out", today)
    check(row, "told", told and told[0])
    check(row, "last day", told and told[1])
    lapsed = lapsed_features(profile, policy, evidence, today)
    assert list(lapsed) == ["cash_out"] * (row["told"] == "expired")
    for why in lapsed.values():
        assert "L-17 held until 2026-12-" in why
        assert why.endswith("record one with `springtide evidence add`")
    assert warning_of(profile, policy, evidence, "cash_exit", today) is not None
    assert warning_of(get_profile("demo"), policy, [], "cash_out", today) is None


def test_a_licence_for_fewer_levels_is_none() -> None:
    profile, policy = get_profile("direct-selling"), using("levels")
    both = on_file("levels", "licence", "opinion", depth=2)
    assert "none does" in lapsed_features(profile, policy, both, TODAY)["levels"]
    assert (
        lapsed_features(profile, policy, on_file("levels", "licence", "opinion"), TODAY) == {}
    )
