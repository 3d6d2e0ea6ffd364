"""Settled sales, for levels, merchants' statements and dividends: one row an order."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import psycopg

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


def read_movements(
    tx: psycopg.Connection, program: Program, account: str, since: datetime, until: datetime
) -> list[Movement]:
    """What moved on an account from one instant to before another, in order."""
    rows = tx.execute(
        """
        SELECT t.seq, b.posted_at, t.kind, coalesce(s.order_id, e.id),
               CASE WHEN t.credit = %(account)s THEN t.amount ELSE -t.amount END
        FROM batch b
        JOIN transfer t ON t.program_id = b.program_id
            AND t.seq BETWEEN b.first_seq AND b.last_seq
            AND %(account)s IN (t.debit, t.credit)
        JOIN entry e ON e.program_id = t.program_id AND e.seq = t.seq
        LEFT JOIN settlement s ON s.program_id = t.program_id AND s.seq = t.seq
        WHERE b.program_id = %(program)s
          AND b.posted_at >= %(since)s AND b.posted_at < %(until)s
        ORDER BY t.seq, t.line
        """,
        {"program": program.id, "account": account, "since": since, "until": until},
    )
    return [Movement(*row) for row in rows]


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
