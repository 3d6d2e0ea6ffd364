"""Desks of the programs in use, spoken to from the event loop."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial

from springtide.core.events import Json
from springtide.core.reducer import Outcome
from springtide.services.desk import Desk
from springtide.services.gateway import Database

Waiter = asyncio.Future[list[Outcome]]


class Desks:
    """One desk a program, opened with its first event."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._desks: dict[str, Desk] = {}
        self._answered: list[tuple[Waiter, list[Outcome] | Exception]] = []
        self._answering = threading.Lock()

    @property
    def waiting(self) -> int:
        """Events that wait to be posted, over all programs."""
        return sum(desk.waiting for desk in self._desks.values())

    async def post(self, program: str, events: Sequence[Json]) -> list[Outcome]:
        """Post events together and wait until they are durable.

        Raises:
            DeskFull: too many events wait.
            DatabaseDown: nothing is known to be written; post the same events again.
        """
        desk = self._desks.get(program)
        if desk is None:
            desk = self._desks[program] = Desk(self._database, program)
        waiter: Waiter = asyncio.get_running_loop().create_future()
        desk.submit(events, partial(self._take, waiter))
        return await waiter

    def _take(self, waiter: Waiter, answer: list[Outcome] | Exception) -> None:
        """Called by desks: waking the loop once for many answers is much cheaper."""
        with self._answering:
            first = not self._answered
            self._answered.append((waiter, answer))
        if first:
            waiter.get_loop().call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        with self._answering:
            answered, self._answered = self._answered, []
        for waiter, answer in answered:
            if waiter.cancelled():
                continue
            if isinstance(answer, Exception):
                waiter.set_exception(answer)
            else:
                waiter.set_result(answer)

    def close(self) -> None:
        """Post what waits and stop; blocks until it is done."""
        for desk in self._desks.values():
            desk.close()
