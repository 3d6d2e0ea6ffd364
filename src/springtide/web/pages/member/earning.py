"""Commissions: every one with its state, and why it was paid."""

import re

from starlette.responses import Response

from springtide.services import commissions, holding
from springtide.services.gateway import NotPossible
from springtide.services.sessions import Session
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import Call, Missing

A_PAGE = 20
_PLACE = re.compile(r"([0-9]{1,15})-([0-9]{1,4})")


def earnings(call: Call, session: Session) -> Response:
    """What was earned, newest first, and how much of it can be paid out now."""
    member = member_of(session)
    place = _PLACE.fullmatch(call.asked("before", 20))
    before = (int(place[1]), int(place[2])) if place else None
    rows = commissions.list_newest(
        call.database, call.program, member, call.now, before, A_PAGE + 1
    )
    shown = rows[:A_PAGE]
    last = f"{shown[-1].seq}-{shown[-1].line}" if len(rows) > A_PAGE else ""
    return call.page(
        "member/earnings.html",
        rows=shown,
        payable=commissions.payable_micro(call.database, call.program, member, call.now),
        has=holding.read_holding(call.database, call.program, member),
        first=call.here(before="") if before else "",
        following=call.here(before=last) if last else "",
        tab="wallet",
    )


def why(call: Call, session: Session) -> Response:
    """Why a member earned on an order: rule, rate and path; of others only how far they are."""
    order = call.request.path_params["id"]
    member = member_of(session)
    try:
        rows = commissions.why(call.database, call.program, order, member, call.now)
    except NotPossible:
        raise Missing from None
    policy = holding.read_holding(call.database, call.program, member).policy
    return call.page("member/why.html", rows=rows, order=order, policy=policy, tab="wallet")
