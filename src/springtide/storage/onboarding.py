"""Applications of merchants, invitations, and identities: what stands outside the journal."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """A merchant's application, and what became of it."""

    merchant: str
    name: str
    licence: str
    region: str
    settlement: str
    owner: str
    recruiter: str
    applied_at: datetime
    status: str
    reviewer: str | None
    reviewed_at: datetime | None
    reason: str | None


_APPLICATION = """
    SELECT merchant, name, licence, region, settlement, owner, recruiter, applied_at, status,
           reviewer, reviewed_at, reason
    FROM merchant_application WHERE program_id = %s
"""


def insert_application(
    tx: psycopg.Connection, program: Program, row: dict[str, str], now: datetime
) -> bool:
    """A new application; false if the merchant or the licence has one."""
    inserted = tx.execute(
        """
        INSERT INTO merchant_application (program_id, merchant, name, licence, region,
            settlement, owner, recruiter, applied_at)
        VALUES (%(program)s, %(merchant)s, %(name)s, %(licence)s, %(region)s, %(settlement)s,
            %(owner)s, %(recruiter)s, %(now)s)
        ON CONFLICT DO NOTHING RETURNING merchant
        """,
        {**row, "program": program.id, "now": now},
    ).fetchone()
    return inserted is not None


def find_application(
    tx: psycopg.Connection, program: Program, merchant: str
) -> ApplicationRow | None:
    """A merchant's application; held until the transaction ends."""
    with tx.cursor(row_factory=class_row(ApplicationRow)) as cursor:
        return cursor.execute(
            f"{_APPLICATION} AND merchant = %s", [program.id, merchant]
        ).fetchone()


def list_applications(
    tx: psycopg.Connection, program: Program, status: str, after: str, most: int
) -> list[ApplicationRow]:
    """Applications by merchant, of one status if one is given."""
    with tx.cursor(row_factory=class_row(ApplicationRow)) as cursor:
        return cursor.execute(
            f"{_APPLICATION} AND (%s::text = '' OR status = %s) AND merchant > %s"
            " ORDER BY merchant LIMIT %s",
            [program.id, status, status, after, most],
        ).fetchall()


def review_application(
    tx: psycopg.Connection,
    program: Program,
    merchant: str,
    status: str,
    reviewer: str,
    now: datetime,
    reason: str | None,
) -> None:
    """Let an application be in another status; the database refuses what cannot follow."""
    tx.execute(
        "UPDATE merchant_application SET status = %s, reviewer = %s, reviewed_at = %s,"
        " reason = %s WHERE program_id = %s AND merchant = %s",
        [status, reviewer, now, reason, program.id, merchant],
    )


def move_settlement(
    tx: psycopg.Connection, program: Program, merchant: str, settlement: str
) -> None:
    """Let a merchant's money be sent elsewhere."""
    tx.execute(
        "UPDATE merchant_application SET settlement = %s"
        " WHERE program_id = %s AND merchant = %s",
        [settlement, program.id, merchant],
    )


def find_secret(tx: psycopg.Connection, program: Program) -> tuple[int, bytes] | None:
    """The newest secret of a program, with its version."""
    row = tx.execute(
        "SELECT version, secret FROM program_secret WHERE program_id = %s"
        " ORDER BY version DESC LIMIT 1",
        [program.id],
    ).fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]))


def list_secrets(tx: psycopg.Connection, program: Program) -> dict[int, bytes]:
    """All secrets of a program by their versions."""
    rows = tx.execute(
        "SELECT version, secret FROM program_secret WHERE program_id = %s", [program.id]
    )
    return {int(version): bytes(secret) for version, secret in rows}


def insert_secret(
    tx: psycopg.Connection, program: Program, version: int, secret: bytes
) -> None:
    """A secret of a program; one of this version that is there stays."""
    tx.execute(
        "INSERT INTO program_secret VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [program.id, version, secret],
    )


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """Who invites, and where."""

    code: str
    member: str
    merchant: str
    created_at: datetime
    created_by: str


def insert_invitation(
    tx: psycopg.Connection,
    program: Program,
    code: str,
    who: tuple[str, str],
    now: datetime,
    actor: str,
) -> bool:
    """An invitation of a member or a store; false if it was made before."""
    row = tx.execute(
        "INSERT INTO invitation VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING code",
        [program.id, code, *who, now, actor],
    ).fetchone()
    return row is not None


def find_invitation(
    tx: psycopg.Connection, program: Program, code: str
) -> InvitationRow | None:
    """The invitation of a code."""
    with tx.cursor(row_factory=class_row(InvitationRow)) as cursor:
        return cursor.execute(
            "SELECT code, member, merchant, created_at, created_by FROM invitation"
            " WHERE program_id = %s AND code = %s",
            [program.id, code],
        ).fetchone()


def list_invitations(
    tx: psycopg.Connection, program: Program, after: str, most: int
) -> list[InvitationRow]:
    """Invitations by code, from after one."""
    with tx.cursor(row_factory=class_row(InvitationRow)) as cursor:
        return cursor.execute(
            "SELECT code, member, merchant, created_at, created_by FROM invitation"
            " WHERE program_id = %s AND code > %s ORDER BY code LIMIT %s",
            [program.id, after, most],
        ).fetchall()


def claim_identity(
    tx: psycopg.Connection, program: Program, kind: str, digest: bytes, member: str
) -> str:
    """Note whose a verified phone or identity is; gives whose it is now."""
    tx.execute(
        "INSERT INTO identity VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [program.id, kind, digest, member],
    )
    row = tx.execute(
        "SELECT member FROM identity WHERE program_id = %s AND kind = %s AND hash = %s",
        [program.id, kind, digest],
    ).fetchone()
    assert row is not None
    return str(row[0])
