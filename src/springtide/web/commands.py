"""What changes a program: orders, refunds, cash-outs and the rest, all by one road.

The body of a command is an event of SPEC.md section 5 without its type, and the answer is
its receipt. The address says the type. Bodies are read by msgspec and checked by the
reducer's own reader, so there is one set of rules and one wording of refusals.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from springtide.core.events import is_name
from springtide.core.receipts import render
from springtide.core.reducer import Outcome
from springtide.services.desk import Deed
from springtide.services.permissions import Principal
from springtide.web.access import Gate
from springtide.web.desks import Desks
from springtide.web.problems import (
    REFUSALS,
    Problem,
    code_of,
    problem_body,
    problem_response,
    refused,
)

MOST_BODY = 64 * 1024
DEEPEST = 20
"""Levels of nesting: more than any event has, and few enough for every reader of JSON."""

RESERVED = "springtide:"
"""How the ids begin that the product gives itself, as to settlements."""

MOST_LINES = 1_000
"""Lines of a batch that are posted together; its receipts are streamed by as many."""


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

_decode = msgspec.json.Decoder(dict[str, object]).decode
_encode = msgspec.json.Encoder().encode


def _depth(value: object) -> int:
    """Levels of lists and objects; stops soon after `DEEPEST`."""
    depth, level = 0, [value]
    while depth <= DEEPEST:
        level = [
            item
            for part in level
            if isinstance(part, dict | list)
            for item in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            break
        depth += 1
    return depth


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise Problem("body_too_large", f"the body passes {MOST_BODY} bytes; send less")
    return bytes(body)


def _event(text: bytes, type_: str) -> dict[str, object]:
    if len(text) > MOST_BODY:
        raise Problem(
            "body_too_large", f"a line passes {MOST_BODY} bytes; what follows was not read"
        )
    try:
        body = _decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem("malformed_body", f"the body is not a JSON object: {error}") from None
    if any(type(value) is not str and _depth(value) > DEEPEST for value in body.values()):
        raise Problem("malformed_body", f"the body is nested deeper than {DEEPEST} levels")
    if body.get("type", type_) != type_:
        raise Problem("invalid_event", f"type is {body['type']!r}; this address takes {type_}")
    if str(body.get("id", "")).startswith(RESERVED):
        raise Problem("invalid_event", f"ids with {RESERVED} in front are ours; choose another")
    body["type"] = type_
    return body


def _answer(outcome: Outcome) -> Response:
    if outcome.refusal is not None:
        return problem_response(
            outcome.refusal.code, str(outcome.refusal), receipt=render(outcome.receipt)
        )
    repeated = outcome.entry is None
    return Response(
        _encode(render(outcome.receipt)),
        status_code=200 if repeated else 201,
        headers={"Idempotent-Replayed": "true"} if repeated else None,
        media_type="application/json",
    )


class Commands:
    """Answers the addresses of commands, and hands all others on."""

    def __init__(
        self, app: ASGIApp, gate: Gate, desks: Desks, now: Callable[[], datetime]
    ) -> None:
        self._app = app
        self._gate = gate
        self._desks = desks
        self._now = now
        self._commands = {command.path: command for command in COMMANDS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "POST":
            command = self._commands.get(scope["path"])
            if command is not None or scope["path"] == BATCH_PATH:
                request = Request(scope, receive)
                try:
                    answer = self._post(request, command) if command else self._batch(request)
                    response = await answer
                except REFUSALS as error:
                    response = refused(error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _post(self, request: Request, command: Command) -> Response:
        key = await self._gate.admit(request, command.scope)
        event = _event(await _read_body(request), command.type)
        if command.type == "purchase":
            event["type"] = await self._desks.order_type(key.program)
        wanted = request.headers.get("idempotency-key")
        if wanted is not None and (not is_name(wanted) or wanted.startswith(RESERVED)):
            raise Problem("invalid_parameter", f"Idempotency-Key is {wanted!r}; give an id")
        if "id" not in event:
            event["id"] = wanted or f"{command.type}_{uuid4().hex}"
        deed = self._deed(key, command.type)
        [outcome] = await self._desks.post(key.program, [event], deed)
        return _answer(outcome)

    def _deed(self, principal: Principal, type_: str) -> Deed | None:
        if principal.session is None and type_ not in BY_DECISION:
            return None
        return Deed(principal.actor, self._now())

    async def _batch(self, request: Request) -> Response:
        key = await self._gate.admit(request, "orders")
        order_type = await self._desks.order_type(key.program)
        deed = self._deed(key, order_type)
        return _Lines(_post_lines(request, self._desks, key.program, order_type, deed))


class _Lines(Response):
    """Lines sent while the body is still being read.

    Starlette's own streaming response reads the body too, to see whether the caller left.
    """

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        super().__init__(media_type="application/x-ndjson")
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts as they come."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _post_lines(
    request: Request, desks: Desks, program: str, order_type: str, deed: Deed | None
) -> AsyncIterator[bytes]:
    """Answer each line of a batch with its receipt or its problem, in order."""
    async for lines in _lines(request):
        answers: list[object] = []
        events, places = [], []
        for line in lines:
            try:
                events.append({**_event(line, "purchase"), "type": order_type})
                places.append(len(answers))
                answers.append(None)
            except Problem as problem:
                answers.append(problem_body(problem.code, problem.detail))
        try:
            outcomes = await desks.post(program, events, deed) if events else []
        except REFUSALS as error:
            yield _encode(problem_body(code_of(error), str(error))) + b"\n"
            return
        for place, outcome in zip(places, outcomes, strict=True):
            answers[place] = _line(outcome)
        yield b"".join(_encode(answer) + b"\n" for answer in answers)


def _line(outcome: Outcome) -> object:
    receipt = render(outcome.receipt)
    if outcome.refusal is None:
        return receipt
    return problem_body(outcome.refusal.code, str(outcome.refusal), receipt=receipt)


async def _lines(request: Request) -> AsyncIterator[list[bytes]]:
    """The lines of a body, some at a time; a line that is too long ends it with a problem."""
    rest, lines = b"", []
    async for part in request.stream():
        *whole, rest = (rest + part).split(b"\n")
        lines += [line for line in whole if line.strip()]
        while len(lines) >= MOST_LINES:
            yield lines[:MOST_LINES]
            lines = lines[MOST_LINES:]
        if len(rest) > MOST_BODY:
            break
    if rest.strip():
        lines.append(rest)
    if lines:
        yield lines
