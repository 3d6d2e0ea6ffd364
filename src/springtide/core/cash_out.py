"""Burning points: for money, alone or in a batch, and for goods.

Source: docs/algorithms/cash_out.md.
"""

from dataclasses import dataclass

from springtide.core.controls import cashable, check_burn, check_cash_outs
from springtide.core.daily import check_daily
from springtide.core.distribution import open_terms
from springtide.core.entry import Entry
from springtide.core.events import CashOut, Redeem, Request
from springtide.core.journal import merchant_account, wallet_account
from springtide.core.refusals import (
    BelowMinimum,
    CashOutDisabled,
    CashOutsOff,
    DuplicateMember,
    EvidenceExpired,
    InsufficientPoints,
    Refusal,
)
from springtide.core.state import Lot, Receipt
from springtide.core.units import PPM, format_money, format_points


@dataclass(slots=True)
class _Burn:
    """What a request burns, priced before anything changes; points in nano, money in micro."""

    member: str
    points: int
    gross: int
    net: int
    lots: list[tuple[Lot, int, int, int]]
    """Each lot with the points burnt, their gross and its share of the net."""


def _price_burn(entry: Entry, request: Request, fee_ppm: int, *, cashed: bool) -> _Burn:
    """Price a member's oldest points at the price before the event.

    Rounding: gross down for each lot, the net once, from the sum; the last lot takes what
    rounding leaves of it.

    Raises:
        InsufficientPoints: more than the member has, or all of nothing.
        Held: more than may be cashed by now.

    Source: docs/algorithms/cash_out.md.
    """
    state, controls = entry.state, entry.policy.controls
    reserve, supply = state.pair
    held = [state.lots[lot_id] for lot_id in state.lots_of.get(request.member, ())]
    total = sum(lot.points_nano for lot in held)
    points = total if request.points_nano is None else request.points_nano
    if points > total or not total:
        asked = f"{format_points(points)} were asked for" if total else "none to burn"
        raise InsufficientPoints(f"{request.member} has {format_points(total)} points; {asked}")
    if cashed and controls is not None and controls.hold_s:
        held, points = cashable(entry, request.member, held, request.points_nano)
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


def cash_out(entry: Entry, wish: CashOut) -> None:
    """Burn points for money, of one member or of several at one price.

    Raises:
        DuplicateMember: a member asks more than once.
        InsufficientPoints: more than a member has, or all of nothing.
        BelowMinimum: it would pay less than was asked for at least.
        PaidDaily: it is no day's batch, and the program has one.
        Refusal: any that `controls` can raise about a cash-out.

    Source: docs/algorithms/cash_out.md and controls.md.
    """
    if not entry.policy.cash_out_enabled:
        raise CashOutDisabled("this program pays no cash for points; redeem them for goods")
    members = {request.member for request in wish.requests}
    if len(members) < len(wish.requests):
        raise DuplicateMember("a member asks more than once; join the requests into one")
    check_daily(entry.policy, wish)
    burns, refused = _price_requests(entry, wish)
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
    if wish.day:
        entry.receipt["refused"] = refused


def _price_requests(entry: Entry, wish: CashOut) -> tuple[list[_Burn], list[Receipt]]:
    """What each request burns; those that do not fit a day's batch are left out of it."""
    burns: list[_Burn] = []
    refused: list[Receipt] = []
    for request in wish.requests:
        counted = 0 if entry.counts is None else len(entry.counts.cashed)
        try:
            burn = _price_request(entry, request)
            if wish.day and entry.counts is not None:
                check_cash_outs(entry, [(burn.member, burn.net)])
        except Refusal as refusal:
            if not wish.day or isinstance(refusal, CashOutsOff | EvidenceExpired):
                raise
            if entry.counts is not None:
                del entry.counts.cashed[counted:]
            refused.append({"member": request.member, "error": refusal.code})
        else:
            burns.append(burn)
    if not wish.day and entry.counts is not None:
        check_cash_outs(entry, [(burn.member, burn.net) for burn in burns])
    return burns, refused


def _price_request(entry: Entry, request: Request) -> _Burn:
    check_burn(entry.state, [request.member], cashed=True)
    burn = _price_burn(entry, request, entry.policy.cash_out_fee_ppm, cashed=True)
    if burn.net < request.min_net_micro:
        raise BelowMinimum(
            f"it would pay {format_money(burn.net)}, less than the "
            f"{format_money(request.min_net_micro)} asked for; ask for a new quote"
        )
    return burn


def redeem(entry: Entry, wish: Redeem) -> None:
    """Burn points for goods; the merchant is credited.

    Raises:
        InsufficientPoints: more than the member has, or all of nothing.
        MemberFrozen: the member is frozen.
        MerchantSuspended: the merchant may not sell or take points now.

    Source: docs/algorithms/cash_out.md, rule C3.
    """
    open_terms(entry.state, wish.merchant)
    if wish.merchant not in entry.state.merchants:
        entry.merchant = wish.merchant
    check_burn(entry.state, [wish.request.member], cashed=False)
    fee_ppm = entry.policy.redeem_fee_ppm
    burn = _price_burn(entry, wish.request, fee_ppm, cashed=False)
    _burn(entry, burn, "redeem", merchant_account(wish.merchant))
    entry.receipt.update(points=burn.points, gross=burn.gross, net=burn.net)
