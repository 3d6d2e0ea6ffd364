"""What changes from one policy to another, parameter by parameter, in words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from springtide.core.policy import LevelRule, Policy, Terms
from springtide.core.units import format_money

Say = Callable[[Any], str]

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter that differs: its name in the file, what it is, and both values."""

    parameter: str
    about: str
    old: str
    new: str


def _percent(ppm: int) -> str:
    whole, rest = divmod(ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") + " %"


def _money(micro: int | None) -> str:
    if micro is None:
        return "no limit"
    whole, decimals = format_money(micro).split(".")
    return f"{int(whole):,}.{decimals.rstrip('0').ljust(2, '0')}"


def _either(yes: str, no: str) -> Say:
    return lambda value: yes if value else no


def _seconds(value: int) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if value and value % size == 0:
            return f"{value // size} {unit}"
    return "at once"


def _multiple(ppm: int | None) -> str:
    if ppm is None:
        return "no cap"
    return _percent(ppm) + " of the spend"


def _notice(days: int | None) -> str:
    return "as the profile says" if days is None else f"{days} days"


# What each parameter is called, what it is, and how its value is said; pages translate these.
KNOWN: dict[str, tuple[str, str, Say]] = {
    "opening_reserve_micro": ("opening_reserve", "money the pool opens with", _money),
    "take_ppm": ("split.take_rate", "taken from a sale; the merchant keeps the rest", _percent),
    "platform_ppm": ("split.platform", "of what is taken: the platform's", _percent),
    "distribution_ppm": ("split.distribution", "of what is taken: for commissions", _percent),
    "rest_to_pool": (
        "split.unallocated", "commissions that nobody earns go to",
        _either("the pool", "the platform"),
    ),
    "start_price_micro": ("points.start_price", "price of the first point", _money),
    "grant_ppm": ("points.grant_ratio", "of the contribution: granted in points", _percent),
    "max_grant_value_micro": ("points.max_grant_value", "the most one order grants", _money),
    "split_at_micro": ("points.split_at", "price at which points are split", _money),
    "split_factor": ("points.split_factor", "points that a split makes of one", str),
    "cash_out_enabled": (
        "cash_out.enabled", "cash for points", _either("can be had", "cannot be had"),
    ),
    "cash_out_fee_ppm": ("cash_out.fee", "kept from whoever cashes out", _percent),
    "redeem_fee_ppm": ("redeem.fee", "kept from whoever redeems for goods", _percent),
    "shortfall_on_platform": (
        "refund.bearer", "a shortfall of a refund is paid by",
        _either("the platform", "the merchant"),
    ),
    "settle_after_s": ("orders.settle_after", "a paid order is settled after", _seconds),
    "cap_ppm": ("cap.multiple", "a lot exits when it is worth", _multiple),
    "cap_per_member": ("cap.scope", "lots are", _either("one a member", "one an order")),
    "cap_pays_credit": (
        "cap.payout", "an exit is paid in", _either("store credit", "cash"),
    ),
    "direct_ppm": ("commission.direct", "of an order: to the referrer", _percent),
    "indirect_ppm": ("commission.indirect", "of an order: to the referrer's one", _percent),
    "recruiter_ppm": ("commission.recruiter", "of an order: to the shop's recruiter", _percent),
    "territory_ppm": (
        "commission.territory", "of an order: agents of district, city, province",
        lambda rates: ", ".join(map(_percent, rates)),
    ),
    "level_depth": ("commission.level.max_depth", "steps up that levels earn", str),
    "peer_ppm": ("commission.level.peer", "of an order: to a peer", _percent),
    "notice_days": ("policy.notice_days", "from approval to effect of the next", _notice),
}  # fmt: skip


def _terms(terms: Terms) -> str:
    parts = [f"take rate {_percent(terms.take_ppm)}"]
    parts += [f"region {terms.region}"] * bool(terms.region)
    parts += [f"recruiter {terms.recruiter}"] * bool(terms.recruiter)
    return ", ".join(parts)


BY_KEY: dict[str, tuple[str, str, Say]] = {
    "level_rates_ppm": ("commission.level.rates", "of an order: to this level", _percent),
    "merchants": ("merchants", "terms of this merchant", _terms),
    "agents": ("agents", "agent of this region", str),
    "levels": ("levels", "level of this member", str),
}


def _days(days: int | None) -> str:
    return "for ever" if days is None else f"{days} days"


def _rules(rules: Mapping[str, LevelRule]) -> str:
    parts = [
        f"{level}: {_money(rule.own_micro)} bought, {_money(rule.team_micro)} sold"
        for level, rule in rules.items()
    ]
    return "; ".join(parts) or NOTHING


INSIDE: dict[str, dict[str, tuple[str, str, Say]]] = {
    "withdrawal": {
        "fee_ppm": ("withdrawal.fee", "kept of a withdrawal", _percent),
        "fee_fixed_micro": ("withdrawal.fee_fixed", "kept of each withdrawal", _money),
        "minimum_micro": ("withdrawal.minimum", "the least to withdraw", _money),
        "daily_limit_micro": ("withdrawal.daily_limit", "a member's, of one day", _money),
        "four_eyes_above_micro": (
            "withdrawal.four_eyes_above", "two people approve what is above", _money,
        ),
    },
    "controls": {
        "min_spend_micro": ("controls.min_spend", "spent before any cash-out", _money),
        "min_cash_out_micro": ("controls.min_cash_out", "the least cash-out", _money),
        "daily_cash_out_micro": ("controls.daily_cash_out", "a member's, of one day", _money),
        "hold_s": ("controls.hold_days", "points can be cashed after", _seconds),
        "daily_outflow_micro": ("controls.daily_outflow", "the program's, of one day", _money),
        "max_contribution_ppm": (
            "controls.max_contribution_ratio", "the most one order adds to the reserve",
            lambda ppm: NOTHING if ppm is None else _percent(ppm),
        ),
        "launch_floor_micro": ("controls.launch_floor", "reserve from which it holds", _money),
    },
    "promotion": {
        "bind_days": ("referral.bind_days", "a binding earns", _days),
        "visible": (
            "referral.visible", "by whom one is invited", _either("is shown", "is not shown"),
        ),
        "hold_days": ("commission.hold_days", "commissions wait to be paid out", _days),
        "by_statement": (
            "commission.mode", "commissions are paid", _either("on statement", "into wallets"),
        ),
        "level_days": ("commission.level.period_days", "sales count for levels", _days),
        "level_rules": ("commission.level.rules", "what earns a level", _rules),
    },
}  # fmt: skip
"""Parameters of tables that are records of their own; None is a record of nothing."""

WORDS = frozenset(
    {
        NOTHING,
        "no limit",
        "no cap",
        "at once",
        "for ever",
        "as the profile says",
        "days",
        "hours",
        "minutes",
        "of the spend",
        "the pool",
        "the platform",
        "the merchant",
        "can be had",
        "cannot be had",
        "one a member",
        "one an order",
        "store credit",
        "cash",
        "is shown",
        "is not shown",
        "on statement",
        "into wallets",
    }
)
"""Values that are words, and units: what a reader in another language needs to be told."""

_UNSET = {"hold_s": 0, "launch_floor_micro": 0}


def list_changes(old: Policy, new: Policy) -> list[Change]:
    """What differs, in the order of the file; nothing if they say the same."""
    return list(_changes(old, new))


def _changes(old: Policy, new: Policy) -> Iterator[Change]:
    for field in fields(Policy):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name in INSIDE:
            yield from _of_fields(INSIDE[field.name], before, after)
        elif field.name in BY_KEY:
            yield from _of_keys(*BY_KEY[field.name], before, after)
        else:
            plain = field.name.replace("_", " ")
            name, about, say = KNOWN.get(field.name, (field.name, plain, str))
            yield Change(name, about, say(before), say(after))


def _of_fields(
    known: Mapping[str, tuple[str, str, Say]], before: object, after: object
) -> Iterator[Change]:
    for field, (name, about, say) in known.items():
        was, will = (getattr(record, field, _UNSET.get(field)) for record in (before, after))
        if was != will:
            yield Change(name, about, say(was), say(will))


def _of_keys(
    table: str, about: str, say: Say, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        was = say(before[key]) if key in before else NOTHING
        will = say(after[key]) if key in after else NOTHING
        if was != will:
            yield Change(f"{table}.{key}", about, was, will)
