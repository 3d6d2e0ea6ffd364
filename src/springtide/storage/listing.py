"""Pages of what a program holds: entries, members, merchants, lots, commissions.

Every page is asked for with the key after which it starts and how many rows it may have.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

import psycopg

from springtide.storage.programs import Program


class EntryRow(NamedTuple):
    """An entry with the batch that posted it; event and receipt as JSON.

    `settled_receipt` is that of the settlement, if it was a payment that is settled.
    """

    seq: int
    id: str
    kind: str
    policy_version: int
    posted_at: datetime
    event: str
    receipt: str
    refunded: int
    """How much of it was taken back, in micro."""
    settled_receipt: str | None


ENTRY: LiteralString = """
    SELECT e.seq, e.id, e.kind, e.policy_version, b.posted_at, e.event, e.receipt,
           (SELECT coalesce(sum(r.amount), 0) FROM refund r
            WHERE r.program_id = e.program_id AND r.order_id = e.id) AS refunded,
           (SELECT s.receipt FROM settlement t
            JOIN entry s ON s.program_id = t.program_id AND s.seq = t.seq
            WHERE t.program_id = e.program_id AND t.order_id = e.id) AS settled_receipt
    FROM entry e JOIN LATERAL (
        SELECT posted_at FROM batch b
        WHERE b.program_id = e.program_id AND b.last_seq >= e.seq ORDER BY b.last_seq LIMIT 1
    ) b ON true
"""


def read_entries(
    tx: psycopg.Connection, program: Program, kinds: list[str], after: int, most: int
) -> list[EntryRow]:
    """Entries of some kinds in the order they were posted, from after a seq."""
    rows = tx.execute(
        f"{ENTRY} WHERE e.program_id = %s AND e.kind = ANY(%s) AND e.seq > %s"
        " ORDER BY e.seq LIMIT %s",
        [program.id, kinds, after, most],
    )
    return [EntryRow(*row) for row in rows]


def read_newest(
    tx: psycopg.Connection, program: Program, kinds: list[str], before: int | None, most: int
) -> list[EntryRow]:
    """Entries of some kinds, newest first, from before a seq."""
    rows = tx.execute(
        f"{ENTRY} WHERE e.program_id = %s AND e.kind = ANY(%s)"
        " AND (%s::bigint IS NULL OR e.seq < %s) ORDER BY e.seq DESC LIMIT %s",
        [program.id, kinds, before, before, most],
    )
    return [EntryRow(*row) for row in rows]


def read_entry(
    tx: psycopg.Connection, program: Program, kinds: list[str], id_: str
) -> EntryRow | None:
    """The entry of this id, if it is of one of these kinds."""
    row = tx.execute(
        f"{ENTRY} WHERE e.program_id = %s AND e.id = %s AND e.kind = ANY(%s)",
        [program.id, id_, kinds],
    ).fetchone()
    return None if row is None else EntryRow(*row)


def is_posted(tx: psycopg.Connection, program: Program, id_: str) -> bool:
    """Whether anything was posted under this id."""
    row = tx.execute(
        "SELECT FROM entry WHERE program_id = %s AND id = %s", [program.id, id_]
    ).fetchone()
    return row is not None


class MemberRow(NamedTuple):
    """A member with what the lots say; points in nano, money in micro."""

    id: str
    referrer: str | None
    lots: int
    points: int
    received: int


_MEMBER: LiteralString = """
    SELECT m.id, b.referrer, count(l.seq), coalesce(sum(l.points), 0), coalesce(sum(l.net), 0)
    FROM member m
    LEFT JOIN binding b ON b.program_id = m.program_id AND b.member = m.id
    LEFT JOIN lot l ON l.program_id = m.program_id AND l.member = m.id
"""


def read_members(
    tx: psycopg.Connection, program: Program, after: str, most: int
) -> list[MemberRow]:
    """Members by id, from after one.

    First the page, then what belongs to each: joined at once, the planner reads bindings and
    lots from the first member on.
    """
    rows = tx.execute(
        """
        SELECT m.id,
               (SELECT b.referrer FROM binding b
                WHERE b.program_id = m.program_id AND b.member = m.id),
               l.lots, l.points, l.net
        FROM (SELECT program_id, id FROM member
              WHERE program_id = %s AND id > %s ORDER BY id LIMIT %s) m,
        LATERAL (SELECT count(*) AS lots, coalesce(sum(points), 0) AS points,
                        coalesce(sum(net), 0) AS net
                 FROM lot WHERE lot.program_id = m.program_id AND lot.member = m.id) l
        ORDER BY m.id
        """,
        [program.id, after, most],
    )
    return [MemberRow(*row) for row in rows]


def read_member(tx: psycopg.Connection, program: Program, id_: str) -> MemberRow | None:
    """One member."""
    row = tx.execute(
        f"{_MEMBER} WHERE m.program_id = %s AND m.id = %s GROUP BY m.id, b.referrer",
        [program.id, id_],
    ).fetchone()
    return None if row is None else MemberRow(*row)


class LotRow(NamedTuple):
    """A lot; points in nano, money in micro."""

    seq: int
    id: str
    member: str
    points: int
    headroom: int
    net: int


def read_lots(
    tx: psycopg.Connection, program: Program, member: str, after: int, most: int
) -> list[LotRow]:
    """A member's lots, oldest first, from after a seq."""
    rows = tx.execute(
        "SELECT seq, id, member, points, headroom, net FROM lot"
        " WHERE program_id = %s AND member = %s AND seq > %s ORDER BY seq LIMIT %s",
        [program.id, member, after, most],
    )
    return [LotRow(*row) for row in rows]


def read_merchants(
    tx: psycopg.Connection, program: Program, after: str, most: int
) -> Sequence[str]:
    """Merchants by id, from after one; sales without a merchant have none."""
    rows = tx.execute(
        "SELECT id FROM merchant WHERE program_id = %s AND id > %s ORDER BY id LIMIT %s",
        [program.id, after, most],
    )
    return [id_ for (id_,) in rows]


def is_merchant(tx: psycopg.Connection, program: Program, id_: str) -> bool:
    """Whether a merchant of this id ever sold or took points."""
    row = tx.execute(
        "SELECT FROM merchant WHERE program_id = %s AND id = %s", [program.id, id_]
    ).fetchone()
    return row is not None


class PolicyRow(NamedTuple):
    """A version of a program's policy."""

    version: int
    created_at: datetime
    toml: str


def read_policies(tx: psycopg.Connection, program: Program) -> list[PolicyRow]:
    """All versions of a program's policy."""
    rows = tx.execute(
        "SELECT version, created_at, toml FROM policy WHERE program_id = %s ORDER BY version",
        [program.id],
    )
    return [PolicyRow(*row) for row in rows]
