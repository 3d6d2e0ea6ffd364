"""The reserve page: what stands behind the points, what became of buyers, how to check it."""

import gzip
import hashlib

from starlette.responses import Response

from springtide.services import demo, demo_store
from springtide.services.overview import Overview
from springtide.services.programs import list_programs
from springtide.web.pages.shared import series
from springtide.web.pages.shared.call import HEADERS, Call

MOST_POINTS = 240
MOST_ROWS = 24

CACHED = {**HEADERS, "Cache-Control": "public, max-age=15", "Vary": "Accept-Encoding, Cookie"}


def start(call: Call) -> Response:
    """The way in; a demonstration shows all its doors."""
    programs = [program.name for program in list_programs(call.database)]
    return call.page(
        "public/start.html", programs=programs if call.house.demo else [],
        stores={demo.PROGRAM: demo_store.MERCHANT},
    )  # fmt: skip


def reserve(call: Call) -> Response:
    """The reserve page; the same bytes for everybody until something was posted."""
    found = call.house.overviews.get(call.program)
    if found is None:
        return call.page("shared/counting.html", 202)
    rows = series.prices(found, MOST_POINTS)
    response = call.page(
        "public/reserve.html",
        found=found,
        curve=series.curve(rows),
        rows=series.thinned(rows, MOST_ROWS)[::-1],
        causes={name: times for name, times in _causes(found) if abs(times - 1) > 5e-5},
    )
    return _cacheable(call, response)


def _causes(found: Overview) -> list[tuple[str, float]]:
    return sorted(
        (found.disclosure.rise if found.disclosure else {}).items(),
        key=lambda cause: -cause[1],
    )


def _cacheable(call: Call, response: Response) -> Response:
    """Say how long it may be kept, and nothing at all to whoever has it already."""
    body = bytes(response.body)
    headers = {**CACHED, "ETag": f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'}
    if call.request.headers.get("if-none-match") == headers["ETag"]:
        return call.remember(Response(status_code=304, headers=headers))
    if "gzip" in call.request.headers.get("accept-encoding", ""):
        # There is no secret on the page that its compressed size could give away.
        body, headers["Content-Encoding"] = gzip.compress(body, mtime=0), "gzip"
    return call.remember(Response(body, 200, headers, "text/html; charset=utf-8"))
