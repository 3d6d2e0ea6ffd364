"""Orders: how each came to points, what was taken back, and what a refund would do now."""

import json
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from springtide.core.units import parse_money
from springtide.services import holding, listing
from springtide.services.listing import OrderFilter
from springtide.services.preview import preview
from springtide.services.sessions import Session
from springtide.web.pages.member.home import listed, member_of, names_of
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.grants import settlement_of
from springtide.web.pages.shared.people import random_hex

KINDS = ["purchase", "pay"]
MOST_PAID = 20
HELD_UP = timedelta(days=30)
"""So long after its day an order that was not settled still shows with the others."""


def orders(call: Call, session: Session) -> Response:
    """Orders, newest first, with what was taken back; first those that are no points yet."""
    paid = [] if call.asked("before") else _unsettled(call, member_of(session))
    return listed(call, session, "member/orders.html", "orders", paid=paid)


def _unsettled(call: Call, member: str) -> list[dict[str, Any]]:
    """Orders that were paid and are no points yet, newest first."""
    _, state = listing.read_program(call.database, call.program)
    wait_s = state.policy.settle_after_s
    if not wait_s:
        return []
    since = call.now - timedelta(seconds=wait_s) - HELD_UP
    wanted = OrderFilter(member=member, state="paid", since=since)
    rows = listing.list_orders(call.database, call.program, wanted, 0, MOST_PAID)
    events = [_event(row) for row in rows]
    shops = [event.get("merchant") or "" for event in events]
    names = names_of(call, *shops)
    return [
        {
            "id": row.id,
            "at": row.posted_at,
            "amount": parse_money(event["amount"]),
            "store": names.get(shop, shop),
        }
        for row, event, shop in zip(rows[::-1], events[::-1], shops[::-1], strict=True)
    ]


def _event(row: listing.EntryRow) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(row.event)
    return event


def order(call: Call, session: Session) -> Response:
    """The life of an order, and the figures of its refund before anybody asks for one."""
    row = listing.read_entry(call.database, call.program, KINDS, call.request.path_params["id"])
    if row is None or _event(row)["member"] != member_of(session):
        raise Missing
    event = _event(row)
    settled = settlement_of(call, row)
    left = parse_money(event["amount"]) - row.refunded
    back: Any = None
    if left:
        wish = {"type": "refund", "id": f"rf_{random_hex(16)}", "order": row.id}
        outcome, _ = preview(call.database, call.program, wish, call.now)
        back = None if outcome.refusal else outcome.receipt
    return call.page(
        "member/order.html", row=row, event=event, amount=parse_money(event["amount"]),
        settled=settled, left=left, back=back, has=_holding(call, session),
        lot=_lot(call, session, settled), tab="orders",
        names=names_of(call, event.get("merchant") or ""),
    )  # fmt: skip


def _holding(call: Call, session: Session) -> holding.Holding:
    return holding.read_holding(call.database, call.program, member_of(session))


def _lot(call: Call, session: Session, settled: listing.EntryRow | None) -> holding.Lot | None:
    """The lot that the order opened; none where a member's orders share one."""
    if settled is None:
        return None
    found = holding.find_lot(call.database, call.program, member_of(session), settled.seq)
    return found[1] if found else None
