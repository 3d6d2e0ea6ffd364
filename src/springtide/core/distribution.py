"""The rules of merchants' terms, agents, levels, rebindings, deposits and dividends.

None of them touches the pool. Source: docs/algorithms/distribution.md, commission.md.
"""

from collections.abc import Callable
from typing import cast

from springtide.core.budget import check_rate, check_terms
from springtide.core.commission import Share, closes_loop, links_of, shares_of
from springtide.core.controls import check_evidence
from springtide.core.distribution_events import (
    READERS,
    Appoint,
    Deposit,
    Dismiss,
    Dividend,
    MerchantTerms,
    NextDay,
    PayCommission,
    PayMerchant,
    Rebind,
    ReturnDeposit,
    SetLevel,
)
from springtide.core.entry import Entry
from springtide.core.event_fields import Json
from springtide.core.events import Bind, Event, Purchase
from springtide.core.journal import (
    COMMISSIONS_PAID,
    DEPOSITS_PAID,
    MERCHANTS_PAID,
    PLATFORM,
    deposit_account,
    due_account,
    earner_account,
    merchant_account,
)
from springtide.core.policy import Policy, Terms
from springtide.core.refusals import (
    ContractRunning,
    MerchantSuspended,
    MoreThanHeld,
    Overflow,
    RegionTaken,
    UnknownContract,
    UnknownLevel,
    UnusableReferrer,
)
from springtide.core.standing import (
    Change,
    Contract,
    NewLevel,
    NewTerms,
    Rebound,
    Today,
    day_of,
)
from springtide.core.state import Receipt, State
from springtide.core.units import LIMIT, PPM, format_money, format_ratio


def open_terms(state: State, merchant: str) -> Terms:
    """The terms of a merchant who may sell.

    Raises:
        MerchantSuspended: by its terms.
    """
    terms = state.distribution.terms_of(state.policy, merchant)
    if terms.suspended:
        raise MerchantSuspended(f"{merchant} is suspended; sell elsewhere until it is active")
    return terms


def note_terms(entry: Entry, merchant: str) -> Terms:
    """The terms of a payment's merchant, noted on its receipt for the settlement.

    Only those that an event gave; the policy's own can be found without it.

    Raises:
        MerchantSuspended: the merchant may not sell.
    """
    terms = open_terms(entry.state, merchant)
    if merchant in entry.state.distribution.terms:
        entry.receipt["terms"] = told_of(terms)
    return terms


def told_of(terms: Terms) -> dict[str, object]:
    """What terms say of an order's money, as events say it."""
    return {
        "take_rate": format_ratio(terms.take_ppm),
        "platform": format_ratio(terms.platform_ppm),
        "distribution": format_ratio(terms.distribution_ppm),
        "region": terms.region,
        "recruiter": terms.recruiter,
        "recruiter_until": terms.recruiter_until,
    }


def terms_when_paid(policy: Policy, merchant: str, receipt: Receipt) -> Terms:
    """The terms under which an order was paid, from its policy and its payment's receipt."""
    noted = receipt.get("terms")
    if noted is None:
        return policy.terms_of(merchant)
    event = {"id": merchant, "merchant": merchant, **cast(dict[str, object], noted)}
    return terms_of(policy, cast(MerchantTerms, READERS["merchant_terms"](event)))


def shares_of_order(
    entry: Entry, order: Purchase, policy: Policy, terms: Terms, told: Json
) -> list[Share]:
    """Who earns on an order, after the binding that comes with it.

    The policy and the terms are the order's own; `told` is the event that ordered, and says
    the day.
    """
    state = entry.state
    day = day_of(told, state.distribution.day)
    referrer = _referrer(entry, order.member, order.referrer, day)
    links = links_of(state, policy, day)
    if referrer and entry.binding is None:
        referrer = links.get(order.member) or ""
    return shares_of(policy, state.distribution, terms, order.region, links, referrer, day)


def _referrer(entry: Entry, member: str, wanted: str, day: str) -> str:
    """The referrer that stands, after binding the wanted one if that can be bound."""
    state = entry.state
    bound = state.referrers.get(member, "")
    entry.meet(member)
    if bound or not wanted:
        return bound
    if closes_loop(state, member, wanted):
        return ""
    entry.meet(wanted)
    entry.binding, entry.bound_on = (member, wanted), day
    return wanted


def _bind(entry: Entry, wish: Bind) -> None:
    day = day_of(entry.event, entry.state.distribution.day)
    entry.receipt["referrer"] = _referrer(entry, wish.member, wish.referrer, day) or None


def take_over(state: State, entry: Entry) -> None:
    """Let a state's distribution say what an accepted entry changed of it."""
    distribution = state.distribution
    if entry.binding is not None:
        member, referrer = entry.binding
        state.referrers[member] = referrer
        distribution.sponsors.add(referrer)
        if entry.bound_on:
            distribution.bound_on[member] = entry.bound_on
    for change in entry.changes:
        _change(state, change)
        distribution.registry = entry.seq
    if distribution.held:
        _follow_held(distribution.held, entry)


def _change(state: State, change: Change) -> None:
    distribution = state.distribution
    match change:
        case NewTerms(merchant, terms):
            distribution.terms[merchant] = terms
        case Contract():
            distribution.contracts[change.id] = change
            if not change.ended or change.region not in distribution.agents:
                distribution.agents[change.region] = change.id
        case NewLevel(member, level, _):
            distribution.levels[member] = level
        case Rebound(member, _, referrer, day, _):
            state.referrers[member] = referrer
            distribution.bound_on.pop(member, None)
            if day:
                distribution.bound_on[member] = day
            distribution.sponsors.add(referrer)
        case Today(day):
            distribution.day = day


def _follow_held(held: dict[str, int], entry: Entry) -> None:
    """Keep the balances that a batch may draw on, through one entry."""
    for _, debit, credit, amount in entry.transfers:
        for account, change in ((debit, -amount), (credit, amount)):
            if account in held:
                held[account] += change


def _held(state: State, account: str) -> int:
    if state.holds_all_balances:
        return state.balances.get(account, 0)
    return state.distribution.held[account]


def terms_of(policy: Policy, wish: MerchantTerms) -> Terms:
    """The terms that an event gives a merchant."""
    platform, distribution = wish.split_ppm or (policy.platform_ppm, policy.distribution_ppm)
    return Terms(
        take_ppm=wish.take_ppm,
        region=wish.region,
        recruiter=wish.recruiter,
        platform_ppm=platform,
        distribution_ppm=distribution,
        recruiter_until=wish.recruiter_until,
        owner=wish.owner,
        suspended=wish.suspended,
    )


def _set_terms(entry: Entry, wish: MerchantTerms) -> None:
    state = entry.state
    terms = terms_of(state.policy, wish)
    check_terms(state.policy, terms, f"merchant {wish.merchant}")
    if wish.merchant not in state.merchants:
        entry.merchant = wish.merchant
    entry.changes.append(NewTerms(wish.merchant, terms))


def _appoint(entry: Entry, wish: Appoint) -> None:
    distribution = entry.state.distribution
    if wish.contract in distribution.contracts:
        raise UnknownContract(f"contract {wish.contract} was made before; give another id")
    if wish.rate_ppm is not None:
        check_rate(entry.state.policy, wish.rate_ppm)
    check_evidence(entry.state, "territory")
    before = distribution.contracts.get(distribution.agents.get(wish.region, ""))
    if before is not None and not before.ended:
        if not before.is_past(day_of(entry.event, distribution.day)):
            raise RegionTaken(
                f"{before.member} serves {wish.region} by contract {before.id}; dismiss first"
            )
        entry.changes.append(before._replace(ended=True))
    entry.meet(wish.member)
    entry.changes.append(
        Contract(wish.contract, wish.region, wish.member, wish.rate_ppm, wish.first, wish.last)
    )


def _contract(state: State, id_: str) -> Contract:
    contract = state.distribution.contracts.get(id_)
    if contract is None:
        raise UnknownContract(f"there is no contract {id_}; see `springtide agent list`")
    return contract


def _dismiss(entry: Entry, wish: Dismiss) -> None:
    contract = _contract(entry.state, wish.contract)
    if contract.ended:
        raise UnknownContract(f"contract {wish.contract} ended before; nothing is left to end")
    entry.changes.append(contract._replace(ended=True))


def _deposit(entry: Entry, wish: Deposit) -> None:
    contract = _contract(entry.state, wish.contract)
    if contract.ended or contract.is_past(day_of(entry.event, entry.state.distribution.day)):
        raise UnknownContract(f"contract {wish.contract} is over; it takes no deposit")
    held = contract.deposit_micro + wish.amount_micro
    if held > LIMIT:
        raise Overflow("the deposit would pass 2^63 - 1 micro")
    entry.inflow_micro += wish.amount_micro
    entry.move("deposit", DEPOSITS_PAID, deposit_account(wish.contract), wish.amount_micro)
    entry.changes.append(contract._replace(deposit_micro=held))
    entry.receipt.update(amount=wish.amount_micro, held=held)


def _return_deposit(entry: Entry, wish: ReturnDeposit) -> None:
    contract = _contract(entry.state, wish.contract)
    day = day_of(entry.event, entry.state.distribution.day)
    if not contract.ended and not contract.is_past(day):
        raise ContractRunning(
            f"contract {wish.contract} still runs; dismiss it or wait for its last day"
        )
    held = contract.deposit_micro
    amount = held if wish.amount_micro is None else wish.amount_micro
    if amount > held or not held:
        raise MoreThanHeld(f"{format_money(held)} are deposited for contract {wish.contract}")
    entry.move("deposit_return", deposit_account(wish.contract), DEPOSITS_PAID, amount)
    entry.changes.append(contract._replace(deposit_micro=held - amount))
    entry.receipt.update(amount=amount, held=held - amount)


def _set_level(entry: Entry, wish: SetLevel) -> None:
    policy = entry.state.policy
    if wish.level and wish.level not in policy.level_rates_ppm:
        known = ", ".join(policy.level_rates_ppm) or "none"
        raise UnknownLevel(f"level {wish.level!r} has no rate in the policy; known are {known}")
    entry.meet(wish.member)
    entry.receipt["before"] = entry.state.distribution.level_of(policy, wish.member) or None
    entry.changes.append(NewLevel(wish.member, wish.level, wish.reason))


def _rebind(entry: Entry, wish: Rebind) -> None:
    state = entry.state
    before = state.referrers.get(wish.member)
    if before is None:
        raise UnusableReferrer(f"{wish.member} was never bound; bind them instead")
    if closes_loop(state, wish.member, wish.referrer):
        raise UnusableReferrer(f"{wish.member} would be above themselves; choose another")
    entry.meet(wish.referrer)
    day = day_of(entry.event, state.distribution.day)
    entry.changes.append(Rebound(wish.member, before, wish.referrer, day, wish.reason))
    entry.receipt.update(before=before, referrer=wish.referrer)


def _dividend(entry: Entry, wish: Dividend) -> None:
    """Share a part of what the platform earned; what rounding leaves stays with it.

    Rounding: the sum to share is rounded down, and so is everybody's part of it.
    """
    if wish.revenue_micro > LIMIT:
        raise Overflow("revenue passes 2^63 - 1 micro")
    shared = wish.revenue_micro * wish.share_ppm // PPM
    total = sum(weight for _, weight in wish.weights)
    there = _held(entry.state, PLATFORM)
    if shared > there:
        raise MoreThanHeld(
            f"{format_money(shared)} are to be shared, but the platform has "
            f"{format_money(there)}; share less"
        )
    paid: list[Receipt] = []
    for member, weight in wish.weights:
        amount = shared * weight // total
        entry.meet(member)
        entry.move("dividend", PLATFORM, earner_account(entry.state.policy, member), amount)
        paid.append({"to": member, "amount": amount})
    entry.receipt["dividends"] = [row for row in paid if row["amount"]]


def _pay_commission(entry: Entry, wish: PayCommission) -> None:
    account = due_account(wish.member)
    due = _held(entry.state, account)
    if wish.amount_micro > due:
        raise MoreThanHeld(f"{format_money(due)} are due to {wish.member}; pay no more")
    entry.move("commission_paid", account, COMMISSIONS_PAID, wish.amount_micro)
    entry.receipt.update(amount=wish.amount_micro, due=due - wish.amount_micro)


def _pay_merchant(entry: Entry, wish: PayMerchant) -> None:
    """Note what was paid; what is paid beyond what is owed, the merchant owes."""
    if wish.merchant not in entry.state.merchants:
        raise MoreThanHeld(f"nothing is owed to {wish.merchant}, who never sold; check the id")
    entry.inflow_micro += wish.amount_micro  # nothing else bounds these two accounts
    account = merchant_account(wish.merchant)
    entry.move("merchant_paid", account, MERCHANTS_PAID, wish.amount_micro)
    entry.receipt["amount"] = wish.amount_micro


def _next_day(entry: Entry, wish: NextDay) -> None:
    """Days only go on: an earlier one changes nothing."""
    day = max(wish.day, entry.state.distribution.day)
    entry.receipt["day"] = day
    entry.changes.append(Today(day))


RULES: dict[type[Event], Callable[..., None]] = {
    Bind: _bind,
    MerchantTerms: _set_terms,
    Appoint: _appoint,
    Dismiss: _dismiss,
    SetLevel: _set_level,
    Rebind: _rebind,
    Deposit: _deposit,
    ReturnDeposit: _return_deposit,
    Dividend: _dividend,
    PayCommission: _pay_commission,
    PayMerchant: _pay_merchant,
    NextDay: _next_day,
}
"""The rule of each event; the reducer adds them to its own."""
