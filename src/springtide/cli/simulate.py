"""`springtide simulate`: what a program would do to whom."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from springtide.cli.output import err, facts, money, out, percent, progress, write_json
from springtide.cli.settings import BadInput, Json, read_text
from springtide.cli.sweep import run_sweep, write_tables
from springtide.core.units import PPM

if TYPE_CHECKING:
    from springtide.services.simulation import Results, Scenario

File = Annotated[Path | None, typer.Argument(metavar="SCENARIO.toml", help="A scenario file.")]
Named = Annotated[
    str | None, typer.Option("--preset", help="A scenario that comes along; `list` names them.")
]


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("simulate")(simulate_command)


def simulate_command(
    scenario: File = None,
    preset: Named = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a report to this file.html.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Write the tables into this folder, as CSV or --format parquet."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    sweep: Annotated[
        list[str] | None,
        typer.Option(help="Vary a setting: basket.mean=50,100 or members.returning=0:0.9."),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Sobol samples of the ranges.")] = 64,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of every point of a sweep.")] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes of a sweep; all cores by default.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Sweep on this Dask cluster.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Play a scenario, and show what became of whom.

    $ springtide simulate --preset growth-stops --report growth-stops.html

    $ springtide simulate mine.toml --sweep policy.points.grant_ratio=0.5,0.7 --seeds 20
    """
    if preset == "list":
        _list()
        return
    if (scenario is None) == (preset is None):
        raise BadInput("give either SCENARIO.toml or --preset NAME (--preset list names them)")
    if form not in ("csv", "parquet"):
        raise BadInput(f"--format is {form!r}; give csv or parquet")
    text = read_text(scenario) if scenario else _preset_text(preset or "")
    name = scenario.stem if scenario else preset or ""
    folder = scenario.parent if scenario else Path()
    if sweep or seeds > 1:
        if report is not None:
            raise BadInput("--report is of one run; give a sweep --data FOLDER")
        run_sweep(
            name, text, folder, sweep or [], samples=samples, seeds=seeds, workers=workers,
            dask=dask, data=data, form=form, as_json=json,
        )  # fmt: skip
        return
    ready = _load(name, text, folder)
    results = _play(name, ready)
    _hand_over(name, text, results, ready, report, data, form, as_json=json)


def _hand_over(
    name: str,
    text: str,
    results: "Results",
    ready: "Scenario",
    report: Path | None,
    data: Path | None,
    form: str,
    *,
    as_json: bool,
) -> None:
    if report is not None:
        _write_report(name, text, results, ready, report)
    if data is not None:
        names = ("summary", "periods", "cohorts", "members")
        write_tables({name: getattr(results, name) for name in names}, data, form)
    if as_json:
        write_json(
            {
                "summary": _rows(results.summary)[0],
                "cohorts": _rows(results.cohorts),
            }
        )
    else:
        _show(name, results)


def _list() -> None:
    from springtide.services import simulation

    for name, story in simulation.list_scenarios().items():
        out.print(f"{name:<18}{story}")


def _preset_text(preset: str) -> str:
    from springtide.services import simulation

    try:
        return simulation.scenario_text(preset)
    except simulation.ScenarioError as error:
        raise BadInput(str(error)) from None


def _load(name: str, text: str, folder: Path) -> "Scenario":
    from springtide.services import simulation

    try:
        return simulation.load(text, folder)
    except (simulation.ScenarioError, simulation.PolicyError) as error:
        raise BadInput(f"{name}: {error}") from None


def _play(name: str, ready: "Scenario") -> "Results":
    from springtide.services import simulation

    try:
        if simulation.needs_compiling():
            err.print("compiling the simulator; this happens once and takes half a minute")
        with progress("periods", ready.time.periods) as advance:
            return simulation.simulate(ready, progress=lambda orders: advance(1))
    except (simulation.ScenarioError, simulation.SimulationLimit) as error:
        raise BadInput(f"{name}: {error}") from None


def _rows(table: Any) -> list[dict[str, Any]]:
    return list(table.astype(object).where(table.notna(), None).to_dict("records"))


def _write_report(
    name: str, text: str, results: "Results", ready: "Scenario", path: Path
) -> None:
    from springtide.services.simulation_report import write_report

    keep = 1 - ready.policy.cash_out_fee_ppm / PPM
    try:
        path.write_text(write_report(name, text, results, keep), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; check the path") from None


def _show(name: str, results: "Results") -> None:
    row = results.summary.iloc[0]
    orders, spent = int(row["orders"]), int(row["spent_micro"])
    bound = row["exits_per_order_bound"]
    out.print(
        facts(
            f"{name}: the pool",
            {
                "orders": f"{orders:,}",
                "members": f"{int(row['members']):,}",
                "spent": money(spent),
                "paid into the pool": money(int(row["contributed_micro"])),
                "still in the pool": money(int(row["reserve_micro"])),
                "price, in points of the opening": f"{row['price']:,.4f}",
                "exits at the cap": f"{int(row['exits']):,}",
                "  of all orders": percent(int(row["exits"]), orders),
                "  at most possible": f"{bound:.2%}" if bound else "no cap in cash",
                "owed and not paid": money(int(row["unpaid_micro"])),
                "members with at least what they spent": f"{row['got_back']:.2%}",
                "Gini of what members got": f"{row['gini']:.2f}",
            },
        )
    )
    table = Table(
        title="\nReceived and cash now, for 100 spent", title_justify="left", box=None
    )
    table.add_column("members by arrival")
    for column in ("spent", "all", "5 %", "median", "95 %", "reached the cap"):
        table.add_column(column, justify="right")
    cohorts = results.cohorts
    shown = cohorts["cohort"].isin(["all members", "tenth of members"])
    for _, cohort in cohorts[shown].iterrows():
        who = f"tenth {cohort['name']}" if cohort["name"] else "everybody"
        columns = ("got_per_spent", "q05", "q50", "q95")
        shares = (f"{100 * cohort[column]:.2f}" for column in columns)
        spent_text = money(int(cohort["spent_micro"]))
        table.add_row(who, spent_text, *shares, f"{cohort['reached_cap']:.2%}")
    out.print(table)
