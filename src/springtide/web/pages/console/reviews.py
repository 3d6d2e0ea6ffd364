"""Withdrawals on their way: who wants how much, who approved it, and what came of it."""

from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from springtide.core.refusals import Refusal, UnknownWithdrawal
from springtide.core.withdrawal import GIVEN_BACK
from springtide.services import cash_outs, controls, holding, listing, withdrawals
from springtide.services.login import SignedIn
from springtide.services.withdrawals import StateSum, Withdrawal
from springtide.web.pages.console.deeds import (
    REFUSED,
    ROWS_A_PAGE,
    actor_of,
    asked_number,
    path_id,
    poster,
)
from springtide.web.pages.shared.call import Call, Missing

GROUPS = {
    "waiting": ("requested", "under_review"),
    "approved": ("approved",),
    "sent": ("sent", "awaiting_member", "unknown"),
    "settled": ("settled",),
    "given-back": GIVEN_BACK,
}
"""What a reviewer looks for, and the states it is."""

OVER = ("settled", "given-back")
"""Groups of withdrawals of which nothing is on its way any more."""

OUTCOMES = ("settled", "failed", "returned")
"""What a person may say became of a payout."""

MOST_OTHERS = 10


class Waiting(NamedTuple):
    """A withdrawal with what a list says of it."""

    row: Withdrawal
    days: int
    """Since it was asked for."""
    mine: str
    """Why whoever looks cannot approve it: `own`, `approved` or `state`; empty if they can."""


def show_list(call: Call, staff: SignedIn) -> Response:
    """Withdrawals of a group, the oldest first; those that wait can be ticked."""
    group = call.asked("group")
    group = group if group in GROUPS else "waiting"
    after = asked_number(call, "after")
    rows = sorted(
        (
            row
            for state in GROUPS[group]
            for row in withdrawals.list_withdrawals(
                call.database, call.program, state=state, after=after, most=ROWS_A_PAGE + 1
            )
        ),
        key=lambda row: row.seq,
    )
    shown = rows[:ROWS_A_PAGE]
    counted = withdrawals.count_states(call.database, call.program)
    return call.page(
        "console/withdrawals.html", staff=staff, tab="withdrawals", group=group,
        groups={name: _add_up(counted, states) for name, states in GROUPS.items()},
        over=group in OVER,
        rows=[_waiting(call, staff, row) for row in shown],
        daily=cash_outs.next_batch(call.database, call.program, call.now) is not None,
        first=call.here(after="") if after else "",
        following=call.here(after=str(shown[-1].seq)) if len(rows) > ROWS_A_PAGE else "",
    )  # fmt: skip


def _add_up(counted: dict[str, StateSum], states: tuple[str, ...]) -> StateSum:
    return StateSum(*map(sum, zip(*(counted[state] for state in states), strict=True)))


def _waiting(call: Call, staff: SignedIn, row: Withdrawal) -> Waiting:
    days = (call.now.date() - date.fromisoformat(row.day)).days
    return Waiting(row, max(days, 0), _hindrance(row, actor_of(staff)))


def _hindrance(row: Withdrawal, actor: str) -> str:
    if row.state not in GROUPS["waiting"]:
        return "state"
    if actor in row.approved_by:
        return "approved"
    return "own" if actor == row.by else ""


def show_requests(call: Call, staff: SignedIn) -> Response:
    """Cash-outs that wait for the day's batch, and what became of the others."""
    state = call.asked("state")
    state = state if state in cash_outs.STATES else cash_outs.STATES[0]
    rows = cash_outs.list_requests(
        call.database, call.program, "", state, asked_number(call, "after"), ROWS_A_PAGE + 1
    )
    shown = rows[:ROWS_A_PAGE]
    return call.page(
        "console/cash_outs.html", staff=staff, tab="cash-outs", state=state,
        states=cash_outs.STATES, rows=[(row, (call.now - row.asked_at).days) for row in shown],
        due=cash_outs.next_batch(call.database, call.program, call.now),
        following=call.here(after=str(shown[-1].number)) if len(rows) > ROWS_A_PAGE else "",
    )  # fmt: skip


def show(call: Call, staff: SignedIn) -> Response:
    """One withdrawal: whose, how much, how far it came, and what can be done with it."""
    return _page(call, staff)


def _page(
    call: Call, staff: SignedIn, refusal: Exception | None = None, lacks: str = ""
) -> Response:
    try:
        row, steps = withdrawals.read_withdrawal(call.database, call.program, path_id(call))
    except UnknownWithdrawal:
        raise Missing from None
    others = withdrawals.list_withdrawals(
        call.database, call.program, member=row.member, after=0, most=1_000
    )
    asked = listing.read_entry(call.database, call.program, ["withdraw"], row.id)
    assert asked is not None
    status = 409 if refusal else 422 if lacks else 200
    return call.page(
        "console/withdrawal.html", status, staff=staff, tab="withdrawals",
        one=_waiting(call, staff, row), steps=steps, refusal=refusal, lacks=lacks,
        asked_at=asked.posted_at, over=any(row.state in GROUPS[group] for group in OVER),
        why=call.form.get("why", ""), outcomes=_outcomes(row),
        others=[other for other in others[::-1] if other.id != row.id][:MOST_OTHERS],
        has=holding.read_holding(call.database, call.program, row.member),
        wallet=listing.read_wallet(call.database, call.program, row.member),
        frozen=controls.find_freeze(call.database, call.program, row.member),
    )  # fmt: skip


def _outcomes(row: Withdrawal) -> tuple[str, ...]:
    return OUTCOMES if row.state in GROUPS["sent"] else ()


def decide(call: Call, staff: SignedIn) -> Response:
    """Approve or reject a withdrawal, or say what became of it."""
    to, why = call.form.get("to", ""), call.form.get("why", "")[:255]
    if to not in ("approved", "rejected", *OUTCOMES):
        raise Missing
    if to != "approved" and not why:
        return _page(call, staff, lacks=to)
    try:
        withdrawals.take_step(
            call.database, call.program, poster(call), path_id(call), to,
            by=actor_of(staff), now=call.now, why=why,
        )  # fmt: skip
    except UnknownWithdrawal:
        raise Missing from None
    except REFUSED as refusal:
        return _page(call, staff, refusal)
    return call.go(call.path)


def show_together(call: Call, staff: SignedIn) -> Response:
    """Those that were ticked, and what approving them would send; done, how they stand."""
    ids = call.request.query_params.getlist("tick")[:ROWS_A_PAGE]
    return _together(call, staff, ids)


def _together(
    call: Call, staff: SignedIn, ids: list[str], refusals: dict[str, Refusal] | None = None
) -> Response:
    found = withdrawals.find_withdrawals(call.database, call.program, ids)
    rows = [_waiting(call, staff, row) for row in found]
    wanted = [one.row for one in rows if not one.mine]
    given: dict[str, Any] = {
        "amount": sum(row.amount_micro for row in wanted),
        "fee": sum(row.fee_micro for row in wanted),
        "again": sum(row.needed - len(row.approved_by) > 1 for row in wanted),
    }
    return call.page(
        "console/together.html", 409 if refusals else 200, staff=staff, tab="withdrawals",
        rows=rows, wanted=wanted, refusals=refusals or {}, **given,
    )  # fmt: skip


def approve_together(call: Call, staff: SignedIn) -> Response:
    """Approve all that were confirmed; whatever is refused changes nothing else."""
    ids = [name.removeprefix("tick:") for name in call.form if name.startswith("tick:")]
    refusals: dict[str, Refusal] = {}
    for id_ in ids[:ROWS_A_PAGE]:
        try:
            withdrawals.take_step(
                call.database, call.program, poster(call), id_, "approved",
                by=actor_of(staff), now=call.now,
            )  # fmt: skip
        except Refusal as refusal:
            refusals[id_] = refusal
    if refusals:
        return _together(call, staff, ids, refusals)
    return call.go(f"{call.path}?{urlencode([('tick', id_) for id_ in ids])}")
