"""Paid orders that wait for their settlement, and up to where none does any more."""

from datetime import datetime
from typing import LiteralString

import psycopg

from springtide.storage.programs import Program

_WAITING: LiteralString = """
    FROM entry e
    WHERE e.program_id = %(program)s AND e.kind = 'pay'
      AND NOT EXISTS (SELECT FROM settlement s
                      WHERE s.program_id = e.program_id AND s.order_id = e.id)
      AND coalesce((SELECT sum(r.amount) FROM refund r
                    WHERE r.program_id = e.program_id AND r.order_id = e.id), 0)
          < (e.receipt::json ->> 'amount')::numeric
"""
_AFTER_MARK: LiteralString = """
      AND e.seq > coalesce((SELECT m.seq FROM settled_mark m
                            WHERE m.program_id = %(program)s), 0)
"""
_DUE: LiteralString = """
      AND e.policy_version = %(version)s
      AND e.seq <= (SELECT max(b.last_seq) FROM batch b
                    WHERE b.program_id = %(program)s AND b.posted_at <= %(paid_before)s)
      AND NOT EXISTS (SELECT FROM member_freeze f
                      WHERE f.program_id = e.program_id AND f.frozen
                        AND f.member = said(e.event, 'member'))
    ORDER BY e.seq LIMIT %(most)s
"""
_BEFORE_MARK: LiteralString = """
      AND e.seq <= (SELECT m.seq FROM settled_mark m WHERE m.program_id = %(program)s)
"""


def read_due(
    tx: psycopg.Connection, program: Program, version: int, paid_before: datetime, most: int
) -> list[tuple[int, str]]:
    """Seqs and ids of orders paid under a version of the policy that wait for settlement.

    They were not settled, and something is left of them. Those of frozen members wait.
    """
    return tx.execute(
        "SELECT e.seq, e.id" + _WAITING + _AFTER_MARK + _DUE,
        {
            "program": program.id, "version": version, "paid_before": paid_before, "most": most,
        },
    ).fetchall()  # fmt: skip


def move_mark(tx: psycopg.Connection, program: Program, least: int) -> None:
    """Move the mark to where the first order waits, if that is at least so many entries on."""
    first = tx.execute(
        "SELECT e.seq" + _WAITING + _AFTER_MARK + "ORDER BY e.seq LIMIT 1",
        {"program": program.id},
    ).fetchone()
    tx.execute(
        """
        INSERT INTO settled_mark AS m SELECT %(program)s, %(seq)s WHERE %(seq)s >= %(least)s
        ON CONFLICT (program_id) DO UPDATE SET seq = excluded.seq
        WHERE excluded.seq >= m.seq + %(least)s
        """,
        {
            "program": program.id, "least": least,
            "seq": program.seq if first is None else first[0] - 1,
        },
    )  # fmt: skip


def count_forgotten(tx: psycopg.Connection, program: Program) -> int:
    """Orders that wait before the mark, so that nobody would look for them; zero."""
    row = tx.execute(
        "SELECT count(*)" + _WAITING + _BEFORE_MARK, {"program": program.id}
    ).fetchone()
    assert row is not None
    return int(row[0])
