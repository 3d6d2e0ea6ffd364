"""Keys of the HTTP API: stored by their hash, found by it, revoked but never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    program_id: int
    program: str
    id: str
    mode: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


_SELECT = """
    SELECT k.program_id, p.name AS program, k.id, k.mode, k.scopes, k.created_at, k.revoked_at
    FROM api_key k JOIN program p ON p.id = k.program_id
"""


def insert_key(
    tx: psycopg.Connection, program: Program, id_: str, mode: str, scopes: Sequence[str],
    digest: bytes,
) -> None:  # fmt: skip
    """A new key of a program."""
    tx.execute(
        "INSERT INTO api_key (program_id, id, mode, scopes, hash) VALUES (%s, %s, %s, %s, %s)",
        [program.id, id_, mode, list(scopes), digest],
    )


def find_key(tx: psycopg.Connection, digest: bytes) -> ApiKey | None:
    """The key with this hash, unless it was revoked."""
    with tx.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE k.hash = %s AND k.revoked_at IS NULL", [digest]
        ).fetchone()


def list_keys(tx: psycopg.Connection, program: Program) -> list[ApiKey]:
    """All keys of a program, oldest first."""
    with tx.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE k.program_id = %s ORDER BY k.created_at, k.id", [program.id]
        ).fetchall()


def revoke_key(tx: psycopg.Connection, program: Program, id_: str) -> bool | None:
    """Revoke a key; false if it was before, None if the program has none of this id."""
    row = tx.execute(
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, now())"
        " WHERE program_id = %s AND id = %s RETURNING revoked_at = now()",
        [program.id, id_],
    ).fetchone()
    return None if row is None else bool(row[0])
