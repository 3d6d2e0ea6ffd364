"""Sessions: stored by the hash of their token, found by it, ended but never begun again."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Session:
    """A session, without its token."""

    program_id: int
    program: str | None
    """Of a member; staff belong to the installation."""
    id: str
    subject: str
    """Who it is, as an actor is written: `staff:NAME` or `member:ID`."""
    csrf: str
    """What a form or a script of our own pages sends along, to show that it is one."""
    created_at: datetime
    last_used_at: datetime
    idle_s: int
    expires_at: datetime


_SELECT = """
    SELECT s.program_id, p.name AS program, s.id, s.subject, s.csrf, s.created_at,
           s.last_used_at, s.idle_s, s.expires_at
    FROM session s LEFT JOIN program p ON p.id = s.program_id
"""

_LIVES = """
    s.revoked_at IS NULL AND %(now)s < s.expires_at
    AND %(now)s < s.last_used_at + make_interval(secs => s.idle_s)
"""


def insert_session(tx: psycopg.Connection, session: Session, digest: bytes) -> None:
    """A new session, found by its token's hash from now on."""
    tx.execute(
        "INSERT INTO session (program_id, id, hash, subject, csrf, created_at, last_used_at,"
        " idle_s, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [session.program_id, session.id, digest, session.subject, session.csrf,
         session.created_at, session.last_used_at, session.idle_s, session.expires_at],
    )  # fmt: skip


def find_session(tx: psycopg.Connection, digest: bytes, now: datetime) -> Session | None:
    """The session with this hash, unless it ended."""
    with tx.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE s.hash = %(hash)s AND {_LIVES}", {"hash": digest, "now": now}
        ).fetchone()


def list_sessions(
    tx: psycopg.Connection, program_id: int, subject: str, now: datetime
) -> list[Session]:
    """The sessions of somebody that have not ended, newest first."""
    with tx.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE s.program_id = %(program)s AND s.subject = %(subject)s"
            f" AND {_LIVES} ORDER BY s.created_at DESC, s.id",
            {"program": program_id, "subject": subject, "now": now},
        ).fetchall()


def touch_session(tx: psycopg.Connection, session: Session, now: datetime) -> None:
    """Note that a session was used; it never seems to have been used earlier than it was."""
    tx.execute(
        "UPDATE session SET last_used_at = greatest(last_used_at, %s)"
        " WHERE program_id = %s AND id = %s",
        [now, session.program_id, session.id],
    )


def revoke_session(
    tx: psycopg.Connection, program_id: int, subject: str, id_: str, now: datetime
) -> bool:
    """End one session of somebody; false if there is none that has not been ended."""
    row = tx.execute(
        "UPDATE session SET revoked_at = %s"
        " WHERE program_id = %s AND subject = %s AND id = %s AND revoked_at IS NULL"
        " RETURNING id",
        [now, program_id, subject, id_],
    ).fetchone()
    return row is not None


def revoke_sessions(
    tx: psycopg.Connection, program_id: int, subject: str, now: datetime
) -> int:
    """End all sessions of somebody; gives how many were."""
    return tx.execute(
        "UPDATE session SET revoked_at = %s"
        " WHERE program_id = %s AND subject = %s AND revoked_at IS NULL",
        [now, program_id, subject],
    ).rowcount
