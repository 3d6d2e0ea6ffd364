"""A program at a glance: the pool, who is owed what, and what came and went each day.

A large program takes a while to read, so pages ask for it now and then and show when that was.
"""

from dataclasses import dataclass
from datetime import datetime

from springtide.services.disclosure import (
    Disclosure,
    NotDisclosed,
    disclosure_of,
    receipt_of_newcomer,
)
from springtide.services.history import Day, catch_up, read_history, read_owed
from springtide.services.holding import worth
from springtide.services.reports import Status, status_of
from springtide.storage import overview, programs
from springtide.storage.database import Database

__all__ = ["EXAMPLE", "Day", "Overview", "read_overview"]

EXAMPLE = "100.00"
"""What a newcomer spends in the example of a purchase."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A program at one instant, as its journal tells it."""

    status: Status
    disclosure: Disclosure | None
    """None where a purchase of the example's amount would be refused."""
    days: list[Day]
    owed: dict[str, int]
    """By kind of account, in micro."""
    posted_at: datetime
    """When the last batch was."""
    read_at: datetime

    @property
    def held(self) -> tuple[int, int]:
        """What members' points are worth together, and the cash for them now, in micro.

        The points of the opening belong to nobody. Rounded down.
        """
        program, policy = self.status.program, self.status.policy
        opening = policy.opening_supply_nano * program.split_factor
        return worth(max(program.supply - opening, 0), program, policy)


def read_overview(database: Database, name: str, now: datetime) -> Overview:
    """Read all of it.

    Raises:
        UnknownProgram: there is none of this name.
    """
    catch_up(database, name)
    try:
        receipt = receipt_of_newcomer(database, name, EXAMPLE, now)
    except NotDisclosed:
        receipt = None
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        history = read_history(tx, program)
        disclosed = None
        if receipt is not None:
            disclosed = disclosure_of(tx, program, history, EXAMPLE, receipt)
        return Overview(
            status=status_of(tx, program, history),
            disclosure=disclosed,
            days=history.days.listed(),
            owed=read_owed(tx, program, history),
            posted_at=overview.read_last_batch(tx, program),
            read_at=now,
        )
