"""Withdrawals and payouts over HTTP: asking, deciding, sending, and hearing what came of it."""

import secrets
from collections.abc import Sequence
from typing import Annotated, cast
from uuid import uuid4

from anyio.from_thread import run as run_in_loop
from fastapi import APIRouter, Body, Header, Query, Request, Response

from springtide.core.event_fields import Json, is_name
from springtide.core.reducer import Outcome
from springtide.core.refusals import Refusal, UnknownWithdrawal
from springtide.core.state import Withdrawal
from springtide.core.units import format_money
from springtide.services import payouts, withdrawals
from springtide.services.permissions import Principal
from springtide.services.withdrawals import Post, StepRow
from springtide.web import withdrawal_models as models
from springtide.web.bodies import RESERVED
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    Id,
    Limit,
    Reader,
    Reviewer,
    Withdrawer,
    asked,
    clock,
    missing,
    page,
    plain,
    seq_of,
)
from springtide.web.desks import Desks
from springtide.web.models import Page
from springtide.web.problems import Problem
from springtide.web.withdrawal_models import WithdrawalState

router = APIRouter(prefix="/v1", responses=PROBLEMS)

Why = Annotated[models.Decision | None, Body()]


def _desk(request: Request, key: Principal) -> Post:
    """The way to the desk of a key's program, from the thread that answers a request."""
    desks: Desks = request.app.state.desks

    def post(events: Sequence[Json]) -> list[Outcome]:
        return run_in_loop(desks.post, key.program, events)

    return post


def _state(name: str) -> WithdrawalState:
    return cast(WithdrawalState, name)


def _withdrawal(row: Withdrawal) -> models.Withdrawal:
    return models.Withdrawal(
        id=row.id,
        seq=row.seq,
        member=row.member,
        state=_state(row.state),
        amount=format_money(row.amount_micro),
        fee=format_money(row.fee_micro),
        net=format_money(row.amount_micro - row.fee_micro),
        approvals=row.needed,
        approved_by=list(row.approved_by),
        asked_by=row.by,
        day=row.day,
        reference=row.reference or None,
    )


def _history(row: Withdrawal, steps: Sequence[StepRow]) -> models.WithdrawalHistory:
    return models.WithdrawalHistory(
        **_withdrawal(row).model_dump(),
        steps=[
            models.WithdrawalStep(
                number=step.number,
                at=step.at.isoformat(),
                actor=step.actor,
                before=_state(step.from_state),
                after=_state(step.to_state),
                why=step.why,
            )
            for step in steps
        ],
    )


@router.post("/withdrawals", status_code=201, responses={200: {"model": models.Withdrawal}})
def ask_for_withdrawal(
    request: Request,
    response: Response,
    key: Withdrawer,
    books: Books,
    wish: Annotated[models.WithdrawalIn, Body()],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> models.Withdrawal:
    """Ask for money of a member's wallet to be sent to its owner.

    It leaves the wallet at once, and comes back if the withdrawal is rejected, cancelled or
    fails. The same wish sent again with its id is answered as the first time.
    """
    id_ = wish.id or idempotency_key or f"withdrawal_{uuid4().hex}"
    if id_.startswith(RESERVED) or not is_name(id_):
        raise Problem("invalid_parameter", f"id is {id_!r}; choose another")
    event = {"id": id_, "member": wish.member, "amount": wish.amount}
    outcome = withdrawals.ask(
        books, key.program, _desk(request, key), event, by=key.actor, now=clock()
    )
    if outcome.refusal is not None:
        raise Problem(outcome.refusal.code, str(outcome.refusal))
    if not outcome.is_posted:
        response.status_code = 200
        response.headers["Idempotent-Replayed"] = "true"
    return _withdrawal(withdrawals.read_withdrawal(books, key.program, id_)[0])


@router.get("/withdrawals")
def list_withdrawals(
    key: Reader,
    books: Books,
    limit: Limit = 20,
    after: After = "",
    state: Annotated[WithdrawalState | None, Query(description="only those in it")] = None,
    member: Annotated[str, Query(max_length=255, description="only this member's")] = "",
) -> Page[models.Withdrawal]:
    """Withdrawals in the order they were asked for."""
    rows = withdrawals.list_withdrawals(
        books, key.program, state=state or "", member=asked("member", member),
        after=seq_of(after), most=limit + 1,
    )  # fmt: skip
    return page(rows, limit, lambda row: row.seq, _withdrawal)


@router.post("/withdrawals/{id:path}/approve")
def approve_withdrawal(
    request: Request, key: Reviewer, books: Books, id_: Id, decision: Why = None
) -> models.WithdrawalHistory:
    """Approve a withdrawal; a large one takes two different people, and never who asked."""
    return _decide(request, key, books, id_, "approved", decision)


@router.post("/withdrawals/{id:path}/reject")
def reject_withdrawal(
    request: Request, key: Reviewer, books: Books, id_: Id, decision: Why = None
) -> models.WithdrawalHistory:
    """Reject a withdrawal that was not sent; the money is in the wallet again."""
    return _decide(request, key, books, id_, "rejected", decision)


@router.post("/withdrawals/{id:path}/cancel")
def cancel_withdrawal(
    request: Request, key: Withdrawer, books: Books, id_: Id, decision: Why = None
) -> models.WithdrawalHistory:
    """Cancel a withdrawal for its member, before it is approved."""
    return _decide(request, key, books, id_, "cancelled", decision)


@router.post("/withdrawals/{id:path}/resolve")
def resolve_withdrawal(
    request: Request,
    key: Reviewer,
    books: Books,
    id_: Id,
    found: Annotated[models.ResolutionIn, Body()],
) -> models.WithdrawalHistory:
    """Say what became of a withdrawal that was sent, after asking the bank.

    It is how one ends that is `unknown`: nothing sends it again.
    """
    return _decide(request, key, books, id_, found.state, found)


def _decide(
    request: Request,
    key: Principal,
    books: Books,
    id_: str,
    to: str,
    decision: models.Decision | None,
) -> models.WithdrawalHistory:
    try:
        return _history(
            *withdrawals.take_step(
                books, key.program, _desk(request, key), plain(id_), to,
                by=key.actor, now=clock(), why=decision.why if decision else "",
            )
        )  # fmt: skip
    except UnknownWithdrawal:
        raise missing("withdrawal", id_) from None
    except Refusal as refusal:
        raise Problem(refusal.code, str(refusal)) from None


@router.get("/withdrawals/{id:path}", operation_id="read_withdrawal")
def read_withdrawal(key: Reader, books: Books, id_: Id) -> models.WithdrawalHistory:
    """A withdrawal, and who brought it where it is."""
    try:
        return _history(*withdrawals.read_withdrawal(books, key.program, plain(id_)))
    except UnknownWithdrawal:
        raise missing("withdrawal", id_) from None


@router.post("/payouts/export")
def export_payouts(
    request: Request,
    key: Reviewer,
    books: Books,
    wish: Annotated[models.PayoutBatchIn | None, Body()] = None,
) -> models.PayoutBatch:
    """Mark all approved withdrawals as sent, and give them to be paid, this once.

    With a batch of yours it can be asked again: the same payouts under the same references.
    Under a profile without real money the sandbox takes them, and under no other.
    """
    wish = wish or models.PayoutBatchIn()
    batch, post = wish.batch or secrets.token_hex(8), _desk(request, key)
    by, now = key.actor, clock()
    try:
        if wish.sandbox:
            sandbox = payouts.Sandbox()
            sent, _ = payouts.send(books, key.program, post, sandbox, batch, by=by, now=now)
        else:
            sent = payouts.mark_sent(books, key.program, post, batch, by=by, now=now, real=True)
    except payouts.PayoutRefused as error:
        raise Problem("payout_refused", str(error)) from None
    return models.PayoutBatch(
        batch=batch,
        payouts=[
            models.Payout(
                reference=one.reference,
                member=one.member,
                amount=format_money(one.amount_micro),
            )
            for one in sent
        ],
    )


@router.post("/payouts/import")
def import_results(
    request: Request, key: Reviewer, books: Books, told: Annotated[models.ResultsIn, Body()]
) -> models.ImportReport:
    """Say what became of payouts; sent twice it changes nothing the second time."""
    rows = [payouts.Result(row.reference, row.state, row.reason or "") for row in told.results]
    report = payouts.apply_results(
        books, key.program, _desk(request, key), enumerate(rows, 1),
        by=key.actor, now=clock(),
    )  # fmt: skip
    return models.ImportReport(
        changed=dict(report.changed),
        repeated=report.repeated,
        findings=[models.ImportFinding(line=line, why=why) for line, why in report.findings],
    )
