"""What changes a program: orders, refunds, cash-outs and the rest, all by one road.

The body of a command is an event of docs/algorithms/books.md without its type, and the answer
is its receipt. The address says the type. Bodies are read by msgspec and checked by the
reducer's own reader, so there is one set of rules and one wording of refusals.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from springtide.core.event_fields import Json, is_name
from springtide.core.receipts import render
from springtide.core.reducer import Outcome
from springtide.core.refusals import IdReused, Refusal
from springtide.services.cash_outs import ask
from springtide.services.codes import CODE_USED, UnusableCode, redemption_by_code
from springtide.services.desk import Deed
from springtide.services.gateway import Database
from springtide.services.permissions import Principal
from springtide.web.access import Gate
from springtide.web.batch import Road, answer_batch
from springtide.web.bodies import RESERVED, read_body, read_command
from springtide.web.cash_outs import show
from springtide.web.desks import Desks
from springtide.web.problems import (
    REFUSALS,
    Problem,
    refusal_response,
    refused,
)


class Command(NamedTuple):
    """An address that takes events of one type."""

    path: str
    type: str
    scope: str


COMMANDS = (
    Command("/v1/orders", "purchase", "orders"),
    Command("/v1/bindings", "bind", "orders"),
    Command("/v1/refunds", "refund", "refunds"),
    Command("/v1/cash-outs", "cash_out", "payouts"),
    Command("/v1/cash-outs/batch", "cash_out_batch", "payouts"),
    Command("/v1/redemptions", "redeem", "payouts"),
    Command("/v1/injections", "inject", "pool"),
)

BY_DECISION = frozenset({"refund", "cash_out_batch", "inject"})
"""What somebody decided on, also when it is a key that says so; it goes to the log of acts.
Of staff all goes there."""

BATCH_PATH = "/v1/orders/batch"

_JSON = (b"content-type", b"application/json")
_REPLAYED = (b"idempotent-replayed", b"true")


class Answer(NamedTuple):
    """A response that is whole."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class _Refused(Exception):
    """An event that the reducer refused."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self._outcome = outcome

    def response(self) -> Response:
        refusal, receipt = self._outcome.refusal, render(self._outcome.receipt)
        assert refusal is not None
        return refusal_response(refusal, receipt)


def _answer(outcome: Outcome) -> Answer:
    if outcome.is_posted:
        return Answer(201, outcome.told)
    if outcome.refusal is None:
        return Answer(200, outcome.told, (_REPLAYED,))
    raise _Refused(outcome)


class Commands:
    """Answers the addresses of commands, and hands all others on."""

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        desks: Desks,
        database: Database,
        now: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._now = now
        self._gate = gate
        self._desks = desks
        self._database = database
        self._commands = {command.path: command for command in COMMANDS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
        elif (command := self._commands.get(scope["path"])) is not None:
            try:
                answer = await self._post(scope, receive, command)
            except REFUSALS as error:
                await refused(error)(scope, receive, send)
            except _Refused as error:
                await error.response()(scope, receive, send)
            else:
                await _send(send, answer)
        elif scope["path"] == BATCH_PATH:
            await self._batch(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _post(self, scope: Scope, receive: Receive, command: Command) -> Answer:
        secret, wanted = _read_headers(scope)
        key = await self._admit(scope, secret, command.scope)
        event = read_command(await read_body(receive), command.type)
        if wanted is not None and (not is_name(wanted) or wanted.startswith(RESERVED)):
            raise Problem("invalid_parameter", f"Idempotency-Key is {wanted!r}; give an id")
        if command.type == "redeem" and "code" in event:
            return await self._redeem_by_code(key, event)
        if "id" not in event:
            event["id"] = wanted or f"{command.type}_{uuid4().hex}"
        if command.type == "purchase":
            event["type"] = await self._desks.order_type(key.program)
        elif command.type == "cash_out" and await self._desks.pays_daily(key.program):
            return await self._ask(key, event)
        deed = self._deed(key, command.type)
        [outcome] = await self._desks.post(key.program, [event], deed)
        return _answer(outcome)

    async def _admit(self, scope: Scope, secret: str | None, permission: str) -> Principal:
        if secret is not None:
            return await self._gate.let_in(secret, permission)
        return await self._gate.admit(HTTPConnection(scope), permission)

    def _deed(self, principal: Principal, type_: str) -> Deed | None:
        if principal.session is None and type_ not in BY_DECISION:
            return None
        return Deed(principal.actor, self._now())

    async def _batch(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            key = await self._admit(scope, _read_headers(scope)[0], "orders")
            order_type = await self._desks.order_type(key.program)
        except REFUSALS as error:
            await refused(error)(scope, receive, send)
            return
        road = Road(self._desks, key.program, order_type, self._deed(key, order_type))
        await answer_batch(receive, send, road)

    async def _redeem_by_code(self, key: Principal, wish: Json) -> Answer:
        """Post the redemption that a member's code stands for."""
        if "id" in wish:
            raise Problem("invalid_event", "a code brings its own id; leave id out")
        now = self._now()
        try:
            event = await asyncio.to_thread(
                redemption_by_code, self._database, key.program, wish, now
            )
        except (Refusal, UnusableCode) as error:
            raise Problem(error.code, str(error)) from None
        deed = self._deed(key, "redeem")
        [outcome] = await self._desks.post(key.program, [event], deed)
        if isinstance(outcome.refusal, IdReused):  # by another till, a moment ago
            raise Problem("code_used", CODE_USED)
        return _answer(outcome)

    async def _ask(self, key: Principal, event: Json) -> Answer:
        """Record a cash-out that has to wait for the day's batch."""
        try:
            request, repeated = await asyncio.to_thread(
                ask, self._database, key.program, event, key.actor, self._now()
            )
        except Refusal as refusal:
            raise Problem(refusal.code, str(refusal)) from None
        place = f"/v1/cash-out-requests/{quote(request.id, safe='')}"
        location = (b"location", place.encode())
        body = show(request).model_dump_json().encode()
        if repeated:
            return Answer(200, body, (location, _REPLAYED))
        return Answer(202, body, (location,))


def _read_headers(scope: Scope) -> tuple[str | None, str | None]:
    """The headers Authorization and Idempotency-Key; None for one that is not there."""
    secret: str | None = None
    wanted: str | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            secret = value.decode("latin-1")
        elif name == b"idempotency-key":
            wanted = value.decode("latin-1")
    return secret, wanted


async def _send(send: Send, answer: Answer) -> None:
    size = (b"content-length", b"%d" % len(answer.body))
    headers = [_JSON, size, *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
