"""`springtide status`, `statement`, `prices`, `audit` and `disclose`: what the books say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import (
    date_text,
    facts,
    money,
    now_word,
    out,
    percent,
    points,
    price,
    write_json,
)
from springtide.cli.settings import BadInput, Json, database
from springtide.core.policy import Policy
from springtide.core.units import format_money, format_points, format_ratio
from springtide.services import disclosure, reports
from springtide.services.audit import audit
from springtide.services.gateway import Database
from springtide.services.reports import Status, line_json

Name = Annotated[str, typer.Argument(metavar="NAME", help="The program.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("status")(status_command)
    app.command("statement")(statement_command)
    app.command("prices")(prices_command)
    app.command("disclose")(disclose_command)
    app.command("audit")(audit_command)


def status_command(name: Name, *, json: Json = False) -> None:
    """Show a program's pool, what was paid, and what became of its buyers."""
    with database() as db:
        show_status(db, name, as_json=json)


def show_status(db: Database, name: str, *, as_json: bool) -> None:
    """Print a program's status."""
    status = reports.read_status(db, name)
    if as_json:
        write_json(_status_json(status))
        return
    program, activity, result = status.program, status.activity, status.outcomes
    cash_now = status.policy.after_cash_out_fee(status.price_micro)
    now = now_word(pays_cash=status.policy.cash_out_enabled)
    pool = {
        "reserve": money(program.reserve),
        "points": points(program.supply),
        "price of a point": price(status.price_micro),
        f"{now} for a point": price(cash_now),
    }
    paid = {
        "orders": f"{activity.orders:,}",
        "buyers": f"{result.buyers:,}",
        "spent": money(activity.spent),
        "commissions": money(activity.commissions),
        "exits at the cap": f"{activity.exits:,}",
        "  of all orders": percent(activity.exits, activity.orders),
        "  paid out": money(activity.exits_paid),
        "cashed out": money(activity.cashed_out),
        "redeemed": money(activity.redeemed),
        "orders refunded": f"{activity.refunded:,}",
    }
    buyers = {
        "median spent": money(result.median_spent),
        "median cash received for points": money(result.median_received),
        f"median {now}": money(result.median_cash_now),
        "buyers with at least what they spent": f"{result.got_back:,}",
        "  of all buyers": percent(result.got_back, result.buyers),
    }
    out.print(facts(f"{name}: the pool", pool))
    out.print(facts("\nSo far", paid))
    out.print(facts("\nWhat buyers got for what they spent", buyers))


def _status_json(status: Status) -> dict[str, object]:
    program, activity, result = status.program, status.activity, status.outcomes
    cash_now = status.policy.after_cash_out_fee(status.price_micro)
    return {
        "program": program.name,
        "entries": program.seq,
        "reserve": format_money(program.reserve),
        "supply": format_points(program.supply),
        "price": format_money(status.price_micro),
        "cash_now": format_money(cash_now),
        "orphaned": format_money(program.orphaned),
        "split_factor": program.split_factor,
        "orders": activity.orders,
        "members": activity.members,
        "spent": format_money(activity.spent),
        "exits": activity.exits,
        "exits_paid": format_money(activity.exits_paid),
        "cashed_out": format_money(activity.cashed_out),
        "redeemed": format_money(activity.redeemed),
        "commissions": format_money(activity.commissions),
        "refunded": activity.refunded,
        "buyers": result.buyers,
        "median_spent": format_money(result.median_spent),
        "median_received": format_money(result.median_received),
        "median_cash_now": format_money(result.median_cash_now),
        "got_back_what_they_spent": result.got_back,
        "hash": program.hash.hex(),
    }


def disclose_command(
    name: Name,
    amount: Annotated[str, typer.Option(help="What a newcomer would spend.")] = "100.00",
    *,
    json: Json = False,
) -> None:
    """Say what a purchase today would bring, and what became of those before it."""
    with database() as db:
        try:
            found = disclosure.disclose(db, name, amount, datetime.now(UTC))
        except disclosure.NotDisclosed as error:
            raise BadInput(str(error)) from None
    if json:
        write_json(disclosure.as_json(name, found))
        return
    now = found.outlook
    today = {"spent": money(now.amount), "its points are worth": money(now.value)}
    word = now_word(pays_cash=found.pays_cash)
    today[f"{word} for them"] = money(now.cash_now)
    if now.highest is not None and now.highest_paid is not None:
        today["the cap"] = money(now.highest)
        today["  paid of it, after the fee"] = money(now.highest_paid)
    if now.price_multiple is not None:
        today["  the price must grow"] = f"{now.price_multiple:,.1f} times"
    if now.pool_multiple is not None:
        today["  so the pool, by purchases"] = f"{now.pool_multiple:,.0f} times"
    today["orders that ever reached the cap"] = percent(found.reached_cap, found.orders)
    out.print(facts(f"{name}: a purchase today", today))
    causes = {
        cause.replace("_", "-"): f"{times:.4f} times" for cause, times in found.rise.items()
    }
    out.print(facts("\nWhat multiplied the price so far", causes))
    table = Table(
        "buyers by first order", title=f"\nReceived and {word}, for 100 spent", box=None
    )
    for column in ("buyers", "spent", "median", "mean"):
        table.add_column(column, justify="right")
    for tenth in found.tenths:
        table.add_row(
            f"tenth {tenth.number}",
            f"{tenth.buyers:,}",
            money(tenth.spent_micro),
            f"{tenth.median:.2f}",
            f"{tenth.mean:.2f}",
        )
    out.print(table)


def statement_command(
    name: Name,
    member: Annotated[str, typer.Option("--member", help="The member.")],
    *,
    json: Json = False,
) -> None:
    """Show every movement of a member, its cause, and the balance after it."""
    with database() as db:
        statement = reports.read_statement(db, name, member)
    if json:
        write_json(
            {
                "member": member,
                "movements": [line_json(line) for line in statement.lines],
                "wallet": format_money(statement.wallet_micro),
                "credit": format_money(statement.credit_micro),
                "points": format_points(statement.points_nano),
                "cash_now": format_money(statement.cash_now_micro),
            }
        )
        return
    table = Table("entry", "date", "cause", "by", "unit", box=None)
    table.add_column("change", justify="right")
    table.add_column("balance", justify="right")
    for line in statement.lines:
        show = points if line.unit == "points" else money
        sign = "+" if line.change > 0 else ""
        table.add_row(
            str(line.seq), date_text(line.at or ""), line.cause.replace("_", " "), line.id,
            line.unit, sign + show(line.change), show(line.balance),
        )  # fmt: skip
    out.print(table)
    word = now_word(pays_cash=statement.pays_cash)
    out.print(
        facts(
            f"\n{member} has now",
            {
                "wallet": money(statement.wallet_micro),
                "store credit": money(statement.credit_micro),
                "points": points(statement.points_nano),
                f"{word} for all points": money(statement.cash_now_micro),
            },
        )
    )


def prices_command(
    name: Name,
    chart: Annotated[Path | None, typer.Option(help="Write a chart to this PNG file.")] = None,
    rows: Annotated[int, typer.Option(min=2, max=100_000, help="Most rows to show.")] = 20,
    *,
    json: Json = False,
) -> None:
    """Show how the price of a point moved, beside what a point could be cashed for."""
    with database() as db:
        policy, prices = reports.read_prices(db, name, rows)
        if chart is not None:
            write_chart(db, name, chart)
    if json:
        write_json(
            [
                {
                    "entry": row.seq,
                    "at": row.at,
                    "reserve": format_money(row.reserve),
                    "supply": format_points(row.supply),
                    "price": format_money(row.price),
                    "cash_now": format_money(policy.after_cash_out_fee(row.price)),
                    "split_factor": row.factor,
                }
                for row in prices
            ]
        )
        return
    table = Table("entry", "date", box=None)
    word = now_word(pays_cash=policy.cash_out_enabled)
    for column in ("reserve", "points", "price", f"{word} (less {_fee(policy)})"):
        table.add_column(column, justify="right")
    for row in prices:
        table.add_row(
            f"{row.seq:,}", date_text(row.at), money(row.reserve), points(row.supply),
            price(row.price), price(policy.after_cash_out_fee(row.price)),
        )  # fmt: skip
    out.print(table)


def _fee(policy: Policy) -> str:
    return format_ratio(policy.cash_out_fee_ppm * 100) + " %"


def write_chart(db: Database, name: str, path: Path) -> None:
    """Draw the price and what it pays now.

    Raises:
        BadInput: the file cannot be written.
    """
    from springtide.cli.chart import draw_prices

    policy, prices = reports.read_prices(db, name, 600)
    try:
        draw_prices(name, policy, prices, path)
    except OSError as error:
        raise BadInput(
            f"{path}: the chart cannot be written ({error.strerror}); "
            "name a file in a folder that is there and may be written to"
        ) from None
    except ValueError as error:
        raise BadInput(
            f"{path}: the chart cannot be written ({error}); name a .png file"
        ) from None


def audit_command(name: Name, *, json: Json = False) -> None:
    """Check every law of a program from its tables alone.

    Reads one consistent snapshot, so it is safe on a live program. Exits with 1 if a law is
    broken.

    $ springtide audit shop

    ok      Law 1: the price never falls.
    """
    with database() as db:
        result = audit(db, name)
    if json:
        write_json(
            {
                "program": name,
                "passed": result.passed,
                "entries": result.entries,
                "batches": result.batches,
                "hash": result.program.hash.hex(),
                "laws": [
                    {
                        "law": finding.law,
                        "broken_by": finding.broken_by,
                        "checked": not finding.unchecked,
                    }
                    for finding in result.findings
                ],
            }
        )
    else:
        for finding in result.findings:
            said = "unknown" if finding.unchecked else "ok     "
            out.print(f"{said if finding.holds else 'BROKEN '} {finding.law}")
            for broken in finding.broken_by[:5]:
                out.print(f"        {broken}")
        out.print(f"{result.entries:,} entries in {result.batches:,} batches were read")
        out.print(f"hash of the last batch: {result.program.hash.hex()}")
    if not result.passed:
        raise typer.Exit(1)
