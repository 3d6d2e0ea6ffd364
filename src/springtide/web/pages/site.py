"""The site: every page by its address, and the built files."""

from collections.abc import Iterator, Mapping
from threading import Event

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from springtide.services import demo
from springtide.services.gateway import Database
from springtide.web.depends import clock
from springtide.web.desks import Desks
from springtide.web.login import Door as StaffDoor
from springtide.web.pages.console import books
from springtide.web.pages.console.auditing import Audits
from springtide.web.pages.console.door import Reception
from springtide.web.pages.member import cashing, home
from springtide.web.pages.member.door import Door
from springtide.web.pages.member.live import Live
from springtide.web.pages.patterns import patterns
from springtide.web.pages.public import reserve
from springtide.web.pages.shared.call import Call, Handler, House, Missing, endpoint
from springtide.web.pages.shared.files import NotBuilt, read_files
from springtide.web.pages.shared.overviews import Overviews
from springtide.web.pages.shared.people import Sessions
from springtide.web.pages.shared.render import Templates
from springtide.web.pages.shared.sandbox import Sandbox
from springtide.web.sessions import Cookies

FIRST = frozenset(("", "p", "m", "console", "login", "leave", "patterns", "static"))
"""What addresses of pages begin with; all others belong to the API."""


class Site:
    """Answers the addresses of pages, and hands all others on."""

    def __init__(
        self,
        app: ASGIApp,
        database: Database,
        desks: Desks,
        door: StaffDoor,
        closing: Event,
        public_url: str,
        *,
        is_demo: bool,
    ) -> None:
        self._app = app
        self._pages = _pages(database, desks, door, closing, public_url, is_demo=is_demo)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].split("/", 2)[1] in FIRST:
            await self._pages(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _pages(
    database: Database,
    desks: Desks,
    door: StaffDoor,
    closing: Event,
    public_url: str,
    *,
    is_demo: bool,
) -> ASGIApp:
    try:
        files = read_files()
    except NotBuilt as error:
        return PlainTextResponse(f"{error}\n", 503)
    house = House(
        database=database,
        desks=desks,
        files=files,
        templates=Templates(files, demo=is_demo),
        overviews=Overviews(database, clock),
        clock=clock,
        demo=is_demo,
    )

    async def file(request: Request) -> Response:
        accepted = request.headers.get("accept-encoding", "")
        return files.serve(request.path_params["name"], accepted)

    def missing(_: Call) -> Response:
        raise Missing

    nothing = endpoint(house, missing)

    async def not_there(request: Request, _: Exception) -> Response:
        return await nothing(request)

    pages = Starlette(
        routes=[
            Route("/static/{name}", file),
            *_routes(house, PUBLIC),
            *_members(house, closing, public_url),
            *_console(house, door, public_url),
        ],
        exception_handlers={404: not_there, 405: not_there},
    )
    pages.state.cookies = Cookies(public_url)  # says whether there is a proxy before us
    return pages


def _routes(house: House, handlers: Mapping[str, Handler]) -> Iterator[Route]:
    """Routes of `METHOD address`, or of an address that is only read."""
    for place, handler in handlers.items():
        method, _, path = place.rpartition(" ")
        yield Route(path, endpoint(house, handler), methods=[method or "GET"])


PUBLIC: dict[str, Handler] = {
    "/": reserve.start,
    "/p/{program}": reserve.reserve,
    "/patterns": patterns,
}


def _members(house: House, closing: Event, public_url: str) -> Iterator[Route]:
    cookies = Cookies(public_url)
    cookies.name += "-member"  # a browser may be logged in to the console too
    people = Sessions(cookies, "member", lambda call: call.at("m", "/login"))
    door = Door(people, Sandbox())
    yield from _routes(
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


def _console(house: House, door: StaffDoor, public_url: str) -> Iterator[Route]:
    hint = demo.hint if house.demo else lambda _: None
    staff = Reception(Cookies(public_url), door, hint)
    audits = Audits()
    yield from _routes(
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
