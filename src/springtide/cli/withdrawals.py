"""`springtide withdrawal` and `springtide payout`: decide, send, and hear what came of it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import err, money, out, write_json
from springtide.cli.settings import BadInput, Json, clock, database
from springtide.core.refusals import Refusal
from springtide.core.units import format_money
from springtide.services import payouts, withdrawals
from springtide.services.withdrawals import StepRow, Withdrawal
from springtide.services.writer import Writer

withdrawal_app = typer.Typer(
    help="Look at withdrawals and decide on them.", no_args_is_help=True
)
payout_app = typer.Typer(
    help="Send approved withdrawals, and take in what the bank says.", no_args_is_help=True
)

MOST_LISTED = 1_000

Program = Annotated[str, typer.Argument(metavar="NAME", help="The program.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The withdrawal.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept with the step.")]

ACTOR = "cli"
"""Whoever has the machine is one person, however often: a second one has a key."""


def add_to(main: typer.Typer) -> None:
    """Add the commands."""
    main.add_typer(withdrawal_app, name="withdrawal")
    main.add_typer(payout_app, name="payout")


@withdrawal_app.command("list")
def list_command(
    program: Program,
    state: Annotated[
        str, typer.Option(help=f"Only those in it: {', '.join(withdrawals.STATES)}.")
    ] = "",
    member: Annotated[str, typer.Option(help="Only this member's.")] = "",
    *,
    json: Json = False,
) -> None:
    """List withdrawals, oldest first; at most 1,000 of them."""
    if state and state not in withdrawals.STATES:
        raise BadInput(f"state is {state!r}; known are {', '.join(withdrawals.STATES)}")
    with database() as db:
        found = withdrawals.list_withdrawals(
            db, program, state=state, member=member, after=0, most=MOST_LISTED
        )
    if json:
        write_json([_facts(row) for row in found])
        return
    table = Table("withdrawal", "member", "amount", "fee", "state", "reference", box=None)
    for row in found:
        shown = money(row.amount_micro), money(row.fee_micro)
        table.add_row(row.id, row.member, *shown, _state(row), row.reference)
    none = f"no withdrawal of {program} was asked for yet"
    if state or member:
        none = f"{program} has no such withdrawal; without --state and --member all are listed"
    out.print(table if found else none)


@withdrawal_app.command("approve")
def approve_command(program: Program, id_: Id, why: Why = "", *, json: Json = False) -> None:
    """Approve a withdrawal; a large one takes two different people, and never who asked."""
    _decide(program, id_, "approved", why, as_json=json)


@withdrawal_app.command("reject")
def reject_command(program: Program, id_: Id, why: Why = "", *, json: Json = False) -> None:
    """Reject a withdrawal that was not sent; the money is in the wallet again."""
    _decide(program, id_, "rejected", why, as_json=json)


@withdrawal_app.command("resolve")
def resolve_command(
    program: Program,
    id_: Id,
    state: Annotated[str, typer.Argument(help="settled, failed or returned.")],
    why: Why = "",
    *,
    json: Json = False,
) -> None:
    """Say what became of a withdrawal that was sent, after asking the bank."""
    if state not in ("settled", "failed", "returned"):
        raise BadInput(f"state is {state!r}; give settled, failed or returned")
    _decide(program, id_, state, why, as_json=json)


def _decide(program: str, id_: str, to: str, why: str, *, as_json: bool) -> None:
    with database() as db, Writer(db, program, clock) as writer:
        try:
            row, steps = withdrawals.take_step(
                db, program, writer.post, id_, to, by=ACTOR, now=clock(), why=why
            )
        except Refusal as refusal:
            raise BadInput(str(refusal)) from None
    if as_json:
        write_json({**_facts(row), "steps": [_step(step) for step in steps]})
    else:
        out.print(f"{row.id} of {row.member}, {money(row.amount_micro)}: {_state(row)}")


def _state(row: Withdrawal) -> str:
    if row.state == "under_review" and row.approved_by:
        return f"under_review, {len(row.approved_by)} of {row.needed} approvals"
    return row.state


def _facts(row: Withdrawal) -> dict[str, object]:
    return {
        "id": row.id,
        "member": row.member,
        "amount": format_money(row.amount_micro),
        "fee": format_money(row.fee_micro),
        "state": row.state,
        "approvals": row.needed,
        "approved_by": row.approved_by,
        "asked_by": row.by,
        "reference": row.reference or None,
    }


def _step(step: StepRow) -> dict[str, object]:
    return {
        "at": step.at.isoformat(),
        "actor": step.actor,
        "before": step.from_state,
        "after": step.to_state,
        "why": step.why,
    }


@payout_app.command("export")
def export_command(
    program: Program,
    file: Annotated[
        Path | None, typer.Option(metavar="F.csv", help="A new file for the bank.")
    ] = None,
    batch: Annotated[
        str, typer.Option(help="Up to 18 letters and digits; an earlier one is written again.")
    ] = "",
    *,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Pay nobody, at once.")] = False,
    json: Json = False,
) -> None:
    """Mark all approved withdrawals as sent, and write them to a file for the bank, once.

    If it ends before the file is there, give its batch again: the same payouts are written
    under the same references, and nothing else. Pay each reference once.

    $ springtide payout export shop --file friday.csv
    """
    if (file is None) == (not sandbox):
        raise BadInput("give either --file F.csv or --sandbox")
    batch = batch or secrets.token_hex(8)
    with (
        _sending(batch, program, file) as adapter,
        database() as db,
        Writer(db, program, clock) as w,
    ):
        sent, report = payouts.send(db, program, w.post, adapter, batch, by=ACTOR, now=clock())
    total = sum(one.amount_micro for one in sent)
    if json:
        write_json(
            {
                "batch": batch,
                "file": str(file) if file and sent else None,
                "payouts": len(sent),
                "amount": format_money(total),
                "results": dict(report.changed),
            }
        )
    elif sent:
        out.print(f"batch {batch}: {len(sent):,} payouts, {money(total)}")
        _show(report)
    else:
        out.print("no withdrawal is approved and not sent; nothing was written")


@contextmanager
def _sending(batch: str, program: str, file: Path | None) -> Iterator[payouts.PayoutAdapter]:
    """A way to pay; whatever goes wrong, it is said how to write the file after all."""
    if file is None:
        yield payouts.Sandbox()
        return
    adapter = payouts.CsvFile(file)
    err.print(
        f"if this ends early: springtide payout export {program} --batch {batch} --file F"
    )
    try:
        yield adapter
    finally:
        adapter.discard()


@payout_app.command("import")
def import_command(
    program: Program,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The bank's answer.")],
    *,
    json: Json = False,
) -> None:
    """Take in what became of payouts: a CSV with the columns reference, state and reason.

    States are settled, failed, returned, awaiting_member and unknown. The same file again
    changes nothing; rows that cannot be used change nothing and are shown with the reason.
    """
    with database() as db, Writer(db, program, clock) as writer:
        report = payouts.apply_results(
            db, program, writer.post, payouts.read_results(file), by=ACTOR,
            now=clock(),
        )  # fmt: skip
    if json:
        write_json(
            {
                "changed": dict(report.changed),
                "repeated": report.repeated,
                "findings": [{"line": line, "why": why} for line, why in report.findings],
            }
        )
    else:
        _show(report)
        out.print(f"{report.repeated:,} known before, {len(report.findings):,} not usable")
    for line, why in report.findings:
        err.print(f"line {line}: {why}")


def _show(report: payouts.Report) -> None:
    for state, count in sorted(report.changed.items()):
        out.print(f"{count:,} {state}")
