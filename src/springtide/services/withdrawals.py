"""Withdrawals: asked for, approved or rejected by people, and read back."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from springtide.core.event_fields import Json
from springtide.core.events import STEPS, same_content
from springtide.core.reducer import Outcome
from springtide.core.refusals import IdReused, UnknownWithdrawal, WrongState
from springtide.core.state import Withdrawal
from springtide.core.withdrawal import STATES
from springtide.storage import listing, programs, withdrawals
from springtide.storage.chain import decode
from springtide.storage.database import Database
from springtide.storage.withdrawals import StateSum, StepRow

__all__ = [
    "STATES",
    "Post",
    "StateSum",
    "StepRow",
    "Withdrawal",
    "ask",
    "count_states",
    "find_withdrawals",
    "list_withdrawals",
    "read_withdrawal",
    "step_events",
    "take_step",
]

Post = Callable[[Sequence[Json]], list[Outcome]]
"""Posts events to one program and answers each: `Writer.post`, or the way to a desk."""

RACES = 20
"""How often a step is tried again because somebody else's came first."""


def ask(
    database: Database,
    name: str,
    post: Post,
    wish: Json,
    *,
    by: str,
    now: datetime,
) -> Outcome:
    """Ask for a withdrawal: `wish` has id, member and amount.

    The same wish of the same caller gets the first answer, whenever it comes again.

    Raises:
        UnknownProgram: there is none of this name.
        DatabaseDown: it may or may not be posted; ask again with the same id.
    """
    event = {**wish, "type": "withdraw", "at": now.isoformat(), "by": by}
    [outcome] = post([event])
    if not isinstance(outcome.refusal, IdReused):
        return outcome
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        earlier = listing.read_entry(tx, program, ["withdraw"], str(event["id"]))
    if earlier is None:
        return outcome
    first = decode(earlier.event)
    if same_content({**event, "at": first["at"]}, first):
        return Outcome(decode(earlier.receipt), None)
    return outcome


def read_withdrawal(
    database: Database, name: str, id_: str
) -> tuple[Withdrawal, list[StepRow]]:
    """A withdrawal, and the steps it took after it was asked for.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownWithdrawal: nobody asked for one of this id.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = withdrawals.read_withdrawals(tx, program, [id_]).get(id_)
        if found is None:
            raise UnknownWithdrawal(
                f"{name} has no withdrawal {id_!r}; see `springtide withdrawal list {name}`"
            )
        return found, withdrawals.read_steps(tx, program, [id_])


def list_withdrawals(
    database: Database, name: str, *, state: str = "", member: str = "", after: int, most: int
) -> list[Withdrawal]:
    """Withdrawals in the order they were asked for, from after a seq.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return withdrawals.list_withdrawals(
            tx, programs.get_program(tx, name), state=state, member=member, after=after,
            most=most,
        )  # fmt: skip


def find_withdrawals(database: Database, name: str, ids: Collection[str]) -> list[Withdrawal]:
    """Those of the ids that are withdrawals, in the order they were asked for.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = withdrawals.read_withdrawals(tx, program, ids)
    return sorted(found.values(), key=lambda row: row.seq)


def count_states(database: Database, name: str) -> dict[str, StateSum]:
    """How many withdrawals are in each state, and how much they are together.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        found = withdrawals.count_states(tx, programs.get_program(tx, name))
    return {state: found.get(state, StateSum(0, 0, 0)) for state in STATES}


def step_events(
    row: Withdrawal, to: str, *, by: str, now: datetime, why: str = "", batch: str = ""
) -> list[Json]:
    """The events that bring a withdrawal where it shall go.

    Their ids say how many steps it took before, so of two that decide at once one comes too
    late. Who approves what nobody looked at yet takes it up for review with that.
    """
    route = [to]
    if to == "approved" and row.state == "requested" and by != row.by:
        route = ["under_review", to]
    [type_] = [kind for kind, ends in STEPS.items() if to in ends]
    events: list[Json] = []
    for number, end in enumerate(route, row.steps + 1):
        event = {
            "type": type_, "id": f"springtide:withdrawal:{row.seq}:{number}",
            "withdrawal": row.id, "to": end, "by": by, "at": now.isoformat(), "why": why,
        }  # fmt: skip
        events.append({**event, "batch": batch} if batch else event)
    return events


def take_step(
    database: Database,
    name: str,
    post: Post,
    id_: str,
    to: str,
    *,
    by: str,
    now: datetime,
    why: str = "",
) -> tuple[Withdrawal, list[StepRow]]:
    """Bring a withdrawal a step further, and give it as it stands then.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownWithdrawal, WrongState, OwnWithdrawal, ApprovedBefore: it may not go there.
        InvalidEvent: the reason is too long, or has control characters.
    """
    for _ in range(RACES):
        row, _ = read_withdrawal(database, name, id_)
        outcomes = post(step_events(row, to, by=by, now=now, why=why))
        refusal = next((one.refusal for one in outcomes if one.refusal is not None), None)
        if refusal is None:
            return read_withdrawal(database, name, id_)
        if not isinstance(refusal, IdReused):
            raise refusal
    raise WrongState(f"withdrawal {id_} is being decided by others; look at it, and try again")
