"""Logging in by a code that is sent to a phone, and out; for members and owners of stores."""

from collections.abc import Callable, Mapping

from starlette.responses import Response

from springtide.services import phones
from springtide.services.listing import read_program
from springtide.services.sessions import Session
from springtide.web.pages.shared.call import Call
from springtide.web.pages.shared.people import Sessions, Slower, random_hex
from springtide.web.pages.shared.sandbox import Sandbox

Entered = Callable[[Call, Session, str], str]
"""Told who came in with which phone; gives the address to go on to."""


class Door:
    """The way in; `place` gives the address of what it leads to.

    In a demonstration, `hint` gives a number to try, or nothing. `carried` gives fields that
    are handed on from page to page, `entered` where somebody goes who came in: to `place`, if
    nothing else is wanted.
    """

    def __init__(
        self,
        people: Sessions,
        sender: Sandbox,
        place: Callable[[Call], str],
        hint: Callable[[Call], str],
        carried: Callable[[Call], Mapping[str, str]] = lambda _: {},
        entered: Entered | None = None,
    ) -> None:
        self._people = people
        self._sender = sender
        self._place = place
        self._hint = hint
        self._carried = carried
        self._entered = entered
        self._sending = Slower("60/hour")
        self._guessing = Slower("120/hour")

    def show(self, call: Call) -> Response:
        """Ask for the number."""
        read_program(call.database, call.program)  # there is such a program
        return self._number(call, call.asked("phone", 30))

    def send(self, call: Call) -> Response:
        """Send a code, and ask for it."""
        self._people.cookies.check_origin(call.request)
        self._sending.check(call)
        text = call.form.get("phone", "")[:30]
        try:
            phone = phones.read_phone(text)
            phones.send_code(
                call.database, call.program, phone, self._sender, call.now, random_hex
            )
        except phones.NotANumber:
            return self._number(call, text, 422, "number")
        except phones.TooSoon as error:
            return self._number(call, text, 429, "soon", error.wait_s)
        return self._ask(call, phone)

    def enter(self, call: Call) -> Response:
        """Log in with the code."""
        self._people.cookies.check_origin(call.request)
        self._guessing.check(call)
        text, code = call.form.get("phone", "")[:30], call.form.get("code", "")[:20]
        try:
            phone = phones.read_phone(text)
            token, session = phones.log_in(
                call.database, call.program, phone, code, call.now, random_hex
            )
        except phones.NotANumber:
            return self._number(call, text, 422, "number")
        except phones.WrongCode:
            return self._ask(call, phone, 422)
        onward = self._place(call)
        if self._entered is not None:
            onward = self._entered(call, session, phone)
        return self._people.begin(call, token, session, onward)

    def _number(
        self, call: Call, phone: str, status: int = 200, error: str = "", wait_s: int = 0
    ) -> Response:
        return call.page(
            "shared/phone.html", status, phone=phone, error=error, wait_s=wait_s,
            place=self._place(call), carried=self._carried(call),
            hint=self._hint(call) if call.house.demo else "",
        )  # fmt: skip

    def _ask(self, call: Call, phone: str, status: int = 200) -> Response:
        shown = self._sender.last(phone) if call.house.demo else ""
        return call.page(
            "shared/code.html", status, phone=phone, shown=shown, wrong=status != 200,
            place=self._place(call), carried=self._carried(call),
        )  # fmt: skip

    def leave(self, call: Call, session: Session) -> Response:
        """Log out."""
        return self._people.end(call, session, f"{self._place(call)}/login")
