"""The log of acts: who did what to what, with before and after; only ever added to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

INSTALLATION = 0
"""Stands for a program's id where an act concerns all of them."""

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Act:
    """One act; `before` and `after` are what it changed, None where there was nothing."""

    id: int
    at: datetime
    actor: str
    """`staff:NAME`, `key:ID`, `member:ID`, `cli` or `system`."""
    what: str
    """Noun and verb, as `key.revoke`."""
    subject: str
    before: Facts | None
    after: Facts | None


def append_act(
    tx: psycopg.Connection,
    program_id: int,
    at: datetime | None,
    actor: str,
    what: str,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Log an act, in the transaction that does it: neither is there without the other.

    `at` is None where the rows that the act is about are dated by the database's clock too.
    Facts hold no secrets: keys and passwords are named, never shown.
    """
    tx.execute(
        "INSERT INTO act (program_id, at, actor, what, subject, before, after)"
        " VALUES (%s, coalesce(%s, now()), %s, %s, %s, %s, %s)",
        [
            program_id, at, actor, what, subject,
            None if before is None else Jsonb(before),
            None if after is None else Jsonb(after),
        ],
    )  # fmt: skip


class Deed(NamedTuple):
    """Who decided on an event, and when; it is an act if the event is posted."""

    actor: str
    at: datetime


def append_deeds(
    tx: psycopg.Connection, program_id: int, posted: Iterable[tuple[Deed, str, str, int]]
) -> None:
    """Log who decided on posted events: each with its type, its id and its entry's seq."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO act (program_id, at, actor, what, subject, after)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (program_id, deed.at, deed.actor, f"{type_}.post", id_, Jsonb({"seq": seq}))
                for deed, type_, id_, seq in posted
            ],
        )


def list_acts(
    tx: psycopg.Connection,
    program_id: int,
    *,
    limit: int,
    before_id: int | None = None,
    subject: str | None = None,
    actor: str | None = None,
) -> list[Act]:
    """Acts of a program, newest first; those before `before_id`, of one subject or actor."""
    with tx.cursor(row_factory=class_row(Act)) as cursor:
        return cursor.execute(
            """
            SELECT id, at, actor, what, subject, before, after FROM act
            WHERE program_id = %s AND (%s::bigint IS NULL OR id < %s)
              AND (%s::text IS NULL OR subject = %s)
              AND (%s::text IS NULL OR actor = %s)
            ORDER BY id DESC LIMIT %s
            """,
            [program_id, before_id, before_id, subject, subject, actor, actor, limit],
        ).fetchall()
