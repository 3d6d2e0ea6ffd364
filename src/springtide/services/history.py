"""What pages say of a whole journal, kept, so that only what came since need be read.

It is kept in the database, up to an entry: written on some thousand entries at a time when
nothing is more urgent, and by whoever finds much unwritten when it is to be read.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from springtide.core.commission import KINDS
from springtide.core.disclosure import Rise
from springtide.core.journal import PAYMENTS, POINTS_ISSUED, POOL
from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.state import open_state
from springtide.core.units import parse_money, price_micro
from springtide.storage import buyers, overview, programs
from springtide.storage import history as kept
from springtide.storage.buyers import Since
from springtide.storage.database import Database, Transaction
from springtide.storage.history import Flow, Kept
from springtide.storage.overview import Happened
from springtide.storage.programs import Program

ORDERS = ("purchase", "pay")

BEHIND = 10_000
"""So many entries may be unwritten: reading them takes some tenths of a second."""

MOST = 20_000
"""Entries in one transaction: about a second's work."""


class Activity(NamedTuple):
    """Counts and sums of a program's journal; amounts in micro."""

    orders: int
    members: int
    spent: int
    exits: int
    exits_paid: int
    cashed_out: int
    redeemed: int
    commissions: int
    refunded: int


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

    def __init__(self, reserve_micro: int, before: Iterable[Day] = ()) -> None:
        """`reserve_micro` is the opening's; `before` are days that were counted before."""
        self._days = list(before)
        self._reserve, self._factor = reserve_micro, 1
        if self._days:
            self._reserve, self._factor = self._days[-1].reserve, self._days[-1].factor

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
    """A journal up to an entry, summed up; `read_on` takes it further."""

    days: Days
    rise: Rise
    seq: int = -1
    kept_seq: int = -1
    """Up to where it was kept."""
    activity: Activity = NOTHING
    spent: dict[str, int] = field(default_factory=dict)
    """By member, in micro: what they ordered since it was kept, less what they took back."""
    balances: dict[str, int] = field(default_factory=dict)
    """By account or kind of account, in micro: what moved since it was kept."""

    @property
    def since(self) -> Since:
        """What the rows of buyers do not say yet."""
        return Since(self.kept_seq, self.seq, self.spent)


def begin(policy: Policy) -> History:
    """Of a journal of which nothing was read; the policy is that of the opening."""
    return History(Days(policy.opening_reserve_micro), Rise(open_state(policy).pair))


def figures_of(history: History) -> str:
    """The figures as they are kept; numbers in floating point come back as they were."""
    return json.dumps(
        {
            "days": [
                [day.on.isoformat(), day.inflow, day.outflow, day.reserve, day.supply,
                 day.factor, day.exits]
                for day in history.days.listed()
            ],
            "rise": history.rise.logs,
            "pair": history.rise.pair,
            "activity": history.activity,
        }
    )  # fmt: skip


def _from_kept(policy: Policy, found: Kept) -> History:
    told = json.loads(found.figures)
    history = begin(policy)
    before = (Day(date.fromisoformat(on), *rest) for on, *rest in told["days"])
    history.days = Days(policy.opening_reserve_micro, before)
    history.rise.logs = told["rise"]
    reserve, supply = told["pair"]
    history.rise.pair = reserve, supply
    history.activity = Activity(*told["activity"])
    history.seq = history.kept_seq = found.seq
    return history


def read_on(tx: Transaction, program: Program, history: History, through: int) -> None:
    """Read what came since up to an entry; if it fails, the history is of no use any more."""
    orders = 0
    for row in overview.read_happenings(tx, program, max(history.seq, 0), through):
        history.days.add(row)
        history.rise.add(row.kind, row.receipt)
        if row.kind in ORDERS:
            orders += 1
            _spend(history, str(row.event["member"]), parse_money(row.event["amount"]))
    for member, amount in kept.read_refunds(tx, program, history.seq, through):
        _spend(history, member, -amount)
    flows = kept.read_flows(tx, program, history.seq, through)
    for flow in flows:
        for account, change in ((flow.credit, flow.amount), (flow.debit, -flow.amount)):
            if not account.startswith("points"):
                history.balances[account] = history.balances.get(account, 0) + change
    came = _activity(flows)._replace(orders=orders)
    history.activity = Activity(*map(sum, zip(history.activity, came, strict=True)))
    history.seq = through


def _spend(history: History, member: str, amount: int) -> None:
    history.spent[member] = history.spent.get(member, 0) + amount


def _activity(flows: list[Flow]) -> Activity:
    """What flows say; they know neither members nor orders."""

    def paid(kind: str) -> int:
        return sum(flow.amount for flow in flows if (flow.kind, flow.debit) == (kind, POOL))

    return NOTHING._replace(
        spent=sum(flow.amount for flow in flows if flow.debit == PAYMENTS),
        exits=sum(
            flow.transfers
            for flow in flows
            if (flow.kind, flow.credit) == ("exit", POINTS_ISSUED)
        ),
        exits_paid=paid("exit"),
        cashed_out=paid("cash_out"),
        redeemed=paid("redeem"),
        commissions=sum(flow.amount for flow in flows if flow.kind in KINDS),
    )


def read_history(tx: Transaction, program: Program) -> History:
    """A journal up to the last entry that the program's row tells of: kept, and read on."""
    policy, found = read_policy(program.policy_toml), kept.find_kept(tx, program)
    history = begin(policy) if found is None else _from_kept(policy, found)
    read_on(tx, program, history, program.seq)
    members, refunded = kept.count_members(tx, program)
    history.activity = history.activity._replace(members=members, refunded=refunded)
    return history


def read_owed(tx: Transaction, program: Program, history: History) -> dict[str, int]:
    """What is owed to each kind of account, in micro: wallets, merchants, escrow, credit."""
    owed = kept.read_kinds(tx, program)
    for account, change in history.balances.items():
        kind = account.partition(":")[0]
        owed[kind] = owed.get(kind, 0) + change
    return owed


def differences(tx: Transaction, program: Program) -> list[str]:
    """What is kept and not as the journal says, summed up anew from the opening on."""
    policy, found = read_policy(program.policy_toml), kept.find_kept(tx, program)
    if found is None:
        return []
    again = begin(policy)
    read_on(tx, program, again, found.seq)
    since = Since(found.seq, program.seq, {})
    is_so = {
        "the history of the pool": figures_of(again) == found.figures,
        "the balances by kind of account": kept.read_balances(tx, program) == again.balances,
        "the buyers' rows": buyers.is_as_told(tx, program, since, again.spent),
    }
    return [what for what, so in is_so.items() if not so]


def write_histories(database: Database, behind: int = BEHIND, most: int = MOST) -> int:
    """Sum up some more of every program that is behind; gives how many entries that were."""
    with database.snapshot() as tx:
        names = kept.list_behind(tx, behind)
    return sum(write_history(database, name, most) for name in names)


def catch_up(database: Database, name: str) -> None:
    """Sum up a program until little is left to be read; if that is so, nothing is written.

    Raises:
        UnknownProgram: there is none of this name.
    """
    while _entries_behind(database, name) >= BEHIND:
        write_history(database, name)


def _entries_behind(database: Database, name: str) -> int:
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = kept.find_kept(tx, program)
    return program.seq - (-1 if found is None else found.seq)


def write_history(database: Database, name: str, most: int = MOST) -> int:
    """Sum up at most so many entries that are next; gives how many it were.

    Whoever comes while another does so waits, and goes on from there.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        policy = read_policy(program.policy_toml)
        found = kept.lock_kept(tx, program.id, figures_of(begin(policy)))
        if program.seq <= found.seq:
            return 0
        kept.know_full_ranges(tx)
        history = _from_kept(policy, found)
        read_on(tx, program, history, min(program.seq, found.seq + most))
        buyers.write_buyers(tx, program, history.since)
        kept.add_balances(tx, program, history.balances)
        kept.write_kept(tx, program, Kept(history.seq, figures_of(history)))
        return history.seq - found.seq
