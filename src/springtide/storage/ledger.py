"""The ledger: entries are appended by COPY, lots are moved set by set."""

from operator import attrgetter

from springtide.core.entry import Entry
from springtide.core.event_fields import Json
from springtide.core.journal import Transfer
from springtide.core.standing import Change
from springtide.core.state import Lot, State, trigger_key
from springtide.core.tally import Counts
from springtide.core.units import LIMIT
from springtide.storage import distribution
from springtide.storage.chain import (
    ENTRY_COLUMNS,
    TRANSFER_COLUMNS,
    Chain,
    encode_event,
    encode_receipt,
    to_copy,
)
from springtide.storage.database import Transaction
from springtide.storage.programs import Program
from springtide.storage.tallies import append_counts
from springtide.storage.withdrawals import (
    WITHDRAWAL,
    StepRow,
    append_steps,
    step_row,
    withdrawal_row,
)

_ENTRY = f"entry ({ENTRY_COLUMNS})"
_TRANSFER = f"transfer ({TRANSFER_COLUMNS})"
_LOT = "lot (program_id, seq, id, member, points, headroom, net, trigger_key)"
_MEMBER = "member (program_id, id, first_seq)"
_BINDING = "binding (program_id, member, referrer, seq, bound_on)"
_MERCHANT = "merchant (program_id, id, first_seq)"
_REFUND = "refund (program_id, order_id, seq, amount)"
_SETTLEMENT = "settlement (program_id, order_id, seq)"
_EMPTY_IS_NULL = " (NULL '')"
_ORDERS = ("purchase", "pay")


class Slice:
    """Rows of a run of entries, as COPY reads them; made entry by entry, then written."""

    __slots__ = (
        "_head", "_opened", "_touched", "_version", "bindings",
        "changed", "changes", "counts", "entries", "factor", "lots", "members", "merchants",
        "refunds",
        "settlements", "size",
        "splits", "steps", "transfers", "withdrawals",
    )  # fmt: skip

    def __init__(self, program: Program) -> None:
        self._head = f"{program.id}\t"
        self._version = program.policy_version
        self._opened: list[str] = []
        self._touched: set[str] = set()
        self.size = 0
        self.entries: list[str] = []
        self.transfers: list[str] = []
        self.lots: list[str] = []
        self.members: list[str] = []
        self.bindings: list[str] = []
        self.merchants: list[str] = []
        self.changes: list[tuple[int, Change]] = []
        """Of merchants' terms, agents, levels and the like, with their entries."""
        self.changed: list[Lot] = []
        self.counts: list[Counts] = []
        self.refunds: list[str] = []
        self.settlements: list[str] = []
        self.withdrawals: list[str] = []
        self.steps: list[StepRow] = []
        self.splits: list[tuple[int, int]] = []
        self.factor = 1
        """Product of the splits."""

    def add(self, entry: Entry) -> str:
        """Take in an entry that was just folded; gives its receipt as it is written."""
        seq = entry.seq
        receipt = encode_receipt(entry.receipt)
        self.add_rows(seq, entry.id, entry.kind, entry.event, receipt, entry.transfers)
        self._touched.update(entry.lots)
        if entry.opened is not None:
            self._opened.append(entry.opened.id)
        for member in entry.newcomers:
            self.members.append(f"{self._head}{member}\t{seq}\n")
        if entry.binding is not None:
            member, referrer = entry.binding
            self.bindings.append(f"{self._head}{member}\t{referrer}\t{seq}\t{entry.bound_on}\n")
        if entry.merchant:
            self.merchants.append(f"{self._head}{entry.merchant}\t{seq}\n")
        if entry.kind not in _ORDERS or entry.counts is not None:
            self._add_later_steps(entry)
        if entry.split > 1:
            self.factor *= entry.split
            self.splits.append((seq, entry.split_factor * entry.split))
        return receipt

    def _add_later_steps(self, entry: Entry) -> None:
        """What became of orders and withdrawals, and what the controls count."""
        seq = entry.seq
        if entry.refunded is not None:
            order, amount = entry.refunded
            self.refunds.append(f"{self._head}{order}\t{seq}\t{amount}\n")
        self.changes.extend((seq, change) for change in entry.changes)
        if entry.counts is not None:
            self.counts.append(entry.counts)
        if entry.settled is not None:
            self.settlements.append(f"{self._head}{entry.settled}\t{seq}\n")
        if entry.step is not None and entry.withdrawal is not None:
            self.steps.append(step_row(seq, entry.withdrawal, *entry.step))
        elif entry.withdrawal is not None:
            self.withdrawals.append(withdrawal_row(self._head, entry.withdrawal))

    def add_rows(
        self,
        seq: int,
        id_: str,
        kind: str,
        event: Json,
        receipt: str,
        transfers: list[Transfer],
    ) -> None:
        """Take in the journal's rows of one entry."""
        self.size += 1
        head = f"{self._head}{seq}\t"
        self.entries.append(
            f"{head}{id_}\t{kind}\t{self._version}\t{encode_event(event)}\t{receipt}\n"
        )
        for line, (movement, debit, credit, amount) in enumerate(transfers):
            self.transfers.append(f"{head}{line}\t{movement}\t{debit}\t{credit}\t{amount}\n")

    def close(self, state: State) -> None:
        """Take in the lots as they stand after the last entry."""
        # By member, as the index of their lots is: neighbours find its pages warm.
        opened = sorted((state.lots[id_] for id_ in self._opened), key=attrgetter("member"))
        self.lots = [_lot_row(self._head, lot) for lot in opened]
        self.changed = [state.lots[id_] for id_ in self._touched.difference(self._opened)]


def _lot_row(head: str, lot: Lot) -> str:
    key = _key(lot)
    return (
        f"{head}{lot.seq}\t{lot.id}\t{lot.member}\t{lot.points_nano}\t"
        f"{lot.headroom_micro}\t{lot.net_micro}\t{'' if key is None else key}\n"
    )


def _key(lot: Lot) -> int | None:
    key = trigger_key(lot)
    return None if key == LIMIT else key


def _copy(tx: Transaction, target: str, rows: bytes, options: str = "") -> None:
    if rows:
        with tx.cursor().copy(f"COPY {target} FROM STDIN{options}") as copy:
            copy.write(rows)


def append(tx: Transaction, program: Program, part: Slice, chain: Chain) -> None:
    """Write and chain a closed slice within the transaction that holds the program's row."""
    entries, transfers = to_copy(part.entries), to_copy(part.transfers)
    chain.add(entries, transfers)
    _copy(tx, _ENTRY, entries)
    _copy(tx, _TRANSFER, transfers)
    if part.factor > 1:
        _split_lots(tx, program, part)
    _copy(tx, _LOT, to_copy(part.lots), _EMPTY_IS_NULL)
    if part.changed:
        _change_lots(tx, program, part.changed)
    _copy(tx, _MEMBER, to_copy(sorted(part.members)))
    _copy(tx, _BINDING, to_copy(sorted(part.bindings)), _EMPTY_IS_NULL)
    _copy(tx, _MERCHANT, to_copy(part.merchants))
    _copy(tx, _SETTLEMENT, to_copy(part.settlements))
    _copy(tx, _REFUND, to_copy(part.refunds))
    _copy(tx, WITHDRAWAL, to_copy(part.withdrawals))
    if part.steps:
        append_steps(tx, program, part.steps)
    if part.counts:
        append_counts(tx, program, part.counts)
    distribution.write(tx, program, part.changes)


def _split_lots(tx: Transaction, program: Program, part: Slice) -> None:
    """Re-denominate the lots from before the slice; those it changed come as they are."""
    tx.execute(
        """
        UPDATE lot SET points = points * %(factor)s, trigger_key = CASE WHEN headroom > 0 THEN
            nullif(least(div(headroom * 1000000000000::numeric, points * %(factor)s::numeric),
                         9223372036854775807), 9223372036854775807) END
        WHERE program_id = %(program)s AND points > 0 AND NOT seq = ANY(%(changed)s)
        """,
        {
            "factor": part.factor,
            "program": program.id,
            "changed": [lot.seq for lot in part.changed],
        },
    )
    for seq, factor in part.splits:
        tx.execute("INSERT INTO split VALUES (%s, %s, %s)", [program.id, seq, factor])


def _change_lots(tx: Transaction, program: Program, lots: list[Lot]) -> None:
    seqs = [lot.seq for lot in lots]
    tx.execute(
        """
        UPDATE lot l SET points = c.points, headroom = c.headroom, net = c.net,
                         trigger_key = c.trigger_key
        FROM unnest(%s::int8[], %s::int8[], %s::int8[], %s::int8[], %s::int8[])
             c (seq, points, headroom, net, trigger_key)
        WHERE l.program_id = %s AND l.seq = c.seq AND l.seq = ANY(%s)
        """,
        [
            seqs,
            [lot.points_nano for lot in lots],
            [lot.headroom_micro for lot in lots],
            [lot.net_micro for lot in lots],
            [_key(lot) for lot in lots],
            program.id,
            seqs,
        ],
    )
