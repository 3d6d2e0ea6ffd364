"""Staff: inviting, granting and taking roles, disabling. Source: docs/staff.md.

A log-in is the installation's, its roles are programs'. So whoever manages a program's staff
grants and takes roles in it, and the log-in itself is left to whoever has the machine.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from springtide.services.login import invitation_hash, is_login, log_of_staff
from springtide.services.permissions import ROLES
from springtide.services.sessions import Random
from springtide.storage import programs, sessions, staff
from springtide.storage.acts import INSTALLATION, append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import LastOwner, UnknownStaff, UnusableStaff
from springtide.storage.programs import Program
from springtide.storage.staff import StaffRow

__all__ = [
    "StaffRow",
    "add_staff",
    "disable_staff",
    "find_in_program",
    "grant_role",
    "list_staff",
    "reset_staff",
    "revoke_role",
    "set_roles",
]

INVITED_FOR = timedelta(hours=72)


def add_staff(
    database: Database,
    name: str,
    program: str,
    roles: Sequence[str],
    actor: str,
    now: datetime,
    random_hex: Random,
) -> str:
    """Make a log-in with roles in a program; gives an invitation, which is kept nowhere.

    Whoever has it sets the password and the second factor, within `INVITED_FOR`.

    Raises:
        UnknownProgram: there is none of this name.
        UnusableStaff: the name is taken or cannot be one, or a role is none.
    """
    if not is_login(name):
        raise UnusableStaff(
            f"{name!r} cannot be a log-in; give 2 to 63 of a-z, 0-9 and . _ @ -,"
            " a letter or digit first"
        )
    _check_roles(roles)
    invitation = f"si_{random_hex(24)}"
    digest, until = invitation_hash(invitation), now + INVITED_FOR
    with database.transaction() as tx:
        found = programs.get_program(tx, program)
        if not staff.insert_staff(tx, name, digest, until, now):
            raise UnusableStaff(f"the log-in {name} is taken; choose another name")
        append_act(tx, found.id, now, actor, "staff.add", f"staff:{name}")
        for role in dict.fromkeys(roles):
            _grant(tx, found, name, role, actor, now)
    return invitation


def reset_staff(
    database: Database, name: str, actor: str, now: datetime, random_hex: Random
) -> str:
    """Take password, second factor and sessions from a log-in; gives a new invitation.

    Raises:
        UnknownStaff: there is no such log-in.
    """
    invitation = f"si_{random_hex(24)}"
    with database.transaction() as tx:
        _lock(tx, name)
        staff.invite_again(tx, name, invitation_hash(invitation), now + INVITED_FOR, now)
        sessions.revoke_sessions(tx, INSTALLATION, f"staff:{name}", now)
        log_of_staff(tx, name, now, "staff.reset", actor=actor)
    return invitation


def disable_staff(database: Database, name: str, actor: str, now: datetime) -> None:
    """Let nobody log in by this name any more, and end its sessions at once.

    `reset_staff` lets it in again.

    Raises:
        UnknownStaff: there is no such log-in.
        LastOwner: a program would be left without an owner.
    """
    with database.transaction() as tx:
        for program_id, program_name, role in sorted(staff.read_all_roles(tx, name)):
            if role == "owner":
                _keep_an_owner(tx, program_id, program_name, name)
        state = _lock(tx, name)
        staff.disable_staff(tx, name)
        sessions.revoke_sessions(tx, INSTALLATION, f"staff:{name}", now)
        log_of_staff(tx, name, now, "staff.disable", {"was": state}, actor=actor)


def grant_role(
    database: Database, program: str, name: str, role: str, actor: str, now: datetime
) -> None:
    """Give somebody a role in a program; a second time changes nothing.

    Their sessions end, so that they go on with a new one.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownStaff: there is no such log-in.
        UnusableStaff: there is no such role.
    """
    _check_roles([role])
    with database.transaction() as tx:
        found = programs.get_program(tx, program)
        _lock(tx, name)
        _grant(tx, found, name, role, actor, now)


def revoke_role(
    database: Database, program: str, name: str, role: str, actor: str, now: datetime
) -> None:
    """Take a role in a program from somebody, and end their sessions.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownStaff: nobody of this name has the role there.
        LastOwner: the program would be left without an owner.
    """
    with database.transaction() as tx:
        found = programs.get_program(tx, program)
        staff.lock_roles(tx, found.id)
        if role not in staff.read_roles(tx, found, name):
            raise UnknownStaff(
                f"{name} is not {role} of {program}; see `springtide staff list`"
            )
        _revoke(tx, found, name, role, actor, now)


def set_roles(
    database: Database,
    program: str,
    name: str,
    roles: Collection[str],
    actor: str,
    now: datetime,
) -> None:
    """Let somebody of a program have these roles there and no others; none is possible.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownStaff: nobody of this name has a role there.
        UnusableStaff: there is no such role.
        LastOwner: the program would be left without an owner.
    """
    _check_roles(roles, some=False)
    with database.transaction() as tx:
        found = programs.get_program(tx, program)
        staff.lock_roles(tx, found.id)
        had = staff.read_roles(tx, found, name)
        if not had:
            raise UnknownStaff(f"nobody named {name!r} works for {program}")
        _lock(tx, name)
        for role in sorted(set(roles) - set(had)):
            _grant(tx, found, name, role, actor, now)
        for role in sorted(set(had) - set(roles)):
            _revoke(tx, found, name, role, actor, now)


def list_staff(database: Database, program: str | None) -> list[StaffRow]:
    """Everybody with a role in a program, or everybody at all with `PROGRAM ROLE` as roles.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return staff.list_staff(tx, programs.get_program(tx, program) if program else None)


def find_in_program(database: Database, program: str, name: str) -> StaffRow | None:
    """Somebody with a role in a program.

    Raises:
        UnknownProgram: there is none of this name.
    """
    return next((row for row in list_staff(database, program) if row.name == name), None)


def _check_roles(roles: Collection[str], *, some: bool = True) -> None:
    unknown = [role for role in roles if role not in ROLES]
    if unknown or (some and not roles):
        given = ", ".join(unknown) or "none"
        raise UnusableStaff(f"roles: {given}; known are {', '.join(ROLES)}")


def _lock(tx: Transaction, name: str) -> str:
    """Hold a log-in; gives its state."""
    person = staff.lock_staff(tx, name)
    if person is None:
        raise UnknownStaff(f"there is no log-in {name!r}; see `springtide staff list`")
    return person.state


def _grant(
    tx: Transaction, program: Program, name: str, role: str, actor: str, now: datetime
) -> None:
    before = staff.read_roles(tx, program, name)
    if staff.insert_role(tx, program, name, role):
        _changed(tx, program, name, "role.grant", before, actor, now)


def _revoke(
    tx: Transaction, program: Program, name: str, role: str, actor: str, now: datetime
) -> None:
    before = staff.read_roles(tx, program, name)
    if role == "owner":
        _keep_an_owner(tx, program.id, program.name, name)
    if staff.delete_role(tx, program, name, role):
        _changed(tx, program, name, "role.revoke", before, actor, now)


def _changed(
    tx: Transaction,
    program: Program,
    name: str,
    what: str,
    before: list[str],
    actor: str,
    now: datetime,
) -> None:
    """Log a change of roles; who may do something else now goes on with a new session."""
    after = staff.read_roles(tx, program, name)
    append_act(
        tx, program.id, now, actor, what, f"staff:{name}",
        before={"roles": before}, after={"roles": after},
    )  # fmt: skip
    sessions.revoke_sessions(tx, INSTALLATION, f"staff:{name}", now)


def _keep_an_owner(tx: Transaction, program_id: int, program: str, leaving: str) -> None:
    staff.lock_roles(tx, program_id)
    if staff.read_owners(tx, program_id) == [leaving]:
        raise LastOwner(
            f"{leaving} is the last owner of {program}; make somebody else owner first"
        )
