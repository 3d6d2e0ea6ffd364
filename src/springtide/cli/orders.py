"""`springtide replay`, `import` and `demo`: events and orders in."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import msgspec
import typer

from springtide.cli import reports
from springtide.cli.output import err, facts, out, progress, write_json
from springtide.cli.settings import (
    BadInput,
    Json,
    PolicyFile,
    Preset,
    clock,
    database,
    explain,
    policy_text,
)
from springtide.core.event_fields import Json as Event
from springtide.core.policy import PolicyError
from springtide.services.demo import PROGRAM, moved
from springtide.services.demo_counter import TERMS
from springtide.services.gateway import Database, ProgramExists
from springtide.services.importing import (
    ImportResult,
    OrderFile,
    import_orders,
    read_mapping,
)
from springtide.services.listing import list_policies
from springtide.services.policies import put_in_effect
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.replay import replay_in_database, replay_in_memory


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("replay")(replay_command)
    app.command("import")(import_command)
    app.command("demo")(demo_command)


def replay_command(
    events: Annotated[
        str, typer.Argument(metavar="EVENTS.jsonl", help="A file, or - for stdin.")
    ],
    policy: PolicyFile = None,
    preset: Preset = None,
    store: Annotated[
        Literal["memory", "postgres"], typer.Option(help="Where the program is kept.")
    ] = "memory",
    *,
    json: Json = False,
) -> None:
    """Replay events from an opening; receipts as JSON lines on stdout.

    Both stores print the same bytes. With postgres the program stays, so that it can be
    audited; its name is printed on stderr. The output is JSON with and without --json.
    """
    del json
    toml = policy_text(policy, preset)
    lines = _read_events(events)
    try:
        if store == "memory":
            for receipt in replay_in_memory(toml, lines):
                write_json(receipt)
            return
        name = f"replay-{clock():%Y%m%d-%H%M%S-%f}"
        with database() as db:
            for receipt in replay_in_database(db, name, toml, lines):
                write_json(receipt)
        err.print(f"kept as program {name}")
    except PolicyError as error:
        raise explain(policy, error) from None


def _read_events(source: str) -> Iterator[Event]:
    try:
        file = sys.stdin.buffer if source == "-" else Path(source).open("rb")  # noqa: SIM115
    except OSError as error:
        raise BadInput(f"{source}: {error.strerror}; check the path") from None
    decoder = msgspec.json.Decoder(dict[str, object])
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                shown = line[:60].decode(errors="replace").strip()
                raise BadInput(
                    f"{source} line {number}: {shown!r} is not a JSON object ({error}); "
                    "give one event a line"
                ) from None


def import_command(
    orders: Annotated[Path, typer.Argument(metavar="ORDERS.csv", help="Orders by date.")],
    program: Annotated[str, typer.Option("--program", help="The program to post to.")],
    mapping: Annotated[
        str, typer.Option("--map", help="id=COLUMN,member=...,amount=...,at=...[,merchant=...]")
    ],
    *,
    json: Json = False,
) -> None:
    """Post the orders of a CSV file; run it again after an interruption.

    Rows must be in the order of their dates. Rows that cannot be posted go to
    ORDERS.rejects.csv beside the file, with line and reason; if that is all of them, the
    exit code is 2.

    $ springtide import orders.csv --program shop \\
        --map id=order_id,member=customer,amount=amount,at=date
    """
    file = OrderFile(orders, read_mapping(mapping))
    with database() as db:
        result = _import(db, program, file)
    _show_import(result, as_json=json)
    if result.rejected and not result.posted + result.repeated:
        raise BadInput(
            f"not one row of {orders} could be posted; {result.rejects} says why, row by row: "
            "correct the file and import it again"
        )


def _import(db: Database, program: str, file: OrderFile) -> ImportResult:
    put_in_effect(db, program, clock())
    with progress("posting orders", file.check_order()) as advance:
        return import_orders(db, program, file, advance, clock)


def _show_import(result: ImportResult, *, as_json: bool) -> None:
    if as_json:
        write_json(
            {
                "rows": result.rows,
                "posted": result.posted,
                "posted_before": result.repeated,
                "rejected": result.rejected,
                "reasons": result.reasons,
                "rejects": None if result.rejects is None else str(result.rejects),
            }
        )
        return
    rows = {
        "rows": f"{result.rows:,}",
        "posted": f"{result.posted:,}",
        "posted before": f"{result.repeated:,}",
        "rejected": f"{result.rejected:,}",
    }
    rows |= {f"  {code}": f"{count:,}" for code, count in sorted(result.reasons.items())}
    out.print(facts("Import", rows))
    if result.rejects is not None:
        out.print(f"rejected rows are in {result.rejects}")


def demo_command(
    chart: Annotated[Path, typer.Option(help="Where to write the price chart.")] = Path(
        "springtide-demo.png"
    ),
    *,
    json: Json = False,
) -> None:
    """Open a program, import the example orders, and show what became of everybody.

    The orders are the first 3,000 of a real shop (CDNOW, 1997-1998), their dates moved so
    that the last is of the day before the program was opened; who invited whom is made up.
    Run it again: nothing is posted twice.
    """
    name = PROGRAM
    sample = files("springtide") / "data" / "cdnow-sample.csv"
    with database() as db, TemporaryDirectory(prefix="springtide-") as folder:
        path = Path(folder) / "orders.csv"
        try:
            create_program(db, name, read_preset("local-life") + TERMS)
        except ProgramExists:
            err.print(f"program {name} is there already; going on with it")
        opened_on = list_policies(db, name)[0].created_at.date()
        path.write_text(moved(sample.read_text(), opened_on - timedelta(days=1)))
        file = OrderFile(
            path,
            read_mapping("id=order_id,member=customer,amount=amount,at=date,referrer=referrer"),
        )
        result = _import(db, name, file)
        result.rejects = None  # it goes with the folder
        if not json:
            _show_import(result, as_json=False)
            out.print("the rejected are orders of amount 0: nothing was paid for them\n")
        reports.show_status(db, name, as_json=json)
        reports.write_chart(db, name, chart)
    err.print(f"price chart: {chart}")
