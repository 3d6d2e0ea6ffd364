"""When entries happened: as their events say it, else when they were posted."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

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
    posted = {
        seq: at.astimezone(UTC).isoformat(timespec="seconds")
        for seq, at in (read_times(tx, program, silent) if silent else {}).items()
    }
    return {seq: posted.get(seq) or str(at) for seq, at in said.items()}


def read_times(
    tx: psycopg.Connection, program: Program, seqs: Collection[int]
) -> dict[int, datetime]:
    """When entries were posted."""
    rows = tx.execute(
        """
        SELECT asked.seq, b.posted_at FROM unnest(%s::bigint[]) asked (seq), LATERAL (
            SELECT posted_at FROM batch
            WHERE program_id = %s AND last_seq >= asked.seq ORDER BY last_seq LIMIT 1) b
        """,
        [list(seqs), program.id],
    )
    return dict(rows.fetchall())
