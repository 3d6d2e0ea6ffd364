"""Commissions and why they were paid, levels by sales, and shares of the platform's revenue."""

import csv
from io import StringIO
from typing import Any, NamedTuple

from starlette.responses import Response

from springtide.core.commission import KINDS
from springtide.core.units import format_money, parse_money
from springtide.services import commissions, dividends, levels, listing
from springtide.services.deciding import decide
from springtide.services.gateway import NotPossible
from springtide.services.holds import Earned
from springtide.services.login import SignedIn
from springtide.web.pages.console.deeds import REFUSED, ROWS_A_PAGE, actor_of, kept, path_id
from springtide.web.pages.shared.call import HEADERS, Call, Missing

STATUSES = ("pending", "payable", "clawed_back")
MOST_READ = 1_000
"""Rows that a page looks at for those that fit its filter, before it offers to go on."""


class Wanted(NamedTuple):
    """Which commissions somebody wants to see; empty for all."""

    member: str
    kind: str
    status: str

    def fits(self, row: Earned) -> bool:
        """Whether a commission is one of them."""
        return self.kind in ("", row.kind) and self.status in ("", row.status)


def show(call: Call, staff: SignedIn) -> Response:
    """Commissions in the order of the journal, and what is due where they go by statement."""
    return _page(call, staff)


def _page(call: Call, staff: SignedIn, refusal: Exception | None = None) -> Response:
    wanted = Wanted(call.asked("member"), call.asked("kind", 20), call.asked("status", 20))
    rows, following = _find(call, wanted, _key(call.asked("after", 40)))
    _, state = listing.read_program(call.database, call.program)
    by_statement = state.policy.promotion.by_statement
    due = (
        commissions.list_payable(call.database, call.program, call.now) if by_statement else []
    )
    return call.page(
        "console/commissions.html", 409 if refusal else 200, staff=staff, tab="commissions",
        wanted=wanted, kinds=KINDS, statuses=STATUSES, rows=rows, due=due,
        by_statement=by_statement, looked_at=MOST_READ, form=kept(call), refusal=refusal,
        first=call.here(after="") if call.asked("after") else "",
        following=call.here(after="{}.{}".format(*following)) if following else "",
    )  # fmt: skip


def _key(text: str) -> tuple[int, int]:
    seq, _, line = text.partition(".")
    usable = text.isascii() and seq.isdigit() and line.isdigit() and len(text) < 30
    return (int(seq), int(line)) if usable else (0, 0)


def _find(
    call: Call, wanted: Wanted, after: tuple[int, int]
) -> tuple[list[Earned], tuple[int, int] | None]:
    """A page of those that fit, and after which row the next page begins; None at the end."""
    shown: list[Earned] = []
    for _ in range(MOST_READ // 500):
        read = commissions.list_earned(
            call.database, call.program, wanted.member, call.now, after, 500
        )
        for row in read:
            if wanted.fits(row):
                if len(shown) == ROWS_A_PAGE:
                    return shown, after
                shown.append(row)
            after = row.seq, row.line
        if len(read) < 500:
            return shown, None
    return shown, after


def why(call: Call, staff: SignedIn) -> Response:
    """Why whom an order paid: the rate, the policy and the path of each."""
    try:
        found = commissions.why(call.database, call.program, path_id(call), "", call.now)
    except NotPossible:
        raise Missing from None
    return call.page(
        "console/why.html", staff=staff, tab="commissions", order=path_id(call), rows=found
    )


def statement(call: Call, staff: SignedIn) -> Response:
    """What is due on statement to whom, and how much of it is payable, as CSV."""
    del staff
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["member", "due", "payable"])
    for member, due, most in commissions.list_payable(call.database, call.program, call.now):
        rows.writerow([member, format_money(due), format_money(most)])
    named = {"Content-Disposition": 'attachment; filename="commissions-due.csv"'}
    return Response(text.getvalue(), 200, {**HEADERS, **named}, "text/csv; charset=utf-8")


def mark_paid(call: Call, staff: SignedIn) -> Response:
    """Note that an earner on statement was paid elsewhere; a reference counts once."""
    form = {name: call.form.get(name, "")[:100] for name in ("earner", "amount", "reference")}
    event = {
        "type": "commission_paid",
        "id": f"commission-paid:{form['earner']}:{form['reference']}",
        "member": form["earner"], "amount": _money(form["amount"]),
        "reference": form["reference"],
    }  # fmt: skip
    try:
        decide(call.database, call.program, event, call.now, actor_of(staff), form["earner"])
    except REFUSED as refusal:
        return _page(call, staff, refusal)
    return call.go(call.at("console", "/commissions"))


def _money(text: str) -> str:
    try:
        return format_money(parse_money(text.replace(",", "")))
    except ValueError:
        return text


def show_levels(call: Call, staff: SignedIn) -> Response:
    """Who has which level, who earned a higher one if that is asked, and a form to set one."""
    return _levels(call, staff)


def _levels(call: Call, staff: SignedIn, refusal: Exception | None = None) -> Response:
    _, state = listing.read_program(call.database, call.program)
    after = call.asked("after")
    rows = levels.list_levels(call.database, call.program, after, ROWS_A_PAGE + 1)
    shown = rows[:ROWS_A_PAGE]
    counted = bool(call.asked("count"))
    found = levels.propose(call.database, call.program, call.now) if counted else []
    return call.page(
        "console/levels.html", 409 if refusal else 200, staff=staff, tab="levels",
        rates=state.policy.level_rates_ppm, promotion=state.policy.promotion,
        given=shown, refusal=refusal, counted=counted, proposed=found[:ROWS_A_PAGE],
        more=max(len(found) - ROWS_A_PAGE, 0), form=kept(call),
        first=call.here(after="") if after else "",
        following=call.here(after=shown[-1][0]) if len(rows) > ROWS_A_PAGE else "",
    )  # fmt: skip


def set_level(call: Call, staff: SignedIn) -> Response:
    """Give a level by hand with a reason, or those that were ticked what they earned."""
    do, by = call.form.get("do", ""), actor_of(staff)
    ticked = [name.removeprefix("tick:") for name in call.form if name.startswith("tick:")]
    try:
        if do == "run":
            if ticked:
                levels.run(call.database, call.program, call.now, by, ticked)
        else:
            member, level, reason = (
                call.form.get(name, "")[:255] for name in ("member", "level", "reason")
            )
            levels.give(call.database, call.program, member, level, reason, call.now, by)
    except REFUSED as refusal:
        return _levels(call, staff, refusal)
    return call.go(call.path)


def show_dividends(call: Call, staff: SignedIn) -> Response:
    """The form of a dividend."""
    return _dividends(call, staff)


def _dividends(
    call: Call, staff: SignedIn, refusal: Exception | None = None, **given: Any
) -> Response:
    found: dict[str, Any] = {"event": None, "rows": [], "posted": False, **given}
    form = {name: call.form.get(name, "") for name in ("period", "share", "weights")}
    return call.page(
        "console/dividends.html", 409 if refusal else 200, staff=staff, tab="dividends",
        refusal=refusal, form=form, **found,
    )  # fmt: skip


def share(call: Call, staff: SignedIn) -> Response:
    """Show what a dividend would pay to whom, or pay it. The same one again is paid once."""
    period, part = call.form.get("period", "")[:7], call.form.get("share", "")[:10]
    post = call.form.get("do") == "post"
    try:
        weights = _weights(call.form.get("weights", ""))
        event = dividends.event_of(call.database, call.program, period, part, weights, call.now)
        if post:
            outcome = dividends.post_dividend(
                call.database, call.program, event, call.now, actor_of(staff)
            )
        else:
            outcome = dividends.preview_dividend(call.database, call.program, event, call.now)
    except REFUSED as refusal:
        return _dividends(call, staff, refusal)
    rows = outcome.receipt["dividends"]
    return _dividends(call, staff, event=event, rows=rows, posted=post)


def _weights(text: str) -> dict[str, str]:
    rows = [line.split(",") for line in text.splitlines() if line.strip()]
    found: dict[str, str] = {}
    for row in rows:
        if len(row) != 2:
            raise NotPossible(f"{','.join(row)!r} is not member,weight; correct the line")
        member, weight = (cell.strip() for cell in row)
        if member in found:
            raise NotPossible(f"{member} stands there twice; add the weights up")
        found[member] = weight
    return found
