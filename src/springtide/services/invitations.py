"""Invitations: codes that say who brought whom, for members and for stores.

A code is opaque: a version, and a keyed hash of what it stands for, which only the program's
secret can make. Whoever reads one learns an id and no more. Source:
docs/decisions/0012-distribution.md.
"""

import hmac
from base64 import b32encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from springtide.core.event_fields import Json, is_name
from springtide.core.policy_file import read_policy
from springtide.storage import distribution, earnings, onboarding, programs, reports
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import NotPossible
from springtide.storage.onboarding import InvitationRow
from springtide.storage.programs import Program

__all__ = [
    "KINDS",
    "Invitation",
    "InvitationRow",
    "UnknownInvitation",
    "binding",
    "bound_by",
    "claim",
    "list_made",
    "make",
    "order_from",
    "read",
]

CODE_BYTES = 15
"""Of a keyed hash: 24 characters, and nobody guesses one."""

SECRET_VERSION = 1
KINDS = ("phone", "identity")
"""What a member can be verified by."""


class UnknownInvitation(NotPossible):
    """No invitation has this code, or the code was not made by this program."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who invites, and where: ids only."""

    code: str
    by: str
    """The member who invites; of a store, its owner. Empty if nobody is, or none is shown."""
    merchant: str
    """Of a store's pay-QR; else empty."""


def _digest(secret: bytes, *parts: str) -> bytes:
    """A keyed hash over parts that cannot run into one another."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(secret, text.encode(), sha256).digest()


def _code(version: int, secret: bytes, member: str, merchant: str) -> str:
    digest = _digest(secret, "invitation", member, merchant)[:CODE_BYTES]
    return f"{version}{b32encode(digest).decode().lower()}"


def _seal(version: int, secret: bytes, text: str) -> str:
    return f"{version}{b32encode(_digest(secret, 'seal', text)[:CODE_BYTES]).decode().lower()}"


def seal(tx: Transaction, program: Program, text: str) -> str:
    """What shows that the program itself gave out a text; it has a secret since it invites.

    Raises:
        UnknownInvitation: it has none yet, so it gave out nothing.
    """
    found = onboarding.find_secret(tx, program)
    if found is None:
        raise UnknownInvitation("this program has made no code yet; let the store make its own")
    return _seal(*found, text)


def is_sealed(tx: Transaction, program: Program, text: str, given: str) -> bool:
    """Whether a seal is that of a text, under whichever secret it was made."""
    version = given[:1]
    known = onboarding.list_secrets(tx, program)
    secret = known.get(int(version)) if version.isdecimal() and version.isascii() else None
    return secret is not None and hmac.compare_digest(
        given.encode(), _seal(int(version), secret, text).encode()
    )


def find_store(tx: Transaction, program: Program, code: str) -> Invitation:
    """The store and its owner that a code stands for, in a transaction.

    Raises:
        UnknownInvitation: it is none of this program's, or not a store's.
    """
    found = _read(tx, program, code)
    if not found.merchant:
        raise UnknownInvitation(f"{code!r} is a member's; scan the code of a store to pay")
    return found


def code_of_store(tx: Transaction, program: Program, merchant: str) -> str:
    """The code of a store's pay-QR, if it was made; else empty."""
    for version, secret in onboarding.list_secrets(tx, program).items():
        code = _code(version, secret, "", merchant)
        if onboarding.find_invitation(tx, program, code) is not None:
            return code
    return ""


def _secret(
    tx: Transaction, program: Program, random: Callable[[int], bytes]
) -> tuple[int, bytes]:
    """The program's secret, made when it is first needed."""
    found = onboarding.find_secret(tx, program)
    if found is None:
        onboarding.insert_secret(tx, program, SECRET_VERSION, random(32))
        found = onboarding.find_secret(tx, program)
    assert found is not None
    return found


def make(
    database: Database,
    name: str,
    member: str,
    merchant: str,
    now: datetime,
    actor: str,
    random: Callable[[int], bytes],
) -> str:
    """The code of a member's invitation, or of a store's if `merchant` is given.

    Each has one: asked for again, it is the same. `random` gives random bytes, as
    `secrets.token_bytes`; it makes the program's secret, once.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        NotPossible: the member is not known, or the store has no owner.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        if merchant:
            _owner(tx, program, merchant)
        elif not is_name(member) or not reports.is_member(tx, program, member):
            raise NotPossible(f"{member!r} is no member of {name}; only members invite")
        version, secret = _secret(tx, program, random)
        who = ("", merchant) if merchant else (member, "")
        code = _code(version, secret, *who)
        if onboarding.insert_invitation(tx, program, code, who, now, actor):
            append_act(tx, program.id, now, actor, "invitation.make", merchant or member)
    return code


def find(database: Database, name: str, member: str) -> str:
    """The code of a member's invitation; empty if it was never made."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        for version, secret in onboarding.list_secrets(tx, program).items():
            code = _code(version, secret, member, "")
            if onboarding.find_invitation(tx, program, code) is not None:
                return code
    return ""


def _owner(tx: Transaction, program: Program, merchant: str) -> str:
    terms = dict(distribution.read_terms(tx, program, [merchant])).get(merchant)
    if terms is None or not terms.owner:
        raise NotPossible(f"{merchant} has no owner among the members; its terms name one")
    return terms.owner


def list_made(database: Database, name: str, after: str, most: int) -> list[InvitationRow]:
    """Invitations by code, from after one: whose each is, and who made it."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return onboarding.list_invitations(tx, program, after, most)


def read(database: Database, name: str, code: str) -> Invitation:
    """What a code stands for.

    Raises:
        UnknownInvitation: it is none of this program's.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = _read(tx, program, code)
        visible = read_policy(program.policy_toml).promotion.visible
    return found if visible else Invitation(found.code, "", found.merchant)


def _read(tx: Transaction, program: Program, code: str) -> Invitation:
    unknown = UnknownInvitation(f"{code!r} is no invitation of this program; scan it again")
    row = onboarding.find_invitation(tx, program, code) if is_name(code) else None
    if row is None:
        raise unknown
    secret = onboarding.list_secrets(tx, program).get(int(row.code[0]))
    # A row that somebody wrote by hand has no code that the secret would make.
    if secret is None or not hmac.compare_digest(
        row.code, _code(int(row.code[0]), secret, row.member, row.merchant)
    ):
        raise unknown
    by = _owner(tx, program, row.merchant) if row.merchant else row.member
    return Invitation(code, by, row.merchant)


def bound_by(database: Database, name: str, member: str) -> tuple[bool, str]:
    """Whether somebody brought a member, and who; empty where the policy does not show it."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = earnings.find_referrer(tx, program, member, program.seq)
        visible = read_policy(program.policy_toml).promotion.visible
    return found is not None, found[0] if found and visible else ""


def order_from(
    database: Database, name: str, code: str, member: str, id_: str, amount: str
) -> Json:
    """The order of somebody who scanned a store's code: at the store, sent by its owner.

    Whoever was bound before stays bound, so nothing has to be asked first.

    Raises:
        UnknownInvitation: it is none of this program's, or not a store's.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = find_store(tx, program, code)
        settles_later = read_policy(program.policy_toml).settle_after_s > 0
    return {
        "type": "pay" if settles_later else "purchase",
        "id": id_, "member": member, "merchant": found.merchant, "amount": amount,
        "referrer": found.by,
    }  # fmt: skip


def binding(
    database: Database,
    name: str,
    code: str,
    member: str,
    verified: Mapping[str, str],
    now: datetime,
    actor: str,
    random: Callable[[int], bytes],
) -> Json:
    """The event that binds a member to whoever invites; to be posted by the caller.

    `verified` has the phone or the identity that was verified, by kind; only a keyed hash of
    it is kept. One person has one account: a second one is not bound.

    Raises:
        UnknownInvitation: the code is none of this program's.
        NotPossible: the member invites themselves, or is known under another account.
    """
    if not is_name(member):
        raise NotPossible(f"member is {member!r}; give 1 to 255 characters of text")
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        found = _read(tx, program, code)
        if found.by == member:
            raise NotPossible(f"{member} cannot be invited by themselves")
        claim(tx, program, member, verified, now, actor, random)
    return {
        "type": "bind", "id": f"invitation:{code}:{_short(member)}", "member": member,
        "referrer": found.by, "at": now.isoformat(),
    }  # fmt: skip


def _short(member: str) -> str:
    """What stands for a member in an id that has only so many characters."""
    return sha256(member.encode()).hexdigest()[:24]


def claim(
    tx: Transaction,
    program: Program,
    member: str,
    verified: Mapping[str, str],
    now: datetime,
    actor: str,
    random: Callable[[int], bytes],
) -> None:
    """Note by which phone or identity a member was verified.

    Raises:
        NotPossible: somebody else was verified by it, or the kind is unknown.
    """
    for kind, value in verified.items():
        if kind not in KINDS or not value.strip():
            raise NotPossible(f"{kind} is not verified by; give {' or '.join(KINDS)}")
        _, secret = _secret(tx, program, random)
        plain = "".join(value.split()).upper()
        digest = _digest(secret, "identity", kind, plain)
        if onboarding.claim_identity(tx, program, kind, digest, member) != member:
            raise NotPossible(
                f"this {kind} was verified for another member; one person has one account"
            )
        append_act(tx, program.id, now, actor, "identity.verify", member, None, {"kind": kind})
