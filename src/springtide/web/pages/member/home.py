"""What a member has, where it comes from, and where it can go."""

import json
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from springtide.core.units import format_money, format_points, format_ratio
from springtide.services import holding, invitations, notices, reports, stores, withdrawals
from springtide.services.overview import Overview
from springtide.services.sessions import Session
from springtide.web.pages.shared import series
from springtide.web.pages.shared.call import HEADERS, Call, Missing

SHOWN_DAYS = timedelta(days=90)
MOST_POINTS = 90
MOST_ROWS = 15
LOTS_A_PAGE = 20
LINES_A_PAGE = 50
MOST_EXPORTED = 1_000_000


def member_of(session: Session) -> str:
    """Whose session it is."""
    return session.subject.removeprefix("member:")


def home(call: Call, session: Session) -> Response:
    """Points, their worth and the cash for them now, the price, and how far the cap is."""
    found = holding.read_holding(call.database, call.program, member_of(session))
    seen = call.house.overviews.get(call.program)
    newest: list[holding.Lot] = []
    if found.lots:
        _, newest = holding.list_lots(call.database, call.program, found.member, None, 1)
    rows = _recent(seen) if seen else []
    return call.page(
        "member/home.html",
        has=found,
        seen=seen,
        newest=newest[0] if newest else None,
        rows=series.thinned(rows, MOST_ROWS)[::-1],
        curve=series.curve(rows),
        days=(rows[-1][0] - rows[0][0]).days + 1 if rows else 0,
        tab="home",
    )


def _recent(seen: Overview) -> list[series.Priced]:
    rows = series.prices(seen, len(seen.days) or 1)
    rows = [row for row in rows if row[0] > rows[-1][0] - SHOWN_DAYS]
    return series.thinned(rows, MOST_POINTS)


def lots(call: Call, session: Session) -> Response:
    """Lots one by one, newest first."""
    return listed(call, session, "member/lots.html", "lots")


def listed(call: Call, session: Session, template: str, tab: str, **more: Any) -> Response:
    """A page of lots, newest first."""
    text = call.asked("before", 18)
    before = int(text) if text.isascii() and text.isdigit() else None
    policy, found = holding.list_lots(
        call.database, call.program, member_of(session), before, LOTS_A_PAGE + 1
    )
    shown = found[:LOTS_A_PAGE]
    following = call.here(before=str(shown[-1].seq)) if len(found) > LOTS_A_PAGE else ""
    first = call.here(before="") if before is not None else ""
    return call.page(
        template, lots=shown, policy=policy, first=first, following=following, tab=tab,
        names=names_of(call, *(one.merchant for one in shown)), **more,
    )  # fmt: skip


def names_of(call: Call, *merchants: str) -> dict[str, str]:
    """What stores are called, by their ids; one that nobody accepted has its id only."""
    found = [
        stores.find_store(call.database, call.program, merchant, call.now)
        for merchant in {*merchants} - {""}
    ]
    return {store.merchant: store.name for store in found if store}


def lot(call: Call, session: Session) -> Response:
    """One lot: where it comes from and where it can go."""
    found = holding.find_lot(
        call.database, call.program, member_of(session), call.request.path_params["seq"]
    )
    if found is None:
        raise Missing
    policy, one = found
    seen = call.house.overviews.get(call.program)
    return call.page(
        "member/lot.html", lot=one, policy=policy, more=_orders_needed(one, seen), tab="lots",
        names=names_of(call, one.merchant),
    )  # fmt: skip


def _orders_needed(one: holding.Lot, seen: Overview | None) -> int | None:
    """About how many orders like those so far the cap takes; None if it cannot be said."""
    if seen is None or not one.pool_multiple or not seen.status.activity.orders:
        return None
    came = sum(day.inflow for day in seen.days)
    average = came / seen.status.activity.orders
    reserve = seen.status.program.reserve
    return int(reserve * (one.pool_multiple - 1) / average) + 1 if average else None


def wallet(call: Call, session: Session) -> Response:
    """Cash and every movement of cash, points and credit, newest first."""
    found = holding.read_holding(call.database, call.program, member_of(session))
    lines: list[reports.Line] = []
    cash = 0
    if found.known:
        statement = reports.read_statement(call.database, call.program, found.member)
        lines, cash = statement.lines[::-1], statement.wallet_micro
    text = call.asked("from", 6)
    start = int(text) if text.isascii() and text.isdigit() else 0
    more = call.here(**{"from": str(start + LINES_A_PAGE)})
    return call.page(
        "member/wallet.html",
        has=found,
        wallet=cash,
        lines=lines[start : start + LINES_A_PAGE],
        first=call.here(**{"from": ""}) if start else "",
        following=more if len(lines) > start + LINES_A_PAGE else "",
        tab="wallet",
    )


def disclosure(call: Call, session: Session) -> Response:
    """What a purchase will really bring, in plain words."""
    del session
    seen = call.house.overviews.get(call.program)
    if seen is None:
        return call.page("shared/counting.html", 202)
    return call.page("member/disclosure.html", found=seen, tab="")


def account(call: Call, session: Session) -> Response:
    """Language, appearance, one's own data, and the way out."""
    return call.page("member/account.html", session=session, tab="account")


def export(call: Call, session: Session) -> Response:
    """Everything that the program holds about a member, as JSON."""
    member = member_of(session)
    has = holding.read_holding(call.database, call.program, member)
    lines: list[reports.Line] = []
    cash = 0
    if has.known:
        statement = reports.read_statement(call.database, call.program, member)
        lines, cash = statement.lines, statement.wallet_micro
    policy, found = holding.list_lots(call.database, call.program, member, None, 1_000_000)
    document = {
        "program": call.program,
        "member": member,
        "at": call.now.isoformat(),
        "points": format_points(has.points),
        "value": format_money(has.value),
        "cash_now": format_money(has.cash_now),
        "wallet": format_money(cash),
        "cash_out_fee": format_ratio(policy.cash_out_fee_ppm),
        "lots": [
            {
                "order": one.id,
                "at": one.at,
                "amount": format_money(one.amount),
                "refunded": format_money(one.refunded),
                "contribution": format_money(one.contribution),
                "granted": format_points(one.granted),
                "points": format_points(one.points),
                "received": format_money(one.received),
                "headroom": format_money(one.headroom),
            }
            for one in found
        ],
        **_besides(call, member),
        "movements": [reports.line_json(line) for line in lines],
        "logged_in_since": session.created_at.isoformat(),
    }
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="springtide.json"'}
    body = json.dumps(document, ensure_ascii=False, indent=1)
    return Response(body, headers=headers, media_type="application/json")


def _besides(call: Call, member: str) -> dict[str, object]:
    """What is held of a member beside points and movements."""
    bound, by = invitations.bound_by(call.database, call.program, member)
    requests = notices.list_requests(call.database, call.program, member, MOST_EXPORTED)
    withdrawn = withdrawals.list_withdrawals(
        call.database, call.program, member=member, after=0, most=MOST_EXPORTED
    )
    return {
        "was_invited": bound,
        "invited_by": by or None,
        "invitation": invitations.find(call.database, call.program, member) or None,
        "cash_out_requests": [
            {"id": row.id, "asked_at": row.asked_at.isoformat(), "state": row.state}
            for row in requests
        ],
        "withdrawals": [
            {
                "id": row.id,
                "day": row.day,
                "amount": format_money(row.amount_micro),
                "fee": format_money(row.fee_micro),
                "state": row.state,
            }
            for row in withdrawn
        ],
    }
