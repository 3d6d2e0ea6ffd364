"""The application: commands, resources, health, metrics and the reference, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import random
from threading import Event
from typing import Any

import swagger_ui_bundle
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from springtide.services.gateway import Database, DatabaseDown
from springtide.web import (
    acts,
    agents,
    awards,
    backtests,
    cash_outs,
    codes,
    controls,
    distribution,
    hooks,
    keyring,
    login,
    merchants,
    orders,
    policies,
    referrals,
    resources,
    staff,
    withdrawals,
)
from springtide.web.access import Gate
from springtide.web.commands import Commands
from springtide.web.courier import Courier
from springtide.web.depends import clock
from springtide.web.desks import Desks
from springtide.web.document import openapi
from springtide.web.models import Health
from springtide.web.movements import write_movements_for_ever
from springtide.web.observe import DEFECT, Metrics, Observer
from springtide.web.pages.site import Site
from springtide.web.problems import REFUSALS, problem_response, problems_page, refused
from springtide.web.sessions import Cookies

DESCRIPTION = """Loyalty programs whose points are backed by a pool.

Amounts are decimal strings: money with up to six decimals, points with up to nine. A point is
worth the reserve divided by the supply; beside every price stands what could be cashed now.
Every command may be sent again with its id: it is posted once.

Programs call with a key in the header `Authorization: Bearer st_...`. Browsers log in by
`POST /v1/sessions`; what changes something then takes the session's `csrf` in the header
`Springtide-CSRF`, and staff of several programs name one, percent-encoded, in the header
`Springtide-Program`. What an operation takes stands in its `x-permission`."""


ROOMS = (
    merchants, agents, awards, referrals,
    distribution, acts, backtests, cash_outs, codes, controls, hooks, keyring, login, orders,
    policies, resources, staff, withdrawals,
)  # fmt: skip
"""In this order, for /policies/drafts has to come before /policies/{version}."""

SWEEP_EVERY_S = 5.0
"""How often it is looked what is due: orders to be settled, cash-outs to be paid."""


class _Api(FastAPI):
    """FastAPI with our document, in which the commands are too."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        return openapi(self)


def create_app(
    database: Database,
    desks: Desks,
    rate: str,
    closing: Event,
    public_url: str = "",
    *,
    private_webhooks: bool,
    demo: bool = False,
) -> ASGIApp:
    """The application over a database.

    `rate` is what one key may ask for, `public_url` where browsers find the service. Pages
    that are open and follow the pool are let go when `closing` is set. A demonstration says
    on every page that it is one.
    """
    cookies = Cookies(public_url)
    gate = Gate(database, rate, cookies, clock)
    metrics = Metrics()
    courier = Courier(database, private=private_webhooks, now=clock, chance=random)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        work = [
            desks.settle_for_ever(SWEEP_EVERY_S),
            desks.pay_out_for_ever(SWEEP_EVERY_S),
            courier.work_for_ever(),
            write_movements_for_ever(database, desks, SWEEP_EVERY_S),
        ]
        tasks = [asyncio.create_task(one) for one in work]
        yield
        for task in tasks:
            task.cancel()
        await courier.leave()

    app = _Api(
        title="Springtide",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        webhooks=hooks.messages,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.gate, app.state.database = gate, database
    app.state.desks, app.state.metrics = desks, metrics
    app.state.cookies, app.state.door = cookies, login.Door()
    app.state.private_webhooks = private_webhooks
    for room in ROOMS:
        app.include_router(room.router)
    _add_operations(app, database)
    _add_reference(app)
    _add_refusals(app)
    # Outside of FastAPI's own layers, which orders need not pass through.
    site = Site(
        app, database, desks, app.state.door, closing, public_url,
        is_demo=demo, private_webhooks=private_webhooks,
    )  # fmt: skip
    return Observer(Commands(site, gate, desks, database, clock), metrics)


def _add_operations(app: FastAPI, database: Database) -> None:
    down: dict[int | str, dict[str, Any]] = {503: {"model": Health}}

    @app.get("/healthz", openapi_extra={"security": []})
    async def healthz() -> Health:
        """Whether the server runs."""
        return Health(status="ok")

    @app.get("/readyz", responses=down, openapi_extra={"security": []})
    async def readyz(response: Response) -> Health:
        """Whether the database answers too."""
        try:
            await run_in_threadpool(database.ping)
        except DatabaseDown:
            response.status_code = 503
            return Health(status="down")
        return Health(status="ok")

    @app.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        metrics: Metrics = app.state.metrics
        metrics.waiting.set(app.state.desks.waiting)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_reference(app: FastAPI) -> None:
    folder = Path(str(swagger_ui_bundle.__file__)).parent / "vendor"
    [version] = [path for path in folder.iterdir() if path.is_dir()]
    app.mount("/docs/assets", StaticFiles(directory=version))

    @app.get("/docs", include_in_schema=False)
    async def reference() -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Springtide API",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
        )

    @app.get("/docs/problems", include_in_schema=False)
    async def problems() -> Response:
        return HTMLResponse(problems_page())


def _add_refusals(app: FastAPI) -> None:
    for kind in REFUSALS:

        @app.exception_handler(kind)
        async def say_no(_: Request, error: Exception) -> Response:
            return refused(error)

    @app.exception_handler(Exception)
    async def defect(_: Request, __: Exception) -> Response:
        return problem_response("internal", DEFECT)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem_response("invalid_parameter", f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(
            error.status_code, "malformed_body"
        )
        return problem_response(code, str(error.detail), (error.headers or {}).get("Allow", ""))
