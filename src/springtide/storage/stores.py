"""What a store sold in a time and to how many; orders are found by time, then by name."""

import json
from datetime import datetime
from typing import LiteralString, NamedTuple

import psycopg

from springtide.storage.listing import ENTRY, EntryRow
from springtide.storage.programs import Program

_AT: LiteralString = """
    e.program_id = %(program)s AND e.kind = ANY('{purchase,pay}')
    AND e.seq > (SELECT coalesce(max(last_seq), 0) FROM batch
                 WHERE program_id = %(program)s AND posted_at < %(since)s)
    AND strpos(e.event, %(text)s) > 0 AND said(e.event, 'merchant') = %(merchant)s
"""
"""Orders at a store since an instant: names are looked for before an event is parsed."""


_ORDERS: LiteralString = """
    WITH sold AS (
        SELECT said(e.event, 'amount')::numeric AS amount,
               CASE WHEN e.kind = 'purchase' THEN e.seq ELSE s.seq END AS settled
        FROM entry e
        LEFT JOIN settlement s ON s.program_id = e.program_id AND s.order_id = e.id
        WHERE
"""

_SUMS: LiteralString = """
    )
    SELECT count(*), coalesce(sum(o.amount * 1000000), 0)::bigint,
           count(*) FILTER (WHERE o.settled IS NULL),
           coalesce(sum((e.receipt::json ->> 'contribution')::bigint), 0)::bigint,
           coalesce(sum((e.receipt::json ->> 'granted')::numeric * %(factor)s / coalesce(
               (SELECT f.factor FROM split f WHERE f.program_id = e.program_id
                AND f.seq < e.seq ORDER BY f.seq DESC LIMIT 1), 1)), 0)::bigint
    FROM sold o LEFT JOIN entry e ON e.program_id = %(program)s AND e.seq = o.settled
"""

_BUYERS: LiteralString = """
    WITH buyer AS (SELECT count(*) AS orders FROM entry e WHERE
"""

_COUNTS: LiteralString = """
    GROUP BY said(e.event, 'member'))
    SELECT count(*), count(*) FILTER (WHERE orders > 1) FROM buyer
"""


def _asked(program: Program, merchant: str, since: datetime) -> dict[str, object]:
    text = json.dumps(merchant, ensure_ascii=False)
    return {"program": program.id, "merchant": merchant, "text": text, "since": since}


class Sold(NamedTuple):
    """Orders at a store; money in micro, points in nano of today's units."""

    orders: int
    amount: int
    waiting: int
    """Orders that are paid and not settled: nothing was paid in for them yet."""
    contribution: int
    granted: int


def read_sold(tx: psycopg.Connection, program: Program, merchant: str, since: datetime) -> Sold:
    """What a store sold since an instant."""
    row = tx.execute(
        f"{_ORDERS}{_AT}{_SUMS}",
        {**_asked(program, merchant, since), "factor": program.split_factor},
    ).fetchone()
    assert row is not None
    return Sold(*row)


class Customers(NamedTuple):
    """How many people bought at a store; nobody is named."""

    all: int
    again: int
    """Of them, with two orders or more."""


def read_customers(
    tx: psycopg.Connection, program: Program, merchant: str, since: datetime
) -> Customers:
    """How many bought at a store since an instant."""
    row = tx.execute(
        f"{_BUYERS}{_AT}{_COUNTS}",
        _asked(program, merchant, since),
    ).fetchone()
    assert row is not None
    return Customers(*row)


def read_newest_orders(
    tx: psycopg.Connection,
    program: Program,
    merchant: str,
    since: datetime,
    before: int | None,
    most: int,
) -> list[EntryRow]:
    """Orders at a store since an instant, newest first, from before a seq."""
    rows = tx.execute(
        f"{ENTRY} WHERE {_AT} AND (%(before)s::bigint IS NULL OR e.seq < %(before)s)"
        " ORDER BY e.seq DESC LIMIT %(most)s",
        {**_asked(program, merchant, since), "before": before, "most": most},
    )
    return [EntryRow(*row) for row in rows]


def read_spent(
    tx: psycopg.Connection, program: Program, member: str, begin: str, since: datetime
) -> int:
    """What a member paid since an instant by orders whose ids begin so, in micro."""
    row = tx.execute(
        """
        SELECT coalesce(sum(said(e.event, 'amount')::numeric * 1000000), 0)::bigint
        FROM entry e
        WHERE e.program_id = %(program)s AND e.kind = ANY('{purchase,pay}')
          AND e.seq > (SELECT coalesce(max(last_seq), 0) FROM batch
                       WHERE program_id = %(program)s AND posted_at < %(since)s)
          AND starts_with(e.id, %(begin)s) AND said(e.event, 'member') = %(member)s
        """,
        {"program": program.id, "member": member, "begin": begin, "since": since},
    ).fetchone()
    assert row is not None
    return int(row[0])
