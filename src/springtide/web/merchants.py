"""Merchants over HTTP: applications and their review, terms, suspension, sheets of sales."""

from datetime import timedelta
from io import BytesIO
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from springtide.core.units import format_money, parse_money
from springtide.services import listing, merchants
from springtide.services.gateway import Database, NotPossible
from springtide.services.merchant_statements import (
    pay_merchant,
    read_merchant_statement,
    write_xlsx,
)
from springtide.services.permissions import Principal
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Id,
    Limit,
    Merchandiser,
    Now,
    Reader,
    Reviewer,
    asked,
    missing,
    page,
    plain,
    refusing,
)
from springtide.web.distribution import DAY, LAST_DAY, midnight
from springtide.web.models import AmountIn, Money, Name, Page, ReferenceIn

router = APIRouter(prefix="/v1", responses=PROBLEMS)

LONGEST_MERCHANT = 150
"""Of its id, which stands in the ids of the events that change its terms."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Status = Literal["applied", "active", "rejected", "suspended"]
RatioIn = Annotated[str, Field(pattern=r"^[01](\.[0-9]{1,6})?$", examples=["0.20"])]
Ratio = Annotated[str, Field(pattern=r"^[01](\.[0-9]{1,6})?$", examples=["0.2"])]
DayIn = Annotated[str, Field(pattern=f"^$|{DAY}", description="a day, as 2026-01-31")]
RegionIn = Annotated[str, Field(pattern="^[0-9]{6}$", description="GB/T 2260, a district")]
MemberIn = Annotated[str, Field(max_length=255)]


class ApplicationIn(BaseModel):
    """Somebody who wants to sell; the licence number and the region are checked."""

    merchant: str = Field(min_length=1, max_length=LONGEST_MERCHANT)
    name: Name
    licence: str = Field(max_length=50, description="unified social credit code, GB 32100")
    region: RegionIn
    settlement: Name = Field(description="where its money is to be sent")
    owner: MemberIn = Field(default="", description="the member whose store it is")
    recruiter: MemberIn = Field(default="", description="the member who brought it")


class Application(BaseModel):
    """A merchant's application, and what became of it."""

    object: Literal["merchant_application"] = "merchant_application"
    merchant: str
    name: str
    licence: str
    region: str
    settlement: str
    owner: str
    recruiter: str
    status: Status
    applied_at: str
    reviewer: str | None
    reviewed_at: str | None
    reason: str | None


class ActivationIn(BaseModel):
    """The terms under which an applicant may sell; a split of its own has both shares."""

    take_rate: RatioIn
    platform: RatioIn | None = Field(default=None, description="of the take; else the policy's")
    distribution: RatioIn | None = Field(default=None, description="the same; both or none")
    recruiter_until: DayIn = Field(default="", description="the recruiter's last day")


class TermsIn(ActivationIn):
    """All the terms of a merchant from now on; what is left out is empty, or the policy's."""

    region: str = Field(default="", pattern="^([0-9]{6})?$")
    recruiter: MemberIn = ""
    owner: MemberIn = ""


class Terms(BaseModel):
    """What a merchant's sales pay; what was paid before keeps the terms of its time."""

    object: Literal["merchant_terms"] = "merchant_terms"
    merchant: str
    own: bool = Field(description="false: the policy's, for no event gave it others")
    take_rate: Ratio
    platform: Ratio
    distribution: Ratio
    region: str
    recruiter: str
    recruiter_until: str
    owner: str
    suspended: bool


class ReviewIn(BaseModel):
    """Why; it is kept."""

    reason: Name


class SettlementIn(BaseModel):
    """Where a merchant's money is to be sent from now on."""

    settlement: Name


class PaymentIn(BaseModel):
    """What was sent to a merchant for its sales."""

    amount: AmountIn
    reference: ReferenceIn


class Payment(BaseModel):
    """A payment to a merchant that is noted, and what it is owed now."""

    object: Literal["merchant_payment"] = "merchant_payment"
    merchant: str
    amount: Money
    reference: str
    owed: Money


def _show(row: merchants.ApplicationRow) -> Application:
    return Application.model_validate(
        {
            "merchant": row.merchant,
            "name": row.name,
            "licence": row.licence,
            "region": row.region,
            "settlement": row.settlement,
            "owner": row.owner,
            "recruiter": row.recruiter,
            "status": row.status,
            "applied_at": row.applied_at.isoformat(),
            "reviewer": row.reviewer,
            "reviewed_at": row.reviewed_at.isoformat() if row.reviewed_at else None,
            "reason": row.reason,
        }
    )


def _application(books: Database, key: Principal, id_: str) -> Application:
    try:
        return _show(merchants.read_application(books, key.program, plain(id_)))
    except NotPossible:
        raise missing("application", id_) from None


@router.post("/merchant-applications", status_code=201)
def apply_as_merchant(
    key: Merchandiser, books: Books, now: Now, wish: Annotated[ApplicationIn, Body()]
) -> Application:
    """Take in the application of a merchant; a licence trades under one name."""
    with refusing():
        made = merchants.Application(**wish.model_dump())
        return _show(merchants.apply(books, key.program, made, now, key.actor))


@router.get("/merchant-applications")
def list_applications(
    key: Reader,
    books: Books,
    limit: Limit = 20,
    after: After = "",
    status: Annotated[Status | None, Query(description="only those of this status")] = None,
) -> Page[Application]:
    """Applications by merchant, and what became of them."""
    rows = merchants.list_applications(
        books, key.program, status or "", asked("after", after), limit + 1
    )
    return page(rows, limit, lambda row: row.merchant, _show)


@router.get("/merchant-applications/{id:path}", operation_id="read_application")
def read_application(key: Reader, books: Books, id_: Id) -> Application:
    """One application."""
    return _application(books, key, id_)


@router.post("/merchant-applications/{id:path}/activate", operation_id="activate_merchant")
def activate_merchant(
    key: Merchandiser,
    books: Books,
    now: Now,
    id_: Id,
    wish: Annotated[ActivationIn, Body()],
) -> Application:
    """Accept an application: from now on the merchant sells under these terms."""
    found = _application(books, key, id_)
    with refusing():
        merchants.activate(books, key.program, found.merchant, _given(wish), now, key.actor)
    return _application(books, key, id_)


def _given(wish: ActivationIn) -> dict[str, str]:
    return {field: value for field, value in wish.model_dump().items() if value}


@router.post("/merchant-applications/{id:path}/reject", operation_id="reject_merchant")
def reject_merchant(
    key: Merchandiser, books: Books, now: Now, id_: Id, why: Annotated[ReviewIn, Body()]
) -> Application:
    """Refuse an application."""
    found = _application(books, key, id_)
    reason = _reason(why)
    with refusing():
        merchants.reject(books, key.program, found.merchant, reason, now, key.actor)
    return _application(books, key, id_)


def _reason(why: ReviewIn) -> str:
    return asked("reason", why.reason)


@router.put("/merchant-applications/{id:path}/settlement", operation_id="move_settlement")
def move_settlement(
    key: Merchandiser, books: Books, now: Now, id_: Id, wish: Annotated[SettlementIn, Body()]
) -> Application:
    """Let a merchant's money be sent elsewhere; the log of acts keeps where it went before."""
    found = _application(books, key, id_)
    with refusing():
        return _show(
            merchants.move_settlement(
                books, key.program, found.merchant, wish.settlement, now, key.actor
            )
        )


def _merchant(books: Database, key: Principal, id_: str) -> str:
    if listing.read_merchant(books, key.program, plain(id_)) is None:
        raise missing("merchant", id_)
    return id_


def _terms(books: Database, key: Principal, merchant: str) -> Terms:
    own, terms = merchants.terms_in_effect(books, key.program, merchant)
    told = merchants.all_told_of(terms)
    return Terms.model_validate({"merchant": merchant, "own": own, **told})


@router.get("/merchants/{id:path}/terms", operation_id="read_terms")
def read_terms(key: Reader, books: Books, id_: Id) -> Terms:
    """The terms under which a merchant sells now."""
    return _terms(books, key, _merchant(books, key, id_))


@router.put("/merchants/{id:path}/terms", operation_id="change_terms")
def change_terms(
    key: Merchandiser, books: Books, now: Now, id_: Id, wish: Annotated[TermsIn, Body()]
) -> Terms:
    """Give a merchant other terms from now on; one that is suspended stays so."""
    merchant = _merchant(books, key, id_)
    with refusing():
        merchants.change(books, key.program, merchant, _given(wish), now, key.actor)
    return _terms(books, key, merchant)


@router.post("/merchants/{id:path}/suspend", operation_id="suspend_merchant")
def suspend_merchant(
    key: Merchandiser, books: Books, now: Now, id_: Id, why: Annotated[ReviewIn, Body()]
) -> Terms:
    """Stop a merchant's sales; what was paid there before is settled or refunded."""
    merchant, reason = _merchant(books, key, id_), _reason(why)
    with refusing():
        merchants.suspend(books, key.program, merchant, reason, now, key.actor)
    return _terms(books, key, merchant)


@router.post("/merchants/{id:path}/resume", operation_id="resume_merchant")
def resume_merchant(key: Merchandiser, books: Books, now: Now, id_: Id) -> Terms:
    """Let a suspended merchant sell again, under the terms it has."""
    merchant = _merchant(books, key, id_)
    with refusing():
        merchants.resume(books, key.program, merchant, now, key.actor)
    return _terms(books, key, merchant)


@router.get(
    "/merchants/{id:path}/statement.xlsx",
    operation_id="download_merchant_statement",
    response_class=Response,
    responses={200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
)
def download_statement(
    key: Reader,
    books: Books,
    id_: Id,
    first: Annotated[str, Query(alias="from", pattern=DAY)] = "2000-01-01",
    last: Annotated[str, Query(alias="to", pattern=DAY)] = LAST_DAY,
) -> Response:
    """A merchant's sales and settlement as a sheet, by days of UTC."""
    since, until = midnight("from", first), midnight("to", last) + timedelta(days=1)
    merchant, sheet = _merchant(books, key, id_), BytesIO()
    with refusing():
        write_xlsx(read_merchant_statement(books, key.program, merchant, since, until), sheet)
    return Response(sheet.getvalue(), media_type=XLSX)


@router.post("/merchants/{id:path}/payments", operation_id="note_merchant_payment")
def note_payment(
    key: Reviewer, books: Books, now: Now, id_: Id, wish: Annotated[PaymentIn, Body()]
) -> Payment:
    """Note that a merchant was paid for its sales; the same reference again is the same."""
    merchant, reference = _merchant(books, key, id_), asked("reference", wish.reference)
    with refusing():
        pay_merchant(books, key.program, merchant, wish.amount, reference, now, key.actor)
    return Payment(
        merchant=merchant,
        amount=format_money(parse_money(wish.amount)),
        reference=reference,
        owed=format_money(listing.read_merchant(books, key.program, merchant) or 0),
    )
