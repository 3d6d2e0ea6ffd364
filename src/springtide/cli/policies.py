"""`springtide policy`: check policy files, start from presets, change a program's policy."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import facts, money, out, points, price, write_json
from springtide.cli.settings import (
    BadInput,
    By,
    Json,
    PolicyFile,
    actor,
    clock,
    database,
    explain,
    read_text,
)
from springtide.core.budget import worst_case
from springtide.core.policy import Policy, PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.units import format_ratio
from springtide.services import backtest, presets
from springtide.services import policies as drafts
from springtide.services.gateway import UnknownProgram

app = typer.Typer(help="Check policy files; change a program's policy.", no_args_is_help=True)

Program = Annotated[str, typer.Argument(help="The program.")]
Number = Annotated[int, typer.Argument(metavar="N", help="The draft's number.")]


@app.command("check")
def check_command(
    policy: Annotated[Path, typer.Argument(metavar="P.toml", help="A policy file.")],
    *,
    json: Json = False,
) -> None:
    """Check every parameter of a policy, and the worst case of its commissions."""
    try:
        checked = read_policy(read_text(policy))
    except PolicyError as error:
        raise explain(policy, error) from None
    if json:
        write_json({"policy": str(policy), "valid": True, **_worst(checked)})
    else:
        worst = {name.replace("_", " "): value for name, value in _worst(checked).items()}
        out.print(facts(f"{policy} is valid", worst))
        terms = {
            f"{term.kind}: {term.why}": format_ratio(term.most_ppm)
            for term in worst_case(checked)
            if term.most_ppm
        }
        terms["together, of an order"] = format_ratio(
            sum(term.most_ppm for term in worst_case(checked))
        )
        out.print(facts("\nThe most that any tree and any levels can ask for", terms))


def _worst(policy: Policy) -> dict[str, str]:
    smallest = min(
        (policy.terms_of(merchant).take_ppm for merchant in ("", *policy.merchants)),
    )
    return {
        "worst_commission": format_ratio(policy.worst_commission_ppm()),
        "smallest_distribution": format_ratio(smallest * policy.distribution_ppm // 10**6),
    }


@app.command("presets")
def presets_command(*, json: Json = False) -> None:
    """List the presets and what they are for."""
    found = presets.list_presets()
    if json:
        write_json([{"preset": name, "about": about} for name, about in found.items()])
        return
    for name, about in found.items():
        out.print(f"{name:<16}{about}")


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="A program, or a preset.")],
    version: Annotated[
        int | None, typer.Option(help="Of a program's policy; default: the one in effect.")
    ] = None,
) -> None:
    """Print a program's policy, or a preset, as a policy file, to be edited.

    $ springtide policy show advert-b > mine.toml
    """
    if version is None and name in presets.list_presets():
        out.print(presets.read_preset(name), end="")
        return
    with database() as db:
        try:
            _, toml = drafts.get_version(db, name, version)
        except UnknownProgram:
            raise BadInput(
                f"no program and no preset is named {name!r}; "
                f"presets are {', '.join(presets.list_presets())}"
            ) from None
    out.print(toml, end="")


@app.command("draft")
def draft_command(
    program: Program,
    policy: Annotated[Path, typer.Option(metavar="P.toml", help="The next version.")],
    by: By = "",
    *,
    json: Json = False,
) -> None:
    """Draft the next version of a program's policy."""
    toml = read_text(policy)
    with database() as db:
        try:
            draft = drafts.create_draft(db, program, toml, actor(by), clock())
        except PolicyError as error:
            raise explain(policy, error) from None
    _say(program, draft, as_json=json)


@app.command("diff")
def diff_command(
    program: Program,
    draft: Annotated[int | None, typer.Option(help="A draft's number.")] = None,
    policy: PolicyFile = None,
    *,
    json: Json = False,
) -> None:
    """Show what a draft or a policy file would change, parameter by parameter."""
    if (draft is None) == (policy is None):
        raise BadInput("give either --draft N or --policy P.toml")
    with database() as db:
        try:
            if policy is None:
                changes = drafts.diff_draft(db, program, draft or 0)
            else:
                changes = drafts.diff(db, program, read_text(policy))
        except PolicyError as error:
            raise explain(policy, error) from None
    if json:
        write_json([asdict(change) for change in changes])
    else:
        out.print(_table(changes) if changes else "nothing changes")


def _table(changes: Sequence[drafts.Change]) -> Table:
    table = Table("parameter", "what it is", "old", "new", box=None)
    for change in changes:
        table.add_row(change.parameter, change.about, change.old, change.new)
    return table


@app.command("submit")
def submit_command(program: Program, draft: Number, by: By = "", *, json: Json = False) -> None:
    """Submit a draft to somebody else's approval."""
    with database() as db:
        found = drafts.submit(db, program, draft, actor(by), clock())
    _say(program, found, as_json=json)


@app.command("approve")
def approve_command(
    program: Program,
    draft: Number,
    by: By = "",
    at: Annotated[
        str, typer.Option(help="When it comes into effect; default: after the notice.")
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Approve a submitted draft that somebody else made.

    $ springtide policy approve shop 1 --by ana
    """
    with database() as db:
        found = drafts.approve(db, program, draft, actor(by), clock(), _moment(at))
    _say(program, found, as_json=json)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--at is {text!r}; give it like 2026-11-30T00:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@app.command("reject")
def reject_command(
    program: Program,
    draft: Number,
    reason: Annotated[str, typer.Option(help="Why.")],
    by: By = "",
    *,
    json: Json = False,
) -> None:
    """Turn a submitted or approved draft down."""
    with database() as db:
        found = drafts.reject(db, program, draft, actor(by), clock(), reason)
    _say(program, found, as_json=json)


@app.command("withdraw")
def withdraw_command(
    program: Program, draft: Number, by: By = "", *, json: Json = False
) -> None:
    """Take a draft back before it is in effect."""
    with database() as db:
        found = drafts.withdraw(db, program, draft, actor(by), clock())
    _say(program, found, as_json=json)


@app.command("effect")
def effect_command(program: Program, *, json: Json = False) -> None:
    """Put an approved draft in effect if its day has come; a running server does it itself."""
    with database() as db:
        drafts.put_in_effect(db, program, clock())
        version, _ = drafts.get_version(db, program)
    if json:
        write_json({"program": program, "version": version})
    else:
        out.print(f"version {version} of {program} is in effect")


@app.command("list")
def list_command(program: Program, *, json: Json = False) -> None:
    """List a program's drafts and what became of them."""
    with database() as db:
        found = drafts.list_drafts(db, program)
    if json:
        write_json([_draft(draft) for draft in found])
        return
    table = Table(
        "draft", "of", "state", "made by", "approved by", "effect", "reason", box=None
    )
    for draft in found:
        table.add_row(
            str(draft.number), str(draft.base_version), _state(draft), draft.made_by,
            draft.approved_by or "", _time(draft.effective_at) or "", draft.reason,
        )  # fmt: skip
    out.print(
        table if found else f"{program} has no draft; `springtide policy draft` makes one"
    )


def _state(draft: drafts.Draft) -> str:
    return draft.state.replace("_", " ")


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _draft(draft: drafts.Draft) -> dict[str, object]:
    return {
        "draft": draft.number,
        "base_version": draft.base_version,
        "state": draft.state,
        "made_by": draft.made_by,
        "made_at": _time(draft.made_at),
        "approved_by": draft.approved_by,
        "approved_at": _time(draft.approved_at),
        "effective_at": _time(draft.effective_at),
        "closed_by": draft.closed_by,
        "closed_at": _time(draft.closed_at),
        "reason": draft.reason,
    }


def _say(program: str, draft: drafts.Draft, *, as_json: bool) -> None:
    if as_json:
        write_json(_draft(draft))
        return
    following = {
        "draft": f"submit it with `springtide policy submit {program} {draft.number}`",
        "submitted": f"somebody else approves it: `springtide policy approve {program} "
        f"{draft.number} --by WHO`",
        "scheduled": f"it comes into effect at {_time(draft.effective_at)}",
    }
    told = following.get(draft.state, draft.reason)
    out.print(
        f"draft {draft.number} of {program} is {_state(draft)}" + (f"; {told}" if told else "")
    )


@app.command("backtest")
def backtest_command(
    program: Program,
    policy: Annotated[Path, typer.Option(metavar="NEW.toml", help="The other policy.")],
    *,
    json: Json = False,
) -> None:
    """Tell a program's history again under another policy, beside how it was.

    Nothing is posted. People might have done otherwise; this tells the same orders again.
    """
    toml = read_text(policy)
    with database() as db:
        try:
            found = backtest.backtest(db, program, toml)
        except PolicyError as error:
            raise explain(policy, error) from None
    if json:
        write_json(backtest.as_json(program, found))
        return
    if found.changes:
        out.print(_table(found.changes))
    table = Table("", "as it was", "would be", box=None)
    was, would_be = _run(found.was), _run(found.would_be)
    for name in dict.fromkeys([*was, *would_be]):
        table.add_row(name, was.get(name, ""), would_be.get(name, ""))
    out.print(f"\n{found.events:,} events of {program}")
    out.print(table)


def _run(run: backtest.Run) -> dict[str, str]:
    rows = {
        "reserve": money(run.reserve),
        "supply": points(run.supply),
        "price": price(run.price),
        "splits": f"{run.splits:,}",
        "exits at the cap": f"{run.exits:,}",
        "paid at exits": money(run.exits_paid),
        "cashed out": money(run.cashed_out),
        "redeemed": money(run.redeemed),
        "commissions": money(run.commissions),
        "platform": money(run.platform),
        "buyers": f"{run.buyers:,}",
        "the median buyer spent": money(run.median_spent),
        "and got, or would get now": money(run.median_got),
        "buyers who got it back": f"{run.got_back:,}",
    }
    for name, tenth in (("first", run.tenths[:1]), ("last", run.tenths[-1:])):
        for share in tenth:
            rows[f"median of the {name} tenth, for 100"] = f"{share:.2f}"
    rows |= {f"refused: {code}": f"{count:,}" for code, count in run.refused.items()}
    return rows
