"""Codes for redemptions: a member's side makes one, a till hands it in at /v1/redemptions."""

import secrets
from typing import Annotated, Literal, cast
from uuid import uuid4

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from springtide.core.refusals import Refusal
from springtide.core.units import format_points
from springtide.services import codes
from springtide.services.codes import LONGEST_ID, LONGEST_MINUTES, RedemptionCode
from springtide.web.depends import PROBLEMS, Books, Id, Payer, Reader, clock, missing, plain
from springtide.web.models import Name, Points
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)


State = Literal["open", "used", "expired", "closed"]


class CodeIn(BaseModel):
    """A code to be made for a member who stands at a till."""

    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)] | None = Field(
        default=None, description="yours; made up if absent"
    )
    member: Name
    points: Annotated[
        str, Field(pattern=r"^[0-9]+(\.[0-9]{1,9})?$", description="the most it redeems")
    ]
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)] = 5
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"member": "m1", "points": "10", "minutes": 5}]}
    )


class Code(BaseModel):
    """A code, without the code itself."""

    object: Literal["redemption_code"] = "redemption_code"
    id: str
    member: str
    points: Points = Field(description="the most it redeems, in the units of when it was made")
    state: State = Field(description="closed: the member made another one")
    made_at: str
    expires_at: str


class NewCode(Code):
    """A code, which is shown this once."""

    code: str


def _shown(row: RedemptionCode, state: str) -> Code:
    return Code(
        id=row.id,
        member=row.member,
        points=format_points(row.points),
        state=cast(State, state),
        made_at=row.made_at.isoformat(),
        expires_at=row.expires_at.isoformat(),
    )


@router.post("/redemption-codes", status_code=201)
def create_redemption_code(
    key: Payer, books: Books, wish: Annotated[CodeIn, Body()]
) -> NewCode:
    """Make a code, in place of the member's last; it is shown this once.

    A till hands it in with `POST /v1/redemptions`; it is used once, however often it is sent.
    """
    try:
        code, made = codes.make_code(
            books,
            key.program,
            wish.id or f"code_{uuid4().hex}",
            wish.member,
            wish.points,
            wish.minutes,
            key.actor,
            clock(),
            secrets.randbelow,
        )
    except Refusal as refusal:
        raise Problem(refusal.code, str(refusal)) from None
    return NewCode(code=code, **_shown(made, "open").model_dump())


@router.get("/redemption-codes/{id:path}")
def read_redemption_code(key: Reader, books: Books, id_: Id) -> Code:
    """A code, without the code itself, and whether it was used."""
    found = codes.read_code(books, key.program, plain(id_), clock())
    if found is None:
        raise missing("redemption code", id_)
    return _shown(*found)
