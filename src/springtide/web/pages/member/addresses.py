"""The member's pages by their addresses."""

from collections.abc import Iterator
from threading import Event

from starlette.routing import Route

from springtide.web.pages.member import cashing, home
from springtide.web.pages.member.door import Door
from springtide.web.pages.member.live import Live
from springtide.web.pages.shared.call import House, routes
from springtide.web.pages.shared.people import Sessions
from springtide.web.pages.shared.sandbox import Sandbox
from springtide.web.sessions import Cookies


def addresses(house: House, closing: Event, public_url: str) -> Iterator[Route]:
    """All of them, and the stream of prices."""
    cookies = Cookies(public_url)
    cookies.name += "-member"  # a browser may be logged in to the console too
    people = Sessions(cookies, "member", lambda call: call.at("m", "/login"))
    door = Door(people, Sandbox())
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
