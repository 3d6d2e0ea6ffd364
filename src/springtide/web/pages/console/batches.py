"""Payouts: what is approved goes out once, and what the bank says of it comes back."""

from starlette.responses import Response

from springtide.services import payout_batches, payouts, withdrawals
from springtide.services.login import SignedIn
from springtide.services.payouts import PayoutRefused, Report
from springtide.web.pages.console.deeds import actor_of, poster
from springtide.web.pages.shared.call import HEADERS, Call, Missing
from springtide.web.pages.shared.people import random_hex

MOST_BATCHES = 50


def show(call: Call, staff: SignedIn) -> Response:
    """What is approved and not sent, what was sent, and the form for results."""
    return _page(call, staff)


def _page(
    call: Call,
    staff: SignedIn,
    refusal: Exception | None = None,
    report: Report | None = None,
    told: str = "",
) -> Response:
    return call.page(
        "console/payouts.html", 409 if refusal else 200, staff=staff, tab="payouts",
        batch=random_hex(8), told=told, refusal=refusal, report=report,
        waiting=withdrawals.count_states(call.database, call.program)["approved"],
        batches=payout_batches.list_batches(call.database, call.program, MOST_BATCHES),
    )  # fmt: skip


def send(call: Call, staff: SignedIn) -> Response:
    """Send all that is approved: to the bank by a file, or in a demonstration to nobody."""
    batch, way = call.form.get("batch", "")[:18], call.form.get("way", "")
    if way not in ("file", "sandbox") or (way == "sandbox" and not call.house.demo):
        raise Missing
    post, by = poster(call), actor_of(staff)
    try:
        if way == "sandbox":
            payouts.send(
                call.database, call.program, post, payouts.Sandbox(), batch, by=by, now=call.now
            )
        else:
            payout_batches.send_by_file(
                call.database, call.program, post, batch, by=by, now=call.now
            )
    except PayoutRefused as refusal:
        return _page(call, staff, refusal)
    if not payout_batches.read_batch(call.database, call.program, batch):
        return call.go(call.path)  # somebody was quicker: nothing was left to send
    return call.go(call.at("console", f"/payouts/{batch}"))


def batch(call: Call, staff: SignedIn) -> Response:
    """What was sent together, and how each of it stands."""
    name = str(call.request.path_params["batch"])
    rows = payout_batches.read_batch(call.database, call.program, name)
    if not rows:
        raise Missing
    return call.page(
        "console/batch.html", staff=staff, tab="payouts", name=name, rows=rows,
        amount=sum(row.amount_micro for row in rows), fee=sum(row.fee_micro for row in rows),
    )  # fmt: skip


def file(call: Call, staff: SignedIn) -> Response:
    """The file of a batch for the bank: as often as it is asked for, always the same rows."""
    del staff
    if call.house.demo:
        raise Missing  # nothing there may look as if a bank should pay it
    name = str(call.request.path_params["batch"])
    rows = payout_batches.read_batch(call.database, call.program, name)
    if not rows:
        raise Missing
    named = {"Content-Disposition": f'attachment; filename="payouts-{name}.csv"'}
    return Response(
        payout_batches.bank_file(rows), 200, {**HEADERS, **named}, "text/csv; charset=utf-8"
    )


def take_results(call: Call, staff: SignedIn) -> Response:
    """Say what became of payouts; sent twice, it changes nothing the second time."""
    told = call.form.get("file.text", "") or call.form.get("results", "")
    lines = told.lstrip("\ufeff").splitlines(keepends=True)
    try:
        report = payouts.apply_results(
            call.database, call.program, poster(call),
            payouts.read_rows(lines, call.say("This text")),
            by=actor_of(staff), now=call.now,
        )  # fmt: skip
    except PayoutRefused as refusal:
        return _page(call, staff, refusal, told=told)
    return _page(call, staff, report=report)
