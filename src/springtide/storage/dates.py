"""When entries happened: as their events say it, else when they were posted."""

from collections.abc import Mapping
from datetime import UTC

import psycopg

from springtide.storage.chain import decode
from springtide.storage.programs import Program


def read_dates(
    tx: psycopg.Connection, program: Program, events: Mapping[int, str]
) -> dict[int, str]:
    """Of events by seq: when each happened, in ISO 8601.

    Events are read here and not in SQL: PostgreSQL refuses JSON with a zero character.
    """
    said = {seq: decode(event).get("at") for seq, event in events.items()}
    silent = [seq for seq, at in said.items() if not isinstance(at, str)]
    posted = _read_posted(tx, program, silent) if silent else {}
    return {seq: posted.get(seq) or str(at) for seq, at in said.items()}


def _read_posted(tx: psycopg.Connection, program: Program, seqs: list[int]) -> dict[int, str]:
    """When entries were posted, by seq: their batches are found by halving, for all at once."""
    rows = tx.execute(
        """
        WITH RECURSIVE search (seq, low, high) AS (
            SELECT seq, 0::bigint, %(last)s::bigint FROM unnest(%(seqs)s::bigint[]) seq
            UNION ALL
            SELECT s.seq, CASE WHEN b.last_seq < s.seq THEN b.number + 1 ELSE s.low END,
                   CASE WHEN b.last_seq < s.seq THEN s.high ELSE b.number END
            FROM search s
            JOIN batch b ON b.program_id = %(id)s AND b.number = (s.low + s.high) / 2
            WHERE s.low < s.high
        )
        SELECT s.seq, b.posted_at FROM search s
        JOIN batch b ON b.program_id = %(id)s AND b.number = s.low
        WHERE s.low = s.high
        """,
        {"id": program.id, "last": program.batch, "seqs": seqs},
    )
    return {seq: at.astimezone(UTC).isoformat(timespec="seconds") for seq, at in rows}
