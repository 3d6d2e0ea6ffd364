"""Many runs of one scenario: over grids, Sobol samples and seeds, on all cores or a cluster.

A point is the scenario's tables with some settings changed; it stands for itself, so it
gives the same integers wherever it runs. A worker that dies takes nothing with it: what it
had not answered is asked again.
"""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from copy import deepcopy
from itertools import product
from multiprocessing import get_context
from typing import Any

from springtide.simulation.results import summarize
from springtide.simulation.run import run
from springtide.simulation.scenario import ScenarioError, read_scenario

Point = dict[str, Any]
"""The settings of a run that differ, by their dotted names."""

MOST_DEATHS = 5
"""Of workers, one after the other without an answer between, before it is called off."""


def grid(axes: dict[str, list[Any]], seeds: list[int]) -> list[Point]:
    """Every combination of the values, each with every seed."""
    combined = (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
    return [point | {"seed": seed} for point in combined for seed in seeds]


def sobol(ranges: dict[str, tuple[float, float]], samples: int, seed: int) -> list[Point]:
    """Points that fill the ranges evenly: a scrambled Sobol sequence.

    Raises:
        ScenarioError: scipy, which draws them, is not installed.
    """
    try:
        from scipy.stats import qmc
    except ImportError:
        raise ScenarioError(
            "ranges are sampled by scipy; pip install 'springtide[sobol]', or give values"
        ) from None
    drawn = qmc.Sobol(len(ranges), rng=seed).random(samples)
    lows, highs = zip(*ranges.values(), strict=True)
    rows = qmc.scale(drawn, lows, highs).tolist()
    return [dict(zip(ranges, row, strict=True)) for row in rows]


def changed(tables: dict[str, Any], point: Point) -> dict[str, Any]:
    """The scenario's tables with the settings of a point.

    A part of a name may be the number of a behaviour or a shock, from 1. Ratios and amounts
    of a policy are decimal strings, so numbers are written as such, to six decimals.

    Raises:
        ScenarioError: there is no such table.
    """
    tables = deepcopy(tables)
    for name, value in point.items():
        *path, last = name.split(".")
        at: Any = tables
        for part in path:
            if isinstance(at, list) and part.isdigit() and 0 < int(part) <= len(at):
                at = at[int(part) - 1]
            elif isinstance(at, dict) and part:
                at = at.setdefault(part, {})
            else:
                raise ScenarioError(f"{name}: there is no {part}; name a setting of a table")
        if not isinstance(at, dict):
            raise ScenarioError(f"{name} is not a setting; name one, like basket.mean")
        in_policy = path[:1] == ["policy"] and isinstance(value, float)
        at[last] = f"{value:.6f}" if in_policy else value
    return tables


def run_point(tables: str) -> dict[str, Any]:
    """The summary of one run, whose tables are given as JSON."""
    return summarize(run(read_scenario(json.loads(tables))))


def sweep(
    tables: dict[str, Any],
    points: list[Point],
    workers: int,
    progress: Callable[[int], None] = lambda runs: None,
) -> list[dict[str, Any]]:
    """The summary of every point, in their order, on so many processes.

    Raises:
        ScenarioError, PolicyError, SimulationLimit: a point cannot be run.
    """
    texts = [json.dumps(changed(tables, point)) for point in points]
    for text in texts:
        read_scenario(json.loads(text))
    if workers == 1:
        return _joined(points, (_told(run_point(text), progress) for text in texts))
    answers: dict[int, dict[str, Any]] = {}
    deaths = 0
    while len(answers) < len(texts):
        before = len(answers)
        try:
            _ask(texts, answers, workers, progress)
        except BrokenProcessPool:
            deaths = 1 if len(answers) > before else deaths + 1
            if deaths == MOST_DEATHS:
                raise ScenarioError(
                    f"{deaths} workers died over the same runs; simulate fewer orders at once, "
                    "or use fewer workers"
                ) from None
    return _joined(points, (answers[number] for number in range(len(texts))))


def _ask(
    texts: list[str],
    answers: dict[int, dict[str, Any]],
    workers: int,
    progress: Callable[[int], None],
) -> None:
    server = get_context("forkserver")
    server.set_forkserver_preload(["__main__", "springtide.simulation.warm"])
    with ProcessPoolExecutor(workers, mp_context=server) as pool:
        missing = (number for number in range(len(texts)) if number not in answers)
        asked = {pool.submit(run_point, texts[number]): number for number in missing}
        for answered in as_completed(asked):
            answers[asked[answered]] = _told(answered.result(), progress)


def _told(answer: dict[str, Any], progress: Callable[[int], None]) -> dict[str, Any]:
    progress(1)
    return answer


def sweep_on_dask(
    tables: dict[str, Any], points: list[Point], address: str
) -> list[dict[str, Any]]:
    """As `sweep`, on the Dask cluster at an address; it asks again what a worker lost.

    Raises:
        ScenarioError: distributed is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ScenarioError(
            "--dask needs distributed; pip install 'springtide[dask]'"
        ) from None
    connect: Any = Client
    try:
        client = connect(address, timeout=10)
    except (OSError, TimeoutError, ValueError) as error:
        raise ScenarioError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        texts = [json.dumps(changed(tables, point)) for point in points]
        return _joined(points, client.gather(client.map(run_point, texts)))


def _joined(points: list[Point], answers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [point | answer for point, answer in zip(points, answers, strict=True)]
