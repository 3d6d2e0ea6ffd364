"""What pages of the console that do something share: who does it, and by which road."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from anyio.from_thread import run as run_async

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.core.refusals import Refusal
from springtide.services.gateway import NotPossible, UnusableControl
from springtide.services.login import SignedIn
from springtide.services.payouts import PayoutRefused
from springtide.services.withdrawals import Post
from springtide.web.pages.shared.call import Call

REFUSED = (Refusal, NotPossible, UnusableControl, PayoutRefused)
"""What services answer that a page says in words; anything else is a defect."""

ROWS_A_PAGE = 50


def actor_of(staff: SignedIn) -> str:
    """Whoever is logged in, as journals and logs name them."""
    return f"staff:{staff.name}"


def poster(call: Call) -> Post:
    """The way to the desk of the program, from the thread that answers a page."""

    def post(events: Sequence[Json]) -> list[Outcome]:
        return run_async(call.house.desks.post, call.program, events)

    return post


def kept(call: Call) -> Mapping[str, str]:
    """What was typed into a form, for the form to be shown again; empty where nothing was."""
    return defaultdict(str, call.form)


def asked_number(call: Call, name: str) -> int:
    """A number of the address that says after which row a page starts; 0 for the first."""
    text = call.asked(name, 18)
    return int(text) if text.isascii() and text.isdigit() else 0


def path_id(call: Call) -> str:
    """The id that the address names."""
    return str(call.request.path_params["id"])
