"""Staff log in by name, password and second factor, and see only programs of their own."""

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import BoundedSemaphore

from starlette.responses import Response

from springtide.services import login
from springtide.services.login import SignedIn
from springtide.web.login import Door
from springtide.web.pages.shared.call import Call, Handler, Missing
from springtide.web.pages.shared.people import random_hex
from springtide.web.problems import Problem
from springtide.web.sessions import CSRF_FIELD, SAFE_METHODS, Cookies

StaffHandler = Callable[[Call, SignedIn], Response]

LOGIN = "/login"


class Reception:
    """The way in for staff, and who of them calls."""

    def __init__(
        self, cookies: Cookies, door: Door, hints: Callable[[datetime], Sequence[object]]
    ) -> None:
        self.cookies = cookies
        self._door = door
        self._hints = hints
        self.hashing = BoundedSemaphore(2)  # each takes 64 MiB a while

    def find(self, call: Call) -> SignedIn | None:
        """Who of the staff calls."""
        token = self.cookies.token(call.request)
        return login.find_signed_in(call.database, token, call.now) if token else None

    def needed(self, permission: str, handler: StaffHandler) -> Handler:
        """A page for those who may do this in the program of the address."""

        def answer(call: Call) -> Response:
            signed_in = self.find(call)
            if signed_in is None:
                return call.go(LOGIN)
            if call.program not in signed_in.roles:
                raise Missing
            if permission not in signed_in.permissions(call.program):
                raise Problem("forbidden", f"this takes the permission {permission!r}")
            if call.request.method not in SAFE_METHODS:
                given = call.form.get(CSRF_FIELD, "")
                self.cookies.check_own_page(call.request, signed_in.session, given)
            return handler(call, signed_in)

        return answer

    def start(self, call: Call) -> Response:
        """The programs of whoever is logged in; if there is but one, straight to it."""
        signed_in = self.find(call)
        if signed_in is None:
            return call.go(LOGIN)
        if len(signed_in.roles) == 1:
            call.request.path_params["program"] = next(iter(signed_in.roles))
            return call.go(call.at("console"))
        return call.page("console/programs.html", staff=signed_in)

    def show(self, call: Call) -> Response:
        """Ask for name, password and code."""
        return call.page(
            "console/login.html", wrong=False, name="", hints=self._hints(call.now)
        )

    def enter(self, call: Call) -> Response:
        """Log in; whatever was wrong, the answer is the same."""
        self.cookies.check_origin(call.request)
        name = call.form.get("name", "")[:63]
        address = self._door.count(call.request, name)
        with self.hashing:
            opened = login.log_in(
                call.database,
                name,
                call.form.get("password", ""),
                call.form.get("code", "")[:40],
                address,
                call.now,
                random_hex,
            )
        if opened is None:
            hints = self._hints(call.now)
            return call.page("console/login.html", 422, wrong=True, name=name, hints=hints)
        before = self.find(call)
        if before is not None:
            login.log_out(call.database, before.session, call.now)
        response = call.go("/console")
        self.cookies.give(response, opened[0])
        return response

    def leave(self, call: Call) -> Response:
        """Log out."""
        signed_in = self.find(call)
        if signed_in is not None:
            given = call.form.get(CSRF_FIELD, "")
            self.cookies.check_own_page(call.request, signed_in.session, given)
            login.log_out(call.database, signed_in.session, call.now)
        response = call.go(LOGIN)
        self.cookies.take_back(response)
        return response
