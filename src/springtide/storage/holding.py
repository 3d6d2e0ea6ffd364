"""What a member's pages show of lots: the orders they came from, and the price before them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import psycopg

from springtide.storage.chain import decode
from springtide.storage.dates import read_dates
from springtide.storage.listing import LotRow
from springtide.storage.programs import Program


class Origin(NamedTuple):
    """The order that opened a lot: what it paid in, and the pool before it."""

    order: dict[str, Any]
    """The event."""
    at: str
    """As the event says it, else when it was posted; ISO 8601."""
    receipt: dict[str, Any]
    """Of the purchase, or of its settlement."""
    reserve_before: int
    supply_before: int
    refunded: int
    """How much of the order was taken back, in micro."""
    factor: int
    """Of the splits since then: by how much points are more today."""


def read_newest_lots(
    tx: psycopg.Connection, program: Program, member: str, before: int | None, most: int
) -> list[LotRow]:
    """A member's lots, newest first, from before a seq."""
    rows = tx.execute(
        "SELECT seq, id, member, points, headroom, net FROM lot"
        " WHERE program_id = %s AND member = %s AND (%s::bigint IS NULL OR seq < %s)"
        " ORDER BY seq DESC LIMIT %s",
        [program.id, member, before, before, most],
    )
    return [LotRow(*row) for row in rows]


def find_lot(tx: psycopg.Connection, program: Program, member: str, seq: int) -> LotRow | None:
    """A lot of a member."""
    row = tx.execute(
        "SELECT seq, id, member, points, headroom, net FROM lot"
        " WHERE program_id = %s AND member = %s AND seq = %s",
        [program.id, member, seq],
    ).fetchone()
    return None if row is None else LotRow(*row)


def read_origins(
    tx: psycopg.Connection, program: Program, seqs: Sequence[int]
) -> dict[int, Origin]:
    """By the seqs of lots: the orders that opened them."""
    rows = tx.execute(
        """
        SELECT e.seq, coalesce(o.seq, e.seq), coalesce(o.event, e.event), e.receipt, b.receipt,
               coalesce((SELECT sum(r.amount) FROM refund r WHERE r.program_id = e.program_id
                         AND r.order_id = coalesce(o.id, e.id)), 0),
               coalesce((SELECT f.factor FROM split f
                   WHERE f.program_id = e.program_id AND f.seq < e.seq
                   ORDER BY f.seq DESC LIMIT 1), 1)
        FROM entry e
        JOIN entry b ON b.program_id = e.program_id AND b.seq = e.seq - 1
        LEFT JOIN settlement s ON s.program_id = e.program_id AND s.seq = e.seq
        LEFT JOIN entry o ON o.program_id = s.program_id AND o.id = s.order_id
        WHERE e.program_id = %s AND e.seq = ANY(%s)
        """,
        [program.id, list(seqs)],
    ).fetchall()
    dates = read_dates(tx, program, {order: event for _, order, event, *_ in rows})
    found = {}
    for seq, order, event, receipt, before, refunded, factor in rows:
        pool = cast(dict[str, Any], decode(before))
        found[seq] = Origin(
            cast(dict[str, Any], decode(event)),
            dates[order],
            cast(dict[str, Any], decode(receipt)),
            pool["reserve"],
            pool["supply"],
            refunded,
            program.split_factor // factor,
        )
    return found
