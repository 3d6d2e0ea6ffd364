"""Redeeming at a store: a code for some points, shown once, good for five minutes."""

import json
import re
import secrets
from typing import Any

from starlette.responses import Response

from springtide.core.refusals import IdReused, Refusal
from springtide.core.units import format_points, parse_points
from springtide.services import codes, holding, listing
from springtide.services.preview import preview
from springtide.services.sessions import Session
from springtide.web.pages.member.home import member_of, names_of
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.people import random_hex
from springtide.web.pages.shared.qr import qr

MINUTES = 5
ANY_STORE = "any store"
"""Where points are redeemed makes no difference to what they pay for."""

_ID = re.compile(r"rc_[0-9a-f]{32}")


def ask(call: Call, session: Session) -> Response:
    """How many points, and what they would pay for."""
    wanted = call.asked("points", 40)
    quote: Any = None
    refusal = None
    if wanted:
        quote, refusal = _quote(call, member_of(session), wanted)
    return _page(call, session, wanted, refusal, quote=quote, id=f"rc_{random_hex(16)}")


def _quote(call: Call, member: str, wanted: str) -> tuple[Any, Refusal | None]:
    event = {
        "type": "redeem", "id": f"rc_{random_hex(16)}", "member": member,
        "points": _plain(wanted), "merchant": ANY_STORE,
    }  # fmt: skip
    outcome, _ = preview(call.database, call.program, event, call.now)
    return outcome.receipt, outcome.refusal


def _plain(points: str) -> str:
    """Points as they were typed; what cannot be read is refused as it stands."""
    try:
        return format_points(parse_points(points.replace(",", "")))
    except ValueError:
        return points


def _page(
    call: Call, session: Session, wanted: str, refusal: Refusal | None, status: int = 200,
    **given: Any,
) -> Response:  # fmt: skip
    has = holding.read_holding(call.database, call.program, member_of(session))
    return call.page(
        "member/redeem.html", status, session=session, has=has, wanted=wanted,
        refusal=refusal, tab="", **{"quote": None, "id": "", **given},
    )  # fmt: skip


def make(call: Call, session: Session) -> Response:
    """Make the code and show it: this once, for it is kept by its hash alone."""
    id_, points = (call.form.get(name, "")[:60] for name in ("id", "points"))
    if not _ID.fullmatch(id_):
        raise Missing
    member = member_of(session)
    quote, refusal = _quote(call, member, points)
    if refusal is not None:
        return _page(call, session, points, refusal, 409)
    try:
        code, row = codes.make_code(
            call.database, call.program, id_, member, str(_plain(points)), MINUTES,
            session.subject, call.now, secrets.randbelow,
        )  # fmt: skip
    except IdReused:
        return call.go(call.at("m", f"/redeem/{id_}"))
    except Refusal as error:
        return _page(call, session, points, error, 409)
    return call.page(
        "member/redeem_code.html", code=code, qr=qr(code), row=row, quote=quote,
        has=holding.read_holding(call.database, call.program, member),
        state="open", paid=None, tab="",
    )  # fmt: skip


def state(call: Call, session: Session) -> Response:
    """Whether a code was used, and what came of it; htmx asks for that part alone."""
    id_ = call.request.path_params["id"]
    found = codes.read_code(call.database, call.program, id_, call.now)
    if found is None or found[0].member != member_of(session):
        raise Missing
    row, stands = found
    entry = paid = store = None
    if stands == "used":
        entry = listing.read_entry(
            call.database, call.program, ["redeem"], codes.REDEMPTION + id_
        )
    if entry is not None:
        paid, shop = json.loads(entry.receipt), json.loads(entry.event)["merchant"]
        store = names_of(call, shop).get(shop, shop)
    part = call.request.headers.get("hx-request-type") == "partial"
    template = "member/redeem_state.html" if part else "member/redeem_after.html"
    return call.page(
        template, row=row, state=stands, paid=paid, store=store, entry=entry, tab=""
    )
