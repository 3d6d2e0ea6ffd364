"""Requests for cash-outs that wait for the day's batch, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program

STATES = ("waiting", "cancelled", "paid", "refused")


@dataclass(frozen=True, slots=True)
class CashOutRequest:
    """A request; points in nano, money in micro."""

    id: str
    number: int
    """Requests are numbered in the order they were made."""
    member: str
    points: int | None
    """None for all, else in the units of `split_factor`."""
    min_net: int | None
    split_factor: int
    asked_at: datetime
    state: str
    reason: str | None
    """The code of the refusal, if it was refused."""
    batch: str | None
    """The entry that decides it."""
    batch_factor: int | None
    """The units of the points in that entry."""
    paid_points: int | None
    """With gross and net: of all the member's requests in the batch."""
    gross: int | None
    net: int | None
    ended_at: datetime | None


_SELECT = """
    SELECT id, number, member, points, min_net, split_factor, asked_at, state, reason, batch,
           batch_factor, paid_points, gross, net, ended_at
    FROM cash_out_request
"""


def insert_request(
    tx: psycopg.Connection,
    program: Program,
    id_: str,
    member: str,
    points: int | None,
    min_net: int | None,
    now: datetime,
) -> bool:
    """A new request that waits; false if the program has one of this id."""
    cursor = tx.execute(
        """
        INSERT INTO cash_out_request
            (program_id, id, member, points, min_net, split_factor, asked_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (program_id, id) DO NOTHING
        """,
        [program.id, id_, member, points, min_net, program.split_factor, now],
    )
    return cursor.rowcount > 0


def find_request(tx: psycopg.Connection, program: Program, id_: str) -> CashOutRequest | None:
    """The request of this id."""
    with tx.cursor(row_factory=class_row(CashOutRequest)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND id = %s", [program.id, id_]
        ).fetchone()


def list_requests(
    tx: psycopg.Connection, program: Program, member: str, state: str, after: int, most: int
) -> list[CashOutRequest]:
    """Requests in the order they were made; of a member and in a state, if these are given."""
    with tx.cursor(row_factory=class_row(CashOutRequest)) as cursor:
        return cursor.execute(
            f"""{_SELECT}
            WHERE program_id = %(program)s AND number > %(after)s
              AND (%(member)s::text = '' OR member = %(member)s)
              AND (%(state)s::text = '' OR state = %(state)s)
            ORDER BY number LIMIT %(most)s
            """,
            {
                "program": program.id, "after": after, "member": member, "state": state,
                "most": most,
            },
        ).fetchall()  # fmt: skip


def cancel_request(tx: psycopg.Connection, program: Program, id_: str, now: datetime) -> bool:
    """Cancel a request that waits for a batch; false if none of this id does."""
    cursor = tx.execute(
        "UPDATE cash_out_request SET state = 'cancelled', ended_at = %s"
        " WHERE program_id = %s AND id = %s AND state = 'waiting' AND batch IS NULL",
        [now, program.id, id_],
    )
    return cursor.rowcount > 0


def list_waiting(tx: psycopg.Connection) -> list[tuple[str, datetime, bool]]:
    """Programs where requests wait: since when, and whether some are in a batch already."""
    return tx.execute(
        """
        SELECT p.name, min(r.asked_at), bool_or(r.batch IS NOT NULL)
        FROM cash_out_request r JOIN program p ON p.id = r.program_id
        WHERE r.state = 'waiting' GROUP BY p.id ORDER BY p.id
        """
    ).fetchall()


def find_open_batch(tx: psycopg.Connection, program: Program) -> str | None:
    """The oldest batch that was begun and whose outcome was not noted."""
    row = tx.execute(
        "SELECT min(batch) FROM cash_out_request WHERE program_id = %s AND state = 'waiting'",
        [program.id],
    ).fetchone()
    assert row is not None
    return None if row[0] is None else str(row[0])


def begin_batch(
    tx: psycopg.Connection, program: Program, batch: str, asked_before: datetime
) -> bool:
    """Put what waits into a batch, unless that was begun before; whether anything is in it.

    The program's row must be locked: two who begin one batch wait for each other there.
    """
    cursor = tx.execute(
        """
        UPDATE cash_out_request SET batch = %(batch)s, batch_factor = %(factor)s
        WHERE program_id = %(program)s AND state = 'waiting' AND asked_at < %(before)s
          AND NOT EXISTS (SELECT FROM cash_out_request r
                          WHERE r.program_id = %(program)s AND r.batch = %(batch)s)
        """,
        {
            "program": program.id, "batch": batch, "factor": program.split_factor,
            "before": asked_before,
        },
    )  # fmt: skip
    return cursor.rowcount > 0


def read_batch(tx: psycopg.Connection, program: Program, batch: str) -> list[CashOutRequest]:
    """The requests of a batch, in the order they were made."""
    with tx.cursor(row_factory=class_row(CashOutRequest)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND batch = %s ORDER BY number",
            [program.id, batch],
        ).fetchall()


def note_batch(
    tx: psycopg.Connection,
    program: Program,
    batch: str,
    paid: Sequence[tuple[str, int, int, int]],
    refused: Sequence[tuple[str, str]],
    now: datetime,
) -> int:
    """Let requests say what their batch decided; gives how many did not say it yet.

    `paid` has members with points, gross and net, `refused` members with a code.
    """
    ended = tx.execute(
        """
        UPDATE cash_out_request r SET state = 'paid', paid_points = p.points,
            gross = p.gross, net = p.net, ended_at = %s
        FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
             AS p (member, points, gross, net)
        WHERE r.program_id = %s AND r.batch = %s AND r.state = 'waiting'
          AND r.member = p.member
        """,
        [now, *_columns(paid, 4), program.id, batch],
    ).rowcount
    return (
        ended
        + tx.execute(
            """
        UPDATE cash_out_request r SET state = 'refused', reason = p.code, ended_at = %s
        FROM unnest(%s::text[], %s::text[]) AS p (member, code)
        WHERE r.program_id = %s AND r.batch = %s AND r.state = 'waiting'
          AND r.member = p.member
        """,
            [now, *_columns(refused, 2), program.id, batch],
        ).rowcount
    )


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(width)]
