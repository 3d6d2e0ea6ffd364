"""The ledger: entries are appended by binary COPY, lots and members moved set by set."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.copy import Writer

from springtide.core.entry import Entry
from springtide.core.journal import UNASSIGNED, Transfer
from springtide.core.state import Lot, State, trigger_key
from springtide.core.units import LIMIT
from springtide.storage.chain import (
    COPY_HEADER,
    COPY_TRAILER,
    ENTRY_COLUMNS,
    TRANSFER_COLUMNS,
    encode_event,
    encode_receipt,
)
from springtide.storage.programs import Program
from springtide.storage.working_set import Tree

_TO_MERCHANTS = frozenset(("merchant", "redeem"))


class _Table(NamedTuple):
    target: str
    types: list[str]


_ENTRY = _Table(
    f"entry ({ENTRY_COLUMNS})", ["int4", "int8", "text", "text", "int2", "text", "text"]
)
_TRANSFER = _Table(
    f"transfer ({TRANSFER_COLUMNS})", ["int4", "int8", "int2", "text", "text", "text", "int8"]
)
_LOT = _Table(
    "lot (program_id, seq, id, member, points, headroom, net, trigger_key)",
    ["int4", "int8", "text", "text", "int8", "int8", "int8", "int8"],
)
_MEMBER = _Table(
    "member (program_id, id, first_seq, referrer)", ["int4", "text", "int8", "text"]
)
_MERCHANT = _Table("merchant (program_id, id, first_seq)", ["int4", "text", "int8"])


@dataclass(slots=True)
class Slice:
    """A run of entries ready to be written; nothing in it changes any more."""

    entries: bytes = b""
    """Rows as binary COPY, like those below."""
    transfers: bytes = b""
    lots: bytes = b""
    members: bytes = b""
    merchants: bytes = b""
    changed: list[Lot] = field(default_factory=list)
    bound: list[tuple[str, str]] = field(default_factory=list)
    refunds: list[tuple[str, int]] = field(default_factory=list)
    splits: list[tuple[int, int]] = field(default_factory=list)
    factor: int = 1
    """Product of the splits."""


def make_slice(
    tx: psycopg.Connection, program: Program, state: State, tree: Tree, entries: Sequence[Entry]
) -> Slice:
    """The rows of entries that were just folded; lots as they stand after the last of them.

    Nothing is sent: the connection only says how values are written.
    """
    number, version = program.id, program.policy_version
    part = Slice()
    rows, transfers, members, shops = [], [], [], []
    opened: set[str] = set()
    touched: set[str] = set()
    for entry in entries:
        seq = entry.seq
        event, receipt = encode_event(entry.event), encode_receipt(entry.receipt)
        rows.append((number, seq, entry.id, entry.event["type"], version, event, receipt))
        for line, transfer in enumerate(entry.transfers):
            transfers.append((number, seq, line, *transfer))
            if transfer[0] in _TO_MERCHANTS and transfer[2] not in tree.merchants:
                tree.merchants.add(transfer[2])
                if transfer[2] != UNASSIGNED:
                    shops.append((number, transfer[2].partition(":")[2], seq))
        if entry.opened is not None:
            opened.add(entry.opened.id)
        touched.update(entry.lots)
        for member in entry.newcomers:
            members.append((number, member, seq, state.referrers.get(member)))
        if entry.binding or entry.refunded or entry.split > 1:
            _add_rarer(part, entry)
    part.entries = _rows(tx, _ENTRY, rows)
    part.transfers = _rows(tx, _TRANSFER, transfers)
    lots = (state.lots[lot_id] for lot_id in opened)
    part.lots = _rows(tx, _LOT, [(number, lot.seq, *lot[:5], _key(lot)) for lot in lots])
    part.members = _rows(tx, _MEMBER, members)
    part.merchants = _rows(tx, _MERCHANT, shops)
    part.changed = [state.lots[lot_id] for lot_id in touched - opened]
    return part


def _add_rarer(part: Slice, entry: Entry) -> None:
    if entry.binding is not None and entry.binding[0] not in entry.newcomers:
        part.bound.append(entry.binding)
    if entry.refunded is not None:
        part.refunds.append((entry.refunded, entry.seq))
    if entry.split > 1:
        part.factor *= entry.split
        part.splits.append((entry.seq, entry.split_factor * entry.split))


def _key(lot: Lot) -> int | None:
    key = trigger_key(lot)
    return None if key == LIMIT else key


class _Memory(Writer):
    """Where COPY's rows are written before they are sent."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: Buffer) -> None:
        self.data += data


def _rows(tx: psycopg.Connection, table: _Table, rows: Iterable[tuple[object, ...]]) -> bytes:
    if not rows:
        return b""
    memory = _Memory()
    with psycopg.Copy(tx.cursor(), binary=True, writer=memory) as copy:
        copy.set_types(table.types)
        write_row = copy.write_row
        for row in rows:
            write_row(row)
    return bytes(memory.data[len(COPY_HEADER) : -len(COPY_TRAILER)])


def _copy(tx: psycopg.Connection, table: _Table, rows: bytes) -> None:
    if rows:
        with tx.cursor().copy(f"COPY {table.target} FROM STDIN (FORMAT binary)") as copy:
            copy.write(COPY_HEADER + rows + COPY_TRAILER)


def append(tx: psycopg.Connection, program: Program, part: Slice) -> None:
    """Write a slice within the transaction that holds the program's row."""
    _copy(tx, _ENTRY, part.entries)
    _copy(tx, _TRANSFER, part.transfers)
    if part.factor > 1:
        _split_lots(tx, program, part)
    _copy(tx, _LOT, part.lots)
    if part.changed:
        _change_lots(tx, program, part.changed)
    _copy(tx, _MEMBER, part.members)
    _copy(tx, _MERCHANT, part.merchants)
    if part.bound:
        tx.execute(
            """
            UPDATE member m SET referrer = b.referrer
            FROM unnest(%s::text[], %s::text[]) b (id, referrer)
            WHERE m.program_id = %s AND m.id = b.id
            """,
            [[member for member, _ in part.bound], [above for _, above in part.bound],
             program.id],
        )  # fmt: skip
    for order, seq in part.refunds:
        tx.execute("INSERT INTO refund VALUES (%s, %s, %s)", [program.id, order, seq])


def _split_lots(tx: psycopg.Connection, program: Program, part: Slice) -> None:
    """Re-denominate the lots that were there before the slice; its own come as they are."""
    tx.execute(
        """
        UPDATE lot SET points = points * %(factor)s, trigger_key = CASE WHEN headroom > 0 THEN
            nullif(least(div(headroom * 1000000000000::numeric, points * %(factor)s::numeric),
                         9223372036854775807), 9223372036854775807) END
        WHERE program_id = %(program)s AND points > 0
        """,
        {"factor": part.factor, "program": program.id},
    )
    for seq, factor in part.splits:
        tx.execute("INSERT INTO split VALUES (%s, %s, %s)", [program.id, seq, factor])


def _change_lots(tx: psycopg.Connection, program: Program, lots: list[Lot]) -> None:
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
    tx: psycopg.Connection,
    program: Program,
    event: str,
    receipt: str,
    transfers: list[Transfer],
) -> Slice:
    """Write entry 0; gives its rows."""
    lines = enumerate(transfers)
    part = Slice(
        entries=_rows(
            tx, _ENTRY, [(program.id, 0, "", "opening", program.policy_version, event, receipt)]
        ),
        transfers=_rows(tx, _TRANSFER, [(program.id, 0, line, *each) for line, each in lines]),
    )
    append(tx, program, part)
    return part
