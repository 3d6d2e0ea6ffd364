"""Sheets of money on its way and of the network; `tables` has those of the books."""

from springtide.services import (
    agents,
    cash_outs,
    commissions,
    controls,
    levels,
    listing,
    merchants,
    payout_batches,
    withdrawals,
)
from springtide.services.login import SignedIn
from springtide.services.withdrawals import Withdrawal
from springtide.web.pages.console.network import place_of
from springtide.web.pages.console.tables import AT_ONCE, Found, day_of, in_pages
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.sheets import MOST_ROWS, Head, Rows
from springtide.web.pages.shared.words import CAUSES, EARNED, OTHER, REQUESTS, STATES


def _withdrawal(call: Call, row: Withdrawal) -> list[object]:
    return [
        row.id, row.member, call.say(STATES[row.state]), row.amount_micro, row.fee_micro,
        row.amount_micro - row.fee_micro, day_of(row.day), row.by,
        ", ".join(row.approved_by), row.reference,
    ]  # fmt: skip


def _withdrawal_heads(call: Call) -> list[Head]:
    return [
        (call.say("Withdrawal"), "text"), (call.say("Member"), "text"),
        (call.say("State"), "text"), (call.say("Amount"), "money"), (call.say("Fee"), "money"),
        (call.say("Reaches the member"), "money"), (call.say("Day"), "day"),
        (call.say("Asked by"), "text"), (call.say("Approved by"), "text"),
        (call.say("Reference"), "text"),
    ]  # fmt: skip


def all_withdrawals(call: Call, _: SignedIn) -> Found:
    """Withdrawals of every state, in the order they were asked for."""
    books, name = call.database, call.program

    def rows() -> Rows:
        for row in in_pages(
            lambda after: withdrawals.list_withdrawals(
                books, name, after=after or 0, most=AT_ONCE
            ),
            lambda row: int(row.seq),
        ):
            yield _withdrawal(call, row)

    return "withdrawals", _withdrawal_heads(call), rows()


def payouts(call: Call, _: SignedIn) -> Found:
    """What was sent together in one batch."""
    name = call.asked("batch")
    found = payout_batches.read_batch(call.database, call.program, name)
    if not found:
        raise Missing
    return "payouts", _withdrawal_heads(call), (_withdrawal(call, row) for row in found)


def batches(call: Call, _: SignedIn) -> Found:
    """Batches of payouts, newest first, with how many of each stand how."""
    found = payout_batches.list_batches(call.database, call.program, MOST_ROWS)
    heads: list[Head] = [
        (call.say("Batch"), "text"), (call.say("When (UTC)"), "moment"),
        (call.say("Payouts"), "count"), (call.say("Asked for"), "money"),
        (call.say("Fees"), "money"), (call.say("Reaches members"), "money"),
        (call.say("How they stand"), "text"),
    ]  # fmt: skip
    return "batches", heads, (
        [one.name, one.sent_at, one.payouts, one.amount, one.amount - one.net, one.net,
         ", ".join(f"{n} {call.say(STATES[state])}" for state, n in one.states.items())]
        for one in found
    )  # fmt: skip


def requests(call: Call, _: SignedIn) -> Found:
    """Cash-outs that were asked for, in the order they were."""
    books, name = call.database, call.program

    def rows() -> Rows:
        for row in in_pages(
            lambda after: cash_outs.list_requests(books, name, "", "", after or 0, AT_ONCE),
            lambda row: int(row.number),
        ):
            yield [
                row.id, row.member, call.say(REQUESTS[row.state]), row.points, row.min_net,
                row.asked_at, row.reason,
            ]  # fmt: skip

    heads: list[Head] = [
        (call.say("Request"), "text"), (call.say("Member"), "text"),
        (call.say("State"), "text"), (call.say("Points"), "points"),
        (call.say("No less than"), "money"), (call.say("Asked for (UTC)"), "moment"),
        (call.say("Why not"), "text"),
    ]  # fmt: skip
    return "cash-outs", heads, rows()


def shops(call: Call, _: SignedIn) -> Found:
    """Everybody who sells, with terms of their own and what is owed to them."""
    books, name = call.database, call.program

    def rows() -> Rows:
        for id_, _, terms, owed in in_pages(
            lambda after: merchants.read_sellers(
                books, name, listing.list_merchants(books, name, after or "", AT_ONCE)
            ),
            lambda row: str(row.id),
        ):
            region = place_of(terms.region, call.now) if terms and terms.region else ""
            stands = call.say("suspended") if terms and terms.suspended else call.say("sells")
            yield [id_, stands, region, terms and terms.owner, owed]

    heads: list[Head] = [
        (call.say("Merchant"), "text"), (call.say("Status"), "text"),
        (call.say("Region"), "text"), (call.say("Owner, as a member"), "text"),
        (call.say("Owed to it now"), "money"),
    ]  # fmt: skip
    return "merchants", heads, rows()


def applications(call: Call, _: SignedIn) -> Found:
    """Applications of merchants, and what became of them."""
    books, name = call.database, call.program
    stands = {
        "applied": call.say("waits for review"), "active": call.say("sells"),
        "rejected": call.say("rejected"), "suspended": call.say("suspended"),
    }  # fmt: skip

    def rows() -> Rows:
        for row in in_pages(
            lambda after: merchants.list_applications(books, name, "", after or "", AT_ONCE),
            lambda row: str(row.merchant),
        ):
            yield [
                row.merchant, row.name, stands[row.status], place_of(row.region, call.now),
                row.licence, row.recruiter, row.applied_at, row.reviewer, row.reviewed_at,
                row.reason,
            ]  # fmt: skip

    heads: list[Head] = [
        (call.say("Merchant"), "text"), (call.say("Name of the store"), "text"),
        (call.say("Status"), "text"), (call.say("Region"), "text"),
        (call.say("Licence"), "text"), (call.say("Brought by"), "text"),
        (call.say("Applied (UTC)"), "moment"), (call.say("Reviewed by"), "text"),
        (call.say("Reviewed (UTC)"), "moment"), (call.say("Reason"), "text"),
    ]  # fmt: skip
    return "applications", heads, rows()


def contracts(call: Call, _: SignedIn) -> Found:
    """Contracts of agents by region."""
    _program, state = listing.read_program(call.database, call.program)
    tiers, today = state.policy.territory_ppm, call.now.date().isoformat()

    def rows() -> Rows:
        for one in agents.list_contracts(call.database, call.program):
            tier = tiers[(6 - len(one.region)) // 2]
            yield [
                place_of(one.region, call.now), one.region, one.id, one.member,
                call.say("runs") if one.covers(today) else call.say("does not run"),
                tier if one.rate_ppm is None else one.rate_ppm,
                day_of(one.first), day_of(one.last), one.deposit_micro,
            ]  # fmt: skip

    heads: list[Head] = [
        (call.say("Region"), "text"), (call.say("Code"), "text"),
        (call.say("Contract"), "text"), (call.say("Member"), "text"),
        (call.say("Status"), "text"), (call.say("Rate"), "ratio"), (call.say("From"), "day"),
        (call.say("To"), "day"), (call.say("Deposit held"), "money"),
    ]  # fmt: skip
    return "agents", heads, rows()


def earned(call: Call, _: SignedIn) -> Found:
    """Commissions in the order of the journal: those that the page's filter lets through."""
    books, name = call.database, call.program
    member, kind, status = (call.asked(one) for one in ("member", "kind", "status"))

    def rows() -> Rows:
        for row in in_pages(
            lambda after: commissions.list_earned(
                books, name, member, call.now, after or (0, 0), AT_ONCE
            ),
            lambda row: (int(row.seq), int(row.line)),
        ):
            if kind in ("", row.kind) and status in ("", row.status):
                yield [
                    row.seq, row.member, call.say(CAUSES.get(row.kind, OTHER)), row.order,
                    call.say(EARNED[row.status]), row.payable_at, row.amount, row.clawed_back,
                ]  # fmt: skip

    heads: list[Head] = [
        (call.say("Entry"), "count"), (call.say("Member"), "text"), (call.say("Kind"), "text"),
        (call.say("Order"), "text"), (call.say("State"), "text"),
        (call.say("Payable from (UTC)"), "moment"), (call.say("Amount"), "money"),
        (call.say("Taken back"), "money"),
    ]  # fmt: skip
    return "commissions", heads, rows()


def given_levels(call: Call, _: SignedIn) -> Found:
    """Who has which level."""
    books, name = call.database, call.program
    heads: list[Head] = [(call.say("Member"), "text"), (call.say("Level"), "text")]
    return "levels", heads, in_pages(
        lambda after: levels.list_levels(books, name, after or "", AT_ONCE),
        lambda row: str(row[0]),
    )  # fmt: skip


def frozen(call: Call, _: SignedIn) -> Found:
    """Members who are frozen, with who did it and why."""
    books, name = call.database, call.program

    def rows() -> Rows:
        for row in in_pages(
            lambda after: controls.list_frozen(books, name, after or "", AT_ONCE),
            lambda row: str(row.member),
        ):
            yield [row.member, row.at, row.actor, row.reason]

    heads: list[Head] = [
        (call.say("Member"), "text"), (call.say("When (UTC)"), "moment"),
        (call.say("Who"), "text"), (call.say("Reason"), "text"),
    ]  # fmt: skip
    return "frozen", heads, rows()


def alarms(call: Call, _: SignedIn) -> Found:
    """Alarms, oldest first, with who has seen them."""
    books, name = call.database, call.program

    def rows() -> Rows:
        for row in in_pages(
            lambda after: controls.list_alarms(books, name, after or 0, AT_ONCE),
            lambda row: int(row.id),
        ):
            yield [row.at, row.kind, row.detail, row.acknowledged_at, row.acknowledged_by]

    heads: list[Head] = [
        (call.say("When (UTC)"), "moment"), (call.say("Kind"), "text"),
        (call.say("Detail"), "text"), (call.say("Seen (UTC)"), "moment"),
        (call.say("Seen by"), "text"),
    ]  # fmt: skip
    return "alarms", heads, rows()
