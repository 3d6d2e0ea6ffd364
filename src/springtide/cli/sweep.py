"""`springtide simulate --sweep`: a scenario with its settings varied."""

import os
import re
from pathlib import Path
from typing import Any

from rich.table import Table

from springtide.cli.output import out, progress, write_json
from springtide.cli.settings import BadInput

_RANGE = re.compile(r"(-?[0-9.]+):(-?[0-9.]+)", re.ASCII)
_SHOWN = ("orders", "price", "exits_per_order", "got_per_spent_median", "got_back", "gini")


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def read_axes(
    wishes: list[str],
) -> tuple[dict[str, list[Any]], dict[str, tuple[float, float]]]:
    """What is to be varied: by values, and by ranges.

    Raises:
        BadInput: it does not read like NAME=1,2,3 or NAME=LOW:HIGH.
    """
    values: dict[str, list[Any]] = {}
    ranges: dict[str, tuple[float, float]] = {}
    for wish in wishes:
        name, _, given = wish.partition("=")
        limits = _RANGE.fullmatch(given)
        if limits and float(limits[1]) < float(limits[2]):
            ranges[name] = float(limits[1]), float(limits[2])
        elif name and given and ":" not in given:
            values[name] = [_value(text) for text in given.split(",")]
        else:
            raise BadInput(
                f"--sweep is {wish!r}; give NAME=1,2,3 or NAME=LOW:HIGH, "
                "like basket.mean=50,100"
            )
    return values, ranges


def write_tables(tables: dict[str, Any], folder: Path, form: str) -> None:
    """Write DataFrames into a folder, as CSV or Parquet, each under its name.

    Raises:
        BadInput: the folder cannot be written, or Parquet needs a library.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            path = folder / f"{name}.{form}"
            if form == "csv":
                table.to_csv(path)
            else:
                table.to_parquet(path)
    except ImportError:
        raise BadInput("Parquet needs pyarrow; pip install 'springtide[parquet]'") from None
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}; check the path") from None


def run_sweep(
    name: str,
    text: str,
    folder: Path,
    wishes: list[str],
    *,
    samples: int,
    seeds: int,
    workers: int | None,
    dask: str | None,
    data: Path | None,
    form: str,
    as_json: bool,
) -> None:
    """Run every point, and show or write one row for each."""
    from springtide.services import simulation

    values, ranges = read_axes(wishes)
    try:
        tables = simulation.resolve(text, folder)
        points = simulation.sweep_points(tables, values, ranges, samples=samples, seeds=seeds)
        with progress("runs", len(points)) as advance:
            if dask:
                rows = simulation.sweep_on_dask(tables, points, dask)
            else:
                rows = simulation.sweep(tables, points, workers or os.cpu_count() or 1, advance)
    except (
        simulation.ScenarioError,
        simulation.PolicyError,
        simulation.SimulationLimit,
    ) as error:
        raise BadInput(f"{name}: {error}") from None
    if data is not None:
        _write(rows, data, form)
    if as_json:
        write_json(rows)
    else:
        _show(rows, [*values, *ranges, "seed"])


def _write(rows: list[dict[str, Any]], folder: Path, form: str) -> None:
    import pandas as pd

    write_tables({"sweep": pd.DataFrame(rows).rename_axis("run")}, folder, form)


def _figure(one: Any) -> str:
    return f"{one:,.5g}" if isinstance(one, float) else str(one)


def _show(rows: list[dict[str, Any]], varied: list[str]) -> None:
    table = Table(box=None)
    for column in (*varied, *_SHOWN):
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(_figure(row[column]) for column in (*varied, *_SHOWN)))
    out.print(table)
