"""Loaded once, by the server from which the workers of a sweep are forked.

To import numba and pandas, and to load the compiled kernels, takes as long as many runs do; a
worker that is forked afterwards has it all.
"""

from springtide.simulation.results import summarize
from springtide.simulation.run import run
from springtide.simulation.scenario import read_scenario

summarize(
    run(
        read_scenario(
            {
                "policy": {
                    "split": {"take_rate": "0.20", "platform": "0", "distribution": "0"},
                    "points": {"grant_ratio": "0.70"},
                    "cash_out": {"fee": "0.20"},
                },
                "time": {"periods": 2},
                "orders": {"per_period": 10},
                "behaviour": [{"name": "cash out at once"}],
            }
        )
    )
)
