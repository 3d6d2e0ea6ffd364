"""Drafts of policies and the evidence on file, over HTTP: who may draft, and who approve."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, Field

from springtide.core.policy import PolicyError
from springtide.services import policies, profiles
from springtide.services.gateway import (
    DraftState,
    FourEyes,
    UnknownDraft,
    UnknownEvidence,
    UnusableEvidence,
)
from springtide.web.depends import PROBLEMS, Approver, Books, Drafter, Reader, clock, missing
from springtide.web.models import Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)

Number = Annotated[int, Path(ge=1, le=32767)]
Time = Annotated[str, Field(description="RFC 3339")]

DraftWord = Literal["draft", "submitted", "scheduled", "in_effect", "rejected", "withdrawn"]


class DraftIn(BaseModel):
    """The next version of the policy, as a whole."""

    toml: str = Field(max_length=200_000)


class ApprovalIn(BaseModel):
    """When an approved draft comes into effect; after the notice, if it is left out."""

    effective_at: datetime | None = None


class RejectionIn(BaseModel):
    """Why a draft is turned down."""

    reason: str = Field(min_length=1, max_length=1_000)


class PolicyDraft(BaseModel):
    """A draft of the next version of the policy, and what was decided on it."""

    object: Literal["policy_draft"] = "policy_draft"
    number: int
    base_version: int
    state: DraftWord
    toml: str
    made_by: str
    made_at: Time
    approved_by: str | None
    approved_at: Time | None
    effective_at: Time | None
    closed_by: str | None
    closed_at: Time | None
    reason: str


class ParameterChange(BaseModel):
    """One parameter that a draft changes, in words."""

    parameter: str
    about: str
    old: str
    new: str


class EvidenceIn(BaseModel):
    """A licence or an opinion; of the document itself only the SHA-256 is kept."""

    feature: str
    kind: str
    number: str
    issuer: str
    valid_from: date
    expires_on: date
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    depth: int | None = Field(default=None, ge=1, le=1_000)


class EvidenceOut(BaseModel):
    """What is on file for a feature."""

    object: Literal["evidence"] = "evidence"
    id: str
    feature: str
    kind: str
    number: str
    issuer: str
    valid_from: str
    expires_on: str
    sha256: str
    depth: int | None
    recorded_by: str
    recorded_at: Time
    revoked_at: Time | None


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else _time(at)


def _draft(row: policies.Draft) -> PolicyDraft:
    return PolicyDraft.model_validate(
        {
            "number": row.number,
            "base_version": row.base_version,
            "state": row.state,
            "toml": row.toml,
            "made_by": row.made_by,
            "made_at": _time(row.made_at),
            "approved_by": row.approved_by,
            "approved_at": _maybe(row.approved_at),
            "effective_at": _maybe(row.effective_at),
            "closed_by": row.closed_by,
            "closed_at": _maybe(row.closed_at),
            "reason": row.reason,
        }
    )


@contextmanager
def _saying_no(number: int = 0) -> Iterator[None]:
    try:
        yield
    except UnknownDraft:
        raise missing("draft", str(number)) from None
    except UnknownEvidence:
        raise missing("evidence", str(number)) from None
    except PolicyError as error:
        raise Problem("policy_refused", str(error)) from None
    except DraftState as error:
        raise Problem("draft_state", str(error)) from None
    except FourEyes as error:
        raise Problem("four_eyes", str(error)) from None
    except UnusableEvidence as error:
        raise Problem("invalid_parameter", str(error)) from None


@router.get("/policies/drafts")
def list_drafts(key: Reader, books: Books) -> Page[PolicyDraft]:
    """All drafts of the policy, oldest first, and what became of them."""
    found = policies.list_drafts(books, key.program)
    return Page(data=[_draft(row) for row in found], next=None)


@router.post("/policies/drafts", status_code=201)
def create_draft(key: Drafter, books: Books, wish: Annotated[DraftIn, Body()]) -> PolicyDraft:
    """Draft the next version of the policy."""
    with _saying_no():
        made = policies.create_draft(books, key.program, wish.toml, key.actor, clock())
    return _draft(made)


@router.get("/policies/drafts/{number}")
def read_draft(key: Reader, books: Books, number: Number) -> PolicyDraft:
    """One draft."""
    with _saying_no(number):
        return _draft(policies.get_draft(books, key.program, number))


@router.get("/policies/drafts/{number}/diff")
def diff_draft(key: Reader, books: Books, number: Number) -> Page[ParameterChange]:
    """What a draft changes of the version it was made against, parameter by parameter."""
    with _saying_no(number):
        changes = policies.diff_draft(books, key.program, number)
    return Page(
        data=[
            ParameterChange(parameter=one.parameter, about=one.about, old=one.old, new=one.new)
            for one in changes
        ],
        next=None,
    )


@router.post("/policies/drafts/{number}/submit")
def submit_draft(key: Drafter, books: Books, number: Number) -> PolicyDraft:
    """Ask for somebody else's approval."""
    with _saying_no(number):
        return _draft(policies.submit(books, key.program, number, key.actor, clock()))


@router.post("/policies/drafts/{number}/withdraw")
def withdraw_draft(key: Drafter, books: Books, number: Number) -> PolicyDraft:
    """Take a draft back before it is in effect."""
    with _saying_no(number):
        return _draft(policies.withdraw(books, key.program, number, key.actor, clock()))


@router.post("/policies/drafts/{number}/approve")
def approve_draft(
    key: Approver,
    books: Books,
    number: Number,
    wish: Annotated[ApprovalIn | None, Body()] = None,
) -> PolicyDraft:
    """Approve a submitted draft that another key made; it waits for its day."""
    at = wish.effective_at if wish else None
    if at is not None and at.tzinfo is None:
        raise Problem("invalid_parameter", f"effective_at {at} lacks its zone; end it with Z")
    with _saying_no(number):
        approved = policies.approve(books, key.program, number, key.actor, clock(), at)
    return _draft(approved)


@router.post("/policies/drafts/{number}/reject")
def reject_draft(
    key: Approver, books: Books, number: Number, wish: Annotated[RejectionIn, Body()]
) -> PolicyDraft:
    """Turn a submitted or approved draft down."""
    with _saying_no(number):
        return _draft(
            policies.reject(books, key.program, number, key.actor, clock(), wish.reason)
        )


def _evidence(row: profiles.Document) -> EvidenceOut:
    return EvidenceOut(
        id=str(row.id),
        feature=row.feature,
        kind=row.kind,
        number=row.number,
        issuer=row.issuer,
        valid_from=row.valid_from.isoformat(),
        expires_on=row.expires_on.isoformat(),
        sha256=row.file_hash.hex(),
        depth=row.depth,
        recorded_by=row.recorded_by,
        recorded_at=_time(row.recorded_at),
        revoked_at=_maybe(row.revoked_at),
    )


@router.get("/evidence")
def list_evidence(key: Reader, books: Books) -> Page[EvidenceOut]:
    """What is on file for the program, the revoked among it."""
    found = profiles.list_evidence(books, key.program)
    return Page(data=[_evidence(row) for row in found], next=None)


@router.post("/evidence", status_code=201)
def add_evidence(
    key: Approver, books: Books, wish: Annotated[EvidenceIn, Body()]
) -> EvidenceOut:
    """Record a document that permits a feature."""
    told = profiles.Wish(
        wish.feature,
        wish.kind,
        wish.number,
        wish.issuer,
        wish.valid_from,
        wish.expires_on,
        bytes.fromhex(wish.sha256),
        wish.depth,
    )
    with _saying_no():
        made = profiles.add_evidence(books, key.program, told, key.actor, clock())
    return _evidence(made)


@router.delete("/evidence/{id}", status_code=204)
def revoke_evidence(
    key: Approver, books: Books, id_: Annotated[int, Path(alias="id", ge=1, lt=2**63)]
) -> None:
    """Let a document count no more: the next change that needs it is refused."""
    with _saying_no(id_):
        profiles.revoke_evidence(books, key.program, id_, key.actor, clock())
