"""Settled sales, for levels, merchants' statements and dividends: one row an order."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import psycopg

from springtide.storage import movements
from springtide.storage.programs import Program


class Sale(NamedTuple):
    """An order that was settled; event and receipts are JSON."""

    seq: int
    event: str
    receipt: str
    """Of its settlement."""
    posted_at: datetime
    refunded: int
    """How much of it was taken back after it was settled, in micro."""


def read_sales(
    tx: psycopg.Connection, program: Program, since: datetime, until: datetime
) -> Iterator[Sale]:
    """Orders settled from one instant to before another, in order, some at a time."""
    with tx.cursor("sales") as rows:
        rows.itersize = 5_000
        rows.execute(
            """
            SELECT p.seq, e.event, p.receipt, b.posted_at,
                   (SELECT coalesce(sum(r.amount), 0) FROM refund r
                    WHERE r.program_id = e.program_id AND r.order_id = e.id AND r.seq > p.seq)
            FROM batch b
            JOIN entry p ON p.program_id = b.program_id
                AND p.seq BETWEEN b.first_seq AND b.last_seq
                AND p.kind IN ('purchase', 'settle')
            LEFT JOIN settlement s ON s.program_id = p.program_id AND s.seq = p.seq
            JOIN entry e ON e.program_id = p.program_id AND e.id = coalesce(s.order_id, p.id)
            WHERE b.program_id = %s AND b.posted_at >= %s AND b.posted_at < %s
            ORDER BY p.seq
            """,
            [program.id, since, until],
        )
        for row in rows:
            yield Sale(*row)


class Movement(NamedTuple):
    """A transfer on an account, and the event behind it."""

    seq: int
    posted_at: datetime
    kind: str
    id: str
    """Of the event; of the order, if that was a settlement."""
    change: int
    order: str
    """That was sold or taken back; empty where it was something else."""


def read_movements(
    tx: psycopg.Connection, program: Program, account: str, since: datetime, until: datetime
) -> list[Movement]:
    """What moved on an account from one instant to before another, in order."""
    first, last = _seqs_of(tx, program, since, until)
    rows = tx.execute(
        """
        SELECT t.seq, b.posted_at, t.kind, coalesce(s.order_id, e.id), t.change,
               coalesce(s.order_id, CASE e.kind
                   WHEN 'purchase' THEN e.id
                   WHEN 'refund' THEN e.event::json ->> 'order'
               END, '')
        FROM (
            SELECT seq, line, kind, change FROM movement
            WHERE program_id = %(id)s AND account = %(account)s
              AND seq BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT seq, line, kind, CASE WHEN credit = %(account)s THEN amount ELSE -amount END
            FROM transfer
            WHERE program_id = %(id)s AND seq BETWEEN %(unwritten)s AND %(last)s
              AND %(account)s IN (debit, credit)
        ) t
        JOIN entry e ON e.program_id = %(id)s AND e.seq = t.seq
        LEFT JOIN settlement s ON s.program_id = %(id)s AND s.seq = t.seq
        JOIN LATERAL (
            SELECT posted_at FROM batch
            WHERE program_id = %(id)s AND last_seq >= t.seq ORDER BY last_seq LIMIT 1
        ) b ON b.posted_at >= %(since)s AND b.posted_at < %(until)s
        ORDER BY t.seq, t.line
        """,
        {
            "id": program.id, "account": account, "first": first, "last": last,
            "unwritten": max(first, _written(tx, program, account) + 1),
            "since": since, "until": until,
        },
    )  # fmt: skip
    return [Movement(*row) for row in rows]


def _seqs_of(
    tx: psycopg.Connection, program: Program, since: datetime, until: datetime
) -> tuple[int, int]:
    """The first and the last entry that were posted in a time; none if there were none."""
    row = tx.execute(
        "SELECT coalesce(min(first_seq), 0), coalesce(max(last_seq), -1) FROM batch"
        " WHERE program_id = %s AND posted_at >= %s AND posted_at < %s",
        [program.id, since, until],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _written(tx: psycopg.Connection, program: Program, account: str) -> int:
    """Up to which entry the movements of an account are written; -1 for one that has none."""
    return movements.read_mark(tx, program) if account.startswith("merchant:") else -1


def read_sum(
    tx: psycopg.Connection, program: Program, account: str, since: datetime, until: datetime
) -> int:
    """By how much an account's balance grew in that time, but for dividends; in micro."""
    moved = read_movements(tx, program, account, since, until)
    return sum(one.change for one in moved if one.kind != "dividend")


def read_tree(tx: psycopg.Connection, program: Program) -> dict[str, str]:
    """The referrers that stand, of everybody."""
    rows = tx.execute("SELECT member, referrer FROM bound WHERE program_id = %s", [program.id])
    return dict(rows.fetchall())
