"""Taking an order back: plainly while it is only paid, by SPEC.md's rule once it is settled.

Source: SPEC.md section 2, Refund of a settled order; docs/algorithms/refund.md.
"""

from typing import Any, NamedTuple, cast

from springtide.core.entry import Entry
from springtide.core.events import Purchase, Refund, read_event
from springtide.core.journal import (
    ESCROW,
    ORPHANED,
    PLATFORM,
    POOL,
    REFUNDS,
    merchant_account,
    wallet_account,
)
from springtide.core.policy import Policy
from springtide.core.refusals import AlreadyRefunded, AlreadySettled, UnknownOrder
from springtide.core.state import Lot, Posted, State
from springtide.core.units import PPM


class Order(NamedTuple):
    """What a refund must know of a settled order, read from its event and its receipt."""

    member: str
    merchant: str
    amount_micro: int
    merchant_micro: int
    platform_micro: int
    commissions: list[tuple[str, int]]
    contribution_micro: int
    granted_nano: int
    """In today's units."""


def _find_open(state: State, order_id: str) -> Posted:
    """An order that was not refunded, by the id it was posted or paid under."""
    posted = state.posted.get(order_id)
    if posted is None or posted.event["type"] not in ("purchase", "pay"):
        raise UnknownOrder(f"no order {order_id} was posted; give the id of an order")
    if order_id in state.refunded:
        raise AlreadyRefunded(f"order {order_id} was refunded before")
    return posted


def find_paid(state: State, order_id: str) -> Purchase:
    """A paid order that is neither settled nor refunded.

    Raises:
        UnknownOrder: no order was paid under this id.
        AlreadyRefunded: it was refunded before.
        AlreadySettled: it was settled before, or with its payment.
    """
    posted = _find_open(state, order_id)
    if posted.event["type"] == "purchase" or order_id in state.settlements:
        raise AlreadySettled(f"order {order_id} was settled before")
    return cast(Purchase, read_event(posted.event))


def _read(state: State, posted: Posted) -> Order:
    bought = cast(Purchase, read_event(posted.event))
    receipt = cast(dict[str, Any], posted.receipt)
    return Order(
        bought.member,
        bought.merchant,
        bought.amount_micro,
        receipt["merchant"],
        receipt["platform"],
        [(row["to"], row["amount"]) for row in receipt["commissions"]],
        receipt["contribution"],
        receipt["granted"] * (state.split_factor // posted.split_factor),
    )


def refund_order(entry: Entry, wish: Refund) -> None:
    """Take an order back: burn what is left of its points, and pay the buyer.

    The pool gives back no more than the burnt points are worth, so the price cannot fall.
    What the buyer already got for the points is kept from the payment; what then lacks is
    the shortfall, borne by the merchant or the platform.

    Rounding: what the pool releases is rounded down.

    Raises:
        UnknownOrder: no such order was posted.
        AlreadyRefunded: it was refunded before.

    Source: SPEC.md section 2.
    """
    state = entry.state
    posted = _find_open(state, wish.order)
    entry.refunded = wish.order
    if posted.event["type"] == "pay":
        if wish.order not in state.settlements:
            _reverse(entry, cast(Purchase, read_event(posted.event)))
            return
        posted = state.settlements[wish.order]
    order = _read(state, posted)
    lot = state.lots[order.member if state.policy.cap_per_member else wish.order]
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

    entry.put(_reduced(state.policy, lot, order, held, recovered))
    entry.pay("refund", REFUNDS, release)
    entry.burn("refund", order.member, held)
    _pay_back(entry, order, shortfall)
    if gap < 0:
        _return_surplus(entry, -gap)
    entry.receipt.update(
        burned=held, released=release, recovered=recovered, shortfall=shortfall
    )


def _reverse(entry: Entry, order: Purchase) -> None:
    """Give the money of an order back that is not settled: nobody else has any of it."""
    entry.move("refund", ESCROW, REFUNDS, order.amount_micro)
    entry.receipt.update(burned=0, released=0, recovered=0, shortfall=0)


def _reduced(
    policy: Policy, lot: Lot, order: Order, held_nano: int, recovered_micro: int
) -> Lot:
    returned = recovered_micro * PPM // (PPM - policy.cash_out_fee_ppm)
    spent = order.amount_micro * (policy.cap_ppm or 0) // PPM
    change = max(returned - spent, -lot.headroom_micro)
    return lot.moved(-held_nano, change, -recovered_micro)


def _pay_back(entry: Entry, order: Order, shortfall_micro: int) -> None:
    """Everybody returns their part of the order; a wallet may go below zero by it."""
    shop = merchant_account(order.merchant)
    entry.move("refund", shop, REFUNDS, order.merchant_micro)
    entry.move("refund", PLATFORM, REFUNDS, order.platform_micro)
    for earner, amount in order.commissions:
        entry.move("clawback", wallet_account(earner), REFUNDS, amount)
    bearer = PLATFORM if entry.state.policy.shortfall_on_platform else shop
    entry.move("shortfall", bearer, REFUNDS, shortfall_micro)


def _return_surplus(entry: Entry, surplus_micro: int) -> None:
    """What was recovered beyond the contribution goes to the pool, or is set aside."""
    if entry.supply_nano:
        entry.reserve_micro += surplus_micro
        entry.move("surplus", REFUNDS, POOL, surplus_micro)
    else:
        entry.orphaned_micro += surplus_micro
        entry.move("surplus", REFUNDS, ORPHANED, surplus_micro)
