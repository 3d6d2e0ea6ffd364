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

ACTS = {
    "alarm.acknowledge": said("Alarm seen"),
    "cash_out.ask": said("Cash-out asked for"),
    "cash_out.cancel": said("Cash-out cancelled"),
    "cash_out.pay": said("Day's cash-outs paid"),
    "event.appoint": said("Agent appointed"),
    "event.bind": said("Member bound to a referrer"),
    "event.commission_paid": said("Commission marked as paid"),
    "event.deposit": said("Deposit noted"),
    "event.deposit_return": said("Deposit given back"),
    "event.dismiss": said("Agent's contract ended"),
    "event.dividend": said("Revenue shared"),
    "event.level": said("Level set"),
    "event.merchant_paid": said("Merchant marked as paid"),
    "event.merchant_terms": said("Merchant's terms set"),
    "event.rebind": said("Member bound to another referrer"),
    "evidence.add": said("Document recorded"),
    "evidence.revoke": said("Document revoked"),
    "identity.verify": said("Identity verified"),
    "invitation.make": said("Invitation made"),
    "key.create": said("Key made"),
    "key.revoke": said("Key revoked"),
    "member.freeze": said("Member frozen"),
    "member.leave": said("Member left"),
    "member.unfreeze": said("Member let go"),
    "merchant.apply": said("Merchant applied"),
    "merchant.reject": said("Merchant rejected"),
    "merchant.settlement": said("Merchant's account changed"),
    "phone.link": said("Phone linked to a member"),
    "policy.approve": said("Draft approved"),
    "policy.draft": said("Policy drafted"),
    "policy.effect": said("Policy put in effect"),
    "policy.reject": said("Draft rejected"),
    "policy.submit": said("Draft submitted"),
    "policy.withdraw": said("Draft withdrawn"),
    "program.create": said("Program created"),
    "redemption_code.make": said("Code for a store made"),
    "role.grant": said("Roles given"),
    "role.revoke": said("Roles taken away"),
    "session.close": said("Logged out"),
    "session.open": said("Logged in"),
    "session.refuse": said("Log-in refused"),
    "settle.run": said("Paid orders settled"),
    "staff.add": said("Staff invited"),
    "staff.disable": said("Log-in switched off"),
    "staff.enrol": said("Invitation accepted"),
    "staff.password": said("Password changed"),
    "staff.reset": said("Log-in reset"),
    "switch.off": said("Switched off"),
    "switch.on": said("Switched on"),
    "webhook.create": said("Webhook made"),
    "webhook.disable": said("Webhook switched off"),
    "webhook.enable": said("Webhook switched on"),
    "webhook.remove": said("Webhook removed"),
    "webhook.resend": said("Message sent again"),
    "webhook.rotate": said("Webhook's secret changed"),
    "withdrawal.approved": said("Withdrawal approved"),
    "withdrawal.awaiting_member": said("Withdrawal waits for the member"),
    "withdrawal.cancelled": said("Withdrawal cancelled"),
    "withdrawal.failed": said("Withdrawal failed"),
    "withdrawal.rejected": said("Withdrawal rejected"),
    "withdrawal.returned": said("Withdrawal that came back"),
    "withdrawal.sent": said("Withdrawal sent"),
    "withdrawal.settled": said("Withdrawal settled"),
    "withdrawal.under_review": said("Withdrawal under review"),
    "withdrawal.unknown": said("Outcome of a withdrawal unknown"),
}
"""What somebody did, as the log of acts says it beside the name of the act."""
