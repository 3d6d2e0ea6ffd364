"""The reducer: one event applied to a program's state.

The database writer, the replay in memory, the auditor and every what-if call `fold`, and
nothing else moves a state. Source: SPEC.md sections 2 and 5; docs/algorithms/.
"""

from collections.abc import Callable
from typing import NamedTuple

from springtide.core.commission import closes_loop, split_commissions
from springtide.core.draft import Draft, HorizonReached
from springtide.core.events import (
    Bind,
    CashOut,
    Event,
    Inject,
    Json,
    Purchase,
    Redeem,
    Refund,
    Request,
    read_event,
)
from springtide.core.journal import (
    INJECTIONS,
    OPENING,
    PAYMENTS,
    PLATFORM,
    POINTS_ISSUED,
    POINTS_OPENING,
    POOL,
    Transfer,
    merchant_account,
    points_account,
    wallet_account,
)
from springtide.core.refund import refund
from springtide.core.refusals import (
    DuplicateMember,
    IdReused,
    InsufficientPoints,
    NoPoints,
    Overflow,
    Refusal,
)
from springtide.core.state import Lot, Order, Posted, Receipt, State
from springtide.core.units import LIMIT, PPM, format_money, format_points


class Entry(NamedTuple):
    """What an accepted event adds to the books: a balanced journal entry, and its effects."""

    seq: int
    id: str
    event: Json
    receipt: Receipt
    transfers: list[Transfer]
    split_factor: int
    """The factor its points are counted in: all splits before this entry."""
    lots: dict[str, Lot]
    """Lots it left changed, before the entry's own split."""
    opened: Lot | None
    binding: tuple[str, str] | None
    refunded: str | None
    split: int


class Outcome(NamedTuple):
    """The answer to an event, and the entry it posted: none if it was refused or repeated."""

    receipt: Receipt
    entry: Entry | None
    refusal: Refusal | None = None


def opening_transfers(state: State) -> list[Transfer]:
    """Entry 0: the opening reserve, and the points of it that never leave."""
    transfers = [
        Transfer("opening", OPENING, POOL, state.policy.opening_reserve_micro),
        Transfer("opening", POINTS_ISSUED, POINTS_OPENING, state.policy.opening_supply_nano),
    ]
    return [transfer for transfer in transfers if transfer.amount]


def fold(state: State, event: Json) -> Outcome:
    """Apply one event to a state, and answer it.

    An accepted event moves the state; a refused or repeated one leaves it as it was. An id
    that was posted before is answered with its first receipt if the content is equal.

    Raises:
        HorizonReached: the state lacks lots that may exit now; nothing was changed.

    Source: SPEC.md section 5.
    """
    draft = None
    try:
        id_ = event.get("id")
        if type(id_) is str and (earlier := state.posted.get(id_)) is not None:
            if earlier.event != event:
                raise IdReused(f"{id_} was posted before with other content; use a new id")
            return Outcome(earlier.receipt, None)
        draft = Draft(state)
        return _accept(draft, event)
    except Refusal as refusal:
        if draft is not None:
            draft.abandon()
        return Outcome(_refused(state, event, refusal), None, refusal)
    except HorizonReached:
        assert draft is not None
        draft.abandon()
        raise


def _accept(draft: Draft, event: Json) -> Outcome:
    parsed = read_event(event)
    state = draft.state
    receipt: Receipt = {"id": parsed.id, "type": event["type"]}
    reserve, supply = draft.reserve_micro, draft.supply_nano
    _RULES[type(parsed)](draft, parsed, receipt)
    draft.check_pool()
    draft.empty(reserve, supply)
    receipt["exits"] = draft.exit_at_cap()
    draft.split_points()
    receipt["split"] = draft.split
    if state.holds_all_balances:
        state.balances.update(draft.balances())
    else:
        assert draft.inflow_micro <= LIMIT, "balances must be loaded before they can overflow"
    _close(receipt, draft.reserve_micro, draft.supply_nano, draft.shown_price_micro())
    entry = _take_over(draft, parsed.id, event, receipt)
    return Outcome(receipt, entry)


def _close(receipt: Receipt, reserve_micro: int, supply_nano: int, price: int) -> None:
    receipt["reserve"] = format_money(reserve_micro)
    receipt["supply"] = format_points(supply_nano)
    receipt["price"] = format_money(price)


def _refused(state: State, event: Json, refusal: Refusal) -> Receipt:
    receipt: Receipt = {"id": event.get("id"), "type": event.get("type"), "error": refusal.code}
    _close(receipt, state.reserve_micro, state.supply_nano, state.shown_price_micro)
    return receipt


def _take_over(draft: Draft, id_: str, event: Json, receipt: Receipt) -> Entry:
    state, opened = draft.state, draft.opened
    state.seq += 1
    entry = Entry(
        state.seq, id_, event, receipt, draft.transfers, state.split_factor,
        draft.lots, opened, draft.binding, draft.refunded, draft.split,
    )  # fmt: skip
    state.reserve_micro = draft.reserve_micro
    state.supply_nano = draft.supply_nano
    state.reference = draft.reference
    state.orphaned_micro = draft.orphaned_micro
    state.inflow_micro = draft.inflow_micro
    state.lots.update(draft.lots)
    if opened is not None:
        _list_lot(state, opened)
    if draft.order is not None:
        state.orders[draft.order[0]] = draft.order[1]
    if draft.refunded is not None:
        state.refunded.add(draft.refunded)
    if draft.binding is not None:
        member, referrer = draft.binding
        state.referrers[member] = referrer
        state.sponsors.add(referrer)
    if draft.split > 1:
        state.split_factor *= draft.split
        state.multiply_lots(draft.split)
    state.posted[id_] = Posted(event, receipt)
    return entry


def _list_lot(state: State, lot: Lot) -> None:
    lots = state.lots_of.get(lot.member)
    if lots is not None:
        lots.append(lot.id)
    elif state.holds_all_lots:
        state.lots_of[lot.member] = [lot.id]


def _purchase(draft: Draft, order: Purchase, receipt: Receipt) -> None:
    state = draft.state
    policy, amount = state.policy, order.amount_micro
    if amount > LIMIT:
        raise Overflow("amount passes 2^63 - 1 micro")
    terms = policy.terms_of(order.merchant)
    take = amount * terms.take_ppm // PPM
    platform = take * policy.platform_ppm // PPM
    distribution = take * policy.distribution_ppm // PPM
    contribution = take - platform - distribution
    granted = _grant(draft, contribution)

    referrer = _referrer(draft, order.member, order.referrer)
    commissions, rest = split_commissions(
        policy, terms, order, state.referrers, referrer, distribution
    )
    if policy.rest_to_pool:
        contribution += rest
    else:
        platform += rest

    draft.inflow_micro += amount
    shop = merchant_account(order.merchant)
    draft.move("merchant", PAYMENTS, shop, amount - take)
    draft.move("platform", PAYMENTS, PLATFORM, platform)
    for kind, earner, earned in commissions:
        draft.move(kind, PAYMENTS, wallet_account(earner), earned)
    draft.move("contribution", PAYMENTS, POOL, contribution)
    draft.move("grant", POINTS_ISSUED, points_account(order.member), granted)
    draft.reserve_micro += contribution
    draft.supply_nano += granted
    lot = _credit_lot(draft, order, granted)
    draft.order = (
        order.id,
        Order(
            lot, order.member, order.merchant, amount, amount - take, platform,
            tuple(commissions), contribution, granted, state.split_factor,
        ),
    )  # fmt: skip
    receipt["merchant"] = format_money(amount - take)
    receipt["platform"] = format_money(platform)
    receipt["commissions"] = [
        {"kind": kind, "to": earner, "amount": format_money(earned)}
        for kind, earner, earned in commissions
    ]
    receipt["contribution"] = format_money(contribution)
    receipt["granted"] = format_points(granted)


def _grant(draft: Draft, contribution_micro: int) -> int:
    """Points for a contribution, at the price before it; rounded down, twice."""
    policy = draft.state.policy
    reserve, supply = draft.pair
    value = contribution_micro * policy.grant_ppm // PPM
    if policy.max_grant_value_micro is not None and value > policy.max_grant_value_micro:
        value = policy.max_grant_value_micro
    granted = value * supply // reserve
    if granted > LIMIT:
        raise Overflow("the points granted would pass 2^63 - 1 nano")
    return granted


def _credit_lot(draft: Draft, order: Purchase, granted_nano: int) -> str:
    policy, state = draft.state.policy, draft.state
    cap_ppm = policy.cap_ppm
    headroom = 0 if cap_ppm is None else order.amount_micro * cap_ppm // PPM
    lot_id = order.member if policy.cap_per_member else order.id
    lot = state.lots.get(lot_id)
    if lot is None:
        lot = Lot(lot_id, order.member, granted_nano, headroom, 0, state.seq + 1)
        draft.opened = lot
    else:
        lot = lot._replace(
            points_nano=lot.points_nano + granted_nano,
            headroom_micro=lot.headroom_micro + headroom,
        )
    draft.put(lot)
    return lot_id


def _referrer(draft: Draft, member: str, wanted: str) -> str:
    """The referrer that stands, after binding the wanted one if that can be bound."""
    state = draft.state
    bound = state.referrers.get(member, "")
    if bound or not wanted:
        return bound
    if closes_loop(state.referrers, state.sponsors, member, wanted):
        return ""
    draft.binding = (member, wanted)
    return wanted


def _bind(draft: Draft, wish: Bind, receipt: Receipt) -> None:
    receipt["referrer"] = _referrer(draft, wish.member, wish.referrer) or None


def _burn_lots(draft: Draft, request: Request, fee_ppm: int) -> tuple[int, int, int]:
    """Burn a member's oldest points at the price before the event.

    Returns points (nano), gross and net (micro). The fee is taken once, from the sum: the
    last lot takes what rounding leaves of the net.

    Raises:
        InsufficientPoints: more than the member has, or all of nothing.

    Source: SPEC.md section 2, Cash-out.
    """
    member, wanted = request
    reserve, supply = draft.pair
    lots = [
        lot
        for lot_id in draft.state.lots_of.get(member, ())
        if (lot := draft.state.lots[lot_id]).points_nano
    ]
    held = sum(lot.points_nano for lot in lots)
    points = held if wanted is None else wanted
    if points > held or not held:
        raise InsufficientPoints(
            f"{member} has {format_points(held)} points"
            + (f", fewer than {format_points(points)}" if held else " to burn")
        )
    left, parts = points, []
    for lot in lots:
        burnt = min(left, lot.points_nano)
        parts.append((lot, burnt, burnt * reserve // supply))
        left -= burnt
        if not left:
            break
    gross = sum(part for _, _, part in parts)
    net = left_of_net = gross * (PPM - fee_ppm) // PPM
    for number, (lot, burnt, part) in enumerate(parts, 1):
        share = left_of_net if number == len(parts) else part * (PPM - fee_ppm) // PPM
        left_of_net -= share
        draft.put(
            lot._replace(
                points_nano=lot.points_nano - burnt,
                headroom_micro=max(lot.headroom_micro - part, 0),
                net_micro=lot.net_micro + share,
            )
        )
    return points, gross, net


def _cash_out(draft: Draft, wish: CashOut, receipt: Receipt) -> None:
    fee_ppm = draft.state.policy.cash_out_fee_ppm
    members = [request.member for request in wish.requests]
    for member in members:
        if members.count(member) > 1:
            raise DuplicateMember(f"{member} asks more than once; join the requests into one")
    paid: list[Receipt] = []
    for request in wish.requests:
        points, gross, net = _burn_lots(draft, request, fee_ppm)
        draft.pay("cash_out", wallet_account(request.member), net)
        draft.burn("cash_out", request.member, points)
        paid.append(
            {
                "member": request.member,
                "points": format_points(points),
                "gross": format_money(gross),
                "net": format_money(net),
            }
        )
    if receipt["type"] == "cash_out_batch":
        receipt["paid"] = paid
    else:
        del paid[0]["member"]
        receipt.update(paid[0])


def _redeem(draft: Draft, wish: Redeem, receipt: Receipt) -> None:
    fee_ppm = draft.state.policy.redeem_fee_ppm
    points, gross, net = _burn_lots(draft, wish.request, fee_ppm)
    draft.pay("redeem", merchant_account(wish.merchant), net)
    draft.burn("redeem", wish.request.member, points)
    receipt["points"] = format_points(points)
    receipt["gross"] = format_money(gross)
    receipt["net"] = format_money(net)


def _inject(draft: Draft, gift: Inject, receipt: Receipt) -> None:  # noqa: ARG001
    if not draft.supply_nano:
        raise NoPoints("nobody holds points; the money would belong to nobody")
    draft.reserve_micro += gift.amount_micro
    draft.inflow_micro += gift.amount_micro
    draft.move("inject", INJECTIONS, POOL, gift.amount_micro)


def _refund(draft: Draft, wish: Refund, receipt: Receipt) -> None:
    refund(draft, wish.order, receipt)


_RULES: dict[type[Event], Callable[..., None]] = {
    Purchase: _purchase,
    Bind: _bind,
    CashOut: _cash_out,
    Redeem: _redeem,
    Refund: _refund,
    Inject: _inject,
}
