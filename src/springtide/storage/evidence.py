"""Evidence for what a profile allows: only ever added to, and revoked by a row of its own."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class Document:
    """A licence or an opinion on file; the document itself is kept elsewhere."""

    id: int
    feature: str
    kind: str
    number: str
    issuer: str
    depth: int | None
    """Levels of awards that it permits, if it says."""
    valid_from: date
    expires_on: date
    file_hash: bytes
    """SHA-256 of the document."""
    recorded_by: str
    recorded_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


_SELECT = """
    SELECT e.id, e.feature, e.kind, e.number, e.issuer, e.depth, e.valid_from, e.expires_on,
           e.file_hash, e.recorded_by, e.recorded_at, r.revoked_by, r.revoked_at
    FROM evidence e LEFT JOIN evidence_revocation r
        ON r.program_id = e.program_id AND r.evidence_id = e.id
"""


def insert_evidence(
    tx: psycopg.Connection,
    program: Program,
    named: tuple[str, str, str, str],
    depth: int | None,
    days: tuple[date, date],
    file_hash: bytes,
    recorded: tuple[str, datetime],
) -> int:
    """A document: feature, kind, number and issuer; its days; who recorded it; gives its id."""
    row = tx.execute(
        "INSERT INTO evidence (program_id, feature, kind, number, issuer, depth, valid_from,"
        " expires_on, file_hash, recorded_by, recorded_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [program.id, *named, depth, *days, file_hash, *recorded],
    ).fetchone()
    assert row is not None
    return int(row[0])


def list_evidence(tx: psycopg.Connection, program: Program) -> list[Document]:
    """All documents of a program, oldest first, the revoked among them."""
    with tx.cursor(row_factory=class_row(Document)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE e.program_id = %s ORDER BY e.id", [program.id]
        ).fetchall()


def find_evidence(tx: psycopg.Connection, program: Program, id_: int) -> Document | None:
    """One document."""
    with tx.cursor(row_factory=class_row(Document)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE e.program_id = %s AND e.id = %s", [program.id, id_]
        ).fetchone()


def revoke_evidence(
    tx: psycopg.Connection, program: Program, id_: int, revoked_by: str, revoked_at: datetime
) -> None:
    """From now on the document does not count; a second time changes nothing."""
    tx.execute(
        "INSERT INTO evidence_revocation VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [program.id, id_, revoked_by, revoked_at],
    )
