"""What the tables say: summaries, statements, price history, and the raw books for an audit."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from springtide.storage.programs import Program


class Activity(NamedTuple):
    """Counts and sums of a program's journal; amounts in micro."""

    orders: int
    members: int
    spent: int
    exits: int
    exits_paid: int
    cashed_out: int
    redeemed: int
    commissions: int
    refunded: int


def read_activity(tx: psycopg.Connection, program: Program) -> Activity:
    """What happened in a program so far."""
    row = tx.execute(
        """
        SELECT (SELECT count(*) FROM entry WHERE program_id = %(id)s AND kind = 'purchase'),
               (SELECT count(*) FROM member WHERE program_id = %(id)s),
               coalesce(sum(amount) FILTER (WHERE debit = 'payments'), 0),
               count(*) FILTER (WHERE kind = 'exit' AND credit = 'points-issued'),
               coalesce(sum(amount) FILTER (WHERE kind = 'exit' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind = 'cash_out' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind = 'redeem' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind IN
                   ('direct', 'indirect', 'territory', 'recruiter', 'level', 'peer')), 0),
               (SELECT count(*) FROM refund WHERE program_id = %(id)s)
        FROM transfer WHERE program_id = %(id)s
        """,
        {"id": program.id},
    ).fetchone()
    assert row is not None
    return Activity(*row)


class Price(NamedTuple):
    """The pool after an entry; reserve in micro, supply in nano of that time's units."""

    seq: int
    kind: str
    at: str | None
    """When the event happened, if it said so."""
    reserve: int
    supply: int
    price: int
    factor: int
    """Of all splits up to and with this entry's: divide the price by it to compare."""


def read_prices(tx: psycopg.Connection, program: Program, most: int) -> list[Price]:
    """The pool after at most `most` entries, evenly spread, always with the last."""
    step = max(-(-program.seq // max(most - 1, 1)), 1)
    rows = tx.execute(
        """
        SELECT e.seq, e.kind, e.event::json ->> 'at', (e.receipt::json ->> 'reserve')::numeric,
               (e.receipt::json ->> 'supply')::numeric, (e.receipt::json ->> 'price')::numeric,
               coalesce((SELECT s.factor FROM split s
                         WHERE s.program_id = e.program_id AND s.seq <= e.seq
                         ORDER BY s.seq DESC LIMIT 1), 1)
        FROM entry e
        WHERE e.program_id = %s AND (e.seq %% %s = 0 OR e.seq = %s) ORDER BY e.seq
        """,
        [program.id, step, program.seq],
    )
    return [Price(*row) for row in rows]


class Movement(NamedTuple):
    """One transfer on an account of a member."""

    seq: int
    id: str
    """Of the event that caused it."""
    at: str | None
    cause: str
    account: str
    change: int
    factor: int
    """Of the splits before this entry: what unit its points are in."""


def read_movements(tx: psycopg.Connection, program: Program, member: str) -> list[Movement]:
    """Every transfer on a member's wallet, points and store credit, oldest first."""
    accounts = [prefix + member for prefix in ("wallet:", "points:", "credit:")]
    rows = tx.execute(
        """
        SELECT t.seq, e.id, e.event::json ->> 'at', t.kind,
               CASE WHEN t.credit = ANY(%(accounts)s) THEN t.credit ELSE t.debit END,
               CASE WHEN t.credit = ANY(%(accounts)s) THEN t.amount ELSE -t.amount END,
               coalesce((SELECT s.factor FROM split s
                         WHERE s.program_id = t.program_id AND s.seq < t.seq
                         ORDER BY s.seq DESC LIMIT 1), 1)
        FROM transfer t JOIN entry e USING (program_id, seq)
        WHERE t.program_id = %(id)s
          AND (t.credit = ANY(%(accounts)s) OR t.debit = ANY(%(accounts)s))
        ORDER BY t.seq, t.line
        """,
        {"id": program.id, "accounts": accounts},
    )
    return [Movement(*row) for row in rows]


def is_member(tx: psycopg.Connection, program: Program, member: str) -> bool:
    """Whether somebody of this id bought, was bound or is a referrer."""
    row = tx.execute(
        "SELECT FROM member WHERE program_id = %s AND id = %s", [program.id, member]
    ).fetchone()
    return row is not None


class Outcome(NamedTuple):
    """What one member spent, holds and has received; money in micro, points in nano."""

    member: str
    spent: int
    points: int
    received: int


def read_outcomes(tx: psycopg.Connection, program: Program) -> Iterator[Outcome]:
    """Every buyer's outcome so far; `received` is what points paid, without commissions."""
    rows = tx.execute(
        """
        SELECT l.member, b.spent, l.points, l.net
        FROM (SELECT member, sum(points) AS points, sum(net) AS net
              FROM lot WHERE program_id = %(id)s GROUP BY member) l
        JOIN (SELECT e.event::json ->> 'member' AS member, sum(t.amount) AS spent
              FROM entry e JOIN transfer t USING (program_id, seq)
              WHERE e.program_id = %(id)s AND e.kind = 'purchase' AND t.debit = 'payments'
              GROUP BY 1) b USING (member)
        """,
        {"id": program.id},
    )
    return (Outcome(*row) for row in rows)
