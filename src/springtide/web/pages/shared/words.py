"""Words for what the books name by keys: templates and sheets say the same.

They are messages in English; whoever shows one translates it.
"""

said = str
"""Marks a message for the catalogues."""

CAUSES = {
    "grant": said("Points for an order"),
    "cash_out": said("Cash-out"),
    "redeem": said("Redeemed at a store"),
    "exit": said("Exit at the cap"),
    "refund": said("Order taken back"),
    "clawback": said("Commission taken back"),
    "split": said("Points restated by a split"),
    "withdraw": said("Withdrawal"),
    "withdraw_return": said("Withdrawal that came back"),
    "payout": said("Withdrawal that was paid out"),
    "withdraw_fee": said("Fee of a withdrawal"),
    "spend": said("Paid for an order"),
    "pay": said("An order was paid for"),
    "merchant": said("Merchant's part of a sale"),
    "platform": said("Platform's part of a sale"),
    "contribution": said("Part of a sale for the reserve"),
    "shortfall": said("What a refund lacked"),
    "surplus": said("What a refund left over"),
    "orphaned": said("Reserve left without points"),
    "opening": said("Opening of the program"),
    "inject": said("Money put into the reserve"),
    "deposit": said("Deposit of an agent"),
    "deposit_return": said("Deposit given back"),
    "dividend": said("Share of the platform's revenue"),
    "commission_paid": said("Commission paid on a statement"),
    "merchant_paid": said("Merchant was paid"),
    "direct": said("Commission on the order of an invited buyer"),
    "indirect": said("Commission one step further"),
    "territory": said("Commission for the territory"),
    "recruiter": said("Commission on a store that was brought in"),
    "level": said("Commission for the level"),
    "peer": said("Peer award"),
}
"""What moved an account, by the kind of the transfer."""

OTHER = said("Other movement")

STATES = {
    "requested": said("asked for"),
    "under_review": said("under review"),
    "approved": said("approved, not sent"),
    "sent": said("sent"),
    "awaiting_member": said("waits for the member"),
    "unknown": said("outcome unknown"),
    "settled": said("settled"),
    "failed": said("failed"),
    "returned": said("returned"),
    "rejected": said("rejected"),
    "cancelled": said("cancelled"),
}
"""States of withdrawals, as the staff reads them."""

EARNED = {
    "pending": said("held"),
    "payable": said("payable"),
    "clawed_back": said("taken back"),
}
"""How a commission stands."""

REQUESTS = {
    "waiting": said("waits"),
    "cancelled": said("cancelled"),
    "paid": said("paid"),
    "refused": said("refused"),
}
"""What became of a cash-out that was asked for."""
