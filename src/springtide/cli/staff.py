"""`springtide staff` and `springtide act`: who works with programs, and what was done."""

import secrets
import sys
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import err, out, write_json
from springtide.cli.settings import BadInput, Json, clock, database
from springtide.services import acts, login, staff
from springtide.services.gateway import LastOwner, UnknownStaff, UnusableStaff
from springtide.services.listing import read_program
from springtide.services.passwords import check_password
from springtide.services.permissions import ROLES

app = typer.Typer(help="Log-ins of people, and their roles.", no_args_is_help=True)
log = typer.Typer(help="The log of acts.", no_args_is_help=True)

REFUSALS = (LastOwner, UnknownStaff, UnusableStaff)

Login = Annotated[str, typer.Argument(metavar="NAME", help="The log-in.")]
Program = Annotated[str, typer.Option("--program", help="The program.")]
Role = Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")]
Password = Annotated[bool, typer.Option("--password-stdin", help="Read it from stdin.")]


def add_to(main: typer.Typer) -> None:
    """Add the commands."""
    main.add_typer(app, name="staff")
    main.add_typer(log, name="act")


@app.command("add")
def add_command(
    name: Login,
    program: Program,
    role: Annotated[list[str], typer.Option(help=f"Any of {', '.join(ROLES)}.")],
    *,
    password_stdin: Password = False,
    json: Json = False,
) -> None:
    """Make a log-in with a password; prints its second factor and recovery codes, once.

    $ springtide staff add ana --program shop --role owner
    """
    with database() as db:
        read_program(db, program)  # nobody should choose a password for nothing
        password = _password(stdin=password_stdin)
        check_password(name, password)
        now = clock()
        invitation = staff.add_staff(db, name, program, role, "cli", now, secrets.token_hex)
        made = login.enrol(db, invitation, password, now, secrets.token_hex)
    if made is None:
        raise BadInput(f"{name} was changed meanwhile; see springtide staff list")
    if json:
        write_json(
            {"name": name, "totp_uri": made.totp_uri, "recovery_codes": made.recovery_codes}
        )
        return
    err.print(f"{name} is {', '.join(role)} of {program}; for the authenticator app:")
    out.print(made.totp_uri)
    err.print("and, should that be lost, codes that work once each:")
    for code in made.recovery_codes:
        out.print(code)


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadInput(
            "there is no terminal to ask for the password on; give it with --password-stdin"
        )
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@app.command("list")
def list_command(
    program: Annotated[str | None, typer.Option(help="Only this program's.")] = None,
    *,
    json: Json = False,
) -> None:
    """List log-ins with their roles."""
    with database() as db:
        found = staff.list_staff(db, program)
    if json:
        write_json(
            [{"name": row.name, "state": row.state, "roles": row.roles} for row in found]
        )
        return
    table = Table("log-in", "state", "roles", box=None)
    for row in found:
        table.add_row(row.name, row.state, ", ".join(row.roles))
    out.print(table if found else "there is no staff yet; `springtide staff add` adds somebody")


@app.command("disable")
def disable_command(name: Login) -> None:
    """Let nobody log in by this name; its sessions end at once."""
    with database() as db:
        staff.disable_staff(db, name, "cli", clock())
    err.print(f"{name} is disabled")


@app.command("reset")
def reset_command(name: Login) -> None:
    """Take password and second factor from a log-in; prints an invitation to set new ones.

    Whoever has the invitation sends it with a password to POST /v1/enrolments.
    """
    with database() as db:
        invitation = staff.reset_staff(db, name, "cli", clock(), secrets.token_hex)
    err.print(f"{name} can log in no more; within three days this invitation lets them begin:")
    out.print(invitation)


@app.command("grant")
def grant_command(name: Login, program: Program, role: Role) -> None:
    """Give somebody a role in a program."""
    with database() as db:
        staff.grant_role(db, program, name, role, "cli", clock())
    err.print(f"{name} is {role} of {program}")


@app.command("revoke")
def revoke_command(name: Login, program: Program, role: Role) -> None:
    """Take a role in a program from somebody."""
    with database() as db:
        staff.revoke_role(db, program, name, role, "cli", clock())
    err.print(f"{name} is {role} of {program} no more")


@log.command("list")
def list_acts_command(
    program: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Without one: of no program.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only on this.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only by this one, like staff:ana.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    *,
    json: Json = False,
) -> None:
    """Show who did what, newest first."""
    with database() as db:
        found = acts.list_acts(db, program, limit=rows, subject=subject, actor=actor)
    if json:
        write_json(
            [
                {
                    "id": act.id, "at": act.at, "actor": act.actor, "what": act.what,
                    "subject": act.subject, "before": act.before, "after": act.after,
                }
                for act in found
            ]
        )  # fmt: skip
        return
    for act in found:
        changed = " -> ".join(_facts(facts) for facts in (act.before, act.after) if facts)
        out.print(
            f"{act.at:%Y-%m-%d %H:%M:%S}  {act.actor}  {act.what}  {act.subject}  {changed}"
        )
    if not found:
        out.print("nothing of this is in the log of acts")


def _facts(facts: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name} {'+'.join(map(str, value)) or 'none' if isinstance(value, list) else value}"
        for name, value in facts.items()
    )
