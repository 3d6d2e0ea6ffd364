"""What the tables say to people: summaries, statements, price history, outcomes."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import psycopg

from springtide.core.units import parse_money
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


def read_activity(tx: psycopg.Connection, program: Program) -> Activity:
    """What happened in a program so far."""
    row = tx.execute(
        """
        SELECT (SELECT count(*) FROM entry
                WHERE program_id = %(id)s AND kind IN ('purchase', 'pay')),
               (SELECT count(*) FROM member WHERE program_id = %(id)s),
               coalesce(sum(amount) FILTER (WHERE debit = 'payments'), 0),
               count(*) FILTER (WHERE kind = 'exit' AND credit = 'points-issued'),
               coalesce(sum(amount) FILTER (WHERE kind = 'exit' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind = 'cash_out' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind = 'redeem' AND debit = 'pool'), 0),
               coalesce(sum(amount) FILTER (WHERE kind IN
                   ('direct', 'indirect', 'territory', 'recruiter', 'level', 'peer')), 0),
               (SELECT count(DISTINCT order_id) FROM refund WHERE program_id = %(id)s)
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


def read_receipts(tx: psycopg.Connection, program: Program) -> Iterator[tuple[str, str]]:
    """Kinds and receipts of all entries after the opening, in order, some at a time."""
    with tx.cursor("receipts") as rows:
        rows.itersize = 10_000
        rows.execute(
            "SELECT kind, receipt FROM entry WHERE program_id = %s AND seq > 0 ORDER BY seq",
            [program.id],
        )
        yield from rows


class Outcome(NamedTuple):
    """What one member spent, holds and has received; money in micro, points in nano."""

    member: str
    spent: int
    points: int
    received: int


def read_outcomes(tx: psycopg.Connection, program: Program) -> list[Outcome]:
    """Every buyer's outcome so far, in the order of their first lots.

    `received` is what points paid, without commissions; what was refunded was not spent.
    Those who only have orders that are not settled are left out.
    """
    spent: dict[str, int] = {}
    refunded: dict[str, int] = dict(
        tx.execute(
            "SELECT order_id, sum(amount) FROM refund WHERE program_id = %s GROUP BY order_id",
            [program.id],
        ).fetchall()
    )
    with tx.cursor("purchases") as purchases:
        purchases.itersize = 10_000
        purchases.execute(
            "SELECT event FROM entry WHERE program_id = %s AND kind IN ('purchase', 'pay')",
            [program.id],
        )
        for (event,) in purchases:
            order = decode(event)
            member = str(order["member"])
            paid = parse_money(order["amount"]) - refunded.get(str(order["id"]), 0)
            spent[member] = spent.get(member, 0) + paid
    rows = tx.execute(
        "SELECT member, sum(points), sum(net) FROM lot WHERE program_id = %s"
        " GROUP BY member ORDER BY min(seq)",
        [program.id],
    )
    return [Outcome(member, spent[member], *rest) for member, *rest in rows if spent[member]]
