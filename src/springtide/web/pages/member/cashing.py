"""Cashing out: a quote, a confirmation of just that quote, and the receipt."""

import json
import re
from typing import Any

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.core.refusals import Refusal
from springtide.core.units import format_points, parse_points
from springtide.services import cash_outs, holding, listing
from springtide.services.preview import preview
from springtide.services.sessions import Session
from springtide.web.pages.member import daily
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.people import random_hex

KINDS = ["cash_out"]
_ID = re.compile(r"co_[0-9a-f]{32}")


def ask(call: Call, session: Session) -> Response:
    """How many points, and what they would pay now."""
    has = holding.read_holding(call.database, call.program, member_of(session))
    wanted = call.asked("points", 40)
    given: dict[str, Any] = {"has": has, "wanted": wanted, "quote": None, "refusal": None}
    given |= _times(call, has)
    if wanted:
        event = _event(f"co_{random_hex(16)}", has.member, wanted)
        outcome, _ = preview(call.database, call.program, event, call.now)
        given |= {"quote": outcome.receipt, "refusal": outcome.refusal, "id": event["id"]}
    # htmx asks for the quote alone; without script the whole page is loaded with it.
    part = call.request.headers.get("hx-request-type") == "partial"
    template = "member/quote.html" if part else "member/cash_out.html"
    return call.page(template, session=session, tab="", **given)


def confirm(call: Call, session: Session) -> Response:
    """Cash out what was quoted, at no less than was quoted."""
    id_, points, net = (call.form.get(name, "")[:60] for name in ("id", "points", "min_net"))
    if not _ID.fullmatch(id_):
        raise Missing
    event = {**_event(id_, member_of(session), points), "min_net": net}
    if run_async(call.house.desks.pays_daily, call.program):
        outcome, _ = preview(call.database, call.program, event, call.now)
        if outcome.refusal is not None:
            return _refused(call, session, points, outcome.refusal)
        return daily.record(call, session, event)
    [outcome] = run_async(call.house.desks.post, call.program, [event])
    if outcome.refusal is not None:
        return _refused(call, session, points, outcome.refusal)
    return call.go(call.at("m", f"/cash-outs/{id_}"))


def _refused(call: Call, session: Session, points: str, refusal: Refusal) -> Response:
    has = holding.read_holding(call.database, call.program, member_of(session))
    given: dict[str, Any] = {"has": has, "wanted": points, "quote": None, "refusal": refusal}
    given |= _times(call, has)
    return call.page("member/cash_out.html", 409, session=session, tab="", **given)


def _times(call: Call, has: holding.Holding) -> dict[str, Any]:
    """When the next batch is, and what waits for it; nothing where all is paid at once."""
    if not has.policy.cash_out_daily:
        return {"due": None, "waiting": []}
    due = cash_outs.next_batch(call.database, call.program, call.now)
    return {"due": due, "waiting": daily.waiting(call, has.member)}


def receipt(call: Call, session: Session) -> Response:
    """What a cash-out paid."""
    id_ = call.request.path_params["id"]
    row = listing.read_entry(call.database, call.program, KINDS, id_)
    if row is None or json.loads(row.event)["member"] != member_of(session):
        raise Missing
    has = holding.read_holding(call.database, call.program, member_of(session))
    return call.page(
        "member/cashed.html",
        row=row,
        paid=json.loads(row.receipt),
        has=has,
        wallet=listing.read_wallet(call.database, call.program, has.member),
        tab="",
    )


def _event(id_: str, member: str, points: str) -> dict[str, object]:
    """The event of a wish; what is typed like 1,234.5 is read, what cannot be is refused."""
    text = points.replace(",", "")
    try:
        text = format_points(parse_points(text))
    except ValueError:
        text = points
    return {"type": "cash_out", "id": id_, "member": member, "points": text}
