"""Staff and their roles: who may what, who may be left, and what is logged of it."""

import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg import errors

from springtide.services.acts import list_acts
from springtide.services.permissions import PERMISSIONS, ROLES, permissions_of
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.staff import (
    add_staff,
    disable_staff,
    find_in_program,
    grant_role,
    list_staff,
    revoke_role,
    set_roles,
)
from springtide.storage import staff
from springtide.storage.database import Database
from springtide.storage.errors import LastOwner, UnknownProgram, UnknownStaff, UnusableStaff
from springtide.storage.programs import get_program
from tests.people import hired

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

PAGE = Path(__file__).parents[2] / "docs" / "staff.md"


@pytest.fixture
def shop(database: Database, name: str) -> str:
    """A program with an owner."""
    create_program(database, name, read_preset("advert-b"))
    hired(database, name, f"{name}.owner", NOW, "owner")
    return name


def roles_of(database: Database, program: str, name: str) -> list[str]:
    row = find_in_program(database, program, name)
    return [] if row is None else row.roles


def test_the_page_says_what_each_role_may() -> None:
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| (permission|`)", line)
    ]
    header, *table = rows
    assert header == ["permission", "allows to", *ROLES]
    assert [(row[0], row[1]) for row in table] == list(PERMISSIONS.items())
    for row in table:
        allowed = {role for role, cell in zip(ROLES, row[2:], strict=True) if cell}
        assert allowed == {role for role in ROLES if row[0] in ROLES[role]}, row[0]


def test_several_roles_add_up() -> None:
    assert permissions_of([]) == frozenset()
    both = permissions_of(["auditor", "reviewer"])
    assert both == {"read", "audit", "review", "policy.approve"}
    assert permissions_of(["owner"]) == set(PERMISSIONS)


def test_makers_are_not_their_own_checkers() -> None:
    for maker, checker in (("policy.draft", "policy.approve"), ("withdrawals", "review")):
        both = {role for role in ROLES if {maker, checker} <= ROLES[role]}
        assert both == {"owner"}, "and the database tells one owner from another"


def test_roles_are_granted_and_taken_and_logged(database: Database, shop: str) -> None:
    ben = f"{shop}.ben"
    add_staff(database, ben, shop, ["auditor"], f"staff:{shop}.owner", NOW, secrets.token_hex)
    grant_role(database, shop, ben, "operator", "cli", NOW)
    grant_role(database, shop, ben, "operator", "cli", NOW)
    assert roles_of(database, shop, ben) == ["auditor", "operator"]
    revoke_role(database, shop, ben, "auditor", "cli", NOW)
    set_roles(database, shop, ben, ["developer", "reviewer"], f"staff:{shop}.owner", NOW)
    assert roles_of(database, shop, ben) == ["developer", "reviewer"]
    acts = list_acts(database, shop, limit=10, subject=f"staff:{ben}")
    assert [(act.what, act.actor) for act in reversed(acts)] == [
        ("staff.add", f"staff:{shop}.owner"),
        ("role.grant", f"staff:{shop}.owner"),
        ("role.grant", "cli"),
        ("role.revoke", "cli"),
        ("role.grant", f"staff:{shop}.owner"),
        ("role.grant", f"staff:{shop}.owner"),
        ("role.revoke", f"staff:{shop}.owner"),
    ]
    assert acts[0].before == {"roles": ["developer", "operator", "reviewer"]}
    assert acts[0].after == {"roles": ["developer", "reviewer"]}
    set_roles(database, shop, ben, [], "cli", NOW)
    assert find_in_program(database, shop, ben) is None
    [row] = [row for row in list_staff(database, None) if row.name == ben]
    assert (row.state, row.roles) == ("invited", [])


def test_a_log_in_may_work_for_several_programs(database: Database, shop: str) -> None:
    other, owner = f"{shop}-b", f"{shop}.owner"
    create_program(database, other, read_preset("advert-b"))
    with pytest.raises(UnknownStaff):
        set_roles(database, other, owner, ["auditor"], "cli", NOW)
    grant_role(database, other, owner, "auditor", "cli", NOW)
    assert roles_of(database, shop, owner) == ["owner"]
    assert roles_of(database, other, owner) == ["auditor"]
    [row] = [row for row in list_staff(database, None) if row.name == owner]
    assert row.roles == [f"{shop} owner", f"{other} auditor"]
    assert [row.name for row in list_staff(database, other)] == [owner]


def test_a_log_in_has_a_plain_name(database: Database, shop: str) -> None:
    for bad in ("", "a", "Ana", "ana maria", "-ana", "安娜", "a" * 64, "ana\n", "ana\x00"):
        with pytest.raises(UnusableStaff, match="cannot be a log-in"):
            add_staff(database, bad, shop, ["owner"], "cli", NOW, secrets.token_hex)


def test_what_is_not_there_is_refused(database: Database, shop: str) -> None:
    owner = f"{shop}.owner"
    with pytest.raises(UnusableStaff, match="taken"):
        add_staff(database, owner, shop, ["auditor"], "cli", NOW, secrets.token_hex)
    for roles in ([], ["king"]):
        with pytest.raises(UnusableStaff, match="known are owner, operator"):
            add_staff(database, f"{shop}.x", shop, roles, "cli", NOW, secrets.token_hex)
    with pytest.raises(UnusableStaff, match="king"):
        grant_role(database, shop, owner, "king", "cli", NOW)
    with pytest.raises(UnknownStaff):
        grant_role(database, shop, f"{shop}.nobody", "auditor", "cli", NOW)
    with pytest.raises(UnknownStaff):
        revoke_role(database, shop, owner, "auditor", "cli", NOW)
    with pytest.raises(UnknownStaff):
        disable_staff(database, f"{shop}.nobody", "cli", NOW)
    with pytest.raises(UnknownProgram):
        grant_role(database, f"{shop}-x", owner, "auditor", "cli", NOW)
    assert [row.name for row in list_staff(database, shop)] == [owner], "all or nothing"
    with database.connect() as tx, pytest.raises(errors.CheckViolation):
        tx.execute("UPDATE staff SET state = 'king'")
    with database.connect() as tx, pytest.raises(errors.CheckViolation):
        tx.execute(
            "INSERT INTO staff_role (program_id, staff, role)"
            " SELECT id, %s, 'king' FROM program WHERE name = %s",
            [owner, shop],
        )


def test_the_last_owner_stays(database: Database, shop: str) -> None:
    owner, second = f"{shop}.owner", f"{shop}.second"
    add_staff(database, second, shop, ["owner"], "cli", NOW, secrets.token_hex)
    ways: list[Callable[[], None]] = [  # the second has no password yet
        lambda: revoke_role(database, shop, owner, "owner", "cli", NOW),
        lambda: set_roles(database, shop, owner, ["auditor"], "cli", NOW),
        lambda: disable_staff(database, owner, "cli", NOW),
    ]
    for leave in ways:
        with pytest.raises(LastOwner, match=f"{owner} is the last owner of {shop}"):
            leave()
    assert roles_of(database, shop, owner) == ["owner"], "nothing was changed"
    hired(database, shop, f"{shop}.third", NOW, "owner")
    revoke_role(database, shop, owner, "owner", "cli", NOW)
    with pytest.raises(LastOwner):
        disable_staff(database, f"{shop}.third", "cli", NOW)


def test_owners_who_remove_each_other_do_not_both_go(database: Database, shop: str) -> None:
    first, second = f"{shop}.owner", f"{shop}.second"
    hired(database, shop, second, NOW, "owner")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:  # the first is being removed
            program = get_program(tx, shop)
            staff.lock_roles(tx, program.id)
            staff.delete_role(tx, program, first, "owner")
            leaving = pool.submit(set_roles, database, shop, second, [], "cli", NOW)
            with pytest.raises(TimeoutError):
                leaving.result(timeout=1)
        with pytest.raises(LastOwner):
            leaving.result()
    assert [row.name for row in list_staff(database, shop)] == [second]
