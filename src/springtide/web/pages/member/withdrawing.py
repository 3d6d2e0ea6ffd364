"""Withdrawals: what they cost, asking, their states, and taking one back."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from anyio.from_thread import run as run_async
from starlette.responses import Response

from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome
from springtide.core.refusals import Refusal, UnknownWithdrawal, WrongState
from springtide.core.state import Withdrawal
from springtide.core.units import format_money, parse_money
from springtide.core.withdrawal import GIVEN_BACK
from springtide.services import commissions, holding, listing, policies, withdrawals
from springtide.services.preview import preview
from springtide.services.sessions import Session
from springtide.services.withdrawals import Post
from springtide.web.pages.member.home import member_of
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.people import random_hex

MOST = 500
CANCELLABLE = ("requested", "under_review")
_ID = re.compile(r"wd_[0-9a-f]{32}")


def ask(call: Call, session: Session) -> Response:
    """What can be withdrawn, at what cost; and of an amount, what would arrive."""
    wanted = call.asked("amount", 40)
    receipt = refusal = None
    id_ = f"wd_{random_hex(16)}"
    if wanted:
        event = {**_wish(id_, member_of(session), wanted), "by": session.subject}
        event |= {"type": "withdraw", "at": call.now.isoformat()}
        outcome, _ = preview(call.database, call.program, event, call.now)
        receipt, refusal = outcome.receipt, outcome.refusal
    return _page(call, session, wanted, refusal, quote=receipt, id=id_)


def confirm(call: Call, session: Session) -> Response:
    """Ask for the withdrawal that was shown."""
    id_, amount = (call.form.get(name, "")[:60] for name in ("id", "amount"))
    if not _ID.fullmatch(id_):
        raise Missing
    wish = _wish(id_, member_of(session), amount)
    outcome = withdrawals.ask(
        call.database, call.program, _desk(call), wish, by=session.subject, now=call.now
    )
    if outcome.refusal is not None:
        return _page(call, session, amount, outcome.refusal, 409)
    return call.go(call.at("m", f"/withdrawals/{id_}"))


def _page(
    call: Call, session: Session, wanted: str, refusal: Refusal | None, status: int = 200,
    **given: Any,
) -> Response:  # fmt: skip
    member = member_of(session)
    has = holding.read_holding(call.database, call.program, member)
    wallet = listing.read_wallet(call.database, call.program, member) or 0
    free = max(wallet, 0)
    if not has.policy.promotion.by_statement:  # else what is held is not in the wallet
        free = commissions.payable_micro(call.database, call.program, member, call.now)
    today = call.now.date().isoformat()
    used = sum(
        row.amount_micro
        for row in _all(call, member)
        if row.day == today and row.state not in GIVEN_BACK
    )
    return call.page(
        "member/withdraw.html", status, session=session, wanted=wanted, refusal=refusal,
        has=has, wallet=wallet, free=free,
        used=used, terms=has.policy.withdrawal, tab="wallet",
        **{"quote": None, "id": "", **given},
    )  # fmt: skip


def listed(call: Call, session: Session) -> Response:
    """All of a member's withdrawals, newest first."""
    rows = _all(call, member_of(session))[::-1]
    return call.page("member/withdrawals.html", rows=rows, tab="wallet")


def _all(call: Call, member: str) -> list[Withdrawal]:
    return withdrawals.list_withdrawals(
        call.database, call.program, member=member, after=0, most=MOST
    )


def show(call: Call, session: Session) -> Response:
    """One withdrawal, and every step it took."""
    row, steps = _own(call, session)
    entry = listing.read_entry(call.database, call.program, ["withdraw"], row.id)
    assert entry is not None
    _, text = policies.get_version(call.database, call.program, entry.policy_version)
    return call.page(
        "member/withdrawal.html",
        row=row,
        terms=read_policy(text).withdrawal,
        steps=[step for step in steps if step.from_state != step.to_state],
        asked_at=entry.posted_at,
        may_cancel=row.state in CANCELLABLE,
        session=session,
        tab="wallet",
    )


def cancel(call: Call, session: Session) -> Response:
    """Take a withdrawal back, as long as nobody approved it; else its page says how it is."""
    row, _ = _own(call, session)
    with suppress(WrongState):
        withdrawals.take_step(
            call.database, call.program, _desk(call), row.id, "cancelled",
            by=session.subject, now=call.now,
        )  # fmt: skip
    return call.go(call.at("m", f"/withdrawals/{quote(row.id)}"))


def _own(call: Call, session: Session) -> tuple[Withdrawal, list[withdrawals.StepRow]]:
    id_ = call.request.path_params["id"]
    try:
        row, steps = withdrawals.read_withdrawal(call.database, call.program, id_)
    except UnknownWithdrawal:
        raise Missing from None
    if row.member != member_of(session):
        raise Missing
    return row, steps


def _wish(id_: str, member: str, amount: str) -> Json:
    """The wish of an amount as it was typed; what cannot be read is refused as it stands."""
    try:
        amount = format_money(parse_money(amount.replace(",", "").removeprefix("¥").strip()))
    except ValueError:
        pass
    else:
        whole, _, decimals = amount.partition(".")
        amount = f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
    return {"id": id_, "member": member, "amount": amount}


def _desk(call: Call) -> Post:
    """The way to the program's desk, from the thread that answers a call."""

    def post(events: Sequence[Json]) -> list[Outcome]:
        return run_async(call.house.desks.post, call.program, events)

    return post
