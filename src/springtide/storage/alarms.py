"""Alarms: what operators are told once, and who of them has seen it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg.rows import class_row

from springtide.storage.programs import Program

DAILY_OUTFLOW = "daily_outflow"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm; the last two are None until somebody has seen it."""

    id: int
    kind: str
    day: date
    at: datetime
    detail: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None


_SELECT = "SELECT id, kind, day, at, detail, acknowledged_at, acknowledged_by FROM alarm"


def append_alarm(
    tx: psycopg.Connection, program: Program, kind: str, at_s: int, detail: str
) -> None:
    """Raise an alarm at a time in seconds since 1970; a second one of its day is not told."""
    at = _EPOCH + timedelta(seconds=at_s)
    append_alarm_about(tx, program, kind, at.date(), "", at, detail)


def append_alarm_about(
    tx: psycopg.Connection,
    program: Program,
    kind: str,
    day: date,
    subject: str,
    at: datetime,
    detail: str,
) -> bool:
    """Raise an alarm about a day and a subject, unless it was raised before; whether it was."""
    done = tx.execute(
        "INSERT INTO alarm (program_id, kind, day, subject, at, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (program_id, kind, day, subject) DO NOTHING",
        [program.id, kind, day, subject, at, detail],
    )
    return done.rowcount == 1


def find_latest_day(tx: psycopg.Connection, program: Program, kind: str) -> int:
    """The last UTC day with an alarm of a kind, in days since 1970; -1 if there is none."""
    row = tx.execute(
        "SELECT max(day) FROM alarm WHERE program_id = %s AND kind = %s", [program.id, kind]
    ).fetchone()
    if row is None or row[0] is None:
        return -1
    return int(row[0].toordinal() - _EPOCH.toordinal())


def list_alarms(tx: psycopg.Connection, program: Program, after: int, most: int) -> list[Alarm]:
    """Alarms, oldest first, from after an id."""
    with tx.cursor(row_factory=class_row(Alarm)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND id > %s ORDER BY id LIMIT %s",
            [program.id, after, most],
        ).fetchall()


def lock_alarm(tx: psycopg.Connection, program: Program, id_: int) -> Alarm | None:
    """An alarm, held until the transaction ends; None if the program has none of this id."""
    with tx.cursor(row_factory=class_row(Alarm)) as cursor:
        return cursor.execute(
            f"{_SELECT} WHERE program_id = %s AND id = %s FOR UPDATE",
            [program.id, id_],
        ).fetchone()


def acknowledge_alarm(
    tx: psycopg.Connection, program: Program, id_: int, at: datetime, actor: str
) -> None:
    """Note who has seen an alarm; the database refuses a second one."""
    tx.execute(
        "UPDATE alarm SET acknowledged_at = %s, acknowledged_by = %s"
        " WHERE program_id = %s AND id = %s",
        [at, actor, program.id, id_],
    )
