"""Bindings that an operator changes, and what became of each: never retroactive, never lost."""

from datetime import UTC, datetime

from springtide.core.reducer import Outcome
from springtide.services.deciding import decide
from springtide.storage import programs, referrals
from springtide.storage.acts import Facts
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible
from springtide.storage.referrals import Bound

__all__ = ["Bound", "read_history", "rebind"]


def read_history(database: Database, name: str, member: str) -> list[Bound]:
    """The binding of a member and every change of it with its reason, oldest first.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return referrals.read_bindings(tx, programs.get_program(tx, name), member)


def rebind(
    database: Database,
    name: str,
    member: str,
    referrer: str,
    reason: str,
    now: datetime,
    actor: str,
) -> Outcome:
    """Bind a member to another referrer; orders before are not computed again.

    Raises:
        UnknownProgram: there is none of this name.
        NotPossible: the member is bound to this referrer already.
        Refusal: the member was never bound, would be above themselves, or there is no reason.
    """
    history = read_history(database, name, member)
    if history and history[-1].referrer == referrer:
        raise NotPossible(f"{member} is bound to {referrer} already; nothing was changed")
    event = {
        "type": "rebind", "id": f"rebind:{member[:150]}:{now.isoformat()}", "member": member,
        "referrer": referrer, "reason": reason,
        "at": now.astimezone(UTC).date().isoformat(),
    }  # fmt: skip
    before: Facts | None = {"referrer": history[-1].referrer} if history else None
    return decide(database, name, event, now, actor, member, before=before)
