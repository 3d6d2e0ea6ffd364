"""A journal summed up to an entry, as it is kept; and what sums are made of.

It is written some thousand entries at a time, off the road of orders. See `services/history`.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import psycopg

from springtide.storage.chain import decode
from springtide.storage.programs import Program

_KEY = """CASE WHEN {side} >= 'merchant:' AND {side} < 'merchant;' THEN {side}
               ELSE split_part({side}, ':', 1) END"""
_FLOWS = """
    SELECT kind, {debit}, {credit}, count(*), sum(amount)
    FROM transfer WHERE program_id = %s AND seq > %s AND seq <= %s GROUP BY 1, 2, 3
"""


class Kept(NamedTuple):
    """What is kept of a program: up to which entry, and the figures as JSON."""

    seq: int
    figures: str


def list_behind(tx: psycopg.Connection, entries: int) -> list[str]:
    """Programs of which at least so many entries are not summed up."""
    rows = tx.execute(
        "SELECT p.name FROM program p LEFT JOIN history h ON h.program_id = p.id"
        " WHERE p.seq - coalesce(h.seq, -1) >= %s ORDER BY p.id",
        [entries],
    )
    return [name for (name,) in rows]


def find_kept(tx: psycopg.Connection, program: Program) -> Kept | None:
    """What is kept of a program."""
    row = tx.execute(
        "SELECT seq, figures FROM history WHERE program_id = %s", [program.id]
    ).fetchone()
    return None if row is None else Kept(*row)


def lock_kept(tx: psycopg.Connection, program_id: int, empty: str) -> Kept:
    """The same, held until the transaction ends; `empty` are the figures of no entry."""
    tx.execute(
        "INSERT INTO history VALUES (%s, -1, %s) ON CONFLICT DO NOTHING", [program_id, empty]
    )
    row = tx.execute(
        "SELECT seq, figures FROM history WHERE program_id = %s FOR UPDATE", [program_id]
    ).fetchone()
    assert row is not None
    return Kept(*row)


def write_kept(tx: psycopg.Connection, program: Program, kept: Kept) -> None:
    """Move it on."""
    tx.execute(
        "UPDATE history SET seq = %s, figures = %s WHERE program_id = %s",
        [kept.seq, kept.figures, program.id],
    )


def know_full_ranges(tx: psycopg.Connection) -> None:
    """Let the index on transfers know of all that it can find entries by."""
    tx.execute("SELECT know_full_ranges()")


class Flow(NamedTuple):
    """Transfers of one kind between two accounts or kinds of accounts."""

    kind: str
    debit: str
    credit: str
    transfers: int
    amount: int
    """Of money and credit in micro, of points in the nano of each entry."""


def read_flows(
    tx: psycopg.Connection, program: Program, after: int, through: int
) -> list[Flow]:
    """What was moved after an entry up to another, summed up; merchants each by themselves."""
    query = _FLOWS.format(debit=_KEY.format(side="debit"), credit=_KEY.format(side="credit"))
    return [Flow(*row) for row in tx.execute(query, [program.id, after, through])]


def read_refunds(
    tx: psycopg.Connection, program: Program, after: int, through: int
) -> Iterator[tuple[str, int]]:
    """Who took back how much of an order, in micro, after an entry up to another."""
    rows = tx.execute(
        "SELECT e.event, r.amount FROM refund r"
        " JOIN entry e ON e.program_id = r.program_id AND e.id = r.order_id"
        " WHERE r.program_id = %s AND r.seq > %s AND r.seq <= %s",
        [program.id, after, through],
    )
    for event, amount in rows:
        yield str(decode(event)["member"]), amount


def count_members(tx: psycopg.Connection, program: Program) -> tuple[int, int]:
    """How many members there are, and orders of which something was refunded."""
    row = tx.execute(
        "SELECT (SELECT count(*) FROM member WHERE program_id = %(id)s),"
        " (SELECT count(DISTINCT order_id) FROM refund WHERE program_id = %(id)s)",
        {"id": program.id},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def add_balances(tx: psycopg.Connection, program: Program, changes: Mapping[str, int]) -> None:
    """Add what moved to the balances that are kept."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO history_balance AS b VALUES (%s, %s, %s)"
            " ON CONFLICT (program_id, account)"
            " DO UPDATE SET balance = b.balance + excluded.balance",
            [[program.id, account, change] for account, change in sorted(changes.items())],
        )


def read_balances(tx: psycopg.Connection, program: Program) -> dict[str, int]:
    """The balances that are kept."""
    rows = tx.execute(
        "SELECT account, balance FROM history_balance WHERE program_id = %s", [program.id]
    )
    return dict(rows.fetchall())


def read_kinds(tx: psycopg.Connection, program: Program) -> dict[str, int]:
    """The same by kind of account, so that merchants are one sum too."""
    rows = tx.execute(
        "SELECT split_part(account, ':', 1), sum(balance) FROM history_balance"
        " WHERE program_id = %s GROUP BY 1",
        [program.id],
    )
    return dict(rows.fetchall())


def read_merchants(
    tx: psycopg.Connection, program: Program, accounts: Collection[str]
) -> dict[str, int]:
    """The balances of merchants' accounts now, in micro."""
    kept = find_kept(tx, program)
    rows = tx.execute(
        """
        SELECT account, sum(change) FROM (
            SELECT account, balance AS change FROM history_balance
            WHERE program_id = %(id)s AND account = ANY(%(accounts)s)
            UNION ALL
            SELECT side.account, side.change
            FROM transfer, LATERAL (VALUES (credit, amount), (debit, -amount))
                               side (account, change)
            WHERE program_id = %(id)s AND seq > %(after)s AND side.account = ANY(%(accounts)s)
        ) moved GROUP BY account
        """,
        {
            "id": program.id, "accounts": list(accounts),
            "after": -1 if kept is None else kept.seq,
        },
    )  # fmt: skip
    return dict.fromkeys(accounts, 0) | dict(rows.fetchall())
