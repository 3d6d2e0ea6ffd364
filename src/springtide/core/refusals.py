"""Refusals: every way the product can say no to a request it understood.

    Refusal
    ├── InvalidEvent         unknown type, a field missing or malformed, an empty list
    ├── InvalidAmount        not a decimal string of the unit, or zero
    ├── Overflow             a number would pass 64 bits
    ├── IdReused             one id, two different contents
    ├── InsufficientPoints   the member has fewer points than asked for
    ├── BelowMinimum         a cash-out would pay less than it asked for at least
    ├── PaidDaily            a cash-out outside the day's batch, where they are paid daily
    ├── DuplicateMember      one member twice in a batch
    ├── UnknownOrder         a refund or a settlement of an order that was never posted
    ├── AlreadyRefunded      a second refund of one order, or its settlement after that
    ├── AlreadySettled       a second settlement of one order
    ├── RefundTooLarge       more than is left of the order
    └── NoPoints             an injection while nobody holds a point

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
