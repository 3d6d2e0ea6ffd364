"""Scenarios: what a run did is what the reducer does with the same events."""

import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import springtide
from springtide.core.policy import Policy
from springtide.core.reducer import fold
from springtide.core.state import State, open_state
from springtide.core.units import PPM, format_money
from springtide.services.simulation import (
    Results,
    ScenarioError,
    list_scenarios,
    load,
    read_scenario,
    scenario_text,
)
from springtide.services.simulation_report import write_report
from springtide.simulation import layout
from springtide.simulation.behaviours import BEHAVIOURS, Numbers, View
from springtide.simulation.results import cash_now, gini, tabulate
from springtide.simulation.run import Run, run
from tests.core.history import ADVERT_B, COMMISSIONS, merged
from tests.simulation.histories import member_id, order_id
from tests.spec import PAGES

POLICY = merged(
    ADVERT_B,
    split={"unallocated": "pool"},
    cap={"multiple": "0.3"},
    points={"split_at": "3.00"},
    commission={"direct": COMMISSIONS["direct"], "indirect": COMMISSIONS["indirect"]},
)

EVERYTHING: dict[str, Any] = {
    "policy": POLICY,
    "policies": {"later": merged(POLICY, cash_out={"fee": "0.30"}, cap={"multiple": "0.2"})},
    "time": {"periods": 40},
    "orders": {"per_period": 40, "growth": "linear", "rate": 0.05, "stop_after": 35},
    "basket": {"shape": "lognormal", "spread": 0.7},
    "members": {"returning": 0.5, "referred": 0.6},
    "behaviour": [
        {"name": "sell at random", "share": 0.2, "probability": 0.1},
        {"name": "sell at target", "share": 0.2, "target": 0.15},
        {"name": "panic", "share": 0.2, "window": 2, "below": 0.9},
        {"name": "redeem", "share": 0.1},
        {"name": "cash out at once", "share": 0.1},
    ],
    "shock": [
        {"at": 10, "kind": "refund_wave", "share": 0.1},
        {"at": 15, "kind": "injection", "amount": 3000},
        {"at": 20, "kind": "policy", "preset": "later"},
        {"at": 30, "kind": "custody", "share": 1.0},
        {"at": 30, "kind": "bank_run", "share": 0.3},
    ],
}


def as_events(done: Run) -> list[list[dict[str, object]]]:
    """What every period's tape says, as the reducer wants to hear it."""
    periods, orders, number = [], 0, 0
    for tape in done.tapes:
        events: list[dict[str, object]] = []
        for (kind, _), who, money in zip(tape.codes, tape.who, tape.money, strict=True):
            number += 1
            amount = int(money[layout.AMOUNT])
            event: dict[str, object] = {"id": f"e{number}", "member": member_id(int(who))}
            if kind == layout.BUY:
                above = int(done.population.referrer[who])
                event |= {"type": "purchase", "id": order_id(orders)}
                event |= {"amount": format_money(amount)}
                event |= {"referrer": member_id(above) if above >= 0 else ""}
                orders += 1
            elif kind == layout.REQUEST:
                wishes = cast(list[dict[str, str]], events[-1]["requests"])
                wishes.append({"member": member_id(int(who)), "points": "all"})
                continue
            elif kind == layout.BATCH:
                event = {"id": f"e{number}", "type": "cash_out_batch", "requests": []}
            elif kind == layout.REFUND:
                event = {"id": f"e{number}", "type": "refund", "order": order_id(int(who))}
            elif kind == layout.INJECT:
                event = {"id": f"e{number}", "type": "inject", "amount": format_money(amount)}
            else:
                event["points"] = "all"
                redeems = kind == layout.REDEEM
                event |= (
                    {"type": "redeem", "merchant": "shop"} if redeems else {"type": "cash_out"}
                )
            events.append(event)
        periods.append(events)
    return periods


def replayed(done: Run, changes: dict[int, Policy]) -> State:
    state = open_state(done.scenario.policy)
    for period, events in enumerate(as_events(done)):
        state.policy = changes.get(period, state.policy)
        for event in events:
            fold(state, event)
    return state


@pytest.mark.parametrize("pricing", ["instant", "batch"])
@pytest.mark.parametrize("scope", ["order", "member"])
def test_a_run_is_what_the_reducer_does(pricing: str, scope: str) -> None:
    tables = EVERYTHING | {"sales": {"pricing": pricing}}
    tables |= {"policy": merged(POLICY, cap={"scope": scope})}
    tables |= {
        "policies": {"later": merged(EVERYTHING["policies"]["later"], cap={"scope": scope})}
    }
    scenario = read_scenario(tables)
    done = run(scenario, keep_tapes=True)
    later = next(shock.policy for shock in scenario.shocks if shock.policy)
    state = replayed(done, {20: later})
    machine = done.machine
    assert machine.pair == state.pair
    assert machine[layout.FACTOR] == state.split_factor
    points = np.zeros(done.population.count, np.int64)
    for lot in state.lots.values():
        points[int(lot.member[1:])] += lot.points_nano
    results = tabulate(done)
    assert (results.members["points_nano"] == points).all()
    paid = sum(lot.net_micro for lot in state.lots.values())
    assert (results.members["received_micro"] + results.members["unpaid_micro"]).sum() == paid
    earned = {k: v for k, v in state.balances.items() if k.startswith("wallet:")}
    assert machine[layout.EXITS] > 0 < machine[layout.UNPAID]
    assert machine[layout.SHORTFALL] > 0 < machine[layout.REDEEMED]
    assert results.members["commissions_micro"].sum() > 0 < len(earned)


def _same(one: Results, other: Results) -> bool:
    return all(
        getattr(one, name).equals(getattr(other, name))
        for name in ("summary", "periods", "cohorts", "members")
    )


def test_the_seed_decides_everything() -> None:
    first, again, other = (
        tabulate(run(read_scenario(EVERYTHING | {"seed": seed}))) for seed in (1, 1, 2)
    )
    assert _same(first, again)
    assert not _same(first, other)


def test_the_tables_add_up() -> None:
    done = run(read_scenario(EVERYTHING))
    results = tabulate(done)
    periods, members, cohorts = results.periods, results.members, results.cohorts
    paid_in = 10**6 + periods["contributed_micro"].sum() + periods["injected_micro"].sum()
    owed = (members["received_micro"] + members["unpaid_micro"]).sum()
    paid_out = owed + periods["released_micro"].sum()
    # What refunds recovered from buyers went to the merchant, but for the surplus.
    machine = done.machine
    orders = machine.book.orders
    back = orders[orders[:, layout.GRANTED] == layout.TAKEN_BACK, layout.CONTRIBUTION].sum()
    gaps = back - machine[layout.RELEASED] - machine[layout.RECOVERED]
    surplus = machine[layout.SHORTFALL] - gaps
    kept = paid_in - paid_out - machine[layout.RECOVERED] + surplus
    assert kept == machine[layout.RESERVE]
    for kind in ("tenth of members", "tenth of orders", "joined in month"):
        rows = cohorts[cohorts["cohort"] == kind]
        assert rows["received_micro"].sum() == members["received_micro"].sum(), kind
        assert rows["spent_micro"].sum() == members["spent_micro"].sum(), kind
    held = members["points_nano"].to_numpy()
    assert (cash_now(done.machine, held) == members["cash_now_micro"]).all()


def test_gini() -> None:
    assert gini(np.array([5.0, 5.0, 5.0])) == pytest.approx(0)
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)


def test_a_behaviour_of_ones_own() -> None:
    @springtide.behaviour("leave on a day", day=3)
    def leave(view: View, day: float) -> Numbers:
        return view.members if view.period == day else view.members[:0]

    try:
        tables = {"policy": ADVERT_B, "time": {"periods": 6}, "orders": {"per_period": 10}}
        tables["behaviour"] = [{"name": "leave on a day", "day": 4}]
        results = tabulate(run(read_scenario(tables)))
    finally:
        del BEHAVIOURS["leave on a day"]
    cashed = results.periods["cashed_micro"]
    assert (cashed > 0).tolist() == [False, False, False, False, True, False]


def test_orders_from_a_file(tmp_path: Any) -> None:
    (tmp_path / "orders.csv").write_text(
        "period,amount,member\n0,10.00,a\n1,5.50,b\n1,2.00,a\n"
    )
    text = '[policy]\npreset = "advert-b"\n[time]\nperiods = 2\n[orders]\nfile = "orders.csv"\n'
    (tmp_path / "mine.toml").write_text(text)
    results = springtide.simulate(tmp_path / "mine.toml")
    assert results.members["spent_micro"].tolist() == [12_000_000, 5_500_000]
    (tmp_path / "orders.csv").write_text("period,amount\n7,10.00\n")
    with pytest.raises(ScenarioError, match="line 2"):
        load(text, tmp_path)


def test_daily_cash_outs_are_simulated_in_batches_or_not_at_all() -> None:
    tables = EVERYTHING | {"policy": merged(POLICY, cash_out={"execution": "daily"})}
    with pytest.raises(ScenarioError, match='pricing = "batch"'):
        read_scenario(tables)
    scenario = read_scenario(tables | {"sales": {"pricing": "batch"}})
    assert scenario.policy.cash_out_daily


def documented() -> list[list[str]]:
    """The table of presets in docs/scenarios.md."""
    page = (PAGES.parent / "scenarios.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_the_documented_presets_are_those_there_are() -> None:
    page = " ".join((PAGES.parent / "scenarios.md").read_text().split())
    assert [row[0] for row in documented()] == list(list_scenarios())
    assert all(f"**{name}.** {story}" in page for name, story in list_scenarios().items())


@pytest.mark.parametrize("row", documented(), ids=lambda row: str(row[0]))
def test_presets_come_out_as_documented(row: list[str]) -> None:
    results = springtide.simulate(row[0])
    summary, cohorts = results.summary.iloc[0], results.cohorts
    tenths = cohorts[cohorts["cohort"] == "tenth of members"]
    assert row[1:] == [
        str(int(summary["orders"])),
        f"{100 * tenths.iloc[0]['q50']:.2f}",
        f"{100 * summary['got_per_spent_median']:.2f}",
        f"{100 * tenths.iloc[-1]['q50']:.2f}",
        f"{summary['exits_per_order']:.3%}",
    ]
    bound = summary["exits_per_order_bound"]
    assert bound is None or summary["exits_per_order"] <= bound
    kept = (PAGES.parent / "reports" / f"{row[0]}.html").read_text()
    text = scenario_text(row[0])
    keep = 1 - load(text, Path()).policy.cash_out_fee_ppm / PPM
    made = write_report(row[0], text, results, keep)
    assert outside_charts(kept) == outside_charts(made), "make reports"


def outside_charts(report: str) -> str:
    """A report without its pictures, whose strokes depend on who draws them."""
    return re.sub(r"<svg.*?</svg>", "", report, flags=re.DOTALL)
