"""The pool in each tool, written as its tutorials write; run in the peers' environment.

    python -m benchmarks.peers.models TOOL ORDERS

Lots are kept beside the tools, in `pool`: as their own states or agents every step would look
at every holder, and the time would grow with the square of the orders. Where a tool keeps the
course of variables, it keeps the pool's.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.peers.pool import Pool

Work = Callable[[], object]


def plain(pool: Pool, orders: int) -> Work:
    """No tool: what Python itself takes."""

    def work() -> None:
        for _ in range(orders):
            pool.buy()

    return work


def simpy(pool: Pool, orders: int) -> Work:
    """A process for every customer, and one that sends them; it keeps no course."""
    import simpy as tool

    environment = tool.Environment()

    def customer() -> Any:
        yield environment.timeout(0.5)
        pool.buy()

    def source() -> Any:
        for _ in range(orders):
            environment.process(customer())
            yield environment.timeout(1)

    environment.process(source())
    return lambda: environment.run()


def mesa(pool: Pool, orders: int) -> Work:
    """An agent for every customer, and a collector of the pool after every step."""
    import mesa as tool  # says no types; nor do the classes made of it

    class Customer(tool.Agent):  # type: ignore[misc]
        def order(self) -> None:
            pool.buy()

    class Program(tool.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(seed=1)
            self.collector = tool.DataCollector(
                {
                    "reserve": lambda _: pool.reserve,
                    "supply": lambda _: pool.supply,
                    "price": lambda _: pool.reserve / pool.supply,
                }
            )

        def step(self) -> None:
            Customer(self).order()
            self.collector.collect(self)

    program = Program()

    def work() -> None:
        for _ in range(orders):
            program.step()

    return work


def _blocks(pool: Pool) -> list[dict[str, Any]]:
    """One policy, and an update of each variable: what cadCAD and radCAD have in common."""

    def order(params: Any, substep: Any, history: Any, previous: Any) -> dict[str, int]:
        pool.buy()
        return {"reserve": pool.reserve, "supply": pool.supply}

    def reserve(params: Any, substep: Any, history: Any, previous: Any, signal: Any) -> Any:
        return "reserve", signal["reserve"]

    def supply(params: Any, substep: Any, history: Any, previous: Any, signal: Any) -> Any:
        return "supply", signal["supply"]

    def price(params: Any, substep: Any, history: Any, previous: Any, signal: Any) -> Any:
        return "price", signal["reserve"] / signal["supply"]

    updates = {"reserve": reserve, "supply": supply, "price": price}
    return [{"policies": {"order": order}, "variables": updates}]


def _state(pool: Pool) -> dict[str, float]:
    price = pool.reserve / pool.supply
    return {"reserve": pool.reserve, "supply": pool.supply, "price": price}


def radcad(pool: Pool, orders: int) -> Work:
    """One run, without copies of the state, for it holds nothing but numbers."""
    from radcad import Engine, Experiment, Model, Simulation
    from radcad.engine import Backend

    model = Model(initial_state=_state(pool), state_update_blocks=_blocks(pool), params={})
    experiment = Experiment(Simulation(model=model, timesteps=orders, runs=1))
    experiment.engine = Engine(backend=Backend.SINGLE_PROCESS, deepcopy=False)
    return lambda: experiment.run()


def cadcad(pool: Pool, orders: int) -> Work:
    """One run in this process."""
    from cadCAD.configuration import Experiment
    from cadCAD.configuration.utils import config_sim
    from cadCAD.engine import ExecutionContext, ExecutionMode, Executor

    experiment = Experiment()
    experiment.append_configs(
        initial_state=_state(pool),
        partial_state_update_blocks=_blocks(pool),
        sim_configs=config_sim({"N": 1, "T": range(orders), "M": {"one": [1]}}),
    )
    context = ExecutionContext(ExecutionMode().local_mode)
    return lambda: Executor(exec_context=context, configs=experiment.configs).execute()


TOOLS: dict[str, Callable[[Pool, int], Work]] = {
    "plain Python": plain,
    "SimPy": simpy,
    "radCAD": radcad,
    "Mesa": mesa,
    "cadCAD": cadcad,
}


def main(tool: str, orders: str) -> None:
    """Play once; the last line has seconds of CPU and how the pool ends, as JSON."""
    pool = Pool()
    work = TOOLS[tool](pool, int(orders))
    begun = time.process_time()
    work()
    seconds = time.process_time() - begun
    print(json.dumps([seconds, pool.reserve, pool.supply, pool.exits]))


if __name__ == "__main__":
    main(*sys.argv[1:])
