"""`make bench-sim`, its second part: our kernels and the peers on the same model.

    python -m benchmarks.peers.compare PYTHON-OF-THE-PEERS

Seconds of CPU, each tool's best of three in a process of its own; ours are the best of many
before and after them. The clock is around playing alone: what an order contributes is worked
out before, here as there. Every tool must end with our reserve, supply and exits to the unit.
"""

import json
import subprocess
import sys
import time

import numpy as np

from benchmarks.peers.models import TOOLS
from benchmarks.simulation import machine_of
from springtide.simulation.layout import BUY, EXITS, FACTOR

ORDERS, AMOUNT_MICRO = 200_000, 10**9
TIMES = 3

End = tuple[int, int, int]


def ours() -> tuple[float, float, End]:
    """Seconds to play the orders, seconds with their pricing, and how the pool ends."""
    playing, all_of_it = [], []
    kind, amount = np.full(ORDERS, BUY), np.full(ORDERS, AMOUNT_MICRO)
    for _ in range(20):
        machine = machine_of(ORDERS)
        begun = time.thread_time()
        tape = machine.tape(kind, np.arange(ORDERS), amount, traced=True)
        tape.trace[:] = 0
        priced = time.thread_time()
        machine.play(tape)
        ended = time.thread_time()
        playing.append(ended - priced)
        all_of_it.append(ended - begun)
    assert machine[FACTOR] == 1, "the price passed a split, which the peers do not have"
    return min(playing), min(all_of_it), (*machine.pair, machine[EXITS])


def theirs(python: str, tool: str) -> tuple[float, End]:
    """Seconds of a tool to play them, and how its pool ends."""
    command = [python, "-W", "ignore", "-m", "benchmarks.peers.models", tool, str(ORDERS)]
    done = [
        subprocess.run(command, check=True, capture_output=True, text=True)
        for _ in range(TIMES)
    ]
    answers = [json.loads(one.stdout.splitlines()[-1]) for one in done]
    reserve, supply, exits = answers[0][1:]
    return min(answer[0] for answer in answers), (reserve, supply, exits)


def main(python: str) -> None:
    """Print how many times faster we are than each."""
    ours()  # compiles
    before = ours()
    taken = {tool: theirs(python, tool) for tool in TOOLS}
    after = ours()
    playing, all_of_it, end = min(before[0], after[0]), min(before[1], after[1]), before[2]
    print(
        f"{ORDERS:,} orders with caps and the pool's course: {playing / ORDERS * 1e9:.1f} ns "
        f"an order, {all_of_it / ORDERS * 1e9:.1f} ns with pricing"
    )
    for tool, (seconds, its_end) in taken.items():
        assert its_end == end, f"{tool} ends with {its_end}, we with {end}"
        each = seconds / ORDERS * 1e6
        print(
            f"{tool}: {each:.2f} us an order, {seconds / playing:,.0f} times ours "
            f"({seconds / all_of_it:,.0f} times with pricing)"
        )
    print(f"all end with the same pool: {end[2]:,} exits")


if __name__ == "__main__":
    main(*sys.argv[1:])
