"""Events: what a program is told, read from parsed JSON into records.

Each reader checks the shape of an event first and its amounts second, in the order of
docs/algorithms/refusals.md. Amounts are unbounded here; `overflow` is decided by the reducer.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from springtide.core.event_fields import (
    Json,
    read_money,
    read_name,
    read_optional_name,
    read_points,
    read_present,
    read_region,
)
from springtide.core.refusals import InvalidAmount, InvalidEvent
from springtide.core.units import CENT

_BATCH = re.compile(r"[A-Za-z0-9]{1,18}", re.ASCII).fullmatch


DAY_BATCH = "springtide:cash-outs:"
"""How the id of a day's batch of cash-outs begins; its day follows."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII).fullmatch

Order = TypeVar("Order", bound="Purchase")


@dataclass(slots=True)
class Purchase:
    """The settlement of an order: it takes the price and the referrer of this moment."""

    id: str
    member: str
    merchant: str
    """Empty if none was given."""
    amount_micro: int
    region: str
    """GB/T 2260, 2, 4 or 6 digits; empty if none was given."""
    referrer: str
    """Empty if none was given."""
    wallet_micro: int = 0
    """What of the amount is paid from the member's wallet."""


class Pay(Purchase):
    """A paid order that is not settled yet: its money waits in escrow."""

    __slots__ = ()


class Settle(NamedTuple):
    """The settlement of a paid order."""

    id: str
    order: str


class Bind(NamedTuple):
    """Binds a member to a referrer, unless one is bound already."""

    id: str
    member: str
    referrer: str


class Request(NamedTuple):
    """A member's wish to burn points; `points_nano` is None for all of them."""

    member: str
    points_nano: int | None
    min_net_micro: int = 0
    """The least that it accepts."""


class CashOut(NamedTuple):
    """Requests that are paid at one price: one of them, or a batch."""

    id: str
    requests: tuple[Request, ...]
    day: str = ""
    """Of a batch that pays a day's requests; it leaves out those that cannot be met."""


class Redeem(NamedTuple):
    """Points handed to a merchant for goods."""

    id: str
    request: Request
    merchant: str


class Refund(NamedTuple):
    """The refund of an order, settled or only paid."""

    id: str
    order: str
    amount_micro: int | None
    """None for all that is left of it."""


class Inject(NamedTuple):
    """Money given to the pool; shown as an injection, never as growth."""

    id: str
    amount_micro: int


class Withdraw(NamedTuple):
    """A member's wish to have money of the wallet sent."""

    id: str
    member: str
    amount_micro: int
    day: str
    """The day of UTC in which it was made, as 2026-01-31."""
    by: str
    """Who made it: `key:ID`, `member:ID`, `staff:NAME` or `cli`."""


class Step(NamedTuple):
    """A step in the life of a withdrawal, and whose it is."""

    id: str
    type: str
    withdrawal: str
    to: str
    by: str
    at: datetime
    why: str
    batch: str
    """Of payouts, with which it is sent; empty for all other steps."""


STEPS = {
    "withdraw_move": ("under_review", "approved", "sent", "awaiting_member", "unknown"),
    "withdraw_settle": ("settled",),
    "withdraw_return": ("rejected", "cancelled", "failed", "returned"),
}
"""Where each event brings a withdrawal: the first moves no money, the last all of it back."""


class PolicyChange(NamedTuple):
    """The next version of the policy comes into effect; only an approved draft posts it."""

    id: str
    version: int
    toml: str


@dataclass(frozen=True, slots=True)
class DistributionEvent:
    """About merchants, agents, levels, deposits or dividends; see `distribution_events`."""

    id: str


Event = (
    Purchase | Pay | Settle | Bind | CashOut | Redeem | Refund | Inject | Withdraw | Step
    | PolicyChange | DistributionEvent
)  # fmt: skip


def _pay(event: Json) -> Pay:
    return _order(event, Pay)


def _purchase(event: Json) -> Purchase:
    return _order(event, Purchase)


def _order(event: Json, kind: type[Order]) -> Order:
    id_, member = read_name(event, "id"), read_name(event, "member")
    merchant, region = read_optional_name(event, "merchant"), read_region(event)
    referrer, amount = read_optional_name(event, "referrer"), read_present(event, "amount")
    order = kind(id_, member, merchant, read_money(amount), region, referrer)
    if event.get("wallet") is not None:
        order.wallet_micro = read_money(event["wallet"], "wallet")
        if order.wallet_micro > order.amount_micro:
            raise InvalidAmount(
                f"wallet is {event['wallet']!r}, more than the amount {amount!r}; lower it"
            )
    return order


def _settle(event: Json) -> Settle:
    return Settle(read_name(event, "id"), read_name(event, "order"))


def _bind(event: Json) -> Bind:
    return Bind(
        read_name(event, "id"), read_name(event, "member"), read_name(event, "referrer")
    )


def _cash_out(event: Json) -> CashOut:
    id_, member = read_name(event, "id"), read_name(event, "member")
    points = read_present(event, "points")
    return CashOut(id_, (Request(member, read_points(points), _least(event)),))


def _least(wish: Json) -> int:
    least = wish.get("min_net")
    return 0 if least is None else read_money(least, "min_net")


def _cash_out_batch(event: Json) -> CashOut:
    id_, wishes = read_name(event, "id"), event.get("requests")
    if not isinstance(wishes, list) or not wishes:
        raise InvalidEvent("requests must be a list of at least one request")
    shaped = []
    for wish in wishes:
        if not isinstance(wish, dict):
            raise InvalidEvent(f"a request is {wish!r}; give member and points")
        shaped.append((wish, read_name(wish, "member"), read_present(wish, "points")))
    day = _day(event, id_)
    return CashOut(
        id_,
        tuple(
            Request(member, read_points(points), _least(wish))
            for wish, member, points in shaped
        ),
        day,
    )


def _day(event: Json, id_: str) -> str:
    """The day that a batch is of; its id says it too, so there is one a day."""
    day = event.get("day")
    if day is None:
        return ""
    if type(day) is str and _DAY(day) and id_ == DAY_BATCH + day:
        with suppress(ValueError):
            return date.fromisoformat(day).isoformat()
    raise InvalidEvent(f"day is {day!r}; give one like 2026-01-31, and the id {DAY_BATCH}DAY")


def _redeem(event: Json) -> Redeem:
    id_, member = read_name(event, "id"), read_name(event, "member")
    merchant = read_name(event, "merchant")
    return Redeem(id_, Request(member, read_points(read_present(event, "points"))), merchant)


def _refund(event: Json) -> Refund:
    id_, order, amount = read_name(event, "id"), read_name(event, "order"), event.get("amount")
    return Refund(id_, order, None if amount is None else read_money(amount))


def _inject(event: Json) -> Inject:
    return Inject(read_name(event, "id"), read_money(read_present(event, "amount")))


def _instant(event: Json) -> datetime:
    """When it happened, in UTC."""
    value = event.get("at")
    try:
        at = datetime.fromisoformat(value if type(value) is str else "")
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidEvent(f"at is {value!r}; give a time with its zone, 2026-01-31T09:00:00Z")


def _withdraw(event: Json) -> Withdraw:
    id_, member, by = read_name(event, "id"), read_name(event, "member"), read_name(event, "by")
    day, amount = _instant(event).date().isoformat(), read_money(read_present(event, "amount"))
    if amount % CENT:
        raise InvalidAmount(
            f"amount is {event['amount']!r}; banks move whole cents, two decimals"
        )
    return Withdraw(id_, member, amount, day, by)


def _step(event: Json) -> Step:
    type_ = str(event["type"])
    id_, withdrawal, by = (read_name(event, field) for field in ("id", "withdrawal", "by"))
    at, why = _instant(event), read_optional_name(event, "why")
    to, known = event.get("to"), STEPS[type_]
    if type(to) is not str or to not in known:
        raise InvalidEvent(f"to is {to!r}; give one of {', '.join(known)}")
    return Step(id_, type_, withdrawal, to, by, at, why, _batch(event) if to == "sent" else "")


def _batch(event: Json) -> str:
    batch = event.get("batch")
    if not is_batch(batch):
        raise InvalidEvent(f"batch is {batch!r}; give 1 to 18 letters and digits of ASCII")
    return str(batch)


def is_batch(value: object) -> bool:
    """Whether this can name a batch of payouts: banks take letters and digits, not many."""
    return type(value) is str and _BATCH(value) is not None


def _policy(event: Json) -> PolicyChange:
    id_, version, toml = read_name(event, "id"), event.get("version"), event.get("toml")
    if type(version) is not int or type(toml) is not str:
        raise InvalidEvent("a policy has a version, a number, and its toml, a text")
    return PolicyChange(id_, version, toml)


DISTRIBUTION = (
    "merchant_terms", "appoint", "dismiss", "level", "rebind", "deposit", "deposit_return",
    "dividend", "commission_paid", "merchant_paid", "day",
)  # fmt: skip
"""Types of events that are rare, and read in a room of their own."""


def _distribution(event: Json) -> DistributionEvent:
    from springtide.core.distribution_events import READERS  # it reads by what is above

    return READERS[str(event["type"])](event)


_READERS: dict[str, Callable[[Json], Event]] = {
    "purchase": _purchase,
    "pay": _pay,
    "settle": _settle,
    "bind": _bind,
    "cash_out": _cash_out,
    "cash_out_batch": _cash_out_batch,
    "redeem": _redeem,
    "refund": _refund,
    "inject": _inject,
    "withdraw": _withdraw,
    **dict.fromkeys(STEPS, _step),
    "policy": _policy,
    **dict.fromkeys(DISTRIBUTION, _distribution),
}


def read_event(event: Json) -> Event:
    """Read an event: its shape first, then its amounts.

    Raises:
        InvalidEvent: unknown type, a field missing or malformed, an empty list.
        InvalidAmount: an amount that is not a decimal string of its unit, or is zero.

    Source: docs/algorithms/refusals.md, rule F1.
    """
    kind = event.get("type")
    reader = _READERS.get(kind) if type(kind) is str else None
    if reader is None:
        raise InvalidEvent(f"type is {kind!r}; known are {', '.join(_READERS)}")
    return reader(event)


def same_content(one: object, other: object) -> bool:
    """Whether two parsed JSON values are equal; 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same_content(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_content, one, other))
    return one == other
