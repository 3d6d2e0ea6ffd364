"""Invitations: a member's link, QR and poster, who came by it, and whoever opens the link."""

import secrets
from contextlib import suppress

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.services import commissions, holding, invitations
from springtide.services.gateway import NotPossible
from springtide.services.invitations import Invitation, UnknownInvitation
from springtide.services.sessions import Session
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import HEADERS, Call, Missing
from springtide.web.pages.shared.people import Sessions
from springtide.web.pages.shared.qr import png, qr, squares


def invite(call: Call, session: Session) -> Response:
    """The invitation, and how many came by it: numbers and amounts, never names."""
    member = member_of(session)
    code = invitations.find(call.database, call.program, member)
    bound, by = invitations.bound_by(call.database, call.program, member)
    has = holding.read_holding(call.database, call.program, member)
    return call.page(
        "member/invite.html",
        link=_link(call, code),
        qr=qr(_link(call, code)) if code else "",
        team=commissions.read_team(call.database, call.program, member),
        has=has,
        bound=bound,
        by=by,
        session=session,
        tab="account",
    )


def make(call: Call, session: Session) -> Response:
    """Make the invitation; only who is in the books has one."""
    with suppress(NotPossible):  # the page says who may
        invitations.make(
            call.database, call.program, member_of(session), "", call.now, session.subject,
            secrets.token_bytes,
        )  # fmt: skip
    return call.go(call.at("m", "/invite"))


def _link(call: Call, code: str) -> str:
    origin = call.request.app.state.cookies.origin or str(call.request.base_url).rstrip("/")
    return f"{origin}{call.at('i', f'/{code}')}"


def _own_code(call: Call, session: Session) -> str:
    code = invitations.find(call.database, call.program, member_of(session))
    if not code:
        raise Missing
    return code


def poster(call: Call, session: Session) -> Response:
    """The invitation as a picture to print or to keep: what is true of it, and the QR."""
    link = _link(call, _own_code(call, session))
    size, dark = squares(link)
    seen = call.house.overviews.get(call.program)
    text = call.house.templates.render(
        call.language, "member/poster.html", call=call, link=link, size=size,
        squares=dark, outlook=seen.disclosure.outlook if seen and seen.disclosure else None,
    )  # fmt: skip
    return Response(text, headers=HEADERS, media_type="image/svg+xml")


def qr_png(call: Call, session: Session) -> Response:
    """The QR alone, as a picture that every phone keeps among its photos."""
    picture = png(_link(call, _own_code(call, session)))
    return Response(picture, headers=HEADERS, media_type="image/png")


def landing(people: Sessions, call: Call) -> Response:
    """Whoever opens the link: who invites, what a purchase brings, what the other earns."""
    found = _read(call, call.request.path_params["code"])
    session = people.find(call)
    if session is not None and session.program != call.program:
        session = None
    seen = call.house.overviews.get(call.program)
    return call.page(
        "member/landing.html",
        invitation=found,
        session=session,
        now=seen.disclosure.outlook if seen and seen.disclosure else None,
        policy=holding.read_holding(call.database, call.program, "").policy,
    )


def _read(call: Call, code: str) -> Invitation:
    try:
        return invitations.read(call.database, call.program, code)
    except UnknownInvitation:
        raise Missing from None


def join(call: Call, session: Session) -> Response:
    """Somebody who is logged in accepts; who was bound before stays bound."""
    bind(call, member_of(session), call.form.get("invitation", "")[:60], {})
    return call.go(call.at("m", "/invited"))


def bind(call: Call, member: str, code: str, verified: dict[str, str]) -> None:
    """Bind a member to whoever invites, if that can be; what stands, the books say."""
    try:
        event = invitations.binding(
            call.database, call.program, code, member, verified, call.now,
            f"member:{member}", secrets.token_bytes,
        )  # fmt: skip
    except NotPossible:
        return
    run_async(call.house.desks.post, call.program, [event])


def invited(call: Call, session: Session) -> Response:
    """What became of an invitation that was accepted."""
    bound, by = invitations.bound_by(call.database, call.program, member_of(session))
    return call.page("member/invited.html", bound=bound, by=by, tab="")


def carried(call: Call) -> dict[str, str]:
    """The code of the invitation that somebody came by, handed on from page to page."""
    text = call.form.get("invitation", "") or call.asked("invitation", 60)
    usable = 0 < len(text) <= 60 and text.isalnum() and text.isascii()
    return {"invitation": text} if usable else {}


def entered(call: Call, session: Session, phone: str) -> str:
    """Bind whoever came by an invitation; gives where to go on."""
    code = carried(call).get("invitation")
    if code is None:
        return call.at("m")
    bind(call, member_of(session), code, {"phone": phone})
    return call.at("m", "/invited")
