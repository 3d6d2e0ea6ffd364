"""Webhooks: endpoints with their cursors, deliveries, and every attempt at one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, LiteralString, NamedTuple

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program

State = Literal["pending", "delivered", "failed", "dropped"]


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


class Told(NamedTuple):
    """An entry as it is told of; event and receipt as JSON."""

    seq: int
    kind: str
    posted_at: datetime
    event: str
    receipt: str


_TOLD: LiteralString = """
    SELECT e.seq, e.kind, b.posted_at, e.event, e.receipt
    FROM entry e JOIN LATERAL (
        SELECT posted_at FROM batch b
        WHERE b.program_id = e.program_id AND b.last_seq >= e.seq ORDER BY b.number LIMIT 1
    ) b ON true
"""


def read_entries_after(
    tx: psycopg.Connection, program_id: int, seq: int, most: int
) -> list[Told]:
    """The entries after one, in the order they were posted."""
    rows = tx.execute(
        f"{_TOLD} WHERE e.program_id = %s AND e.seq > %s ORDER BY e.seq LIMIT %s",
        [program_id, seq, most],
    )
    return [Told(*row) for row in rows]


def read_entries_at(
    tx: psycopg.Connection, program_id: int, seqs: Sequence[int]
) -> dict[int, Told]:
    """Entries by their seqs."""
    rows = tx.execute(
        f"{_TOLD} WHERE e.program_id = %s AND e.seq = ANY(%s)", [program_id, list(seqs)]
    )
    return {row[0]: Told(*row) for row in rows}


def insert_deliveries(
    tx: psycopg.Connection,
    endpoint: Endpoint,
    messages: Iterable[tuple[int, int, str]],
    through_seq: int,
    now: datetime,
) -> None:
    """Deliveries that are due now, each a seq, a number and a type; and how far they go."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO webhook_delivery (program_id, endpoint, seq, n, type, next_at,"
            " created_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [(endpoint.program_id, endpoint.id, *message, now, now) for message in messages],
        )
    tx.execute(
        "UPDATE webhook_endpoint SET through_seq = %s WHERE program_id = %s AND id = %s",
        [through_seq, endpoint.program_id, endpoint.id],
    )


class Claim(NamedTuple):
    """A delivery that whoever claimed it sends now."""

    seq: int
    n: int
    type: str


def claim_deliveries(
    tx: psycopg.Connection, endpoint: Endpoint, now: datetime, until: datetime, most: int
) -> list[Claim]:
    """Deliveries that are due; nobody else may send them until a time.

    If this server dies, that is when another one sends them.
    """
    rows = tx.execute(
        """
        WITH due AS MATERIALIZED (  -- else a plan may ask it again for every row it updates
            SELECT seq, n FROM webhook_delivery
            WHERE program_id = %(program)s AND endpoint = %(endpoint)s
              AND state = 'pending' AND next_at <= %(now)s
            ORDER BY next_at, seq, n LIMIT %(most)s FOR UPDATE SKIP LOCKED)
        UPDATE webhook_delivery d SET next_at = %(until)s FROM due
        WHERE d.program_id = %(program)s AND d.endpoint = %(endpoint)s
          AND d.seq = due.seq AND d.n = due.n
        RETURNING d.seq, d.n, d.type
        """,
        {"program": endpoint.program_id, "endpoint": endpoint.id, "now": now,
         "until": until, "most": most},
    )  # fmt: skip
    return sorted(Claim(*row) for row in rows)


class Attempt(NamedTuple):
    """One attempt at a delivery; no status if nothing was answered."""

    number: int
    at: datetime
    status: int | None
    error: str | None


def append_attempt(
    tx: psycopg.Connection, endpoint: Endpoint, seq: int, n: int, at: datetime,
    status: int | None, error: str | None,
) -> int:  # fmt: skip
    """Log an attempt; gives its number."""
    where = [endpoint.program_id, endpoint.id, seq, n]
    row = tx.execute(
        "UPDATE webhook_delivery SET attempts = attempts + 1, last_status = %s, last_error = %s"
        " WHERE program_id = %s AND endpoint = %s AND seq = %s AND n = %s RETURNING attempts",
        [status, error, *where],
    ).fetchone()
    assert row is not None
    tx.execute(
        "INSERT INTO webhook_attempt (program_id, endpoint, seq, n, number, at, status, error)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [*where, row[0], at, status, error],
    )
    return int(row[0])


def set_delivery(
    tx: psycopg.Connection, endpoint: Endpoint, seq: int, n: int, state: State,
    next_at: datetime | None,
) -> None:  # fmt: skip
    """How a delivery that still waits stands after an attempt; what is done stays done."""
    tx.execute(
        "UPDATE webhook_delivery SET state = %s, next_at = %s WHERE program_id = %s"
        " AND endpoint = %s AND seq = %s AND n = %s AND state = 'pending'",
        [state, next_at, endpoint.program_id, endpoint.id, seq, n],
    )


def send_again(
    tx: psycopg.Connection, endpoint: Endpoint, seq: int, n: int, now: datetime
) -> bool:
    """Let a delivery be tried now, however it stands; false if there is none."""
    row = tx.execute(
        "UPDATE webhook_delivery SET state = 'pending', next_at = %s"
        " WHERE program_id = %s AND endpoint = %s AND seq = %s AND n = %s RETURNING seq",
        [now, endpoint.program_id, endpoint.id, seq, n],
    ).fetchone()
    return row is not None


class Delivery(NamedTuple):
    """A message to an endpoint, and how far it came."""

    endpoint: str
    seq: int
    n: int
    type: str
    state: State
    attempts: int
    next_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime


_DELIVERY: LiteralString = """
    SELECT endpoint, seq, n, type, state, attempts, next_at, last_status, last_error, created_at
    FROM webhook_delivery
"""


def read_deliveries(
    tx: psycopg.Connection,
    program: Program,
    endpoint: str,
    state: str,
    before: tuple[int, int],
    most: int,
) -> list[Delivery]:
    """Deliveries to an endpoint, newest first, before a seq and number; of one state if any."""
    rows = tx.execute(
        f"{_DELIVERY} WHERE program_id = %s AND endpoint = %s AND (seq, n) < (%s, %s)"
        " AND (%s = '' OR state = %s) ORDER BY seq DESC, n DESC LIMIT %s",
        [program.id, endpoint, *before, state, state, most],
    )
    return [Delivery(*row) for row in rows]


def find_delivery(
    tx: psycopg.Connection, program: Program, endpoint: str, seq: int, n: int
) -> Delivery | None:
    """One delivery."""
    row = tx.execute(
        f"{_DELIVERY} WHERE program_id = %s AND endpoint = %s AND seq = %s AND n = %s",
        [program.id, endpoint, seq, n],
    ).fetchone()
    return None if row is None else Delivery(*row)


def read_attempts(
    tx: psycopg.Connection, program: Program, delivery: Delivery
) -> list[Attempt]:
    """Every attempt at a delivery, oldest first."""
    rows = tx.execute(
        "SELECT number, at, status, error FROM webhook_attempt"
        " WHERE program_id = %s AND endpoint = %s AND seq = %s AND n = %s ORDER BY number",
        [program.id, delivery.endpoint, delivery.seq, delivery.n],
    )
    return [Attempt(*row) for row in rows]
