"""Small what-if runs, for pages that people wait for: a scenario, perhaps under a draft.

What comes back is small enough to be kept in memory: a curve, tenths of the members, a few
figures. The simulator plays no limits of `[controls]`; a rehearsal says that it left them out.
Its compiler is large, so it is loaded when the first scenario is asked for.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from springtide.core.units import MICRO, PPM
from springtide.services.presets import shipped, story_of

if TYPE_CHECKING:
    from springtide.services.simulation import Results, Scenario

MOST_ORDERS = 250_000
MOST_PERIODS = 1_500
MOST_POINTS = 200
"""Points of the curve that are kept."""

FOR_DRAFTS = "new-platform"
"""The preset that a draft is rehearsed with."""


class CannotPlay(ValueError):
    """A scenario that cannot be played here: what is wrong and the remedy."""


@dataclass(frozen=True, slots=True)
class Point:
    """The pool after a period; money in micro, in points of the opening."""

    period: int
    price: int
    cash: int
    reserve: int
    paid_in: int


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the members by arrival; money in micro, shares for 100 spent."""

    name: str
    spent: int
    contributed: int
    received: int
    cash_now: int
    gain: int
    low: float
    median: float
    high: float
    reached_cap: float
    got_back: float


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a scenario did to whom."""

    orders: int
    members: int
    reserve: int
    exits: int
    unpaid: int
    """Owed and not paid, which only happens where money was taken out of the pool."""
    median: float
    """What the median member has for 100 spent."""
    got_back: float
    """The share of members with at least what they spent."""
    points: list[Point]
    tenths: list[Tenth]
    without_controls: bool


def list_scenarios() -> dict[str, str]:
    """Names of the preset scenarios, each with its story in plain words."""
    return {name: story_of(text) for name, text in shipped("scenarios").items()}


def scenario_text(preset: str) -> str:
    """The file of a preset that is one of `list_scenarios`."""
    return shipped("scenarios")[preset]


def prepare(text: str, policy_toml: str | None = None) -> tuple["Scenario", bool]:
    """A scenario to be rehearsed, and whether limits were left out of its policy.

    With a policy's text, that is the policy; else the one of the scenario.

    Raises:
        CannotPlay: it is wrong, too large, or names a file.
    """
    from springtide.services import simulation
    from springtide.simulation.population import order_counts
    from springtide.simulation.scenario import read_tables

    try:
        scenario, without = _read(text, policy_toml, read_tables, simulation)
        orders = sum(order_counts(scenario))
    except simulation.REFUSALS as error:
        raise CannotPlay(str(error)) from None
    if scenario.time.periods > MOST_PERIODS:
        raise CannotPlay(
            f"time.periods is {scenario.time.periods}; give {MOST_PERIODS} at most here"
        )
    if orders > MOST_ORDERS:
        raise CannotPlay(
            f"orders.per_period makes {orders:,} orders; here {MOST_ORDERS:,} are played at "
            "most; lower it, or run `springtide simulate`"
        )
    return scenario, without


def _read(
    text: str,
    policy_toml: str | None,
    read_tables: Callable[[str], dict[str, Any]],
    simulation: Any,
) -> tuple["Scenario", bool]:
    given = read_tables(text)
    for table in ("policy", "orders"):
        if isinstance(given.get(table), dict) and "file" in given[table]:
            raise CannotPlay(f"{table}.file: there are no files here; remove it")
    tables = simulation.resolve(text, Path())
    if policy_toml is not None:
        tables["policy"] = tomllib.loads(policy_toml)
    limits = tables["policy"].pop("controls", None)
    if tables["policy"].get("cash_out", {}).get("execution") == "daily":
        tables["sales"] = {"pricing": "batch"}
    return simulation.read_scenario(tables), bool(limits)


def rehearse(
    scenario: "Scenario", *, without_controls: bool, progress: Callable[[int], None]
) -> tuple[Rehearsal, "Results"]:
    """Play a scenario; `progress` is told 1 after every period.

    Raises:
        CannotPlay: the simulator does not know one of its rules, or a number grew too large.
    """
    from springtide.services import simulation

    try:
        results = simulation.simulate(scenario, progress=lambda orders: progress(1))
    except simulation.REFUSALS as error:
        raise CannotPlay(str(error)) from None
    row = results.summary.iloc[0]
    keep = PPM - scenario.policy.cash_out_fee_ppm
    found = Rehearsal(
        orders=int(row["orders"]),
        members=int(row["members"]),
        reserve=int(row["reserve_micro"]),
        exits=int(row["exits"]),
        unpaid=int(row["unpaid_micro"]),
        median=100 * float(row["got_per_spent_median"]),
        got_back=float(row["got_back"]),
        points=_points(results, keep),
        tenths=_tenths(results),
        without_controls=without_controls,
    )
    return found, results


def _points(results: "Results", keep: int) -> list[Point]:
    table: Any = results.periods
    paid_in = (table["contributed_micro"] + table["injected_micro"]).cumsum()
    step = max(-(-len(table) // MOST_POINTS), 1)
    rows = []
    for place in range((len(table) - 1) % step, len(table), step):
        row = table.iloc[place]
        price = int(row["price"] * MICRO)
        rows.append(
            Point(
                int(table.index[place]), price, price * keep // PPM,
                int(row["reserve_micro"]), int(paid_in.iloc[place]),
            )
        )  # fmt: skip
    return rows


def _tenths(results: "Results") -> list[Tenth]:
    table: Any = results.cohorts
    rows = table[table["cohort"] == "tenth of members"] if len(table) else table
    return [
        Tenth(
            name=str(row["name"]),
            spent=int(row["spent_micro"]),
            contributed=int(row["contributed_micro"]),
            received=int(row["received_micro"]),
            cash_now=int(row["cash_now_micro"]),
            gain=int(row["gain_micro"]),
            low=100 * float(row["q05"]),
            median=100 * float(row["q50"]),
            high=100 * float(row["q95"]),
            reached_cap=float(row["reached_cap"]),
            got_back=float(row["got_back"]),
        )
        for _, row in rows.iterrows()
    ]
