"""Profiles and the evidence on file: what a program may have switched on, and today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files

from springtide.core.policy import Policy, PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.profile import (
    FEATURES,
    KINDS,
    LIMITS,
    Evidence,
    Profile,
    ProfileError,
    check_profile,
    read_profile,
    used_features,
)
from springtide.storage import evidence, programs
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import UnknownEvidence, UnusableEvidence
from springtide.storage.evidence import Document
from springtide.storage.programs import Program

__all__ = [
    "FEATURES",
    "KINDS",
    "Document",
    "Profile",
    "ProfileError",
    "Standing",
    "UnknownEvidence",
    "UnusableEvidence",
    "Wish",
    "add_evidence",
    "check_allowed",
    "evidence_on_file",
    "facts_of",
    "fitting_profile",
    "get_profile",
    "list_evidence",
    "list_profiles",
    "profile_of",
    "revoke_evidence",
    "standing",
]

_FOLDER = files("springtide") / "profiles"

LONGEST = 255


@dataclass(frozen=True, slots=True)
class Wish:
    """A document to be recorded; days are whole days in UTC, both included."""

    feature: str
    kind: str
    number: str
    issuer: str
    valid_from: date
    expires_on: date
    file_hash: bytes
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a program has switched on, and why it may not, if that is so."""

    profile: Profile
    features: list[str]
    refused: str
    """Why its policy could not be put in effect today; empty if it could."""


@cache
def get_profile(name: str) -> Profile:
    """A profile: its data file within the limits of the code.

    Raises:
        ProfileError: there is no such profile, or its file allows too much.
    """
    text = (_FOLDER / f"{name}.toml").read_text() if name in LIMITS else ""
    return read_profile(name, text)


def fitting_profile(policy_toml: str) -> str:
    """The profile of a new program for which none was named.

    `closed-loop` if the policy fits it, else `demo`, under which nobody is paid real money.

    Raises:
        PolicyError: the policy cannot be used.
    """
    policy = read_policy(policy_toml)
    try:
        check_profile(get_profile("closed-loop"), policy)
    except PolicyError:
        return "demo"
    return "closed-loop"


def list_profiles() -> list[Profile]:
    """All profiles."""
    return [get_profile(name) for name in LIMITS]


def profile_of(database: Database, name: str) -> Profile:
    """The profile of a program.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return get_profile(programs.get_program(tx, name).profile)


def check_allowed(tx: Transaction, program: Program, policy: Policy, now: datetime) -> None:
    """Refuse a policy that the program's profile does not allow, or that lacks evidence.

    Raises:
        PolicyError: the feature, the profile and what is missing.
    """
    on_file = evidence_on_file(tx, program)
    check_profile(get_profile(program.profile), policy, on_file, now.date())


def evidence_on_file(tx: Transaction, program: Program) -> list[Evidence]:
    """All documents of a program; one that was revoked holds until the day before."""
    return [
        Evidence(row.feature, row.kind, row.depth, row.valid_from, _end_of(row), row.number)
        for row in evidence.list_evidence(tx, program)
    ]


def _end_of(row: Document) -> date:
    if row.revoked_at is None:
        return row.expires_on
    return min(row.expires_on, row.revoked_at.astimezone(UTC).date() - timedelta(days=1))


def standing(database: Database, name: str, now: datetime) -> Standing:
    """How a program stands to its profile now: evidence may have expired since.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        policy = read_policy(program.policy_toml)
        try:
            check_allowed(tx, program, policy, now)
            refused = ""
        except PolicyError as error:
            refused = str(error)
    return Standing(get_profile(program.profile), used_features(policy), refused)


def add_evidence(
    database: Database, name: str, wish: Wish, actor: str, now: datetime
) -> Document:
    """Record a document; of the file only its SHA-256 is kept.

    Raises:
        UnknownProgram: there is none of this name.
        UnusableEvidence: a field of the wish cannot be.
    """
    _check(wish)
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        id_ = evidence.insert_evidence(
            tx,
            program,
            (wish.feature, wish.kind, wish.number, wish.issuer),
            wish.depth,
            (wish.valid_from, wish.expires_on),
            wish.file_hash,
            (actor, now),
        )
        found = evidence.find_evidence(tx, program, id_)
        assert found is not None
        append_act(
            tx, program.id, now, actor, "evidence.add", f"evidence:{id_}", after=facts_of(found)
        )
    return found


def _check(wish: Wish) -> None:
    for what, given, known in (
        ("feature", wish.feature, FEATURES), ("kind", wish.kind, KINDS),
    ):  # fmt: skip
        if given not in known:
            raise UnusableEvidence(f"{what} is {given!r}; known are {', '.join(known)}")
    for what, text in (("number", wish.number), ("issuer", wish.issuer)):
        if not (text.strip() and text.isprintable() and len(text) <= LONGEST):
            raise UnusableEvidence(f"{what} is {text!r}; give 1 to {LONGEST} characters")
    if wish.expires_on < wish.valid_from:
        raise UnusableEvidence(f"it expires on {wish.expires_on}, before {wish.valid_from}")
    if wish.depth is not None and not 1 <= wish.depth <= 1_000:
        raise UnusableEvidence(f"depth is {wish.depth}; give 1 to 1000, or none")
    if len(wish.file_hash) != 32:
        raise UnusableEvidence("the file's SHA-256 has 32 bytes: 64 hexadecimal digits")


def facts_of(row: Document) -> dict[str, object]:
    """What a document says, as JSON writes it."""
    return {
        "feature": row.feature,
        "kind": row.kind,
        "number": row.number,
        "issuer": row.issuer,
        "depth": row.depth,
        "valid_from": row.valid_from.isoformat(),
        "expires_on": row.expires_on.isoformat(),
        "sha256": row.file_hash.hex(),
    }


def list_evidence(database: Database, name: str) -> Sequence[Document]:
    """All documents of a program, oldest first, the revoked among them.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return evidence.list_evidence(tx, programs.get_program(tx, name))


def revoke_evidence(database: Database, name: str, id_: int, actor: str, now: datetime) -> None:
    """From now on a document does not count; a second time changes nothing.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownEvidence: the program has no document of this id.
    """
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        found = evidence.find_evidence(tx, program, id_)
        if found is None:
            raise UnknownEvidence(
                f"{name} has no evidence {id_}; see `springtide evidence list {name}`"
            )
        if found.revoked_at is None:
            evidence.revoke_evidence(tx, program, id_, actor, now)
            append_act(
                tx, program.id, now, actor, "evidence.revoke", f"evidence:{id_}",
                before=facts_of(found),
            )  # fmt: skip
