"""Lists of orders, by what is asked for."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from springtide.services import listing
from springtide.web import models
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Limit,
    OfMember,
    Reader,
    asked,
    page,
    seq_of,
)
from springtide.web.models import Page
from springtide.web.problems import Problem
from springtide.web.resources import posted

router = APIRouter(prefix="/v1", responses=PROBLEMS)

_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
Time = Annotated[
    str | None,
    Query(pattern=_TIME, examples=["2026-01-31T00:00:00Z"], description="RFC 3339"),
]


@router.get("/orders", operation_id="list_purchase")
def list_orders(
    key: Reader,
    books: Books,
    limit: Limit = 20,
    after: After = "",
    member: OfMember = "",
    merchant: Annotated[str, Query(max_length=255, description="only at this one")] = "",
    state: Annotated[models.OrderStatus | None, Query(description="only these")] = None,
    since: Time = None,
    until: Time = None,
) -> Page[models.Posted]:
    """Orders in the order they were posted: from `since` on, and before `until`."""
    wanted = listing.OrderFilter(
        member=asked("member", member),
        merchant=asked("merchant", merchant),
        state=state or "",
        since=_time("since", since),
        until=_time("until", until),
    )
    rows = listing.list_orders(books, key.program, wanted, seq_of(after), limit + 1)
    return page(rows, limit, lambda row: row.seq, posted)


def _time(parameter: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem("invalid_parameter", f"{parameter} is {text!r}: {error}") from None
