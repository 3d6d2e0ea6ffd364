"""Paying a store: who it is, what it costs, what it will bring, and the receipt."""

import json
from secrets import token_hex

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.core.refusals import IdReused, Refusal
from springtide.services import holding, listing, pay_codes, stores
from springtide.services.invitations import UnknownInvitation
from springtide.services.pay_codes import PayCode, UnusableAmount
from springtide.services.payments import NotPossible, Provider, provider_of
from springtide.services.profiles import profile_of
from springtide.services.sessions import Session
from springtide.services.stores import ORDERS, Store
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.people import Sessions, Slower

NEWEST = 50
"""Lots among which that of an order is looked for; who pays looks at once."""


def place(call: Call) -> str:
    """The address of what is to be paid."""
    return call.at("pay", f"/{call.request.path_params['code']}")


class Paying:
    """The customer's side of a pay code."""

    def __init__(self, people: Sessions) -> None:
        self._people = people
        self._typing = Slower("120/hour")

    def show(self, call: Call) -> Response:
        """What is to be paid; the receipt, once the caller has paid it."""
        text = call.request.path_params["code"]
        if "-" not in text:
            return _type(call, _store_of(call, text))
        code = _read(call, text)
        session = self._people.find(call)
        if session is not None and session.program != call.program:
            session = None
        row = listing.read_entry(call.database, call.program, ORDERS, code.order_id)
        if row is not None:
            return self._paid(call, code, row, session)
        return self._ask(call, code, session)

    def type_amount(self, call: Call) -> Response:
        """Make a code for the amount that a customer typed, and lead to it."""
        self._people.cookies.check_origin(call.request)
        self._typing.check(call)
        store = _store_of(call, call.request.path_params["code"])
        text = call.form.get("amount", "")[:40]
        try:
            amount = pay_codes.read_amount(text)
        except UnusableAmount:
            return _type(call, store, text, 422)
        code = pay_codes.make(
            call.database, call.program, store.code, amount, pay_codes.CARD, call.now, token_hex
        )
        return call.go(call.at("pay", f"/{code}"))

    def pay(self, call: Call, session: Session) -> Response:
        """Pay: the money first, then the order, both under the code's one id."""
        code = _read(call, call.request.path_params["code"])
        row = listing.read_entry(call.database, call.program, ORDERS, code.order_id)
        if row is not None:  # a second tap, or somebody was quicker
            return call.go(place(call))
        member = self._people.name(session)
        # By lots: who was only invited is in the books, but has not read anything yet.
        is_first = not holding.read_holding(call.database, call.program, member).lots
        if call.now >= code.expires_at or (is_first and not call.form.get("read")):
            return self._ask(call, code, session, unread=is_first)
        try:
            stores.check_payable(call.database, call.program, code, member, call.now)
            provider = provider_of(profile_of(call.database, call.program))
            provider.charge(code.order_id, code.amount)
        except (NotPossible, Refusal) as error:
            return self._ask(call, code, session, error=error)
        return self._post(call, code, session, provider)

    def _post(
        self, call: Call, code: PayCode, session: Session, provider: Provider
    ) -> Response:
        type_ = run_async(call.house.desks.order_type, call.program)
        event = code.order(type_, self._people.name(session))
        [outcome] = run_async(call.house.desks.post, call.program, [event])
        if outcome.refusal is None or isinstance(outcome.refusal, IdReused):
            return call.go(place(call))
        provider.give_back(code.order_id, code.amount, f"{code.order_id}:refused")
        return self._ask(call, code, session, error=outcome.refusal)

    def _ask(
        self,
        call: Call,
        code: PayCode,
        session: Session | None,
        *,
        error: Exception | None = None,
        unread: bool = False,
    ) -> Response:
        """What is to be paid, whom to, and what it will bring."""
        store = stores.find_store(call.database, call.program, code.merchant, call.now)
        assert store is not None
        if call.now >= code.expires_at:
            return call.page("pay/over.html", 410, code=code, store=store)
        member = self._people.name(session) if session else ""
        has = holding.read_holding(call.database, call.program, member) if member else None
        ahead = None
        try:
            ahead = stores.look_ahead(call.database, call.program, code, member, call.now)
            provider_of(profile_of(call.database, call.program))
        except (NotPossible, Refusal) as refused:
            error = error or refused
        status = 409 if error else 422 if unread else 200
        return call.page(
            "pay/pay.html", status, code=code, store=store, session=session, now=ahead,
            error=error, unread=unread, is_first=has is None or not has.lots,
            place=place(call), seen=call.house.overviews.get(call.program),
        )  # fmt: skip

    def _paid(
        self, call: Call, code: PayCode, row: listing.EntryRow, session: Session | None
    ) -> Response:
        store = stores.find_store(call.database, call.program, code.merchant, call.now)
        member = self._people.name(session) if session else ""
        is_mine = json.loads(row.event)["member"] == member
        if not is_mine:
            return call.page("pay/taken.html", code=code, store=store)
        _, lots = holding.list_lots(call.database, call.program, member, None, NEWEST)
        return call.page(
            "pay/receipt.html", code=code, store=store, row=row,
            settled=row.kind == "purchase" or row.settled_receipt is not None,
            lot=next((lot for lot in lots if lot.id == row.id), None),
            has=holding.read_holding(call.database, call.program, member),
        )  # fmt: skip


def _read(call: Call, text: str) -> PayCode:
    try:
        return pay_codes.read(call.database, call.program, text)
    except UnknownInvitation:
        raise Missing from None


def _store_of(call: Call, text: str) -> Store:
    """The store whose own code this is."""
    try:
        return stores.store_of_code(call.database, call.program, text, call.now)
    except UnknownInvitation:
        raise Missing from None


def _type(call: Call, store: Store, wanted: str = "", status: int = 200) -> Response:
    return call.page(
        "pay/typed.html", status, store=store, wanted=wanted, wrong=status != 200,
        place=place(call), most=stores.MOST_BY_CARD,
    )  # fmt: skip
