"""What a run did to whom: per period, per cohort, and in one row.

Money in micro and points in nano, as integers; shares and prices in floating point, for
people. Cash now is what all points would pay at the last price, less the fee.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from springtide.core.units import PPM
from springtide.simulation.closed_forms import highest_share_reaching_cap
from springtide.simulation.layout import (
    AMOUNT,
    BUYER,
    CONTRIBUTED,
    CONTRIBUTION,
    EXIT_PAID,
    EXITED,
    EXITS,
    GRANTED,
    LACKED,
    NET,
    ORDERS,
    POINTS,
    RESERVE,
    TAKEN_BACK,
    UNPAID,
    Ints,
)
from springtide.simulation.machine import Machine
from springtide.simulation.run import PERIOD_FIELDS, Run
from springtide.simulation.terms import cash_values

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MONTH = 30
"""Periods that are taken together where members are grouped by when they joined."""


COUNTED = ("exits", *(name for name in PERIOD_FIELDS if name.endswith("d_micro")))
"""Columns of a period that the pool counts since the start."""


@dataclass(frozen=True)
class Results:
    """The tables of a run."""

    summary: pd.DataFrame
    """One row."""
    periods: pd.DataFrame
    """The pool after every period; counts and sums are of that period."""
    cohorts: pd.DataFrame
    """Members, all, by tenth of arrival and by month of joining; orders by tenth."""
    members: pd.DataFrame
    """Every member."""


def cash_now(machine: Machine, points: Ints) -> Ints:
    """What points would pay now, each by itself; rounded down as a cash-out is."""
    return cash_values(points, *machine.pair, PPM - machine.policy.cash_out_fee_ppm)


def gini(values: NDArray[np.float64]) -> float:
    """How unequal: 0 if all have the same, near 1 if one has everything."""
    total = values.sum()
    if not total:
        return 0.0
    ordered, count = np.sort(values), len(values)
    ranks = np.arange(1, count + 1)
    return float((2 * (ranks * ordered).sum() / total - count - 1) / count)


_OF_LOTS = {
    "points_nano": POINTS,
    "received_micro": NET,
    "exits": EXITED,
    "unpaid_micro": LACKED,
}


def _member_table(run: Run) -> pd.DataFrame:
    machine, population = run.machine, run.population
    lots, owner = machine.book.lots, machine.member_of_lots()
    used = lots[:, POINTS] + lots[:, NET] + lots[:, EXITED] > 0
    count = population.count
    columns: dict[str, Any] = {
        "joined": population.joined[:count],
        "spent_micro": population.spent[:count],
        "commissions_micro": population.commissions[:count],
    }
    for name, place in _OF_LOTS.items():
        columns[name] = np.zeros(count, np.int64)
        np.add.at(columns[name], owner[used], lots[used, place])
    columns["received_micro"] -= columns["unpaid_micro"]
    columns["cash_now_micro"] = cash_now(machine, columns["points_nano"])
    orders = machine.book.orders[: machine[ORDERS]]
    for name, chosen in (("contributed_micro", CONTRIBUTION), ("refunded_micro", AMOUNT)):
        columns[name] = np.zeros(count, np.int64)
        rows = orders if chosen == CONTRIBUTION else orders[orders[:, GRANTED] == TAKEN_BACK]
        np.add.at(columns[name], rows[:, BUYER], rows[:, chosen])
    columns["spent_micro"] = columns["spent_micro"] - columns["refunded_micro"]
    return pd.DataFrame(columns).rename_axis("member")


def _order_table(run: Run) -> pd.DataFrame:
    """Every order as a lot of its own; only where the cap counts by order."""
    machine = run.machine
    count = machine[ORDERS]
    lots, orders = machine.book.lots[:count], machine.book.orders[:count]
    return pd.DataFrame(
        {
            "spent_micro": np.where(orders[:, GRANTED] == TAKEN_BACK, 0, orders[:, AMOUNT]),
            "contributed_micro": orders[:, CONTRIBUTION],
            "received_micro": lots[:, NET] - lots[:, LACKED],
            "cash_now_micro": cash_now(machine, lots[:, POINTS]),
            "exits": lots[:, EXITED],
        }
    )


def _per_spent(got: Ints, spent: Ints) -> NDArray[np.float64]:
    """What each got for what they spent; 0 for those whose orders were all refunded."""
    return np.where(spent > 0, got / np.maximum(spent, 1), 0.0)


def _cohort(kind: str, name: str, rows: pd.DataFrame) -> dict[str, Any]:
    spent = rows["spent_micro"].to_numpy()
    got = (rows["received_micro"] + rows["cash_now_micro"]).to_numpy()
    share = _per_spent(got, spent)
    figures: dict[str, Any] = {"cohort": kind, "name": name, "count": len(rows)}
    for column in ("spent_micro", "contributed_micro", "received_micro", "cash_now_micro"):
        figures[column] = int(rows[column].sum())
    figures["got_per_spent"] = float(got.sum() / max(int(spent.sum()), 1))
    figures["gain_micro"] = int(got.sum()) - figures["contributed_micro"]
    figures["reached_cap"] = float((rows["exits"] > 0).mean())
    figures["got_back"] = float((share >= 1).mean())
    for level, value in zip(QUANTILES, np.quantile(share, QUANTILES), strict=True):
        figures[f"q{round(level * 100):02d}"] = float(value)
    figures["gini"] = gini(got.astype(np.float64))
    return figures


def _tenths(kind: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    tenth = np.arange(len(rows)) * 10 // max(len(rows), 1)
    return [_cohort(kind, str(number + 1), part) for number, part in rows.groupby(tenth)]


def _cohort_table(run: Run, members: pd.DataFrame) -> pd.DataFrame:
    cohorts = [_cohort("all members", "", members)] if len(members) else []
    cohorts += _tenths("tenth of members", members)
    if not run.scenario.policy.cap_per_member:
        cohorts += _tenths("tenth of orders", _order_table(run))
    months = members.groupby(members["joined"] // MONTH)
    cohorts += [_cohort("joined in month", str(month + 1), part) for month, part in months]
    return pd.DataFrame(cohorts)


def _period_table(run: Run) -> pd.DataFrame:
    table = pd.DataFrame(run.periods)
    for name in COUNTED:
        table[name] = table[name].diff().fillna(table[name]).astype(np.int64)
    return table.set_index("period")


def _summary(run: Run, members: pd.DataFrame) -> dict[str, Any]:
    machine, policy = run.machine, run.scenario.policy
    spent = int(members["spent_micro"].sum())
    got = members["received_micro"] + members["cash_now_micro"]
    share = _per_spent(got.to_numpy(), members["spent_micro"].to_numpy())
    contributed = machine[CONTRIBUTED] / max(spent, 1)
    bound = None
    if policy.cap_ppm and not policy.cap_pays_credit:
        fee = policy.cash_out_fee_ppm / PPM
        bound = highest_share_reaching_cap(policy.cap_ppm / PPM, contributed, fee)
    return {
        "seed": run.scenario.seed,
        "orders": machine[ORDERS],
        "members": len(members),
        "spent_micro": spent,
        "contributed_micro": machine[CONTRIBUTED],
        "reserve_micro": machine[RESERVE],
        "price": machine.price,
        "exits": machine[EXITS],
        "exits_per_order": machine[EXITS] / max(machine[ORDERS], 1),
        "exits_per_order_bound": bound,
        "exit_paid_micro": machine[EXIT_PAID],
        "received_micro": int(members["received_micro"].sum()),
        "unpaid_micro": machine[UNPAID],
        "got_per_spent": float(got.sum() / max(spent, 1)),
        "got_per_spent_median": float(np.median(share)) if len(members) else 0.0,
        "got_back": float((share >= 1).mean()) if len(members) else 0.0,
        "gini": gini(got.to_numpy(np.float64)),
    }


def summarize(run: Run) -> dict[str, Any]:
    """The row of the summary alone: what a sweep needs, at half of the work."""
    return _summary(run, _member_table(run))


def tabulate(run: Run) -> Results:
    """The tables of a run."""
    members = _member_table(run)
    return Results(
        summary=pd.DataFrame([_summary(run, members)]),
        periods=_period_table(run),
        cohorts=_cohort_table(run, members),
        members=members,
    )
