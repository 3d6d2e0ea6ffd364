"""The staff of a program: who may what, inviting, changing roles; and one's own account."""

import secrets

from starlette.responses import Response

from springtide.services import login, staff
from springtide.services.gateway import LastOwner, UnknownStaff, UnusableStaff
from springtide.services.login import SignedIn
from springtide.services.permissions import PERMISSIONS, ROLES, permissions_of
from springtide.web.login import Door
from springtide.web.pages.console.door import LOGIN, Reception
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.once import Once
from springtide.web.pages.shared.people import random_hex
from springtide.web.pages.shared.qr import qr
from springtide.web.problems import Problem

LONGEST_PASSWORD = 1_000


def _wanted(call: Call) -> list[str]:
    return [role for role in ROLES if call.form.get(f"role-{role}") == "on"]


def _check_givable(call: Call, caller: SignedIn, roles: list[str]) -> None:
    """Refuse roles that may more than who gives or takes them.

    Raises:
        Problem: with what is lacking.
    """
    lacking = sorted(permissions_of(roles) - caller.permissions(call.program))
    if lacking:
        raise Problem("forbidden", f"you lack {', '.join(lacking)} and cannot give it")


class Crew:
    """The staff of a program."""

    def __init__(self) -> None:
        self._once = Once()

    def show(self, call: Call, caller: SignedIn) -> Response:
        """Everybody who has a role, and a form for somebody new."""
        return self._page(call, caller)

    def invite(self, call: Call, caller: SignedIn) -> Response:
        """Make a log-in with roles, and show its invitation this once."""
        name, roles = call.form.get("name", "")[:100], _wanted(call)
        _check_givable(call, caller, roles)
        if not self._once.is_first(call):
            return call.go(call.at("console", "/staff"))
        try:
            invitation = staff.add_staff(
                call.database, name, call.program, roles, f"staff:{caller.name}", call.now,
                random_hex,
            )  # fmt: skip
        except UnusableStaff as error:
            return self._page(call, caller, 422, error=str(error))
        return self._page(call, caller, invitation=invitation, invited=name)

    def one(self, call: Call, caller: SignedIn) -> Response:
        """Somebody, and the roles they have."""
        return self._one(call, caller)

    def change(self, call: Call, caller: SignedIn) -> Response:
        """Let somebody have these roles and no others; their sessions end."""
        name, roles = str(call.request.path_params["name"]), _wanted(call)
        row = staff.find_in_program(call.database, call.program, name)
        if row is None:
            raise Missing
        _check_givable(call, caller, [*roles, *row.roles])
        actor = f"staff:{caller.name}"
        try:
            staff.set_roles(call.database, call.program, name, roles, actor, call.now)
        except LastOwner as error:
            return self._one(call, caller, 409, str(error))
        except UnknownStaff:
            raise Missing from None
        return call.go(call.at("console", "/staff"))

    def _page(
        self, call: Call, caller: SignedIn, status: int = 200, error: str = "",
        invitation: str = "", invited: str = "",
    ) -> Response:  # fmt: skip
        return call.page(
            "console/crew.html", status, staff=caller, tab="staff", error=error,
            rows=staff.list_staff(call.database, call.program), roles=ROLES,
            permissions=list(PERMISSIONS), invitation=invitation, invited=invited,
            id=random_hex(16), typed=call.form,
        )  # fmt: skip

    def _one(
        self, call: Call, caller: SignedIn, status: int = 200, error: str = ""
    ) -> Response:
        name = str(call.request.path_params["name"])
        row = staff.find_in_program(call.database, call.program, name)
        if row is None:
            raise Missing
        return call.page(
            "console/crew_one.html", status, staff=caller, tab="staff", row=row, roles=ROLES,
            error=error,
        )  # fmt: skip


class Account:
    """One's own log-in: the invitation that begins it, and its password."""

    def __init__(self, reception: Reception, door: Door) -> None:
        self._reception = reception
        self._door = door

    def begin(self, call: Call) -> Response:
        """Ask for the invitation and a password."""
        return call.page("console/enrol.html", error="")

    def enrol(self, call: Call) -> Response:
        """Set password and second factor; shows what is shown only once."""
        self._reception.cookies.check_origin(call.request)
        invitation = call.form.get("invitation", "")[:100]
        self._door.count(call.request, invitation[:16])
        password = call.form.get("password", "")[:LONGEST_PASSWORD]
        try:
            with self._reception.hashing:
                made = login.enrol(
                    call.database, invitation, password, call.now, secrets.token_hex
                )
        except UnusableStaff as error:
            return call.page("console/enrol.html", 422, error=str(error))
        if made is None:
            return call.page("console/enrol.html", 422, error="unknown")
        code = qr(made.totp_uri)
        return call.page("console/enrolled.html", made=made, code=code, login=LOGIN)

    def show(self, call: Call, caller: SignedIn) -> Response:
        """Who one is, what one may do, and how to change the password."""
        return self._page(call, caller)

    def change(self, call: Call, caller: SignedIn) -> Response:
        """Change the password: all sessions end, and a new one begins."""
        self._door.count(call.request, caller.name)
        form = call.form
        given = (form.get("password", "")[:LONGEST_PASSWORD], form.get("code", "")[:40])
        new = form.get("new", "")[:LONGEST_PASSWORD]
        try:
            with self._reception.hashing:
                opened = login.change_password(
                    call.database, caller.session, *given, new, call.now, secrets.token_hex
                )
        except UnusableStaff as error:
            return self._page(call, caller, 422, {"new": str(error)})
        if opened is None:
            said = call.say(
                "The password or the code is wrong, or there were too many failures."
            )
            return self._page(call, caller, 422, {"password": said})
        response = call.go(call.at("console", "/account?changed=yes"))
        self._reception.cookies.give(response, opened[0])
        return response

    def _page(
        self, call: Call, caller: SignedIn, status: int = 200,
        errors: dict[str, str] | None = None,
    ) -> Response:  # fmt: skip
        held = caller.permissions(call.program)
        return call.page(
            "console/account.html", status, staff=caller, tab="account", errors=errors or {},
            changed=call.asked("changed") == "yes" and call.request.method == "GET",
            permissions=[name for name in PERMISSIONS if name in held],
        )  # fmt: skip
