"""The console's pages by their addresses, and what may be done by whoever opens one."""

from collections.abc import Iterator

from starlette.routing import Route

from springtide.services import demo
from springtide.web.login import Door
from springtide.web.pages.console import books
from springtide.web.pages.console.auditing import Audits
from springtide.web.pages.console.door import Reception
from springtide.web.pages.console.office import office
from springtide.web.pages.shared.call import House, routes
from springtide.web.sessions import Cookies


def addresses(house: House, door: Door, public_url: str) -> Iterator[Route]:
    """All of them."""
    hint = demo.hint if house.demo else lambda _: None
    staff = Reception(Cookies(public_url), door, hint)
    audits = Audits()
    yield from routes(house, office(house, staff, door))
    yield from routes(
        house,
        {
            "/login": staff.show,
            "POST /login": staff.enter,
            "POST /leave": staff.leave,
            "/console": staff.start,
            "/console/{program}": staff.needed("read", books.overview),
            "/console/{program}/members": staff.needed("read", books.members),
            "/console/{program}/members/{id:path}": staff.needed("read", books.member),
            "/console/{program}/statements/{id:path}": staff.needed("read", books.statement),
            "/console/{program}/orders": staff.needed("read", books.orders),
            "/console/{program}/orders/{id:path}": staff.needed("read", books.order),
            "/console/{program}/prices": staff.needed("read", books.prices),
            "/console/{program}/audit": staff.needed("read", audits.show),
            "POST /console/{program}/audit": staff.needed("read", audits.start),
            "/console/{program}/log": staff.needed("audit", books.log),
        },
    )
