"""The tables of the console as sheets: their columns, and their rows as they are needed.

Worth and cash now always stand side by side, as on the pages.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from springtide.core.units import PPM, parse_money
from springtide.core.webhooks import message_id
from springtide.services import (
    acts,
    holding,
    listing,
    policies,
    profiles,
    reports,
    webhooks,
)
from springtide.services import keys as api_keys
from springtide.services import staff as people
from springtide.services.gateway import UnknownMember
from springtide.services.login import SignedIn
from springtide.services.webhooks import UnknownWebhook
from springtide.web.pages.console.books import ORDERS
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.sheets import Head, Rows
from springtide.web.pages.shared.words import CAUSES, OTHER

T = TypeVar("T")

AT_ONCE = 1_000
"""Rows that are read from the books at once."""

Found = tuple[str, Sequence[Head], Rows]


def in_pages(
    read: Callable[[T | None], Sequence[Any]], cursor: Callable[[Any], T]
) -> Iterator[Any]:
    """All rows of what is read in pages, each from after the row before."""
    after: T | None = None
    while rows := read(after):
        yield from rows
        if len(rows) < AT_ONCE:
            return
        after = cursor(rows[-1])


def day_of(text: object) -> date | None:
    """The day that an event names, if it names one that can be read."""
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        return None


def members(call: Call, _: SignedIn) -> Found:
    """Members, those whose ids begin with what is searched for."""
    books, name, wanted = call.database, call.program, call.asked("q")
    program, state = listing.read_program(books, name)

    def rows() -> Rows:
        exact = listing.read_member(books, name, wanted) if wanted else None
        if exact is not None:
            yield _member(exact, program, state.policy)
        for row in in_pages(
            lambda after: listing.list_members(books, name, after or wanted, AT_ONCE),
            lambda row: str(row.id),
        ):
            if not row.id.startswith(wanted):
                return
            yield _member(row, program, state.policy)

    heads = [
        (call.say("Member"), "text"), (call.say("Worth"), "money"),
        (call.say("Cash now"), "money"), (call.say("Points"), "points"),
        (call.say("Lots"), "count"), (call.say("Paid so far"), "money"),
        (call.say("Referrer"), "text"),
    ]  # fmt: skip
    return "members", heads, rows()


def _member(row: listing.MemberRow, program: Any, policy: Any) -> list[object]:
    worth, cash = holding.worth(row.points, program, policy)
    return [row.id, worth, cash, row.points, row.lots, row.received, row.referrer]


def orders(call: Call, _: SignedIn) -> Found:
    """Orders, newest first, each with the version of the policy that it follows."""
    books, name = call.database, call.program

    def rows() -> Rows:
        for row in in_pages(
            lambda before: listing.list_newest(books, name, ORDERS, before, AT_ONCE),
            lambda row: int(row.seq),
        ):
            event = json.loads(row.event)
            text = row.settled_receipt or (row.receipt if row.kind == "purchase" else "{}")
            receipt = json.loads(text)
            yield [
                row.id, day_of(event.get("at")) or row.posted_at.date(), event["member"],
                event.get("merchant"), parse_money(event["amount"]), row.refunded,
                receipt.get("contribution"), receipt.get("granted"), row.policy_version,
                row.posted_at,
            ]  # fmt: skip

    heads = [
        (call.say("Order"), "text"), (call.say("Day"), "day"), (call.say("Member"), "text"),
        (call.say("Merchant"), "text"), (call.say("Amount"), "money"),
        (call.say("Taken back"), "money"), (call.say("Into the reserve"), "money"),
        (call.say("Points granted"), "points"), (call.say("Policy version"), "count"),
        (call.say("Posted (UTC)"), "moment"),
    ]  # fmt: skip
    return "orders", heads, rows()


def prices(call: Call, _: SignedIn) -> Found:
    """The price of every day and the cash for a point, newest first."""
    found = call.house.overviews.get(call.program)
    days = found.days[::-1] if found else []
    fee = found.status.policy.cash_out_fee_ppm if found else 0
    factor = found.status.program.split_factor if found else 1

    def rows() -> Rows:
        for day in days:
            price = day.price_micro(factor)
            cash = price * (PPM - fee) // PPM
            yield [day.on, price, cash, day.reserve, day.inflow, day.outflow, day.exits]

    heads = [
        (call.say("Day"), "day"), (call.say("Price"), "price"),
        (call.say("Cash now"), "price"), (call.say("Reserve"), "money"),
        (call.say("Came in"), "money"), (call.say("Went out"), "money"),
        (call.say("Exits"), "count"),
    ]  # fmt: skip
    return "prices", heads, rows()


def log(call: Call, _: SignedIn) -> Found:
    """Acts, newest first; of one actor or on one subject where the address says so."""
    books, name = call.database, call.program
    actor, subject = call.asked("actor") or None, call.asked("subject") or None

    def rows() -> Rows:
        for act in in_pages(
            lambda before: acts.list_acts(
                books, name, limit=AT_ONCE, before_id=before, actor=actor, subject=subject
            ),
            lambda act: int(act.id),
        ):
            yield [
                act.at,
                act.actor,
                act.what,
                act.subject,
                *map(_facts, (act.before, act.after)),
            ]

    heads = [
        (call.say("When (UTC)"), "moment"), (call.say("Who"), "text"),
        (call.say("Act"), "text"), (call.say("On"), "text"),
        (call.say("Before"), "text"), (call.say("After"), "text"),
    ]  # fmt: skip
    return "log", heads, rows()


def _facts(facts: object) -> str:
    return json.dumps(facts, ensure_ascii=False) if facts else ""


def lots(call: Call, _: SignedIn) -> Found:
    """The lots of a member, oldest first."""
    books, name, member = call.database, call.program, call.asked("member")
    if listing.read_member(books, name, member) is None:
        raise Missing

    def rows() -> Rows:
        for lot in in_pages(
            lambda before: holding.list_lots(books, name, member, before, AT_ONCE)[1],
            lambda lot: int(lot.seq),
        ):
            yield [lot.id, lot.value, lot.cash_now, day_of(lot.at), lot.amount,
                   lot.contribution, lot.points, lot.received]  # fmt: skip

    heads = [
        (call.say("Order"), "text"), (call.say("Worth"), "money"),
        (call.say("Cash now"), "money"), (call.say("Day"), "day"),
        (call.say("Amount"), "money"), (call.say("Into the reserve"), "money"),
        (call.say("Points"), "points"), (call.say("Paid so far"), "money"),
    ]  # fmt: skip
    return "lots", heads, rows()


def statement(call: Call, _: SignedIn) -> Found:
    """Every movement of a member, newest first; points and money in columns of their own."""
    try:
        found = reports.read_statement(call.database, call.program, call.asked("member"))
    except UnknownMember:
        raise Missing from None

    def rows() -> Rows:
        for line in found.lines[::-1]:
            pair = (line.change, line.balance)
            points, money = ((*pair,), (None, None)) if line.unit == "points" else (
                (None, None), (*pair,))  # fmt: skip
            cause = call.say(CAUSES.get(line.cause, OTHER))
            yield [line.seq, day_of(line.at), cause, line.id, line.unit, *points, *money]

    heads = [
        (call.say("Entry"), "count"), (call.say("Day"), "day"), (call.say("Cause"), "text"),
        (call.say("By"), "text"), (call.say("Account"), "text"),
        (call.say("Change in points"), "points"), (call.say("Balance in points"), "points"),
        (call.say("Change in money"), "money"), (call.say("Balance in money"), "money"),
    ]  # fmt: skip
    return "statement", heads, rows()


def drafts(call: Call, _: SignedIn) -> Found:
    """Drafts of the policy, newest first."""
    rows = policies.list_drafts(call.database, call.program)[::-1]
    heads = [
        (call.say("Draft"), "count"), (call.say("Status"), "text"),
        (call.say("Made by"), "text"), (call.say("Made (UTC)"), "moment"),
        (call.say("Approved by"), "text"), (call.say("In effect from (UTC)"), "moment"),
        (call.say("Reason"), "text"),
    ]  # fmt: skip
    return "drafts", heads, iter(
        [row.number, row.state, row.made_by, row.made_at, row.approved_by, row.effective_at,
         row.reason] for row in rows
    )  # fmt: skip


def evidence(call: Call, _: SignedIn) -> Found:
    """What is on file, newest first, with whole hashes."""
    rows = profiles.list_evidence(call.database, call.program)[::-1]
    heads = [
        (call.say("Document"), "text"), (call.say("Number"), "text"),
        (call.say("Issued by"), "text"), (call.say("For"), "text"),
        (call.say("Valid from"), "day"), (call.say("Last day"), "day"), ("SHA-256", "text"),
        (call.say("Recorded by"), "text"), (call.say("Recorded (UTC)"), "moment"),
        (call.say("Revoked (UTC)"), "moment"),
    ]  # fmt: skip
    return "evidence", heads, iter(
        [row.kind, row.number, row.issuer, row.feature, row.valid_from, row.expires_on,
         row.file_hash.hex(), row.recorded_by, row.recorded_at, row.revoked_at] for row in rows
    )  # fmt: skip


def keys(call: Call, _: SignedIn) -> Found:
    """Keys of the API, newest first; secrets are kept nowhere."""
    rows = api_keys.list_keys(call.database, call.program)[::-1]
    heads = [
        (call.say("Key"), "text"), (call.say("Mode"), "text"), (call.say("May"), "text"),
        (call.say("Made (UTC)"), "moment"), (call.say("Revoked (UTC)"), "moment"),
    ]  # fmt: skip
    return (
        "keys",
        heads,
        iter(
            [row.id, row.mode, ", ".join(row.scopes), row.created_at, row.revoked_at]
            for row in rows
        ),
    )


def staff(call: Call, _: SignedIn) -> Found:
    """Everybody with a role in the program."""
    rows = people.list_staff(call.database, call.program)
    heads = [
        (call.say("Name"), "text"), (call.say("Roles"), "text"), (call.say("Status"), "text"),
        (call.say("Made (UTC)"), "moment"),
    ]  # fmt: skip
    return (
        "staff",
        heads,
        iter([row.name, ", ".join(row.roles), row.state, row.created_at] for row in rows),
    )


def deliveries(call: Call, _: SignedIn) -> Found:
    """What was sent to a webhook, newest first."""
    books, name, id_ = call.database, call.program, call.asked("webhook")
    try:
        webhooks.read_endpoint(books, name, id_)
    except UnknownWebhook:
        raise Missing from None

    def rows() -> Rows:
        for one in in_pages(
            lambda before: webhooks.list_deliveries(
                books, name, id_, "", before or (10**18, 0), AT_ONCE
            ),
            lambda one: (int(one.seq), int(one.n)),
        ):
            yield [
                message_id(one.endpoint, one.seq, one.n), one.seq, one.type, one.state,
                one.attempts, one.last_status, one.last_error, one.created_at, one.next_at,
            ]  # fmt: skip

    heads = [
        (call.say("Message"), "text"), (call.say("Entry"), "count"), (call.say("Type"), "text"),
        (call.say("Status"), "text"), (call.say("Attempts"), "count"),
        (call.say("Last answer"), "count"), (call.say("Last failure"), "text"),
        (call.say("Made (UTC)"), "moment"), (call.say("Next attempt (UTC)"), "moment"),
    ]  # fmt: skip
    return "deliveries", heads, rows()
