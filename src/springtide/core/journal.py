"""The journal: accounts, and the transfers that move amounts between them.

A transfer has one amount and two sides, so an entry cannot be unbalanced. The balance of
an account is what was credited to it less what was debited: the accounts that money, points
and credit come from have negative balances, everything owed to somebody a positive one.

    money    payments, opening, injections       where it came from
             escrow                              paid for orders that are not settled
             merchant:<id>, unassigned           owed to merchants
             wallet:<member>, platform           owed to members, earned by the platform
             pool, orphaned                      the reserve, and what was left without points
             backing                             money behind store credit
             refunds                             paid back to buyers
             withdrawals                         taken from wallets, not sent or not settled yet
             payouts                             gone out to members
             deposits-paid, deposits:<contract>  agents' deposits; they only go back
             commission-due:<member>             earned, and paid on statement elsewhere
             commissions-paid                    what was paid of it
             merchants-paid                      what merchants were paid
    points   points-issued                       where they came from
             points:<member>, points-opening     who holds them
    credit   credit-issued, credit:<member>      store credit at par

A split of the points moves nothing: amounts of points are in the units of their own entry.
"""

from springtide.core.policy import Policy

PAYMENTS = "payments"
ESCROW = "escrow"
OPENING = "opening"
INJECTIONS = "injections"
UNASSIGNED = "unassigned"
PLATFORM = "platform"
POOL = "pool"
ORPHANED = "orphaned"
BACKING = "backing"
REFUNDS = "refunds"
WITHDRAWALS = "withdrawals"
PAYOUTS = "payouts"
DEPOSITS_PAID = "deposits-paid"
COMMISSIONS_PAID = "commissions-paid"
MERCHANTS_PAID = "merchants-paid"
POINTS_ISSUED = "points-issued"
POINTS_OPENING = "points-opening"
CREDIT_ISSUED = "credit-issued"


Transfer = tuple[str, str, str, int]
"""Kind, debit, credit, amount: one positive amount of one unit, moved between two accounts."""


def merchant_account(merchant: str) -> str:
    """Where a merchant's money is owed; sales without a merchant share one account."""
    return "merchant:" + merchant if merchant else UNASSIGNED


def wallet_account(member: str) -> str:
    """A member's cash: earnings and cash-outs. It goes below zero only by a clawback."""
    return "wallet:" + member


def points_account(member: str) -> str:
    """A member's points: the sum of the lots."""
    return "points:" + member


def credit_account(member: str) -> str:
    """A member's store credit."""
    return "credit:" + member


def deposit_account(contract: str) -> str:
    """What an agent deposited; nothing but its return ever debits it."""
    return "deposits:" + contract


def earner_account(policy: Policy, member: str) -> str:
    """Where commissions are earned: the wallet, or what is due on statement."""
    return due_account(member) if policy.promotion.by_statement else wallet_account(member)


def due_account(member: str) -> str:
    """What an earner on statement is still to be paid."""
    return "commission-due:" + member
