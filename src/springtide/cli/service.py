"""`springtide serve`, `key`, `settle`, `cash-out`: the service, and who may use it."""

import secrets
import sys
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import err, out, write_json
from springtide.cli.settings import AllowPrivate, BadInput, Json, clock, database
from springtide.core.units import format_money
from springtide.services import cash_outs, demo_store, keys, settling
from springtide.services import demo as demonstration
from springtide.services.agents import due_day
from springtide.services.policies import put_in_effect
from springtide.services.writer import Writer

app = typer.Typer(help="Create, list and revoke keys of the HTTP API.", no_args_is_help=True)

cash_outs_app = typer.Typer(help="Pay the cash-outs of a day.", no_args_is_help=True)

Program = Annotated[str, typer.Argument(help="The program.")]


def add_to(main: typer.Typer) -> None:
    """Add the commands."""
    main.command("serve")(serve)
    main.command("settle")(settle)
    main.add_typer(app, name="key")
    main.add_typer(cash_outs_app, name="cash-out")


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any free one.")] = 8000,
    rate: Annotated[
        str, typer.Option(help="What one key may ask for, like 6000/minute.")
    ] = "100000/minute",
    public_url: Annotated[
        str, typer.Option(help="Where browsers find it, like https://points.example.")
    ] = "",
    *,
    allow_private_webhooks: AllowPrivate = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Say on every page that nothing here is real.")
    ] = False,
) -> None:
    """Serve the pages and the API until SIGTERM or Ctrl-C; what was taken is finished.

    $ springtide serve

    Springtide listens on http://127.0.0.1:8000, reference at http://127.0.0.1:8000/docs
    """
    from springtide.web.server import PortTaken, run

    sys.setswitchinterval(0.00005)  # many small turns of one loop, not two threads of long ones
    with database(supervised=True) as db, db.pooled():
        if demo and not demonstration.open_doors(db, clock(), secrets.token_hex):
            raise BadInput("there is no demonstration here; run `springtide demo` first")
        try:
            run(
                db,
                host,
                port,
                rate,
                _say_doors if demo else _say_address,
                public_url,
                private_webhooks=allow_private_webhooks,
                demo=demo,
            )
        except (PortTaken, ValueError) as error:
            raise BadInput(str(error)) from None


def _say_address(url: str) -> None:
    from springtide.web.server import missing_pages

    err.print(f"Springtide listens on {url}, reference at {url}/docs")
    if missing := missing_pages():
        err.print(missing)


def _say_doors(url: str) -> None:
    """Say where the doors of the demonstration are."""
    _say_address(url)
    name = demonstration.PROGRAM
    err.print(f"reserve page  {url}/p/{name}")
    err.print(f"member        {url}/m/{name}  phone {demonstration.PHONE}, code on the page")
    store = f"{url}/s/{name}/{demo_store.MERCHANT}"
    err.print(f"store         {store}  phone {demo_store.PHONE}, code on the page")
    err.print(f"console       {url}/console  name, password and code on the page")
    err.print(f"components    {url}/patterns")


def settle(program: Program, *, json: Json = False) -> None:
    """Settle the paid orders whose refund window is over; running it twice does no harm."""
    with database() as db:
        now = clock()
        put_in_effect(db, program, now)
        with Writer(db, program, clock) as writer:
            writer.post(due_day(db, program, now))
        settled = settling.settle_due(db, program, now)
    if json:
        write_json({"program": program, "settled": settled})
    else:
        out.print(f"{settled:,} orders settled")


@cash_outs_app.command("run")
def run_command(program: Program, *, json: Json = False) -> None:
    """Pay the cash-outs of the day's batch, if it is due; twice does no harm.

    The server does this by itself; who is left out keeps their points.

    $ springtide cash-out run shop
    """
    with database() as db:
        done = cash_outs.run(db, program, "cli", clock())
    if json:
        write_json([{**row._asdict(), "net": format_money(row.net)} for row in done])
    elif not done:
        out.print("nothing is due")
    for row in done if not json else ():
        out.print(
            f"{row.batch}: {row.paid:,} members paid {format_money(row.net)}, "
            f"{row.left_out:,} left out"
        )


@app.command("create")
def create_command(
    program: Program,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Any of {', '.join(keys.SCOPES)}; if none, {', '.join(keys.USUAL)}."
        ),
    ] = None,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    *,
    json: Json = False,
) -> None:
    """Create a key and print its secret, this once; without --scope for a shop's orders.

    $ springtide key create shop --scope orders --scope read
    """
    scopes = scope or list(keys.USUAL)
    with database() as db:
        try:
            secret, key = keys.create_key(db, program, scopes, mode, secrets.token_hex)
        except keys.UnusableKey as error:
            raise BadInput(str(error)) from None
    if json:
        write_json({"id": key.id, "mode": key.mode, "scopes": key.scopes, "secret": secret})
    else:
        err.print(f"{key.id} of {program} may: {', '.join(key.scopes)}; keep its secret:")
        out.print(secret)


@app.command("list")
def list_command(program: Program, *, json: Json = False) -> None:
    """List a program's keys, without their secrets."""
    with database() as db:
        found = keys.list_keys(db, program)
    if json:
        write_json(
            [
                {
                    "id": key.id,
                    "mode": key.mode,
                    "scopes": key.scopes,
                    "revoked": key.revoked_at is not None,
                }
                for key in found
            ]
        )
        return
    table = Table("key", "mode", "scopes", "revoked", box=None)
    for key in found:
        table.add_row(key.id, key.mode, ", ".join(key.scopes), "yes" if key.revoked_at else "")
    out.print(
        table if found else f"{program} has no key yet; `springtide key create` makes one"
    )


@app.command("revoke")
def revoke_command(
    program: Program, key: Annotated[str, typer.Argument(help="The key's id.")]
) -> None:
    """Revoke a key: within five seconds it opens nothing any more."""
    with database() as db:
        try:
            keys.revoke_key(db, program, key)
        except keys.UnknownKey as error:
            raise BadInput(str(error)) from None
    err.print(f"{key} is revoked")
