"""Sweeps: the same rows on one process, on two, on Dask, and when a worker is killed."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from springtide.services.simulation import ScenarioError, resolve, sweep, sweep_points
from springtide.simulation.sweep import changed, sweep_on_dask

TEXT = """[policy]
preset = "advert-b"
[time]
periods = 20
[orders]
per_period = 50
[[behaviour]]
name = "sell at random"
share = 0.5
"""


def points_of(seeds: int = 2) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    tables = resolve(TEXT, Path())
    values: dict[str, list[Any]] = {
        "policy.points.grant_ratio": [0.5, 0.7],
        "basket.mean": [50],
    }
    ranges = {"behaviour.1.share": (0.0, 1.0)}
    return tables, sweep_points(tables, values, ranges, samples=4, seeds=seeds)


def test_the_points_of_a_sweep() -> None:
    tables, points = points_of()
    assert len(points) == len({json.dumps(point) for point in points}) == 4 * 2 * 2
    one = changed(tables, points[0])
    assert one["policy"]["points"]["grant_ratio"] == "0.500000"
    assert one["behaviour"][0]["share"] == points[0]["behaviour.1.share"] != 0.5
    assert tables["behaviour"][0]["share"] == 0.5


def test_rows_do_not_depend_on_the_workers() -> None:
    tables, points = points_of()
    alone = sweep(tables, points, 1)
    assert sweep(tables, points, 2) == alone
    assert len({row["reserve_micro"] for row in alone}) == len(points)
    assert [row["seed"] for row in alone] == [1, 2] * 8


def _children() -> list[int]:
    """The processes below this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(stat[1])
    found: list[int] = []
    below = {os.getpid()}
    while below := {pid for pid, parent in parents.items() if parent in below}:
        found += below
    return found


def test_a_killed_worker_loses_nothing() -> None:
    tables, points = points_of(seeds=30)
    before = set(_children())
    answered: list[int] = []
    killed: list[int] = []

    def kill() -> None:
        while len(answered) < 5:
            time.sleep(0.01)
        workers = [pid for pid in _children() if pid not in before]
        killed.append(max(workers))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    rows = sweep(tables, points, 2, answered.append)
    killer.join()
    assert killed
    assert rows == sweep(tables, points, 1)


def test_dask_gives_the_same_rows() -> None:
    from distributed import LocalCluster

    tables, points = points_of(seeds=1)
    local: Any = LocalCluster
    with local(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        rows = sweep_on_dask(tables, points, cluster.scheduler_address)
    assert rows == sweep(tables, points, 1)


def test_real_orders_are_not_varied() -> None:
    tables = resolve(TEXT.replace("per_period = 50", 'file = "orders.csv"'), Path())
    with pytest.raises(ScenarioError, match="made-up orders"):
        sweep_points(tables, {}, {}, samples=1, seeds=2)
