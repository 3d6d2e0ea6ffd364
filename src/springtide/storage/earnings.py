"""What members earned by whom: rows of commissions with all that became of them since."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import psycopg

from springtide.core.event_fields import Json
from springtide.storage.chain import decode
from springtide.storage.programs import Program


class EarnedRow(NamedTuple):
    """A commission: the entry that paid it, and what was refunded of its order since."""

    seq: int
    line: int
    kind: str
    member: str
    amount: int
    order: str
    policy_version: int
    """That of the order."""
    posted_at: datetime
    receipt: str
    refunds: list[int]
    """Amounts that were taken back of the order after this entry, in micro."""


_EARNED = """
    SELECT c.seq, c.line, c.kind, c.member, c.amount, coalesce(s.order_id, e.id),
           coalesce(o.policy_version, e.policy_version), b.posted_at, e.receipt,
           ARRAY(SELECT r.amount FROM refund r WHERE r.program_id = e.program_id
                 AND r.order_id = coalesce(s.order_id, e.id) AND r.seq > e.seq ORDER BY r.seq)
    FROM commission c JOIN entry e USING (program_id, seq)
    LEFT JOIN settlement s USING (program_id, seq)
    LEFT JOIN entry o ON o.program_id = s.program_id AND o.id = s.order_id
    JOIN LATERAL (
        SELECT posted_at FROM batch b
        WHERE b.program_id = e.program_id AND b.last_seq >= e.seq ORDER BY b.number LIMIT 1
    ) b ON true
    WHERE c.program_id = %s
"""


def read_earned(
    tx: psycopg.Connection, program: Program, member: str, after: tuple[int, int], most: int
) -> list[EarnedRow]:
    """A member's commissions, or everybody's, in the order they were posted."""
    rows = tx.execute(
        f"{_EARNED} AND (%s::text = '' OR c.member = %s) AND (c.seq, c.line) > (%s, %s)"
        " ORDER BY c.seq, c.line LIMIT %s",
        [program.id, member, member, *after, most],
    )
    return [EarnedRow(*row) for row in rows]


def read_newest(
    tx: psycopg.Connection,
    program: Program,
    member: str,
    before: tuple[int, int] | None,
    most: int,
) -> list[EarnedRow]:
    """A member's commissions, newest first, from before one."""
    rows = tx.execute(
        f"{_EARNED} AND c.member = %s AND (%s::bigint IS NULL OR (c.seq, c.line) < (%s, %s))"
        " ORDER BY c.seq DESC, c.line DESC LIMIT %s",
        [program.id, member, before and before[0], *(before or (None, None)), most],
    )
    return [EarnedRow(*row) for row in rows]


def read_earned_at(
    tx: psycopg.Connection, program: Program, seq: int, member: str
) -> list[EarnedRow]:
    """What a member, or everybody, earned by one entry."""
    rows = tx.execute(
        f"{_EARNED} AND c.seq = %s AND (%s::text = '' OR c.member = %s) ORDER BY c.line",
        [program.id, seq, member, member],
    )
    return [EarnedRow(*row) for row in rows]


def last_seq_until(tx: psycopg.Connection, program: Program, until: datetime) -> int:
    """The last entry posted until an instant; 0 if there is none but the opening."""
    row = tx.execute(
        "SELECT coalesce(max(last_seq), 0) FROM batch"
        " WHERE program_id = %s AND posted_at <= %s",
        [program.id, until],
    ).fetchone()
    assert row is not None
    return int(row[0])


class OrderEntry(NamedTuple):
    """The entry that settled an order, with the event and the receipt of the order itself."""

    seq: int
    event: Json
    ordered: Json
    """The receipt of the order: of its payment, if it was paid first."""
    settling: Json
    """The event that settled it: its own, unless it was paid first."""
    receipt: Json
    policy_version: int
    """That of the order, which its settlement follows too."""


def find_order(tx: psycopg.Connection, program: Program, order: str) -> OrderEntry | None:
    """How an order was settled; None if it is not there or not settled."""
    row = tx.execute(
        """
        SELECT p.seq, e.event, e.receipt, p.event, p.receipt, e.policy_version
        FROM entry e LEFT JOIN settlement s ON s.program_id = e.program_id AND s.order_id = e.id
        JOIN entry p ON p.program_id = e.program_id AND p.seq = coalesce(s.seq, e.seq)
        WHERE e.program_id = %s AND e.id = %s
          AND (e.kind = 'purchase' OR (e.kind = 'pay' AND s.seq IS NOT NULL))
        """,
        [program.id, order],
    ).fetchone()
    if row is None:
        return None
    seq, event, ordered, settling, receipt, version = row
    told = decode(event), decode(ordered), decode(settling), decode(receipt)
    return OrderEntry(seq, *told, version)


def read_registry(
    tx: psycopg.Connection, program: Program, before: int
) -> Iterator[tuple[int, Json]]:
    """What events said of merchants, agents and levels before an entry.

    Each comes with the policy's version of its time.
    """
    rows = tx.execute(
        "SELECT policy_version, event FROM entry WHERE program_id = %s AND seq < %s"
        " AND kind IN ('merchant_terms', 'appoint', 'dismiss', 'level', 'day') ORDER BY seq",
        [program.id, before],
    )
    for version, event in rows:
        yield version, decode(event)


def find_referrer(
    tx: psycopg.Connection, program: Program, member: str, at_seq: int
) -> tuple[str, str] | None:
    """Whom a member was bound to when an entry was posted, and since which day, if known.

    A binding that came with the entry itself counts.
    """
    row = tx.execute(
        """
        SELECT referrer, coalesce(bound_on::text, '') FROM (
            SELECT referrer, bound_on, seq FROM rebinding
            WHERE program_id = %(program)s AND member = %(member)s AND seq < %(seq)s
            UNION ALL
            SELECT referrer, bound_on, seq FROM binding
            WHERE program_id = %(program)s AND member = %(member)s AND seq <= %(seq)s
        ) bound ORDER BY seq DESC LIMIT 1
        """,
        {"program": program.id, "member": member, "seq": at_seq},
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def read_team(
    tx: psycopg.Connection, program: Program, member: str, depth: int
) -> dict[int, int]:
    """How many are bound below a member, by steps; never who."""
    rows = tx.execute(
        """
        WITH RECURSIVE below (id, step) AS (
            SELECT b.member, 1 FROM bound b
            WHERE b.program_id = %(program)s AND b.referrer = %(member)s
            UNION ALL
            SELECT b.member, w.step + 1 FROM below w
            JOIN bound b ON b.program_id = %(program)s AND b.referrer = w.id
            WHERE w.step < %(depth)s
        ) SELECT step, count(*) FROM below GROUP BY step ORDER BY step
        """,
        {"program": program.id, "member": member, "depth": depth},
    )
    return {int(step): int(count) for step, count in rows}


def read_earned_sums(
    tx: psycopg.Connection, program: Program, member: str
) -> dict[str, tuple[int, int]]:
    """How often a member earned by each kind, and how much in all, before refunds."""
    rows = tx.execute(
        "SELECT kind, count(*), sum(amount) FROM commission"
        " WHERE program_id = %s AND member = %s GROUP BY kind ORDER BY kind",
        [program.id, member],
    )
    return {kind: (int(count), int(amount)) for kind, count, amount in rows}


def read_dues(tx: psycopg.Connection, program: Program) -> list[tuple[str, int]]:
    """What is due to every earner on statement, in micro, by member."""
    rows = tx.execute(
        """
        SELECT substr(account, 16), sum(credit - debit) FROM posting
        WHERE program_id = %s AND account >= 'commission-due:' AND account < 'commission-due;'
        GROUP BY account ORDER BY 1
        """,
        [program.id],
    )
    return [(member, int(due)) for member, due in rows]
