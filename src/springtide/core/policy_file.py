"""Reading a policy file: every parameter is checked, and a refusal names it.

A policy is refused before it is used if a parameter is missing, unknown or out of
bounds, or if its commissions could ever ask for more than a sale distributes.

Source: SPEC.md section 3.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import cast

from springtide.core.events import is_name, is_region
from springtide.core.policy import LevelRule, Policy, PolicyError, Promotion, Terms
from springtide.core.units import (
    LIMIT,
    MICRO,
    PPM,
    format_fraction,
    format_money,
    format_ratio,
    parse_decimal,
    parse_money,
)

RATIO_DECIMALS = 6

_DURATION = re.compile(r"([0-9]{1,5})([dhm])", re.ASCII)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}


class _Table:
    """A table of the file, read key by key; whatever nobody asked for is refused."""

    def __init__(self, values: object, path: str) -> None:
        if not isinstance(values, dict):
            raise PolicyError(f"{path} is {values!r}; it must be a table")
        self._values = cast(dict[str, object], dict(values))
        self._path = path
        self._children: list[_Table] = []

    def name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def take(self, key: str) -> object:
        return self._values.pop(key, None)

    def table(self, key: str) -> "_Table":
        value = self.take(key)
        child = _Table({} if value is None else value, self.name(key))
        self._children.append(child)
        return child

    def has(self, key: str) -> bool:
        return key in self._values

    def multiple(self, key: str) -> int:
        """A positive decimal that may pass 1, in ppm."""
        return self._number(
            key, None, lambda text: parse_decimal(text, RATIO_DECIMALS), '"1.2"'
        )

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def close(self) -> None:
        for key in self._values:
            raise PolicyError(f"{self.name(key)} is not known here; remove or correct it")
        for child in self._children:
            child.close()

    def _number(
        self, key: str, default: str | None, parse: Callable[[object], int], form: str
    ) -> int:
        value = self.take(key)
        value = default if value is None else value
        if value is None:
            raise PolicyError(f"{self.name(key)} is missing; give it as a string like {form}")
        try:
            return parse(value)
        except ValueError as error:
            raise PolicyError(f"{self.name(key)}: {error}; give it like {form}") from None

    def ratio(self, key: str, default: str | None = None, *, below_one: bool = False) -> int:
        """A ratio in 0..1 as ppm; with `below_one`, 1 itself is refused."""
        ppm = self._number(
            key, default, lambda text: parse_decimal(text, RATIO_DECIMALS), '"0.20"'
        )
        highest = PPM - 1 if below_one else PPM
        if ppm > highest:
            bound = "below 1" if below_one else "in 0..1"
            raise PolicyError(
                f"{self.name(key)} is {format_ratio(ppm)}; a ratio must be {bound}"
            )
        return ppm

    def money(self, key: str, default: str | None = None) -> int:
        micro = self._number(key, default, parse_money, '"5000.00"')
        if micro > LIMIT:
            raise PolicyError(f"{self.name(key)} passes 2^63 - 1 micro; lower it")
        return micro

    def optional_money(self, key: str) -> int | None:
        return self.money(key) if self.has(key) else None

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        value = self.take(key)
        value = default if value is None else value
        if type(value) is not int or not least <= value <= most:
            raise PolicyError(
                f"{self.name(key)} is {value!r}; give a whole number from {least} to {most}"
            )
        return value

    def choice(self, key: str, default: str, other: str) -> bool:
        """Whether `other` was chosen instead of the default."""
        value = self.take(key)
        if value in (None, default, other):
            return value == other
        raise PolicyError(f'{self.name(key)} is {value!r}; give "{default}" or "{other}"')

    def person(self, key: str) -> str:
        value = self.take(key)
        if not is_name(value):
            raise PolicyError(f"{self.name(key)} is {value!r}; give the id of a member")
        return cast(str, value)

    def region(self, key: str) -> str:
        value = self.take(key)
        if value is None:
            return ""
        if not is_region(value):
            raise PolicyError(f"{self.name(key)} is {value!r}; give 2, 4 or 6 digits")
        return cast(str, value)


def _seconds(orders: _Table) -> int:
    value = orders.take("settle_after")
    match = _DURATION.fullmatch("0d" if value is None else str(value))
    if match is None:
        raise PolicyError(
            f'{orders.name("settle_after")} is {value!r}; give days, hours or minutes like "7d"'
        )
    return int(match[1]) * _SECONDS[match[2]]


def _merchants(table: _Table, take_ppm: int, split: tuple[int, int]) -> dict[str, Terms]:
    merchants = {}
    for key in table:
        if not is_name(key):
            raise PolicyError(f"{table.name(key)} cannot name a merchant")
        shop = table.table(key)
        merchants[key] = Terms(
            take_ppm=shop.ratio("take_rate", format_ratio(take_ppm)),
            region=shop.region("region"),
            recruiter=shop.person("recruiter") if shop.has("recruiter") else "",
            platform_ppm=split[0],
            distribution_ppm=split[1],
        )
    return merchants


def _people(table: _Table, is_key: Callable[[object], bool], keys: str) -> dict[str, str]:
    people = {}
    for key in table:
        if not is_key(key):
            raise PolicyError(f"{table.name(key)}: the key must be {keys}")
        people[key] = table.person(key)
    return people


def _level_rates(table: _Table) -> dict[str, int]:
    return {key: table.ratio(key) for key in table}


def _promotion(referral: _Table, commission: _Table, level: _Table) -> Promotion:
    rules = level.table("rules")
    return Promotion(
        bind_days=referral.whole("bind_days", 0, 1, 3_660)
        if referral.has("bind_days")
        else None,
        visible=not referral.choice("visible", "yes", "no"),
        hold_days=commission.whole("hold_days", 0, 0, 3_660),
        by_statement=commission.choice("mode", "wallet", "statement"),
        level_days=level.whole("period_days", 30, 1, 3_660),
        level_rules={key: _level_rule(rules.table(key)) for key in rules},
    )


def _level_rule(rule: _Table) -> LevelRule:
    found = LevelRule(rule.money("own_spend", "0"), rule.money("team_sales", "0"))
    if not any(found):
        raise PolicyError(f"{rule.name('own_spend')}: give it or team_sales, above zero")
    return found


def _check_rules(policy: Policy) -> None:
    for level in policy.promotion.level_rules:
        if level not in policy.level_rates_ppm:
            raise PolicyError(
                f"commission.level.rules.{level} has no rate; give it one, or remove the rule"
            )


def _check_pool(policy: Policy) -> None:
    if policy.platform_ppm + policy.distribution_ppm > PPM:
        total = format_ratio(policy.platform_ppm + policy.distribution_ppm)
        raise PolicyError(
            f"split.platform + split.distribution is {total}; it may be 1 at most"
        )
    if policy.start_price_micro == 0:
        raise PolicyError("points.start_price is 0; it must be above zero")
    least = max(policy.start_price_micro, MICRO)
    if 0 < policy.opening_reserve_micro < least:
        raise PolicyError(
            f"opening_reserve is {format_money(policy.opening_reserve_micro)}; give at least "
            f"{format_money(least)}: 1.00, and one point at points.start_price"
        )
    if policy.opening_supply_nano > LIMIT:
        raise PolicyError("opening_reserve at points.start_price passes 2^63 - 1; lower it")
    if policy.split_at_micro is not None and policy.split_at_micro <= policy.start_price_micro:
        raise PolicyError("points.split_at must exceed start_price; raise or remove it")
    if policy.cap_ppm == 0:
        raise PolicyError("cap.multiple is 0; it must be above zero, or remove [cap]")


def check_budget(policy: Policy, merchant: str) -> None:
    """Refuse terms under which commissions could pass what a sale distributes.

    Raises:
        PolicyError: with the sum that passes, the budget and the merchant.

    Source: SPEC.md section 3; docs/algorithms/commission.md.
    """
    whose = f"merchant {merchant}" if merchant else "the policy"
    check_terms(policy, policy.terms_of(merchant), whose)


def check_terms(policy: Policy, terms: Terms, whose: str) -> None:
    """Refuse terms under which commissions could pass what a sale distributes.

    Raises:
        PolicyError: with the sum that passes and the budget.
    """
    worst_ppm = policy.worst_commission_ppm()
    if worst_ppm * PPM > terms.take_ppm * terms.distribution_ppm:
        budget = format_fraction(terms.take_ppm * terms.distribution_ppm, PPM**2)
        raise PolicyError(
            f"commissions can reach {format_ratio(worst_ppm)} of an order, but {whose} "
            f"distributes only take_rate {format_ratio(terms.take_ppm)} x distribution "
            f"{format_ratio(terms.distribution_ppm)} = {budget}; lower a rate"
        )


def read_policy(text: str) -> Policy:
    """Read and check a policy file.

    Raises:
        PolicyError: what is wrong, where, and what would be right.

    Source: SPEC.md section 3.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not a TOML file: {error}") from None
    return check_policy(document)


def check_policy(document: dict[str, object]) -> Policy:
    """Check the tables of a policy file.

    Raises:
        PolicyError: as `read_policy`.
    """
    policy = _read(_Table(document, ""))
    _check_pool(policy)
    _check_rules(policy)
    for merchant in ("", *policy.merchants):
        check_budget(policy, merchant)
    return policy


def _read(root: _Table) -> Policy:
    opening_micro = root.money("opening_reserve", "1.00")
    split, points = root.table("split"), root.table("points")
    cash_out, redeem = root.table("cash_out"), root.table("redeem")
    refund, orders = root.table("refund"), root.table("orders")
    capped = root.has("cap")
    cap = root.table("cap")
    commission = root.table("commission")
    territory, level = commission.table("territory"), commission.table("level")
    rates = level.table("rates")
    merchants, agents = root.table("merchants"), root.table("agents")
    levels = root.table("levels")
    take_ppm = split.ratio("take_rate")
    platform_ppm, distribution_ppm = split.ratio("platform"), split.ratio("distribution")
    policy = Policy(
        opening_reserve_micro=opening_micro,
        take_ppm=take_ppm,
        platform_ppm=platform_ppm,
        distribution_ppm=distribution_ppm,
        rest_to_pool=split.choice("unallocated", "platform", "pool"),
        start_price_micro=points.money("start_price", "1.00"),
        grant_ppm=points.ratio("grant_ratio"),
        max_grant_value_micro=points.optional_money("max_grant_value"),
        split_at_micro=points.optional_money("split_at"),
        split_factor=points.whole("split_factor", 10, 2, 1_000_000),
        cash_out_fee_ppm=cash_out.ratio("fee", below_one=True),
        redeem_fee_ppm=redeem.ratio("fee", "0", below_one=True),
        shortfall_on_platform=refund.choice("bearer", "merchant", "platform"),
        settle_after_s=_seconds(orders),
        cap_ppm=cap.multiple("multiple") if capped else None,
        cap_per_member=cap.choice("scope", "order", "member"),
        cap_pays_credit=cap.choice("payout", "cash", "credit"),
        direct_ppm=commission.ratio("direct", "0"),
        indirect_ppm=commission.ratio("indirect", "0"),
        recruiter_ppm=commission.ratio("recruiter", "0"),
        territory_ppm=(
            territory.ratio("district", "0"),
            territory.ratio("city", "0"),
            territory.ratio("province", "0"),
        ),
        level_depth=level.whole("max_depth", 0, 0, 1_000),
        peer_ppm=level.ratio("peer", "0"),
        level_rates_ppm=_level_rates(rates),
        merchants=_merchants(merchants, take_ppm, (platform_ppm, distribution_ppm)),
        agents=_people(agents, is_region, "a region of 2, 4 or 6 digits of GB/T 2260"),
        levels=_people(levels, is_name, "the id of a member"),
        promotion=_promotion(root.table("referral"), commission, level),
    )
    root.close()
    return policy
