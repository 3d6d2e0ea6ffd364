"""Settling paid orders whose refund window is over.

Nothing is scheduled: which orders are due stands in the tables, so a run that was cut off is
made up for by the next, and two at once settle each order once. Source:
docs/decisions/0008-settlement-without-a-queue.md.
"""

from datetime import datetime, timedelta

from springtide.core.events import Json
from springtide.core.policy_file import read_policy
from springtide.services.writer import Writer
from springtide.storage import listing, programs
from springtide.storage.acts import append_act
from springtide.storage.database import Database

MOST_AT_ONCE = 5_000


def due_settlements(database: Database, name: str, now: datetime) -> list[Json]:
    """Settlements of the oldest orders that are due, at most `MOST_AT_ONCE`.

    The id of a settlement says which entry paid for the order, so it is the same every time.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        window = timedelta(seconds=read_policy(program.policy_toml).settle_after_s)
        orders = listing.read_unsettled(tx, program, now - window, MOST_AT_ONCE)
    return [
        {"type": "settle", "id": f"springtide:settle:{seq}", "order": order}
        for seq, order in orders
    ]


def settle_due(database: Database, name: str, now: datetime, actor: str = "cli") -> int:
    """Settle every order that is due, because somebody wants it; gives how many were.

    Raises:
        UnknownProgram: there is none of this name.
    """
    settled = 0
    with Writer(database, name) as writer:
        while due := due_settlements(database, name, now):
            outcomes = writer.post(due)
            settled += sum(outcome.entry is not None for outcome in outcomes)
            if all(outcome.refusal is not None for outcome in outcomes):
                break  # refused ones stay due: an overflow, or a race with a refund
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        append_act(tx, program.id, now, actor, "settle.run", name, after={"settled": settled})
    return settled
