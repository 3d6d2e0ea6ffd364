"""Logging in by a code that is sent to a phone, and out."""

from starlette.responses import Response

from springtide.services import phones
from springtide.services.listing import read_program
from springtide.services.sessions import Session
from springtide.web.pages.member import inviting
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import Call
from springtide.web.pages.shared.people import Sessions, Slower, random_hex
from springtide.web.pages.shared.sandbox import Sandbox


class Door:
    """The way in for members."""

    def __init__(self, people: Sessions, sender: Sandbox) -> None:
        self._people = people
        self._sender = sender
        self._sending = Slower("60/hour")
        self._guessing = Slower("120/hour")

    def show(self, call: Call) -> Response:
        """Ask for the number."""
        read_program(call.database, call.program)  # there is such a program
        return self._phone(call, 200, "", call.asked("phone", 30))

    def _phone(
        self, call: Call, status: int, error: str, phone: str, wait_s: int = 0
    ) -> Response:
        return call.page(
            "member/phone.html", status, error=error, phone=phone, wait_s=wait_s,
            invitation=_invitation(call),
        )  # fmt: skip

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
            return self._phone(call, 422, "number", text)
        except phones.TooSoon as error:
            return self._phone(call, 429, "soon", text, error.wait_s)
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
            return self._phone(call, 422, "number", text)
        except phones.WrongCode:
            return self._ask(call, phone, 422)
        code = _invitation(call)
        if code:
            inviting.bind(call, member_of(session), code, {"phone": phone})
        next_ = call.at("m", "/invited") if code else call.at("m")
        return self._people.begin(call, token, session, next_)

    def _ask(self, call: Call, phone: str, status: int = 200) -> Response:
        shown = self._sender.last(phone) if call.house.demo else ""
        return call.page(
            "member/code.html", status, phone=phone, shown=shown, wrong=status != 200,
            invitation=_invitation(call),
        )  # fmt: skip

    def leave(self, call: Call, session: Session) -> Response:
        """Log out."""
        return self._people.end(call, session, call.at("m", "/login"))


def _invitation(call: Call) -> str:
    """The code of the invitation that somebody came by, handed on from page to page."""
    text = call.form.get("invitation", "") or call.asked("invitation", 60)
    return text if len(text) <= 60 and text.isalnum() and text.isascii() else ""
