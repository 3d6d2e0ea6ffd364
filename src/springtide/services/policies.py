"""Changing a program's policy: drafted by one, approved by another, in effect after a notice.

A draft is made against the version in effect and goes from draft to submitted to scheduled to
in effect; it may be withdrawn or rejected on the way. Everything is checked when it is drafted,
when it is approved and when its day has come. Source: docs/algorithms/policy_changes.md.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from springtide.core.budget import check_rate, check_terms
from springtide.core.entry import NotLoaded
from springtide.core.event_fields import Json
from springtide.core.events import PolicyChange
from springtide.core.policy import Policy, PolicyError
from springtide.core.policy_change import check_change
from springtide.core.policy_diff import Change, list_changes
from springtide.core.policy_file import read_policy
from springtide.core.profile import notice_of
from springtide.core.reducer import Outcome, fold
from springtide.core.refusals import OverBudget
from springtide.core.state import State
from springtide.services.profiles import check_allowed, get_profile
from springtide.storage import distribution, drafts, ledger, programs, working_set
from springtide.storage.acts import append_act
from springtide.storage.chain import Chain
from springtide.storage.database import Database, Transaction
from springtide.storage.drafts import Draft
from springtide.storage.errors import DraftState, FourEyes, UnknownDraft
from springtide.storage.ledger import Slice
from springtide.storage.programs import Program
from springtide.storage.working_set import Needs, Tree

__all__ = [
    "Change",
    "Draft",
    "DraftState",
    "FourEyes",
    "UnknownDraft",
    "approve",
    "create_draft",
    "diff",
    "diff_draft",
    "find_scheduled",
    "get_draft",
    "get_version",
    "list_drafts",
    "list_for_approval",
    "preview",
    "put_due_in_effect",
    "put_in_effect",
    "reject",
    "submit",
    "withdraw",
]

LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def create_draft(database: Database, name: str, toml: str, actor: str, now: datetime) -> Draft:
    """Draft the next version of a program's policy.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        PolicyError: it cannot be used, changes what is fixed, changes nothing, or is more
            than the profile allows with the evidence on file.
    """
    with database.transaction() as tx:
        program = _lock(tx, name)
        _check(tx, program, toml, now)
        number = drafts.insert_draft(tx, program, toml, actor, now)
        draft = _get(tx, program, number)
        _log(tx, program, now, actor, "draft", draft)
    return draft


def submit(database: Database, name: str, number: int, actor: str, now: datetime) -> Draft:
    """Ask for somebody else's approval.

    Raises:
        UnknownDraft: there is none of this number; so say all that take one.
        DraftState: it is no draft any more.
    """
    with database.transaction() as tx:
        program = _lock(tx, name)
        draft = _get(tx, program, number, "draft")
        drafts.submit_draft(tx, program, number)
        return _log(tx, program, now, actor, "submit", draft)


def approve(
    database: Database,
    name: str,
    number: int,
    actor: str,
    now: datetime,
    effective_at: datetime | None = None,
) -> Draft:
    """Approve a submitted draft; it comes into effect after the notice, or later if asked.

    The notice is that of the policy in effect.

    Raises:
        DraftState: it is not submitted, another version came into effect since it was made,
            another one is approved already, or the day is within the notice.
        FourEyes: whoever made it cannot approve it.
        PolicyError: by now it could not be drafted any more.
    """
    with database.transaction() as tx:
        program = _lock(tx, name)
        draft = _get(tx, program, number, "submitted")
        if actor == draft.made_by:
            raise FourEyes(f"{actor} made draft {number}; somebody else must approve it")
        _check_base(program, draft)
        other = drafts.find_scheduled(tx, program)
        if other is not None:
            raise DraftState(
                f"draft {other.number} is approved already; withdraw it, or wait until it is "
                "in effect"
            )
        _check(tx, program, draft.toml, now)
        earliest = now + timedelta(days=program.notice_days)
        at = earliest if effective_at is None else effective_at
        if not earliest <= at < LATEST:
            raise DraftState(
                f"it cannot come into effect at {at.isoformat()}: the policy in effect wants "
                f"{program.notice_days} days of notice, so give {earliest.isoformat()} or later"
            )
        drafts.schedule_draft(tx, program, number, actor, now, at)
        return _log(tx, program, now, actor, "approve", draft)


def reject(
    database: Database, name: str, number: int, actor: str, now: datetime, reason: str
) -> Draft:
    """Turn a submitted or approved draft down, with a reason.

    Raises:
        DraftState: it is not waiting for anything, or no reason is given.
    """
    if not (reason.strip() and reason.isprintable()):
        raise DraftState("a rejection says why; give a reason in plain text, on one line")
    return _close(database, name, number, actor, now, "rejected", reason)


def withdraw(database: Database, name: str, number: int, actor: str, now: datetime) -> Draft:
    """Take a draft back before it is in effect.

    Raises:
        DraftState: it is in effect, rejected or withdrawn.
    """
    return _close(database, name, number, actor, now, "withdrawn", "")


def _close(
    database: Database, name: str, number: int, actor: str, now: datetime, to: str, reason: str
) -> Draft:
    with database.transaction() as tx:
        program = _lock(tx, name)
        before = ("submitted", "scheduled", *(["draft"] if to == "withdrawn" else []))
        draft = _get(tx, program, number, *before)
        drafts.close_draft(tx, program, number, to, actor, now, reason)
        what = "reject" if to == "rejected" else "withdraw"
        return _log(tx, program, now, actor, what, draft)


def list_drafts(database: Database, name: str) -> Sequence[Draft]:
    """All drafts of a program, oldest first."""
    with database.snapshot() as tx:
        return drafts.list_drafts(tx, programs.get_program(tx, name))


def list_for_approval(database: Database, name: str, actor: str) -> list[int]:
    """Numbers of the drafts that wait for somebody's approval: those that others submitted."""
    with database.snapshot() as tx:
        return drafts.list_for_approval(tx, programs.get_program(tx, name), actor)


def find_scheduled(database: Database, name: str) -> Draft | None:
    """The approved draft that waits for its day; until then no other can be approved."""
    with database.snapshot() as tx:
        return drafts.find_scheduled(tx, programs.get_program(tx, name))


def get_draft(database: Database, name: str, number: int) -> Draft:
    """One draft."""
    with database.snapshot() as tx:
        return _get(tx, programs.get_program(tx, name), number)


def get_version(database: Database, name: str, version: int | None = None) -> tuple[int, str]:
    """The number and the text of a version; of the one in effect if none is given.

    Raises:
        UnknownDraft: there is no such version.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        known = programs.read_policies(tx, program)
    wanted = program.policy_version if version is None else version
    if wanted not in known:
        raise UnknownDraft(f"{name} has no version {wanted} of its policy; it has {len(known)}")
    return wanted, known[wanted]


def diff(database: Database, name: str, toml: str) -> list[Change]:
    """What a policy would change, parameter by parameter.

    Raises:
        PolicyError: it cannot be used, or changes what is fixed.
    """
    with database.snapshot() as tx:
        running = read_policy(programs.get_program(tx, name).policy_toml)
    policy = read_policy(toml)
    check_change(running, policy)
    return list_changes(running, policy)


def preview(database: Database, name: str, toml: str, now: datetime) -> list[Change]:
    """What a policy would change, if it could be drafted now; nothing is kept of it.

    Raises:
        PolicyError: as `create_draft` would.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        policy = _check(tx, program, toml, now)
    return list_changes(read_policy(program.policy_toml), policy)


def diff_draft(database: Database, name: str, number: int) -> list[Change]:
    """What a draft changes of the version against which it was made."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        draft = _get(tx, program, number)
        base = programs.get_policy(tx, program, draft.base_version)
    return list_changes(read_policy(base), read_policy(draft.toml))


def put_due_in_effect(database: Database, now: datetime) -> dict[str, int | None]:
    """Put every approved draft in effect whose day has come; gives the new versions by name.

    None stands for a draft that could not be approved any more, and was rejected.
    """
    with database.snapshot() as tx:
        due = drafts.programs_due(tx, now)
    return {name: put_in_effect(database, name, now) for name in due}


def put_in_effect(database: Database, name: str, now: datetime) -> int | None:
    """Put a program's approved draft in effect if its day has come; gives the new version.

    The journal gets an entry with the policy's text, so orders are before it or after it. A
    draft that its profile does not allow any more, say because evidence expired, is rejected.
    """
    with database.transaction() as tx:
        program = _lock(tx, name)
        draft = drafts.find_scheduled(tx, program)
        if draft is None or draft.effective_at is None or draft.effective_at > now:
            return None
        version = program.policy_version + 1
        event: Json = {
            "type": "policy",
            "id": f"springtide:policy:{version}",
            "version": version,
            "toml": draft.toml,
            "at": now.isoformat(),
        }
        try:
            policy = _check(tx, program, draft.toml, now)
            state, outcome = _fold(tx, program, event)
        except PolicyError as error:
            drafts.close_draft(tx, program, draft.number, "rejected", "system", now, str(error))
            _log(tx, program, now, "system", "reject", draft)
            return None
        notice = notice_of(get_profile(program.profile), policy)
        _append(tx, drafts.enact_draft(tx, program, draft, notice, now), state, outcome)
        _log(tx, program, now, "system", "effect", draft)
    return version


def _fold(tx: Transaction, program: Program, event: Json) -> tuple[State, Outcome]:
    """Fold the change by itself; an exit that was due comes with it, as with any event.

    Raises:
        PolicyError: the reducer refuses it.
    """
    change = PolicyChange(str(event["id"]), program.policy_version + 1, str(event["toml"]))
    state = program.state(read_policy(program.policy_toml))
    working_set.load_state(tx, program, state, Tree(program.id), Needs([(event, change)]))
    triggers = working_set.FIRST_TRIGGERS
    while True:
        try:
            outcome = fold(state, event, change)
        except NotLoaded as missing:
            triggers = working_set.load_missing(tx, program, state, missing, triggers)
            continue
        if outcome.refusal is not None:
            raise PolicyError(str(outcome.refusal))
        return state, outcome


def _append(tx: Transaction, program: Program, state: State, outcome: Outcome) -> None:
    assert outcome.entry is not None
    part, chain = Slice(program), Chain(program.hash)
    part.add(outcome.entry)
    part.close(state)
    ledger.append(tx, program, part, chain)
    programs.move_program(tx, program, state, program.batch + 1, chain.digest())


def _lock(tx: Transaction, name: str) -> Program:
    return programs.lock_program(tx, programs.get_program(tx, name).id)


def _get(tx: Transaction, program: Program, number: int, *states: str) -> Draft:
    draft = drafts.find_draft(tx, program, number)
    if draft is None:
        raise UnknownDraft(
            f"{program.name} has no draft {number}; see `springtide policy list {program.name}`"
        )
    if states and draft.state not in states:
        raise DraftState(
            f"draft {number} is {draft.state.replace('_', ' ')}; "
            f"this takes one that is {' or '.join(states)}"
        )
    return draft


def _check_base(program: Program, draft: Draft) -> None:
    if draft.base_version != program.policy_version:
        raise DraftState(
            f"draft {draft.number} was made against version {draft.base_version}, and version "
            f"{program.policy_version} is in effect; draft it again"
        )


def _check(tx: Transaction, program: Program, toml: str, now: datetime) -> Policy:
    running, policy = read_policy(program.policy_toml), read_policy(toml)
    check_change(running, policy)
    if not list_changes(running, policy):
        raise PolicyError(
            f"it says the same as version {program.policy_version}; change something"
        )
    check_agreed(tx, program, policy)
    check_allowed(tx, program, policy, now)
    return policy


def check_agreed(tx: Transaction, program: Program, policy: Policy) -> None:
    """Refuse a policy under which what merchants or agents agreed to could pass a budget.

    Raises:
        PolicyError: with whose terms or whose rate.
    """
    try:
        for merchant, terms in distribution.read_all_terms(tx, program).items():
            check_terms(policy, terms, f"merchant {merchant} by its own terms")
        for contract in distribution.read_contracts(tx, program):
            if contract.rate_ppm is not None and not contract.ended:
                check_rate(policy, contract.rate_ppm)
    except OverBudget as refusal:
        raise PolicyError(str(refusal)) from None


def _log(
    tx: Transaction, program: Program, now: datetime, actor: str, what: str, before: Draft
) -> Draft:
    """Log an act on a draft, and give the draft as it is after it."""
    after = _get(tx, program, before.number)
    append_act(
        tx, program.id, now, actor, f"policy.{what}", f"policy_draft:{before.number}",
        None if what == "draft" else _facts(before), _facts(after),
    )  # fmt: skip
    return after


def _facts(draft: Draft) -> dict[str, object]:
    effective = draft.effective_at
    return {
        "state": draft.state,
        "base_version": draft.base_version,
        "effective_at": None if effective is None else effective.isoformat(),
        "reason": draft.reason,
    }
