"""Codes by which members let a merchant redeem their points; kept by their hash."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class RedemptionCode:
    """A code, without the code itself; points in nano."""

    id: str
    member: str
    points: int
    """The most it redeems, in the units of `split_factor`."""
    split_factor: int
    made_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    """When the member made another one."""


_SELECT = """
    SELECT id, member, points, split_factor, made_at, expires_at, closed_at
    FROM redemption_code
"""


def insert_code(
    tx: psycopg.Connection,
    program: Program,
    id_: str,
    member: str,
    points: int,
    digest: bytes,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """A new code in place of the member's last; false if the program has one of this id.

    The program's row must be locked: two new codes of one member wait for each other there.
    """
    known = tx.execute(
        "SELECT FROM redemption_code WHERE program_id = %s AND id = %s", [program.id, id_]
    ).fetchone()
    if known is not None:
        return False
    tx.execute(
        "UPDATE redemption_code SET closed_at = %s"
        " WHERE program_id = %s AND member = %s AND closed_at IS NULL",
        [now, program.id, member],
    )
    tx.execute(
        """
        INSERT INTO redemption_code
            (program_id, id, member, points, split_factor, hash, made_at, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [program.id, id_, member, points, program.split_factor, digest, now, expires_at],
    )
    return True


def find_code(tx: psycopg.Connection, program: Program, id_: str) -> RedemptionCode | None:
    """The code of this id."""
    with tx.cursor(row_factory=class_row(RedemptionCode)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND id = %s", [program.id, id_]
        ).fetchone()


def find_code_by_hash(
    tx: psycopg.Connection, program: Program, digest: bytes
) -> RedemptionCode | None:
    """The code with this hash."""
    with tx.cursor(row_factory=class_row(RedemptionCode)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND hash = %s", [program.id, digest]
        ).fetchone()
