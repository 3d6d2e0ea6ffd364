"""Refusals: every way the product can say no to a request it understood.

    Refusal
    ├── InvalidEvent         unknown type, a field missing or malformed, an empty list
    ├── InvalidAmount        not a decimal string of the unit, or zero
    ├── Overflow             a number would pass 64 bits
    ├── IdReused             one id, two different contents
    ├── InsufficientPoints   the member has fewer points than asked for
    ├── BelowMinimum         a cash-out would pay less than it asked for at least
    ├── CashOutDisabled      the program pays no cash for points
    ├── PaidDaily            a cash-out outside the day's batch, where they are paid daily
    ├── DuplicateMember      one member twice in a batch
    ├── UnknownOrder         a refund or a settlement of an order that was never posted
    ├── AlreadyRefunded      a second refund of one order, or its settlement after that
    ├── AlreadySettled       a second settlement of one order
    ├── RefundTooLarge       more than is left of the order
    ├── NoPoints             an injection while nobody holds a point
    ├── InsufficientFunds    the member's wallet holds less than asked for
    ├── WithdrawalTooSmall   less than the policy's minimum, or than its own fee
    ├── DailyLimit           the member's withdrawals of a day would pass the policy's limit
    ├── UnknownWithdrawal    a step of a withdrawal that nobody asked for
    ├── WrongState           a step that a withdrawal cannot take from where it is
    ├── OwnWithdrawal        whoever asked for a withdrawal would approve it
    ├── ApprovedBefore       one person would approve one withdrawal twice
    │                         and by a control of the policy, or of people (`controls`):
    ├── MinSpend             a cash-out before enough was spent
    ├── MinCashOut           a cash-out that pays too little
    ├── DailyCashOut         a member's cash-outs would pass what a day may bring
    ├── Held                 points of orders settled too lately to be cashed
    ├── DailyOutflow         the program would pay more than a day may cost it
    ├── ContributionTooLarge an order out of proportion to the reserve
    ├── MemberFrozen         the member is frozen
    ├── PurchasesOff         orders are switched off
    ├── SettlementOff        settlement is switched off
    ├── CashOutsOff          cash-outs are switched off
    ├── EvidenceExpired      what has to be on file for a feature does not hold any more
    ├── UnusablePolicy       a policy that cannot follow the one in effect
    ├── MerchantSuspended    an order or a redemption at a merchant who may not sell now
    ├── OverBudget           terms or a rate that could pay more than a sale distributes
    ├── UnknownLevel         a level that the policy has no rate for
    ├── UnusableReferrer     a rebinding of who was never bound, or that would close a loop
    ├── RegionTaken          a second agent of a region
    ├── UnknownContract      no contract of this id, or one that is over, or a second one
    ├── ContractRunning      the return of a deposit before the contract's end
    └── MoreThanHeld         more of a deposit, or of what is due, than there is

Any other exception is a defect. A refused event changes nothing and does not keep its id.
"""

from typing import ClassVar


class Refusal(Exception):
    """The request was understood and refused; nothing was written.

    Attributes:
        code: Stable identifier, part of the public format; see
            docs/algorithms/refusals.md.
        retry_at: When the same request may be accepted, as RFC 3339; None if time alone
            does not help.
    """

    code: ClassVar[str]

    def __init__(self, detail: str, retry_at: str | None = None) -> None:
        super().__init__(detail)
        self.retry_at = retry_at


class InvalidEvent(Refusal):
    """The event has an unknown type, or a field is missing or malformed."""

    code = "invalid_event"


class InvalidAmount(Refusal):
    """An amount or a number of points is not a decimal string of its unit, or is zero."""

    code = "invalid_amount"


class Overflow(Refusal):
    """A number of the pool, a lot, an order or an account would pass 2^63 - 1."""

    code = "overflow"


class IdReused(Refusal):
    """The id was posted before, for something else."""

    code = "id_reused"


class InsufficientPoints(Refusal):
    """The member has fewer points than asked for, or none."""

    code = "insufficient_points"


class BelowMinimum(Refusal):
    """A cash-out would pay less than the least it accepts."""

    code = "below_min_net"


class CashOutDisabled(Refusal):
    """The program pays no cash for points."""

    code = "cash_out_disabled"


class PaidDaily(Refusal):
    """Cash-outs of the program are paid once a day; record a request for the next batch."""

    code = "cash_out_daily"


class DuplicateMember(Refusal):
    """A batch of cash-outs names one member twice."""

    code = "duplicate_member"


class UnknownOrder(Refusal):
    """No order of this id was posted."""

    code = "unknown_order"


class AlreadyRefunded(Refusal):
    """The order was refunded before."""

    code = "already_refunded"


class RefundTooLarge(Refusal):
    """More is to be refunded than is left of the order."""

    code = "refund_too_large"


class AlreadySettled(Refusal):
    """The order was settled before."""

    code = "already_settled"


class NoPoints(Refusal):
    """Money cannot be injected while no points are in circulation."""

    code = "no_points_in_circulation"


class InsufficientFunds(Refusal):
    """The member's wallet holds less than is asked for."""

    code = "insufficient_funds"


class WithdrawalTooSmall(Refusal):
    """A withdrawal is below the policy's minimum, or its fee would take all of it."""

    code = "withdrawal_too_small"


class DailyLimit(Refusal):
    """A member's withdrawals of one day would pass the policy's limit."""

    code = "daily_limit"


class UnknownWithdrawal(Refusal):
    """No withdrawal of this id was asked for."""

    code = "unknown_withdrawal"


class WrongState(Refusal):
    """The withdrawal cannot take this step from the state it is in."""

    code = "wrong_state"


class OwnWithdrawal(Refusal):
    """Whoever asked for a withdrawal cannot approve it."""

    code = "own_withdrawal"


class ApprovedBefore(Refusal):
    """One person's approval of a withdrawal counts once."""

    code = "approved_before"


class MinSpend(Refusal):
    """The member has to spend more, net of refunds, before a cash-out."""

    code = "control_min_spend"


class MinCashOut(Refusal):
    """A cash-out would pay less than the least that the policy allows."""

    code = "control_min_cash_out"


class DailyCashOut(Refusal):
    """The member's cash-outs would pass what a UTC day may bring."""

    code = "control_daily_cash_out"


class Held(Refusal):
    """The points belong to orders that were settled too lately to be cashed."""

    code = "control_hold"


class DailyOutflow(Refusal):
    """The program would pay out more than a UTC day may cost; cash-outs are paused for it."""

    code = "control_daily_outflow"

    def __init__(self, detail: str, retry_at: str | None, at_s: int | None = None) -> None:
        super().__init__(detail, retry_at)
        self.at_s = at_s
        """When it was tripped, in seconds since 1970; None if it was before."""


class ContributionTooLarge(Refusal):
    """The order would contribute more than the policy's ratio of the reserve."""

    code = "control_contribution"


class MemberFrozen(Refusal):
    """The member is frozen: no orders, cash-outs or redemptions."""

    code = "control_member_frozen"


class PurchasesOff(Refusal):
    """Orders are switched off."""

    code = "control_purchases_off"


class SettlementOff(Refusal):
    """The settlement of paid orders is switched off."""

    code = "control_settlement_off"


class CashOutsOff(Refusal):
    """Cash-outs are switched off."""

    code = "control_cash_outs_off"


class EvidenceExpired(Refusal):
    """What has to be on file for a feature does not hold today."""

    code = "evidence_expired"


class UnusablePolicy(Refusal):
    """A policy that cannot be read, or cannot follow the one in effect."""

    code = "unusable_policy"


class MerchantSuspended(Refusal):
    """The merchant may not sell or take points now."""

    code = "merchant_suspended"


class OverBudget(Refusal):
    """Commissions could pass what a sale under these terms distributes."""

    code = "over_budget"


class UnknownLevel(Refusal):
    """The policy has no rate for this level."""

    code = "unknown_level"


class UnusableReferrer(Refusal):
    """The member was never bound, or would be above themselves."""

    code = "unusable_referrer"


class RegionTaken(Refusal):
    """The region has an agent."""

    code = "region_taken"


class UnknownContract(Refusal):
    """There is no running contract of this id."""

    code = "unknown_contract"


class ContractRunning(Refusal):
    """A deposit is returned at the end of its contract."""

    code = "contract_running"


class MoreThanHeld(Refusal):
    """More is to be returned or paid than is held for it."""

    code = "more_than_held"
