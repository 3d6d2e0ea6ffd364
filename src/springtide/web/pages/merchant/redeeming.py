"""Goods for points: a member's one-time code, what it is good for, and handing it in."""

import json

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.core.event_fields import Json
from springtide.core.refusals import IdReused, Refusal
from springtide.services import listing
from springtide.services.codes import CODE_USED, UnusableCode, redemption_by_code
from springtide.services.preview import preview
from springtide.web.pages.merchant.gate import Visit
from springtide.web.pages.shared.call import Missing


def ask(visit: Visit) -> Response:
    """Ask for the code."""
    return _page(visit, "", "")


def quote(visit: Visit) -> Response:
    """What a code is good for now; nothing is done yet."""
    code, points, event, error = _wish(visit)
    if error is None:
        outcome, _ = preview(visit.call.database, visit.call.program, event, visit.now)
        if outcome.is_posted:
            return _page(visit, code, points, found={**event, **outcome.receipt})
        error = outcome.refusal or UnusableCode("code_used", CODE_USED)
    return _page(visit, code, points, 422, error=error)


def hand_in(visit: Visit) -> Response:
    """Redeem what was confirmed; a second time is harmless."""
    code, points, event, error = _wish(visit)
    call = visit.call
    if error is None:
        [outcome] = run_async(call.house.desks.post, call.program, [event], visit.deed)
        if outcome.refusal is None:
            return call.go(visit.at(f"/redeemed?id={event['id']}"))
        error = outcome.refusal
        if isinstance(error, IdReused):  # by another till, a moment ago
            error = UnusableCode("code_used", CODE_USED)
    return _page(visit, code, points, 409, error=error)


def _wish(visit: Visit) -> tuple[str, str, Json, Refusal | UnusableCode | None]:
    """What was typed, the redemption that it means, and why it cannot be one."""
    code, points = (visit.call.form.get(name, "")[:40] for name in ("code", "points"))
    wish: dict[str, object] = {"code": code, "merchant": visit.store.merchant}
    if points:
        wish["points"] = points.replace(",", "")
    try:
        call = visit.call
        event = redemption_by_code(call.database, call.program, wish, call.now)
    except (Refusal, UnusableCode) as error:
        return code, points, {}, error
    return code, points, event, None


def _page(
    visit: Visit,
    code: str,
    points: str,
    status: int = 200,
    *,
    found: Json | None = None,
    error: Refusal | UnusableCode | None = None,
) -> Response:
    return visit.page(
        "redeem", "redeem", status, code=code, points=points, found=found,
        error=error.code if error else "",
    )  # fmt: skip


def receipt(visit: Visit) -> Response:
    """What was redeemed here."""
    call = visit.call
    row = listing.read_entry(call.database, call.program, ["redeem"], call.asked("id"))
    if row is None or json.loads(row.event)["merchant"] != visit.store.merchant:
        raise Missing
    return visit.page("redeemed", "redeem", row=row, paid=json.loads(row.receipt))
