"""Merchants from application to suspension, and what each is to be settled for.

An application is reviewed by a person, who is named in it. What it leads to is an event of
the journal, `merchant_terms`, posted in the same transaction as the review.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from springtide.core.distribution import told_of
from springtide.core.event_fields import Json, is_name
from springtide.core.journal import merchant_account
from springtide.core.policy import Terms
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome
from springtide.services.deciding import decide
from springtide.services.regions import find_region
from springtide.storage import distribution, history, listing, onboarding, programs
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import NotPossible
from springtide.storage.onboarding import ApplicationRow
from springtide.storage.programs import Program

__all__ = [
    "Application",
    "ApplicationRow",
    "Seller",
    "activate",
    "all_told_of",
    "apply",
    "change",
    "list_applications",
    "move_settlement",
    "read_application",
    "read_sellers",
    "read_terms",
    "reject",
    "resume",
    "suspend",
    "terms_in_effect",
]


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody says who wants to sell."""

    merchant: str
    """The id it is to have."""
    name: str
    licence: str
    """Its unified social credit code."""
    region: str
    """GB/T 2260, 6 digits."""
    settlement: str
    """Where its money is to be sent, in words of its own."""
    owner: str = ""
    """The member whose store it is, if they are one."""
    recruiter: str = ""


def apply(
    database: Database, name: str, wish: Application, now: datetime, actor: str
) -> ApplicationRow:
    """Take in an application.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        NotPossible: a field is not usable, or the merchant or its licence has applied before.
    """
    row = _checked(wish, now)
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        if not onboarding.insert_application(tx, program, row, now):
            raise NotPossible(
                f"{wish.merchant} or the licence {row['licence']} applied before; "
                "see `springtide merchant list`"
            )
        facts: dict[str, object] = {"name": wish.name, "licence": row["licence"]}
        append_act(tx, program.id, now, actor, "merchant.apply", wish.merchant, None, facts)
        found = onboarding.find_application(tx, program, wish.merchant)
    assert found is not None
    return found


def _checked(wish: Application, now: datetime) -> dict[str, str]:
    row: dict[str, str] = asdict(wish)
    for field in ("merchant", "name", "settlement"):
        if not is_name(row[field]):
            raise NotPossible(f"{field} is {row[field]!r}; give 1 to 255 characters of text")
    for field in ("owner", "recruiter"):
        if row[field] and not is_name(row[field]):
            raise NotPossible(f"{field} is {row[field]!r}; give the id of a member")
    try:
        row["licence"] = uscc.validate(wish.licence)
    except ValidationError as error:
        raise NotPossible(
            f"licence {wish.licence!r} is no unified social credit code ({error}); check it"
        ) from None
    _check_region(wish.region, now)
    return row


def _check_region(region: str, now: datetime) -> None:
    if len(region) != 6 or find_region(region, now.year) is None:
        raise NotPossible(
            f"region {region!r} is no district of GB/T 2260 in {now.year}; "
            "see `springtide merchant regions`"
        )


def list_applications(
    database: Database, name: str, status: str, after: str, most: int
) -> list[ApplicationRow]:
    """Applications by merchant, of one status if one is given."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return onboarding.list_applications(tx, program, status, after, most)


def read_application(database: Database, name: str, merchant: str) -> ApplicationRow:
    """One application.

    Raises:
        NotPossible: there is none.
    """
    with database.snapshot() as tx:
        found = onboarding.find_application(tx, programs.get_program(tx, name), merchant)
    if found is None:
        raise NotPossible(f"{merchant} has not applied; see `springtide merchant list`")
    return found


class Seller(NamedTuple):
    """A merchant: what it applied with, the terms of its own, and what it is owed."""

    id: str
    application: ApplicationRow | None
    terms: Terms | None
    owed: int | None
    """In micro; None if it never sold."""


def read_sellers(database: Database, name: str, ids: Sequence[str]) -> list[Seller]:
    """Some merchants, in the order they are asked for."""
    accounts = {id_: merchant_account(id_) for id_ in ids}
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        terms = dict(distribution.read_terms(tx, program, ids))
        owed = history.read_merchants(tx, program, accounts.values())
        return [
            Seller(
                id_,
                onboarding.find_application(tx, program, id_),
                terms.get(id_),
                owed[account] if listing.is_merchant(tx, program, id_) else None,
            )
            for id_, account in accounts.items()
        ]


def read_terms(database: Database, name: str, merchant: str) -> Terms | None:
    """The terms that an event gave a merchant; None if none did."""
    with database.snapshot() as tx:
        found = dict(distribution.read_terms(tx, programs.get_program(tx, name), [merchant]))
    return found.get(merchant)


def terms_in_effect(database: Database, name: str, merchant: str) -> tuple[bool, Terms]:
    """The terms under which a merchant sells now, and whether an event gave it those."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        own = dict(distribution.read_terms(tx, program, [merchant])).get(merchant)
    if own is not None:
        return True, own
    return False, read_policy(program.policy_toml).terms_of(merchant)


def activate(
    database: Database,
    name: str,
    merchant: str,
    terms: Mapping[str, str],
    now: datetime,
    actor: str,
) -> Outcome:
    """Accept an application; `terms` has the take rate, and may have a split and an end.

    Raises:
        NotPossible: there is no application, or it was reviewed before.
        Refusal: the terms could owe more commissions than they distribute.
    """
    row = read_application(database, name, merchant)
    if row.status != "applied":
        raise NotPossible(f"{merchant} is {row.status}; only what applied is activated")
    event = {
        "type": "merchant_terms", "id": f"activate:{merchant}", "merchant": merchant,
        "region": row.region, "recruiter": row.recruiter, "owner": row.owner, **terms,
    }  # fmt: skip
    return _review(database, name, event, "active", None, now, actor)


def reject(
    database: Database, name: str, merchant: str, reason: str, now: datetime, actor: str
) -> None:
    """Refuse an application, with a reason.

    Raises:
        NotPossible: there is no application, or it was reviewed before.
    """
    row = read_application(database, name, merchant)
    if row.status != "applied":
        raise NotPossible(f"{merchant} is {row.status}; only what applied is rejected")
    if not reason.strip():
        raise NotPossible("a rejection has a reason; say why")
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        onboarding.review_application(tx, program, merchant, "rejected", actor, now, reason)
        append_act(
            tx, program.id, now, actor, "merchant.reject", merchant, None, {"reason": reason}
        )


def change(
    database: Database,
    name: str,
    merchant: str,
    terms: Mapping[str, str],
    now: datetime,
    actor: str,
) -> Outcome:
    """Give a merchant other terms from now on; what was paid before keeps those it had.

    `terms` are all of them: the take rate, and where there is one a split of its own, the
    region, the recruiter and their last day, the owner. A merchant that is suspended stays so.

    Raises:
        NotPossible: nobody of this id sells here, or the region is none.
        Refusal: the terms could owe more commissions than they distribute.
    """
    if terms.get("region"):
        _check_region(terms["region"], now)
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        row = onboarding.find_application(tx, program, merchant)
        known = listing.is_merchant(tx, program, merchant)
    if not known or (row is not None and row.status in ("applied", "rejected")):
        raise NotPossible(f"{merchant} does not sell here; activate its application first")
    had = read_terms(database, name, merchant)
    event = {
        "type": "merchant_terms", "id": f"terms:{merchant}:{now.isoformat()}",
        "at": _day(now), "merchant": merchant, **terms,
        "suspended": had is not None and had.suspended,
    }  # fmt: skip

    def look_again(tx: Transaction, program: Program) -> None:
        """Whoever was suspended meanwhile would sell again by what was read before."""
        if onboarding.find_application(tx, program, merchant) != row:
            raise NotPossible(f"{merchant} was just changed by somebody else; look again")

    before = None if had is None else all_told_of(had)
    return decide(database, name, event, now, actor, merchant, look_again, before)


def move_settlement(
    database: Database, name: str, merchant: str, settlement: str, now: datetime, actor: str
) -> ApplicationRow:
    """Let a merchant's money be sent elsewhere from now on; the log keeps where it went.

    Raises:
        NotPossible: there is no application, it was rejected, or this is no text.
    """
    if not is_name(settlement):
        raise NotPossible(f"settlement is {settlement!r}; give 1 to 255 characters of text")
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        row = onboarding.find_application(tx, program, merchant)
        if row is None or row.status == "rejected":
            raise NotPossible(f"{merchant} has no application that stands")
        onboarding.move_settlement(tx, program, merchant, settlement)
        append_act(
            tx, program.id, now, actor, "merchant.settlement", merchant,
            {"settlement": row.settlement}, {"settlement": settlement},
        )  # fmt: skip
    return replace(row, settlement=settlement)


def all_told_of(terms: Terms) -> dict[str, object]:
    """All that terms say, as events say it."""
    return {**told_of(terms), "owner": terms.owner, "suspended": terms.suspended}


def suspend(
    database: Database, name: str, merchant: str, reason: str, now: datetime, actor: str
) -> Outcome:
    """Stop a merchant's sales; what was paid there before is settled or refunded.

    Raises:
        NotPossible: it is not active, or no reason is given.
    """
    if not reason.strip():
        raise NotPossible("a suspension has a reason; say why")
    return _turn(database, name, merchant, ("active", "suspended"), reason, now, actor)


def resume(database: Database, name: str, merchant: str, now: datetime, actor: str) -> Outcome:
    """Let a suspended merchant sell again, under the terms it had.

    Raises:
        NotPossible: it is not suspended.
    """
    return _turn(database, name, merchant, ("suspended", "active"), None, now, actor)


def _turn(
    database: Database,
    name: str,
    merchant: str,
    statuses: tuple[str, str],
    reason: str | None,
    now: datetime,
    actor: str,
) -> Outcome:
    row = read_application(database, name, merchant)
    before, after = statuses
    terms = read_terms(database, name, merchant)
    if row.status != before or terms is None:
        raise NotPossible(f"{merchant} is {row.status}, not {before}; nothing was changed")
    event = {
        "type": "merchant_terms", "id": f"{after}:{merchant}:{now.isoformat()}",
        "merchant": merchant, **all_told_of(terms), "suspended": after == "suspended",
    }  # fmt: skip
    return _review(database, name, event, after, reason, now, actor)


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _review(
    database: Database,
    name: str,
    event: Json,
    status: str,
    reason: str | None,
    now: datetime,
    actor: str,
) -> Outcome:
    merchant = str(event["merchant"])

    def note(tx: Transaction, program: Program) -> None:
        onboarding.review_application(tx, program, merchant, status, actor, now, reason)

    told = {"at": _day(now), **event}
    if reason is not None:
        told["reason"] = reason
    return decide(database, name, told, now, actor, merchant, note)
