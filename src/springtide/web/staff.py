"""The staff of a program, over HTTP: nobody may give a role that may more than they may.

A log-in is the installation's: here it gets and loses roles in one program. Disabling it, or
letting it begin anew, is left to whoever has the machine.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Body

from springtide.services import staff
from springtide.services.gateway import LastOwner, UnknownStaff, UnusableStaff
from springtide.services.permissions import ROLES, Principal, permissions_of
from springtide.services.staff import StaffRow
from springtide.web import people
from springtide.web.depends import PROBLEMS, Books, Name, Now, StaffKeeper, missing, plain
from springtide.web.models import Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)


def _person(row: StaffRow) -> people.Staff:
    return people.Staff(
        name=row.name,
        state=row.state,
        roles=row.roles,
        created_at=row.created_at.isoformat(),
    )


def _check_givable(principal: Principal, roles: Sequence[str]) -> None:
    """Refuse roles that may more than who gives them."""
    known = [role for role in roles if role in ROLES]
    lacking = sorted(permissions_of(known) - principal.permissions)
    if lacking:
        raise Problem("forbidden", f"you lack {', '.join(lacking)} and cannot give it")


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    try:
        yield
    except UnusableStaff as error:
        raise Problem("invalid_parameter", str(error)) from None
    except LastOwner as error:
        raise Problem("last_owner", str(error)) from None
    except UnknownStaff:
        raise missing("staff", name) from None


@router.get("/staff")
def list_staff(principal: StaffKeeper, books: Books) -> Page[people.Staff]:
    """Everybody who has a role in the program."""
    rows = staff.list_staff(books, principal.program)
    return Page(data=[_person(row) for row in rows], next=None)


@router.post("/staff", status_code=201)
def invite_staff(
    principal: StaffKeeper, books: Books, now: Now, wish: Annotated[people.StaffIn, Body()]
) -> people.InvitedStaff:
    """Make a log-in with roles in the program; its invitation is shown this once.

    Whoever has the invitation sets the password and the second factor, within three days.
    """
    _check_givable(principal, wish.roles)
    with _refusing(wish.name):
        invitation = staff.add_staff(
            books, wish.name, principal.program, wish.roles, principal.actor, now,
            secrets.token_hex,
        )  # fmt: skip
    made = _read(principal, books, wish.name)
    return people.InvitedStaff(invitation=invitation, **made.model_dump())


def _read(principal: Principal, books: Books, name: str) -> people.Staff:
    row = staff.find_in_program(books, principal.program, plain(name))
    if row is None:
        raise missing("staff", name)
    return _person(row)


@router.get("/staff/{name}")
def read_staff(principal: StaffKeeper, books: Books, name: Name) -> people.Staff:
    """Somebody who has a role in the program."""
    return _read(principal, books, name)


@router.put("/staff/{name}")
def change_roles(
    principal: StaffKeeper,
    books: Books,
    now: Now,
    name: Name,
    wish: Annotated[people.RolesIn, Body()],
) -> people.Staff:
    """Let somebody have these roles in the program and no others; their sessions end."""
    had = _read(principal, books, name)
    _check_givable(principal, [*wish.roles, *had.roles])
    with _refusing(name):
        staff.set_roles(books, principal.program, name, wish.roles, principal.actor, now)
    return _read(principal, books, name)


@router.delete("/staff/{name}", status_code=204)
def remove_staff(principal: StaffKeeper, books: Books, now: Now, name: Name) -> None:
    """Take all roles in the program from somebody; their sessions end."""
    had = _read(principal, books, name)
    _check_givable(principal, had.roles)
    with _refusing(name):
        staff.set_roles(books, principal.program, name, [], principal.actor, now)
