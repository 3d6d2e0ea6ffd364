"""The sandbox sender: codes go to the server's log, and in a demonstration to the page."""

from collections import OrderedDict

from springtide.web.observe import log

MOST_KEPT = 1_000


class Sandbox:
    """Sends nothing: an operator plugs in a real sender here."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, str] = OrderedDict()

    def send(self, phone: str, code: str) -> None:
        """Write the code where whoever runs the server can read it."""
        log.info("login code", phone=phone, code=code, sender="sandbox")
        self._last[phone] = code
        if len(self._last) > MOST_KEPT:
            self._last.popitem(last=False)

    def last(self, phone: str) -> str:
        """The code that was sent to a number last; empty if there was none."""
        return self._last.get(phone, "")
