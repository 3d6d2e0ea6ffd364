"""Events about merchants, agents, levels, deposits and dividends, read from parsed JSON.

As in `events`: the shape first, the amounts second.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from springtide.core.event_fields import (
    Json,
    is_name,
    read_money,
    read_name,
    read_optional_name,
    read_region,
)
from springtide.core.events import DistributionEvent
from springtide.core.refusals import InvalidAmount, InvalidEvent
from springtide.core.standing import is_day
from springtide.core.units import PPM, format_ratio, parse_decimal

LONGEST_TEXT = 500
MOST_SHARES = 10_000
DIVIDEND_ID = "dividend:"
"""How the id of a dividend begins; its period follows, so that none is paid twice."""

# No database keeps zeros or halves of characters.
_TEXT = re.compile(rf"[^\x00\ud800-\udfff]{{1,{LONGEST_TEXT}}}").fullmatch
_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class MerchantTerms(DistributionEvent):
    """What a merchant's sales pay from now on; ratios in ppm, None for the policy's."""

    merchant: str
    take_ppm: int
    split_ppm: tuple[int, int] | None
    """Its own shares of platform and distribution."""
    region: str
    recruiter: str
    recruiter_until: str
    owner: str
    suspended: bool


@dataclass(frozen=True, slots=True)
class Appoint(DistributionEvent):
    """Makes a member the agent of a region."""

    contract: str
    region: str
    member: str
    rate_ppm: int | None
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Dismiss(DistributionEvent):
    """Ends an agent's contract now."""

    contract: str


@dataclass(frozen=True, slots=True)
class SetLevel(DistributionEvent):
    """Gives a member a level; an empty one takes it away."""

    member: str
    level: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rebind(DistributionEvent):
    """Binds a member to another referrer, from now on."""

    member: str
    referrer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deposit(DistributionEvent):
    """An agent's refundable deposit."""

    contract: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class ReturnDeposit(DistributionEvent):
    """Gives a deposit back; None for all of it."""

    contract: str
    amount_micro: int | None


@dataclass(frozen=True, slots=True)
class Dividend(DistributionEvent):
    """Shares a part of the platform's revenue of a month by weight."""

    period: str
    revenue_micro: int
    share_ppm: int
    weights: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PayCommission(DistributionEvent):
    """Says that an earner on statement was paid elsewhere."""

    member: str
    amount_micro: int
    reference: str


@dataclass(frozen=True, slots=True)
class PayMerchant(DistributionEvent):
    """Says that a merchant was paid elsewhere for what it sold."""

    merchant: str
    amount_micro: int
    reference: str


@dataclass(frozen=True, slots=True)
class NextDay(DistributionEvent):
    """Says which day it is, for events that do not say theirs."""

    day: str


def _ratio(event: Json, field: str) -> int:
    try:
        ppm = parse_decimal(event.get(field), 6)
    except ValueError as error:
        raise InvalidAmount(f"{field}: {error}") from None
    if ppm > PPM:
        raise InvalidAmount(f"{field} is {format_ratio(ppm)}; a ratio is 1 at most")
    return ppm


def _is_absent(event: Json, field: str) -> bool:
    return event.get(field) in (None, "")


def _day(event: Json, field: str) -> str:
    """A day, or empty if there is none."""
    if _is_absent(event, field):
        return ""
    if not is_day(event[field]):
        raise InvalidEvent(f"{field} is {event[field]!r}; give a day like 2026-01-31")
    return str(event[field])


def _text(event: Json, field: str) -> str:
    """A sentence; it is kept for whoever asks why."""
    value = event.get(field)
    if type(value) is str and value.strip() and _TEXT(value) is not None:
        return value
    raise InvalidEvent(f"{field} is {value!r}; say in 1 to {LONGEST_TEXT} characters why")


def _whole_region(event: Json) -> str:
    region = read_region(event)
    if not region:
        raise InvalidEvent("region is missing; give 2, 4 or 6 digits of GB/T 2260")
    return region


def _merchant_terms(event: Json) -> MerchantTerms:
    id_, merchant = read_name(event, "id"), read_name(event, "merchant")
    region, recruiter = read_region(event), read_optional_name(event, "recruiter")
    until, owner = _day(event, "recruiter_until"), read_optional_name(event, "owner")
    suspended = event.get("suspended", False)
    if type(suspended) is not bool:
        raise InvalidEvent(f"suspended is {suspended!r}; give true or false")
    split = None
    if _is_absent(event, "platform") != _is_absent(event, "distribution"):
        raise InvalidEvent("a split of its own has platform and distribution; give both")
    take_ppm = _ratio(event, "take_rate")
    if not _is_absent(event, "platform"):
        split = _ratio(event, "platform"), _ratio(event, "distribution")
        if sum(split) > PPM:
            raise InvalidAmount(
                f"platform + distribution is {format_ratio(sum(split))}; it may be 1 at most"
            )
    return MerchantTerms(
        id_, merchant, take_ppm, split, region, recruiter, until, owner, suspended
    )


def _appoint(event: Json) -> Appoint:
    id_, contract = read_name(event, "id"), read_name(event, "contract")
    region, member = _whole_region(event), read_name(event, "member")
    first, last = _day(event, "from"), _day(event, "to")
    if last and last < first:
        raise InvalidEvent(f"to is {last}, before from, {first}; exchange them")
    rate = None if _is_absent(event, "rate") else _ratio(event, "rate")
    return Appoint(id_, contract, region, member, rate, first, last)


def _dismiss(event: Json) -> Dismiss:
    return Dismiss(read_name(event, "id"), read_name(event, "contract"))


def _level(event: Json) -> SetLevel:
    id_, member = read_name(event, "id"), read_name(event, "member")
    return SetLevel(id_, member, read_optional_name(event, "level"), _text(event, "reason"))


def _rebind(event: Json) -> Rebind:
    id_, member = read_name(event, "id"), read_name(event, "member")
    return Rebind(id_, member, read_name(event, "referrer"), _text(event, "reason"))


def _deposit(event: Json) -> Deposit:
    id_, contract = read_name(event, "id"), read_name(event, "contract")
    return Deposit(id_, contract, read_money(event.get("amount")))


def _deposit_return(event: Json) -> ReturnDeposit:
    id_, contract = read_name(event, "id"), read_name(event, "contract")
    amount = event.get("amount")
    return ReturnDeposit(id_, contract, None if amount is None else read_money(amount))


def is_period(text: object) -> bool:
    """Whether this is a month, as `2026-10`."""
    return type(text) is str and _PERIOD.fullmatch(text) is not None


def _weights(event: Json) -> tuple[tuple[str, str], ...]:
    rows = event.get("weights")
    if not isinstance(rows, dict) or not 1 <= len(rows) <= MOST_SHARES:
        raise InvalidEvent(f"weights must name 1 to {MOST_SHARES} members, each with a weight")
    for member in rows:
        if not is_name(member):
            raise InvalidEvent(f"weights: {member!r} cannot name a member")
    return tuple(sorted(rows.items()))


def _weight(member: str, text: object) -> int:
    try:
        weight = parse_decimal(text, 6)
    except ValueError as error:
        raise InvalidAmount(f"the weight of {member}: {error}") from None
    if weight == 0:
        raise InvalidAmount(f"the weight of {member} is 0; leave them out")
    return weight


def _dividend(event: Json) -> Dividend:
    id_, period, rows = read_name(event, "id"), event.get("period"), _weights(event)
    if not is_period(period):
        raise InvalidEvent(f"period is {period!r}; give a month like 2026-10")
    if id_ != f"{DIVIDEND_ID}{period}":
        raise InvalidEvent(f"id is {id_!r}; the dividend of {period} is {DIVIDEND_ID}{period}")
    revenue, share = read_money(event.get("revenue"), "revenue"), _ratio(event, "share")
    weights = tuple((member, _weight(member, text)) for member, text in rows)
    return Dividend(id_, str(period), revenue, share, weights)


def _commission_paid(event: Json) -> PayCommission:
    id_, member = read_name(event, "id"), read_name(event, "member")
    reference = _text(event, "reference")
    return PayCommission(id_, member, read_money(event.get("amount")), reference)


def _merchant_paid(event: Json) -> PayMerchant:
    id_, merchant = read_name(event, "id"), read_name(event, "merchant")
    reference = _text(event, "reference")
    return PayMerchant(id_, merchant, read_money(event.get("amount")), reference)


def _next_day(event: Json) -> NextDay:
    id_, at = read_name(event, "id"), event.get("at")
    if not is_day(at):
        raise InvalidEvent(f"at is {at!r}; give a day like 2026-01-31")
    return NextDay(id_, str(at))


READERS: dict[str, Callable[[Json], DistributionEvent]] = {
    "merchant_terms": _merchant_terms,
    "appoint": _appoint,
    "dismiss": _dismiss,
    "level": _level,
    "rebind": _rebind,
    "deposit": _deposit,
    "deposit_return": _deposit_return,
    "dividend": _dividend,
    "commission_paid": _commission_paid,
    "merchant_paid": _merchant_paid,
    "day": _next_day,
}
