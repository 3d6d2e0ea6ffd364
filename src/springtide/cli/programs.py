"""`springtide program`: create and list programs."""

from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import money, out, points, price, write_json
from springtide.cli.settings import Json, PolicyFile, Preset, database, explain, policy_text
from springtide.core.policy import PolicyError
from springtide.core.units import format_money, format_points, price_micro
from springtide.services import programs
from springtide.services.profiles import fitting_profile

app = typer.Typer(help="Create and list programs.", no_args_is_help=True)


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="A name for the program.")],
    policy: PolicyFile = None,
    preset: Preset = None,
    profile: Annotated[
        str,
        typer.Option(
            help="What it may do, for good; see `springtide profile list`. "
            "By default closed-loop if the policy fits it, else demo."
        ),
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Create a program and post its opening reserve.

    $ springtide program create shop --preset closed-loop

    shop is open under the profile closed-loop: reserve 1.00, supply 1.0000, price 1.0000

    The profile `demo` allows everything, and pays nobody real money.
    """
    toml = policy_text(policy, preset)
    with database() as db:
        try:
            chosen = profile or fitting_profile(toml)
            program = programs.create_program(db, name, toml, profile=chosen)
        except PolicyError as error:
            raise explain(policy, error) from None
    shown = price_micro(program.reserve, program.supply)
    if json:
        write_json(
            {
                "program": name,
                "reserve": format_money(program.reserve),
                "supply": format_points(program.supply),
                "price": format_money(shown),
            }
        )
    else:
        out.print(
            f"{name} is open under the profile {chosen}: reserve {money(program.reserve)}, "
            f"supply {points(program.supply)}, price {price(shown)}"
        )


@app.command("list")
def list_command(*, json: Json = False) -> None:
    """List all programs with their pools."""
    with database() as db:
        found = programs.list_programs(db)
    if json:
        write_json(
            [
                {
                    "program": program.name,
                    "entries": program.seq,
                    "reserve": format_money(program.reserve),
                    "supply": format_points(program.supply),
                }
                for program in found
            ]
        )
        return
    table = Table("program", "entries", "reserve", "supply", box=None)
    for program in found:
        table.add_row(
            program.name, f"{program.seq:,}", money(program.reserve), points(program.supply)
        )
    out.print(
        table if found else "there is no program yet; `springtide program create` makes one"
    )
