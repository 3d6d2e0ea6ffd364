"""What happened that concerns a member: read from the journal and the tables, kept nowhere.

So a notice says nothing that the books do not say, and none can be missing or wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from springtide.core.policy_diff import Change, list_changes
from springtide.core.policy_file import read_policy
from springtide.services.reports import Line, read_statement
from springtide.storage import drafts, guards, notices, programs, withdrawals
from springtide.storage.cash_outs import CashOutRequest
from springtide.storage.database import Database, Transaction
from springtide.storage.dates import read_times
from springtide.storage.errors import UnknownMember
from springtide.storage.programs import Program

__all__ = ["Change", "Notice", "list_notices", "list_requests"]

CAUSES = ("exit", "refund", "clawback")
"""Movements that a member did not ask for."""

TOLD = ("approved", "sent", "awaiting_member", "unknown", "settled", "rejected", "failed",
        "returned")  # fmt: skip
"""States of a withdrawal that others bring about."""

MOST_POLICIES = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened; money in micro, points in nano, 0 where there is none."""

    at: datetime
    kind: str
    """A movement's cause; `cash_out` or `withdrawal`; `policy`, `frozen` or `switch`."""
    id: str
    state: str = ""
    """Of a cash-out, a withdrawal or a policy; of a switch its name."""
    money: int = 0
    credit: int = 0
    """Store credit that came, in micro."""
    points: int = 0
    why: str = ""
    on: datetime | None = None
    """When an announced policy comes into effect."""
    changes: tuple[Change, ...] = ()
    fee: int = 0
    """Kept of a withdrawal that arrives."""


def list_requests(
    database: Database, name: str, member: str, most: int
) -> list[CashOutRequest]:
    """A member's requests for cash-outs, newest first.

    Raises:
        UnknownProgram: there is none of this name; so says `list_notices`.
    """
    with database.snapshot() as tx:
        return notices.read_requests(tx, programs.get_program(tx, name), member, most)


def list_notices(database: Database, name: str, member: str, most: int) -> list[Notice]:
    """What concerns a member, newest first."""
    try:
        lines = read_statement(database, name, member).lines
    except UnknownMember:  # logged in, and never bought
        lines = []
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = [
            *_moved(tx, program, lines, most),
            *_cashed(tx, program, member, most),
            *_withdrawn(tx, program, member),
            *_policies(tx, program),
            *_stopped(tx, program, member),
        ]
    return sorted(found, key=lambda notice: notice.at, reverse=True)[:most]


def _moved(
    tx: Transaction, program: Program, lines: Sequence[Line], most: int
) -> Iterator[Notice]:
    """One notice for all that an entry moved by one cause."""
    sums: dict[tuple[int, str, str], dict[str, int]] = {}
    for line in lines:
        if line.cause in CAUSES:
            units = sums.setdefault((line.seq, line.cause, line.id), {})
            units[line.unit] = units.get(line.unit, 0) + line.change
    newest = sorted(sums, reverse=True)[:most]
    times = read_times(tx, program, {seq for seq, _, _ in newest})
    for key in newest:
        seq, cause, id_ = key
        units = sums[key]
        yield Notice(
            times[seq], cause, id_, "", units.get("wallet", 0), units.get("credit", 0),
            units.get("points", 0),
        )  # fmt: skip


def _cashed(tx: Transaction, program: Program, member: str, most: int) -> Iterator[Notice]:
    for row in notices.read_requests(tx, program, member, most):
        if row.state in ("paid", "refused") and row.ended_at is not None:
            yield Notice(
                row.ended_at, "cash_out", row.id, row.state, row.net or 0, 0,
                row.paid_points or 0, row.reason or "",
            )  # fmt: skip


def _withdrawn(tx: Transaction, program: Program, member: str) -> Iterator[Notice]:
    rows = {row.id: row for row in withdrawals.list_withdrawals(tx, program, member=member)}
    steps = withdrawals.read_steps(tx, program, rows) if rows else []
    for step in sorted(steps, key=lambda step: step.seq, reverse=True):
        if step.to_state in TOLD and step.from_state != step.to_state:
            row = rows[step.withdrawal]
            yield Notice(
                step.at, "withdrawal", row.id, step.to_state, row.amount_micro, why=step.why,
                fee=row.fee_micro,
            )  # fmt: skip


def _policies(tx: Transaction, program: Program) -> Iterator[Notice]:
    """Changes that were announced, and those that came into effect."""
    texts = programs.read_policies(tx, program)
    known = [
        draft
        for draft in drafts.list_drafts(tx, program)
        if draft.state in ("scheduled", "in_effect")
    ]
    for draft in known[-MOST_POLICIES:]:
        changes = list_changes(read_policy(texts[draft.base_version]), read_policy(draft.toml))
        if draft.state == "in_effect" and draft.closed_at is not None:
            at = draft.closed_at
        else:
            assert draft.approved_at is not None
            at = draft.approved_at
        yield Notice(
            at, "policy", str(draft.number), draft.state, on=draft.effective_at,
            changes=tuple(changes),
        )  # fmt: skip


def _stopped(tx: Transaction, program: Program, member: str) -> Iterator[Notice]:
    freeze = guards.find_freeze(tx, program, member)
    if freeze is not None:
        state = "frozen" if freeze.frozen else "thawed"
        yield Notice(freeze.at, "frozen", "", state)
    for switch in guards.list_switches(tx, program):
        if switch.off:
            yield Notice(switch.at, "switch", "", switch.name)
