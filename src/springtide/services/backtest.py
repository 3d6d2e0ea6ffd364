"""Backtests: a program's own history, told again under another policy, beside how it was.

Both runs are folded in memory by the reducer, event by event from the journal; nothing is
posted. People might have done otherwise under the other policy: a backtest says what the same
orders and cash-outs would have come to, not what would have been ordered.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median
from typing import Any, cast

from springtide.core.commission import KINDS
from springtide.core.entry import Entry
from springtide.core.event_fields import Json
from springtide.core.events import Event, PolicyChange, read_event
from springtide.core.journal import ESCROW, PAYMENTS, PLATFORM, POOL
from springtide.core.policy_diff import Change, list_changes
from springtide.core.policy_file import read_policy
from springtide.core.reducer import fold
from springtide.core.state import State, open_state
from springtide.core.units import PPM, format_money, format_points, price_micro
from springtide.storage import journal_reader, programs
from springtide.storage.chain import decode
from springtide.storage.database import Database

TENTHS = 10


@dataclass(frozen=True, slots=True)
class Run:
    """What a history came to under a policy; money in micro, points in nano."""

    accepted: int
    refused: dict[str, int]
    """Events that could not be accepted, by the code of the refusal."""
    reserve: int
    supply: int
    price: int
    splits: int
    """Points that one of the opening has become."""
    exits: int
    exits_paid: int
    cashed_out: int
    redeemed: int
    commissions: int
    platform: int
    buyers: int
    median_spent: int
    median_got: int
    """Received for points, and what the rest would pay now."""
    got_back: int
    """Buyers who got at least what they spent."""
    tenths: list[float]
    """By the first order: the median of what each tenth of the buyers got for 100 spent."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """A history as it was and as it would have been, and what differs in the policies."""

    events: int
    changes: list[Change]
    """From the policy in effect to the other one."""
    was: Run
    would_be: Run


class _Player:
    """A program in memory that is told a history."""

    def __init__(self, toml: str) -> None:
        self.state: State = open_state(read_policy(toml))
        self.refused: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.spent: dict[str, int] = {}
        self.accepted = self.exits = self.platform = self.commissions = 0

    def tell(self, event: Json, parsed: Event) -> None:
        outcome = fold(self.state, event, parsed)
        if outcome.refusal is not None:
            self.refused[outcome.refusal.code] += 1
        if outcome.entry is not None:
            self.accepted += 1
            self._add(outcome.entry)
            self.exits += len(cast(list[object], outcome.receipt["exits"]))

    def _add(self, entry: Entry) -> None:
        spent = 0
        for kind, debit, credit, amount in entry.transfers:
            if debit == POOL:
                self.paid[kind] += amount
            if credit == PLATFORM:
                self.platform += amount
            if kind in KINDS:
                self.commissions += amount
            if debit in (PAYMENTS, ESCROW):
                spent += amount
        order = self._order_of(entry)
        if order is not None:
            member = str(self.state.posted[order].event["member"])
            back = entry.refunded[1] if entry.refunded else 0
            self.spent[member] = self.spent.get(member, 0) + (-back if back else spent)

    def _order_of(self, entry: Entry) -> str | None:
        """The order that an entry settled or took back after its settlement."""
        if entry.kind == "purchase":
            return entry.id
        if entry.refunded is not None:
            order = entry.refunded[0]
            settled = order in self.state.settlements
            bought = self.state.posted[order].event["type"] == "purchase"
            return order if settled or bought else None
        return entry.settled

    def end(self) -> Run:
        state = self.state
        got = self._got()
        spent = {member: micro for member, micro in self.spent.items() if micro > 0}
        shares = [100 * got.get(member, 0) / micro for member, micro in spent.items()]
        return Run(
            accepted=self.accepted,
            refused=dict(self.refused.most_common()),
            reserve=state.reserve_micro,
            supply=state.supply_nano,
            price=price_micro(*state.pair),
            splits=state.split_factor,
            exits=self.exits,
            exits_paid=self.paid["exit"],
            cashed_out=self.paid["cash_out"],
            redeemed=self.paid["redeem"],
            commissions=self.commissions,
            platform=self.platform,
            buyers=len(spent),
            median_spent=int(median(spent.values())) if spent else 0,
            median_got=int(median(got.get(member, 0) for member in spent)) if spent else 0,
            got_back=sum(share >= 100 for share in shares),
            tenths=_tenths(shares),
        )

    def _got(self) -> dict[str, int]:
        """What each member was paid for points, and what those left would pay now."""
        reserve, supply = self.state.pair
        keep = PPM - self.state.policy.cash_out_fee_ppm
        got: dict[str, int] = {}
        for lot in self.state.lots.values():
            now = lot.points_nano * reserve // supply * keep // PPM
            got[lot.member] = got.get(lot.member, 0) + lot.net_micro + now
        return got


def _tenths(shares: list[float]) -> list[float]:
    bounds = [len(shares) * number // TENTHS for number in range(TENTHS + 1)]
    parts = [shares[first:last] for first, last in pairwise(bounds)]
    return [median(part) for part in parts if part]


Progress = Callable[[int, int], None]
"""Told how many entries of how many are done, now and then; it stops a backtest by raising."""

STEP = 500
"""Entries between two calls of it."""


def backtest(
    database: Database, name: str, toml: str, progress: Progress | None = None
) -> Backtest:
    """Tell a program's history again, under the policies it had and under another one.

    The program as it was goes from version to version as it did; the other one has the one
    policy from its opening on. Nothing is posted.

    Raises:
        UnknownProgram: there is none of this name.
        PolicyError: the other policy cannot be used.
    """
    other, events = _Player(toml), 0
    with database.snapshot() as tx, database.same_snapshot(tx) as second:
        program = programs.get_program(tx, name)
        running = read_policy(program.policy_toml)
        was = _Player(programs.get_policy(tx, program, 1))
        for row in journal_reader.read_entries(second, program):
            if progress is not None and row.seq % STEP == 0:
                progress(row.seq, program.seq)
            if row.seq == 0:
                continue
            event = decode(row.columns[5])
            parsed = read_event(event)
            was.tell(event, parsed)
            if not isinstance(parsed, PolicyChange):
                other.tell(event, parsed)
                events += 1
    return Backtest(events, list_changes(running, read_policy(toml)), was.end(), other.end())


def as_json(name: str, found: Backtest) -> dict[str, object]:
    """A backtest in the words of the API: amounts as decimal strings, shares as numbers."""
    return {
        "program": name,
        "events": found.events,
        "changes": [asdict(change) for change in found.changes],
        "was": _run_json(found.was),
        "would_be": _run_json(found.would_be),
    }


def _run_json(run: Run) -> dict[str, object]:
    written: dict[str, Any] = asdict(run)
    for field in (
        "reserve", "price", "exits_paid", "cashed_out", "redeemed", "commissions", "platform",
        "median_spent", "median_got",
    ):  # fmt: skip
        written[field] = format_money(written[field])
    written["supply"] = format_points(run.supply)
    return written
