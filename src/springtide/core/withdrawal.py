"""Withdrawals: money on its way out of a wallet, from the wish to the bank's word.

    requested ── under_review ── approved ── sent ── settled
        │              │            │          ├──── failed, returned
        └── cancelled ─┤            │          └──── awaiting_member, unknown ── settled,
        └── rejected ──┴────────────┘                                 failed, returned

Source: docs/algorithms/withdrawals.md; docs/decisions/0014-withdrawals.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from springtide.core.entry import Entry
from springtide.core.events import Purchase, Step, Withdraw
from springtide.core.journal import PAYMENTS, PAYOUTS, PLATFORM, WITHDRAWALS, wallet_account
from springtide.core.refusals import (
    ApprovedBefore,
    DailyLimit,
    InsufficientFunds,
    OwnWithdrawal,
    UnknownWithdrawal,
    WithdrawalTooSmall,
    WrongState,
)
from springtide.core.state import Receipt, State, Withdrawal
from springtide.core.units import format_money

NEXT = {
    "requested": ("under_review", "rejected", "cancelled"),
    "under_review": ("approved", "rejected", "cancelled"),
    "approved": ("sent", "rejected"),
    "sent": ("settled", "failed", "returned", "awaiting_member", "unknown"),
    "awaiting_member": ("settled", "failed", "returned"),
    "unknown": ("settled", "failed", "returned"),
}
"""Where a withdrawal can go from each state; from all others, nowhere."""

GIVEN_BACK = ("rejected", "cancelled", "failed", "returned")
"""States in which the money is in the wallet again."""

STATES = (*NEXT, "settled", *GIVEN_BACK)


def spend_from_wallet(entry: Entry, order: Purchase) -> None:
    """Take the part of an order that is paid from the wallet; the rest comes from outside.

    Raises:
        InsufficientFunds: the wallet holds less.

    Source: docs/algorithms/withdrawals.md, rule W1.
    """
    entry.take_from_wallet("spend", order.member, PAYMENTS, order.wallet_micro)
    entry.receipt["wallet"] = order.wallet_micro


def request_withdrawal(entry: Entry, wish: Withdraw) -> None:
    """Take an amount out of a wallet, to be sent to its owner once it is approved.

    Raises:
        WithdrawalTooSmall: below the minimum, or the fee would take all of it.
        InsufficientFunds: the wallet holds less, or what it holds is not payable yet.
        DailyLimit: with it the member would pass the day's limit.

    Source: docs/algorithms/withdrawals.md, rules W3 and W4.
    """
    state, amount = entry.state, wish.amount_micro
    terms = state.policy.withdrawal
    fee = terms.fee_micro(amount)
    if amount < terms.minimum_micro:
        raise WithdrawalTooSmall(
            f"{format_money(amount)} is below the minimum; ask for at least "
            f"{format_money(terms.minimum_micro)}"
        )
    if fee >= amount:
        raise WithdrawalTooSmall(
            f"the fee of {format_money(fee)} would take all of {format_money(amount)}; "
            "ask for more"
        )
    entry.take_from_wallet("withdraw", wish.member, WITHDRAWALS, amount)
    _check_payable(state, wish.member, amount)
    today, limit = state.withdrawn.get((wish.member, wish.day), 0), terms.daily_limit_micro
    if limit is not None and today + amount > limit:
        raise DailyLimit(
            f"{format_money(today + amount)} would be withdrawn on {wish.day}, the limit is "
            f"{format_money(limit)}; ask for less, or on another day"
        )
    needed = terms.approvals(amount)
    entry.withdrawal = Withdrawal(
        wish.id, entry.seq, wish.member, amount, fee, needed, wish.by, wish.day
    )
    entry.receipt.update(
        member=wish.member, amount=amount, fee=fee, approvals=needed, state="requested"
    )


def _check_payable(state: State, member: str, amount_micro: int) -> None:
    """Refuse to take out commissions that are held; goods may be bought with them.

    Source: docs/algorithms/distribution.md, rule D5.
    """
    held = state.guards.held.get(member, 0) if state.guards is not None else 0
    payable = state.wallet_micro(member) - held
    if held and amount_micro > payable:
        raise InsufficientFunds(
            f"{format_money(max(payable, 0))} can be withdrawn by {member} now; the rest of "
            "the wallet is commissions that are held, ask for it when their days are over"
        )


def hold_back(state: State, entry: Entry) -> None:
    """Hold the commissions of a new entry, of those who withdraw in the same batch."""
    if state.guards is None or not state.guards.held:
        return
    held = dict(state.guards.held)
    for row in cast(Sequence[Receipt], entry.receipt.get("commissions", ())):
        earner = cast(str, row["to"])
        if earner in held:
            held[earner] += cast(int, row["amount"])
    state.guards = state.guards._replace(held=held)


def step_withdrawal(entry: Entry, step: Step) -> None:
    """Let a withdrawal take a step, and move the money that goes with it.

    Raises:
        UnknownWithdrawal: there is none of this id.
        WrongState: it cannot go there from where it is.
        OwnWithdrawal, ApprovedBefore: this person's approval does not count.

    Source: docs/algorithms/withdrawals.md, rules W5 and W6.
    """
    before = entry.state.withdrawals.get(step.withdrawal)
    if before is None:
        raise UnknownWithdrawal(
            f"nobody asked for a withdrawal {step.withdrawal}; give the id of one"
        )
    if step.to == "approved" and step.by == before.by:
        raise OwnWithdrawal(
            f"{step.by} asked for withdrawal {before.id}; somebody else must approve it"
        )
    allowed = NEXT.get(before.state, ())
    if step.to not in allowed:
        raise WrongState(
            f"withdrawal {before.id} is {before.state} and cannot become {step.to}; "
            + (f"it can become {' or '.join(allowed)}" if allowed else "that is the end of it")
        )
    after = replace(before, state=step.to, steps=before.steps + 1)
    if step.to == "approved":
        after = _approve(before, after, step.by)
    elif step.to == "sent":
        # No two withdrawals have one seq, so no two references are alike.
        after = replace(after, reference=f"{step.batch}w{before.seq}")
        entry.receipt["reference"] = after.reference
    elif step.to == "settled":
        entry.move("payout", WITHDRAWALS, PAYOUTS, before.amount_micro - before.fee_micro)
        entry.move("withdraw_fee", WITHDRAWALS, PLATFORM, before.fee_micro)
    elif step.to in GIVEN_BACK:
        wallet = wallet_account(before.member)
        entry.move("withdraw_return", WITHDRAWALS, wallet, before.amount_micro)
    entry.withdrawal, entry.step = after, (step, before.state)
    entry.receipt.update(withdrawal=before.id, state=after.state)


def _approve(before: Withdrawal, after: Withdrawal, by: str) -> Withdrawal:
    """The withdrawal with one approval more: approved, or still waiting for another."""
    if by in before.approved_by:
        raise ApprovedBefore(
            f"{by} approved withdrawal {before.id} before; another person must approve it too"
        )
    approved_by = (*before.approved_by, by)
    state = "approved" if len(approved_by) == before.needed else before.state
    return replace(after, state=state, approved_by=approved_by)


def keep_withdrawal(state: State, withdrawal: Withdrawal) -> None:
    """Take a withdrawal over into the state, and count what its day has of it."""
    before = state.withdrawals.get(withdrawal.id)
    state.withdrawals[withdrawal.id] = withdrawal
    key = withdrawal.member, withdrawal.day
    if before is None:
        state.withdrawn[key] = state.withdrawn.get(key, 0) + withdrawal.amount_micro
    elif withdrawal.state in GIVEN_BACK and key in state.withdrawn:
        state.withdrawn[key] -= withdrawal.amount_micro
