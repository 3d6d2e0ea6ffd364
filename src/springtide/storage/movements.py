"""Movements of members and merchants: what statements read, without reading all transfers.

They are written some thousand entries at a time, off the road of orders. What was posted since
is read from the transfers, so an answer never depends on how far that is.
"""

from typing import NamedTuple

import psycopg

from springtide.core.journal import wallet_account
from springtide.storage.dates import read_dates
from springtide.storage.programs import Program


class Movement(NamedTuple):
    """One transfer on an account of a member."""

    seq: int
    id: str
    """Of the event that caused it; of the order or withdrawal, if it was a step of one."""
    at: str
    """As that event says it, else when it was posted; ISO 8601."""
    cause: str
    account: str
    change: int
    factor: int
    """Of the splits before this entry: what unit its points are in."""


def note_movements(tx: psycopg.Connection, program_id: int, most: int) -> int:
    """Write the movements of at most so many entries that are next; gives how many there were.

    None if all are written, or if somebody else is writing them.
    """
    row = tx.execute("SELECT note_movements(%s, %s)", [program_id, most]).fetchone()
    assert row is not None
    return int(row[0])


def list_behind(tx: psycopg.Connection, entries: int) -> list[int]:
    """Programs of which at least so many entries have movements that are not written."""
    rows = tx.execute(
        "SELECT p.id FROM program p LEFT JOIN movement_mark m ON m.program_id = p.id"
        " WHERE p.seq - coalesce(m.seq, -1) >= %s ORDER BY p.id",
        [entries],
    )
    return [id_ for (id_,) in rows]


def read_mark(tx: psycopg.Connection, program: Program) -> int:
    """The last entry of which movements are written; -1 if none are."""
    row = tx.execute(
        "SELECT seq FROM movement_mark WHERE program_id = %s", [program.id]
    ).fetchone()
    return -1 if row is None else int(row[0])


def read_movements(tx: psycopg.Connection, program: Program, member: str) -> list[Movement]:
    """Every transfer on a member's wallet, points and store credit, oldest first."""
    accounts = [prefix + member for prefix in ("wallet:", "points:", "credit:")]
    rows = tx.execute(
        """
        SELECT coalesce(o.seq, p.seq), coalesce(o.event, p.event), t.seq,
               coalesce(o.id, w.withdrawal, p.id), t.kind, t.account, t.change, p.factor
        FROM (
            SELECT program_id, seq, line, kind, account, change FROM movement
            WHERE program_id = %(id)s AND account = ANY(%(accounts)s)
            UNION ALL
            SELECT program_id, seq, line, kind, side.account, side.change
            FROM transfer, LATERAL (VALUES (credit, amount), (debit, -amount))
                               side (account, change)
            WHERE program_id = %(id)s AND seq > %(mark)s
              AND (credit = ANY(%(accounts)s) OR debit = ANY(%(accounts)s))
              AND side.account = ANY(%(accounts)s)
        ) t
        JOIN posted p USING (program_id, seq)
        LEFT JOIN settlement s USING (program_id, seq)
        LEFT JOIN entry o ON o.program_id = s.program_id AND o.id = s.order_id
        LEFT JOIN withdrawal_act w ON w.program_id = t.program_id AND w.seq = t.seq
        ORDER BY t.seq, t.line, t.account
        """,
        {"id": program.id, "accounts": accounts, "mark": read_mark(tx, program)},
    ).fetchall()
    dates = read_dates(tx, program, {cause: event for cause, event, *_ in rows})
    return [Movement(seq, id_, dates[cause], *rest) for cause, _, seq, id_, *rest in rows]


def read_split_dates(tx: psycopg.Connection, program: Program) -> dict[int, str]:
    """When points were restated, as their entries say it, by the factor from then on."""
    if program.split_factor == 1:
        return {}
    rows = tx.execute(
        "SELECT s.factor, s.seq, e.event FROM split s JOIN entry e USING (program_id, seq)"
        " WHERE s.program_id = %s",
        [program.id],
    ).fetchall()
    dates = read_dates(tx, program, {seq: event for _, seq, event in rows})
    return {factor: dates[seq] for factor, seq, _ in rows}


def read_wallet(tx: psycopg.Connection, program: Program, member: str) -> int:
    """What a member's wallet holds, in micro; below zero after a clawback."""
    account = wallet_account(member)
    row = tx.execute(
        """
        SELECT coalesce((SELECT sum(change) FROM movement
                         WHERE program_id = %(id)s AND account = %(account)s), 0)
             + coalesce((SELECT sum(CASE WHEN credit = %(account)s THEN amount ELSE -amount END)
                         FROM transfer WHERE program_id = %(id)s AND seq > %(mark)s
                           AND (credit = %(account)s OR debit = %(account)s)), 0)
        """,
        {"id": program.id, "account": account, "mark": read_mark(tx, program)},
    ).fetchone()
    assert row is not None
    return int(row[0])


def count_differences(tx: psycopg.Connection, program: Program) -> int:
    """How many movements were written that no transfer says, or are missing; zero."""
    row = tx.execute(
        """
        WITH said AS (
            SELECT side.account, seq, line, kind, side.change
            FROM transfer, LATERAL (VALUES (credit, amount), (debit, -amount))
                               side (account, change)
            WHERE program_id = %(id)s AND seq <= %(mark)s
              AND split_part(side.account, ':', 1) IN ('wallet', 'points', 'credit', 'merchant')
              AND strpos(side.account, ':') > 0
        ), written AS (
            SELECT account, seq, line, kind, change FROM movement WHERE program_id = %(id)s
        )
        SELECT (SELECT count(*) FROM (TABLE said EXCEPT ALL TABLE written) missing)
             + (SELECT count(*) FROM (TABLE written EXCEPT ALL TABLE said) invented)
        """,
        {"id": program.id, "mark": read_mark(tx, program)},
    ).fetchone()
    assert row is not None
    return int(row[0])
