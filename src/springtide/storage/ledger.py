"""The ledger: entries are appended by COPY, lots and members moved set by set."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from springtide.core.entry import Entry
from springtide.core.journal import Transfer
from springtide.core.state import Lot, State, trigger_key
from springtide.core.units import LIMIT
from springtide.storage.chain import (
    ENTRY_COLUMNS,
    TRANSFER_COLUMNS,
    encode_event,
    encode_receipt,
    to_copy,
)
from springtide.storage.database import Transaction
from springtide.storage.programs import Program

_ENTRY = f"entry ({ENTRY_COLUMNS})"
_TRANSFER = f"transfer ({TRANSFER_COLUMNS})"
_LOT = "lot (program_id, seq, id, member, points, headroom, net, trigger_key)"
_MEMBER = "member (program_id, id, first_seq)"
_BINDING = "binding (program_id, member, referrer, seq)"
_MERCHANT = "merchant (program_id, id, first_seq)"
_EMPTY_IS_NULL = " (NULL '')"


@dataclass(slots=True)
class Slice:
    """A run of entries ready to be written; nothing in it changes any more."""

    entries: bytes = b""
    """Rows as COPY reads them, like those below."""
    transfers: bytes = b""
    lots: bytes = b""
    members: bytes = b""
    bindings: bytes = b""
    merchants: bytes = b""
    changed: list[Lot] = field(default_factory=list)
    refunds: list[tuple[str, int]] = field(default_factory=list)
    splits: list[tuple[int, int]] = field(default_factory=list)
    factor: int = 1
    """Product of the splits."""


def make_slice(program: Program, state: State, entries: Sequence[Entry]) -> Slice:
    """The rows of entries that were just folded; lots as they stand after the last of them."""
    number, version = program.id, program.policy_version
    part = Slice()
    rows: list[str] = []
    transfers: list[str] = []
    members: list[str] = []
    bindings: list[str] = []
    merchants: list[str] = []
    opened: dict[str, None] = {}
    touched: set[str] = set()
    for entry in entries:
        seq = entry.seq
        event, receipt = encode_event(entry.event), encode_receipt(entry.receipt)
        head = f"{number}\t{seq}\t"
        rows.append(f"{head}{entry.id}\t{entry.kind}\t{version}\t{event}\t{receipt}\n")
        for line, (kind, debit, credit, amount) in enumerate(entry.transfers):
            transfers.append(f"{head}{line}\t{kind}\t{debit}\t{credit}\t{amount}\n")
        touched.update(entry.lots)
        if entry.opened is not None:
            opened[entry.opened.id] = None
        for member in entry.newcomers:
            members.append(f"{number}\t{member}\t{seq}\n")
        if entry.binding is not None:
            member, referrer = entry.binding
            bindings.append(f"{number}\t{member}\t{referrer}\t{seq}\n")
        if entry.merchant:
            merchants.append(f"{number}\t{entry.merchant}\t{seq}\n")
        if entry.refunded is not None or entry.split > 1:
            _add_rarer(part, entry)
    part.entries = to_copy(rows)
    part.transfers = to_copy(transfers)
    part.members = to_copy(members)
    part.bindings = to_copy(bindings)
    part.merchants = to_copy(merchants)
    part.lots = to_copy([_lot_row(number, state.lots[lot_id]) for lot_id in opened])
    part.changed = [state.lots[lot_id] for lot_id in touched - opened.keys()]
    return part


def _lot_row(number: int, lot: Lot) -> str:
    key = _key(lot)
    return (
        f"{number}\t{lot.seq}\t{lot.id}\t{lot.member}\t{lot.points_nano}\t"
        f"{lot.headroom_micro}\t{lot.net_micro}\t{'' if key is None else key}\n"
    )


def _add_rarer(part: Slice, entry: Entry) -> None:
    if entry.refunded is not None:
        part.refunds.append((entry.refunded, entry.seq))
    if entry.split > 1:
        part.factor *= entry.split
        part.splits.append((entry.seq, entry.split_factor * entry.split))


def _key(lot: Lot) -> int | None:
    key = trigger_key(lot)
    return None if key == LIMIT else key


def _copy(tx: Transaction, target: str, rows: bytes, options: str = "") -> None:
    if rows:
        with tx.cursor().copy(f"COPY {target} FROM STDIN{options}") as copy:
            copy.write(rows)


def append(tx: Transaction, program: Program, part: Slice) -> None:
    """Write a slice within the transaction that holds the program's row."""
    _copy(tx, _ENTRY, part.entries)
    _copy(tx, _TRANSFER, part.transfers)
    if part.factor > 1:
        _split_lots(tx, program, part)
    _copy(tx, _LOT, part.lots, _EMPTY_IS_NULL)
    if part.changed:
        _change_lots(tx, program, part.changed)
    _copy(tx, _MEMBER, part.members)
    _copy(tx, _BINDING, part.bindings)
    _copy(tx, _MERCHANT, part.merchants)
    for order, seq in part.refunds:
        tx.execute("INSERT INTO refund VALUES (%s, %s, %s)", [program.id, order, seq])


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
    tx.execute(
        """
        UPDATE lot l SET points = c.points, headroom = c.headroom, net = c.net,
                         trigger_key = c.trigger_key
        FROM unnest(%s::int8[], %s::int8[], %s::int8[], %s::int8[], %s::int8[])
             c (seq, points, headroom, net, trigger_key)
        WHERE l.program_id = %s AND l.seq = c.seq
        """,
        [
            [lot.seq for lot in lots],
            [lot.points_nano for lot in lots],
            [lot.headroom_micro for lot in lots],
            [lot.net_micro for lot in lots],
            [_key(lot) for lot in lots],
            program.id,
        ],
    )


def append_opening(
    tx: Transaction, program: Program, event: str, receipt: str, transfers: list[Transfer]
) -> Slice:
    """Write entry 0; gives its rows."""
    number, version = program.id, program.policy_version
    part = Slice(
        entries=to_copy([f"{number}\t0\t\topening\t{version}\t{event}\t{receipt}\n"]),
        transfers=to_copy(
            [
                "\t".join(map(str, (number, 0, line, *transfer))) + "\n"
                for line, transfer in enumerate(transfers)
            ]
        ),
    )
    append(tx, program, part)
    return part
