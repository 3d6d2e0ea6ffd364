"""The reducer: one event applied to a program's state.

The database writer, the replay in memory, the auditor and every what-if call `fold`, and
nothing else moves a state. Source: docs/algorithms/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from springtide.core import controls, distribution
from springtide.core.cash_out import cash_out, redeem
from springtide.core.commission import shares_left, split_commissions
from springtide.core.controls import (
    begin,
    check_contribution,
    check_order,
    check_settlement,
    count_exits,
    count_order,
    note_refusal,
)
from springtide.core.distribution import (
    note_terms,
    open_terms,
    shares_of_order,
    terms_when_paid,
)
from springtide.core.entry import Entry, NotLoaded
from springtide.core.event_fields import Json
from springtide.core.events import (
    CashOut,
    Event,
    Inject,
    Pay,
    PolicyChange,
    Purchase,
    Redeem,
    Refund,
    Settle,
    Step,
    Withdraw,
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
)
from springtide.core.policy import Policy, Terms
from springtide.core.policy_change import change_policy
from springtide.core.refund import find_paid, refund_order
from springtide.core.refusals import (
    IdReused,
    NoPoints,
    Overflow,
    Refusal,
)
from springtide.core.state import Lot, Posted, Receipt, State
from springtide.core.units import LIMIT, PPM, price_micro
from springtide.core.withdrawal import (
    hold_back,
    keep_withdrawal,
    request_withdrawal,
    spend_from_wallet,
    step_withdrawal,
)


@dataclass(slots=True)
class Outcome:
    """The answer to an event; one that was neither refused nor repeated has posted an entry."""

    answer: Posted | Receipt
    """What was posted, now or before, or the receipt of a refusal."""
    entry: Entry | None
    """What it posted, until that is written."""
    seq: int = 0
    """Of the entry; 0 if there is none."""
    refusal: Refusal | None = None
    told: bytes = b""
    """How it is told to whoever sent the event, if the writer was given words for it."""

    @property
    def receipt(self) -> Receipt:
        """The answer's receipt."""
        return self.answer.receipt if isinstance(self.answer, Posted) else self.answer

    @property
    def is_posted(self) -> bool:
        """Whether the event was accepted now, and not refused or posted before."""
        return self.seq > 0

    def close(self, receipt: str) -> None:
        """Let go of an entry that is written, and keep its receipt as JSON.

        A batch has thousands of both: without them it is read and answered in half the memory.
        """
        if isinstance(self.answer, Posted):
            self.answer.said = receipt
        self.entry = None


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

    An accepted event moves the state; a refused or repeated one leaves it as it was, but for
    the breaker of rule K6 in controls.md. An id that was posted before is answered with its
    first receipt if the content is equal, but for what the service may have added to it.

    Raises:
        NotLoaded: the state lacks something that the event needs; nothing was changed.

    Source: docs/algorithms/refusals.md, rule F1.
    """
    id_ = event.get("id")
    if type(id_) is str and (earlier := state.posted.get(id_)) is not None:
        if _is_repeated(earlier.event, event):
            return Outcome(earlier, None)
        return _refuse(state, event, IdReused(f"{id_} was posted before, for something else"))
    entry = Entry(state, event)
    try:
        if isinstance(parsed, Refusal):
            raise parsed
        _apply(entry, parsed or read_event(event))
    except Refusal as refusal:
        entry.abandon()
        return _refuse(state, event, refusal)
    except NotLoaded:
        entry.abandon()
        raise
    posted = _take_over(state, entry)
    if entry.counts is not None:
        controls.take_over(state.tally, entry.counts)
    if state.guards is not None:
        hold_back(state, entry)
    return Outcome(posted, entry, entry.seq)


ADDED = ("at", "commissions")
"""What the service adds to an event that came without it; see docs/algorithms/controls.md."""


def _is_repeated(earlier: Json, event: Json) -> bool:
    if same_content(earlier, event):
        return True
    added = {name for name in ADDED if name in earlier and name not in event}
    sent = {name: value for name, value in earlier.items() if name not in added}
    return bool(added) and same_content(sent, event)


def _refuse(state: State, event: Json, refusal: Refusal) -> Outcome:
    note_refusal(state, refusal)
    receipt: Receipt = {"id": event.get("id"), "type": event.get("type"), "error": refusal.code}
    if refusal.retry_at is not None:
        receipt["retry_at"] = refusal.retry_at
    receipt["reserve"] = state.reserve_micro
    receipt["supply"] = state.supply_nano
    receipt["price"] = price_micro(*state.pair)
    return Outcome(receipt, None, refusal=refusal)


def _apply(entry: Entry, parsed: Event) -> None:
    state = entry.state
    entry.id = parsed.id
    receipt = entry.receipt
    receipt["id"] = parsed.id
    receipt["type"] = entry.kind = cast(str, entry.event["type"])
    if state.policy.controls is not None:
        begin(entry)
    _RULES[type(parsed)](entry, parsed)
    if entry.reserve_micro > LIMIT or entry.supply_nano > LIMIT:
        raise Overflow("the reserve or the supply would pass 2^63 - 1")
    if not entry.supply_nano:
        entry.set_aside(state.reserve_micro, state.supply_nano)
    receipt["exits"] = exits = entry.exit_at_cap()
    if exits and entry.counts is not None:
        count_exits(entry, exits)
    entry.split_points()
    if state.holds_all_balances:
        state.balances.update(entry.balances())
    else:
        assert entry.inflow_micro <= LIMIT, "balances must be loaded before they can overflow"
        if state.balances:
            state.balances.update(entry.wallets())
    receipt["split"] = entry.split
    receipt["reserve"] = entry.reserve_micro
    receipt["supply"] = entry.supply_nano
    receipt["price"] = price_micro(*entry.pair)


def _take_over(state: State, entry: Entry) -> Posted:
    state.seq = entry.seq
    state.policy = entry.policy
    state.policy_version = entry.policy_version
    state.reserve_micro = entry.reserve_micro
    state.supply_nano = entry.supply_nano
    state.reference = entry.reference
    state.orphaned_micro = entry.orphaned_micro
    state.inflow_micro = entry.inflow_micro
    state.lots.update(entry.lots)
    posted = Posted(entry.event, entry.receipt, entry.split_factor, entry.policy)
    state.posted[entry.id] = posted
    if entry.opened is not None:
        state.list_lot(entry.opened)
    if entry.refunded is not None:
        order_id, amount = entry.refunded
        state.refunded[order_id] = state.refunded.get(order_id, 0) + amount
    if entry.settled is not None:
        order = state.posted[entry.settled]
        state.settlements[entry.settled] = Posted(
            order.event, entry.receipt, entry.split_factor, order.policy
        )
    state.members.update(entry.newcomers)
    if entry.merchant:
        state.merchants.add(entry.merchant)
    if entry.withdrawal is not None:
        keep_withdrawal(state, entry.withdrawal)
    if entry.binding is not None or entry.changes or state.distribution.held:
        distribution.take_over(state, entry)
    if entry.split > 1:
        state.split_factor *= entry.split
        state.multiply_lots(entry.split)
    return posted


def _pay(entry: Entry, order: Pay) -> None:
    check_order(entry.state, order.member)
    terms = note_terms(entry, order.merchant)
    amount_micro = _fitting(order)
    if entry.counts is not None:
        check_contribution(entry.state, _divide(terms, order)[-1])
    entry.inflow_micro += amount_micro
    if order.wallet_micro:
        spend_from_wallet(entry, order)
    entry.move("pay", PAYMENTS, ESCROW, order.amount_micro)
    entry.receipt["amount"] = order.amount_micro


def _settle(entry: Entry, wish: Settle) -> None:
    order = find_paid(entry.state, wish.order)
    check_settlement(entry.state, order.member)
    entry.settled = entry.receipt["order"] = wish.order
    paid = entry.state.posted[wish.order]
    terms = terms_when_paid(paid.policy, order.merchant, paid.receipt)
    _credit_order(entry, order, paid.policy, terms, paid.event, ESCROW)


def _purchase(entry: Entry, order: Purchase) -> None:
    check_order(entry.state, order.member)
    terms = open_terms(entry.state, order.merchant)
    entry.inflow_micro += _fitting(order)
    if order.wallet_micro:
        spend_from_wallet(entry, order)
    _credit_order(entry, order, entry.policy, terms, entry.event, PAYMENTS)


def _fitting(order: Purchase) -> int:
    if order.amount_micro > LIMIT:
        raise Overflow("amount passes 2^63 - 1 micro")
    return order.amount_micro


def _divide(terms: Terms, order: Purchase) -> tuple[int, int, int, int]:
    """The take, and the platform's, the promoters' and the pool's parts of it.

    Rounding: down; the pool has what that leaves of the take.
    """
    take = order.amount_micro * terms.take_ppm // PPM
    platform = take * terms.platform_ppm // PPM
    promoters = take * terms.distribution_ppm // PPM
    return take, platform, promoters, take - platform - promoters


def _credit_order(
    entry: Entry, order: Purchase, policy: Policy, terms: Terms, told: Json, source: str
) -> None:
    """Divide an order's money, which comes from the source, and credit its points.

    The policy and the terms are those that the order was made under; `told` is the event
    that ordered, and says the day.

    Source: docs/algorithms/pool.md, rules P3 and P4.
    """
    state, amount = entry.state, order.amount_micro
    if order.merchant not in state.merchants:
        entry.merchant = order.merchant
    take, platform, promoters, contribution = _divide(terms, order)
    if entry.counts is not None:
        check_contribution(state, contribution)
    granted = _grant(entry, policy, contribution)

    shares = shares_of_order(entry, order, policy, terms, told)
    if "commissions" in entry.event:
        shares = shares_left(shares, entry.event["commissions"])
    commissions, rest = split_commissions(shares, amount, promoters)
    if policy.rest_to_pool:
        contribution += rest
    else:
        platform += rest

    entry.reserve_micro += contribution
    entry.supply_nano += granted
    _credit_lot(entry, order, policy, granted)
    if entry.counts is not None:
        count_order(entry, order.member, amount)
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


def _grant(entry: Entry, policy: Policy, contribution_micro: int) -> int:
    """Points for a contribution, at the price before it; rounded down, twice."""
    reserve, supply = entry.state.pair
    value = contribution_micro * policy.grant_ppm // PPM
    if policy.max_grant_value_micro is not None and value > policy.max_grant_value_micro:
        value = policy.max_grant_value_micro
    granted = value * supply // reserve
    if granted > LIMIT:
        raise Overflow("the points granted would pass 2^63 - 1 nano")
    return granted


def _credit_lot(entry: Entry, order: Purchase, policy: Policy, granted_nano: int) -> None:
    headroom = order.amount_micro * (policy.cap_ppm or 0) // PPM
    lot_id = order.member if policy.cap_per_member else order.id
    lot = entry.state.lots.get(lot_id)
    if lot is None:
        entry.opened = lot = Lot(lot_id, order.member, granted_nano, headroom, 0, entry.seq)
    else:
        lot = lot.moved(granted_nano, headroom)
    entry.put(lot)


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
    CashOut: cash_out,
    Redeem: redeem,
    Refund: refund_order,
    Inject: _inject,
    Withdraw: request_withdrawal,
    Step: step_withdrawal,
    PolicyChange: change_policy,
    **distribution.RULES,
}
