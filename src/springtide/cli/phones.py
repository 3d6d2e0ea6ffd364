"""`springtide phone`: which number a member logs in with."""

import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer

from springtide.cli.output import err
from springtide.cli.settings import BadInput, database
from springtide.core.event_fields import is_name
from springtide.services import phones

app = typer.Typer(help="Say which number a member logs in with.", no_args_is_help=True)


@app.callback()
def phone() -> None:
    """Say which number a member logs in with."""


@app.command("link")
def link_command(
    program: Annotated[str, typer.Argument(help="The program.")],
    member: Annotated[str, typer.Argument(help="The member, as orders name it.")],
    number: Annotated[str, typer.Argument(help="The phone number.")],
) -> None:
    """Let a member whom the shop knows log in with a phone number.

    $ springtide phone link shop c00001 13800000001
    """
    if not is_name(member):
        raise BadInput(f"{member!r} cannot name a member; give its id as orders have it")
    try:
        read = phones.read_phone(number)
    except phones.NotANumber:
        raise BadInput(f"{number!r} is no phone number; write it like 13800000001") from None
    with database() as db:
        try:
            phones.link_phone(
                db, program, member, read, "cli", datetime.now(UTC), secrets.token_hex
            )
        except phones.Linked as error:
            raise BadInput(str(error)) from None
    err.print(f"{member} of {program} logs in with {read}")
