"""A member has what names them deleted; the books stay, under a number that is nobody's.

Deleted are phone, identities, invitations and the codes sent for log-ins; sessions end. What
was bought, earned and paid stays: others' figures follow from it, and the law wants it kept.
Source: docs/decisions/0024-leaving.md.
"""

from datetime import datetime
from typing import NamedTuple

from springtide.storage import departures, guards, orders, programs
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.departures import Deleted
from springtide.storage.orders import OrderFilter
from springtide.storage.programs import Program

__all__ = ["Deleted", "Reason", "Stays", "leave", "reasons_to_stay"]


class Reason(NamedTuple):
    """What keeps a member: `withdrawal`, `cash_out` or `order` with its id, or `frozen`."""

    kind: str
    id: str


class Stays(Exception):
    """The member cannot leave now.

    Attributes:
        reasons: What keeps them.
    """

    def __init__(self, member: str, reasons: list[Reason]) -> None:
        said = ", ".join(f"{reason.kind} {reason.id}".strip() for reason in reasons)
        super().__init__(f"{member} cannot leave yet: {said}; wait until that is over")
        self.reasons = reasons


def reasons_to_stay(database: Database, name: str, member: str) -> list[Reason]:
    """What keeps a member from leaving now; nothing if they may.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return _reasons(tx, programs.get_program(tx, name), member)


def _reasons(tx: Transaction, program: Program, member: str) -> list[Reason]:
    found = [Reason(*row) for row in departures.list_open(tx, program, member)]
    paid = orders.read_orders(tx, program, OrderFilter(member=member, state="paid"), 0, 1)
    found += [Reason("order", row.id) for row in paid]
    freeze = guards.find_freeze(tx, program, member)
    if freeze is not None and freeze.frozen:
        found.append(Reason("frozen", ""))
    return found


def leave(database: Database, name: str, member: str, now: datetime, actor: str) -> Deleted:
    """Delete what names a member, for good; nobody can log in as them afterwards.

    A second time deletes nothing more. Whoever logs in with the same phone is somebody new.

    Raises:
        UnknownProgram: there is none of this name.
        Stays: money of theirs is on its way, or they are frozen.
    """
    with database.transaction() as tx:
        # Whatever is posted for the member waits for this lock, and so does a freeze.
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        reasons = _reasons(tx, program, member)
        if reasons:
            raise Stays(member, reasons)
        is_new = departures.insert_departure(tx, program, member, now)
        deleted = departures.delete_traces(tx, program, member, now)
        if is_new:
            facts: dict[str, object] = dict(deleted._asdict())
            append_act(tx, program.id, now, actor, "member.leave", member, None, facts)
    return deleted
