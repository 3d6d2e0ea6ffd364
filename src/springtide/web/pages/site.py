"""The site: every page by its address, and the built files."""

from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from springtide.services.gateway import Database
from springtide.web.desks import Desks
from springtide.web.pages.patterns import patterns
from springtide.web.pages.public import reserve
from springtide.web.pages.shared.call import Call, Handler, House, Missing, endpoint
from springtide.web.pages.shared.files import NotBuilt, read_files
from springtide.web.pages.shared.overviews import Overviews
from springtide.web.pages.shared.render import Templates

FIRST = frozenset(("", "p", "patterns", "static"))
"""What addresses of pages begin with; all others belong to the API."""


def _now() -> datetime:
    return datetime.now(UTC)


class Site:
    """Answers the addresses of pages, and hands all others on."""

    def __init__(self, app: ASGIApp, database: Database, desks: Desks, *, demo: bool) -> None:
        self._app = app
        self._pages = _pages(database, desks, demo=demo)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].split("/", 2)[1] in FIRST:
            await self._pages(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _pages(database: Database, desks: Desks, *, demo: bool) -> ASGIApp:
    try:
        files = read_files()
    except NotBuilt as error:
        return PlainTextResponse(f"{error}\n", 503)
    house = House(
        database=database,
        desks=desks,
        files=files,
        templates=Templates(files, demo=demo),
        overviews=Overviews(database, _now),
        clock=_now,
        demo=demo,
    )
    routes = [Route(path, endpoint(house, handler)) for path, handler in READ.items()]

    async def file(request: Request) -> Response:
        accepted = request.headers.get("accept-encoding", "")
        return files.serve(request.path_params["name"], accepted)

    return Starlette(
        routes=[Route("/static/{name}", file), *routes],
        exception_handlers={404: endpoint(house, _missing), 405: endpoint(house, _missing)},
    )


def _missing(_: Call) -> Response:
    raise Missing


READ: dict[str, Handler] = {
    "/": reserve.start,
    "/p/{program}": reserve.reserve,
    "/patterns": patterns,
}
"""The page of each address."""

