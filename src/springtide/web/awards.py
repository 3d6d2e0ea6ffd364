"""Levels, dividends, commissions paid on statement and the budget of all of it, over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from springtide.core.event_fields import Json
from springtide.core.policy import PolicyError
from springtide.core.reducer import Outcome
from springtide.core.units import PPM, format_fraction, format_money, format_ratio
from springtide.services import budget, commissions, dividends, levels, listing
from springtide.services.gateway import Database, UnknownDraft
from springtide.services.permissions import Principal
from springtide.web.depends import (
    PROBLEMS,
    Books,
    Drafter,
    Id,
    Merchandiser,
    Now,
    Reader,
    Reviewer,
    Treasurer,
    asked,
    missing,
    plain,
    refusing,
)
from springtide.web.models import AmountIn, Money, Name, Page, ReferenceIn
from springtide.web.policies import DraftIn, Number
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)


class LevelIn(BaseModel):
    """The level that a member is to have; an empty one takes it away."""

    level: str = Field(max_length=255)
    reason: Name


class Level(BaseModel):
    """The level of a member, if they have one, and why; the policy's own have no reason."""

    object: Literal["level"] = "level"
    member: str
    level: str | None
    reason: str | None


class RunIn(BaseModel):
    """Whom the rules of levels are for; everybody, if nobody is named."""

    only: list[Name] = Field(default_factory=list, max_length=1_000)


class Promotion(BaseModel):
    """A member who has earned a higher level by sales."""

    object: Literal["promotion"] = "promotion"
    member: str
    before: str | None
    level: str
    reason: str


class DividendIn(BaseModel):
    """A month that is over, the part of its revenue to be shared, and everybody's weight."""

    period: str = Field(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])
    share: str = Field(pattern=r"^[01](\.[0-9]{1,6})?$", examples=["0.2"])
    weights: dict[str, str] = Field(
        min_length=1, max_length=10_000, examples=[{"m1": "1", "m2": "2.5"}]
    )


class Part(BaseModel):
    """What one member has of a dividend."""

    member: str
    amount: Money


class Dividend(BaseModel):
    """What is shared of what the platform earned in a month; what rounding leaves stays."""

    object: Literal["dividend"] = "dividend"
    period: str
    revenue: Money
    share: str
    parts: list[Part]


class Due(BaseModel):
    """What is due to an earner on statement, and how much of it may be paid now."""

    object: Literal["due"] = "due"
    member: str
    due: Money
    payable: Money


class PaidIn(BaseModel):
    """A payment that was made elsewhere to an earner on statement."""

    member: Name
    amount: AmountIn
    reference: ReferenceIn


class Paid(BaseModel):
    """A payment that is noted, and what was due after it."""

    object: Literal["commission_payment"] = "commission_payment"
    member: str
    amount: Money
    reference: str
    due: Money


class BudgetTerm(BaseModel):
    """The most that one kind of award can ask of an order."""

    kind: str
    most: str
    why: str


class Proof(BaseModel):
    """A merchant's budget beside the worst case, as shares of the amount of a sale."""

    merchant: str | None = Field(description="null for sales under the policy's own terms")
    budget: str
    worst: str
    holds: bool


class Budget(BaseModel):
    """The worst case of commissions, term by term, and every merchant's budget beside it."""

    object: Literal["budget"] = "budget"
    refused: str | None = Field(description="why such a policy is not accepted, if it is not")
    terms: list[BudgetTerm]
    worst_chain: list[str] = Field(description="levels from the referrer up that reach it")
    merchants: list[Proof]


def _member(books: Database, key: Principal, id_: str) -> str:
    if listing.read_member(books, key.program, plain(id_)) is None:
        raise missing("member", id_)
    return id_


def _level(books: Database, key: Principal, member: str) -> Level:
    level, reason = levels.read_level(books, key.program, member)
    return Level(member=member, level=level or None, reason=reason or None)


@router.get("/members/{id:path}/level", operation_id="read_level")
def read_level(key: Reader, books: Books, id_: Id) -> Level:
    """The level of a member."""
    return _level(books, key, _member(books, key, id_))


@router.put("/members/{id:path}/level", operation_id="set_level")
def set_level(
    key: Merchandiser, books: Books, now: Now, id_: Id, wish: Annotated[LevelIn, Body()]
) -> Level:
    """Give a member a level by hand, or take it away; orders from now on count it."""
    member = _member(books, key, id_)
    with refusing():
        levels.give(books, key.program, member, wish.level, wish.reason, now, key.actor)
    return _level(books, key, member)


def _promotions(rows: list[levels.Promotion]) -> Page[Promotion]:
    return Page(
        data=[
            Promotion(
                member=one.member,
                before=one.before or None,
                level=one.level,
                reason=one.reason,
            )
            for one in rows
        ],
        next=None,
    )


@router.get("/levels/proposals")
def propose_levels(key: Reader, books: Books, now: Now) -> Page[Promotion]:
    """Who has earned a higher level by the policy's rules; nothing is posted."""
    return _promotions(levels.propose(books, key.program, now))


@router.post("/levels/run")
def run_levels(
    key: Merchandiser, books: Books, now: Now, wish: Annotated[RunIn, Body()]
) -> Page[Promotion]:
    """Give everybody, or only some, the level that they have earned; never a lower one."""
    with refusing():
        return _promotions(levels.run(books, key.program, now, key.actor, wish.only))


def _wished(books: Database, key: Principal, now: datetime, wish: DividendIn) -> Json:
    return dividends.event_of(books, key.program, wish.period, wish.share, wish.weights, now)


def _shared(told: Json, outcome: Outcome) -> Dividend:
    event, receipt = cast(dict[str, Any], told), cast(dict[str, Any], outcome.receipt)
    return Dividend(
        period=event["period"],
        revenue=event["revenue"],
        share=event["share"],
        parts=[
            Part(member=one["to"], amount=format_money(one["amount"]))
            for one in receipt["dividends"]
        ],
    )


@router.post("/dividends/preview")
def preview_dividend(
    key: Treasurer, books: Books, now: Now, wish: Annotated[DividendIn, Body()]
) -> Dividend:
    """What a dividend would pay to whom, by the books of a month that is over."""
    with refusing():
        event = _wished(books, key, now, wish)
        outcome = dividends.preview_dividend(books, key.program, event, now)
    return _shared(event, outcome)


@router.post("/dividends", status_code=201)
def post_dividend(
    key: Treasurer, books: Books, now: Now, wish: Annotated[DividendIn, Body()]
) -> Dividend:
    """Pay a dividend for a month, once: the same again gets the same answer."""
    with refusing():
        event = _wished(books, key, now, wish)
        outcome = dividends.post_dividend(books, key.program, event, now, key.actor)
    return _shared(event, outcome)


@router.get("/commissions/due")
def list_due(key: Reader, books: Books, now: Now) -> Page[Due]:
    """What is due on statement to whom, to be paid elsewhere; all of it, by member."""
    return Page(
        data=[
            Due(member=member, due=format_money(due), payable=format_money(payable))
            for member, due, payable in commissions.list_payable(books, key.program, now)
        ],
        next=None,
    )


@router.post("/commissions/payments", status_code=201)
def note_payment(
    key: Reviewer, books: Books, now: Now, wish: Annotated[PaidIn, Body()]
) -> Paid:
    """Note that an earner on statement was paid; the same reference again is the same."""
    reference = asked("reference", wish.reference)
    with refusing():
        receipt: dict[str, Any] = commissions.pay_due(
            books, key.program, wish.member, wish.amount, reference, now, key.actor
        ).receipt
    return Paid(
        member=wish.member,
        amount=format_money(receipt["amount"]),
        reference=reference,
        due=format_money(receipt["due"]),
    )


def _budget(found: budget.Budget) -> Budget:
    return Budget(
        refused=found.refusal or None,
        terms=[
            BudgetTerm(kind=one.kind, most=format_ratio(one.most_ppm), why=one.why)
            for one in found.terms
        ],
        worst_chain=found.worst_chain,
        merchants=[
            Proof(
                merchant=one.merchant or None,
                budget=format_fraction(one.budget_ppm2, PPM**2),
                worst=format_ratio(one.worst_ppm),
                holds=one.holds,
            )
            for one in found.proofs
        ],
    )


@router.get("/budget")
def read_budget(key: Reader, books: Books) -> Budget:
    """The worst case of commissions under the policy in effect, merchant by merchant."""
    return _budget(budget.read_budget(books, key.program))


@router.post("/budget")
def prove_budget(key: Drafter, books: Books, wish: Annotated[DraftIn, Body()]) -> Budget:
    """The worst case of a policy that is not saved yet, and why it would not be accepted."""
    try:
        return _budget(budget.budget_of(books, key.program, wish.toml))
    except PolicyError as error:
        raise Problem("policy_refused", str(error)) from None


@router.get("/policies/drafts/{number}/budget")
def read_draft_budget(key: Reader, books: Books, number: Number) -> Budget:
    """The worst case of a draft, for the merchants and agents that there are now."""
    try:
        return _budget(budget.budget_of_draft(books, key.program, number))
    except UnknownDraft:
        raise missing("draft", str(number)) from None
