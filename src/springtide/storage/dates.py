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
    """When entries were posted, by seq."""
    rows = tx.execute(
        """
        SELECT e.seq, b.posted_at
        FROM unnest(%(seqs)s::bigint[]) e (seq) CROSS JOIN LATERAL (
            SELECT posted_at FROM batch
            WHERE program_id = %(id)s AND last_seq >= e.seq ORDER BY last_seq LIMIT 1
        ) b
        """,
        {"id": program.id, "seqs": seqs},
    )
    return {seq: at.astimezone(UTC).isoformat(timespec="seconds") for seq, at in rows}
