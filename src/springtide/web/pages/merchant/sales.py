"""Sales: what was sold, one order, and taking it back, whole or in part."""

import json
import re
from secrets import token_hex
from typing import cast

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.core.journal import merchant_account
from springtide.core.refusals import Refusal
from springtide.core.units import format_money, parse_money
from springtide.services import listing, pay_codes, stores
from springtide.services.pay_codes import UnusableAmount
from springtide.services.payments import NotPossible, provider_of
from springtide.services.preview import preview
from springtide.services.profiles import profile_of
from springtide.services.stores import ORDERS, EntryRow
from springtide.web.pages.merchant.gate import Visit
from springtide.web.pages.shared.call import Missing
from springtide.web.pages.shared.grants import grant_of

ROWS_A_PAGE = 20
BACK = "springtide:back:"
_ID = re.compile(r"springtide:back:[0-9a-f]{32}")


def sales(visit: Visit) -> Response:
    """The orders of the last days, newest first; those who bought are not named."""
    call = visit.call
    text = call.asked("before", 18)
    before = int(text) if text.isascii() and text.isdigit() else None
    rows = stores.list_sales(
        call.database, call.program, visit.store.merchant, call.now - stores.SALES_OF, before,
        ROWS_A_PAGE + 1,
    )  # fmt: skip
    shown = rows[:ROWS_A_PAGE]
    return visit.page(
        "sales", "sales",
        rows=[(row, json.loads(row.event), _settled(row)) for row in shown],
        first=call.here(before="") if before is not None else "",
        following=call.here(before=str(shown[-1].seq)) if len(rows) > ROWS_A_PAGE else "",
    )  # fmt: skip


def _settled(row: EntryRow) -> dict[str, object] | None:
    """The receipt of the purchase or the settlement; None while an order is only paid."""
    text = row.settled_receipt or (row.receipt if row.kind == "purchase" else None)
    return json.loads(text) if text else None


def order(visit: Visit) -> Response:
    """One order, and what taking it back would mean, if that is asked."""
    wanted = visit.call.asked("amount", 40)
    if "amount" not in visit.call.request.query_params:
        return _order(visit, _find(visit))
    row = _find(visit)
    try:
        event = _refund(row, wanted, BACK + token_hex(16))
    except UnusableAmount:
        return _order(visit, row, wanted, 422, wrong=True)
    outcome, _ = preview(visit.call.database, visit.call.program, event, visit.now)
    if outcome.entry is None:
        return _order(visit, row, wanted, refusal=outcome.refusal)
    shop = merchant_account(visit.store.merchant)
    moved = outcome.entry.transfers
    paid = [(kind, amount) for kind, debit, _, amount in moved if debit == shop]
    quote = {
        **outcome.receipt,
        "id": event["id"],
        "amount": event["amount"],
        "store": sum(amount for _, amount in paid),
        "kept": sum(amount for kind, amount in paid if kind == "shortfall"),
    }
    return _order(visit, row, wanted, quote=quote)


def _find(visit: Visit) -> EntryRow:
    call = visit.call
    row = listing.read_entry(
        call.database, call.program, ORDERS, call.request.path_params["id"]
    )
    if row is None or json.loads(row.event).get("merchant") != visit.store.merchant:
        raise Missing
    return row


def _order(
    visit: Visit,
    row: EntryRow,
    wanted: str = "",
    status: int = 200,
    *,
    quote: dict[str, object] | None = None,
    refusal: Refusal | NotPossible | None = None,
    wrong: bool = False,
) -> Response:
    event = json.loads(row.event)
    left = _left(row)
    return visit.page(
        "order", "sales", status, row=row, event=event, receipt=_settled(row), left=left,
        wanted=wanted, grant=grant_of(visit.call, row), quote=quote, refusal=refusal,
        wrong=wrong,
    )  # fmt: skip


def _refund(row: EntryRow, wanted: str, id_: str) -> dict[str, object]:
    """The event that takes back an amount, or all that is left if none is typed."""
    left = _left(row)
    amount = left if wanted in ("", format_money(left)) else pay_codes.read_amount(wanted)
    return {"type": "refund", "id": id_, "order": row.id, "amount": format_money(amount)}


def _left(row: EntryRow) -> int:
    return parse_money(json.loads(row.event)["amount"]) - row.refunded


def refund(visit: Visit) -> Response:
    """Take back what was confirmed."""
    call = visit.call
    id_, amount = call.form.get("id", "")[:60], call.form.get("amount", "")[:40]
    row = _find(visit)
    if not _ID.fullmatch(id_):
        raise Missing
    back = call.go(visit.at(f"/orders/{row.id}"))
    if listing.read_entry(call.database, call.program, ["refund"], id_) is not None:
        return back  # a second tap
    try:
        event = _refund(row, amount, id_)
    except UnusableAmount:
        return _order(visit, row, amount, 422, wrong=True)
    try:
        provider = provider_of(profile_of(call.database, call.program))
    except NotPossible as error:
        return _order(visit, row, amount, 409, refusal=error)
    [outcome] = run_async(call.house.desks.post, call.program, [event], visit.deed)
    if outcome.refusal is not None:
        return _order(visit, row, amount, 409, refusal=outcome.refusal)
    receipt = outcome.receipt
    kept = cast(int, receipt["recovered"])
    provider.give_back(row.id, parse_money(event["amount"]) - kept, id_)
    return back
