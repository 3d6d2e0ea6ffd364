"""Who is calling: keys, scopes and rate limits."""

import time
from collections.abc import Callable
from functools import partial

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from springtide.services.gateway import Database
from springtide.services.keys import ApiKey, find_key
from springtide.web.flight import SingleFlight
from springtide.web.problems import Problem

REMEMBERED_S = 5.0
"""How long a key is trusted without asking again: a revoked key works no longer than this."""

MOST_REMEMBERED = 10_000


class Gate:
    """Lets calls through whose key is valid, has the scope, and is not used too often."""

    def __init__(
        self, database: Database, rate: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = SingleFlight(partial(find_key, database))
        self._limit: RateLimitItem = parse(rate)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._clock = clock
        self._known: dict[str, tuple[float, ApiKey]] = {}

    async def admit(self, call: HTTPConnection, scope: str) -> ApiKey:
        """The key of a call, which may do what the scope says.

        Raises:
            Problem: there is no key, it is not valid, may not do this, or is used too often.
        """
        return await self.let_in(call.headers.get("authorization", ""), scope)

    async def let_in(self, header: str, scope: str) -> ApiKey:
        """The key of an Authorization header; otherwise as `admit`."""
        expires, key = self._known.get(header, (0.0, None))
        if key is None or expires < self._clock():
            key = await self._ask(header)
        if key is None:
            raise Problem("unauthorized", "the key is unknown or was revoked; check it")
        return self._admit(key, scope)

    async def _ask(self, header: str) -> ApiKey | None:
        key = await self._keys.ask(_secret(header))
        if key is None:
            self._known.pop(header, None)
        else:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[header] = self._clock() + REMEMBERED_S, key
        return key

    def _admit(self, key: ApiKey, scope: str) -> ApiKey:
        if scope not in key.scopes:
            raise Problem(
                "forbidden",
                f"this takes the scope {scope!r}; the key has {', '.join(key.scopes)}",
            )
        if not self._limiter.hit(self._limit, key.id):
            raise Problem("rate_limited", f"more than {self._limit} with one key; slow down")
        return key


def _secret(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.startswith("st_") or not secret.isascii():
        raise Problem(
            "unauthorized", "send the header Authorization: Bearer st_... with a key's secret"
        )
    return secret
