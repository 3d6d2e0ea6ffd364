"""The site: every page by its address, and the built files."""

from threading import Event

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from springtide.services.gateway import Database
from springtide.web.depends import clock
from springtide.web.desks import Desks
from springtide.web.login import Door as StaffDoor
from springtide.web.pages.console import addresses as console
from springtide.web.pages.member import addresses as member
from springtide.web.pages.merchant import addresses as merchant
from springtide.web.pages.pay import addresses as pay
from springtide.web.pages.public import addresses as public
from springtide.web.pages.shared.call import Call, House, Missing, endpoint, routes
from springtide.web.pages.shared.files import NotBuilt, read_files
from springtide.web.pages.shared.overviews import Overviews
from springtide.web.pages.shared.render import Templates
from springtide.web.sessions import Cookies

FIRST = frozenset(
    ("", "p", "m", "i", "s", "pay", "console", "login", "leave", "patterns", "static")
)
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
        private_webhooks: bool = False,
    ) -> None:
        self._app = app
        self._pages = _pages(
            database, desks, door, closing, public_url,
            is_demo=is_demo, private_webhooks=private_webhooks,
        )  # fmt: skip

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
    private_webhooks: bool,
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
        private_webhooks=private_webhooks,
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
            *routes(house, public.PUBLIC),
            *member.addresses(house, closing, public_url),
            *merchant.addresses(house, public_url),
            *pay.addresses(house, public_url),
            *console.addresses(house, door, public_url),
        ],
        exception_handlers={404: not_there, 405: not_there},
    )
    pages.state.cookies = Cookies(public_url)  # says whether there is a proxy before us
    return pages
