"""Drafts of policies: what they say never changes, and the database holds their way."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program, lock_program


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft of the next version of a policy, and what was decided on it."""

    number: int
    base_version: int
    """The version in effect when it was made."""
    toml: str
    state: str
    """draft, submitted, scheduled, in_effect, rejected or withdrawn."""
    made_by: str
    made_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    effective_at: datetime | None
    """When it comes, or came, into effect at the earliest."""
    closed_by: str | None
    closed_at: datetime | None
    """When it came into effect, was rejected or withdrawn."""
    reason: str


_SELECT = """
    SELECT number, base_version, toml, state, made_by, made_at, approved_by, approved_at,
           effective_at, closed_by, closed_at, reason FROM policy_draft
"""


def insert_draft(
    tx: psycopg.Connection, program: Program, toml: str, made_by: str, made_at: datetime
) -> int:
    """A new draft against the version in effect; gives its number. The program is locked."""
    row = tx.execute(
        """
        INSERT INTO policy_draft (program_id, number, base_version, toml, made_by, made_at)
        SELECT %(id)s, coalesce(max(number), 0) + 1, %(version)s, %(toml)s, %(by)s, %(at)s
        FROM policy_draft WHERE program_id = %(id)s RETURNING number
        """,
        {
            "id": program.id, "version": program.policy_version, "toml": toml,
            "by": made_by, "at": made_at,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def list_drafts(tx: psycopg.Connection, program: Program) -> list[Draft]:
    """All drafts, oldest first."""
    with tx.cursor(row_factory=class_row(Draft)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s ORDER BY number", [program.id]
        ).fetchall()


def list_for_approval(tx: psycopg.Connection, program: Program, actor: str) -> list[int]:
    """Numbers of the drafts that somebody may approve: submitted, and made by others.

    None is, while another waits for its day, or if it was made against an older version.
    """
    if find_scheduled(tx, program) is not None:
        return []
    rows = tx.execute(
        "SELECT number FROM policy_draft WHERE program_id = %s AND state = 'submitted'"
        " AND base_version = %s AND made_by <> %s ORDER BY number",
        [program.id, program.policy_version, actor],
    )
    return [number for (number,) in rows]


def find_draft(tx: psycopg.Connection, program: Program, number: int) -> Draft | None:
    """One draft."""
    with tx.cursor(row_factory=class_row(Draft)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND number = %s", [program.id, number]
        ).fetchone()


def find_scheduled(tx: psycopg.Connection, program: Program) -> Draft | None:
    """The approved draft that waits for its day; there is at most one."""
    with tx.cursor(row_factory=class_row(Draft)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND state = 'scheduled'", [program.id]
        ).fetchone()


def programs_due(tx: psycopg.Connection, now: datetime) -> list[str]:
    """Programs with an approved draft whose day has come."""
    rows = tx.execute(
        "SELECT p.name FROM policy_draft d JOIN program p ON p.id = d.program_id"
        " WHERE d.state = 'scheduled' AND d.effective_at <= %s ORDER BY p.id",
        [now],
    )
    return [name for (name,) in rows]


def submit_draft(tx: psycopg.Connection, program: Program, number: int) -> None:
    """A draft waits for somebody else's approval."""
    tx.execute(
        "UPDATE policy_draft SET state = 'submitted' WHERE program_id = %s AND number = %s",
        [program.id, number],
    )


def schedule_draft(
    tx: psycopg.Connection,
    program: Program,
    number: int,
    approved_by: str,
    approved_at: datetime,
    effective_at: datetime,
) -> None:
    """A draft is approved, and waits for its day."""
    tx.execute(
        "UPDATE policy_draft SET state = 'scheduled', approved_by = %s, approved_at = %s,"
        " effective_at = %s WHERE program_id = %s AND number = %s",
        [approved_by, approved_at, effective_at, program.id, number],
    )


def close_draft(
    tx: psycopg.Connection,
    program: Program,
    number: int,
    state: str,
    closed_by: str,
    closed_at: datetime,
    reason: str = "",
) -> None:
    """A draft is in effect, rejected or withdrawn."""
    tx.execute(
        "UPDATE policy_draft SET state = %s, closed_by = %s, closed_at = %s, reason = %s"
        " WHERE program_id = %s AND number = %s",
        [state, closed_by, closed_at, reason, program.id, number],
    )


def enact_draft(
    tx: psycopg.Connection,
    program: Program,
    draft: Draft,
    notice_days: int,
    now: datetime,
) -> Program:
    """The text of a scheduled draft is the program's next version from now on.

    The database checks each step against the one before: the version is a scheduled draft's
    text, the draft's day has come, and the program goes to no other version.
    """
    version = program.policy_version + 1
    tx.execute(
        "INSERT INTO policy (program_id, version, toml, notice_days) VALUES (%s, %s, %s, %s)",
        [program.id, version, draft.toml, notice_days],
    )
    close_draft(tx, program, draft.number, "in_effect", "system", now)
    tx.execute("UPDATE program SET policy_version = %s WHERE id = %s", [version, program.id])
    return lock_program(tx, program.id)
