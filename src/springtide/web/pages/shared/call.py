"""One call of a page: what it asks for, in which language, and how it is answered."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from springtide.services.gateway import Database, DatabaseDown, UnknownMember, UnknownProgram
from springtide.web.desks import Desks
from springtide.web.observe import log
from springtide.web.pages.shared import language as languages
from springtide.web.pages.shared.files import Files
from springtide.web.pages.shared.language import Language
from springtide.web.pages.shared.overviews import Overviews
from springtide.web.pages.shared.render import Templates
from springtide.web.pages.shared.uploads import MOST_FILE, TOO_LARGE, has_files, read_files
from springtide.web.problems import Problem

MOST_FORM = 64 * 1024
A_YEAR_S = 365 * 24 * 3600

LOOKS = ("light", "dark")
LOOK_COOKIE = "look"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a browser may load for a page: our own files, and nothing else."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


class Missing(Exception):
    """There is no such page."""


@dataclass(frozen=True)
class House:
    """What all pages are made of."""

    database: Database
    desks: Desks
    files: Files
    templates: Templates
    overviews: Overviews
    clock: Callable[[], datetime]
    demo: bool
    private_webhooks: bool = False
    """Whether webhooks may be sent into our own network."""


@dataclass
class Call:
    """A request on its way to an answer."""

    house: House
    request: Request
    form: Mapping[str, str]
    now: datetime
    cookies: dict[str, str] = field(default_factory=dict)
    """Choices of language and look that the browser is to remember."""

    @property
    def database(self) -> Database:
        """The database."""
        return self.house.database

    @cached_property
    def program(self) -> str:
        """The program that the address names."""
        return str(self.request.path_params["program"])

    @property
    def path(self) -> str:
        """The address, without its query."""
        return self.request.url.path

    def at(self, face: str, rest: str = "") -> str:
        """An address of this program in a face, as `/m/shop/lots`."""
        return f"/{face}/{quote(self.program, safe='')}{rest}"

    def asked(self, name: str, most: int = 255) -> str:
        """A parameter of the address; empty if it was left out or cannot mean anything."""
        text = self.request.query_params.get(name, "").strip()
        return text if len(text) <= most and text.isprintable() else ""

    @cached_property
    def language(self) -> Language:
        """The language that the caller reads."""
        return languages.choose(
            self.asked("lang"),
            self.request.cookies.get(languages.COOKIE, ""),
            self.request.headers.get("accept-language", ""),
        )

    def say(self, message: str) -> str:
        """A message in the caller's language; for what a script is given."""
        return languages.words(self.language.locale).gettext(message)

    @cached_property
    def look(self) -> str:
        """`light` or `dark` if the caller chose; empty if the browser's setting counts."""
        wanted = self.asked("look") or self.request.cookies.get(LOOK_COOKIE, "")
        return wanted if wanted in LOOKS else ""

    def here(self, **change: str) -> str:
        """This address with other parameters; an empty one goes away."""
        url = URL(str(self.request.url)).include_query_params(**change)
        gone = [name for name, value in change.items() if not value]
        url = url.remove_query_params(gone)
        return url.path + (f"?{url.query}" if url.query else "")

    def page(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None,
        **given: Any,
    ) -> Response:  # fmt: skip
        """A page from a template."""
        text = self.house.templates.render(self.language, template, call=self, **given)
        response = Response(
            text, status, {**HEADERS, **(headers or {})}, "text/html; charset=utf-8"
        )
        return self.remember(response)

    def remember(self, response: Response) -> Response:
        """Let the browser keep the language and the look that the address asked for."""
        chosen = {}
        if self.asked("lang") in languages.LANGUAGES:
            chosen[languages.COOKIE] = self.asked("lang")
        if "look" in self.request.query_params:
            chosen[LOOK_COOKIE] = self.asked("look")
        for name, value in chosen.items():
            response.set_cookie(name, value, max_age=A_YEAR_S, samesite="lax", httponly=True)
        return response

    def go(self, address: str) -> Response:
        """Lead on to another page, so that loading it again repeats nothing."""
        return RedirectResponse(address, 303, HEADERS)

    def refusal(self, error: Exception) -> Response:
        """The page that says why not."""
        if isinstance(error, Missing | UnknownProgram | UnknownMember):
            return self.page("shared/missing.html", 404)
        if isinstance(error, Problem):
            return self.page("shared/refused.html", _STATUS.get(error.code, 400), error=error)
        return self.page("shared/down.html", 503, {"Retry-After": "5"})


_STATUS = {
    "forbidden": 403, "cross_site": 403, "rate_limited": 429, "unauthorized": 401,
    "body_too_large": 413,
}  # fmt: skip

Handler = Callable[[Call], Response]


def endpoint(house: House, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler as the web server calls it; it runs in a thread, for it asks the database."""

    async def timed(request: Request) -> Response:
        began = perf_counter()
        response = await answer(request)
        response.headers["Server-Timing"] = f"page;dur={(perf_counter() - began) * 1000:.1f}"
        return response

    async def answer(request: Request) -> Response:
        form = await _read_form(request) if request.method == "POST" else {}
        call = Call(house, request, form, house.clock())
        try:
            _check_size(form)
            return await run_in_threadpool(handler, call)
        except (Missing, UnknownProgram, UnknownMember, Problem, DatabaseDown) as error:
            return await run_in_threadpool(call.refusal, error)
        except Exception:
            log.exception("defect of a page", path=request.url.path)
            return await run_in_threadpool(call.page, "shared/defect.html", 500)

    return timed


def _check_size(form: Mapping[str, str]) -> None:
    if TOO_LARGE in form:
        raise Problem(TOO_LARGE, f"a file may have {MOST_FILE // 2**20} MB")


async def _read_form(request: Request) -> dict[str, str]:
    if has_files(request):
        return await read_files(request)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_FORM:
            return {}
    text = body.decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return {name: values[0].strip() for name, values in fields.items()}


def routes(house: House, handlers: Mapping[str, Handler]) -> Iterator[Route]:
    """Routes of `METHOD address`, or of an address that is only read."""
    for place, handler in handlers.items():
        method, _, path = place.rpartition(" ")
        yield Route(path, endpoint(house, handler), methods=[method or "GET"])
