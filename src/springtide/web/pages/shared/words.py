"""Words for what the books name by keys: templates and sheets say the same.

They are messages in English; whoever shows one translates it.
"""

import re

from springtide.core.units import parse_money
from springtide.web.pages.shared.formats import money_text

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
    "indirect": said("Commission on an order two invitations away"),
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
    "settled": said("paid and settled"),
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
    "bind.post": said("Member bound to a referrer"),
    "cash_out.pay": said("Day's cash-outs paid"),
    "cash_out.post": said("Points cashed out"),
    "cash_out_batch.post": said("Batch of cash-outs posted"),
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
    "inject.post": said("Money given to the pool"),
    "invitation.make": said("Invitation made"),
    "key.create": said("Key made"),
    "key.revoke": said("Key revoked"),
    "member.freeze": said("Member frozen"),
    "member.leave": said("Member left"),
    "member.unfreeze": said("Member let go"),
    "merchant.apply": said("Merchant applied"),
    "merchant.reject": said("Merchant rejected"),
    "merchant.settlement": said("Merchant's account changed"),
    "pay.post": said("Order posted"),
    "phone.link": said("Phone linked to a member"),
    "policy.approve": said("Draft approved"),
    "policy.draft": said("Policy drafted"),
    "policy.effect": said("Policy put in effect"),
    "policy.reject": said("Draft rejected"),
    "policy.submit": said("Draft submitted"),
    "policy.withdraw": said("Draft withdrawn"),
    "program.create": said("Program created"),
    "purchase.post": said("Order posted"),
    "redeem.post": said("Points redeemed"),
    "redemption_code.make": said("Code for a store made"),
    "refund.post": said("Order refunded"),
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

ACTORS = {
    "system": said("the system"),
    "cli": said("the command line"),
}
"""Who acts without being a person or a key."""


def actor(name: str) -> str:
    """Whoever did something, as a page names them."""
    return ACTORS.get(name, name)


REASONS = (
    (
        r"(?P<amount>[0-9.]+) are due to (?P<name>.+); pay no more",
        said("%(amount)s is due to %(name)s. Pay no more than that."),
    ),
    (
        r"(?P<name>.+) is owed (?P<amount>-?[0-9.]+); pay no more",
        said("%(amount)s is owed to %(name)s. Pay no more than that."),
    ),
    (
        r"nothing is owed to (?P<name>.+), who never sold; .*",
        said("%(name)s never sold, so nothing is owed. Check the id."),
    ),
    (
        r"(?P<wanted>[0-9.]+) are to be shared, but the platform has (?P<amount>[0-9.]+); .*",
        said("%(wanted)s is to be shared, but the platform has %(amount)s. Share less."),
    ),
    (
        r"'.*' cannot be a log-in; .*",
        said("A name has 2 to 63 of a-z, 0-9 and . _ @ -, a letter or digit first."),
    ),
    (r"the log-in (?P<name>.+) is taken; .*", said("%(name)s is taken; choose another name.")),
    (r"roles: .*", said("Choose at least one role.")),
    (
        r"(?P<name>.+) is the last owner of (?P<program>.+); .*",
        said("%(name)s is the last owner of %(program)s; make somebody else owner first."),
    ),
    (
        r"the password has characters .*",
        said("The password has characters that cannot be typed; choose another."),
    ),
    (
        r"the password has (?P<number>\d+) characters; give (?P<least>\d+) to (?P<most>\d+)",
        said("The password has %(number)s characters; give %(least)s to %(most)s."),
    ),
    (
        r"the password is little more .*",
        said("The password is little more than the name; choose another."),
    ),
    (
        r"the new password is the old one; .*",
        said("The new password is the old one; choose another."),
    ),
    (r"scopes: .*", said("Choose at least one thing that the key may do.")),
    (r"mode is .*", said("Choose whether the key is for tests.")),
    (
        r"the URL is not plain ASCII .*",
        said("The address may only have plain characters, and not too many; escape the rest."),
    ),
    (r".* is not a URL; .*", said("This is no address; give one like https://shop.example.")),
    (r"the URL begins with .*", said("Give an address that begins with https://.")),
    (r".* names no host; .*", said("This is no address; give one like https://shop.example.")),
    (
        r"the URL has a password, .*",
        said("The address has a password, a fragment or a backslash; leave it out."),
    ),
    (
        r"(?P<host>.+) is at (?P<address>\S+), which .*",
        said("%(host)s is at %(address)s, where nothing is sent; give a host of the internet."),
    ),
    (
        r"(?P<host>.+) cannot be looked up; .*",
        said("%(host)s cannot be looked up; check its name."),
    ),
    (
        r"(?P<program>.+) has (?P<most>\d+) webhooks; .*",
        said("There are %(most)s webhooks already; remove one that is not used."),
    ),
    (r"types: .*", said("Choose among the messages that there are.")),
    (r"no answer within (?P<seconds>\d+) s", said("no answer within %(seconds)s seconds")),
    (r"ConnectError: All connection .*", said("nobody answers at this address")),
    (r".*\bcertificate\b.*", said("the certificate of the host is not valid")),
    (
        r"\w+(Error|Timeout|Exception): .*",
        said("the connection broke off before there was an answer"),
    ),
)
"""Why services refuse what the house is run with, and why a message did not arrive.

Their sentences are for the command line; a page says the same in its language.
"""


MONEY = ("amount", "wanted")
"""What of these stands for money, which a page writes in its own way."""


def _money(text: str) -> str:
    micro = parse_money(text.removeprefix("-"))
    return money_text(-micro if text.startswith("-") else micro)


def reason(sentence: str) -> tuple[str, dict[str, str]]:
    """What a page says instead of such a sentence, and what is put into it."""
    for pattern, message in REASONS:
        if found := re.fullmatch(pattern, sentence, re.DOTALL):
            return message, {
                name: _money(text) if name in MONEY else text
                for name, text in found.groupdict().items()
            }
    return "%(sentence)s", {"sentence": sentence}
