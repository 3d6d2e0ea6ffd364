"""Taking an order back, all or a part of it, and settling one by hand that is due."""

import json
from typing import Any, NamedTuple
from urllib.parse import quote

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.core.event_fields import Json
from springtide.core.journal import REFUNDS
from springtide.core.reducer import Outcome
from springtide.core.units import format_money, parse_money
from springtide.services import holding, listing
from springtide.services.desk import Deed
from springtide.services.listing import EntryRow
from springtide.services.login import SignedIn
from springtide.services.preview import preview
from springtide.services.settling import due_settlements
from springtide.web.pages.console.deeds import actor_of, path_id
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.people import random_hex

ORDERS = ["purchase", "pay"]


class Part(NamedTuple):
    """A part of what a buyer is paid back, in micro; below zero for what is left over."""

    source: str
    """The account it comes from, without whose it is; `clawback` or `surplus` for these."""
    kind: str
    who: str
    micro: int


def ask(call: Call, staff: SignedIn) -> Response:
    """What taking an order back would do now; an amount is a part of it."""
    return _page(call, staff, call.asked("amount", 40))


def _page(
    call: Call, staff: SignedIn, amount: str, refusal: Exception | None = None
) -> Response:
    row = _order(call)
    given: dict[str, Any] = {"quote": None, "paid_by": [], "refusal": refusal, "id": ""}
    if "amount" in call.request.query_params and refusal is None:
        event = _event(f"refund_{random_hex(16)}", row.id, amount)
        outcome, _ = preview(call.database, call.program, event, call.now)
        given = {
            "quote": outcome.receipt, "paid_by": _paid_by(outcome),
            "refusal": outcome.refusal, "id": event["id"],
        }  # fmt: skip
        program, state = listing.read_program(call.database, call.program)
        burned: Any = outcome.receipt.get("burned", 0)
        given["worth"], given["cash_now"] = holding.worth(burned, program, state.policy)
    paid = json.loads(row.event)
    left = parse_money(paid["amount"]) - row.refunded
    return call.page(
        "console/refund.html", 409 if refusal else 200, staff=staff, tab="orders", row=row,
        event=paid, left=left, amount=amount, taken=_taken(amount, left), **given,
    )  # fmt: skip


def _paid_by(outcome: Outcome) -> list[Part]:
    """What a refund is paid from; what it leaves over goes the other way."""
    found = []
    for kind, debit, credit, micro in outcome.entry.transfers if outcome.entry else []:
        if credit == REFUNDS:
            account, _, who = debit.partition(":")
            found.append(Part(kind if kind == "clawback" else account, kind, who, micro))
        elif kind == "surplus":
            found.append(Part(kind, kind, "", -micro))
    return found


def _taken(amount: str, left: int) -> int:
    try:
        return parse_money(amount.replace(",", "")) if amount else left
    except ValueError:
        return left


def _order(call: Call) -> EntryRow:
    row = listing.read_entry(call.database, call.program, ORDERS, path_id(call))
    if row is None:
        raise Missing
    return row


def _event(id_: str, order: str, amount: str) -> Json:
    """The event of a wish; without an amount all that is left is taken back."""
    text = amount.replace(",", "")
    try:
        text = format_money(parse_money(text)) if text else ""
    except ValueError:
        text = amount
    event = {"type": "refund", "id": id_, "order": order}
    return {**event, "amount": text} if text else event


def confirm(call: Call, staff: SignedIn) -> Response:
    """Take back what was shown."""
    id_, amount = call.form.get("id", "")[:60], call.form.get("amount", "")[:40]
    if not id_.startswith("refund_"):
        raise Missing
    event = _event(id_, _order(call).id, amount)
    return _post(call, staff, event, amount)


def _post(call: Call, staff: SignedIn, event: Json, amount: str) -> Response:
    deed = Deed(actor_of(staff), call.now)
    [outcome] = run_async(call.house.desks.post, call.program, [event], deed)
    if outcome.refusal is not None:
        return _page(call, staff, amount, outcome.refusal)
    return call.go(call.at("console", f"/orders/{quote(str(event['order']))}"))


def due(call: Call, row: EntryRow) -> bool:
    """Whether an order is only paid, and its refund window is over."""
    if row.kind == "purchase" or row.settled_receipt is not None:
        return False
    return _settlement(call, row.id) is not None


def _settlement(call: Call, order: str) -> Json | None:
    found = due_settlements(call.database, call.program, call.now)
    return next((event for event in found if event["order"] == order), None)


def settle(call: Call, staff: SignedIn) -> Response:
    """Settle an order that is due; one that somebody settled meanwhile is just shown."""
    order = _order(call).id
    event = _settlement(call, order)
    if event is None:
        return call.go(call.at("console", f"/orders/{quote(order)}"))
    return _post(call, staff, event, "")
