"""Notices: what happened that concerns a member, with a mark on what is new to this browser."""

import re
from datetime import datetime

from starlette.responses import Response

from springtide.services.notices import list_notices
from springtide.services.sessions import Session
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import A_YEAR_S, Call

MOST = 50
COOKIE = "notices"

_QUANTITY = re.compile(r"([0-9.,]+(?: %)?) (days|hours|minutes|of the spend)")


def notices(call: Call, session: Session) -> Response:
    """All of them, newest first; looking at them marks them as seen."""
    found = list_notices(call.database, call.program, member_of(session), MOST)
    page = call.page(
        "member/notices.html",
        rows=found,
        seen=_seen(call.request.cookies.get(COOKIE, "")),
        words=lambda text: _words(call, text),
        tab="account",
    )
    newest = call.now.isoformat()
    page.set_cookie(
        COOKIE, newest, max_age=A_YEAR_S, path=call.at("m"), samesite="lax", httponly=True
    )
    return page


def _seen(text: str) -> datetime | None:
    """Until when this browser saw notices; none, if it never did."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _words(call: Call, text: str) -> str:
    """A word of a policy's change in the reader's language; figures stay as they are."""
    said = call.say(text) if text else ""
    if said != text:
        return said
    return _QUANTITY.sub(lambda part: f"{part[1]} {call.say(part[2])}", text)
