"""`springtide profile`, `evidence`, `text`: what is allowed, on file, and said."""

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from springtide.cli.output import err, facts, out, write_json
from springtide.cli.settings import BadInput, By, Json, actor, clock, database, read_text
from springtide.core.promises import find_promises
from springtide.services import profiles

profile_app = typer.Typer(help="What programs may do.", no_args_is_help=True)
evidence_app = typer.Typer(help="Licences and opinions on file.", no_args_is_help=True)
text_app = typer.Typer(help="Check texts before they are published.", no_args_is_help=True)

Program = Annotated[str, typer.Argument(help="The program.")]

FOUND = 1


def add_to(main: typer.Typer) -> None:
    """Add the commands."""
    main.add_typer(profile_app, name="profile")
    main.add_typer(evidence_app, name="evidence")
    main.add_typer(text_app, name="text")


@profile_app.command("list")
def list_profiles_command(*, json: Json = False) -> None:
    """List the profiles, what each allows, and what that needs on file."""
    found = profiles.list_profiles()
    if json:
        write_json([_profile(profile) for profile in found])
        return
    for profile in found:
        out.print(f"{profile.name:<16}{profile.about}")
        for feature in sorted(profile.allows):
            kinds = " and ".join(sorted(profile.evidence[feature])) or "nothing on file"
            out.print(f"{'':<16}{feature}: {profiles.FEATURES[feature][0]}; needs {kinds}")


def _profile(profile: profiles.Profile) -> dict[str, object]:
    return {
        "profile": profile.name,
        "about": profile.about,
        "real_money": profile.real_money,
        "notice_days": profile.notice_days,
        "allows": {
            feature: sorted(profile.evidence[feature]) for feature in sorted(profile.allows)
        },
    }


@profile_app.command("show")
def show_profile_command(program: Program, *, json: Json = False) -> None:
    """Show a program's profile, what it uses of it, and what is missing today."""
    with database() as db:
        found = profiles.standing(db, program, clock())
    if json:
        write_json(
            {
                "program": program,
                **_profile(found.profile),
                "uses": found.features,
                "missing": found.refused or None,
            }
        )
        return
    rows = {
        "profile": found.profile.name,
        "real money": "yes" if found.profile.real_money else "no",
        "uses": ", ".join(found.features) or "none of the features",
    }
    out.print(facts(program, rows))
    if found.refused:
        out.print(f"today this policy could not come into effect: {found.refused}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no day; give it like 2026-11-22") from None


@evidence_app.command("add")
def add_command(
    program: Program,
    feature: Annotated[str, typer.Option(help=f"One of {', '.join(profiles.FEATURES)}.")],
    kind: Annotated[str, typer.Option(help=" or ".join(profiles.KINDS))],
    number: Annotated[str, typer.Option(help="The document's number.")],
    issuer: Annotated[str, typer.Option(help="Who issued it.")],
    valid_from: Annotated[str, typer.Option(help="The first day on which it holds.")],
    expires_on: Annotated[str, typer.Option(help="The last day on which it holds.")],
    file: Annotated[Path, typer.Option(help="The document; only its SHA-256 is kept.")],
    depth: Annotated[
        int | None, typer.Option(help="Levels of awards that it permits, for `levels`.")
    ] = None,
    by: By = "",
    *,
    json: Json = False,
) -> None:
    """Record a document that permits a feature."""
    try:
        digest = hashlib.sha256(file.read_bytes()).digest()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}; check the path") from None
    wish = profiles.Wish(
        feature, kind, number, issuer, _day(valid_from), _day(expires_on), digest, depth
    )
    with database() as db:
        found = profiles.add_evidence(db, program, wish, actor(by), clock())
    if json:
        write_json(_document(found))
    else:
        out.print(f"evidence {found.id}: {kind} {number} of {issuer} for {feature}")


def _document(row: profiles.Document) -> dict[str, object]:
    at: datetime | None = row.revoked_at
    return {
        "id": row.id,
        **profiles.facts_of(row),
        "recorded_by": row.recorded_by,
        "recorded_at": row.recorded_at.isoformat(),
        "revoked_at": None if at is None else at.isoformat(),
    }


@evidence_app.command("list")
def list_command(program: Program, *, json: Json = False) -> None:
    """List what is on file for a program, the revoked among it."""
    with database() as db:
        found = profiles.list_evidence(db, program)
    if json:
        write_json([_document(row) for row in found])
        return
    table = Table("id", "feature", "kind", "number", "issuer", "from", "to", "", box=None)
    for row in found:
        days = row.valid_from.isoformat(), row.expires_on.isoformat()
        revoked = "revoked" if row.revoked_at else ""
        table.add_row(
            str(row.id), row.feature, row.kind, row.number, row.issuer, *days, revoked
        )
    out.print(table if found else f"nothing is on file for {program}")


@evidence_app.command("revoke")
def revoke_command(
    program: Program,
    evidence: Annotated[int, typer.Argument(help="Its id.")],
    by: By = "",
) -> None:
    """Let a document count no more: the next change that needs it is refused."""
    with database() as db:
        profiles.revoke_evidence(db, program, evidence, actor(by), clock())
    err.print(f"evidence {evidence} is revoked")


@text_app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A text in UTF-8.")],
    *,
    json: Json = False,
) -> None:
    """Find promises of a return in a text; ends with 1 if there are any."""
    found = find_promises(read_text(file))
    if json:
        write_json(
            [
                {"line": one.line, "column": one.column, "found": one.found, "why": one.why}
                for one in found
            ]
        )
    for one in [] if json else found:
        out.print(f"{file}:{one.line}:{one.column}: {' '.join(one.found.split())!r} {one.why}")
    if not found and not json:
        out.print(f"{file}: nothing on the list; somebody still has to read it")
    if found:
        raise typer.Exit(FOUND)
