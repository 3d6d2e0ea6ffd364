"""Settling paid orders whose refund window is over.

Nothing is scheduled: which orders are due stands in the tables, so a run that was cut off is
made up for by the next, and two at once settle each order once. Source:
docs/decisions/0008-settlement-without-a-queue.md.
"""

from datetime import datetime, timedelta

from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.tally import SETTLEMENT
from springtide.services.writer import Writer
from springtide.storage import programs, settling
from springtide.storage.acts import append_act
from springtide.storage.database import Database
from springtide.storage.guards import load_guards

MOST_AT_ONCE = 5_000

LEAST_NOTED = 1_000
"""Entries by which the mark is moved: so many are passed over in no time."""


def due_settlements(database: Database, name: str, now: datetime) -> list[Json]:
    """Settlements of the oldest orders that are due, at most `MOST_AT_ONCE`.

    An order waits as long as the policy says under which it was paid.
    The id of a settlement says which entry paid for the order, so it is the same every time.
    While settlement is switched off nothing is due.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        settling.move_mark(tx, program, LEAST_NOTED)
        if program.guarded and SETTLEMENT in load_guards(tx, program, set()).off:
            return []
        orders: list[tuple[int, str]] = []
        for version, toml in programs.read_policies(tx, program).items():
            paid_before = now - timedelta(seconds=read_policy(toml).settle_after_s)
            orders += settling.read_due(tx, program, version, paid_before, MOST_AT_ONCE)
    return [
        {"type": "settle", "id": settlement_id(seq), "order": order}
        for seq, order in sorted(orders)[:MOST_AT_ONCE]
    ]


def settlement_id(paid_seq: int) -> str:
    """The id of an order's settlement, by the entry that paid for the order."""
    return f"springtide:settle:{paid_seq}"


def settle_due(database: Database, name: str, now: datetime, actor: str = "cli") -> int:
    """Settle every order that is due, because somebody wants it; gives how many were.

    Raises:
        UnknownProgram: there is none of this name.
    """
    settled = 0
    with Writer(database, name, lambda: now) as writer:
        while due := due_settlements(database, name, now):
            outcomes = writer.post(due)
            settled += sum(outcome.is_posted for outcome in outcomes)
            if all(outcome.refusal is not None for outcome in outcomes):
                break  # refused ones stay due: an overflow, or a race with a refund
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        append_act(tx, program.id, now, actor, "settle.run", name, after={"settled": settled})
    return settled
