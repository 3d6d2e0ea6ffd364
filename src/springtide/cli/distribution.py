"""`springtide agent`, `level`, `dividend`, `commission`, `invite`, `rebind` and `bindings`."""

import csv
import secrets
import sys
from pathlib import Path
from typing import Annotated

import segno
import typer
from rich.table import Table

from springtide.cli.output import err, facts, money, out, write_json
from springtide.cli.settings import BadInput, Json, clock, database
from springtide.core.units import format_money, format_ratio
from springtide.services import agents, bindings, commissions, dividends, invitations, levels

ACTOR = "cli"

agent_app = typer.Typer(help="Agents of territories and their deposits.", no_args_is_help=True)
level_app = typer.Typer(help="Levels of members.", no_args_is_help=True)
dividend_app = typer.Typer(help="Share what the platform earned.", no_args_is_help=True)
commission_app = typer.Typer(help="What earners have, and why.", no_args_is_help=True)

Program = Annotated[str, typer.Argument(metavar="NAME", help="The program.")]
Contract = Annotated[str, typer.Option(help="The contract's id.")]
Member = Annotated[str, typer.Option(help="The member's id.")]
Share = Annotated[str, typer.Option(help="The part to be shared, like 0.2.")]
Weights = Annotated[Path, typer.Option(metavar="W.csv", help="member,weight a line.")]
Period = Annotated[str, typer.Option(help="A month, like 2026-10.")]


def add_to(main: typer.Typer) -> None:
    """Add these commands to the command line."""
    main.command("invite")(invite)
    main.command("rebind")(rebind)
    main.command("bindings")(list_bindings)
    main.add_typer(agent_app, name="agent")
    main.add_typer(level_app, name="level")
    main.add_typer(dividend_app, name="dividend")
    main.add_typer(commission_app, name="commission")


def invite(
    name: Program,
    member: Annotated[str, typer.Option(help="The member who invites.")] = "",
    merchant: Annotated[str, typer.Option(help="Instead: the store, for its pay-QR.")] = "",
    qr: Annotated[Path | None, typer.Option(metavar="F.svg", help="Draw it as a QR.")] = None,
    url: Annotated[str, typer.Option(help="What stands before the code in the QR.")] = "",
) -> None:
    """Print the code of a member's invitation, or of a store's pay-QR."""
    if bool(member) == bool(merchant):
        raise BadInput("give either --member M or --merchant M")
    with database() as db:
        code = invitations.make(db, name, member, merchant, clock(), ACTOR, secrets.token_bytes)
    if qr is not None:
        if qr.suffix != ".svg":
            raise BadInput(f"{qr} is not an .svg file; name one")
        segno.make(url + code, error="m").save(str(qr), scale=8)
    out.print(code)


def rebind(
    name: Program,
    member: Member,
    referrer: Annotated[str, typer.Option(help="The member to whom they are bound now.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
) -> None:
    """Bind a member to another referrer; what was bought before stays as it was paid."""
    with database() as db:
        bindings.rebind(db, name, member, referrer, reason, clock(), ACTOR)
    err.print(f"{member} is bound to {referrer} from now on")


def list_bindings(name: Program, member: Member, *, json: Json = False) -> None:
    """List the binding of a member and every change of it, with its reason."""
    with database() as db:
        found = bindings.read_history(db, name, member)
    rows: list[dict[str, object]] = [
        {
            "at": one.posted_at.isoformat(timespec="seconds"),
            "before": one.before or None,
            "referrer": one.referrer,
            "reason": one.reason or None,
        }
        for one in found
    ]
    show(rows, as_json=json, none=f"{member} was never bound")


@agent_app.command("appoint")
def appoint(
    name: Program,
    contract: Contract,
    region: Annotated[str, typer.Option(help="GB/T 2260, 2, 4 or 6 digits.")],
    member: Member,
    rate: Annotated[str, typer.Option(help="A rate of its own; else the policy's.")] = "",
    first: Annotated[str, typer.Option("--from", help="The first day, 2026-01-31.")] = "",
    last: Annotated[str, typer.Option("--to", help="The last day.")] = "",
) -> None:
    """Make a member the agent of a region."""
    given = {"rate": rate, "from": first, "to": last}
    more = {key: value for key, value in given.items() if value}
    with database() as db:
        agents.appoint(db, name, contract, region, member, more, clock(), ACTOR)
    err.print(f"{member} serves {region} by contract {contract}")


@agent_app.command("dismiss")
def dismiss(name: Program, contract: Contract) -> None:
    """End a contract now."""
    with database() as db:
        agents.dismiss(db, name, contract, clock(), ACTOR)
    err.print(f"contract {contract} ended")


@agent_app.command("deposit")
def deposit(
    name: Program,
    contract: Contract,
    amount: Annotated[str, typer.Option(help="What the agent paid.")],
) -> None:
    """Note a deposit: refundable, and never anybody's revenue."""
    with database() as db:
        outcome = agents.deposit(db, name, contract, amount, clock(), ACTOR)
    out.print(format_money(_whole(outcome.receipt["held"])))


@agent_app.command("return")
def return_deposit(name: Program, contract: Contract) -> None:
    """Note that a deposit went back to the agent, at the end of the contract."""
    with database() as db:
        outcome = agents.return_deposit(db, name, contract, clock(), ACTOR)
    out.print(format_money(_whole(outcome.receipt["amount"])))


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


@agent_app.command("list")
def list_agents(name: Program, *, json: Json = False) -> None:
    """List all contracts, by region."""
    with database() as db:
        found = agents.list_contracts(db, name)
    rows: list[dict[str, object]] = [
        {
            "contract": one.id,
            "region": one.region,
            "member": one.member,
            "rate": None if one.rate_ppm is None else format_ratio(one.rate_ppm),
            "from": one.first or None,
            "to": one.last or None,
            "ended": one.ended,
            "deposit": format_money(one.deposit_micro),
        }
        for one in found
    ]
    show(rows, as_json=json, none=f"{name} has no contracts; `springtide agent appoint`")


def show(rows: list[dict[str, object]], *, as_json: bool, none: str) -> None:
    """Rows as a table, or as JSON."""
    if as_json:
        write_json(rows)
        return
    if not rows:
        out.print(none)
        return
    table = Table(*rows[0], box=None)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    out.print(table)


@level_app.command("run")
def run_levels(
    name: Program,
    only: Annotated[list[str] | None, typer.Option(help="Only this member.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Post nothing.")] = False,
    json: Json = False,
) -> None:
    """Give members the levels that the policy's rules say they have earned."""
    with database() as db:
        if dry_run:
            found = levels.propose(db, name, clock())
        else:
            found = levels.run(db, name, clock(), ACTOR, only or ())
    rows: list[dict[str, object]] = [
        {"member": one.member, "before": one.before, "level": one.level, "reason": one.reason}
        for one in found
    ]
    show(rows, as_json=json, none="nobody has earned a higher level")


@level_app.command("set")
def set_level(
    name: Program,
    member: Member,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    level: Annotated[str, typer.Option(help="The level; empty takes it away.")] = "",
) -> None:
    """Give a member a level by hand, or take it away."""
    with database() as db:
        levels.give(db, name, member, level, reason, clock(), ACTOR)
    err.print(f"{member} has level {level or 'none'}")


def _weights(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}; give a CSV file in UTF-8") from None
    for row in rows:
        if len(row) != 2:
            raise BadInput(f"{path}: {','.join(row)!r} is not member,weight; correct it")
    if len(dict(rows)) < len(rows):
        raise BadInput(f"{path}: a member stands there twice; add their weights up")
    return {member: weight for member, weight in rows if member != "member"}


def _dividend(name: str, period: str, share: str, weights: Path, *, post: bool) -> None:
    with database() as db:
        event = dividends.event_of(db, name, period, share, _weights(weights), clock())
        if post:
            receipt = dividends.post_dividend(db, name, event, clock(), ACTOR).receipt
        else:
            receipt = dividends.preview_dividend(db, name, event, clock()).receipt
    err.print(f"{share} of {event['revenue']}, what the platform earned in {period}")
    rows = receipt["dividends"]
    assert isinstance(rows, list)
    shown: list[dict[str, object]] = [
        {"member": row["to"], "amount": format_money(row["amount"])} for row in rows
    ]
    show(shown, as_json=False, none="nothing is shared")


@dividend_app.command("preview")
def preview_dividend(name: Program, period: Period, share: Share, weights: Weights) -> None:
    """Show what a dividend would pay to whom."""
    _dividend(name, period, share, weights, post=False)


@dividend_app.command("post")
def post_dividend(name: Program, period: Period, share: Share, weights: Weights) -> None:
    """Pay a dividend for a month, once."""
    _dividend(name, period, share, weights, post=True)


@commission_app.command("why")
def why(
    name: Program,
    order: Annotated[str, typer.Option(help="The order's id.")],
    to: Annotated[str, typer.Option(help="The earner.")],
    *,
    json: Json = False,
) -> None:
    """Say why somebody earned on an order: the rate, the policy and the path."""
    with database() as db:
        found = commissions.why(db, name, order, to, clock())
    rows: list[dict[str, object]] = [
        {
            "kind": one.earned.kind,
            "amount": format_money(one.earned.amount),
            "rate": format_ratio(one.rate_ppm),
            "policy": one.earned.policy_version,
            "path": " > ".join(one.path),
            "status": one.earned.status,
            "taken back": format_money(one.earned.clawed_back),
        }
        for one in found
    ]
    show(rows, as_json=json, none="nothing")


@commission_app.command("payable")
def payable(name: Program, member: Member, *, json: Json = False) -> None:
    """Show how much of what a member has may be paid out now."""
    with database() as db:
        micro = commissions.payable_micro(db, name, member, clock())
        team = commissions.read_team(db, name, member)
    if json:
        write_json({"member": member, "payable": format_money(micro), "team": team.below})
        return
    rows = {"payable": money(micro)}
    rows |= {f"{count} steps below": f"{found:,}" for count, found in team.below.items()}
    out.print(facts(member, rows))


@commission_app.command("export")
def export(
    name: Program,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="A file; else stdout.")] = None,
) -> None:
    """Write what is due on statement to whom, and how much of it is payable, as CSV."""
    with database() as db:
        found = commissions.list_payable(db, name, clock())
    rows = [["member", "due", "payable"]]
    rows += [[member, format_money(due), format_money(most)] for member, due, most in found]
    if csv_file is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    with csv_file.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@commission_app.command("paid")
def paid(
    name: Program,
    member: Member,
    amount: Annotated[str, typer.Option(help="What was paid.")],
    reference: Annotated[str, typer.Option(help="Of the payment; it marks it once.")],
) -> None:
    """Note that an earner on statement was paid; the same reference again is the same."""
    with database() as db:
        receipt = commissions.pay_due(
            db, name, member, amount, reference, clock(), ACTOR
        ).receipt
    out.print(format_money(_whole(receipt["due"])))
