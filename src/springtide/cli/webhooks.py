"""`springtide webhook`: where a program's entries are sent, and what was sent."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import err, out, write_json
from springtide.cli.settings import AllowPrivate, BadInput, Json, clock, database
from springtide.core.webhooks import message_id
from springtide.services import webhooks
from springtide.services.gateway import Database
from springtide.services.webhooks import Delivery, Endpoint
from springtide.web.addresses import lookup

app = typer.Typer(help="Have a program's entries sent to an address.", no_args_is_help=True)

Program = Annotated[str, typer.Argument(help="The program.")]
Webhook = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id.")]

ACTOR = "cli"
NEWEST = (10**18, 0)


@contextmanager
def _books() -> Iterator[Database]:
    """The database; what the services cannot use is said in one line."""
    with database() as db:
        try:
            yield db
        except (webhooks.UnknownWebhook, webhooks.UnusableWebhook) as error:
            raise BadInput(str(error)) from None


@app.command("add")
def add_command(
    program: Program,
    url: Annotated[str, typer.Argument(help="An https address.")],
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Of messages, like exit.paid; all.")
    ] = None,
    *,
    allow_private_webhooks: AllowPrivate = False,
    json: Json = False,
) -> None:
    """Send what is posted from now on to an address; prints the secret, this once.

    $ springtide webhook add shop https://shop.example/points --type order.settled
    """
    with _books() as db:
        made = webhooks.create_endpoint(
            db,
            program,
            url,
            type_ or [],
            lookup=lookup,
            private=allow_private_webhooks,
            random_bytes=secrets.token_bytes,
            actor=ACTOR,
            now=clock(),
        )
    _show_secret(made, json=json)


@app.command("rotate")
def rotate_command(program: Program, webhook: Webhook, *, json: Json = False) -> None:
    """Print another secret; for 24 hours messages are signed with both."""
    with _books() as db:
        made = webhooks.rotate_secret(
            db, program, webhook, random_bytes=secrets.token_bytes, actor=ACTOR, now=clock()
        )
    _show_secret(made, json=json)


def _show_secret(endpoint: Endpoint, *, json: bool) -> None:
    if json:
        write_json({**_facts(endpoint), "secret": endpoint.secret})
    else:
        err.print(f"{endpoint.id} of {endpoint.program} signs with; keep it secret:")
        out.print(endpoint.secret)


def _facts(endpoint: Endpoint) -> dict[str, object]:
    shown = asdict(endpoint)
    return {
        field: shown[field]
        for field in ("id", "url", "types", "state", "through_seq", "failing_since")
    }


@app.command("list")
def list_command(program: Program, *, json: Json = False) -> None:
    """List where a program's entries are sent, without the secrets."""
    with _books() as db:
        found = webhooks.list_endpoints(db, program)
    if json:
        write_json([_facts(endpoint) for endpoint in found])
        return
    if not found:
        out.print(f"{program} has no webhook yet; `springtide webhook add` makes one")
        return
    table = Table(box=None)
    table.add_column("webhook", no_wrap=True)
    table.add_column("url", no_wrap=True, min_width=max(len(row.url) for row in found))
    for title in ("types", "state", "told up to"):
        table.add_column(title)
    for row in found:
        types = ", ".join(row.types) or "all"
        table.add_row(row.id, row.url, types, row.state, str(row.through_seq))
    out.print(table)


@app.command("enable")
def enable_command(program: Program, webhook: Webhook) -> None:
    """Go on with a webhook that was disabled, where it stopped."""
    with _books() as db:
        webhooks.switch(db, program, webhook, "active", actor=ACTOR, now=clock())
    err.print(f"{webhook} goes on where it stopped")


@app.command("remove")
def remove_command(program: Program, webhook: Webhook) -> None:
    """Send nothing more to an address; what waits for it is dropped."""
    with _books() as db:
        webhooks.remove_endpoint(db, program, webhook, actor=ACTOR, now=clock())
    err.print(f"{webhook} is removed")


@app.command("deliveries")
def deliveries_command(
    program: Program,
    webhook: Webhook,
    state: Annotated[
        str, typer.Option(help=f"Only those that are {', '.join(webhooks.STATES)}.")
    ] = "",
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    *,
    json: Json = False,
) -> None:
    """List what was sent to an address or waits to be, newest first."""
    if state and state not in webhooks.STATES:
        raise BadInput(f"--state is {state!r}; give one of {', '.join(webhooks.STATES)}")
    with _books() as db:
        found = webhooks.list_deliveries(db, program, webhook, state, NEWEST, most)
    if json:
        write_json([{"id": _id(row), **row._asdict()} for row in found])
        return
    if not found:
        out.print(f"nothing of {program} was sent to {webhook}")
        return
    table = Table(box=None)
    table.add_column("message", no_wrap=True, min_width=max(len(_id(row)) for row in found))
    for title in ("type", "state", "tries", "last", "next"):
        table.add_column(title)
    for row in found:
        last = str(row.last_status or row.last_error or "")
        next_at = row.next_at.isoformat(" ", "seconds") if row.next_at else ""
        table.add_row(_id(row), row.type, row.state, str(row.attempts), last, next_at)
    out.print(table)


def _id(row: Delivery) -> str:
    return message_id(row.endpoint, row.seq, row.n)


@app.command("resend")
def resend_command(
    program: Program, message: Annotated[str, typer.Argument(help="Its webhook-id.")]
) -> None:
    """Send a message again now, whether it arrived or not."""
    with _books() as db:
        webhooks.resend(db, program, message, actor=ACTOR, now=clock())
    err.print(f"{message} is sent again as soon as a server runs")
