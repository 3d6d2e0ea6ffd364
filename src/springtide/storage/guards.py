"""Switches and freezes: what people have stopped in a program, as it stands now."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.core.tally import Guards
from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch that was ever touched."""

    name: str
    off: bool
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """A member who was ever frozen."""

    member: str
    frozen: bool
    at: datetime
    actor: str
    reason: str


def load_guards(tx: psycopg.Connection, program: Program, members: set[str]) -> Guards:
    """The switches that are off, and who of these members is frozen.

    The program's row must be locked before, in a statement of its own: this one then sees
    whatever was stopped while the lock was waited for.
    """
    off = tx.execute("SELECT name FROM switch WHERE program_id = %s AND off", [program.id])
    switches = frozenset(name for (name,) in off.fetchall())
    frozen = tx.execute(
        "SELECT member FROM member_freeze"
        " WHERE program_id = %s AND frozen AND member = ANY(%s)",
        [program.id, list(members)],
    )
    return Guards(switches, frozenset(member for (member,) in frozen.fetchall()))


def list_switches(tx: psycopg.Connection, program: Program) -> list[Switch]:
    """The switches of a program that were ever touched."""
    with tx.cursor(row_factory=class_row(Switch)) as cursor:
        return cursor.execute(
            "SELECT name, off, at, actor, reason FROM switch WHERE program_id = %s",
            [program.id],
        ).fetchall()


def put_switch(
    tx: psycopg.Connection, program: Program, name: str, at: datetime, actor: str, reason: str,
    *, off: bool,
) -> None:  # fmt: skip
    """Let a switch stand this way from now on."""
    tx.execute(
        """
        INSERT INTO switch (program_id, name, off, at, actor, reason)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (program_id, name) DO UPDATE SET off = excluded.off, at = excluded.at,
            actor = excluded.actor, reason = excluded.reason
        """,
        [program.id, name, off, at, actor, reason],
    )


def list_frozen(
    tx: psycopg.Connection, program: Program, after: str, most: int
) -> list[Freeze]:
    """Members who are frozen, by id, from after one."""
    with tx.cursor(row_factory=class_row(Freeze)) as cursor:
        return cursor.execute(
            "SELECT member, frozen, at, actor, reason FROM member_freeze"
            " WHERE program_id = %s AND frozen AND member > %s ORDER BY member LIMIT %s",
            [program.id, after, most],
        ).fetchall()


def find_freeze(tx: psycopg.Connection, program: Program, member: str) -> Freeze | None:
    """What stands of a member; None if they were never frozen."""
    with tx.cursor(row_factory=class_row(Freeze)) as cursor:
        return cursor.execute(
            "SELECT member, frozen, at, actor, reason FROM member_freeze"
            " WHERE program_id = %s AND member = %s",
            [program.id, member],
        ).fetchone()


def put_freeze(
    tx: psycopg.Connection, program: Program, member: str, at: datetime, actor: str,
    reason: str, *, frozen: bool,
) -> None:  # fmt: skip
    """Freeze a member, or let them go."""
    tx.execute(
        """
        INSERT INTO member_freeze (program_id, member, frozen, at, actor, reason)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (program_id, member) DO UPDATE SET frozen = excluded.frozen,
            at = excluded.at, actor = excluded.actor, reason = excluded.reason
        """,
        [program.id, member, frozen, at, actor, reason],
    )
