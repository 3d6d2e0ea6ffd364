"""Logging in, and the password and second factor it takes. Source: docs/staff.md.

Whatever was wrong, a log-in says and does the same and takes as long: nobody learns by it
who is on the staff. After failures the next one has to wait, longer each time.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from springtide.services.passwords import (
    check_password,
    hash_password,
    is_password,
    make_recovery_codes,
    make_totp,
    recovery_hash,
    totp_step,
    totp_uri,
)
from springtide.services.permissions import permissions_of
from springtide.services.sessions import STAFF, Random, Session, find_session, open_session_in
from springtide.storage import sessions, staff
from springtide.storage.acts import INSTALLATION, Facts, append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import UnusableStaff
from springtide.storage.staff import Staff

FREE_FAILURES = 4
"""Failures in a row after which nobody has to wait yet."""

LONGEST_WAIT = timedelta(minutes=5)

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,62}")


def is_login(name: str) -> bool:
    """Whether this can be the name of a log-in."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody of the staff who is logged in, with their roles by program."""

    name: str
    session: Session
    roles: dict[str, list[str]]

    def permissions(self, program: str) -> frozenset[str]:
        """What they may do in a program; nothing where they have no role."""
        return permissions_of(self.roles.get(program, []))


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a new member of the staff is shown, this once."""

    name: str
    totp_uri: str
    recovery_codes: list[str]


def wait_after(failed: int) -> timedelta:
    """How long a log-in has to wait after so many failures in a row."""
    if failed <= FREE_FAILURES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failed - FREE_FAILURES, 20)), LONGEST_WAIT)


def log_in(
    database: Database,
    name: str,
    password: str,
    code: str,
    address: str,
    now: datetime,
    random_hex: Random,
) -> tuple[str, Session] | None:
    """Open a session for somebody who knows the password and has the second factor.

    `code` is of the second factor, or a recovery code; each works once. Gives the session's
    token and the session, or None: the log of acts knows why.
    """
    with database.snapshot() as tx:
        seen = staff.find_staff(tx, name) if is_login(name) else None
    # Outside of a transaction, for this takes a while on purpose.
    right = is_password(password, seen.password if seen else None)
    with database.transaction() as tx:
        person = staff.lock_staff(tx, name) if seen else None
        why = _refusal(tx, person, seen, code, now, right=right)
        if person is None or why:
            _note_failure(tx, person, why, address, now)
            return None
        token, session = open_session_in(
            tx, INSTALLATION, f"staff:{name}", STAFF, now, random_hex
        )
        log_of_staff(tx, name, now, "session.open", {"session": session.id, "from": address})
    return token, session


def _refusal(
    tx: Transaction,
    person: Staff | None,
    seen: Staff | None,
    code: str,
    now: datetime,
    *,
    right: bool,
) -> str:
    """Why somebody may not log in; empty if they may, and then the code is used up."""
    if person is None or seen is None:
        return "unknown name"
    if person.state != "active" or person.totp is None:
        return person.state
    if person.wait_until is not None and now < person.wait_until:
        return "too soon after failures"
    if not right or person.password != seen.password:
        return "wrong password"
    step = totp_step(person.totp, code, now)
    if step is not None and step > person.totp_step:
        staff.note_success(tx, person.name, step)
        return ""
    if step is not None:
        return "code used before"
    if staff.use_recovery_code(tx, person.name, recovery_hash(code), now):
        staff.note_success(tx, person.name, person.totp_step)
        return ""
    return "wrong code"


def _note_failure(
    tx: Transaction, person: Staff | None, why: str, address: str, now: datetime
) -> None:
    facts: Facts = {"why": why, "from": address}
    if person is None:
        # The name is not written down: people type passwords where names belong.
        append_act(tx, INSTALLATION, now, "system", "session.refuse", "staff:?", after=facts)
        return
    if why != "too soon after failures":
        failed = person.failed + 1
        staff.note_failure(tx, person.name, failed, now + wait_after(failed))
    log_of_staff(tx, person.name, now, "session.refuse", facts, actor="system")


def log_of_staff(
    tx: Transaction,
    name: str,
    now: datetime,
    what: str,
    after: Facts | None = None,
    actor: str = "",
) -> None:
    """Log what concerns somebody wherever they have a role, or for the installation alone.

    The actor is themselves, if no other is given.
    """
    programs = {program_id for program_id, _, _ in staff.read_all_roles(tx, name)}
    for program_id in sorted(programs) or [INSTALLATION]:
        append_act(
            tx, program_id, now, actor or f"staff:{name}", what, f"staff:{name}", after=after
        )


def find_signed_in(database: Database, token: str, now: datetime) -> SignedIn | None:
    """Who a session's token is of, with the roles that stand now; None if of nobody."""
    session = find_session(database, token, now)
    if session is None or not session.subject.startswith("staff:"):
        return None
    name = session.subject.removeprefix("staff:")
    roles: dict[str, list[str]] = {}
    with database.snapshot() as tx:
        person = staff.find_staff(tx, name)
        if person is None or person.state != "active":
            return None
        for _, program, role in staff.read_all_roles(tx, name):
            roles.setdefault(program, []).append(role)
    return SignedIn(name, session, roles)


def log_out(database: Database, session: Session, now: datetime) -> None:
    """End a session of staff; a second time changes nothing."""
    name = session.subject.removeprefix("staff:")
    with database.transaction() as tx:
        if sessions.revoke_session(tx, INSTALLATION, session.subject, session.id, now):
            log_of_staff(tx, name, now, "session.close", {"session": session.id})


def invitation_hash(invitation: str) -> bytes:
    """What is kept of an invitation."""
    return hashlib.sha256(invitation.encode()).digest()


def enrol(
    database: Database, invitation: str, password: str, now: datetime, random_hex: Random
) -> Enrolled | None:
    """Set a password and a second factor with an invitation, which works once.

    None if there is no such invitation, or it is over.

    Raises:
        UnusableStaff: the password is too short, too long or the name; try another.
    """
    digest = invitation_hash(invitation)
    with database.transaction() as tx:
        person = staff.lock_invited(tx, digest)
        if person is None or person.invited_until is None or now >= person.invited_until:
            return None
        check_password(person.name, password)
        secret, codes = make_totp(random_hex), make_recovery_codes(random_hex)
        kept = hash_password(password, random_hex)
        staff.activate_staff(tx, person.name, kept, secret, [*map(recovery_hash, codes)])
        log_of_staff(tx, person.name, now, "staff.enrol")
    return Enrolled(person.name, totp_uri(person.name, secret), codes)


def change_password(
    database: Database,
    session: Session,
    password: str,
    code: str,
    new: str,
    now: datetime,
    random_hex: Random,
) -> tuple[str, Session] | None:
    """Change the password of who is logged in; gives a new session, all others end.

    None if the password or the code is wrong, which counts as a failed log-in.

    Raises:
        UnusableStaff: the new password is too short, too long or the name, or the old one.
    """
    name = session.subject.removeprefix("staff:")
    check_password(name, new)
    if new == password:
        raise UnusableStaff("the new password is the old one; choose another")
    kept = hash_password(new, random_hex)
    opened = log_in(database, name, password, code, "change of password", now, random_hex)
    if opened is None:
        return None
    with database.transaction() as tx:
        staff.change_password(tx, name, kept)
        sessions.revoke_sessions(tx, INSTALLATION, session.subject, now)
        token, session = open_session_in(
            tx, INSTALLATION, session.subject, STAFF, now, random_hex
        )
        log_of_staff(tx, name, now, "staff.password")
    return token, session
