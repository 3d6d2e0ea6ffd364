"""A program over time: its entries, one after the other, and when the last was posted."""

from collections.abc import Iterator
from datetime import UTC, datetime
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
    batches = tx.execute(
        "SELECT last_seq, posted_at FROM batch WHERE program_id = %(id)s"
        " AND last_seq > %(after)s AND last_seq <= (SELECT min(last_seq) FROM batch"
        " WHERE program_id = %(id)s AND last_seq >= %(through)s) ORDER BY last_seq",
        {"id": program.id, "after": after, "through": through},
    )
    last_seq, posted_at = after, datetime.min.replace(tzinfo=UTC)
    with tx.cursor("happenings") as rows:
        rows.itersize = 10_000
        rows.execute(
            "SELECT seq, kind, event, receipt FROM entry"
            " WHERE program_id = %s AND seq > %s AND seq <= %s ORDER BY seq",
            [program.id, after, through],
        )
        for seq, kind, text, receipt in rows:
            while seq > last_seq:
                last_seq, posted_at = next(batches)
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
