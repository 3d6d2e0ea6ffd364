"""Phones of members, by the HMAC of their number, and the codes that were sent to them."""

from datetime import datetime
from typing import NamedTuple

import psycopg

from springtide.storage.programs import Program

KEY_VERSION = 1


def find_key(tx: psycopg.Connection, program: Program) -> bytes | None:
    """The key under which a program's numbers are hashed, once it has one."""
    row = tx.execute(
        "SELECT key FROM phone_key WHERE program_id = %s AND version = %s",
        [program.id, KEY_VERSION],
    ).fetchone()
    return None if row is None else bytes(row[0])


def insert_key(tx: psycopg.Connection, program: Program, key: bytes) -> None:
    """Give a program its key, unless somebody else just did."""
    tx.execute(
        "INSERT INTO phone_key (program_id, version, key) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [program.id, KEY_VERSION, key],
    )


def find_member(tx: psycopg.Connection, program: Program, phone: bytes) -> str | None:
    """The member with this number."""
    row = tx.execute(
        "SELECT member FROM phone WHERE program_id = %s AND hash = %s", [program.id, phone]
    ).fetchone()
    return None if row is None else str(row[0])


def insert_phone(
    tx: psycopg.Connection, program: Program, phone: bytes, member: str, now: datetime
) -> bool:
    """A number of a member; false if either is linked already."""
    row = tx.execute(
        "INSERT INTO phone (program_id, hash, member, linked_at) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING member",
        [program.id, phone, member, now],
    ).fetchone()
    return row is not None


class CodeRow(NamedTuple):
    """The last code that was sent to a number."""

    code_hash: bytes
    sent_at: datetime
    guesses: int
    used_at: datetime | None
    day_began: datetime
    sent: int


def lock_code(tx: psycopg.Connection, program: Program, phone: bytes) -> CodeRow | None:
    """The last code of a number, held until the transaction ends."""
    row = tx.execute(
        "SELECT code_hash, sent_at, guesses, used_at, day_began, sent FROM login_code"
        " WHERE program_id = %s AND phone_hash = %s FOR UPDATE",
        [program.id, phone],
    ).fetchone()
    return None if row is None else CodeRow(*row)


def write_code(tx: psycopg.Connection, program: Program, phone: bytes, row: CodeRow) -> None:
    """Let this be the last code of a number."""
    tx.execute(
        """
        INSERT INTO login_code (program_id, phone_hash, code_hash, sent_at, guesses, used_at,
                                day_began, sent)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (program_id, phone_hash) DO UPDATE
        SET code_hash = excluded.code_hash, sent_at = excluded.sent_at,
            guesses = excluded.guesses, used_at = excluded.used_at,
            day_began = excluded.day_began, sent = excluded.sent
        """,
        [program.id, phone, *row],
    )
