"""Logging in and out, setting a password, and who one is."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import APIRouter, Body, Depends, Request, Response
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from springtide.services import login
from springtide.services.gateway import Database, UnusableStaff
from springtide.services.login import SignedIn
from springtide.services.permissions import Principal
from springtide.services.sessions import Session
from springtide.web import people
from springtide.web.access import Gate
from springtide.web.depends import PROBLEMS, Books, Now
from springtide.web.problems import Problem
from springtide.web.sessions import Cookies

router = APIRouter(prefix="/v1", responses=PROBLEMS)

T = TypeVar("T")

PER_NAME = parse("10/minute")
PER_ADDRESS = parse("60/minute")

WRONG = (
    "the name, the password or the code is wrong, or there were too many failures; "
    "wait a little and try again with a new code"
)


class Door:
    """How often a log-in may be tried, and how many at once: each takes 64 MiB a while."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._hashing = asyncio.Semaphore(2)

    def count(self, request: Request, name: str) -> str:
        """Count a try, and give the address that it comes from.

        Raises:
            Problem: there were too many by this name or from this address.
        """
        address = address_of(request)
        # Both are counted, so that neither answer says anything about the name.
        allowed = [
            self._limiter.hit(PER_ADDRESS, "address", address),
            self._limiter.hit(PER_NAME, "name", name),
        ]
        if not all(allowed):
            raise Problem("rate_limited", "too many log-ins; wait a minute and try again")
        return address

    async def hash(self, work: Callable[[], T]) -> T:
        """Do something that hashes a password, beside the event loop."""
        async with self._hashing:
            return await asyncio.to_thread(work)


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy, where the proxy says that it does."""
    said = request.headers.get("x-forwarded-for", "").rsplit(",", 1)[-1].strip()
    if _cookies(request).origin and said:
        return said[:50]  # only what the proxy itself added: what is before it, anybody wrote
    return request.client.host if request.client else ""


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


def _cookies(request: Request) -> Cookies:
    cookies: Cookies = request.app.state.cookies
    return cookies


TheDoor = Annotated[Door, Depends(_door)]
TheCookies = Annotated[Cookies, Depends(_cookies)]


class Anybody:
    """Lets a route through to everybody who is known, whatever they may do."""

    permission = "any"

    async def __call__(self, request: Request) -> Principal | SignedIn:
        """Who calls."""
        gate: Gate = request.app.state.gate
        header = request.headers.get("authorization")
        if header is not None:
            return await gate.admit_key(header)
        return await gate.admit_staff(request)


Caller = Annotated[Principal | SignedIn, Depends(Anybody())]


def _me(caller: Principal | SignedIn) -> people.Me:
    if isinstance(caller, Principal):
        rights = people.Rights(
            program=caller.program, roles=[], permissions=sorted(caller.permissions)
        )
        return people.Me(actor=caller.actor, programs=[rights], csrf=None, expires_at=None)
    return people.Me(
        actor=f"staff:{caller.name}",
        programs=[
            people.Rights(
                program=program,
                roles=roles,
                permissions=sorted(caller.permissions(program)),
            )
            for program, roles in caller.roles.items()
        ],
        csrf=caller.session.csrf,
        expires_at=caller.session.expires_at.isoformat(),
    )


def _hand_over(
    opened: tuple[str, SignedIn] | None, code: str, response: Response, cookies: Cookies
) -> people.Me:
    """Give the browser its new session, and say who it is of."""
    if opened is None:
        raise Problem(code, WRONG)
    token, signed_in = opened
    cookies.give(response, token)
    response.headers["Cache-Control"] = "no-store"
    return _me(signed_in)


@router.post("/sessions", status_code=201, openapi_extra={"security": []})
async def log_in(
    request: Request,
    response: Response,
    books: Books,
    now: Now,
    door: TheDoor,
    cookies: TheCookies,
    wish: Annotated[people.LogIn, Body()],
) -> people.Me:
    """Log in; the session is in a cookie, and its `csrf` goes with what changes something.

    Unknown names, wrong passwords and wrong codes are answered alike.
    """
    cookies.check_origin(request)
    address = door.count(request, wish.name)
    old = cookies.token(request)
    opened = await door.hash(lambda: _log_in(books, wish, old, address, now))
    return _hand_over(opened, "unauthorized", response, cookies)


def _log_in(
    books: Database, wish: people.LogIn, old: str, address: str, now: datetime
) -> tuple[str, SignedIn] | None:
    """Log in, and end the session that the browser had before."""
    opened = login.log_in(
        books, wish.name, wish.password, wish.totp, address, now, secrets.token_hex
    )
    if opened is None:
        return None
    before = login.find_signed_in(books, old, now) if old else None
    if before is not None:
        login.log_out(books, before.session, now)
    return _whose(books, opened[0], now)


def _whose(books: Database, token: str, now: datetime) -> tuple[str, SignedIn] | None:
    """A new session's token with who it is of; None if they were disabled meanwhile."""
    signed_in = login.find_signed_in(books, token, now)
    return None if signed_in is None else (token, signed_in)


@router.delete("/sessions/current", status_code=204)
def log_out(
    caller: Caller, response: Response, books: Books, now: Now, cookies: TheCookies
) -> None:
    """Log out: the session ends on the server, whoever has its token."""
    if isinstance(caller, Principal):
        raise Problem("not_found", "a key has no session; revoke it instead")
    login.log_out(books, caller.session, now)
    cookies.take_back(response)


@router.get("/me")
def read_me(caller: Caller, response: Response) -> people.Me:
    """Who asks, and what they may do in which program."""
    response.headers["Cache-Control"] = "no-store"
    return _me(caller)


@router.post("/enrolments", status_code=201, openapi_extra={"security": []})
async def enrol(
    request: Request,
    response: Response,
    books: Books,
    now: Now,
    door: TheDoor,
    cookies: TheCookies,
    wish: Annotated[people.EnrolmentIn, Body()],
) -> people.Enrolment:
    """Set password and second factor with an invitation; shows what is shown only once."""
    cookies.check_origin(request)
    door.count(request, wish.invitation[:16])
    try:
        made = await door.hash(
            lambda: login.enrol(books, wish.invitation, wish.password, now, secrets.token_hex)
        )
    except UnusableStaff as error:
        raise Problem("invalid_parameter", str(error)) from None
    if made is None:
        raise Problem("not_found", "the invitation is unknown, used or over; ask for another")
    response.headers["Cache-Control"] = "no-store"
    return people.Enrolment(
        name=made.name, totp_uri=made.totp_uri, recovery_codes=made.recovery_codes
    )


@router.post("/me/password")
async def change_password(
    request: Request,
    response: Response,
    caller: Caller,
    books: Books,
    now: Now,
    door: TheDoor,
    cookies: TheCookies,
    wish: Annotated[people.PasswordIn, Body()],
) -> people.Me:
    """Change one's password; all one's sessions end, and a new one begins."""
    if isinstance(caller, Principal):
        raise Problem("not_found", "a key has no password; create another key")
    door.count(request, caller.name)
    session = caller.session
    try:
        opened = await door.hash(lambda: _change_password(books, session, wish, now))
    except UnusableStaff as error:
        raise Problem("invalid_parameter", str(error)) from None
    return _hand_over(opened, "forbidden", response, cookies)


def _change_password(
    books: Database, session: Session, wish: people.PasswordIn, now: datetime
) -> tuple[str, SignedIn] | None:
    opened = login.change_password(
        books, session, wish.password, wish.totp, wish.new, now, secrets.token_hex
    )
    return None if opened is None else _whose(books, opened[0], now)
