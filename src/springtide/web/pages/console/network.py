"""Merchants: who applied, on which terms they sell, and what each is to be settled for."""

from datetime import datetime
from io import BytesIO
from urllib.parse import quote

from starlette.responses import Response

from springtide.services import dividends, listing, merchant_statements, merchants, regions
from springtide.services.budget import read_budget
from springtide.services.gateway import NotPossible
from springtide.services.login import SignedIn
from springtide.web.pages.console.deeds import REFUSED, ROWS_A_PAGE, actor_of, kept, path_id
from springtide.web.pages.shared.call import HEADERS, Call, Missing

MOST_APPLIED = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def place_of(code: str, now: datetime) -> str:
    """A region in words, from the province down; its code where it has no name."""
    names = [
        found.name
        for found in (regions.find_region(code[:digits], now.year) for digits in (2, 4, 6))
        if found is not None
    ]
    return " ".join(dict.fromkeys(names)) or code


def show_list(call: Call, staff: SignedIn) -> Response:
    """Applications that wait, then everybody who sells."""
    after = call.asked("after")
    applied = merchants.list_applications(
        call.database, call.program, "applied", "", MOST_APPLIED
    )
    ids = listing.list_merchants(call.database, call.program, after, ROWS_A_PAGE + 1)
    shown = ids[:ROWS_A_PAGE]
    rejected = merchants.list_applications(
        call.database, call.program, "rejected", "", MOST_APPLIED
    )
    return call.page(
        "console/merchants.html", staff=staff, tab="merchants", applied=applied,
        rows=merchants.read_sellers(call.database, call.program, shown), rejected=rejected,
        place_of=lambda code: place_of(code, call.now),
        first=call.here(after="") if after else "",
        following=call.here(after=shown[-1]) if len(ids) > ROWS_A_PAGE else "",
    )  # fmt: skip


def show(call: Call, staff: SignedIn) -> Response:
    """A merchant: application, terms, and the statement of a month."""
    return _page(call, staff)


def _page(call: Call, staff: SignedIn, refusal: Exception | None = None) -> Response:
    [one] = merchants.read_sellers(call.database, call.program, [path_id(call)])
    if one.application is None and one.owed is None:
        raise Missing
    statement = _statement(call, one.id) if one.owed is not None else None
    worst = read_budget(call.database, call.program)
    _, state = listing.read_program(call.database, call.program)
    return call.page(
        "console/merchant.html", 409 if refusal else 200, staff=staff, tab="merchants",
        one=one, statement=statement, month=_month(call), refusal=refusal, form=kept(call),
        policy=state.policy, worst=sum(term.most_ppm for term in worst.terms),
        terms=one.terms or state.policy.terms_of(one.id),
        place_of=lambda code: place_of(code, call.now),
    )  # fmt: skip


def _month(call: Call) -> str:
    return call.asked("month", 7) or f"{call.now:%Y-%m}"


def _statement(call: Call, id_: str) -> merchant_statements.MerchantStatement:
    try:
        since, until = dividends.months(_month(call))
    except NotPossible:
        raise Missing from None
    return merchant_statements.read_merchant_statement(
        call.database, call.program, id_, since, until
    )


def sheet(call: Call, staff: SignedIn) -> Response:
    """The statement of a month as a sheet."""
    del staff
    try:
        found = _statement(call, path_id(call))
    except NotPossible:
        raise Missing from None
    book = BytesIO()
    merchant_statements.write_xlsx(found, book)
    named = {"Content-Disposition": f'attachment; filename="statement-{_month(call)}.xlsx"'}
    return Response(book.getvalue(), 200, {**HEADERS, **named}, XLSX)


def decide(call: Call, staff: SignedIn) -> Response:
    """Accept or reject an application, suspend a merchant or let it sell again."""
    id_, do = path_id(call), call.form.get("do", "")
    reason, by = call.form.get("reason", "")[:255], actor_of(staff)
    if do not in ("activate", "reject", "suspend", "resume"):
        raise Missing
    try:
        if do == "activate":
            merchants.activate(call.database, call.program, id_, _terms(call), call.now, by)
        elif do == "reject":
            merchants.reject(call.database, call.program, id_, reason, call.now, by)
        elif do == "suspend":
            merchants.suspend(call.database, call.program, id_, reason, call.now, by)
        else:
            merchants.resume(call.database, call.program, id_, call.now, by)
    except REFUSED as refusal:
        return _page(call, staff, refusal)
    return call.go(call.at("console", f"/merchants/{quote(id_)}"))


def _terms(call: Call) -> dict[str, str]:
    names = ("take_rate", "platform", "distribution", "recruiter_until")
    return {name: call.form[name][:40] for name in names if call.form.get(name)}
