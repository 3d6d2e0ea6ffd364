"""What-if runs: scenarios from files and presets, played on the simulator."""

import csv
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from springtide.core.policy import PolicyError
from springtide.core.units import parse_money
from springtide.services.presets import read_preset, shipped, story_of
from springtide.simulation.machine import SimulationLimit, needs_compiling
from springtide.simulation.population import order_counts
from springtide.simulation.results import Results, tabulate
from springtide.simulation.run import run
from springtide.simulation.scenario import (
    Scenario,
    ScenarioError,
    read_scenario,
    read_tables,
    with_rows,
)
from springtide.simulation.sweep import Point, grid, sobol, sweep, sweep_on_dask

__all__ = [
    "REFUSALS",
    "PolicyError",
    "Results",
    "Scenario",
    "ScenarioError",
    "SimulationLimit",
    "list_scenarios",
    "load",
    "needs_compiling",
    "order_rows",
    "read_scenario",
    "resolve",
    "scenario_text",
    "simulate",
    "sweep",
    "sweep_on_dask",
    "sweep_points",
]

REFUSALS = (ScenarioError, PolicyError, SimulationLimit)
"""Why a scenario cannot be run, each in one line."""


def list_scenarios() -> dict[str, str]:
    """Names of the preset scenarios, each with its story in plain words."""
    return {name: story_of(text) for name, text in shipped("scenarios").items()}


def scenario_text(preset: str) -> str:
    """The file of a preset scenario.

    Raises:
        ScenarioError: there is none of this name; the message lists those there are.
    """
    known = shipped("scenarios")
    if preset not in known:
        raise ScenarioError(f"no scenario is named {preset!r}; known are {', '.join(known)}")
    return known[preset]


def resolve(text: str, folder: Path) -> dict[str, Any]:
    """The tables of a scenario, in which every policy that it names is written out.

    What comes back stands for itself: another process or machine can run it.

    Raises:
        ScenarioError: a setting is wrong, or a file is not there.
        PolicyError: no preset has the name.
    """
    tables = read_tables(text)
    tables["policy"] = _policy_tables(tables.get("policy", {}), folder)
    shocks = tables.get("shock", [])
    named = {row["preset"] for row in shocks if isinstance(row, dict) and "preset" in row}
    tables["policies"] = {name: tomllib.loads(read_preset(str(name))) for name in named}
    return tables


def _policy_tables(given: object, folder: Path) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ScenarioError('policy must be a table, with preset = "advert-b" for example')
    changes = dict(given)
    preset, file = changes.pop("preset", None), changes.pop("file", None)
    base: dict[str, Any] = {}
    if preset is not None:
        base = tomllib.loads(read_preset(str(preset)))
    elif file is not None:
        try:
            base = tomllib.loads((folder / str(file)).read_text(encoding="utf-8"))
        except OSError as error:
            raise ScenarioError(f"policy.file {file}: {error.strerror}; check it") from None
        except ValueError as error:
            raise ScenarioError(f"policy.file {file} is not TOML: {error}") from None
    for key, change in changes.items():
        old = base.get(key)
        if isinstance(old, dict) and isinstance(change, dict):
            base[key] = {**old, **change}
        else:
            base[key] = change
    return base


def order_rows(path: Path, periods: int) -> tuple[tuple[int, int, str], ...]:
    """The orders of a CSV with the columns period, amount and perhaps member.

    Raises:
        ScenarioError: the file is not there, or a row cannot be used; with its line.
    """
    rows, line = [], 1
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                line += 1
                rows.append(_order_row(row, periods))
    except OSError as error:
        raise ScenarioError(f"orders.file {path}: {error.strerror}; check the path") from None
    except (KeyError, TypeError):
        raise ScenarioError(f"{path} needs the columns period and amount") from None
    except (ValueError, csv.Error) as error:
        raise ScenarioError(f"{path}, line {line}: {error}; correct the row") from None
    return tuple(rows)


def _order_row(row: dict[str, str], periods: int) -> tuple[int, int, str]:
    period, amount = int(row["period"]), parse_money(row["amount"])
    if not 0 <= period < periods:
        raise ValueError(f"period {period} is not within the {periods} that are simulated")
    if not 0 < amount <= 10**12:
        raise ValueError(f"amount {row['amount']} is zero or above a million")
    return period, amount, row.get("member") or ""


def load(text: str, folder: Path) -> Scenario:
    """A scenario from the text of its file; files it names are looked for in `folder`.

    Raises:
        ScenarioError, PolicyError: it cannot be run.
    """
    scenario = read_scenario(resolve(text, folder))
    order_counts(scenario)  # refuses too many at once
    if scenario.orders.file:
        path = folder / scenario.orders.file
        return with_rows(scenario, order_rows(path, scenario.time.periods))
    return scenario


def sweep_points(
    tables: dict[str, Any],
    values: dict[str, list[Any]],
    ranges: dict[str, tuple[float, float]],
    *,
    samples: int,
    seeds: int,
) -> list[Point]:
    """The points of a sweep: every combination of the values, at every sample of the ranges.

    Each runs under so many seeds, from the scenario's own on.

    Raises:
        ScenarioError: the scenario takes real orders, or ranges cannot be sampled.
    """
    if tables.get("orders", {}).get("file"):
        raise ScenarioError("a sweep varies made-up orders; remove orders.file")
    first = tables.get("seed", 1)
    points = grid(values, list(range(first, first + seeds)))
    if not ranges:
        return points
    sampled = sobol(ranges, samples, first)
    return [sample | point for sample in sampled for point in points]


def simulate(
    scenario: str | Path | Scenario,
    *,
    progress: Callable[[int], None] = lambda orders: None,
) -> Results:
    """Play a scenario and give its tables as DataFrames.

    `scenario` is the name of a preset, the path of a TOML file, or a `Scenario`.

        >>> import springtide
        >>> results = springtide.simulate("growth-stops")
        >>> results.summary, results.periods, results.cohorts, results.members

    Raises:
        ScenarioError, PolicyError: the scenario cannot be run.
        SimulationLimit: a number would pass 64 bits.
    """
    if not isinstance(scenario, Scenario):
        path = Path(scenario)
        if path.suffix == ".toml":
            try:
                text = path.read_text(encoding="utf-8")
            except OSError as error:
                raise ScenarioError(f"{path}: {error.strerror}; check the path") from None
            except UnicodeDecodeError:
                raise ScenarioError(f"{path} is not UTF-8 text; save it as UTF-8") from None
            scenario = load(text, path.parent)
        else:
            scenario = load(scenario_text(str(scenario)), Path())
    return tabulate(run(scenario, progress=progress))
