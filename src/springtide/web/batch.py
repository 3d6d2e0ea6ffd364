"""Orders by the thousand: a line each way, in order, posted while the next are read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple, NoReturn

import msgspec
from starlette.types import Receive, Send

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.services.desk import Deed, DeskFull
from springtide.web.bodies import MOST_BODY, read_command
from springtide.web.desks import Desks, Waiter
from springtide.web.problems import REFUSALS, Problem, code_of, problem_body

MOST_LINES = 1_000
"""Lines that are posted together; their receipts are sent as soon as they are durable."""

MOST_IN_FLIGHT = 25
"""Slices of one caller that are posted or wait to be: more than one commit takes, so that the
next is ready when it is done."""

PAUSE_S = 0.05
"""How long a full desk is left alone: who sends a batch can wait."""

_encode = msgspec.json.Encoder().encode

Line = bytes | Problem
"""A line, or why it was not read."""


class _Slice:
    """Lines on their way: their answers so far, and the places of those that are posted."""

    def __init__(self, lines: list[Line], order_type: str) -> None:
        self._lines = lines
        self._order_type = order_type
        self.answers: list[bytes] = []
        self.places: list[int] = []

    def __len__(self) -> int:
        return len(self._lines)

    def read(self) -> list[Json]:
        """The events of the lines; one that is none has its answer already."""
        events: list[Json] = []
        for line in self._lines:
            try:
                event = read_command(line, "purchase") if isinstance(line, bytes) else _no(line)
            except Problem as problem:
                self.answers.append(_encode(problem_body(problem.code, problem.detail)))
                continue
            event["type"] = self._order_type
            events.append(event)
            self.places.append(len(self.answers))
            self.answers.append(b"")
        return events

    def told(self, outcomes: list[Outcome]) -> bytes:
        """The answers to all lines."""
        for place, outcome in zip(self.places, outcomes, strict=True):
            self.answers[place] = outcome.told
        return b"\n".join(self.answers) + b"\n"


_Slices = asyncio.Queue[tuple[_Slice, Waiter] | Exception | None]


class Road(NamedTuple):
    """Where the orders of a batch go: the program's desk, as what, and whose deed they are."""

    desks: Desks
    program: str
    order_type: str
    deed: Deed | None


async def answer_batch(receive: Receive, send: Send, road: Road) -> None:
    """Answer each line of a body with its receipt or its problem, in order."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/x-ndjson")],
        }
    )
    slices: _Slices = asyncio.Queue(MOST_IN_FLIGHT)
    reading = asyncio.create_task(_read(receive, slices, road))
    try:
        while (part := await slices.get()) is not None:
            if isinstance(part, Exception):
                raise part
            lines, waiter = part
            try:
                outcomes = await waiter
            except REFUSALS as error:
                lost = _encode(problem_body(code_of(error), str(error))) + b"\n"
                await _send_part(send, lost)
                break
            await _send_part(send, lines.told(outcomes))
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        _leave(slices)
    await send({"type": "http.response.body", "body": b""})


async def _send_part(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


def _leave(slices: _Slices) -> None:
    """Nobody waits for these any more; whoever sends them again is told what was posted."""
    while not slices.empty():
        part = slices.get_nowait()
        if isinstance(part, tuple) and not part[1].cancel():
            part[1].exception()  # seen, and of no more interest


async def _read(receive: Receive, slices: _Slices, road: Road) -> None:
    """Hand lines to the desk as they come, in order; the last slice is None, or a defect."""
    try:
        async for lines in _read_lines(receive):
            part = _Slice(lines, road.order_type)
            await slices.put((part, await _submit(road, part)))
        await slices.put(None)
    except Exception as error:  # else whoever waits for the next slice would wait for ever
        await slices.put(error)


def _no(problem: Problem) -> NoReturn:
    raise problem


async def _submit(road: Road, part: _Slice) -> Waiter:
    while True:
        try:
            return await road.desks.submit(road.program, part, road.deed)
        except DeskFull:
            await asyncio.sleep(PAUSE_S)


async def _read_lines(receive: Receive) -> AsyncIterator[list[Line]]:
    """The lines of a body, some at a time; one that does not end in time ends the batch."""
    rest, more = b"", True
    lines: list[Line] = []
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return  # the caller left; what was cut off is nobody's order
        more = message.get("more_body", False)
        *whole, rest = (rest + message.get("body", b"")).split(b"\n")
        lines += [_checked(line) for line in whole if line.strip()]
        while len(lines) >= MOST_LINES:
            yield lines[:MOST_LINES]
            lines = lines[MOST_LINES:]
        if more and len(rest) > MOST_BODY:
            lines.append(_too_long("; what follows was not read"))
            rest, more = b"", False
    if rest.strip():
        lines.append(_checked(rest))
    if lines:
        yield lines


def _checked(line: bytes) -> Line:
    return line if len(line) <= MOST_BODY else _too_long("; shorten it")


def _too_long(remedy: str) -> Problem:
    return Problem("body_too_large", f"a line passes {MOST_BODY} bytes{remedy}")
