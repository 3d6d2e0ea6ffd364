"""Webhooks: the endpoints that a program's entries are sent to, and their cursors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a program's entries are sent; one that was removed has no secret."""

    program_id: int
    program: str
    id: str
    url: str
    types: list[str]
    """Of messages that are sent; all of them if empty."""
    state: str
    """active, disabled or removed."""
    secret: str | None
    old_secret: str | None
    old_secret_until: datetime | None
    through_seq: int
    failing_since: datetime | None
    created_at: datetime


_ENDPOINT: LiteralString = """
    SELECT e.program_id, p.name AS program, e.id, e.url, e.types, e.state, e.secret,
           e.old_secret, e.old_secret_until, e.through_seq, e.failing_since, e.created_at
    FROM webhook_endpoint e JOIN program p ON p.id = e.program_id
"""


def insert_endpoint(
    tx: psycopg.Connection, program: Program, id_: str, url: str, types: Sequence[str],
    secret: str, now: datetime,
) -> None:  # fmt: skip
    """A new endpoint, which is told what is posted from now on."""
    tx.execute(
        "INSERT INTO webhook_endpoint"
        " (program_id, id, url, types, state, secret, through_seq, created_at)"
        " SELECT id, %s, %s, %s, 'active', %s, seq, %s FROM program WHERE id = %s",
        [id_, url, list(types), secret, now, program.id],
    )


def list_endpoints(tx: psycopg.Connection, program: Program) -> list[Endpoint]:
    """The endpoints of a program that were not removed, oldest first."""
    with tx.cursor(row_factory=class_row(Endpoint)) as cursor:
        return cursor.execute(
            f"{_ENDPOINT} WHERE e.program_id = %s AND e.state <> 'removed'"
            " ORDER BY e.created_at, e.id",
            [program.id],
        ).fetchall()


def find_endpoint(tx: psycopg.Connection, program: Program, id_: str) -> Endpoint | None:
    """An endpoint that was not removed."""
    with tx.cursor(row_factory=class_row(Endpoint)) as cursor:
        return cursor.execute(
            f"{_ENDPOINT} WHERE e.program_id = %s AND e.id = %s AND e.state <> 'removed'",
            [program.id, id_],
        ).fetchone()


def lock_endpoint(
    tx: psycopg.Connection, program_id: int, id_: str, *, wait: bool = True
) -> Endpoint | None:
    """An endpoint that was not removed, held until the transaction ends.

    Its deliveries are changed by whoever holds it, so nobody waits for a row that another
    has who waits for his. Without waiting, one that is held is None.
    """
    skip: LiteralString = "" if wait else " SKIP LOCKED"
    with tx.cursor(row_factory=class_row(Endpoint)) as cursor:
        return cursor.execute(
            f"{_ENDPOINT} WHERE e.program_id = %s AND e.id = %s AND e.state <> 'removed'"
            f" FOR UPDATE OF e{skip}",
            [program_id, id_],
        ).fetchone()


def disable_endpoint(tx: psycopg.Connection, endpoint: Endpoint) -> None:
    """Stop at the cursor; what waits waits on."""
    tx.execute(
        "UPDATE webhook_endpoint SET state = 'disabled', failing_since = NULL"
        " WHERE program_id = %s AND id = %s",
        [endpoint.program_id, endpoint.id],
    )


def enable_endpoint(tx: psycopg.Connection, endpoint: Endpoint, now: datetime) -> None:
    """Go on where it stopped: everything that waits is due now."""
    where = [endpoint.program_id, endpoint.id]
    tx.execute(
        "UPDATE webhook_endpoint SET state = 'active' WHERE program_id = %s AND id = %s", where
    )
    tx.execute(
        "UPDATE webhook_delivery SET next_at = %s"
        " WHERE program_id = %s AND endpoint = %s AND state = 'pending'",
        [now, *where],
    )


def remove_endpoint(tx: psycopg.Connection, endpoint: Endpoint) -> None:
    """Forget an endpoint's secrets and drop what still waits; its deliveries stay."""
    where = [endpoint.program_id, endpoint.id]
    tx.execute(
        "UPDATE webhook_endpoint SET state = 'removed', secret = NULL, old_secret = NULL,"
        " old_secret_until = NULL WHERE program_id = %s AND id = %s",
        where,
    )
    tx.execute(
        "UPDATE webhook_delivery SET state = 'dropped', next_at = NULL"
        " WHERE program_id = %s AND endpoint = %s AND state = 'pending'",
        where,
    )


def set_secret(
    tx: psycopg.Connection, endpoint: Endpoint, secret: str, old_until: datetime
) -> None:
    """Another secret; the one before it signs too until a time."""
    tx.execute(
        "UPDATE webhook_endpoint SET old_secret = secret, old_secret_until = %s, secret = %s"
        " WHERE program_id = %s AND id = %s",
        [old_until, secret, endpoint.program_id, endpoint.id],
    )


def set_failing_since(
    tx: psycopg.Connection, endpoint: Endpoint, since: datetime | None
) -> None:
    """Note since when nothing was delivered."""
    tx.execute(
        "UPDATE webhook_endpoint SET failing_since = %s WHERE program_id = %s AND id = %s",
        [since, endpoint.program_id, endpoint.id],
    )


def read_endpoints_with_work(tx: psycopg.Connection, now: datetime) -> list[tuple[int, str]]:
    """Active endpoints of all programs that have entries to be told or deliveries due."""
    return tx.execute(
        """
        SELECT e.program_id, e.id FROM webhook_endpoint e JOIN program p ON p.id = e.program_id
        WHERE e.state = 'active' AND (e.through_seq < p.seq OR EXISTS (
            SELECT FROM webhook_delivery d
            WHERE d.program_id = e.program_id AND d.endpoint = e.id
              AND d.state = 'pending' AND d.next_at <= %s))
        """,
        [now],
    ).fetchall()
