"""Profiles: every feature, by every way in, with and without what must be on file."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from springtide.core.policy import PolicyError
from springtide.core.profile import FEATURES, LIMITS, ProfileError
from springtide.core.refusals import CashOutDisabled
from springtide.services import policies, profiles
from springtide.services.listing import read_program
from springtide.services.presets import read_preset
from springtide.services.profiles import UnknownEvidence, UnusableEvidence, Wish
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.core.history import (
    ADVERT_B,
    batch,
    buy,
    cash_out,
    inject,
    merged,
    redeem,
    write_toml,
)
from tests.core.test_algorithms_profiles import SWITCHED_ON
from tests.services.histories import assert_sound, new_name

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
WEEK = timedelta(days=7)

CLOSED = merged(
    ADVERT_B,
    cash_out={"fee": None, "enabled": False},
    cap={"multiple": "2", "payout": "credit"},
)

LIVE = [name for name in LIMITS if name != "demo"]
CHANGEABLE = [feature for feature in FEATURES if feature != "no_reserve"]
"""An opening reserve is for ever: that one can only be tried when a program opens."""


def using(feature: str, **changes: object) -> str:
    return write_toml(merged(merged(CLOSED, **SWITCHED_ON[feature]), **changes))


def opened(database: Database, profile: str) -> str:
    name = new_name()
    create_program(database, name, write_toml(CLOSED), profile=profile)
    return name


def wish(feature: str, kind: str, **changes: Any) -> Wish:
    told: dict[str, Any] = {
        "feature": feature, "kind": kind, "number": "L-17", "issuer": "the authority",
        "valid_from": date(2026, 1, 1), "expires_on": date(2026, 12, 31),
        "file_hash": bytes(32), "depth": 3,
    }  # fmt: skip
    return Wish(**{**told, **changes})


def put_on_file(database: Database, name: str, feature: str, **changes: Any) -> list[int]:
    return [
        profiles.add_evidence(database, name, wish(feature, kind, **changes), "cli:ana", NOW).id
        for kind in ("licence", "opinion")
    ]


@pytest.mark.parametrize("profile", LIVE)
def test_no_program_opens_with_a_feature(database: Database, profile: str) -> None:
    for feature in FEATURES:
        with pytest.raises(PolicyError, match=f" {feature} "):
            create_program(
                database, new_name(), using(feature), profile=profile, without_reserve=True
            )


@pytest.mark.parametrize("profile", LIVE)
def test_no_draft_has_a_feature_that_the_profile_lacks(
    database: Database, profile: str
) -> None:
    name = opened(database, profile)
    for feature in CHANGEABLE:
        with pytest.raises(PolicyError, match=f"profile {profile} .*{feature} "):
            policies.create_draft(database, name, using(feature), "cli:ana", NOW)
        put_on_file(database, name, feature)
        if feature in LIMITS[profile].allows:
            number = policies.create_draft(
                database, name, using(feature), "cli:ana", NOW
            ).number
            policies.withdraw(database, name, number, "cli:ana", NOW)
        else:
            with pytest.raises(PolicyError, match=f"{profile} does not allow {feature} "):
                policies.create_draft(database, name, using(feature), "cli:ana", NOW)
    assert read_program(database, name)[0].policy_version == 1


def test_evidence_is_looked_at_again_at_every_step(database: Database) -> None:
    name, toml = opened(database, "cash"), using("cash_out")
    licence, opinion = put_on_file(database, name, "cash_out")
    number = policies.create_draft(database, name, toml, "cli:ana", NOW).number
    policies.submit(database, name, number, "cli:ana", NOW)
    profiles.revoke_evidence(database, name, opinion, "cli:ben", NOW)
    profiles.revoke_evidence(database, name, opinion, "cli:ben", NOW)
    with pytest.raises(PolicyError, match=r"cash_out .* needs counsel's opinion on file"):
        policies.approve(database, name, number, "cli:ben", NOW)
    put_on_file(database, name, "cash_out", expires_on=(NOW + WEEK).date())
    approved = policies.approve(database, name, number, "cli:ben", NOW)
    assert approved.effective_at == NOW + WEEK
    profiles.revoke_evidence(database, name, licence, "cli:ben", NOW)

    assert policies.put_in_effect(database, name, NOW + WEEK + timedelta(days=1)) is None
    closed = policies.get_draft(database, name, number)
    assert (closed.state, closed.closed_by) == ("rejected", "system")
    assert "needs a licence of an authority on file that holds on 2026-11-30" in closed.reason
    assert read_program(database, name)[0].policy_version == 1

    number = policies.create_draft(database, name, toml, "cli:ana", NOW).number
    policies.submit(database, name, number, "cli:ana", NOW)
    policies.approve(database, name, number, "cli:ben", NOW)
    assert policies.put_in_effect(database, name, NOW + WEEK) == 2
    assert profiles.standing(database, name, NOW + WEEK).refused == ""
    standing = profiles.standing(database, name, NOW + 2 * WEEK)
    assert standing.features == ["cash_out"]
    assert "on file that holds on 2026-12-06" in standing.refused
    with Writer(database, name) as writer:
        outcomes = writer.post([buy("o1", "m1", 10**9), cash_out("x1", "m1")])
    assert all(outcome.refusal is None for outcome in outcomes)
    assert_sound(database, name)


def test_a_closed_loop_pays_no_cash_for_points(database: Database) -> None:
    name = new_name()
    create_program(database, name, read_preset("closed-loop"), profile="closed-loop")
    events = [
        buy("o1", "m1", 10**9, referrer="m0"), cash_out("x1", "m1"), batch("x2", ("m1", 10**9)),
        redeem("d1", "m1", "shop-1", 10**9), inject("i1", 10**10),
    ]  # fmt: skip
    with Writer(database, name) as writer:
        outcomes = writer.post(events)
    refusals = [type(outcome.refusal) for outcome in outcomes if outcome.refusal]
    assert refusals == [CashOutDisabled, CashOutDisabled]
    redeemed, last = outcomes[3], outcomes[4]
    assert redeemed.receipt["net"] == redeemed.receipt["gross"]
    assert last.receipt["exits"]
    with database.snapshot() as tx:
        left = tx.execute(
            "SELECT t.credit FROM transfer t JOIN program p ON p.id = t.program_id"
            " WHERE p.name = %s AND t.kind = 'exit' AND t.debit = 'pool'",
            [name],
        ).fetchall()
    assert left == [("backing",)], "at the cap there is store credit, no cash"
    assert_sound(database, name)


def test_a_demo_may_do_everything_and_pays_nobody(database: Database) -> None:
    for feature in FEATURES:
        name = new_name()
        create_program(database, name, using(feature), without_reserve=True)
        profile = profiles.profile_of(database, name)
        assert (profile.name, profile.real_money) == ("demo", False)
    assert profiles.profile_of(database, opened(database, "eu-loyalty")).real_money
    with pytest.raises(ProfileError, match="no profile is named 'casino'"):
        create_program(database, new_name(), write_toml(CLOSED), profile="casino")


def test_a_live_program_has_a_week_of_notice_at_least(database: Database) -> None:
    name = opened(database, "closed-loop")
    with pytest.raises(PolicyError, match="the profile closed-loop wants at least 7"):
        policies.create_draft(
            database,
            name,
            write_toml(merged(CLOSED, policy={"notice_days": 6})),
            "cli:ana",
            NOW,
        )
    assert read_program(database, name)[0].notice_days == 7


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"feature": "casino"}, "feature is 'casino'; known are cash_out, "),
        ({"kind": "rumour"}, "kind is 'rumour'; known are licence, opinion"),
        ({"number": " "}, "number is ' '"),
        ({"issuer": "a\x00b"}, "issuer is "),
        ({"expires_on": date(2025, 1, 1)}, "expires on 2025-01-01, before 2026-01-01"),
        ({"depth": 0}, "depth is 0"),
        ({"file_hash": b""}, "32 bytes"),
    ],
)
def test_evidence_says_what_it_is(
    database: Database, changes: dict[str, Any], says: str
) -> None:
    told = {"feature": "levels", "kind": "licence", **changes}
    with pytest.raises(UnusableEvidence, match=says):
        profiles.add_evidence(database, "nobody", wish(**told), "cli:ana", NOW)


def test_evidence_is_of_its_program_alone(database: Database) -> None:
    mine, theirs = opened(database, "cash"), opened(database, "cash")
    [id_, _] = put_on_file(database, theirs, "cash_out")
    assert profiles.list_evidence(database, mine) == []
    with pytest.raises(UnknownEvidence):
        profiles.revoke_evidence(database, mine, id_, "cli:ana", NOW)
    assert [row.revoked_at for row in profiles.list_evidence(database, theirs)] == [None, None]


@pytest.mark.parametrize(
    ("preset", "profile"), [("closed-loop", "closed-loop"), ("advert-b", "demo")]
)
def test_where_none_is_named_the_profile_is_the_narrowest_that_fits(
    preset: str, profile: str
) -> None:
    assert profiles.fitting_profile(read_preset(preset)) == profile
