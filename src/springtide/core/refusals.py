"""Refusals: every way the product can say no to a request it understood.

    Refusal
    ├── InvalidEvent         unknown type, a field missing or malformed, an empty list
    ├── InvalidAmount        not a decimal string of the unit, or zero
    ├── Overflow             a number would pass 64 bits
    ├── IdReused             one id, two different contents
    ├── InsufficientPoints   the member has fewer points than asked for
    ├── BelowMinimum         a cash-out would pay less than it asked for at least
    ├── DuplicateMember      one member twice in a batch
    ├── UnknownOrder         a refund or a settlement of an order that was never posted
    ├── AlreadyRefunded      a second refund of one order, or its settlement after that
    ├── AlreadySettled       a second settlement of one order
    ├── RefundTooLarge       more than is left of the order
    ├── NoPoints             an injection while nobody holds a point
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
        code: Stable identifier, part of the public format; see SPEC.md section 5.
    """

    code: ClassVar[str]


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
