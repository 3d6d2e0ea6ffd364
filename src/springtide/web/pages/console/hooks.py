"""Webhooks: where entries are sent, the secrets they are signed with, and what was sent."""

import secrets
from typing import Any

from starlette.responses import Response

from springtide.core.webhooks import message_id
from springtide.services import webhooks
from springtide.services.login import SignedIn
from springtide.services.webhooks import Endpoint, UnknownWebhook, UnusableWebhook
from springtide.web.addresses import lookup
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.once import Once
from springtide.web.pages.shared.people import random_hex

ROWS_A_PAGE = 50
NEWEST = (10**18, 0)


class Hooks:
    """The webhooks of a program."""

    def __init__(self, *, private: bool) -> None:
        self._once = Once()
        self._private = private

    def show(self, call: Call, staff: SignedIn) -> Response:
        """All endpoints, and a form for another."""
        return _list(call, staff)

    def make(self, call: Call, staff: SignedIn) -> Response:
        """Make an endpoint, and show its secret this once."""
        types = [name for name in webhooks.TYPES if call.form.get(f"type-{name}") == "on"]
        if not self._once.is_first(call):
            return call.go(call.at("console", "/webhooks"))
        try:
            made = webhooks.create_endpoint(
                call.database, call.program, call.form.get("url", ""), types, lookup=lookup,
                private=self._private, random_bytes=secrets.token_bytes,
                actor=f"staff:{staff.name}", now=call.now,
            )  # fmt: skip
        except UnusableWebhook as error:
            return _list(call, staff, 422, str(error))
        return _one(call, staff, made, made.secret)

    def one(self, call: Call, staff: SignedIn) -> Response:
        """One endpoint and what was sent to it."""
        return _one(call, staff, _endpoint(call))

    def act(self, call: Call, staff: SignedIn) -> Response:
        """Switch an endpoint off or on, give it another secret, or remove it."""
        row, act = _endpoint(call), str(call.request.path_params["act"])
        who: dict[str, Any] = {"actor": f"staff:{staff.name}", "now": call.now}
        at = (call.database, call.program, row.id)
        if act == "rotate":
            if not self._once.is_first(call):
                return call.go(call.at("console", f"/webhooks/{row.id}"))
            made = webhooks.rotate_secret(*at, random_bytes=secrets.token_bytes, **who)
            return _one(call, staff, made, made.secret)
        if act == "remove":
            webhooks.remove_endpoint(*at, **who)
            return call.go(call.at("console", "/webhooks"))
        if act not in ("active", "disabled"):
            raise Missing
        webhooks.switch(*at, act, **who)
        return call.go(call.at("console", f"/webhooks/{row.id}"))

    def delivery(self, call: Call, staff: SignedIn) -> Response:
        """One message and every attempt at it."""
        id_ = str(call.request.path_params["message"])
        try:
            found, attempts = webhooks.read_delivery(call.database, call.program, id_)
        except UnknownWebhook:
            raise Missing from None
        return call.page(
            "console/delivery.html", staff=staff, tab="webhooks", id=id_, found=found,
            attempts=attempts[::-1],
        )  # fmt: skip

    def resend(self, call: Call, staff: SignedIn) -> Response:
        """Send a message again."""
        id_, actor = str(call.request.path_params["message"]), f"staff:{staff.name}"
        try:
            webhooks.resend(call.database, call.program, id_, actor=actor, now=call.now)
        except UnknownWebhook:
            raise Missing from None
        return call.go(call.at("console", f"/deliveries/{id_}"))


def _endpoint(call: Call) -> Endpoint:
    id_ = str(call.request.path_params["id"])
    try:
        return webhooks.read_endpoint(call.database, call.program, id_)
    except UnknownWebhook:
        raise Missing from None


def _list(call: Call, staff: SignedIn, status: int = 200, error: str = "") -> Response:
    return call.page(
        "console/webhooks.html", status, staff=staff, tab="webhooks", error=error,
        rows=webhooks.list_endpoints(call.database, call.program),
        types=list(webhooks.TYPES), id=random_hex(16), typed=call.form,
    )  # fmt: skip


def _one(call: Call, staff: SignedIn, row: Endpoint, secret: str | None = None) -> Response:
    state = call.asked("state", 20)
    before = _cursor(call.asked("before", 40))
    rows = webhooks.list_deliveries(
        call.database, call.program, row.id, state if state in webhooks.STATES else "",
        before, ROWS_A_PAGE + 1,
    )  # fmt: skip
    shown = rows[:ROWS_A_PAGE]
    more = len(rows) > ROWS_A_PAGE
    return call.page(
        "console/webhook.html", staff=staff, tab="webhooks", row=row, secret=secret or "",
        rows=[(message_id(one.endpoint, one.seq, one.n), one) for one in shown],
        states=webhooks.STATES, state=state, id=random_hex(16),
        first=call.here(before="") if before != NEWEST else "",
        following=call.here(before=f"{shown[-1].seq}-{shown[-1].n}") if more else "",
    )  # fmt: skip


def _cursor(text: str) -> tuple[int, int]:
    seq, _, number = text.partition("-")
    usable = all(part.isascii() and part.isdigit() and len(part) < 18 for part in (seq, number))
    return (int(seq), int(number)) if usable else NEWEST
