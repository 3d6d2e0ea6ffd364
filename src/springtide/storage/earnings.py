"""What members earned by whom: rows of commissions with all that became of them since."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from springtide.core.commission import KINDS
from springtide.core.event_fields import Json
from springtide.core.journal import due_account, wallet_account
from springtide.storage import movements
from springtide.storage.chain import decode
from springtide.storage.programs import Program

LAST_LINE = 2**15 - 1
"""No line of an entry is higher."""


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


_OF_ALL = "commission"
_OF_ONE = """(
    SELECT program_id, seq, line, kind, %(member)s AS member, change AS amount
    FROM movement WHERE program_id = %(id)s AND account = %(wallet)s AND kind = ANY(%(kinds)s)
    UNION ALL
    SELECT program_id, seq, line, kind, %(member)s, amount FROM transfer
    WHERE program_id = %(id)s AND seq > %(mark)s AND credit = %(wallet)s
      AND kind = ANY(%(kinds)s)
    UNION ALL
    SELECT program_id, seq, line, kind, %(member)s, amount FROM transfer
    WHERE program_id = %(id)s AND credit = %(due)s AND kind = ANY(%(kinds)s)
      AND credit >= 'commission-due:' AND credit < 'commission-due;'
)"""
"""The view's rows of one member, found by the account."""

_EARNED = """
    SELECT c.seq, c.line, c.kind, c.member, c.amount, coalesce(s.order_id, e.id),
           coalesce(o.policy_version, e.policy_version), b.posted_at, e.receipt,
           ARRAY(SELECT r.amount FROM refund r WHERE r.program_id = e.program_id
                 AND r.order_id = coalesce(s.order_id, e.id) AND r.seq > e.seq ORDER BY r.seq)
    FROM {commission} c JOIN entry e USING (program_id, seq)
    LEFT JOIN settlement s USING (program_id, seq)
    LEFT JOIN entry o ON o.program_id = s.program_id AND o.id = s.order_id
    JOIN LATERAL (
        SELECT posted_at FROM batch b
        WHERE b.program_id = e.program_id AND b.last_seq >= e.seq ORDER BY b.last_seq LIMIT 1
    ) b ON true
    WHERE c.program_id = %(id)s
"""
_COMMISSIONS = """
    SELECT c.seq, c.line, c.kind, c.member, c.amount, coalesce(s.order_id, e.id)
    FROM {commission} c JOIN entry e USING (program_id, seq)
    LEFT JOIN settlement s USING (program_id, seq)
    WHERE c.program_id = %(id)s
"""
_SUMS = "SELECT kind, count(*), sum(amount) FROM {commission} c GROUP BY kind ORDER BY kind"
_AFTER = """(
    SELECT * FROM {commission} c
    WHERE c.program_id = %(id)s AND (c.seq, c.line) > (%(seq)s, %(line)s)
      AND c.seq >= %(seq)s AND c.seq <= %(through)s
    ORDER BY c.seq, c.line LIMIT %(most)s
)"""
_BEFORE = """(
    SELECT * FROM {commission} c WHERE (c.seq, c.line) < (%(seq)s, %(line)s)
    ORDER BY c.seq DESC, c.line DESC LIMIT %(most)s
)"""
"""The rows that are asked for are found first, and then what belongs to each."""


def _asked(tx: psycopg.Connection, program: Program, member: str) -> dict[str, Any]:
    return {
        "id": program.id, "member": member, "wallet": wallet_account(member),
        "due": due_account(member), "kinds": list(KINDS),
        "mark": movements.read_mark(tx, program),
    }  # fmt: skip


def _read_after(
    tx: psycopg.Connection,
    program: Program,
    query: str,
    member: str,
    after: tuple[int, int],
    most: int,
) -> list[tuple[Any, ...]]:
    """Rows of a member in the order they were posted, or of everybody.

    Everybody's are looked for among some entries, and among more while there are too few:
    transfers are found by their entries alone.
    """
    asked = _asked(tx, program, member) | {"seq": after[0], "line": after[1]}
    found = _AFTER.format(commission=_OF_ONE if member else _OF_ALL)
    query = query.format(commission=found) + " ORDER BY c.seq, c.line"
    width = program.seq + 1 if member else most
    through, rows = after[0] - 1, list[tuple[Any, ...]]()
    while len(rows) < most and through < program.seq:
        through, width = through + width, 4 * width
        asked |= {"through": through, "most": most - len(rows)}
        rows += tx.execute(query, asked).fetchall()
        asked |= {"seq": through, "line": LAST_LINE}
    return rows


def read_earned(
    tx: psycopg.Connection, program: Program, member: str, after: tuple[int, int], most: int
) -> list[EarnedRow]:
    """A member's commissions, or everybody's, in the order they were posted."""
    return [EarnedRow(*row) for row in _read_after(tx, program, _EARNED, member, after, most)]


def read_newest(
    tx: psycopg.Connection,
    program: Program,
    member: str,
    before: tuple[int, int] | None,
    most: int,
) -> list[EarnedRow]:
    """A member's commissions, newest first, from before one."""
    seq, line = before or (program.seq + 1, 0)
    rows = tx.execute(
        _EARNED.format(commission=_BEFORE.format(commission=_OF_ONE))
        + " ORDER BY c.seq DESC, c.line DESC",
        _asked(tx, program, member) | {"seq": seq, "line": line, "most": most},
    )
    return [EarnedRow(*row) for row in rows]


class CommissionRow(NamedTuple):
    """A commission; the order is what it was earned by."""

    seq: int
    line: int
    kind: str
    member: str
    amount: int
    order: str


def read_commissions(
    tx: psycopg.Connection, program: Program, member: str, after: tuple[int, int], most: int
) -> list[CommissionRow]:
    """Commissions in the order they were posted, of one member if one is given."""
    rows = _read_after(tx, program, _COMMISSIONS, member, after, most)
    return [CommissionRow(*row) for row in rows]


def read_earned_at(
    tx: psycopg.Connection, program: Program, seq: int, member: str
) -> list[EarnedRow]:
    """What a member, or everybody, earned by one entry."""
    rows = tx.execute(
        _EARNED.format(commission=_OF_ALL) + "AND c.seq = %(seq)s"
        " AND (%(member)s::text = '' OR c.member = %(member)s) ORDER BY c.line",
        {"id": program.id, "seq": seq, "member": member},
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
            SELECT %(member)s::text COLLATE "C", 0
            UNION ALL
            SELECT found.member, w.step + 1 FROM below w
            CROSS JOIN LATERAL (
                SELECT member FROM binding
                WHERE program_id = %(program)s AND referrer = w.id
                UNION
                SELECT member FROM rebinding
                WHERE program_id = %(program)s AND referrer = w.id
            ) found
            JOIN LATERAL (SELECT referrer FROM bound
                          WHERE program_id = %(program)s AND member = found.member) b
              ON b.referrer = w.id
            WHERE w.step < %(depth)s
        ) SELECT step, count(*) FROM below WHERE step > 0 GROUP BY step ORDER BY step
        """,
        {"program": program.id, "member": member, "depth": depth},
    )
    return {int(step): int(count) for step, count in rows}


def read_earned_sums(
    tx: psycopg.Connection, program: Program, member: str
) -> dict[str, tuple[int, int]]:
    """How often a member earned by each kind, and how much in all, before refunds."""
    rows = tx.execute(
        _SUMS.format(commission=_OF_ONE),
        _asked(tx, program, member),
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
