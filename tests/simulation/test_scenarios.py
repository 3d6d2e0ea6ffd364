"""Who orders what and who sells: each setting of a scenario by itself."""

from typing import Any

import numpy as np
import pytest

from springtide.core.policy_file import check_policy
from springtide.simulation.behaviours import BEHAVIOURS, Numbers, View, decide
from springtide.simulation.population import NOBODY, Drawn, Population, order_counts
from springtide.simulation.scenario import Scenario, read_scenario
from tests.core.history import ADVERT_B, COMMISSIONS, merged

REFERRING = merged(
    ADVERT_B,
    commission={"direct": COMMISSIONS["direct"], "indirect": COMMISSIONS["indirect"]},
)


def scenario_of(**tables: Any) -> Scenario:
    return read_scenario({"policy": ADVERT_B} | tables)


@pytest.mark.parametrize(
    ("orders", "counts"),
    [
        ({"per_period": 10}, [10, 10, 10, 10, 10, 10]),
        ({"per_period": 1.5}, [2, 1, 2, 1, 2, 1]),
        ({"growth": "linear", "per_period": 10, "rate": 0.5}, [10, 15, 20, 25, 30, 35]),
        ({"growth": "linear", "per_period": 10, "rate": -0.5}, [10, 5, 0, 0, 0, 0]),
        ({"growth": "exponential", "per_period": 10, "rate": 1.0}, [10, 20, 40, 80, 160, 320]),
        (
            {"growth": "logistic", "per_period": 10, "limit": 100, "rate": 2.0},
            [10, 45, 86, 98, 99, 100],
        ),
        ({"per_period": 10, "stop_after": 2}, [10, 10, 0, 0, 0, 0]),
        (
            {"per_period": 10, "season_length": 4, "season_strength": 0.5},
            [10, 15, 10, 5, 10, 15],
        ),
    ],
)
def test_orders_over_time(orders: dict[str, Any], counts: list[int]) -> None:
    assert order_counts(scenario_of(time={"periods": 6}, orders=orders)) == counts


def drawn(count: int = 20_000, **tables: Any) -> tuple[Population, Drawn]:
    scenario = scenario_of(**{"policy": REFERRING} | tables)
    population = Population(scenario, count)
    chance = np.random.default_rng(1)
    return population, population.draw(0, count, check_policy(REFERRING), chance)


@pytest.mark.parametrize(
    ("basket", "mean", "spread", "least", "most"),
    [
        ({"shape": "constant", "mean": 80}, 80, 0, 80, 80),
        ({"shape": "uniform", "mean": 80, "spread": 60}, 80, 60 / 3**0.5, 20, 140),
        # Of a lognormal the deviation is mean * sqrt(exp(sigma^2) - 1).
        ({"shape": "lognormal", "mean": 80, "spread": 0.5}, 80, 42.6, 5, 1000),
    ],
)
def test_baskets(
    basket: dict[str, Any], mean: float, spread: float, least: float, most: float
) -> None:
    _, orders = drawn(basket=basket)
    amounts = orders.amount / 1e6
    assert amounts.mean() == pytest.approx(mean, rel=0.02)
    assert amounts.std() == pytest.approx(spread, rel=0.05)
    assert least <= amounts.min() <= amounts.max() <= most
    assert (orders.amount % 10_000 == 0).all(), "an order is for whole cents"


def test_members_return_and_send_others() -> None:
    population, orders = drawn(members={"returning": 0.75, "referred": 0.6})
    assert population.count == pytest.approx(5_000, rel=0.05)
    above = population.referrer[: population.count]
    sent = above != NOBODY
    assert sent.mean() == pytest.approx(0.6, rel=0.05)
    assert (above[sent] < np.flatnonzero(sent)).all(), "a referrer came before"
    # A tree, not a list: some sent many, and some of those were themselves sent.
    assert np.bincount(above[sent]).max() > 10
    assert (above[above[sent]] != NOBODY).any()
    assert (orders.earned[orders.earner == NOBODY] == 0).all()
    assert population.commissions.sum() == orders.earned.sum() > 0
    alone, _ = drawn()
    assert alone.count == 20_000
    assert (alone.referrer == NOBODY).all()


def view_of(**changes: Any) -> View:
    members = np.arange(1_000)
    zeros = np.zeros(1_000, np.int64)
    told: dict[str, Any] = {
        "period": 20,
        "members": members,
        "cash_now": members * 10,
        "spent": zeros + 4_000,
        "received": zeros + 1_000,
        "joined": zeros,
        "prices": [1.0] * 22,
        "orders": [100] * 21,
        "chance": np.random.default_rng(1),
    }
    return View(**told | changes)


def chosen(name: str, view: View, **settings: float) -> Numbers:
    entry = BEHAVIOURS[name]
    return decide(entry, view, entry.settings | settings)


def test_behaviours() -> None:
    view = view_of()
    assert chosen("hold", view).size == 0
    assert chosen("cash out at once", view).size == 1_000
    assert chosen("sell at target", view, target=2.0).tolist() == list(range(700, 1_000))
    for name in ("sell at random", "redeem"):
        assert len(chosen(name, view, probability=0.3)) == pytest.approx(300, abs=60)
        assert chosen(name, view, probability=0.0).size == 0
    assert [name for name, entry in BEHAVIOURS.items() if entry.redeems] == ["redeem"]


@pytest.mark.parametrize(
    ("orders", "share"),
    [
        ([100] * 14, 0),  # nothing slows
        ([100] * 7 + [80] * 7, 0),  # not by enough
        ([100] * 7 + [40] * 7, 1),
        ([10] * 7 + [100] * 7 + [0] * 7, 1),  # only the last two windows count
        ([100] * 7 + [0] * 6, 0),  # too early to say
    ],
)
def test_panic_follows_falling_orders(orders: list[int], share: float) -> None:
    view = view_of(orders=orders)
    assert len(chosen("panic", view, window=7, below=0.5, probability=1.0)) == share * 1_000
