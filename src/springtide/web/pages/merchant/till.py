"""The till: today's sales, a code for an amount, whether it was paid, the printed card."""

from secrets import token_bytes, token_hex

from starlette.responses import Response

from springtide.services import holding, invitations, listing, pay_codes, stores
from springtide.services.invitations import UnknownInvitation
from springtide.services.pay_codes import UnusableAmount
from springtide.services.stores import ORDERS
from springtide.web.pages.merchant.gate import Visit
from springtide.web.pages.shared.call import Missing
from springtide.web.pages.shared.qr import qr, whole

EVERY_S = 2
"""How often an open code asks whether it was paid."""


def home(visit: Visit) -> Response:
    """Taking a payment, and the day so far."""
    return _home(visit)


def _home(visit: Visit, wanted: str = "", status: int = 200) -> Response:
    sold = stores.read_today(
        visit.call.database, visit.call.program, visit.store.merchant, visit.now
    )
    program, state = listing.read_program(visit.call.database, visit.call.program)
    worth = holding.worth(sold.granted, program, state.policy)
    card = _card_address(visit)
    return visit.page(
        "home", "till", status, sold=sold, worth=worth, most=stores.MOST_BY_CARD, wanted=wanted,
        wrong=status != 200, picture=qr(card) if card else "",
    )  # fmt: skip


def _card_address(visit: Visit) -> str:
    if not visit.store.code:
        return ""
    return whole(visit.call, visit.public_url, visit.call.at("pay", f"/{visit.store.code}"))


def make_card(visit: Visit) -> Response:
    """Make the store's own code, once and for all."""
    _store_code(visit)
    return visit.call.go(visit.at("/card"))


def _store_code(visit: Visit) -> str:
    call = visit.call
    return visit.store.code or invitations.make(
        call.database, call.program, "", visit.store.merchant, call.now,
        visit.session.subject, token_bytes,
    )  # fmt: skip


def show(visit: Visit) -> Response:
    """Make a code for an amount, and lead to it."""
    call = visit.call
    text = call.form.get("amount", "")[:40]
    try:
        amount = pay_codes.read_amount(text)
    except UnusableAmount:
        return _home(visit, text, 422)
    code = pay_codes.make(
        call.database, call.program, _store_code(visit), amount, pay_codes.TILL, call.now,
        token_hex,
    )  # fmt: skip
    return call.go(visit.at(f"/codes/{code}"))


def code(visit: Visit) -> Response:
    """A code, large, and whether it was paid; asked for again and again while it is open."""
    call = visit.call
    try:
        found = pay_codes.read(call.database, call.program, call.request.path_params["code"])
    except UnknownInvitation:
        raise Missing from None
    if found.merchant != visit.store.merchant:
        raise Missing
    address = whole(call, visit.public_url, call.at("pay", f"/{found.code}"))
    part = call.request.headers.get("hx-request-type") == "partial"
    paid = listing.read_entry(call.database, call.program, ORDERS, found.order_id)
    over = call.now >= found.expires_at
    return visit.page(
        "code_state" if part else "code", "till", code=found, picture=qr(address),
        address=address, paid=paid, over=over, every=EVERY_S,
        left=int((found.expires_at - call.now).total_seconds() // 60) + 1,
    )  # fmt: skip


def card(visit: Visit) -> Response:
    """The store's own code on a card to print, and how to tell that it is the store's."""
    if not visit.store.code:
        raise Missing
    page = visit.call.at("p", f"/stores/{visit.store.merchant}")
    return visit.page(
        "card", "more", picture=qr(_card_address(visit)),
        page=whole(visit.call, visit.public_url, page),
    )  # fmt: skip
