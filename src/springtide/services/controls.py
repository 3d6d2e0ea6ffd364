"""What people stop and see: freezing members, switches, alarms. Each act is logged with it."""

from datetime import datetime

from springtide.core.event_fields import is_name
from springtide.core.tally import SWITCHES
from springtide.storage import alarms, guards, listing, programs
from springtide.storage.acts import append_act
from springtide.storage.alarms import Alarm
from springtide.storage.database import Database
from springtide.storage.errors import UnknownAlarm, UnknownMember, UnusableControl
from springtide.storage.guards import Freeze, Switch

__all__ = [
    "SWITCHES",
    "Alarm",
    "Freeze",
    "Switch",
    "UnknownAlarm",
    "UnusableControl",
    "acknowledge_alarm",
    "find_freeze",
    "freeze_member",
    "list_alarms",
    "list_frozen",
    "list_switches",
    "set_switch",
    "unfreeze_member",
]


def freeze_member(
    database: Database, name: str, member: str, reason: str, actor: str, now: datetime
) -> Freeze:
    """Freeze a member: no orders, cash-outs or redemptions from the next batch on.

    Refunds of their orders work, and so do exits at the cap and commissions, which are owed.
    Freezing a frozen member changes nothing: the first reason stands.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownMember: the program has no such member.
        UnusableControl: the reason is empty, too long or has control characters.
    """
    return _put_freeze(database, name, member, reason, actor, now, frozen=True)


def unfreeze_member(
    database: Database, name: str, member: str, reason: str, actor: str, now: datetime
) -> Freeze:
    """Let a frozen member go; one who is not frozen stays as they are.

    Raises:
        UnknownProgram, UnknownMember, UnusableControl: as `freeze_member`; a member who was
            never frozen is unknown too.
    """
    return _put_freeze(database, name, member, reason, actor, now, frozen=False)


def _put_freeze(
    database: Database, name: str, member: str, reason: str, actor: str, now: datetime,
    *, frozen: bool,
) -> Freeze:  # fmt: skip
    _check_reason(reason)
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        before = guards.find_freeze(tx, program, member)
        if before is not None and before.frozen == frozen:
            return before
        known = is_name(member) and listing.read_member(tx, program, member) is not None
        if not known or (before is None and not frozen):
            what = "member" if frozen else "frozen member"
            raise UnknownMember(f"{name} has no {what} {member!r}; check the id")
        guards.put_freeze(tx, program, member, now, actor, reason, frozen=frozen)
        append_act(
            tx, program.id, now, actor, "member.freeze" if frozen else "member.unfreeze",
            member, {"frozen": not frozen}, {"frozen": frozen, "reason": reason},
        )  # fmt: skip
        after = guards.find_freeze(tx, program, member)
    assert after is not None
    return after


def find_freeze(database: Database, name: str, member: str) -> Freeze | None:
    """How a member stands; None if they were never frozen.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return guards.find_freeze(tx, programs.get_program(tx, name), member)


def list_frozen(database: Database, name: str, after: str, most: int) -> list[Freeze]:
    """Frozen members by id, from after one.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return guards.list_frozen(tx, programs.get_program(tx, name), after, most)


def set_switch(
    database: Database, name: str, switch: str, reason: str, actor: str, now: datetime,
    *, off: bool,
) -> Switch:  # fmt: skip
    """Switch off, or on again, a part of a program, from the next batch on.

    Raises:
        UnknownProgram: there is none of this name.
        UnusableControl: no switch has this name, or the reason says nothing.
    """
    if switch not in SWITCHES:
        raise UnusableControl(f"no switch is named {switch!r}; known are {', '.join(SWITCHES)}")
    _check_reason(reason)
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        stood = {row.name: row for row in guards.list_switches(tx, program)}.get(switch)
        if stood is not None and stood.off == off:
            return stood
        if stood is not None or off:
            guards.put_switch(tx, program, switch, now, actor, reason, off=off)
            append_act(
                tx, program.id, now, actor, "switch.off" if off else "switch.on", switch,
                {"off": not off}, {"off": off, "reason": reason},
            )  # fmt: skip
    return Switch(switch, off, now, actor, reason)


def list_switches(database: Database, name: str) -> list[tuple[str, Switch | None]]:
    """All switches by name, each with how it stands; None if it was never touched: on.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        rows = guards.list_switches(tx, programs.get_program(tx, name))
    touched = {row.name: row for row in rows}
    return [(switch, touched.get(switch)) for switch in SWITCHES]


def list_alarms(database: Database, name: str, after: int, most: int) -> list[Alarm]:
    """Alarms, oldest first, from after an id.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return alarms.list_alarms(tx, programs.get_program(tx, name), after, most)


def acknowledge_alarm(
    database: Database, name: str, id_: int, actor: str, now: datetime
) -> Alarm:
    """Note who has seen an alarm; the first one stands. It changes nothing else.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownAlarm: the program has none of this id.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        before = alarms.lock_alarm(tx, program, id_)
        if before is None:
            raise UnknownAlarm(f"{name} has no alarm {id_}; see `springtide alarm list {name}`")
        if before.acknowledged_at is not None:
            return before
        alarms.acknowledge_alarm(tx, program, id_, now, actor)
        append_act(tx, program.id, now, actor, "alarm.acknowledge", str(id_))
        after = alarms.lock_alarm(tx, program, id_)
    assert after is not None
    return after


def _check_reason(reason: str) -> None:
    if not is_name(reason) or not reason.strip():
        raise UnusableControl(f"reason is {reason!r}; give 1 to 255 characters of plain text")
