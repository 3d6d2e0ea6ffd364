"""What pages say of a whole journal, kept, so that only what came since need be read."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from springtide.core.disclosure import Rise
from springtide.core.policy import Policy
from springtide.core.state import open_state
from springtide.core.units import parse_money, price_micro
from springtide.storage import overview, reports
from springtide.storage.database import Transaction
from springtide.storage.overview import Happened
from springtide.storage.programs import Program
from springtide.storage.reports import Activity

ORDERS = ("purchase", "pay")

NOTHING = Activity(*[0] * len(Activity._fields))


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


class Days:
    """Days on which something happened, in the order of the journal.

    What left is what receipts say was paid out of the pool; the rest of the change of the
    reserve came, or was set aside as orphaned and left. An entry dated before the one above
    it counts to that one's day.
    """

    def __init__(self, reserve_micro: int) -> None:
        """`reserve_micro` is the opening's."""
        self._days: list[Day] = []
        self._reserve = reserve_micro
        self._factor = 1

    def add(self, row: Happened) -> None:
        """Count an entry, the next after those that were counted."""
        on, receipt = _date(row.at), row.receipt
        if not self._days or on > self._days[-1].on:
            self._days.append(Day(on, 0, 0, self._reserve, 1, self._factor, 0))
        day = self._days[-1]
        paid = _paid(receipt)
        self._factor *= receipt.get("split", 1)
        rest = receipt["reserve"] - self._reserve + paid
        day.inflow += max(rest, 0)
        day.outflow += paid + max(-rest, 0)
        day.exits += len(receipt.get("exits", ()))
        day.reserve, day.factor = receipt["reserve"], self._factor
        day.supply = receipt["supply"] or day.supply
        self._reserve = receipt["reserve"]

    def listed(self) -> list[Day]:
        """All of them; what is counted later does not change this list."""
        return [*self._days[:-1], *(replace(day) for day in self._days[-1:])]


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


@dataclass(slots=True)
class History:
    """A journal up to an entry, summed up; `read_on` takes it to the last."""

    days: Days
    rise: Rise
    seq: int = -1
    spent: dict[str, int] = field(default_factory=dict)
    """By member, in micro: what they ordered and did not take back."""
    owed: dict[str, int] = field(default_factory=dict)
    """By kind of account, in micro."""
    activity: Activity = NOTHING


def begin(policy: Policy) -> History:
    """Of a journal of which nothing was read; the policy is that of the opening."""
    return History(Days(policy.opening_reserve_micro), Rise(open_state(policy).pair))


def read_on(tx: Transaction, program: Program, history: History) -> None:
    """Read what came since; if it fails, the history is of no use any more."""
    for row in overview.read_happenings(tx, program, max(history.seq, 0)):
        history.days.add(row)
        history.rise.add(row.kind, row.receipt)
        if row.kind in ORDERS:
            member, amount = str(row.event["member"]), parse_money(row.event["amount"])
            history.spent[member] = history.spent.get(member, 0) + amount
    for member, amount in reports.read_refunds(tx, program, history.seq):
        history.spent[member] -= amount
    for account, change in overview.read_owed(tx, program, history.seq).items():
        history.owed[account] = history.owed.get(account, 0) + change
    came, before = reports.read_activity(tx, program, history.seq), history.activity
    summed = Activity(*map(sum, zip(before, came, strict=True)))
    history.activity = summed._replace(members=came.members, refunded=came.refunded)
    history.seq = program.seq
