"""How long commissions are held: from when each may be paid, and what is not payable yet.

Source: docs/algorithms/distribution.md, rule D5.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from springtide.core.policy import Policy
from springtide.core.receipts import settled_micro
from springtide.storage import earnings
from springtide.storage.chain import decode
from springtide.storage.database import Transaction
from springtide.storage.earnings import EarnedRow
from springtide.storage.programs import Program

MOST_HELD = 2**31
Status = Literal["pending", "payable", "clawed_back"]


@dataclass(frozen=True, slots=True)
class Earned:
    """A commission as it stands at an instant; money in micro."""

    seq: int
    line: int
    kind: str
    member: str
    order: str
    amount: int
    clawed_back: int
    """What refunds of the order took back so far."""
    status: Status
    payable_at: datetime
    policy_version: int


def stand(row: EarnedRow, hold: timedelta, now: datetime) -> Earned:
    """What became of a commission; a refund takes the part of it that it is of the order.

    Rounding: down for each refund, as the refund itself does.

    Source: docs/algorithms/distribution.md, rule D5.
    """
    receipt = cast(dict[str, Any], decode(row.receipt))
    whole = settled_micro(receipt)
    taken = sum(row.amount * refund // whole for refund in row.refunds)
    payable_at = row.posted_at + hold
    status: Status = "payable" if payable_at <= now else "pending"
    if sum(row.refunds) >= whole:
        status = "clawed_back"
    return Earned(
        row.seq, row.line, row.kind, row.member, row.order, row.amount, taken, status,
        payable_at, row.policy_version,
    )  # fmt: skip


def held_micro(
    tx: Transaction, program: Program, policy: Policy, member: str, now: datetime
) -> int:
    """What a member's commissions that are not payable yet come to, less refunds.

    Rounding: none.
    """
    hold, held = timedelta(days=policy.promotion.hold_days), 0
    if hold:
        first = earnings.last_seq_until(tx, program, now - hold) + 1
        for row in earnings.read_earned(tx, program, member, (first, -1), MOST_HELD):
            one = stand(row, hold, now)
            if one.status == "pending":
                held += one.amount - one.clawed_back
    return held
