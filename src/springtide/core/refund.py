"""Taking an order back: plainly while it is only paid, by the pool's rule once it is settled.

Source: docs/algorithms/refund.md.
"""

from typing import Any, NamedTuple, cast

from springtide.core.controls import count_refund
from springtide.core.entry import Entry
from springtide.core.event_fields import Json
from springtide.core.events import Purchase, Refund, read_event
from springtide.core.journal import (
    ESCROW,
    ORPHANED,
    PLATFORM,
    POOL,
    REFUNDS,
    earner_account,
    merchant_account,
    wallet_account,
)
from springtide.core.policy import Policy
from springtide.core.receipts import settled_micro
from springtide.core.refusals import (
    AlreadyRefunded,
    AlreadySettled,
    RefundTooLarge,
    UnknownOrder,
)
from springtide.core.state import Lot, Posted, State
from springtide.core.units import PPM, format_money, parse_money


class Order(NamedTuple):
    """What is taken back of a settled order: all of it, or the part that an amount is."""

    member: str
    merchant: str
    amount_micro: int
    merchant_micro: int
    platform_micro: int
    commissions: list[tuple[str, int]]
    contribution_micro: int
    granted_nano: int
    """In today's units."""

    def part(self, amount_micro: int) -> "Order":
        """The part of the order that an amount is of the whole.

        Rounding: everybody's part is rounded down; the merchant has what that leaves.
        """
        whole = self.amount_micro
        if amount_micro == whole:
            return self
        commissions = [(to, earned * amount_micro // whole) for to, earned in self.commissions]
        platform = self.platform_micro * amount_micro // whole
        contribution = self.contribution_micro * amount_micro // whole
        others = platform + contribution + sum(earned for _, earned in commissions)
        return Order(
            self.member,
            self.merchant,
            amount_micro,
            amount_micro - others,
            platform,
            commissions,
            contribution,
            self.granted_nano * amount_micro // whole,
        )


def _find_open(state: State, order_id: str) -> tuple[Posted, int]:
    """An order by the id it was posted or paid under, and what is left of its amount."""
    posted = state.posted.get(order_id)
    if posted is None or posted.event["type"] not in ("purchase", "pay"):
        raise UnknownOrder(f"no order {order_id} was posted; give the id of an order")
    left = parse_money(posted.event["amount"]) - state.refunded.get(order_id, 0)
    if not left:
        raise AlreadyRefunded(f"order {order_id} was refunded before")
    return posted, left


def find_paid(state: State, order_id: str) -> Purchase:
    """A paid order that is not settled, with what is left of its amount.

    Raises:
        UnknownOrder: no order was paid under this id.
        AlreadyRefunded: all of it was refunded before.
        AlreadySettled: it was settled before, or with its payment.
    """
    posted, left = _find_open(state, order_id)
    if posted.event["type"] == "purchase" or order_id in state.settlements:
        raise AlreadySettled(f"order {order_id} was settled before")
    order = cast(Purchase, read_event(posted.event))
    order.amount_micro = left
    return order


def _read(state: State, posted: Posted) -> Order:
    bought = cast(Purchase, read_event(posted.event))
    receipt = cast(dict[str, Any], posted.receipt)
    commissions = [(row["to"], row["amount"]) for row in receipt["commissions"]]
    return Order(
        bought.member,
        bought.merchant,
        settled_micro(receipt),
        receipt["merchant"],
        receipt["platform"],
        commissions,
        receipt["contribution"],
        receipt["granted"] * (state.split_factor // posted.split_factor),
    )


def refund_order(entry: Entry, wish: Refund) -> None:
    """Take an order back, or a part of it, and pay the buyer.

    Raises:
        UnknownOrder: no such order was posted.
        AlreadyRefunded: all of it was refunded before.
        RefundTooLarge: more is asked for than is left of it.

    Source: docs/algorithms/refund.md.
    """
    posted, left = _find_open(entry.state, wish.order)
    amount = left if wish.amount_micro is None else wish.amount_micro
    if amount > left:
        raise RefundTooLarge(
            f"{format_money(amount)} of order {wish.order} cannot be refunded, "
            f"{format_money(left)} is left of it"
        )
    entry.refunded = wish.order, amount
    if wish.amount_micro is not None:
        entry.receipt["amount"] = amount
    if posted.event["type"] == "pay":
        if wish.order not in entry.state.settlements:
            _reverse(entry, amount)
            _refill(entry, posted.event, amount)
            return
        posted = entry.state.settlements[wish.order]
    order = _read(entry.state, posted).part(amount)
    recovered = _take_back(entry, wish.order, order, posted.policy)
    _refill(entry, posted.event, amount - recovered)


def _take_back(entry: Entry, order_id: str, order: Order, policy: Policy) -> int:
    """Burn what is left of the points of a settled order, and pay the buyer.

    Gives what was recovered, in micro: so much less than the amount the buyer is paid.

    The pool gives back no more than the burnt points are worth, so the price cannot fall.
    What the buyer already got for the points is kept from the payment; what then lacks is
    the shortfall, borne by the merchant or the platform, as the order's policy says.

    Rounding: what the pool releases is rounded down.
    """
    state = entry.state
    lot = state.lots[order.member if policy.cap_per_member else order_id]
    reserve, supply = state.pair
    granted = order.granted_nano
    held = min(granted, lot.points_nano)
    missing_value = (granted - held) * reserve // supply
    release = 0
    if granted:
        release = min(order.contribution_micro * held // granted, held * reserve // supply)
    recovered = min(lot.net_micro, missing_value, order.amount_micro)
    gap = order.contribution_micro - release - recovered
    shortfall = max(gap, 0)

    entry.put(_reduced(policy, lot, order, held, recovered))
    entry.pay("refund", REFUNDS, release)
    entry.burn("refund", order.member, held)
    _pay_back(entry, order, policy, shortfall)
    count_refund(entry, order.member, order.amount_micro)
    if gap < 0:
        _return_surplus(entry, -gap)
    entry.receipt.update(
        burned=held, released=release, recovered=recovered, shortfall=shortfall
    )
    return recovered


def _refill(entry: Entry, order: Json, paid_back_micro: int) -> None:
    """Pay the wallet its part of what the buyer is paid back, if it paid a part of the order.

    Rounding: the wallet's part is rounded down; the rest leaves the house as the rest came.

    Source: docs/algorithms/withdrawals.md, rule W2.
    """
    if order.get("wallet") is not None:
        part, whole = parse_money(order["wallet"]), parse_money(order["amount"])
        back = paid_back_micro * part // whole
        entry.move("refund", REFUNDS, wallet_account(str(order["member"])), back)
        entry.receipt["wallet"] = back


def _reverse(entry: Entry, amount_micro: int) -> None:
    """Give money back of an order that is not settled: nobody else has any of it."""
    entry.move("refund", ESCROW, REFUNDS, amount_micro)
    entry.receipt.update(burned=0, released=0, recovered=0, shortfall=0)


def _reduced(
    policy: Policy, lot: Lot, order: Order, held_nano: int, recovered_micro: int
) -> Lot:
    returned = recovered_micro * PPM // (PPM - policy.cash_out_fee_ppm)
    spent = order.amount_micro * (policy.cap_ppm or 0) // PPM
    change = max(returned - spent, -lot.headroom_micro)
    return lot.moved(-held_nano, change, -recovered_micro)


def _pay_back(entry: Entry, order: Order, policy: Policy, shortfall_micro: int) -> None:
    """Everybody returns their part of the order; a wallet may go below zero by it."""
    shop = merchant_account(order.merchant)
    entry.move("refund", shop, REFUNDS, order.merchant_micro)
    entry.move("refund", PLATFORM, REFUNDS, order.platform_micro)
    for earner, amount in order.commissions:
        entry.move("clawback", earner_account(policy, earner), REFUNDS, amount)
    bearer = PLATFORM if policy.shortfall_on_platform else shop
    entry.move("shortfall", bearer, REFUNDS, shortfall_micro)


def _return_surplus(entry: Entry, surplus_micro: int) -> None:
    """What was recovered beyond the contribution goes to the pool, or is set aside."""
    if entry.supply_nano:
        entry.reserve_micro += surplus_micro
        entry.move("surplus", REFUNDS, POOL, surplus_micro)
    else:
        entry.orphaned_micro += surplus_micro
        entry.move("surplus", REFUNDS, ORPHANED, surplus_micro)
