"""Who is logged in: sessions of members and of staff, each in a cookie of its own."""

import secrets
from collections.abc import Callable

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.responses import Response

from springtide.services import sessions
from springtide.services.sessions import Session
from springtide.web.login import address_of
from springtide.web.pages.shared.call import Call, Handler
from springtide.web.problems import Problem
from springtide.web.sessions import CSRF_FIELD, SAFE_METHODS, Cookies


class Sessions:
    """The sessions of one face; whoever has none is led to `door`."""

    def __init__(self, cookies: Cookies, kind: str, door: Callable[[Call], str]) -> None:
        self.cookies = cookies
        self._kind = f"{kind}:"
        self._door = door

    def find(self, call: Call) -> Session | None:
        """The caller's session, if there is one of this kind."""
        token = self.cookies.token(call.request)
        session = sessions.find_session(call.database, token, call.now) if token else None
        return session if session and session.subject.startswith(self._kind) else None

    def name(self, session: Session) -> str:
        """Whose session it is."""
        return session.subject.removeprefix(self._kind)

    def needed(self, handler: Callable[[Call, Session], Response]) -> Handler:
        """A page for those who are logged in; what changes something is sent by our pages."""

        def answer(call: Call) -> Response:
            session = self.find(call)
            if session is None or session.program not in (None, call.program):
                return call.go(self._door(call))
            if call.request.method not in SAFE_METHODS:
                given = call.form.get(CSRF_FIELD, "")
                self.cookies.check_own_page(call.request, session, given)
            return handler(call, session)

        return answer

    def begin(self, call: Call, token: str, session: Session, address: str) -> Response:
        """Lead on as somebody who is logged in from now on."""
        response = call.go(address)
        self.cookies.give(response, token, int((session.expires_at - call.now).total_seconds()))
        return response

    def end(self, call: Call, session: Session, address: str) -> Response:
        """Log out."""
        sessions.revoke_session(
            call.database, session.subject, session.program, session.id, call.now
        )
        response = call.go(address)
        self.cookies.take_back(response)
        return response


def member_cookies(public_url: str) -> Cookies:
    """The cookie of members, who may be logged in to the console too."""
    cookies = Cookies(public_url)
    cookies.name += "-member"
    return cookies


class Slower:
    """Lets one address do something only so often."""

    def __init__(self, rate: str) -> None:
        self._rate = parse(rate)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def check(self, call: Call) -> None:
        """Count a try.

        Raises:
            Problem: it was one too many.
        """
        if not self._limiter.hit(self._rate, address_of(call.request)):
            raise Problem("rate_limited", f"more than {self._rate} from one address")


random_hex = secrets.token_hex
