"""What the tables say to people: the history of the price, and who is a member."""

from typing import NamedTuple, cast

import psycopg

from springtide.storage.chain import decode
from springtide.storage.dates import read_dates
from springtide.storage.programs import Program


class Price(NamedTuple):
    """The pool after an entry; reserve in micro, supply in nano of that time's units."""

    seq: int
    kind: str
    at: str
    """As the event says it, else when it was posted; ISO 8601."""
    reserve: int
    supply: int
    price: int
    factor: int
    """Of all splits up to and with this entry's: times the price, it can be compared."""


def read_prices(tx: psycopg.Connection, program: Program, most: int) -> list[Price]:
    """The pool after at most `most` entries, evenly spread, always with the last."""
    step = max(-(-program.seq // max(most - 1, 1)), 1)
    seqs = {*range(0, program.seq + 1, step), program.seq}
    rows = tx.execute(
        """
        SELECT e.seq, e.kind, e.event, e.receipt, coalesce((SELECT s.factor FROM split s
                         WHERE s.program_id = e.program_id AND s.seq <= e.seq
                         ORDER BY s.seq DESC LIMIT 1), 1)
        FROM entry e
        WHERE e.program_id = %s AND e.seq = ANY(%s) ORDER BY e.seq
        """,
        [program.id, list(seqs)],
    ).fetchall()
    dates = read_dates(tx, program, {seq: event for seq, _, event, *_ in rows})
    prices = []
    for seq, kind, _, receipt, factor in rows:
        after = cast(dict[str, int], decode(receipt))
        pool = after["reserve"], after["supply"], after["price"]
        prices.append(Price(seq, kind, dates[seq], *pool, factor))
    return prices


def is_member(tx: psycopg.Connection, program: Program, member: str) -> bool:
    """Whether somebody of this id bought, was bound or is a referrer."""
    row = tx.execute(
        "SELECT FROM member WHERE program_id = %s AND id = %s", [program.id, member]
    ).fetchone()
    return row is not None
