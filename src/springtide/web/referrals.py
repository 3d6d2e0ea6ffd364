"""Over HTTP: bindings that are changed, and their history; codes as pictures, and to pay by."""

from io import BytesIO
from typing import Annotated, Literal

import segno
from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from springtide.core.event_fields import LONGEST_ID
from springtide.core.receipts import render
from springtide.services import bindings, invitations
from springtide.services.gateway import NotPossible
from springtide.services.listing import read_member
from springtide.web.bodies import RESERVED
from springtide.web.depends import (
    PROBLEMS,
    After,
    Binder,
    Books,
    Id,
    Limit,
    Merchandiser,
    Name,
    Now,
    Reader,
    asked,
    missing,
    missing_if,
    page,
    plain,
    refusing,
)
from springtide.web.models import AmountIn, Page, Receipt
from springtide.web.models import Name as NameIn
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)

SVG = "image/svg+xml"


class RebindingIn(BaseModel):
    """Whom a member is to be bound to from now on, and why; it is kept."""

    referrer: NameIn
    reason: NameIn


class Bound(BaseModel):
    """A binding of a member: the first, or a change of it with its reason."""

    object: Literal["bound"] = "bound"
    seq: int
    posted_at: str
    before: str | None = Field(description="the referrer until then")
    referrer: str
    bound_on: str | None = Field(description="the day its duration counts from, if it said one")
    reason: str | None


class MadeInvitation(BaseModel):
    """A code, whose it is, and who had it made."""

    object: Literal["made_invitation"] = "made_invitation"
    code: str
    member: str | None
    merchant: str | None
    created_at: str
    created_by: str


class ScannedOrderIn(BaseModel):
    """An order of somebody who scanned the pay-QR of a store."""

    id: str = Field(min_length=1, max_length=LONGEST_ID)
    code: str = Field(min_length=1, max_length=LONGEST_ID)
    member: str = Field(min_length=1, max_length=LONGEST_ID)
    amount: AmountIn


def _bound(row: bindings.Bound) -> Bound:
    return Bound(
        seq=row.seq,
        posted_at=row.posted_at.isoformat(),
        before=row.before or None,
        referrer=row.referrer,
        bound_on=row.bound_on.isoformat() if row.bound_on else None,
        reason=row.reason or None,
    )


@router.get("/members/{id:path}/bindings", operation_id="list_bindings")
def list_bindings(key: Reader, books: Books, id_: Id) -> Page[Bound]:
    """The binding of a member and every change of it, oldest first."""
    if read_member(books, key.program, plain(id_)) is None:
        raise missing("member", id_)
    rows = bindings.read_history(books, key.program, id_)
    return Page(data=[_bound(row) for row in rows], next=None)


@router.post("/members/{id:path}/bindings", operation_id="rebind")
def rebind(
    key: Merchandiser, books: Books, now: Now, id_: Id, wish: Annotated[RebindingIn, Body()]
) -> Page[Bound]:
    """Bind a member to another referrer; what was bought before stays as it was paid."""
    if read_member(books, key.program, plain(id_)) is None:
        raise missing("member", id_)
    with refusing():
        bindings.rebind(books, key.program, id_, wish.referrer, wish.reason, now, key.actor)
    return list_bindings(key, books, id_)


def _made(row: invitations.InvitationRow) -> MadeInvitation:
    return MadeInvitation(
        code=row.code,
        member=row.member or None,
        merchant=row.merchant or None,
        created_at=row.created_at.isoformat(),
        created_by=row.created_by,
    )


@router.get("/invitations")
def list_invitations(
    key: Reader, books: Books, limit: Limit = 20, after: After = ""
) -> Page[MadeInvitation]:
    """Invitations by code: whose each is."""
    rows = invitations.list_made(books, key.program, asked("after", after), limit + 1)
    return page(rows, limit, lambda row: row.code, _made)


@router.get(
    "/invitations/{code}/qr",
    response_class=Response,
    responses={200: {"content": {SVG: {"schema": {"type": "string", "format": "binary"}}}}},
)
def draw_invitation(
    key: Reader,
    books: Books,
    code: Name,
    url: Annotated[
        str, Query(max_length=500, description="what stands before the code in the picture")
    ] = "",
) -> Response:
    """A code as a QR, to be printed or shown."""
    with missing_if(NotPossible, "invitation", code):
        found = invitations.read(books, key.program, plain(code))
    picture = BytesIO()
    segno.make(asked("url", url) + found.code, error="m").save(picture, kind="svg", scale=8)
    return Response(picture.getvalue(), media_type=SVG)


@router.post("/invitations/orders", status_code=201)
async def pay_by_code(
    key: Binder, books: Books, request: Request, wish: Annotated[ScannedOrderIn, Body()]
) -> Receipt:
    """Pay at the store whose code was scanned; a new customer is bound to its owner."""
    try:
        event = await run_in_threadpool(
            invitations.order_from,
            books, key.program, wish.code, wish.member, wish.id, wish.amount,
        )  # fmt: skip
    except NotPossible:
        raise missing("store's invitation", wish.code) from None
    if wish.id.startswith(RESERVED):
        raise Problem("invalid_event", f"ids with {RESERVED} in front are ours; choose another")
    [outcome] = await request.app.state.desks.post(key.program, [event])
    if outcome.refusal is not None:
        raise Problem(outcome.refusal.code, str(outcome.refusal), outcome.refusal.retry_at)
    return Receipt.model_validate(render(outcome.receipt))
