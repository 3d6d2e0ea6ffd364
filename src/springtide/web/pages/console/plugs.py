"""What plugs in: keys of the API. A secret is shown on the page that made it, and never again.

That page is the answer to the form itself: what is kept nowhere cannot be led on to.
"""

from starlette.responses import Response

from springtide.services import keys
from springtide.services.gateway import UnknownKey, UnusableKey
from springtide.services.login import SignedIn
from springtide.services.permissions import PERMISSIONS, SECOND_EYES
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.once import Once
from springtide.web.pages.shared.people import random_hex


def givable(staff: SignedIn, program: str) -> list[str]:
    """The permissions that somebody can give to a key: of their own, no second eyes."""
    held = staff.permissions(program) - SECOND_EYES
    return [name for name in PERMISSIONS if name in held]


class Keys:
    """The keys of a program's API."""

    def __init__(self) -> None:
        self._once = Once()

    def show(self, call: Call, staff: SignedIn) -> Response:
        """All keys, and a form for another."""
        return _page(call, staff)

    def make(self, call: Call, staff: SignedIn) -> Response:
        """Make a key, and show its secret this once."""
        wanted = [name for name in PERMISSIONS if call.form.get(f"scope-{name}") == "on"]
        if set(wanted) - set(givable(staff, call.program)):
            raise Missing
        if not wanted:
            said = call.say("Choose at least one thing that the key may do.")
            return _page(call, staff, 422, error=said)
        if not self._once.is_first(call):
            return call.go(call.at("console", "/keys"))
        mode, actor = call.form.get("mode", ""), f"staff:{staff.name}"
        try:
            secret, made = keys.create_key(
                call.database, call.program, wanted, mode, random_hex, actor
            )
        except UnusableKey as error:
            return _page(call, staff, 422, error=str(error))
        return _page(call, staff, secret=secret, made=made.id)

    def revoke(self, call: Call, staff: SignedIn) -> Response:
        """Let a key open nothing any more."""
        id_, actor = str(call.request.path_params["id"]), f"staff:{staff.name}"
        try:
            keys.revoke_key(call.database, call.program, id_, actor)
        except UnknownKey:
            raise Missing from None
        return call.go(call.at("console", "/keys"))


def _page(
    call: Call, staff: SignedIn, status: int = 200, error: str = "", secret: str = "",
    made: str = "",
) -> Response:  # fmt: skip
    rows = keys.list_keys(call.database, call.program)[::-1]
    return call.page(
        "console/keys.html", status, staff=staff, tab="keys", rows=rows, error=error,
        secret=secret, made=made, scopes=givable(staff, call.program), usual=keys.USUAL,
        id=random_hex(16), typed=call.form,
    )  # fmt: skip
