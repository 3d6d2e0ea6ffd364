"""The audit: every law of a program, from its tables alone.

The journal is read once, in order. Each entry is folded again through the reducer from the
opening on, and must come out with the same receipt and the same transfers; on the way the
laws of the pool are checked on the state it leaves. Source: docs/algorithms/pool.md.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from springtide.core.event_fields import Json
from springtide.core.journal import BACKING, ESCROW, ORPHANED, POOL, WITHDRAWALS, Transfer
from springtide.core.policy_file import read_policy
from springtide.core.reducer import fold, opening_transfers
from springtide.core.state import Lot, State, open_state, trigger_key
from springtide.core.units import LIMIT
from springtide.services import history
from springtide.storage import (
    distribution,
    journal_reader,
    movements,
    programs,
    settling,
    tallies,
)
from springtide.storage.chain import NO_HASH, Chain, decode, encode_event, encode_receipt
from springtide.storage.database import Database, Transaction
from springtide.storage.journal_reader import Derived, Row
from springtide.storage.programs import Program
from springtide.storage.withdrawals import StepRow, step_row

CHAIN = "The hash chain is whole, from the opening to the program's last batch."
REPEATED = "Every entry, folded again from the opening, has the same receipt and transfers."
PRICE = "Law 1: the price never falls."
RESERVE = "Law 2: the reserve can pay all points at the price."
BALANCED = "Every entry balances, debits and credits, in each unit."
CONSERVED = (
    "Law 3: every micro that came in is in exactly one account, and the pool's is the reserve."
)
KEPT = "The balances that the database keeps are the sums of the transfers."
SUPPLY = "Law 4: the supply is the opening's points and the points of all lots."
LOTS = "Lots, members and the program's row say what the journal says."


@dataclass(slots=True)
class Finding:
    """A law, and what broke it: nothing if it holds."""

    law: str
    broken_by: list[str] = field(default_factory=list)
    unchecked: bool = False
    """Whether another broken law left this one unexamined, at least in part."""

    @property
    def holds(self) -> bool:
        """Whether nothing broke it."""
        return not self.broken_by


@dataclass(slots=True)
class Audit:
    """What an audit read and found."""

    program: Program
    entries: int
    batches: int
    findings: list[Finding]

    @property
    def passed(self) -> bool:
        """Whether every law holds."""
        return all(finding.holds for finding in self.findings)


class _Auditor:
    def __init__(self, tx: Transaction, transfers: Iterator[Row], program: Program):
        self._tx = tx
        self._program = program
        self._transfers = transfers
        self._ahead: Row | None = next(transfers, None)
        self._policies = programs.read_policies(tx, program)
        self._state: State = open_state(read_policy(self._policies[1]))
        self.findings = {
            law: Finding(law)
            for law in (
                CHAIN, REPEATED, PRICE, RESERVE, BALANCED, CONSERVED, KEPT, SUPPLY, LOTS,
            )
        }  # fmt: skip
        self.entries = 0
        self._refunds: dict[int, tuple[str, int]] = {}
        self._settlements: dict[str, int] = {}
        self._splits: dict[int, int] = {}
        self._steps: dict[int, StepRow] = {}
        self._versions: dict[int, str] = {}

    def broken(self, law: str, by: str) -> None:
        self.findings[law].broken_by.append(by)

    def read_journal(self, entries: Iterator[Row]) -> int:
        """Go through the journal batch by batch; gives the number of batches."""
        batches = journal_reader.read_batches(self._tx, self._program)
        digest, expected = NO_HASH, 0
        for number, batch in enumerate(batches):
            if (batch.number, batch.first_seq) != (number, expected):
                self.broken(CHAIN, f"batch {number} is missing or out of order")
                return len(batches)
            hashed = Chain(digest)
            while expected <= batch.last_seq:
                entry = next(entries, None)
                if entry is None or entry.seq != expected:
                    self.broken(CHAIN, f"entry {expected} is missing")
                    return len(batches)
                self._read_entry(entry, hashed)
                expected += 1
            digest = hashed.digest()
            if digest != batch.hash:
                self.broken(
                    CHAIN, f"batch {number}, entries {batch.first_seq} to {batch.last_seq}"
                )
                return len(batches)
        head = self._program.hash, self._program.seq, self._program.batch
        if (digest, expected - 1, len(batches) - 1) != head:
            self.broken(CHAIN, "the program's row does not follow from the last batch")
        if next(entries, None) is not None or self._ahead is not None:
            self.broken(CHAIN, f"there are rows after entry {expected - 1}")
        return len(batches)

    def _read_entry(self, entry: Row, hashed: Chain) -> None:
        rows = []
        while self._ahead is not None and self._ahead.seq <= entry.seq:
            rows.append(self._ahead)
            self._ahead = next(self._transfers, None)
        hashed.add(entry.data, b"".join(row.data for row in rows))
        self.entries += 1
        transfers: list[Transfer] = [
            (row.columns[3], row.columns[4], row.columns[5], int(row.columns[6]))
            for row in rows
        ]
        if self.findings[REPEATED].holds:
            self._fold_again(entry, transfers)

    def _fold_again(self, row: Row, transfers: list[Transfer]) -> None:
        state = self._state
        event, receipt = decode(row.columns[5]), row.columns[6]
        if row.seq == 0:
            same = transfers == opening_transfers(state) and event == {
                "type": "opening",
                "policy": self._policies[1],
            }
            self._versions[1] = str(event["policy"])
            if not same:
                self.broken(REPEATED, "the opening does not follow from the policy")
            return
        before, factor = state.pair, state.split_factor
        same = self._is_repeated(state, row, event, receipt, transfers)
        if not same:
            self.broken(REPEATED, f"entry {row.seq} ({row.columns[2]})")
            return
        (reserve, supply), grown = state.pair, state.split_factor // factor
        if reserve * before[1] * grown < before[0] * supply:
            self.broken(PRICE, f"entry {row.seq} ({row.columns[2]})")
        if state.supply_nano and state.supply_nano * reserve // supply > state.reserve_micro:
            self.broken(RESERVE, f"entry {row.seq} ({row.columns[2]})")

    def _is_repeated(
        self, state: State, row: Row, event: Json, receipt: str, transfers: list[Transfer]
    ) -> bool:
        outcome = fold(state, event)
        entry = outcome.entry
        if entry is None:
            return False
        if entry.refunded is not None:
            self._refunds[row.seq] = entry.refunded
        if entry.settled is not None:
            self._settlements[entry.settled] = row.seq
        if entry.withdrawal is not None and entry.step is not None:
            self._steps[row.seq] = step_row(row.seq, entry.withdrawal, *entry.step)
        if entry.split > 1:
            self._splits[row.seq] = state.split_factor
        if entry.kind == "policy":
            self._versions[state.policy_version] = str(event["toml"])
        return (
            entry.seq == row.seq
            and entry.id == row.columns[2]
            and event["type"] == row.columns[3]
            and str(state.policy_version) == row.columns[4]
            and encode_event(event) == row.columns[5]
            and encode_receipt(outcome.receipt) == receipt
            and entry.transfers == transfers
        )

    def check_books(self) -> None:
        tx, program, state = self._tx, self._program, self._state
        unbalanced = journal_reader.read_unbalanced(tx, program)
        if unbalanced:
            self.broken(BALANCED, f"{unbalanced} entries")
        balances = journal_reader.read_balances(tx, program)
        if sum(balances.values()):
            self.broken(CONSERVED, f"all accounts together have {sum(balances.values())} micro")
        for account, there in ((POOL, program.reserve), (ORPHANED, program.orphaned)):
            posted = balances.get(account, 0)
            if posted != there:
                self.broken(CONSERVED, f"{account}: {posted} posted, {there} in the row")
        self._check_kept(balances)
        if self.findings[REPEATED].holds and self.findings[CHAIN].holds:
            self._check_rows(state)
        else:
            for law in (PRICE, RESERVE, SUPPLY, LOTS):
                self.findings[law].unchecked = self.findings[law].holds

    def _check_kept(self, balances: dict[str, int]) -> None:
        tx, program = self._tx, self._program
        kept = journal_reader.read_kept_balances(tx, program)
        for account in {POOL, ORPHANED, BACKING, ESCROW, WITHDRAWALS, *kept}:
            there, posted = kept.get(account, 0), balances.get(account, 0)
            if there != posted:
                self.broken(KEPT, f"{account}: {there} kept, {posted} posted")
        for account, (balance, owed) in journal_reader.read_owed(tx, program).items():
            if owed != max(-balance, 0):
                self.broken(KEPT, f"{account}: {owed} owed of a balance of {balance}")
        differences = movements.count_differences(tx, program)
        if differences:
            self.broken(KEPT, f"{differences} movements are not as the transfers say")

    def _check_rows(self, state: State) -> None:
        tx, program = self._tx, self._program
        points, lots = 0, dict(state.lots)
        for row in journal_reader.read_lots(tx, program):
            points += row.points
            lot = lots.pop(row.id, None)
            key = LIMIT if row.trigger_key is None else row.trigger_key
            if lot != Lot(*row[:6]) or trigger_key(lot) != key:
                self.broken(LOTS, f"lot {row.id}")
        for missing in lots:
            self.broken(LOTS, f"lot {missing} is missing")
        opening = state.policy.opening_supply_nano * program.split_factor
        if program.supply != opening + points:
            self.broken(SUPPLY, f"{program.supply} nano, but {opening} + {points} are held")
        self._check_tally()
        self._check_derived(journal_reader.read_derived(tx, program))
        different = distribution.differences(tx, program, state.distribution)
        for what in different + history.differences(tx, program):
            self.broken(LOTS, what)
        told = program.state(state.policy)
        for name in (
            "seq", "policy_version", "reserve_micro", "supply_nano", "reference",
            "orphaned_micro", "split_factor", "inflow_micro",
        ):  # fmt: skip
            if getattr(told, name) != getattr(state, name):
                self.broken(LOTS, f"program: {name} is {getattr(told, name)}")

    def _check_tally(self) -> None:
        """What the controls count, and which orders still wait to be settled."""
        if settling.count_forgotten(self._tx, self._program):
            self.broken(LOTS, "the mark before which all orders are settled")
        tally = self._state.tally
        program = self._program
        if (program.clock, program.outflow) != (tally.clock_s, tally.outflow_micro):
            self.broken(LOTS, f"program: clock {program.clock}, outflow {program.outflow}")
        spent, cashed, holds = tallies.read_tally(self._tx, program)
        settled = {self._state.lots[lot].seq: at for lot, at in tally.settled.items()}
        for what, there, counted in (
            ("spending", spent, tally.spent),
            ("cash-outs of a day", cashed, tally.cashed),
            ("holds", holds, settled),
        ):
            if there != counted:
                self.broken(LOTS, f"the {what}")

    def _check_derived(self, found: Derived) -> None:
        state = self._state
        expected = Derived(
            state.members,
            state.merchants,
            state.referrers,
            self._refunds,
            self._settlements,
            self._splits,
            state.withdrawals,
            self._steps,
            self._versions,
        )
        for name, there, told in zip(Derived._fields, found, expected, strict=True):
            if there != told:
                self.broken(LOTS, f"the {name.replace('_', ' ')}")


def audit(database: Database, name: str) -> Audit:
    """Check every law of a program on one consistent snapshot; it writes nothing.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx, database.same_snapshot(tx) as second:
        program = programs.get_program(tx, name)
        with (
            database.same_snapshot(tx) as third,
            # Closed even when a broken chain leaves the rest unread.
            closing(journal_reader.read_transfers(third, program)) as transfers,
            closing(journal_reader.read_entries(second, program)) as entries,
        ):
            auditor = _Auditor(tx, transfers, program)
            batches = auditor.read_journal(entries)
            auditor.check_books()
    return Audit(program, auditor.entries, batches, list(auditor.findings.values()))
