"""Deliveries to webhooks: made of entries, claimed by a server, and every attempt at one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, LiteralString, NamedTuple

import psycopg

from springtide.storage.programs import Program
from springtide.storage.webhooks import Endpoint

State = Literal["pending", "delivered", "failed", "dropped"]


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
        WHERE b.program_id = e.program_id AND b.last_seq >= e.seq ORDER BY b.last_seq LIMIT 1
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


class Sent(NamedTuple):
    """What came of sending a delivery: a status of HTTP, or why there is none."""

    seq: int
    n: int
    at: datetime
    status: int | None
    error: str | None

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def append_attempts(
    tx: psycopg.Connection, endpoint: Endpoint, sent: Sequence[Sent]
) -> dict[tuple[int, int], int]:
    """Log an attempt at each; gives how many there were, by seq and number."""
    seqs, ns, ats, statuses, errors = zip(*sent, strict=True)
    rows = tx.execute(
        """
        UPDATE webhook_delivery d
        SET attempts = attempts + 1, last_status = s.status, last_error = s.error
        FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::text[]) s(seq, n, status, error)
        WHERE d.program_id = %s AND d.endpoint = %s AND d.seq = s.seq AND d.n = s.n
        RETURNING d.seq, d.n, d.attempts
        """,
        [*map(list, (seqs, ns, statuses, errors)), endpoint.program_id, endpoint.id],
    ).fetchall()
    numbers = {(seq, n): number for seq, n, number in rows}
    in_order = [numbers[at] for at in zip(seqs, ns, strict=True)]
    tx.execute(
        """
        INSERT INTO webhook_attempt (program_id, endpoint, seq, n, number, at, status, error)
        SELECT %s, %s, s.* FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::timestamptz[],
                                       %s::int[], %s::text[]) s
        """,
        [endpoint.program_id, endpoint.id,
         *map(list, (seqs, ns, in_order, ats, statuses, errors))],
    )  # fmt: skip
    return numbers


class Standing(NamedTuple):
    """How a delivery stands after an attempt."""

    seq: int
    n: int
    state: State
    next_at: datetime | None


def set_deliveries(
    tx: psycopg.Connection, endpoint: Endpoint, standings: Sequence[Standing]
) -> None:
    """How deliveries that still wait stand now; what is done stays done."""
    tx.execute(
        """
        UPDATE webhook_delivery d SET state = s.state, next_at = s.next_at
        FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::timestamptz[])
             s(seq, n, state, next_at)
        WHERE d.program_id = %s AND d.endpoint = %s AND d.seq = s.seq AND d.n = s.n
          AND d.state = 'pending'
        """,
        [*map(list, zip(*standings, strict=True)), endpoint.program_id, endpoint.id],
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
