"""Reading a policy file: every parameter is checked, and a refusal names it.

A policy is refused before it is used if a parameter is missing, unknown or out of
bounds, or if its commissions could ever ask for more than a sale distributes.

What each parameter does stands in docs/algorithms/.
"""

import re
import tomllib
from collections.abc import Callable

from springtide.core.event_fields import is_name, is_region
from springtide.core.policy import (
    Controls,
    LevelRule,
    Policy,
    PolicyError,
    Promotion,
    Terms,
    WithdrawalTerms,
)
from springtide.core.policy_table import Table
from springtide.core.units import (
    CENT,
    LIMIT,
    MICRO,
    PPM,
    format_fraction,
    format_money,
    format_ratio,
)

RATIO_DECIMALS = 6

_DURATION = re.compile(r"([0-9]{1,5})([dhm])", re.ASCII)
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def _seconds(orders: Table) -> int:
    value = orders.take("settle_after")
    match = _DURATION.fullmatch("0d" if value is None else str(value))
    if match is None:
        raise PolicyError(
            f'{orders.name("settle_after")} is {value!r}; give days, hours or minutes like "7d"'
        )
    return int(match[1]) * _SECONDS[match[2]]


def _cash_out_fee(cash_out: Table, redeem_fee_ppm: int, *, enabled: bool) -> int:
    """Without cash-outs, what points are worth is what a redemption pays."""
    if enabled:
        return cash_out.ratio("fee", below_one=True)
    if cash_out.has("fee"):
        raise PolicyError("cash_out.fee means nothing where cash_out.enabled is false; drop it")
    return redeem_fee_ppm


def _notice(policy: Table) -> int | None:
    return policy.whole("notice_days", 0, 0, 365) if policy.has("notice_days") else None


def _time_of_day(cash_out: Table) -> int:
    value = cash_out.take("at")
    match = _TIME.fullmatch("02:00" if value is None else str(value))
    if match is None:
        raise PolicyError(
            f'{cash_out.name("at")} is {value!r}; give hours and minutes UTC like "02:00"'
        )
    return int(match[1]) * 3_600 + int(match[2]) * 60


def _merchants(table: Table, take_ppm: int, split: tuple[int, int]) -> dict[str, Terms]:
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


def _people(table: Table, is_key: Callable[[object], bool], keys: str) -> dict[str, str]:
    people = {}
    for key in table:
        if not is_key(key):
            raise PolicyError(f"{table.name(key)}: the key must be {keys}")
        people[key] = table.person(key)
    return people


def _level_rates(table: Table) -> dict[str, int]:
    return {key: table.ratio(key) for key in table}


def _withdrawal(table: Table) -> WithdrawalTerms:
    terms = WithdrawalTerms(
        fee_ppm=table.ratio("fee", "0", below_one=True),
        fee_fixed_micro=table.money("fee_fixed", "0"),
        minimum_micro=table.money("minimum", "0"),
        daily_limit_micro=table.optional_money("daily_limit"),
        four_eyes_above_micro=table.optional_money("four_eyes_above"),
    )
    if terms.fee_fixed_micro % CENT:
        raise PolicyError(
            f"{table.name('fee_fixed')} is {format_money(terms.fee_fixed_micro)}; "
            "banks move whole cents, give two decimals"
        )
    limit = terms.daily_limit_micro
    if limit is not None and limit < max(terms.minimum_micro, 1):
        raise PolicyError(
            f"{table.name('daily_limit')} is {format_money(limit)}, so nobody could withdraw "
            f"anything; raise it above zero and to the minimum, or remove it"
        )
    return terms


def _controls(table: Table, *, cap_per_member: bool) -> Controls | None:
    """The limits of `[controls]`; None if there are none.

    Source: docs/algorithms/controls.md.
    """
    if table.has("max_grant_per_order"):
        raise PolicyError(
            f"{table.name('max_grant_per_order')} is points.max_grant_value; set that instead"
        )
    given = list(table)
    controls = Controls(
        min_spend_micro=_limit(table, "min_spend"),
        min_cash_out_micro=_limit(table, "min_cash_out"),
        daily_cash_out_micro=_limit(table, "daily_cash_out"),
        hold_s=table.whole("hold_days", 0, 0, 3_650) * _SECONDS["d"],
        daily_outflow_micro=_limit(table, "daily_outflow"),
        max_contribution_ppm=(
            table.multiple("max_contribution_ratio")
            if table.has("max_contribution_ratio")
            else None
        ),
        launch_floor_micro=table.money("launch_floor", "0"),
    )
    if controls.max_contribution_ppm == 0:
        raise PolicyError(
            f"{table.name('max_contribution_ratio')} is 0; it must be above zero, or remove it"
        )
    if ("max_contribution_ratio" in given) != ("launch_floor" in given):
        raise PolicyError(
            f"{table.name('max_contribution_ratio')} and launch_floor go together: without a "
            "floor the first orders are refused; give both or neither"
        )
    if controls.hold_s and cap_per_member:
        raise PolicyError(
            f"{table.name('hold_days')} needs lots of their own orders; set cap.scope to "
            '"order" or remove hold_days'
        )
    return controls if given else None


def _limit(table: Table, key: str) -> int | None:
    micro = table.optional_money(key)
    if micro == 0:
        raise PolicyError(f"{table.name(key)} is 0; it must be above zero, or remove it")
    return micro


def _promotion(referral: Table, commission: Table, level: Table) -> Promotion:
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


def _level_rule(rule: Table) -> LevelRule:
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

    Source: docs/algorithms/commission.md, rule K7.
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
    """
    return check_policy(_parse(text))


def read_unproved(text: str) -> Policy:
    """Read a policy file whose commissions may pass their budget, to show by how much.

    Raises:
        PolicyError: anything else is wrong.
    """
    return _check_all_but_budgets(_parse(text))


def _parse(text: str) -> dict[str, object]:
    try:
        document = tomllib.loads(text)
        text.encode()
    except UnicodeEncodeError:
        raise PolicyError("not text that can be stored; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        end = f"at its end, line {len(text.splitlines())}: look above for what is not closed"
        said = str(error).replace("at end of document", end)
        raise PolicyError(f"not a TOML file: {said}") from None
    return document


def check_policy(document: dict[str, object]) -> Policy:
    """Check the tables of a policy file.

    Raises:
        PolicyError: as `read_policy`.
    """
    policy = _check_all_but_budgets(document)
    for merchant in ("", *policy.merchants):
        check_budget(policy, merchant)
    return policy


def _check_all_but_budgets(document: dict[str, object]) -> Policy:
    policy = _read(Table(document, ""))
    _check_pool(policy)
    _check_rules(policy)
    return policy


def _read(root: Table) -> Policy:
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
    levels, limits = root.table("levels"), root.table("controls")
    take_ppm = split.ratio("take_rate")
    cap_per_member = cap.choice("scope", "order", "member")
    cash_out_enabled = cash_out.flag("enabled", default=True)
    redeem_fee_ppm = redeem.ratio("fee", "0", below_one=True)
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
        cash_out_fee_ppm=_cash_out_fee(cash_out, redeem_fee_ppm, enabled=cash_out_enabled),
        cash_out_daily=cash_out.choice("execution", "instant", "daily"),
        cash_out_at_s=_time_of_day(cash_out),
        redeem_fee_ppm=redeem_fee_ppm,
        shortfall_on_platform=refund.choice("bearer", "merchant", "platform"),
        settle_after_s=_seconds(orders),
        cap_ppm=cap.multiple("multiple") if capped else None,
        cap_per_member=cap_per_member,
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
        withdrawal=_withdrawal(root.table("withdrawal")),
        controls=_controls(limits, cap_per_member=cap_per_member),
        cash_out_enabled=cash_out_enabled,
        notice_days=_notice(root.table("policy")),
        promotion=_promotion(root.table("referral"), commission, level),
    )
    root.close()
    return policy
