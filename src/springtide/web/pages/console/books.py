"""What the console reads: overview, members, orders, prices, the log of acts."""

import json
from urllib.parse import quote

from starlette.responses import Response

from springtide.core.units import MICRO, PPM
from springtide.services import acts, holding, listing, reports
from springtide.services.gateway import UnknownMember
from springtide.services.login import SignedIn
from springtide.services.overview import Overview
from springtide.web.pages.console import care, refunds
from springtide.web.pages.shared import series
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.grants import grant_of

ROWS_A_PAGE = 50
DAYS_A_PAGE = 100
MOST_BARS = 45
MOST_POINTS = 200
MOST_ROWS = 24
ORDERS = ["purchase", "pay"]


def overview(call: Call, staff: SignedIn) -> Response:
    """The pool, who is owed what, what came and went, and what became of buyers."""
    found = call.house.overviews.get(call.program)
    if found is None:
        return call.page("shared/counting.html", 202)
    return call.page(
        "console/overview.html", staff=staff, tab="overview", found=found,
        flow=_flow(call, found), price=_price(call, found), **care.waiting(call, staff),
    )  # fmt: skip


def _flow(call: Call, found: Overview) -> str:
    rows = series.weeks(found.days, MOST_BARS)
    return json.dumps(
        {
            "at": [on.isoformat() for on, *_ in rows],
            "inflow": [came / MICRO for _, came, _ in rows],
            "outflow": [left / MICRO for *_, left in rows],
            "names": [call.say("Came in"), call.say("Went out")],
        }
    )


def _price(call: Call, found: Overview) -> str:
    rows = series.prices(found, MOST_POINTS)
    return json.dumps(
        {
            "at": [on.isoformat() for on, *_ in rows],
            "price": [price / MICRO for _, price, _ in rows],
            "cash": [cash / MICRO for *_, cash in rows],
            "names": [call.say("Price of a point"), call.say("Cash now for it")],
        }
    )


def members(call: Call, staff: SignedIn) -> Response:
    """Members by id; what is searched for is how their ids begin."""
    wanted, after = call.asked("q"), call.asked("after")
    rows = listing.list_members(call.database, call.program, after or wanted, ROWS_A_PAGE + 1)
    exact = listing.read_member(call.database, call.program, wanted) if wanted else None
    if exact is not None and not after:
        rows = [exact, *rows]
    rows = [row for row in rows if row.id.startswith(wanted)]
    shown = rows[:ROWS_A_PAGE]
    program, state = listing.read_program(call.database, call.program)
    worth = [(row, *holding.worth(row.points, program, state.policy)) for row in shown]
    part = call.request.headers.get("hx-request-type") == "partial"
    return call.page(
        "console/members_rows.html" if part else "console/members.html",
        staff=staff,
        tab="members",
        wanted=wanted,
        rows=worth,
        first=call.here(after="") if after else "",
        following=call.here(after=shown[-1].id) if len(rows) > ROWS_A_PAGE else "",
    )


def member(call: Call, staff: SignedIn, refusal: Exception | None = None) -> Response:
    """A member: what they have, and their lots; the statement follows by itself."""
    id_ = call.request.path_params["id"]
    row = listing.read_member(call.database, call.program, id_)
    if row is None:
        raise Missing
    has = holding.read_holding(call.database, call.program, id_)
    policy, lots = holding.list_lots(call.database, call.program, id_, None, ROWS_A_PAGE)
    return call.page(
        "console/member.html", 409 if refusal else 200, staff=staff, tab="members", has=has,
        lots=lots, policy=policy, referrer=row.referrer, refusal=refusal,
        reason=call.form.get("reason", ""), **care.facts(call, staff, id_),
    )  # fmt: skip


def statement(call: Call, staff: SignedIn) -> Response:
    """The newest movements of a member."""
    id_ = call.request.path_params["id"]
    try:
        found = reports.read_statement(call.database, call.program, id_)
    except UnknownMember:
        raise Missing from None
    part = call.request.headers.get("hx-request-type") == "partial"
    return call.page(
        "console/statement_rows.html" if part else "console/statement.html",
        staff=staff,
        tab="members",
        found=found,
        has=holding.read_holding(call.database, call.program, id_),
        lines=found.lines[::-1][:ROWS_A_PAGE],
        more=max(len(found.lines) - ROWS_A_PAGE, 0),
    )


def orders(call: Call, staff: SignedIn) -> Response:
    """Orders, newest first; who looks for the id of one is led to it."""
    wanted = call.asked("q")
    if wanted and listing.read_entry(call.database, call.program, ORDERS, wanted):
        return call.go(call.at("console", f"/orders/{quote(wanted)}"))
    text = call.asked("before", 18)
    before = int(text) if text.isascii() and text.isdigit() else None
    rows = listing.list_newest(call.database, call.program, ORDERS, before, ROWS_A_PAGE + 1)
    shown = rows[:ROWS_A_PAGE]
    return call.page(
        "console/orders.html",
        staff=staff,
        tab="orders",
        wanted=wanted,
        rows=[(row, json.loads(row.event), _receipt(row)) for row in shown],
        first=call.here(before="", q="") if before is not None else "",
        following=call.here(before=str(shown[-1].seq), q="") if len(rows) > ROWS_A_PAGE else "",
    )


def order(call: Call, staff: SignedIn) -> Response:
    """One order: who got what of it."""
    id_ = call.request.path_params["id"]
    row = listing.read_entry(call.database, call.program, ORDERS, id_)
    if row is None:
        raise Missing
    return call.page(
        "console/order.html", staff=staff, tab="orders", row=row,
        event=json.loads(row.event), receipt=_receipt(row), grant=grant_of(call, row),
        due=refunds.due(call, row),
    )  # fmt: skip


def _receipt(row: listing.EntryRow) -> dict[str, object] | None:
    """Of the purchase or the settlement; None while an order is only paid."""
    text = row.settled_receipt or (row.receipt if row.kind == "purchase" else None)
    return json.loads(text) if text else None


def prices(call: Call, staff: SignedIn) -> Response:
    """The price of every day, with the cash for a point beside it."""
    found = call.house.overviews.get(call.program)
    if found is None:
        return call.page("shared/counting.html", 202)
    fee = found.status.policy.cash_out_fee_ppm
    now = found.status.program.split_factor
    before = call.asked("before", 10)
    rows = [day for day in found.days[::-1] if not before or day.on.isoformat() < before]
    days = [
        (day, price, price * (PPM - fee) // PPM)
        for day, price in ((day, day.price_micro(now)) for day in rows[:DAYS_A_PAGE])
    ]
    last = days[-1][0].on.isoformat() if len(rows) > DAYS_A_PAGE else ""
    return call.page(
        "console/prices.html", staff=staff, tab="prices", found=found, days=days,
        price=_price(call, found), first=call.here(before="") if before else "",
        following=call.here(before=last) if last else "",
    )  # fmt: skip


def log(call: Call, staff: SignedIn) -> Response:
    """Who did what, newest first."""
    text = call.asked("before", 18)
    before = int(text) if text.isascii() and text.isdigit() else None
    actor, subject = call.asked("actor"), call.asked("subject")
    rows = acts.list_acts(
        call.database, call.program, limit=ROWS_A_PAGE + 1, before_id=before,
        actor=actor or None, subject=subject or None,
    )  # fmt: skip
    shown = rows[:ROWS_A_PAGE]
    return call.page(
        "console/log.html",
        staff=staff,
        tab="log",
        actor=actor,
        subject=subject,
        rows=shown,
        first=call.here(before="") if before is not None else "",
        following=call.here(before=str(shown[-1].id)) if len(rows) > ROWS_A_PAGE else "",
    )
