"""Sessions of browsers: the cookie they are kept in, and that a request is our own page's.

The cookie holds a session's token and nothing else. A browser sends it along with every
request to this host, also with one that a strange page made it send. So whatever changes
something must come from our own origin, as the browser says, and carry the session's `csrf`,
which strange pages cannot read.
"""

import secrets
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from springtide.services.sessions import Session
from springtide.web.problems import Problem

CSRF_HEADER = "springtide-csrf"
CSRF_FIELD = "csrf"
"""The field of our forms; scripts and callers of the API send the header."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_LONGEST_TOKEN = 200


class Cookies:
    """The session cookie of a site; `public_url` is where browsers find it, if it is set.

    A site that is reached by https has a cookie that no other host can set, and that is
    never sent in the clear.
    """

    def __init__(self, public_url: str = "") -> None:
        parts = urlsplit(public_url)
        self.origin = f"{parts.scheme}://{parts.netloc}" if public_url else ""
        self.secure = parts.scheme == "https"
        self.name = "__Host-springtide" if self.secure else "springtide"

    def give(self, response: Response, token: str, keep_s: int | None = None) -> None:
        """Let the browser keep a token so many seconds, or until it is closed.

        That is a courtesy: when the session ends stands in the database.
        """
        response.set_cookie(
            self.name,
            token,
            max_age=keep_s,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def take_back(self, response: Response) -> None:
        """Let the browser forget its token."""
        response.delete_cookie(
            self.name, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def token(self, call: HTTPConnection) -> str:
        """The token that a request brings; empty if it brings none of ours."""
        token = call.cookies.get(self.name, "")
        usable = token.startswith("ss_") and token.isascii() and len(token) < _LONGEST_TOKEN
        return token if usable else ""

    def check_origin(self, call: HTTPConnection) -> None:
        """Refuse a request that a page of another site made the browser send.

        Callers that are no browsers say nothing of where they come from, and bring no
        cookie that they were not given.

        Raises:
            Problem: the browser says that it comes from elsewhere.
        """
        site = call.headers.get("sec-fetch-site", "same-origin")
        origin = call.headers.get("origin")
        if site not in ("same-origin", "none") or origin not in (None, self._own(call)):
            said = origin or f"Sec-Fetch-Site: {site}"
            raise Problem("cross_site", f"this came from another site ({said}); use our pages")

    def _own(self, call: HTTPConnection) -> str:
        return self.origin or f"{call.url.scheme}://{call.headers.get('host', '')}"

    def check_own_page(
        self, call: HTTPConnection, session: Session, given: str | None = None
    ) -> None:
        """Refuse what changes something, unless a page of ours sent it; `given` is a form's.

        Raises:
            Problem: it came from elsewhere, or does not bring the session's csrf.
        """
        self.check_origin(call)
        brought = call.headers.get(CSRF_HEADER, "") if given is None else given
        if not secrets.compare_digest(brought.encode(), session.csrf.encode()):
            raise Problem(
                "cross_site",
                "what changes something takes the session's csrf, as GET /v1/me says it, in "
                "the header Springtide-CSRF",
            )
