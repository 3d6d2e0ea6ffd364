"""The member's pages by their addresses."""

from collections.abc import Iterator
from threading import Event

from starlette.routing import Route

from springtide.services import demo
from springtide.web.pages.member import cashing, home
from springtide.web.pages.member.live import Live
from springtide.web.pages.shared.call import Call, House, routes
from springtide.web.pages.shared.people import Sessions, member_cookies
from springtide.web.pages.shared.phone_door import Door
from springtide.web.pages.shared.sandbox import Sandbox


def addresses(house: House, closing: Event, public_url: str) -> Iterator[Route]:
    """All of them, and the stream of prices."""
    people = Sessions(member_cookies(public_url), "member", lambda call: call.at("m", "/login"))
    door = Door(people, Sandbox(), lambda call: call.at("m"), _hint)
    yield from routes(
        house,
        {
            "/m/{program}/login": door.show,
            "POST /m/{program}/login": door.send,
            "POST /m/{program}/enter": door.enter,
            "POST /m/{program}/leave": people.needed(door.leave),
            "/m/{program}": people.needed(home.home),
            "/m/{program}/lots": people.needed(home.lots),
            "/m/{program}/lots/{seq:int}": people.needed(home.lot),
            "/m/{program}/orders": people.needed(home.orders),
            "/m/{program}/wallet": people.needed(home.wallet),
            "/m/{program}/disclosure": people.needed(home.disclosure),
            "/m/{program}/account": people.needed(home.account),
            "/m/{program}/export.json": people.needed(home.export),
            "/m/{program}/cash-out": people.needed(cashing.ask),
            "POST /m/{program}/cash-out": people.needed(cashing.confirm),
            "/m/{program}/cash-outs/{id}": people.needed(cashing.receipt),
        },
    )
    yield Route("/m/{program}/live", Live(house, people, closing).follow)


def _hint(call: Call) -> str:
    return demo.PHONE if call.program == demo.PROGRAM else ""
