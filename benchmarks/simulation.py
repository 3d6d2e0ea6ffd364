"""`make bench-sim`: the compiled kernels against the bare recurrence, and a sweep on two cores.

Everything is measured in one run, best of five, CPU time of one thread; arrays are touched
before the clock starts. The bare chain is what no exact simulator can avoid: multiply,
divide, add, each step waiting for the one before, with nothing stored.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numba import njit

from springtide.core.policy_file import read_policy
from springtide.services.presets import read_preset
from springtide.services.simulation import resolve, scenario_text, sweep, sweep_points
from springtide.simulation.arithmetic import repaired
from springtide.simulation.layout import ALL, BUY, CASH_OUT, CASHED, EXITS, LEAN, Tape
from springtide.simulation.machine import Machine

ORDERS, HUGE, CHUNK = 10_000_000, 100_000_000, 1_000_000
SELLERS = 0.02
SPEND_MICRO, CONTRIBUTION_MICRO = 10**9, 160 * 10**6


@njit(cache=True, error_model="numpy")
def bare_chain(orders: int, value: int, contribution: int) -> int:
    """The recurrence alone."""
    reserve, supply = 10**6, 10**9
    for _ in range(orders):
        estimate = float(value) / float(reserve) * float(supply)
        supply += repaired(estimate, value, supply, reserve)
        reserve += contribution
    return supply


def best(work: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> float:
    """Seconds of CPU, best of five."""
    times = []
    for _ in range(5):
        prepare()
        begun = time.thread_time()
        work()
        times.append(time.thread_time() - begun)
    return min(times)


def machine_of(orders: int, *, capped: bool = True) -> Machine:
    """Room for so many orders under advert B, with its cap or without, its pages touched."""
    policy = read_policy(read_preset("advert-b"))
    if not capped:
        policy = replace(policy, cap_ppm=None)
    machine = Machine(policy, orders, orders, solo=True, keeps_lots=False, refunds=False)
    assert machine.book.lots.shape[1] == LEAN
    machine.book.lots[:] = 1
    machine.book.lots[:] = 0
    return machine


def tape_of(machine: Machine, first: int, orders: int, sellers: float) -> Tape:
    """Orders, of which some are followed by the sale of a holder drawn at random."""
    chance = np.random.default_rng(first)
    after = np.flatnonzero(chance.random(orders) < sellers)
    holders = (chance.random(len(after)) * (first + after + 1)).astype(np.int64)
    kind = np.insert(np.full(orders, BUY), after + 1, CASH_OUT)
    who = np.insert(np.arange(first, first + orders), after + 1, holders)
    amount = np.insert(np.full(orders, SPEND_MICRO), after + 1, ALL)
    return machine.tape(kind, who, amount)


def time_kernel(sellers: float, *, capped: bool = True) -> tuple[float, Machine]:
    """Seconds for ORDERS orders."""
    made: list[Machine] = []
    tape = tape_of(machine_of(1, capped=capped), 0, ORDERS, sellers)

    def fresh() -> None:
        made.clear()
        made.append(machine_of(ORDERS, capped=capped))

    return best(lambda: made[0].play(tape), fresh), made[0]


def play_huge() -> None:
    """A hundred million orders, period by period; prints seconds and peak memory."""
    machine = machine_of(HUGE)
    begun, kernel = time.perf_counter(), 0.0
    for first in range(0, HUGE, CHUNK):
        tape = tape_of(machine, first, CHUNK, SELLERS)
        started = time.perf_counter()
        machine.play(tape)
        kernel += time.perf_counter() - started
    total = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{HUGE:,} orders: {total:.1f} s, of which kernels {kernel:.1f} s; peak {peak} MiB")
    print(f"    {machine[EXITS]:,} exits, {machine[CASHED] / 1e6:,.0f} cashed out")


def time_sweep() -> None:
    """A thousand runs on one process and on two, wall time."""
    tables = resolve(scenario_text("growth-stops"), Path())
    tables["time"]["periods"], tables["orders"]["stop_after"] = 60, 50
    points = sweep_points(tables, {}, {}, samples=1, seeds=1000)
    sweep(tables, points[:4], 1)
    seconds = []
    for workers in (1, 2):
        begun = time.perf_counter()
        sweep(tables, points, workers)
        seconds.append(time.perf_counter() - begun)
    one, two = seconds
    print(
        f"sweep of 1,000 runs: {one:.1f} s on one process, {two:.1f} s on two: {one / two:.2f}"
    )


def main() -> None:
    """Print every figure."""
    bare_chain(10, 1, 1)
    time_kernel(0.5)
    value = CONTRIBUTION_MICRO * 7 // 10
    chain = best(lambda: bare_chain(ORDERS, value, CONTRIBUTION_MICRO))
    print(f"bare chain: {chain / ORDERS * 1e9:.1f} ns a step, {ORDERS:,} steps")
    for name, sellers, capped in (
        ("purchases alone", 0.0, False),
        ("purchases with caps", 0.0, True),
        ("with caps and sales", SELLERS, True),
    ):
        seconds, machine = time_kernel(sellers, capped=capped)
        ratio = seconds / chain
        print(
            f"{name}: {seconds / ORDERS * 1e9:.1f} ns an order, {ratio:.2f} times the chain "
            f"({machine[EXITS]:,} exits)"
        )
    subprocess.run([sys.executable, "-m", "benchmarks.simulation", "huge"], check=True)
    if (os.cpu_count() or 1) > 1:
        time_sweep()


if __name__ == "__main__":
    play_huge() if sys.argv[1:] == ["huge"] else main()
