"""`springtide member`, `switch` and `alarm`: what people stop, and what they are told."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from springtide.cli.output import err, out, write_json
from springtide.cli.settings import BadInput, Json, clock, database
from springtide.services import controls
from springtide.services.gateway import Database, UnknownAlarm, UnusableControl

members = typer.Typer(help="Freeze members, and let them go.", no_args_is_help=True)
switches = typer.Typer(help="Switch parts of a program off and on.", no_args_is_help=True)
alarms = typer.Typer(help="List and acknowledge alarms.", no_args_is_help=True)

ACTOR = "cli"
MOST = 1_000

T = TypeVar("T")

Program = Annotated[str, typer.Argument(metavar="NAME", help="The program.")]
Member = Annotated[str, typer.Option("--member", help="The member.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is logged.")]
Name = Annotated[
    str, typer.Argument(metavar="SWITCH", help=f"One of {', '.join(controls.SWITCHES)}.")
]


def add_to(main: typer.Typer) -> None:
    """Add the commands."""
    main.add_typer(members, name="member")
    main.add_typer(switches, name="switch")
    main.add_typer(alarms, name="alarm")


def _do(act: Callable[[Database], T]) -> T:
    with database() as db:
        try:
            return act(db)
        except (UnknownAlarm, UnusableControl) as error:
            raise BadInput(str(error)) from None


@members.command("freeze")
def freeze_command(name: Program, member: Member, reason: Reason) -> None:
    """Freeze a member: no orders, cash-outs or redemptions; refunds work.

    $ springtide member freeze shop --member m1 --reason "chargebacks, see ticket 12"
    """
    now = clock()
    row = _do(lambda db: controls.freeze_member(db, name, member, reason, ACTOR, now))
    err.print(f"{member} is frozen since {row.at:%Y-%m-%d %H:%M} UTC: {row.reason}")


@members.command("unfreeze")
def unfreeze_command(name: Program, member: Member, reason: Reason) -> None:
    """Let a frozen member go."""
    now = clock()
    _do(lambda db: controls.unfreeze_member(db, name, member, reason, ACTOR, now))
    err.print(f"{member} is not frozen")


@members.command("frozen")
def frozen_command(name: Program, *, json: Json = False) -> None:
    """List the members who are frozen, with who did it and why."""
    rows = _do(lambda db: controls.list_frozen(db, name, "", MOST))
    if json:
        write_json(
            [
                {
                    "member": row.member,
                    "at": row.at.isoformat(),
                    "actor": row.actor,
                    "reason": row.reason,
                }
                for row in rows
            ]
        )
        return
    table = Table("member", "since", "by", "reason", box=None)
    for row in rows:
        table.add_row(row.member, f"{row.at:%Y-%m-%d %H:%M}", row.actor, row.reason)
    out.print(table if rows else f"nobody is frozen in {name}")


@switches.command("off")
def off_command(name: Program, switch: Name, reason: Reason) -> None:
    """Switch a part of a program off; it holds from the next batch on.

    $ springtide switch off shop cash-outs --reason "the bank does not answer"
    """
    _set(name, switch, reason, off=True)


@switches.command("on")
def on_command(name: Program, switch: Name, reason: Reason) -> None:
    """Switch a part of a program on again."""
    _set(name, switch, reason, off=False)


def _set(name: str, switch: str, reason: str, *, off: bool) -> None:
    now = clock()
    _do(lambda db: controls.set_switch(db, name, switch, reason, ACTOR, now, off=off))
    err.print(f"{switch} of {name}: {'off' if off else 'on'}")


@switches.command("list")
def list_switches_command(name: Program, *, json: Json = False) -> None:
    """List the switches of a program, how they stand and why."""
    rows = _do(lambda db: controls.list_switches(db, name))
    if json:
        write_json(
            [
                {
                    "switch": switch,
                    "off": row is not None and row.off,
                    "at": row.at.isoformat() if row else None,
                    "actor": row.actor if row else None,
                    "reason": row.reason if row else None,
                }
                for switch, row in rows
            ]
        )
        return
    table = Table("switch", "", "while on", "by", "reason", box=None)
    for switch, row in rows:
        stands = "off" if row is not None and row.off else "on"
        by, reason = (row.actor, row.reason) if row else ("", "")
        table.add_row(switch, stands, controls.SWITCHES[switch], by, reason)
    out.print(table)


@alarms.command("list")
def list_alarms_command(name: Program, *, json: Json = False) -> None:
    """List what operators were told, oldest first, and who has seen it."""
    rows = _do(lambda db: controls.list_alarms(db, name, 0, MOST))
    if json:
        write_json(
            [
                {
                    "id": row.id,
                    "kind": row.kind,
                    "day": row.day.isoformat(),
                    "at": row.at.isoformat(),
                    "detail": row.detail,
                    "acknowledged_by": row.acknowledged_by,
                }
                for row in rows
            ]
        )
        return
    for row in rows:
        seen = f"seen by {row.acknowledged_by}" if row.acknowledged_by else "not seen yet"
        out.print(f"{row.id}  {row.at:%Y-%m-%d %H:%M} UTC  {row.kind}, {seen}: {row.detail}")
    if not rows:
        out.print(f"{name} has no alarm")


@alarms.command("acknowledge")
def acknowledge_command(
    name: Program, id_: Annotated[int, typer.Argument(metavar="ID", help="The alarm.")]
) -> None:
    """Note that an alarm was seen; what it stopped stays stopped."""
    now = clock()
    row = _do(lambda db: controls.acknowledge_alarm(db, name, id_, ACTOR, now))
    err.print(f"alarm {id_} of {name} was seen by {row.acknowledged_by}")
