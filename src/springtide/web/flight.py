"""One question to the database, however many callers wait for its answer."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Asks one question at a time about a thing; who asks meanwhile shares the answer."""

    def __init__(self, question: Callable[[str], T]) -> None:
        self._question = question
        self._asked: dict[str, asyncio.Future[T]] = {}

    async def ask(self, about: str) -> T:
        """The answer; raises what the question raised."""
        asked = self._asked.get(about)
        if asked is None:
            asked = asyncio.ensure_future(asyncio.to_thread(self._question, about))
            self._asked[about] = asked
            asked.add_done_callback(lambda _: self._asked.pop(about, None))
        return await asyncio.shield(asked)
