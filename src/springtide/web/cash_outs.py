"""Cash-outs that wait for the day's batch: asked for, read, cancelled."""

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from springtide.core.units import format_money, format_points
from springtide.services import cash_outs
from springtide.services.cash_outs import CashOutRequest, NotWaiting, UnknownRequest
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Id,
    Limit,
    Payer,
    Reader,
    asked,
    clock,
    missing,
    page,
    plain,
    seq_of,
)
from springtide.web.models import Money, Page, Points
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)

State = Literal["waiting", "cancelled", "paid", "refused"]


class CashOutWish(BaseModel):
    """A cash-out that waits for the day's batch, and what became of it."""

    object: Literal["cash_out_request"] = "cash_out_request"
    id: str
    member: str
    points: str = Field(description="`all`, or points in the units of when they were asked for")
    min_net: Money | None
    state: State
    reason: str | None = Field(description="the code of the refusal, if it was refused")
    batch: str | None = Field(description="the cash-out batch that decides it, once it has it")
    paid: Points | None = Field(
        description="with gross and net: of all the member's requests in the batch"
    )
    gross: Money | None
    net: Money | None
    asked_at: str
    ended_at: str | None


def show(row: CashOutRequest) -> CashOutWish:
    """A request as the API shows it."""
    return CashOutWish(
        id=row.id,
        member=row.member,
        points="all" if row.points is None else format_points(row.points),
        min_net=_money(row.min_net),
        state=cast(State, row.state),
        reason=row.reason,
        batch=row.batch,
        paid=None if row.paid_points is None else format_points(row.paid_points),
        gross=_money(row.gross),
        net=_money(row.net),
        asked_at=row.asked_at.isoformat(),
        ended_at=row.ended_at.isoformat() if row.ended_at else None,
    )


def _money(micro: int | None) -> str | None:
    return None if micro is None else format_money(micro)


@router.get("/cash-out-requests")
def list_cash_out_requests(
    key: Reader,
    books: Books,
    limit: Limit = 20,
    after: After = "",
    member: Annotated[str, Query(max_length=255, description="only this member's")] = "",
    state: Annotated[State | None, Query(description="only those in this state")] = None,
) -> Page[CashOutWish]:
    """Requests for cash-outs in the order they were made."""
    rows = cash_outs.list_requests(
        books, key.program, asked("member", member), state or "", seq_of(after), limit + 1
    )
    return page(rows, limit, lambda row: row.number, show)


@router.get("/cash-out-requests/{id:path}", operation_id="read_cash_out_request")
def read_cash_out_request(key: Reader, books: Books, id_: Id) -> CashOutWish:
    """A request for a cash-out, and what became of it."""
    row = cash_outs.read_request(books, key.program, plain(id_))
    if row is None:
        raise missing("cash-out request", id_)
    return show(row)


@router.delete("/cash-out-requests/{id:path}", operation_id="cancel_cash_out_request")
def cancel_cash_out_request(key: Payer, books: Books, id_: Id) -> CashOutWish:
    """Cancel a request, as long as no batch has it; a second time changes nothing."""
    try:
        row = cash_outs.cancel(books, key.program, plain(id_), key.actor, clock())
    except UnknownRequest:
        raise missing("cash-out request", id_) from None
    except NotWaiting as error:
        raise Problem("not_waiting", str(error)) from None
    return show(row)
