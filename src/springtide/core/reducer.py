"""The reducer: one event applied to a program's state.

The database writer, the replay in memory, the auditor and every what-if call `fold`, and
nothing else moves a state. Source: SPEC.md sections 2 and 5; docs/algorithms/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from springtide.core.commission import split_commissions
from springtide.core.distribution import (
    RULES,
    note_terms,
    open_terms,
    shares_of_order,
    take_over,
    terms_when_paid,
)
from springtide.core.entry import Entry, HorizonReached
from springtide.core.events import (
    CashOut,
    Event,
    Inject,
    Json,
    Pay,
    Purchase,
    Redeem,
    Refund,
    Request,
    Settle,
    read_event,
    same_content,
)
from springtide.core.journal import (
    ESCROW,
    INJECTIONS,
    OPENING,
    PAYMENTS,
    PLATFORM,
    POINTS_ISSUED,
    POINTS_OPENING,
    POOL,
    Transfer,
    earner_account,
    merchant_account,
    points_account,
    wallet_account,
)
from springtide.core.policy import Terms
from springtide.core.refund import find_paid, refund_order
from springtide.core.refusals import (
    BelowMinimum,
    DuplicateMember,
    IdReused,
    InsufficientPoints,
    NoPoints,
    Overflow,
    Refusal,
)
from springtide.core.state import Lot, Posted, Receipt, State
from springtide.core.units import LIMIT, PPM, format_money, format_points, price_micro


@dataclass(slots=True)
class Outcome:
    """The answer to an event, and the entry it posted: none if it was refused or repeated."""

    receipt: Receipt
    entry: Entry | None
    refusal: Refusal | None = None


def opening_transfers(state: State) -> list[Transfer]:
    """Entry 0: the opening reserve, and the points of it that never leave."""
    transfers = [
        ("opening", OPENING, POOL, state.policy.opening_reserve_micro),
        ("opening", POINTS_ISSUED, POINTS_OPENING, state.policy.opening_supply_nano),
    ]
    return [transfer for transfer in transfers if transfer[3]]


def fold(state: State, event: Json, parsed: Event | Refusal | None = None) -> Outcome:
    """Apply one event to a state, and answer it.

    `parsed` is what `read_event` made of the event, if it was read before.

    An accepted event moves the state; a refused or repeated one leaves it as it was. An id
    that was posted before is answered with its first receipt if the content is equal.

    Raises:
        HorizonReached: the state lacks lots that may exit now; nothing was changed.

    Source: SPEC.md section 5.
    """
    id_ = event.get("id")
    if type(id_) is str and (earlier := state.posted.get(id_)) is not None:
        if same_content(earlier.event, event):
            return Outcome(earlier.receipt, None)
        return _refuse(state, event, IdReused(f"{id_} was posted before, for something else"))
    entry = Entry(state, event)
    try:
        if isinstance(parsed, Refusal):
            raise parsed
        _apply(entry, parsed or read_event(event))
    except Refusal as refusal:
        entry.abandon()
        return _refuse(state, event, refusal)
    except HorizonReached:
        entry.abandon()
        raise
    _take_over(state, entry)
    return Outcome(entry.receipt, entry)


def _refuse(state: State, event: Json, refusal: Refusal) -> Outcome:
    receipt: Receipt = {"id": event.get("id"), "type": event.get("type"), "error": refusal.code}
    receipt["reserve"] = state.reserve_micro
    receipt["supply"] = state.supply_nano
    receipt["price"] = price_micro(*state.pair)
    return Outcome(receipt, None, refusal)


def _apply(entry: Entry, parsed: Event) -> None:
    state = entry.state
    entry.id = parsed.id
    receipt = entry.receipt
    receipt["id"] = parsed.id
    receipt["type"] = entry.kind = cast(str, entry.event["type"])
    _RULES[type(parsed)](entry, parsed)
    if entry.reserve_micro > LIMIT or entry.supply_nano > LIMIT:
        raise Overflow("the reserve or the supply would pass 2^63 - 1")
    if not entry.supply_nano:
        entry.set_aside(state.reserve_micro, state.supply_nano)
    receipt["exits"] = entry.exit_at_cap()
    entry.split_points()
    if state.holds_all_balances:
        state.balances.update(entry.balances())
    else:
        assert entry.inflow_micro <= LIMIT, "balances must be loaded before they can overflow"
    receipt["split"] = entry.split
    receipt["reserve"] = entry.reserve_micro
    receipt["supply"] = entry.supply_nano
    receipt["price"] = price_micro(*entry.pair)


def _take_over(state: State, entry: Entry) -> None:
    state.seq = entry.seq
    state.reserve_micro = entry.reserve_micro
    state.supply_nano = entry.supply_nano
    state.reference = entry.reference
    state.orphaned_micro = entry.orphaned_micro
    state.inflow_micro = entry.inflow_micro
    state.lots.update(entry.lots)
    state.posted[entry.id] = Posted(entry.event, entry.receipt, entry.split_factor)
    if entry.opened is not None:
        state.list_lot(entry.opened)
    if entry.refunded is not None:
        order_id, amount = entry.refunded
        state.refunded[order_id] = state.refunded.get(order_id, 0) + amount
    if entry.settled is not None:
        order = state.posted[entry.settled].event
        state.settlements[entry.settled] = Posted(order, entry.receipt, entry.split_factor)
    if entry.newcomers:
        state.members.update(entry.newcomers)
    if entry.merchant:
        state.merchants.add(entry.merchant)
    if entry.binding is not None or entry.changes or state.distribution.held:
        take_over(state, entry)
    if entry.split > 1:
        state.split_factor *= entry.split
        state.multiply_lots(entry.split)


def _pay(entry: Entry, order: Pay) -> None:
    note_terms(entry, order.merchant)
    entry.inflow_micro += order.amount_micro
    entry.move("pay", PAYMENTS, ESCROW, _fitting(order))
    entry.receipt["amount"] = order.amount_micro


def _settle(entry: Entry, wish: Settle) -> None:
    order = find_paid(entry.state, wish.order)
    entry.settled = entry.receipt["order"] = wish.order
    paid = entry.state.posted[wish.order]
    terms = terms_when_paid(entry.state, order.merchant, paid.receipt)
    _credit_order(entry, order, ESCROW, paid.event, terms)


def _purchase(entry: Entry, order: Purchase) -> None:
    terms = open_terms(entry.state, order.merchant)
    entry.inflow_micro += _fitting(order)
    _credit_order(entry, order, PAYMENTS, entry.event, terms)


def _fitting(order: Purchase) -> int:
    if order.amount_micro > LIMIT:
        raise Overflow("amount passes 2^63 - 1 micro")
    return order.amount_micro


def _credit_order(entry: Entry, order: Purchase, source: str, told: Json, terms: Terms) -> None:
    """Divide an order's money, which comes from the source, and credit its points.

    `told` is the event that ordered, and says the day.

    Source: SPEC.md section 2, Purchase.
    """
    state = entry.state
    policy, amount = state.policy, order.amount_micro
    if order.merchant not in state.merchants:
        entry.merchant = order.merchant
    take = amount * terms.take_ppm // PPM
    platform = take * terms.platform_ppm // PPM
    distribution = take * terms.distribution_ppm // PPM
    contribution = take - platform - distribution
    granted = _grant(entry, contribution)

    shares = shares_of_order(entry, order, terms, told)
    commissions, rest = split_commissions(shares, amount, distribution)
    if policy.rest_to_pool:
        contribution += rest
    else:
        platform += rest

    entry.reserve_micro += contribution
    entry.supply_nano += granted
    _credit_lot(entry, order, granted)
    entry.move("merchant", source, merchant_account(order.merchant), amount - take)
    entry.move("platform", source, PLATFORM, platform)
    for kind, earner, earned in commissions:
        entry.transfers.append((kind, source, earner_account(policy, earner), earned))
    entry.move("contribution", source, POOL, contribution)
    entry.move("grant", POINTS_ISSUED, points_account(order.member), granted)
    receipt = entry.receipt
    receipt["merchant"] = amount - take
    receipt["platform"] = platform
    receipt["commissions"] = [
        {"kind": kind, "to": earner, "amount": earned} for kind, earner, earned in commissions
    ]
    receipt["contribution"] = contribution
    receipt["granted"] = granted


def _grant(entry: Entry, contribution_micro: int) -> int:
    """Points for a contribution, at the price before it; rounded down, twice."""
    policy = entry.state.policy
    reserve, supply = entry.state.pair
    value = contribution_micro * policy.grant_ppm // PPM
    if policy.max_grant_value_micro is not None and value > policy.max_grant_value_micro:
        value = policy.max_grant_value_micro
    granted = value * supply // reserve
    if granted > LIMIT:
        raise Overflow("the points granted would pass 2^63 - 1 nano")
    return granted


def _credit_lot(entry: Entry, order: Purchase, granted_nano: int) -> None:
    policy = entry.state.policy
    headroom = order.amount_micro * (policy.cap_ppm or 0) // PPM
    lot_id = order.member if policy.cap_per_member else order.id
    lot = entry.state.lots.get(lot_id)
    if lot is None:
        entry.opened = lot = Lot(lot_id, order.member, granted_nano, headroom, 0, entry.seq)
    else:
        lot = lot.moved(granted_nano, headroom)
    entry.put(lot)


@dataclass(slots=True)
class _Burn:
    """What a request burns, priced before anything changes; points in nano, money in micro."""

    member: str
    points: int
    gross: int
    net: int
    lots: list[tuple[Lot, int, int, int]]
    """Each lot with the points burnt, their gross and its share of the net."""


def _price_burn(state: State, request: Request, fee_ppm: int) -> _Burn:
    """Price a member's oldest points at the price before the event.

    Rounding: gross down for each lot, the net once, from the sum; the last lot takes what
    rounding leaves of it.

    Raises:
        InsufficientPoints: more than the member has, or all of nothing.

    Source: SPEC.md section 2, Cash-out.
    """
    reserve, supply = state.pair
    held = [state.lots[lot_id] for lot_id in state.lots_of.get(request.member, ())]
    total = sum(lot.points_nano for lot in held)
    points = total if request.points_nano is None else request.points_nano
    if points > total or not total:
        asked = f"{format_points(points)} were asked for" if total else "none to burn"
        raise InsufficientPoints(f"{request.member} has {format_points(total)} points; {asked}")
    left, parts = points, []
    for lot in held:
        burnt = min(left, lot.points_nano)
        if burnt:
            parts.append((lot, burnt, burnt * reserve // supply))
            left -= burnt
    gross = sum(part for _, _, part in parts)
    net = rest = gross * (PPM - fee_ppm) // PPM
    lots = []
    for lot, burnt, part in parts[:-1]:
        share = part * (PPM - fee_ppm) // PPM
        lots.append((lot, burnt, part, share))
        rest -= share
    lots.append((*parts[-1], rest))
    return _Burn(request.member, points, gross, net, lots)


def _burn(entry: Entry, burn: _Burn, kind: str, payee: str) -> None:
    for lot, burnt, part, share in burn.lots:
        entry.put(lot.moved(-burnt, -min(part, lot.headroom_micro), share))
    entry.pay(kind, payee, burn.net)
    entry.burn(kind, burn.member, burn.points)


def _cash_out(entry: Entry, wish: CashOut) -> None:
    members = {request.member for request in wish.requests}
    if len(members) < len(wish.requests):
        raise DuplicateMember("a member asks more than once; join the requests into one")
    state = entry.state
    fee_ppm = state.policy.cash_out_fee_ppm
    burns = [_price_burn(state, request, fee_ppm) for request in wish.requests]
    if burns[0].net < wish.min_net_micro:
        raise BelowMinimum(
            f"it would pay {format_money(burns[0].net)}, "
            f"less than the {format_money(wish.min_net_micro)} asked for; ask for a new quote"
        )
    paid: list[Receipt] = []
    for burn in burns:
        _burn(entry, burn, "cash_out", wallet_account(burn.member))
        paid.append({"points": burn.points, "gross": burn.gross, "net": burn.net})
    if entry.kind == "cash_out":
        entry.receipt.update(paid[0])
    else:
        entry.receipt["paid"] = [
            {"member": burn.member, **row} for burn, row in zip(burns, paid, strict=True)
        ]


def _redeem(entry: Entry, wish: Redeem) -> None:
    open_terms(entry.state, wish.merchant)
    if wish.merchant not in entry.state.merchants:
        entry.merchant = wish.merchant
    burn = _price_burn(entry.state, wish.request, entry.state.policy.redeem_fee_ppm)
    _burn(entry, burn, "redeem", merchant_account(wish.merchant))
    entry.receipt.update(points=burn.points, gross=burn.gross, net=burn.net)


def _inject(entry: Entry, gift: Inject) -> None:
    if not entry.supply_nano:
        raise NoPoints("nobody holds points; the money would belong to nobody")
    entry.reserve_micro += gift.amount_micro
    entry.inflow_micro += gift.amount_micro
    entry.move("inject", INJECTIONS, POOL, gift.amount_micro)


_RULES: dict[type[Event], Callable[..., None]] = {
    Purchase: _purchase,
    Pay: _pay,
    Settle: _settle,
    CashOut: _cash_out,
    Redeem: _redeem,
    Refund: refund_order,
    Inject: _inject,
    **RULES,
}
