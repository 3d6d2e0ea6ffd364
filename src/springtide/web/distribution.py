"""Over HTTP: regions, merchants' statements, invitations, and why somebody earned."""

import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from springtide.core.refusals import IdReused
from springtide.core.standing import is_day
from springtide.core.units import format_money, format_ratio
from springtide.services import commissions, invitations, merchant_statements, regions
from springtide.services.gateway import NotPossible
from springtide.services.invitations import UnknownInvitation
from springtide.services.listing import read_member
from springtide.web.depends import (
    PROBLEMS,
    Binder,
    Books,
    Id,
    Name,
    Now,
    Reader,
    missing,
    plain,
)
from springtide.web.models import Money, Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)

LAST_DAY = "2999-12-31"
DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
MOST_VERIFIED = 100


class Region(BaseModel):
    """A region of GB/T 2260, as orders and merchants name it."""

    object: Literal["region"] = "region"
    code: str
    name: str


class SaleLine(BaseModel):
    """What moved on a merchant's account."""

    seq: int
    posted_at: str
    cause: str
    id: str
    amount: Money


class MerchantStatement(BaseModel):
    """What a merchant sold in a time, what was returned, and what it is owed now."""

    object: Literal["merchant_statement"] = "merchant_statement"
    merchant: str
    since: str
    until: str
    sold: Money
    redeemed: Money
    returned: Money
    paid: Money
    owed: Money
    lines: list[SaleLine]


class InvitationIn(BaseModel):
    """Whose invitation: a member's, or a store's for its pay-QR."""

    member: str = Field(default="", max_length=255)
    merchant: str = Field(default="", max_length=255)


class Invitation(BaseModel):
    """Who invites, by id only; `merchant` is the store whose pay-QR it is."""

    object: Literal["invitation"] = "invitation"
    code: str
    by: str
    merchant: str


class InvitedIn(BaseModel):
    """Who was invited; only keyed hashes of a verified phone or identity are kept."""

    code: str = Field(min_length=1, max_length=255)
    member: str = Field(min_length=1, max_length=255)
    phone: str | None = Field(default=None, min_length=1, max_length=MOST_VERIFIED)
    identity: str | None = Field(default=None, min_length=1, max_length=MOST_VERIFIED)


class Invited(BaseModel):
    """The referrer that stands: another one, if the member was bound before.

    Null where the policy does not show by whom somebody is invited.
    """

    object: Literal["invited"] = "invited"
    member: str
    referrer: str | None


class Earning(BaseModel):
    """A commission of an order: why it was paid, and what became of it."""

    object: Literal["earning"] = "earning"
    seq: int
    kind: str
    member: str
    amount: Money
    rate: str
    policy_version: int
    path: list[str]
    status: Literal["pending", "payable", "clawed_back"]
    payable_at: str
    clawed_back: Money


class Earnings(BaseModel):
    """What a member may be paid, and how many are below: counts and amounts, never names."""

    object: Literal["earnings"] = "earnings"
    member: str
    payable: Money
    below: dict[str, int]
    earned: dict[str, Money]


@router.get("/regions")
def list_regions(
    key: Reader,
    now: Now,
    below: Annotated[str, Query(pattern="^([0-9]{2}){0,2}$", max_length=4)] = "",
) -> Page[Region]:
    """The regions right below one, for a picker: provinces if none is given."""
    del key
    found = regions.list_regions(below, now.year)
    return Page(data=[Region(code=one.code, name=one.name) for one in found], next=None)


def midnight(name: str, day: str) -> datetime:
    """When a day of a query begins, in UTC.

    Raises:
        Problem: it is none, or too far away.
    """
    if not is_day(day) or day > LAST_DAY:
        raise Problem("invalid_parameter", f"{name} is {day}; give a day until {LAST_DAY}")
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@router.get("/merchants/{id:path}/statement", operation_id="read_merchant_statement")
def read_statement(
    key: Reader,
    books: Books,
    id_: Id,
    first: Annotated[str, Query(alias="from", pattern=DAY)] = "2000-01-01",
    last: Annotated[str, Query(alias="to", pattern=DAY)] = "2999-12-31",
) -> MerchantStatement:
    """A merchant's sales and settlement, by days of UTC."""
    since, until = midnight("from", first), midnight("to", last) + timedelta(days=1)
    try:
        found = merchant_statements.read_merchant_statement(
            books, key.program, plain(id_), since, until
        )
    except NotPossible:
        raise missing("merchant", id_) from None
    return MerchantStatement(
        merchant=id_,
        since=since.isoformat(),
        until=until.isoformat(),
        sold=format_money(found.sold),
        redeemed=format_money(found.redeemed),
        returned=format_money(found.returned),
        paid=format_money(found.paid),
        owed=format_money(found.owed_now),
        lines=[
            SaleLine(
                seq=line.seq,
                posted_at=line.posted_at.isoformat(),
                cause=line.kind,
                id=line.id,
                amount=format_money(line.change),
            )
            for line in found.lines
        ],
    )


@router.post("/invitations", status_code=201)
def make_invitation(
    key: Binder, books: Books, now: Now, wish: Annotated[InvitationIn, Body()]
) -> Invitation:
    """The invitation of a member, or of a store; each has one."""
    if bool(wish.member) == bool(wish.merchant):
        raise Problem("invalid_parameter", "give either member or merchant")
    member, merchant = plain(wish.member), plain(wish.merchant)
    actor = key.actor
    try:
        code = invitations.make(
            books, key.program, member, merchant, now, actor, secrets.token_bytes
        )
        return _invitation(invitations.read(books, key.program, code))
    except NotPossible as error:
        raise Problem("not_possible", str(error)) from None


def _invitation(found: invitations.Invitation) -> Invitation:
    return Invitation(code=found.code, by=found.by, merchant=found.merchant)


@router.get("/invitations/{code}")
def read_invitation(key: Reader, books: Books, code: Name) -> Invitation:
    """Who invites, by id only."""
    try:
        return _invitation(invitations.read(books, key.program, plain(code)))
    except NotPossible:
        raise missing("invitation", code) from None


@router.post("/invitations/bindings", status_code=201)
async def bind(
    key: Binder, books: Books, now: Now, request: Request, wish: Annotated[InvitedIn, Body()]
) -> Invited:
    """Bind somebody who was invited; the first binding stands."""
    given = {"phone": wish.phone, "identity": wish.identity}
    verified = {kind: value for kind, value in given.items() if value}
    make = partial(
        invitations.binding, books, key.program, wish.code, wish.member, verified, now,
        key.actor, secrets.token_bytes,
    )  # fmt: skip
    try:
        event = await run_in_threadpool(make)
    except UnknownInvitation:
        raise missing("invitation", wish.code) from None
    except NotPossible as error:
        raise Problem("not_possible", str(error)) from None
    [outcome] = await request.app.state.desks.post(key.program, [event])
    # One that was reused was bound on an earlier day, by this very code.
    if outcome.refusal is not None and not isinstance(outcome.refusal, IdReused):
        raise Problem(outcome.refusal.code, str(outcome.refusal))
    read = partial(invitations.bound_by, books, key.program, wish.member)
    _, referrer = await run_in_threadpool(read)
    return Invited(member=wish.member, referrer=referrer or None)


@router.get("/orders/{id:path}/commissions", operation_id="why_commissions")
def why(
    key: Reader,
    books: Books,
    now: Now,
    id_: Id,
    to: Annotated[str, Query(max_length=255, description="only this earner's")] = "",
) -> Page[Earning]:
    """Why an order paid commissions: the rate, the policy and the path of each."""
    try:
        found = commissions.why(books, key.program, plain(id_), plain(to), now)
    except NotPossible:
        raise missing("settled order", id_) from None
    return Page(data=[_earning(one) for one in found], next=None)


def _earning(one: commissions.Why) -> Earning:
    return Earning(
        seq=one.earned.seq,
        kind=one.earned.kind,
        member=one.earned.member,
        amount=format_money(one.earned.amount),
        rate=format_ratio(one.rate_ppm),
        policy_version=one.earned.policy_version,
        path=list(one.path),
        status=one.earned.status,
        payable_at=one.earned.payable_at.isoformat(),
        clawed_back=format_money(one.earned.clawed_back),
    )


@router.get("/members/{id:path}/earnings", operation_id="read_earnings")
def read_earnings(key: Reader, books: Books, now: Now, id_: Id) -> Earnings:
    """What a member may be paid now, and how many they brought; counts and amounts only."""
    if read_member(books, key.program, plain(id_)) is None:
        raise missing("member", id_)
    team = commissions.read_team(books, key.program, id_)
    payable = commissions.payable_micro(books, key.program, id_, now)
    return Earnings(
        member=id_,
        payable=format_money(payable),
        below={str(step): count for step, count in team.below.items()},
        earned={kind: format_money(amount) for kind, (_, amount) in team.earned.items()},
    )
