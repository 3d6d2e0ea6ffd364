"""A program over time: its entries, one after the other, and when the last was posted."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, cast

import psycopg

from springtide.storage.chain import decode
from springtide.storage.programs import Program


class Happened(NamedTuple):
    """An entry: when it happened, its event and its receipt."""

    at: str
    """As the event says it, else when the entry was posted; ISO 8601."""
    kind: str
    event: dict[str, Any]
    receipt: dict[str, Any]


def read_happenings(
    tx: psycopg.Connection, program: Program, after: int, through: int
) -> Iterator[Happened]:
    """All entries after one up to another, in order, some at a time."""
    with tx.cursor("happenings") as rows:
        rows.itersize = 10_000
        rows.execute(
            """
            SELECT b.posted_at, e.kind, e.event, e.receipt
            FROM batch b JOIN entry e
              ON e.program_id = b.program_id AND e.seq BETWEEN b.first_seq AND b.last_seq
            WHERE b.program_id = %(id)s AND b.last_seq > %(after)s
              AND b.first_seq <= %(through)s
              AND e.seq > %(after)s AND e.seq <= %(through)s ORDER BY e.seq
            """,
            {"id": program.id, "after": after, "through": through},
        )
        for posted_at, kind, text, receipt in rows:
            event = cast(dict[str, Any], decode(text))
            said = event.get("at")
            at = said if isinstance(said, str) else posted_at.isoformat()
            yield Happened(at, kind, event, cast(dict[str, Any], decode(receipt)))


def read_last_batch(tx: psycopg.Connection, program: Program) -> datetime:
    """When the last batch was posted."""
    row = tx.execute(
        "SELECT posted_at FROM batch WHERE program_id = %s AND number = %s",
        [program.id, program.batch],
    ).fetchone()
    assert row is not None
    at: datetime = row[0]
    return at
