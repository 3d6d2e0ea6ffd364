"""Bodies of commands and of their answers, read and written by msgspec."""

import msgspec
from starlette.types import Receive

from springtide.core.receipts import render, write_order
from springtide.core.reducer import Outcome
from springtide.web.problems import Problem, refusal_body

MOST_BODY = 64 * 1024
DEEPEST = 20
"""Levels of nesting: more than any event has, and few enough for every reader of JSON."""

RESERVED = "springtide:"
"""How the ids begin that the product gives itself, as to settlements."""

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


async def read_body(receive: Receive) -> bytes:
    """The body of a request.

    Raises:
        Problem: it is too long, or the caller left; what follows is not read.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem("malformed_body", "the caller left before the body was whole")
        body += message.get("body", b"")
        if len(body) > MOST_BODY:
            raise Problem("body_too_large", f"the body passes {MOST_BODY} bytes; send less")
        if not message.get("more_body", False):
            return bytes(body)


def read_command(text: bytes, type_: str) -> dict[str, object]:
    """The event that a body is, of the type that its address takes.

    Raises:
        Problem: it is not a JSON object, is of another type, or has an id of ours.
    """
    try:
        body = _decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Problem("malformed_body", f"the body is not a JSON object: {error}") from None
    for value in body.values():
        if type(value) is not str and _depth(value) > DEEPEST:
            raise Problem("malformed_body", f"the body is nested deeper than {DEEPEST} levels")
    if body.get("type", type_) != type_:
        raise Problem("invalid_event", f"type is {body['type']!r}; this address takes {type_}")
    if str(body.get("id", "")).startswith(RESERVED):
        raise Problem("invalid_event", f"ids with {RESERVED} in front are ours; choose another")
    if type_ == "purchase" and "commissions" in body:
        raise Problem("invalid_event", "commissions is what the service says; leave it out")
    body["type"] = type_
    return body


def write_answer(outcome: Outcome) -> bytes:
    """The receipt of an event, or the problem that says why it was refused."""
    if (order := write_order(outcome.receipt)) is not None:
        return order.encode()
    receipt = render(outcome.receipt)
    if outcome.refusal is None:
        return _encode(receipt)
    return _encode(refusal_body(outcome.refusal, receipt))
