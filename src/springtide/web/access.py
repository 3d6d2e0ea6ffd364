"""Who is calling: by an API key or a session, what they may do, and how often.

A key is sent by a program and stands in a header; a session is a browser's and comes as a
cookie, so what changes something must also show that our own page sent it. Either way a
route gets a `Principal`. Source: docs/decisions/0011-staff.md.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import unquote

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from springtide.services.gateway import Database
from springtide.services.keys import find_key
from springtide.services.login import SignedIn, find_signed_in
from springtide.services.permissions import Principal
from springtide.web.flight import SingleFlight
from springtide.web.problems import Problem
from springtide.web.sessions import SAFE_METHODS, Cookies

REMEMBERED_S = 5.0
"""How long a key is trusted without asking again: a revoked key works no longer than this.
Sessions and roles are asked for every time."""

MOST_REMEMBERED = 10_000

PROGRAM_HEADER = "springtide-program"
"""Which of their programs staff mean, percent-encoded; needed if they have several."""


def _read_rate(rate: str) -> RateLimitItem:
    try:
        return parse(rate)
    except ValueError:
        raise ValueError(f"--rate is {rate!r}; give one like 6000/minute") from None


class Gate:
    """Lets calls through that may do what they ask for, and do not ask too often."""

    def __init__(
        self,
        database: Database,
        rate: str,
        cookies: Cookies,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._cookies = cookies
        self._now = now
        self._keys = SingleFlight(partial(_principal_of_key, database))
        self._limit = _read_rate(rate)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._clock = clock
        self._known: dict[str, tuple[float, Principal]] = {}

    async def admit(self, call: HTTPConnection, permission: str) -> Principal:
        """Who calls, if they may do this in the program they mean.

        Raises:
            Problem: nobody is known to call, they may not do this, or ask too often.
        """
        header = call.headers.get("authorization")
        if header is not None:
            return await self.let_in(header, permission)
        principal = _in_program(await self.admit_staff(call), call)
        return self._allowed(principal, permission)

    async def let_in(self, header: str, permission: str) -> Principal:
        """Whose key an Authorization header brings; otherwise as `admit`."""
        return self._allowed(await self.admit_key(header), permission)

    async def admit_key(self, header: str) -> Principal:
        """Whose key an Authorization header brings.

        Raises:
            Problem: it brings none that is valid.
        """
        expires, key = self._known.get(header, (0.0, None))
        if key is None or expires < self._clock():
            key = await self._ask(header)
        if key is None:
            raise Problem("unauthorized", "the key is unknown or was revoked; check it")
        return key

    def _allowed(self, principal: Principal, permission: str) -> Principal:
        if permission not in principal.permissions:
            has = ", ".join(sorted(principal.permissions)) or "none"
            raise Problem("forbidden", f"this takes the permission {permission!r}, not {has}")
        return self._limited(principal)

    async def admit_staff(self, call: HTTPConnection, csrf: str | None = None) -> SignedIn:
        """Who of the staff is logged in where a call comes from.

        `csrf` is what a form of ours brought along; scripts bring it in a header.

        Raises:
            Problem: nobody, or the call would change something and is not our own page's.
        """
        token = self._cookies.token(call)
        if not token:
            raise Problem(
                "unauthorized",
                "send the header Authorization: Bearer st_... with a key's secret, or log in",
            )
        signed_in = await asyncio.to_thread(find_signed_in, self._database, token, self._now())
        if signed_in is None:
            raise Problem("unauthorized", "the session is over; log in again")
        if call.scope["method"] not in SAFE_METHODS:
            self._cookies.check_own_page(call, signed_in.session, csrf)
        return signed_in

    async def _ask(self, header: str) -> Principal | None:
        key = await self._keys.ask(_secret(header))
        if key is None:
            self._known.pop(header, None)
        else:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[header] = self._clock() + REMEMBERED_S, key
        return key

    def _limited(self, principal: Principal) -> Principal:
        if not self._limiter.hit(self._limit, principal.actor):
            raise Problem(
                "rate_limited", f"more than {self._limit} by {principal.actor}; slow down"
            )
        return principal


def _principal_of_key(database: Database, secret: str) -> Principal | None:
    key = find_key(database, secret)
    if key is None:
        return None
    return Principal(f"key:{key.id}", key.program, frozenset(key.scopes))


def _in_program(signed_in: SignedIn, call: HTTPConnection) -> Principal:
    """Somebody of the staff in the program that they mean, or in their only one."""
    wanted = unquote(call.headers.get(PROGRAM_HEADER, ""))
    if not wanted and len(signed_in.roles) == 1:
        [wanted] = signed_in.roles
    if not wanted:
        which = ", ".join(signed_in.roles) or "you have a role in none"
        raise Problem(
            "invalid_parameter", f"name a program in the header Springtide-Program: {which}"
        )
    return principal_in(signed_in, wanted)


def principal_in(signed_in: SignedIn, program: str) -> Principal:
    """Somebody of the staff in a program.

    Raises:
        Problem: they have no role there; others' programs are not there.
    """
    if program not in signed_in.roles:
        raise Problem("not_found", f"no program of yours is named {program!r}")
    return Principal(
        actor=f"staff:{signed_in.name}",
        program=program,
        permissions=signed_in.permissions(program),
        session=signed_in.session,
    )


def _secret(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.startswith("st_") or not secret.isascii():
        raise Problem(
            "unauthorized", "send the header Authorization: Bearer st_... with a key's secret"
        )
    return secret
