"""The refund of a settled order.

Source: SPEC.md section 2, Refund of a settled order; docs/algorithms/refund.md.
"""

from springtide.core.draft import Draft
from springtide.core.journal import (
    ORPHANED,
    PLATFORM,
    POOL,
    REFUNDS,
    merchant_account,
    wallet_account,
)
from springtide.core.refusals import AlreadyRefunded, UnknownOrder
from springtide.core.state import Lot, Order, Receipt
from springtide.core.units import PPM, format_money, format_points


def refund(draft: Draft, order_id: str, receipt: Receipt) -> None:
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
    state = draft.state
    order = state.orders.get(order_id)
    if order is None:
        raise UnknownOrder(f"no order {order_id} was posted; give the id of a purchase")
    if order_id in state.refunded:
        raise AlreadyRefunded(f"order {order_id} was refunded before")
    lot = state.lots[order.lot]
    reserve, supply = draft.pair
    granted = order.granted_nano * (state.split_factor // order.split_factor)
    held = min(granted, lot.points_nano)
    missing_value = (granted - held) * reserve // supply
    release = 0
    if granted:
        release = min(order.contribution * held // granted, held * reserve // supply)
    recovered = min(lot.net_micro, missing_value, order.amount)
    gap = order.contribution - release - recovered
    shortfall = max(gap, 0)

    draft.refunded = order_id
    draft.put(_reduced(draft, lot, order, held, recovered))
    draft.burn("refund", order.member, held)
    draft.pay("refund", REFUNDS, release)
    _pay_back(draft, order, shortfall)
    if gap < 0:
        _return_surplus(draft, -gap)
    receipt["burned"] = format_points(held)
    receipt["released"] = format_money(release)
    receipt["recovered"] = format_money(recovered)
    receipt["shortfall"] = format_money(shortfall)


def _reduced(draft: Draft, lot: Lot, order: Order, held_nano: int, recovered_micro: int) -> Lot:
    policy = draft.state.policy
    returned = recovered_micro * PPM // (PPM - policy.cash_out_fee_ppm)
    spent = 0 if policy.cap_ppm is None else order.amount * policy.cap_ppm // PPM
    return lot._replace(
        points_nano=lot.points_nano - held_nano,
        headroom_micro=max(lot.headroom_micro + returned - spent, 0),
        net_micro=lot.net_micro - recovered_micro,
    )


def _pay_back(draft: Draft, order: Order, shortfall_micro: int) -> None:
    """Everybody returns their part of the order; a wallet may go below zero by it."""
    shop = merchant_account(order.merchant)
    draft.move("refund", shop, REFUNDS, order.merchant_part)
    draft.move("refund", PLATFORM, REFUNDS, order.platform_part)
    for _, earner, amount in order.commissions:
        draft.move("clawback", wallet_account(earner), REFUNDS, amount)
    bearer = PLATFORM if draft.state.policy.shortfall_on_platform else shop
    draft.move("shortfall", bearer, REFUNDS, shortfall_micro)


def _return_surplus(draft: Draft, surplus_micro: int) -> None:
    """What was recovered beyond the contribution goes to the pool, or is set aside."""
    if draft.supply_nano:
        draft.reserve_micro += surplus_micro
        draft.move("surplus", REFUNDS, POOL, surplus_micro)
    else:
        draft.orphaned_micro += surplus_micro
        draft.move("surplus", REFUNDS, ORPHANED, surplus_micro)
