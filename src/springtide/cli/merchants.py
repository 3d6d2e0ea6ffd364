"""`springtide merchant`: applications, reviews, regions and statements."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from springtide.cli.distribution import ACTOR, show
from springtide.cli.output import err, facts, money, out, write_json
from springtide.cli.settings import BadInput, Json, clock, database
from springtide.core.units import format_money
from springtide.services import budget, merchants, regions
from springtide.services.merchant_statements import (
    pay_merchant,
    read_merchant_statement,
    write_xlsx,
)

app = typer.Typer(help="Merchants: from application to settlement.", no_args_is_help=True)

Program = Annotated[str, typer.Argument(metavar="NAME", help="The program.")]
Merchant = Annotated[str, typer.Option(help="The merchant's id.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


@app.command("apply")
def apply(
    name: Program,
    merchant: Merchant,
    title: Annotated[str, typer.Option("--title", help="What the shop is called.")],
    licence: Annotated[str, typer.Option(help="Its unified social credit code.")],
    region: Annotated[str, typer.Option(help="GB/T 2260, 6 digits.")],
    settlement: Annotated[str, typer.Option(help="Where its money is to be sent.")],
    owner: Annotated[str, typer.Option(help="The member whose store it is.")] = "",
    recruiter: Annotated[str, typer.Option(help="The member who brought it.")] = "",
) -> None:
    """Take in the application of a merchant."""
    wish = merchants.Application(merchant, title, licence, region, settlement, owner, recruiter)
    with database() as db:
        merchants.apply(db, name, wish, clock(), ACTOR)
    err.print(f"{merchant} applied; `springtide merchant activate` or `reject` it")


@app.command("list")
def list_command(
    name: Program,
    status: Annotated[str, typer.Option(help="applied, active, rejected, suspended")] = "",
    *,
    json: Json = False,
) -> None:
    """List applications and what became of them."""
    with database() as db:
        found = merchants.list_applications(db, name, status, "", 10_000)
    rows: list[dict[str, object]] = [
        {
            "merchant": one.merchant,
            "name": one.name,
            "licence": one.licence,
            "region": one.region,
            "status": one.status,
            "reviewer": one.reviewer,
            "reason": one.reason,
        }
        for one in found
    ]
    show(rows, as_json=json, none=f"nobody has applied to {name}")


@app.command("activate")
def activate(
    name: Program,
    merchant: Merchant,
    take_rate: Annotated[str, typer.Option(help="Of its sales, like 0.20.")],
    platform: Annotated[str, typer.Option(help="Its own share of the take.")] = "",
    distribution: Annotated[str, typer.Option(help="The same; both or none.")] = "",
    recruiter_until: Annotated[str, typer.Option(help="The recruiter's last day.")] = "",
) -> None:
    """Accept an application: from now on the merchant sells under these terms."""
    given = {
        "take_rate": take_rate, "platform": platform, "distribution": distribution,
        "recruiter_until": recruiter_until,
    }  # fmt: skip
    terms = {key: value for key, value in given.items() if value}
    with database() as db:
        merchants.activate(db, name, merchant, terms, clock(), ACTOR)
    err.print(f"{merchant} is active")


@app.command("change")
def change(
    name: Program,
    merchant: Merchant,
    take_rate: Annotated[str, typer.Option(help="Of its sales, like 0.20.")],
    platform: Annotated[str, typer.Option(help="Its own share of the take.")] = "",
    distribution: Annotated[str, typer.Option(help="The same; both or none.")] = "",
    region: Annotated[str, typer.Option(help="GB/T 2260, 6 digits.")] = "",
    recruiter: Annotated[str, typer.Option(help="The member who brought it.")] = "",
    recruiter_until: Annotated[str, typer.Option(help="The recruiter's last day.")] = "",
    owner: Annotated[str, typer.Option(help="The member whose store it is.")] = "",
) -> None:
    """Give a merchant other terms from now on: these, and none that are left out."""
    given = {
        "take_rate": take_rate, "platform": platform, "distribution": distribution,
        "region": region, "recruiter": recruiter, "recruiter_until": recruiter_until,
        "owner": owner,
    }  # fmt: skip
    terms = {key: value for key, value in given.items() if value}
    with database() as db:
        merchants.change(db, name, merchant, terms, clock(), ACTOR)
    err.print(f"{merchant} sells under these terms from now on")


@app.command("settlement")
def settlement(
    name: Program,
    merchant: Merchant,
    account: Annotated[str, typer.Option(help="Where its money is to be sent.")],
) -> None:
    """Let a merchant's money be sent elsewhere; the log keeps where it went."""
    with database() as db:
        before = merchants.read_application(db, name, merchant).settlement
        merchants.move_settlement(db, name, merchant, account, clock(), ACTOR)
    err.print(f"{merchant} is settled to {account}, and no longer to {before}")


@app.command("reject")
def reject(name: Program, merchant: Merchant, reason: Reason) -> None:
    """Refuse an application."""
    with database() as db:
        merchants.reject(db, name, merchant, reason, clock(), ACTOR)
    err.print(f"{merchant} is rejected")


@app.command("suspend")
def suspend(name: Program, merchant: Merchant, reason: Reason) -> None:
    """Stop a merchant's sales; what was paid there before is settled or refunded."""
    with database() as db:
        merchants.suspend(db, name, merchant, reason, clock(), ACTOR)
    err.print(f"{merchant} is suspended")


@app.command("resume")
def resume(name: Program, merchant: Merchant) -> None:
    """Let a suspended merchant sell again, under the terms it had."""
    with database() as db:
        merchants.resume(db, name, merchant, clock(), ACTOR)
    err.print(f"{merchant} is active")


@app.command("regions")
def list_regions(
    parent: Annotated[str, typer.Argument(help="2 or 4 digits; none for provinces.")] = "",
    *,
    json: Json = False,
) -> None:
    """List the regions of GB/T 2260 right below one."""
    found = regions.list_regions(parent, clock().year)
    rows: list[dict[str, object]] = [{"code": one.code, "name": one.name} for one in found]
    show(rows, as_json=json, none=f"nothing is below {parent!r}")


@app.command("budget")
def budget_command(name: Program, *, json: Json = False) -> None:
    """Show the worst case of commissions, and each merchant's budget beside it."""
    with database() as db:
        found = budget.read_budget(db, name)
    rows: list[dict[str, object]] = [
        {
            "merchant": one.merchant or "(the policy's terms)",
            "worst case": format_money(one.worst_ppm),
            "budget": format_money(one.budget_ppm2 // 10**6),
            "holds": one.holds,
        }
        for one in found.proofs
    ]
    show(rows, as_json=json, none="")


def _day(text: str, what: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadInput(f"{what} is {text!r}; give a day like 2026-01-31") from None


@app.command("paid")
def paid(
    name: Program,
    merchant: Merchant,
    amount: Annotated[str, typer.Option(help="What was sent to it.")],
    reference: Annotated[str, typer.Option(help="Of the payment; it marks it once.")],
) -> None:
    """Note that a merchant was paid for what it sold; the same reference again is the same."""
    with database() as db:
        pay_merchant(db, name, merchant, amount, reference, clock(), ACTOR)
    err.print(f"{merchant} was paid {amount}")


@app.command("statement")
def statement(
    name: Program,
    merchant: Merchant,
    first: Annotated[str, typer.Option("--from", help="The first day.")] = "2000-01-01",
    last: Annotated[str, typer.Option("--to", help="The last day.")] = "2999-12-31",
    xlsx: Annotated[Path | None, typer.Option(metavar="F.xlsx", help="Write a sheet.")] = None,
    *,
    json: Json = False,
) -> None:
    """Show what a merchant sold in a time, what was returned, and what it is owed."""
    since, until = _day(first, "--from"), _day(last, "--to") + timedelta(days=1)
    with database() as db:
        found = read_merchant_statement(db, name, merchant, since, until)
    if xlsx is not None:
        try:
            write_xlsx(found, xlsx)
        except OSError as error:
            raise BadInput(f"{xlsx}: {error}; choose another place") from None
    figures = {
        "sold": found.sold, "redeemed": found.redeemed, "returned": found.returned,
        "paid": found.paid, "owed": found.owed_now,
    }  # fmt: skip
    if json:
        write_json({"merchant": merchant, **{k: format_money(v) for k, v in figures.items()}})
        return
    out.print(facts(merchant, {what: money(micro) for what, micro in figures.items()}))
