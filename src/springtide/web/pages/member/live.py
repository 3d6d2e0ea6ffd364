"""The pool as it moves, for pages that are open: server-sent events."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from springtide.core.state import State
from springtide.core.units import MICRO, PPM, format_money, format_points, price_micro
from springtide.services.gateway import Database, DatabaseDown, UnknownProgram
from springtide.services.holding import Holding, read_holding
from springtide.services.listing import Program, read_program
from springtide.web.flight import SingleFlight
from springtide.web.pages.shared import formats
from springtide.web.pages.shared.call import HEADERS, Call, House
from springtide.web.pages.shared.people import Sessions

EVERY_S = 2.0
LONGEST_S = 600.0
"""After that the browser connects anew, and its session is looked at again."""

Pool = tuple[Program, State]


class Live:
    """Tells open pages what changed; the pool is read once for all of them."""

    def __init__(self, house: House, people: Sessions, closing: threading.Event) -> None:
        self._house = house
        self._people = people
        self._closing = closing
        self._pools: SingleFlight[Pool] = SingleFlight(partial(_read, house.database))

    async def follow(self, request: Request) -> Response:
        """A stream of what a member's page shows."""
        call = Call(self._house, request, {}, self._house.clock())
        session = await asyncio.to_thread(self._people.find, call)
        if session is None or session.program != call.program:
            return Response(status_code=204)  # tells the browser not to ask again
        stream = self._news(call.program, self._people.name(session))
        headers = {**HEADERS, "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, headers=headers, media_type="text/event-stream")

    async def _news(self, program: str, member: str) -> AsyncIterator[str]:
        seen, left = -1, LONGEST_S
        yield "retry: 5000\n\n"
        while left > 0 and not self._closing.is_set():
            try:
                pool, _ = await self._pools.ask(program)
                if pool.seq != seen:
                    has = await asyncio.to_thread(
                        read_holding, self._house.database, program, member
                    )
                    seen = pool.seq
                    yield f"data: {json.dumps(self._told(has))}\n\n"
            except (DatabaseDown, UnknownProgram):
                return
            for _ in range(4):  # short waits, so that a server that stops need not wait long
                if not self._closing.is_set():
                    await asyncio.sleep(EVERY_S / 4)
            left -= EVERY_S

    def _told(self, has: Holding) -> dict[str, object]:
        price = price_micro(*has.program.state(has.policy).pair)
        cash = price * (PPM - has.policy.cash_out_fee_ppm) // PPM
        at = int(self._house.clock().timestamp())
        money, each = formats.money_text, formats.price_text
        texts = {
            "points": (formats.points_text(has.points), format_points(has.points)),
            "value": (money(has.value), format_money(has.value)),
            "cash": (money(has.cash_now), format_money(has.cash_now)),
            "price": (each(price), format_money(price)),
            "cash-price": (each(cash), format_money(cash)),
        }
        figures = {
            name: {"text": text, "exact": exact} for name, (text, exact) in texts.items()
        }
        return {"figures": figures, "point": [at, price / MICRO, cash / MICRO]}


def _read(database: Database, program: str) -> Pool:
    return read_program(database, program)
