"""Staff: log-ins of the installation, and their roles in programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class Staff:
    """A log-in with what it takes to log in; only services/login looks at that."""

    name: str
    state: str
    password: str | None
    totp: str | None
    totp_step: int
    failed: int
    wait_until: datetime | None
    invited_until: datetime | None


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A log-in and its roles in one program, or as `PROGRAM ROLE` in all of them."""

    name: str
    state: str
    created_at: datetime
    roles: list[str]


_SELECT = """
    SELECT name, state, password, totp, totp_step, failed, wait_until, invited_until FROM staff
"""


def insert_staff(
    tx: psycopg.Connection, name: str, invitation: bytes, until: datetime, now: datetime
) -> bool:
    """A new log-in, invited; false if the name is taken."""
    row = tx.execute(
        "INSERT INTO staff (name, state, invitation, invited_until, created_at)"
        " VALUES (%s, 'invited', %s, %s, %s) ON CONFLICT (name) DO NOTHING RETURNING name",
        [name, invitation, until, now],
    ).fetchone()
    return row is not None


def find_staff(tx: psycopg.Connection, name: str) -> Staff | None:
    """A log-in by name."""
    with tx.cursor(row_factory=class_row(Staff)) as cursor:
        return cursor.execute(f"{_SELECT} WHERE name = %s", [name]).fetchone()


def lock_staff(tx: psycopg.Connection, name: str) -> Staff | None:
    """A log-in by name, held until the transaction ends."""
    with tx.cursor(row_factory=class_row(Staff)) as cursor:
        return cursor.execute(f"{_SELECT} WHERE name = %s FOR UPDATE", [name]).fetchone()


def lock_invited(tx: psycopg.Connection, invitation: bytes) -> Staff | None:
    """The log-in that was invited with this hash, held until the transaction ends."""
    with tx.cursor(row_factory=class_row(Staff)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE invitation = %s FOR UPDATE", [invitation]
        ).fetchone()


def activate_staff(
    tx: psycopg.Connection, name: str, password: str, totp: str, codes: Sequence[bytes]
) -> None:
    """Give a log-in its password, its second factor and its recovery codes."""
    tx.execute(
        "UPDATE staff SET state = 'active', password = %s, totp = %s, totp_step = 0,"
        " failed = 0, wait_until = NULL, invitation = NULL, invited_until = NULL"
        " WHERE name = %s",
        [password, totp, name],
    )
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO staff_recovery (staff, hash) VALUES (%s, %s)",
            [(name, code) for code in codes],
        )


def invite_again(
    tx: psycopg.Connection, name: str, invitation: bytes, until: datetime, now: datetime
) -> None:
    """Forget a log-in's password and factors; whoever has the invitation sets new ones."""
    tx.execute(
        "UPDATE staff SET state = 'invited', password = NULL, totp = NULL,"
        " invitation = %s, invited_until = %s WHERE name = %s",
        [invitation, until, name],
    )
    tx.execute(
        "UPDATE staff_recovery SET used_at = %s WHERE staff = %s AND used_at IS NULL",
        [now, name],
    )


def disable_staff(tx: psycopg.Connection, name: str) -> None:
    """Let nobody log in by this name."""
    tx.execute(
        "UPDATE staff SET state = 'disabled', invitation = NULL, invited_until = NULL"
        " WHERE name = %s",
        [name],
    )


def change_password(tx: psycopg.Connection, name: str, password: str) -> None:
    """Another password."""
    tx.execute("UPDATE staff SET password = %s WHERE name = %s", [password, name])


def note_success(tx: psycopg.Connection, name: str, totp_step: int) -> None:
    """A log-in succeeded: failures are forgotten, and the code's half minute is used up."""
    tx.execute(
        "UPDATE staff SET failed = 0, wait_until = NULL, totp_step = %s WHERE name = %s",
        [totp_step, name],
    )


def note_failure(
    tx: psycopg.Connection, name: str, failed: int, wait_until: datetime | None
) -> None:
    """A log-in failed; the next is not looked at before `wait_until`."""
    tx.execute(
        "UPDATE staff SET failed = %s, wait_until = %s WHERE name = %s",
        [failed, wait_until, name],
    )


def use_recovery_code(tx: psycopg.Connection, name: str, code: bytes, now: datetime) -> bool:
    """Use a recovery code up; false if there is none that was not used."""
    row = tx.execute(
        "UPDATE staff_recovery SET used_at = %s"
        " WHERE staff = %s AND hash = %s AND used_at IS NULL RETURNING staff",
        [now, name, code],
    ).fetchone()
    return row is not None


def insert_role(tx: psycopg.Connection, program: Program, name: str, role: str) -> bool:
    """A role in a program; false if the log-in has it already."""
    row = tx.execute(
        "INSERT INTO staff_role (program_id, staff, role) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING staff",
        [program.id, name, role],
    ).fetchone()
    return row is not None


def delete_role(tx: psycopg.Connection, program: Program, name: str, role: str) -> bool:
    """Take a role away; false if the log-in does not have it."""
    row = tx.execute(
        "DELETE FROM staff_role WHERE program_id = %s AND staff = %s AND role = %s"
        " RETURNING staff",
        [program.id, name, role],
    ).fetchone()
    return row is not None


def read_roles(tx: psycopg.Connection, program: Program, name: str) -> list[str]:
    """A log-in's roles in one program, by name."""
    rows = tx.execute(
        "SELECT role FROM staff_role WHERE program_id = %s AND staff = %s ORDER BY role",
        [program.id, name],
    )
    return [role for (role,) in rows]


def read_all_roles(tx: psycopg.Connection, name: str) -> list[tuple[int, str, str]]:
    """A log-in's roles everywhere: the program's id and name, and the role."""
    return tx.execute(
        "SELECT r.program_id, p.name, r.role FROM staff_role r"
        " JOIN program p ON p.id = r.program_id WHERE r.staff = %s ORDER BY p.name, r.role",
        [name],
    ).fetchall()


_CHANGING_ROLES = 7_266_746
"""Key of the advisory locks under which the roles of a program are taken away."""


def lock_roles(tx: psycopg.Connection, program_id: int) -> None:
    """Let nobody else take roles of a program away until the transaction ends."""
    tx.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_CHANGING_ROLES, program_id])


def read_owners(tx: psycopg.Connection, program_id: int) -> list[str]:
    """The active owners of a program."""
    rows = tx.execute(
        "SELECT s.name FROM staff_role r JOIN staff s ON s.name = r.staff"
        " WHERE r.program_id = %s AND r.role = 'owner' AND s.state = 'active'",
        [program_id],
    )
    return [name for (name,) in rows]


def list_staff(tx: psycopg.Connection, program: Program | None) -> list[StaffRow]:
    """All log-ins with a role in a program, or all of the installation."""
    with tx.cursor(row_factory=class_row(StaffRow)) as cursor:
        if program is None:
            return cursor.execute(
                """
                SELECT s.name, s.state, s.created_at, coalesce(array_agg(p.name || ' ' ||
                       r.role ORDER BY p.name, r.role) FILTER (WHERE r.role <> ''), '{}')
                       AS roles
                FROM staff s LEFT JOIN staff_role r ON r.staff = s.name
                LEFT JOIN program p ON p.id = r.program_id
                GROUP BY s.name ORDER BY s.name
                """
            ).fetchall()
        return cursor.execute(
            """
            SELECT s.name, s.state, s.created_at, array_agg(r.role ORDER BY r.role) AS roles
            FROM staff s JOIN staff_role r ON r.staff = s.name
            WHERE r.program_id = %s GROUP BY s.name ORDER BY s.name
            """,
            [program.id],
        ).fetchall()
