"""Cash-outs that wait for the day's batch: asked for, looked at, cancelled until it runs."""

from contextlib import suppress
from urllib.parse import quote

from starlette.responses import Response

from springtide.core.event_fields import Json
from springtide.services import cash_outs, holding, notices
from springtide.services.cash_outs import CashOutRequest, NotWaiting
from springtide.services.sessions import Session
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import Call, Missing

MOST_SHOWN = 5


def waiting(call: Call, member: str) -> list[CashOutRequest]:
    """The newest requests of a member; shown where somebody asks for another."""
    return notices.list_requests(call.database, call.program, member, MOST_SHOWN)


def record(call: Call, session: Session, event: Json) -> Response:
    """Let a cash-out wait for the next batch.

    Raises:
        Refusal: it cannot be one.
    """
    row, _ = cash_outs.ask(call.database, call.program, event, session.subject, call.now)
    return call.go(call.at("m", f"/requests/{quote(row.id)}"))


def show(call: Call, session: Session) -> Response:
    """A request, when it is decided, and what became of it."""
    row = _own(call, session)
    return call.page(
        "member/request.html",
        row=row,
        due=cash_outs.next_batch(call.database, call.program, call.now),
        has=holding.read_holding(call.database, call.program, row.member),
        session=session,
        tab="",
    )


def cancel(call: Call, session: Session) -> Response:
    """Take a request back; too late, the page says what became of it."""
    row = _own(call, session)
    with suppress(NotWaiting):
        cash_outs.cancel(call.database, call.program, row.id, session.subject, call.now)
    return call.go(call.at("m", f"/requests/{quote(row.id)}"))


def _own(call: Call, session: Session) -> CashOutRequest:
    id_ = call.request.path_params["id"]
    row = cash_outs.read_request(call.database, call.program, id_)
    if row is None or row.member != member_of(session):
        raise Missing
    return row
