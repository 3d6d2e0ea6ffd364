"""A program at a glance: the pool, who is owed what, and what came and went each day.

It reads the whole journal, so pages ask for it now and then and show when that was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast

from springtide.core.units import price_micro
from springtide.services.disclosure import Disclosure, NotDisclosed, disclose
from springtide.services.holding import worth
from springtide.services.reports import Status, read_status
from springtide.storage import overview, programs
from springtide.storage.chain import decode
from springtide.storage.database import Database
from springtide.storage.overview import Happened

EXAMPLE = "100.00"
"""What a newcomer spends in the example of a purchase."""


@dataclass(slots=True)
class Day:
    """What came into the pool and left it on a day, in micro, and the price it ended with."""

    on: date
    inflow: int
    outflow: int
    reserve: int
    supply: int
    factor: int
    """Of all splits up to the end of that day."""
    exits: int

    def price_micro(self, factor_now: int) -> int:
        """The price in the units of points of today; rounded down."""
        return price_micro(self.reserve * self.factor, self.supply * factor_now)


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
    """Read all of it; takes long for a program that is large.

    Raises:
        UnknownProgram: there is none of this name.
    """
    try:
        found = disclose(database, name, EXAMPLE, now)
    except NotDisclosed:
        found = None
    status = read_status(database, name)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        days = list_days(status.policy.opening_reserve_micro,
                         overview.read_happenings(tx, program))  # fmt: skip
        owed = overview.read_owed(tx, program)
        posted_at = overview.read_last_batch(tx, program)
    return Overview(status, found, days, owed, posted_at, now)


def list_days(reserve_micro: int, happened: Iterable[Happened]) -> list[Day]:
    """Days on which something happened, in the order of the journal.

    What left is what receipts say was paid out of the pool; the rest of the change of the
    reserve came, or was set aside as orphaned and left. An entry dated before the one above
    it counts to that one's day.
    """
    days: list[Day] = []
    factor = 1
    for row in happened:
        receipt = cast(dict[str, Any], decode(row.receipt))
        on = _date(row.at)
        if not days or on > days[-1].on:
            days.append(Day(on, 0, 0, reserve_micro, 1, factor, 0))
        day = days[-1]
        paid = _paid(receipt)
        factor *= receipt.get("split", 1)
        rest = receipt["reserve"] - reserve_micro + paid
        day.inflow += max(rest, 0)
        day.outflow += paid + max(-rest, 0)
        day.exits += len(receipt.get("exits", ()))
        day.reserve, day.factor = receipt["reserve"], factor
        day.supply = receipt["supply"] or day.supply
        reserve_micro = receipt["reserve"]
    return days


def _paid(receipt: dict[str, Any]) -> int:
    rows = [*receipt.get("exits", ()), *receipt.get("paid", ())]
    alone = receipt.get("net", 0) + receipt.get("released", 0)
    return sum(int(row["net"]) for row in rows) + int(alone)


def _date(at: str) -> date:
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:  # events may carry any text there
        return date.min
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC).date()
