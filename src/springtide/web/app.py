"""The application: commands, resources, health, metrics and the reference, in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import swagger_ui_bundle  # type: ignore[import-untyped]
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
from springtide.services.programs import list_programs
from springtide.web import distribution, keyring, resources
from springtide.web.access import Gate
from springtide.web.commands import Commands
from springtide.web.desks import Desks
from springtide.web.document import openapi
from springtide.web.models import Health
from springtide.web.observe import DEFECT, Metrics, Observer
from springtide.web.problems import REFUSALS, problem_response, problems_page, refused

DESCRIPTION = """Loyalty programs whose points are backed by a pool.

Amounts are decimal strings: money with up to six decimals, points with up to nine. A point is
worth the reserve divided by the supply; beside every price stands what could be cashed now.
Every command may be sent again with its id: it is posted once."""


SETTLE_EVERY_S = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(database: Database, desks: Desks, rate: str) -> ASGIApp:
    """The application over a database; `rate` is what one key may ask for."""
    gate = Gate(database, rate)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        settling = asyncio.create_task(desks.settle_for_ever(SETTLE_EVERY_S, _now))
        yield
        settling.cancel()

    app = FastAPI(
        title="Springtide",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.gate, app.state.database = gate, database
    app.state.desks, app.state.metrics = desks, metrics
    app.include_router(distribution.router)  # its addresses are longer, and come first
    app.include_router(resources.router)
    app.include_router(keyring.router)
    _add_operations(app)
    _add_reference(app)
    _add_refusals(app)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]
    # Outside of FastAPI's own layers, which orders need not pass through.
    return Observer(Commands(app, gate, desks), metrics)


def _add_operations(app: FastAPI) -> None:
    down: dict[int | str, dict[str, Any]] = {503: {"model": Health}}

    @app.get("/healthz", openapi_extra={"security": []})
    async def healthz() -> Health:
        """Whether the server runs."""
        return Health(status="ok")

    @app.get("/readyz", responses=down, openapi_extra={"security": []})
    async def readyz(response: Response) -> Health:
        """Whether the database answers too."""
        try:
            await run_in_threadpool(list_programs, app.state.database)
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
