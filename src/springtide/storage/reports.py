"""What the tables say to people: summaries, statements, price history, outcomes."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import psycopg

from springtide.storage.chain import decode
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


def read_activity(tx: psycopg.Connection, program: Program, after: int = -1) -> Activity:
    """What happened in a program so far, or since an entry.

    Members and orders of which something was refunded are always all of them.
    """
    row = tx.execute(
        """
        SELECT (SELECT count(*) FROM entry
                WHERE program_id = %(id)s AND seq > %(after)s
                  AND kind IN ('purchase', 'pay')),
               (SELECT count(*) FROM member WHERE program_id = %(id)s),
               coalesce(sum(amount) FILTER (WHERE debit = 'payments'), 0),
               count(*) FILTER (WHERE kind = 'exit' AND credit = 'points-issued'),
               coalesce(sum(amount) FILTER (WHERE kind = 'exit' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind = 'cash_out' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind = 'redeem' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind IN
                   ('direct', 'indirect', 'territory', 'recruiter', 'level', 'peer')), 0),
               (SELECT count(DISTINCT order_id) FROM refund WHERE program_id = %(id)s)
        FROM transfer WHERE program_id = %(id)s AND seq > %(after)s
        """,
        {"id": program.id, "after": after},
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
    """Of all splits up to and with this entry's: times the price, it can be compared."""


def read_prices(tx: psycopg.Connection, program: Program, most: int) -> list[Price]:
    """The pool after at most `most` entries, evenly spread, always with the last."""
    step = max(-(-program.seq // max(most - 1, 1)), 1)
    rows = tx.execute(
        """
        SELECT e.seq, e.kind, e.event, e.receipt, coalesce((SELECT s.factor FROM split s
                         WHERE s.program_id = e.program_id AND s.seq <= e.seq
                         ORDER BY s.seq DESC LIMIT 1), 1)
        FROM entry e
        WHERE e.program_id = %s AND (e.seq %% %s = 0 OR e.seq = %s) ORDER BY e.seq
        """,
        [program.id, step, program.seq],
    )
    prices = []
    for seq, kind, event, receipt, factor in rows:
        after = cast(dict[str, int], decode(receipt))
        pool = after["reserve"], after["supply"], after["price"]
        prices.append(Price(seq, kind, _at(event), *pool, factor))
    return prices


def _at(event: str) -> str | None:
    """When an event happened, if it said so.

    Read here and not in SQL: PostgreSQL refuses JSON with a zero character anywhere in it.
    """
    at = decode(event).get("at")
    return at if isinstance(at, str) else None


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


def read_refunds(
    tx: psycopg.Connection, program: Program, after: int = -1
) -> Iterator[tuple[str, int]]:
    """Who took back how much of an order, so far or since an entry; in micro."""
    rows = tx.execute(
        "SELECT e.event, r.amount FROM refund r"
        " JOIN entry e ON e.program_id = r.program_id AND e.id = r.order_id"
        " WHERE r.program_id = %s AND r.seq > %s",
        [program.id, after],
    )
    for event, amount in rows:
        yield str(decode(event)["member"]), amount


def read_outcomes(
    tx: psycopg.Connection, program: Program, spent: Mapping[str, int]
) -> list[Outcome]:
    """Every buyer's outcome so far, in the order of their first lots.

    `spent` says who spent how much and did not take it back. `received` is what points paid,
    without commissions. Those who only have orders that are not settled are left out.
    """
    rows = tx.execute(
        "SELECT member, sum(points), sum(net) FROM lot WHERE program_id = %s"
        " GROUP BY member ORDER BY min(seq)",
        [program.id],
    )
    return [Outcome(member, spent[member], *rest) for member, *rest in rows if spent[member]]
