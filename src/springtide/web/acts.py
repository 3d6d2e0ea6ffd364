"""The log of acts of a program, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from springtide.services.acts import Act, list_acts
from springtide.web import people
from springtide.web.depends import PROBLEMS, After, Auditor, Books, Limit, asked, page, seq_of
from springtide.web.models import Page

router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _act(row: Act) -> people.Act:
    return people.Act(
        id=row.id,
        at=row.at.isoformat(),
        actor=row.actor,
        what=row.what,
        subject=row.subject,
        before=row.before,
        after=row.after,
    )


@router.get("/acts", operation_id="list_acts")
def list_them(
    principal: Auditor,
    books: Books,
    limit: Limit = 20,
    after: After = "",
    subject: Annotated[str, Query(max_length=255, description="only on this")] = "",
    actor: Annotated[str, Query(max_length=255, description="only by this one")] = "",
) -> Page[people.Act]:
    """Who did what in the program, newest first."""
    rows = list_acts(
        books,
        principal.program,
        limit=limit + 1,
        before_id=seq_of(after) or None,
        subject=asked("subject", subject) or None,
        actor=asked("actor", actor) or None,
    )
    return page(rows, limit, lambda row: row.id, _act)
