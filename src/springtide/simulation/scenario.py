"""Scenarios: what happens in a what-if run, read from TOML and checked.

    seed = 1
    [policy]            preset = "advert-b", or file = "P.toml", or the tables of a policy;
                        tables beside a preset change it
    [time]              periods, name (of one period)
    [orders]            growth, per_period, rate, limit, stop_after, season_length,
                        season_strength; or file, a CSV with columns period,amount[,member]
    [basket]            shape, mean, spread
    [members]           returning, referred
    [sales]             pricing = "instant" or "batch"
    [[behaviour]]       name, share of the members, and what it needs
    [[shock]]           at (period), kind, and what it needs

Ratios and numbers are TOML numbers here, for they shape a random world; the policy keeps
its decimal strings.
"""

import tomllib
from dataclasses import dataclass, field, fields, replace
from typing import Any

from springtide.core.policy import Policy
from springtide.core.policy_file import check_policy
from springtide.simulation.behaviours import BEHAVIOURS

GROWTHS = ("constant", "linear", "exponential", "logistic")
BASKETS = ("constant", "uniform", "lognormal")
PRICINGS = ("instant", "batch")
SHOCKS = {
    "bank_run": {"share"},
    "refund_wave": {"share"},
    "injection": {"amount"},
    "policy": {"preset"},
    "custody": {"share"},
}
KNOWN = {
    "seed", "policy", "policies", "time", "orders", "basket", "members", "sales", "behaviour",
    "shock",
}  # fmt: skip
MOST_ORDERS = 200_000_000
MOST_BASKET = 1_000_000.0


class ScenarioError(ValueError):
    """A scenario that cannot be run: the setting, its value and the remedy."""


@dataclass(frozen=True)
class Time:
    """How long it runs."""

    periods: int = 365
    name: str = "day"


@dataclass(frozen=True)
class Orders:
    """How many orders each period brings."""

    growth: str = "constant"
    per_period: float = 100.0
    rate: float = 0.0
    """Of growth a period: a share of `per_period` (linear) or of the period before."""
    limit: float = 1000.0
    """Where logistic growth ends."""
    stop_after: int = 0
    """The period after which nobody orders; 0 for never."""
    season_length: int = 0
    season_strength: float = 0.0
    file: str = ""
    rows: tuple[tuple[int, int, str], ...] = ()
    """Of the file: period, amount in micro, member or nothing."""


@dataclass(frozen=True)
class Basket:
    """How much an order is for; `spread` is the half width, or the sigma of the logarithm."""

    shape: str = "constant"
    mean: float = 100.0
    spread: float = 0.0


@dataclass(frozen=True)
class Members:
    """Shares: of orders by members who came before, and of newcomers whom one sent."""

    returning: float = 0.0
    referred: float = 0.0


@dataclass(frozen=True)
class Behaviour:
    """What a share of the members do with their points."""

    name: str
    share: float
    settings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Shock:
    """What happens once, at the beginning of a period."""

    at: int
    kind: str
    share: float = 0.0
    amount: float = 0.0
    policy: Policy | None = None


@dataclass(frozen=True)
class Scenario:
    """Everything a run needs; the same scenario gives the same integers everywhere."""

    policy: Policy
    seed: int = 1
    time: Time = Time()
    orders: Orders = Orders()
    basket: Basket = Basket()
    members: Members = Members()
    pricing: str = "instant"
    behaviours: tuple[Behaviour, ...] = ()
    shocks: tuple[Shock, ...] = ()


def read_tables(text: str) -> dict[str, Any]:
    """The tables of a scenario file.

    Raises:
        ScenarioError: the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"not TOML: {error}") from None


def _record(kind: type, table: object, path: str) -> Any:
    """A record from a table; every value must have the type of its default."""
    if not isinstance(table, dict):
        raise ScenarioError(f"{path} is {table!r}; it must be a table")
    defaults = {one.name: one.default for one in fields(kind) if one.name != "rows"}
    for key, value in table.items():
        if key not in defaults:
            known = ", ".join(defaults)
            raise ScenarioError(f"{path}.{key} is not known here; known are {known}")
        kept = type(defaults[key])
        if isinstance(value, bool) or not (
            isinstance(value, kept) or (kept is float and isinstance(value, int))
        ):
            raise ScenarioError(f"{path}.{key} is {value!r}; give a {kept.__name__}")
    return kind(**{k: float(v) if type(defaults[k]) is float else v for k, v in table.items()})


def _within(path: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ScenarioError(f"{path} is {value}; give a number from {least:g} to {most:g}")


def _one_of(path: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ScenarioError(f"{path} is {value!r}; give one of {', '.join(known)}")


def _read_behaviour(table: dict[str, Any], path: str) -> Behaviour:
    settings = dict(table)
    name, share = settings.pop("name", None), settings.pop("share", 1.0)
    _one_of(f"{path}.name", name, tuple(BEHAVIOURS))
    known = BEHAVIOURS[name].settings
    for key, value in settings.items():
        _one_of(f"{path}, a setting", key, tuple(known))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ScenarioError(f"{path}.{key} is {value!r}; give a number")
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise ScenarioError(f"{path}.share is {share!r}; give a number")
    _within(f"{path}.share", share, 0, 1)
    return Behaviour(str(name), float(share), known | settings)


def _read_shock(table: dict[str, Any], path: str, policies: dict[str, Policy]) -> Shock:
    values = dict(table)
    kind, preset = values.get("kind"), values.pop("preset", None)
    _one_of(f"{path}.kind", kind, tuple(SHOCKS))
    needs = SHOCKS[str(kind)]
    for key in needs - {"preset"}:
        if key not in values:
            raise ScenarioError(f"{path}.{key} is missing; a {kind} needs it")
    for key in ("at", "share", "amount"):
        value = values.setdefault(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ScenarioError(f"{path}.{key} is {value!r}; give a number")
    _within(f"{path}.share", values["share"], 0, 1)
    _within(f"{path}.amount", values["amount"], 0, 1e12)
    if "preset" in needs and preset not in policies:
        raise ScenarioError(f"{path}.preset is {preset!r}; name the policy that follows")
    extra = values.keys() - {"at", "kind", "share", "amount"}
    if extra:
        raise ScenarioError(f"{path}.{min(extra)} is not known here; remove it")
    return Shock(**values, policy=policies[preset] if "preset" in needs else None)


def _tables(tables: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = tables.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ScenarioError(f"{key} must be tables, each under [[{key}]]")
    return rows


def read_scenario(tables: dict[str, Any]) -> Scenario:
    """A scenario from its tables, in which `policy` is a whole policy.

    `policies` may hold those that shocks name.

    Raises:
        ScenarioError: a setting is unknown, of the wrong type, or out of bounds.
        PolicyError: a policy cannot be used.
    """
    policies = {key: check_policy(value) for key, value in tables.get("policies", {}).items()}
    for key in tables.keys() - KNOWN:
        raise ScenarioError(f"{key} is not known here; remove or correct it")
    sales = tables.get("sales", {})
    if not isinstance(sales, dict) or sales.keys() - {"pricing"}:
        raise ScenarioError('sales has one setting: pricing = "instant" or "batch"')
    scenario = Scenario(
        policy=check_policy(tables.get("policy", {})),
        seed=tables.get("seed", 1),
        time=_record(Time, tables.get("time", {}), "time"),
        orders=_record(Orders, tables.get("orders", {}), "orders"),
        basket=_record(Basket, tables.get("basket", {}), "basket"),
        members=_record(Members, tables.get("members", {}), "members"),
        pricing=sales.get("pricing", "instant"),
        behaviours=tuple(
            _read_behaviour(row, f"behaviour {number + 1}")
            for number, row in enumerate(_tables(tables, "behaviour"))
        ),
        shocks=tuple(
            _read_shock(row, f"shock {number + 1}", policies)
            for number, row in enumerate(_tables(tables, "shock"))
        ),
    )
    check_scenario(scenario)
    return scenario


def check_scenario(scenario: Scenario) -> None:
    """Refuse what cannot be run.

    Raises:
        ScenarioError: a setting is out of bounds.
    """
    orders, basket, periods = scenario.orders, scenario.basket, scenario.time.periods
    if type(scenario.seed) is not int or not 0 <= scenario.seed < 2**63:
        raise ScenarioError(f"seed is {scenario.seed!r}; give a whole number from 0")
    _within("time.periods", periods, 1, 100_000)
    _one_of("orders.growth", orders.growth, GROWTHS)
    _one_of("basket.shape", basket.shape, BASKETS)
    _one_of("sales.pricing", scenario.pricing, PRICINGS)
    _within("orders.per_period", orders.per_period, 0, MOST_ORDERS)
    _within("orders.rate", orders.rate, -1, 10)
    _within("orders.season_strength", orders.season_strength, 0, 1)
    _within("basket.mean", basket.mean, 0.01, MOST_BASKET)
    _within("basket.spread", basket.spread, 0, basket.mean if basket.shape == "uniform" else 3)
    _within("members.returning", scenario.members.returning, 0, 1)
    _within("members.referred", scenario.members.referred, 0, 1)
    _within("the shares of all behaviours", sum(b.share for b in scenario.behaviours), 0, 1)
    if scenario.policy.cash_out_daily and scenario.pricing != "batch":
        raise ScenarioError(
            'policy.cash_out.execution is "daily"; set sales = { pricing = "batch" }, '
            "or leave it out"
        )
    for shock in scenario.shocks:
        _within("shock.at", shock.at, 0, periods - 1)
        if shock.policy and shock.policy.cap_per_member != scenario.policy.cap_per_member:
            raise ScenarioError("a policy shock cannot change cap.scope; keep it as it was")


def with_rows(scenario: Scenario, rows: tuple[tuple[int, int, str], ...]) -> Scenario:
    """The scenario with real orders in place of made-up ones."""
    return replace(scenario, orders=replace(scenario.orders, rows=rows))
