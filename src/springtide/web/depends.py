"""What the routes of resources share: who asks, for which page, and how nothing is found."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query, Request

from springtide.core.event_fields import LONGEST_ID, is_name
from springtide.core.refusals import Refusal
from springtide.services.gateway import Database, NotPossible
from springtide.services.permissions import Principal
from springtide.web.access import Gate
from springtide.web.models import Page
from springtide.web.problems import Problem

T = TypeVar("T")
M = TypeVar("M")

MOST_ROWS = 100

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="rows of a page")]
After = Annotated[
    str, Query(max_length=300, description="the cursor `next` of the page before")
]
Id = Annotated[str, Path(alias="id", min_length=1, max_length=LONGEST_ID)]
Name = Annotated[str, Path(min_length=1, max_length=LONGEST_ID)]
OfMember = Annotated[str, Query(max_length=LONGEST_ID, description="only this member's")]

WHY_NOT: dict[str, Any] = {
    "description": "why not",
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    },
}
PROBLEMS: dict[int | str, dict[str, Any]] = dict.fromkeys(
    (400, 401, 403, 404, 409, 422, 429, 503), WHY_NOT
)
"""What every route may answer instead, as the document describes it."""


class Allowed:
    """Lets a route through to who has the permission; the document says which it takes."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Principal:
        """Who calls."""
        gate: Gate = request.app.state.gate
        return await gate.admit(request, self.permission)


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def clock() -> datetime:
    """The time, which the floors below are told."""
    return datetime.now(UTC)


Reader = Annotated[Principal, Depends(Allowed("read"))]
Binder = Annotated[Principal, Depends(Allowed("orders"))]
KeyKeeper = Annotated[Principal, Depends(Allowed("keys"))]
StaffKeeper = Annotated[Principal, Depends(Allowed("staff"))]
Auditor = Annotated[Principal, Depends(Allowed("audit"))]
HookKeeper = Annotated[Principal, Depends(Allowed("webhooks"))]
Payer = Annotated[Principal, Depends(Allowed("payouts"))]
Withdrawer = Annotated[Principal, Depends(Allowed("withdrawals"))]
Reviewer = Annotated[Principal, Depends(Allowed("review"))]
Merchandiser = Annotated[Principal, Depends(Allowed("merchants"))]
Treasurer = Annotated[Principal, Depends(Allowed("pool"))]
Controller = Annotated[Principal, Depends(Allowed("controls"))]
Drafter = Annotated[Principal, Depends(Allowed("policy.draft"))]
Approver = Annotated[Principal, Depends(Allowed("policy.approve"))]
Books = Annotated[Database, Depends(_database)]
Now = Annotated[datetime, Depends(clock)]


def page(
    rows: Sequence[T], limit: int, cursor: Callable[[T], object], show: Callable[[T], M]
) -> Page[M]:
    """A page of rows, of which one more than the limit was asked for."""
    shown = rows[:limit]
    following = str(cursor(shown[-1])) if len(rows) > limit else None
    return Page(data=[show(row) for row in shown], next=following)


def seq_of(after: str) -> int:
    """A cursor that is a seq.

    Raises:
        Problem: it is not one of ours.
    """
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise Problem(
            "invalid_parameter", f"after is {after!r}; give `next` of the page before"
        )
    return int(after)


def plain(text: str) -> str:
    """An id of an address that can be asked for; what cannot name anything is empty."""
    return text if is_name(text) else ""


def asked(parameter: str, text: str) -> str:
    """A name that is a parameter; empty if it was left out.

    Raises:
        Problem: it cannot name anything.
    """
    if text and not is_name(text):
        raise Problem("invalid_parameter", f"{parameter} is {text!r}, which names nothing")
    return text


def found(row: T | None, what: str, id_: str) -> T:
    """What was asked for.

    Raises:
        Problem: it is not there.
    """
    if row is None:
        raise missing(what, id_)
    return row


def missing(what: str, id_: str) -> Problem:
    """The answer about what is not there; things of other programs are not there either."""
    return Problem("not_found", f"no {what} has the id {id_!r} in this program")


@contextmanager
def missing_if(unknown: type[Exception], what: str, id_: str) -> Iterator[None]:
    """Say that it is not there, where a service says that it knows of none."""
    try:
        yield
    except unknown:
        raise missing(what, id_) from None


@contextmanager
def refusing() -> Iterator[None]:
    """Say no as the services do: refused by a rule, or not possible as things stand."""
    try:
        yield
    except Refusal as refusal:
        raise Problem(refusal.code, str(refusal), refusal.retry_at) from None
    except NotPossible as error:
        raise Problem("not_possible", str(error)) from None
