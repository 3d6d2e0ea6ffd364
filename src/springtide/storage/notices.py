"""What concerns one member: what became of requests."""

import psycopg
from psycopg.rows import class_row

from springtide.storage.cash_outs import CashOutRequest
from springtide.storage.programs import Program


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
