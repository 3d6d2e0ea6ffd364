"""What a batch is not to do today: features without their evidence, commissions that are held.

Both follow from the day and from rows beside the journal, so they are found with the program's
row locked, and only refuse. What is posted under them says so itself: see `stamping`.
"""

from collections.abc import Sequence
from datetime import datetime

from springtide.core.commission import STOPPABLE
from springtide.core.events import Settle, Withdraw
from springtide.core.policy import Policy
from springtide.core.profile import LIMITS, ProfileError, lapsed_features
from springtide.core.state import State
from springtide.core.tally import Guards
from springtide.services.holds import held_micro
from springtide.services.profiles import evidence_on_file, get_profile
from springtide.services.stamping import Command
from springtide.storage.database import Transaction
from springtide.storage.programs import Program


def guard(
    tx: Transaction,
    program: Program,
    state: State,
    commands: Sequence[Command],
    now: datetime | None,
) -> None:
    """Let a state know what its events may not do now; a replay has no now, and did it before.

    Source: docs/algorithms/profiles.md, rule L3; distribution.md, rule D5.
    """
    if now is None:
        return
    lapsed = _lapsed(tx, program, state, commands, now)
    held = _held(tx, program, state.policy, commands, now)
    if lapsed or held:
        guards = state.guards or Guards()
        state.guards = guards._replace(lapsed=lapsed, held=held)


def _lapsed(
    tx: Transaction,
    program: Program,
    state: State,
    commands: Sequence[Command],
    now: datetime,
) -> dict[str, str]:
    try:
        profile = get_profile(program.profile)
    except ProfileError:  # orders do not stop for a file; the code's own limits hold
        profile = LIMITS[program.profile]
    if not profile.evidence:
        return {}
    evidence, today = evidence_on_file(tx, program), now.date()
    lapsed = lapsed_features(profile, state.policy, evidence, today)
    for policy in _earlier_policies(state, commands):
        for feature, why in lapsed_features(profile, policy, evidence, today).items():
            if feature in STOPPABLE:
                lapsed.setdefault(feature, why)
    return lapsed


def _earlier_policies(state: State, commands: Sequence[Command]) -> list[Policy]:
    """Other policies under which orders of the batch are settled."""
    orders = {parsed.order for _, parsed in commands if isinstance(parsed, Settle)}
    found: list[Policy] = []
    for order in orders & state.posted.keys():
        policy = state.posted[order].policy
        if policy is not state.policy and policy not in found:
            found.append(policy)
    return found


def _held(
    tx: Transaction,
    program: Program,
    policy: Policy,
    commands: Sequence[Command],
    now: datetime,
) -> dict[str, int]:
    if policy.promotion.by_statement or not policy.promotion.hold_days:
        return {}
    members = {parsed.member for _, parsed in commands if isinstance(parsed, Withdraw)}
    return {member: held_micro(tx, program, policy, member, now) for member in members}
