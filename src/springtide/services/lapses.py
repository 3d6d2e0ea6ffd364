"""Telling operators, ahead and when it is so, that the evidence for a feature ends."""

from datetime import date, datetime

from springtide.core.policy_file import read_policy
from springtide.core.profile import (
    FEATURES,
    Profile,
    lapsed_features,
    used_features,
    warning_of,
)
from springtide.services.profiles import evidence_on_file, get_profile
from springtide.storage import alarms, programs
from springtide.storage.database import Database, Transaction
from springtide.storage.programs import Program


def tell_of_lapses(database: Database, now: datetime) -> dict[str, int]:
    """Raise what alarms are due of any program, once each; gives how many were new by name.

    Source: docs/algorithms/profiles.md, rule L4.
    """
    with database.snapshot() as tx:
        asked = [row for row in programs.list_programs(tx) if get_profile(row.profile).evidence]
    told = {}
    for program in asked:
        with database.transaction() as tx:
            new = _tell(tx, program, get_profile(program.profile), now)
        if new:
            told[program.name] = new
    return told


def _tell(tx: Transaction, program: Program, profile: Profile, now: datetime) -> int:
    policy, today = read_policy(program.policy_toml), now.date()
    evidence, told = evidence_on_file(tx, program), 0
    lapsed = lapsed_features(profile, policy, evidence, today)
    for feature in used_features(policy):
        warning = warning_of(profile, policy, evidence, feature, today)
        if warning is not None:
            when, last = warning
            detail = lapsed.get(feature) or _ahead(feature, last)
            told += alarms.append_alarm_about(
                tx, program, f"evidence_{when}", last, feature, now, detail
            )
    return told


def _ahead(feature: str, last: date) -> str:
    return (
        f"{feature} ({FEATURES[feature][0]}) stops after {last}, the last day of its evidence; "
        "record new evidence with `springtide evidence add`, or change the policy in time"
    )
