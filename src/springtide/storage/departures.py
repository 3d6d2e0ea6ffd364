"""Members who leave: what keeps them, and deleting what names them."""

from datetime import datetime
from typing import NamedTuple

import psycopg

from springtide.core.withdrawal import NEXT
from springtide.storage.programs import Program


def list_open(tx: psycopg.Connection, program: Program, member: str) -> list[tuple[str, str]]:
    """What of a member's money is on its way: `withdrawal` or `cash_out`, each with its id."""
    return tx.execute(
        """
        SELECT 'withdrawal', id FROM withdrawal
        WHERE program_id = %(program)s AND member = %(member)s AND state = ANY(%(open)s)
        UNION ALL
        SELECT 'cash_out', id FROM cash_out_request
        WHERE program_id = %(program)s AND member = %(member)s AND state = 'waiting'
        """,
        {"program": program.id, "member": member, "open": list(NEXT)},
    ).fetchall()


def insert_departure(
    tx: psycopg.Connection, program: Program, member: str, now: datetime
) -> bool:
    """Note that a member leaves; false if they left before."""
    row = tx.execute(
        "INSERT INTO departure VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING member",
        [program.id, member, now],
    ).fetchone()
    return row is not None


class Deleted(NamedTuple):
    """How many rows that named a member are gone, and how many sessions ended."""

    phones: int
    identities: int
    invitations: int
    sessions: int


def delete_traces(
    tx: psycopg.Connection, program: Program, member: str, now: datetime
) -> Deleted:
    """Delete what names a member who left, and end their sessions and codes.

    The codes of a log-in go first: whoever is just logging in holds theirs until the session
    is there, and it is ended with the others.
    """
    who = [program.id, member]
    tx.execute(
        "DELETE FROM login_code c USING phone p WHERE p.program_id = %s AND p.member = %s"
        " AND c.program_id = p.program_id AND c.phone_hash = p.hash",
        who,
    )
    phones = tx.execute("DELETE FROM phone WHERE program_id = %s AND member = %s", who)
    identities = tx.execute("DELETE FROM identity WHERE program_id = %s AND member = %s", who)
    invitations = tx.execute(
        "DELETE FROM invitation WHERE program_id = %s AND member = %s AND merchant = ''", who
    )
    tx.execute(
        "UPDATE redemption_code SET closed_at = %s"
        " WHERE program_id = %s AND member = %s AND closed_at IS NULL",
        [now, *who],
    )
    ended = tx.execute(
        "UPDATE session SET revoked_at = %s"
        " WHERE program_id = %s AND subject = %s AND revoked_at IS NULL",
        [now, program.id, f"member:{member}"],
    )
    return Deleted(phones.rowcount, identities.rowcount, invitations.rowcount, ended.rowcount)
