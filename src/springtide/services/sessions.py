"""Sessions: who is logged in, until when. Source: docs/decisions/0011-staff.md.

A subject is written as an actor: `staff:NAME`, of the whole installation, or `member:ID`, of
a program. A token is shown once, when a session is opened, and kept by its hash alone.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from springtide.storage import programs, sessions
from springtide.storage.acts import INSTALLATION
from springtide.storage.database import Database, Transaction
from springtide.storage.sessions import Session

__all__ = [
    "MEMBER",
    "STAFF",
    "Life",
    "Session",
    "find_session",
    "list_sessions",
    "open_session",
    "open_session_in",
    "revoke_session",
    "revoke_subject",
    "rotate_session",
]

Random = Callable[[int], str]
"""Gives random hexadecimal digits for a number of bytes, as `secrets.token_hex`."""


@dataclass(frozen=True, slots=True)
class Life:
    """How long a session lasts unused, and how long at most."""

    idle: timedelta
    whole: timedelta


STAFF = Life(idle=timedelta(minutes=30), whole=timedelta(hours=12))
MEMBER = Life(idle=timedelta(days=14), whole=timedelta(days=90))

TOUCHED_EVERY = timedelta(minutes=1)
"""A session's use is noted at most so often: a page asks for many things at once."""


def open_session(
    database: Database,
    subject: str,
    program: str | None,
    life: Life,
    now: datetime,
    random_hex: Random,
) -> tuple[str, Session]:
    """Open a session for somebody who proved to be the subject; gives its token, and it.

    The program is None for staff.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.transaction() as tx:
        program_id = _program_id(tx, program)
        token, session = open_session_in(tx, program_id, subject, life, now, random_hex)
    return token, replace(session, program=program)


def open_session_in(
    tx: Transaction,
    program_id: int,
    subject: str,
    life: Life,
    now: datetime,
    random_hex: Random,
) -> tuple[str, Session]:
    """`open_session` as part of a transaction."""
    session = Session(
        program_id=program_id,
        program=None,
        id=f"ses_{random_hex(8)}",
        subject=subject,
        csrf=random_hex(16),
        created_at=now,
        last_used_at=now,
        idle_s=int(life.idle.total_seconds()),
        expires_at=now + life.whole,
    )
    return _keep(tx, session, random_hex), session


def find_session(database: Database, token: str, now: datetime) -> Session | None:
    """The session of a token, which is used by being found; None if it ended or never was."""
    digest = _digest(token)
    with database.snapshot() as tx:
        session = sessions.find_session(tx, digest, now)
    if session is None or now < session.last_used_at + TOUCHED_EVERY:
        return session
    with database.transaction() as tx:
        sessions.touch_session(tx, session, now)
    return replace(session, last_used_at=now)


def list_sessions(
    database: Database, subject: str, program: str | None, now: datetime
) -> list[Session]:
    """The sessions of somebody that have not ended, newest first.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return sessions.list_sessions(tx, _program_id(tx, program), subject, now)


def rotate_session(
    database: Database, session: Session, now: datetime, random_hex: Random
) -> tuple[str, Session] | None:
    """Another token for a session whose holder may do something else now; the old one ends.

    The new one lasts no longer than the old one would have. None if that ended meanwhile.
    """
    with database.transaction() as tx:
        old = session.program_id, session.subject, session.id
        if not sessions.revoke_session(tx, *old, now):
            return None
        new = replace(
            session,
            id=f"ses_{random_hex(8)}",
            csrf=random_hex(16),
            created_at=now,
            last_used_at=now,
        )
        return _keep(tx, new, random_hex), new


def revoke_session(
    database: Database, subject: str, program: str | None, id_: str, now: datetime
) -> bool:
    """End one session of somebody; false if there is none of this id that has not ended.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.transaction() as tx:
        return sessions.revoke_session(tx, _program_id(tx, program), subject, id_, now)


def revoke_subject(database: Database, subject: str, program: str | None, now: datetime) -> int:
    """End all sessions of somebody; gives how many were open.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.transaction() as tx:
        return sessions.revoke_sessions(tx, _program_id(tx, program), subject, now)


def _program_id(tx: Transaction, program: str | None) -> int:
    return INSTALLATION if program is None else programs.get_program(tx, program).id


def _keep(tx: Transaction, session: Session, random_hex: Random) -> str:
    token = f"ss_{random_hex(32)}"
    sessions.insert_session(tx, session, _digest(token))
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
