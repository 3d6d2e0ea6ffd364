"""Levels by sales: who has bought and sold enough for a higher one, and giving it to them.

Only settled sales count, less what was refunded: the member's own, and those of everybody at
most `max_depth` steps below. A run never takes a level away.
"""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.receipts import settled_micro
from springtide.core.units import format_money, parse_money
from springtide.services.deciding import decide
from springtide.storage import distribution, programs, sales
from springtide.storage.database import Database


@dataclass(frozen=True, slots=True)
class Promotion:
    """A member who has earned a higher level."""

    member: str
    before: str
    level: str
    reason: str
    own_micro: int
    """What the member bought for in the days that count."""
    team_micro: int
    """What those below bought for."""


def propose(database: Database, name: str, now: datetime) -> list[Promotion]:
    """Who has earned a higher level by now, by member; posts nothing.

    Raises:
        UnknownProgram: there is none of this name.
    """
    own: defaultdict[str, int] = defaultdict(int)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        policy = read_policy(program.policy_toml)
        if not policy.promotion.level_rules:
            return []
        since = now - timedelta(days=policy.promotion.level_days)
        for sale in sales.read_sales(tx, program, since, now + timedelta(days=1)):
            event, receipt = json.loads(sale.event), json.loads(sale.receipt)
            whole = settled_micro(receipt)
            assert whole <= parse_money(event["amount"])
            own[event["member"]] += whole - sale.refunded
        referrers = sales.read_tree(tx, program)
        given = distribution.read_levels(tx, program)
    team = _team_sales(own, referrers, policy.level_depth)
    levels = {**policy.levels, **given}
    found = []
    for member in sorted(own.keys() | team.keys()):
        before = levels.get(member, "")
        level = reached(policy, before, own[member], team[member])
        if level is not None:
            reason = (
                f"bought for {format_money(own[member])} and sold for "
                f"{format_money(team[member])} in {policy.promotion.level_days} days"
            )
            found.append(Promotion(member, before, level, reason, own[member], team[member]))
    return found


def _team_sales(
    own: dict[str, int], referrers: dict[str, str], depth: int
) -> defaultdict[str, int]:
    team: defaultdict[str, int] = defaultdict(int)
    for buyer, micro in own.items():
        above = referrers.get(buyer)
        for _ in range(depth):
            if above is None:
                break
            team[above] += micro
            above = referrers.get(above)
    return team


def reached(policy: Policy, before: str, own_micro: int, team_micro: int) -> str | None:
    """The highest level that sales give to a member; None if it is not above the present one.

    Source: docs/algorithms/distribution.md, rule D6.
    """
    rates = policy.level_rates_ppm
    levels = [
        level
        for level, rule in policy.promotion.level_rules.items()
        if own_micro >= rule.own_micro and team_micro >= rule.team_micro
    ]
    highest = max(levels, key=lambda level: rates[level], default="")
    return highest if rates.get(highest, 0) > rates.get(before, 0) else None


def read_level(database: Database, name: str, member: str) -> tuple[str, str]:
    """A member's level, empty if there is none, and why; the policy gives its own no reason.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        given = distribution.find_level(tx, program, member)
    return given or (read_policy(program.policy_toml).levels.get(member, ""), "")


def list_levels(database: Database, name: str, after: str, most: int) -> list[tuple[str, str]]:
    """Members who have a level, by member from after one: what was given, else the policy's.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        own = {
            member: level
            for member, level in read_policy(program.policy_toml).levels.items()
            if level
        }
        return distribution.list_levels(tx, program, own, after, most)


def run(
    database: Database, name: str, now: datetime, actor: str, only: Collection[str] = ()
) -> list[Promotion]:
    """Give everybody the level they have earned, or only some of them; gives what was given.

    Raises:
        UnknownProgram: there is none of this name.
    """
    found = [one for one in propose(database, name, now) if not only or one.member in only]
    for one in found:
        give(database, name, one.member, one.level, one.reason, now, actor)
    return found


def give(
    database: Database,
    name: str,
    member: str,
    level: str,
    reason: str,
    now: datetime,
    actor: str,
) -> None:
    """Give a member a level by hand, or take it away with an empty one.

    Raises:
        UnknownProgram: there is none of this name.
        Refusal: the policy has no such level, or there is no reason.
    """
    event = {
        "type": "level", "id": f"level:{member[:150]}:{now.isoformat()}", "member": member,
        "level": level, "reason": reason,
    }  # fmt: skip
    decide(database, name, event, now, actor, member)
