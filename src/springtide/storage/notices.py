"""What concerns one member: when entries were posted, and what became of requests."""

from collections.abc import Collection
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.cash_outs import CashOutRequest
from springtide.storage.programs import Program


def read_times(
    tx: psycopg.Connection, program: Program, seqs: Collection[int]
) -> dict[int, datetime]:
    """When entries were posted."""
    rows = tx.execute(
        """
        SELECT asked.seq, b.posted_at FROM unnest(%s::bigint[]) asked (seq), LATERAL (
            SELECT posted_at FROM batch
            WHERE program_id = %s AND last_seq >= asked.seq ORDER BY last_seq LIMIT 1) b
        """,
        [list(seqs), program.id],
    )
    return dict(rows.fetchall())


def read_requests(
    tx: psycopg.Connection, program: Program, member: str, most: int
) -> list[CashOutRequest]:
    """A member's requests for cash-outs, newest first."""
    with tx.cursor(row_factory=class_row(CashOutRequest)) as cursor:
        return cursor.execute(
            """
            SELECT id, number, member, points, min_net, split_factor, asked_at, state, reason,
                   batch, batch_factor, paid_points, gross, net, ended_at
            FROM cash_out_request WHERE program_id = %s AND member = %s
            ORDER BY number DESC LIMIT %s
            """,
            [program.id, member, most],
        ).fetchall()
