"""Deleting one's own data: what goes, what stays and why, and what is lost by it."""

from starlette.responses import Response

from springtide.services import holding, leaving, listing
from springtide.services.leaving import Stays
from springtide.services.sessions import Session
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import Call
from springtide.web.pages.shared.people import Sessions


def ask(call: Call, session: Session) -> Response:
    """Say it all before."""
    return _page(call, session)


def _page(call: Call, session: Session, status: int = 200, *, unsure: bool = False) -> Response:
    member = member_of(session)
    return call.page(
        "member/leave.html",
        status,
        has=holding.read_holding(call.database, call.program, member),
        wallet=listing.read_wallet(call.database, call.program, member) or 0,
        reasons=leaving.reasons_to_stay(call.database, call.program, member),
        session=session,
        unsure=unsure,
        tab="account",
    )


def confirm(people: Sessions, call: Call, session: Session) -> Response:
    """Do it, for whoever is sure; and log out for good."""
    if call.form.get("sure") != "yes":
        return _page(call, session, 422, unsure=True)
    try:
        leaving.leave(
            call.database, call.program, member_of(session), call.now, session.subject
        )
    except Stays:
        return _page(call, session, 409)
    response = call.go(call.at("m", "/left"))
    people.cookies.take_back(response)
    return response


def left(call: Call) -> Response:
    """Good-bye; it shows nothing of anybody."""
    return call.page("member/left.html")
