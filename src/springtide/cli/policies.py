"""`springtide policy`: check policy files, and the presets to start from."""

from pathlib import Path
from typing import Annotated

import typer

from springtide.cli.output import facts, out, write_json
from springtide.cli.settings import Json, explain, read_text
from springtide.core.budget import worst_case
from springtide.core.policy import Policy, PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.units import format_ratio
from springtide.services import presets

app = typer.Typer(help="Check policy files; start from presets.", no_args_is_help=True)


@app.command("check")
def check_command(
    policy: Annotated[Path, typer.Argument(metavar="P.toml", help="A policy file.")],
    *,
    json: Json = False,
) -> None:
    """Check every parameter of a policy, and the worst case of its commissions."""
    try:
        checked = read_policy(read_text(policy))
    except PolicyError as error:
        raise explain(policy, error) from None
    if json:
        write_json({"policy": str(policy), "valid": True, **_worst(checked)})
    else:
        worst = {name.replace("_", " "): value for name, value in _worst(checked).items()}
        out.print(facts(f"{policy} is valid", worst))
        terms = {
            f"{term.kind}: {term.why}": format_ratio(term.most_ppm)
            for term in worst_case(checked)
            if term.most_ppm
        }
        terms["together, of an order"] = format_ratio(
            sum(term.most_ppm for term in worst_case(checked))
        )
        out.print(facts("\nThe most that any tree and any levels can ask for", terms))


def _worst(policy: Policy) -> dict[str, str]:
    smallest = min(
        (policy.terms_of(merchant).take_ppm for merchant in ("", *policy.merchants)),
    )
    return {
        "worst_commission": format_ratio(policy.worst_commission_ppm()),
        "smallest_distribution": format_ratio(smallest * policy.distribution_ppm // 10**6),
    }


@app.command("presets")
def presets_command(*, json: Json = False) -> None:
    """List the presets and what they are for."""
    found = presets.list_presets()
    if json:
        write_json([{"preset": name, "about": about} for name, about in found.items()])
        return
    for name, about in found.items():
        out.print(f"{name:<16}{about}")


@app.command("show")
def show_command(preset: Annotated[str, typer.Argument(help="A preset's name.")]) -> None:
    """Print a preset as a policy file, to be edited.

    $ springtide policy show advert-b > mine.toml
    """
    out.print(presets.read_preset(preset), end="")
