"""`springtide staff` and `springtide act`, as whoever has the machine uses them."""

import json
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from springtide.services.login import log_in
from springtide.services.settling import settle_due
from springtide.storage.database import Database
from tests.cli.conftest import Command
from tests.people import secret_of

PASSWORD = "a harbour in the morning"


@pytest.fixture
def shop(springtide: Command, name: str) -> str:
    made = springtide("program", "create", name, "--preset", "advert-b", "--profile", "demo")
    assert made.code == 0
    return name


def add(
    springtide: Command, shop: str, *more: str, password: str = PASSWORD
) -> tuple[int, str]:
    result = springtide(
        "staff", "add", f"{shop}.ana", "--program", shop, "--role", "owner",
        "--password-stdin", *more, stdin=f"{password}\n".encode(),
    )  # fmt: skip
    return result.code, result.out if result.code == 0 else result.err


def test_the_first_owner_is_made_and_logs_in(
    springtide: Command, shop: str, database: Database
) -> None:
    code, out = add(springtide, shop)
    uri, *codes = out.splitlines()
    assert code == 0
    assert uri.startswith(f"otpauth://totp/Springtide:{shop}.ana?secret=")
    assert len(codes) == 10
    assert PASSWORD not in out
    now = datetime.now(UTC)
    totp = pyotp.TOTP(secret_of(uri)).at(now)
    opened = log_in(
        database, f"{shop}.ana", PASSWORD, totp, "127.0.0.1", now,
        lambda size: "5" * (2 * size - 8) + f"{hash(shop) % 16**8:08x}",
    )  # fmt: skip
    assert opened is not None
    listed = json.loads(springtide("staff", "list", "--program", shop, "--json").out)
    assert listed == [{"name": f"{shop}.ana", "state": "active", "roles": ["owner"]}]
    assert [*springtide("staff", "list").out.split()][:3] == ["log-in", "state", "roles"]


def test_what_cannot_be_is_refused_in_one_line(springtide: Command, shop: str) -> None:
    code, said = add(springtide, shop, password="short")
    assert (code, said) == (
        2, "springtide: the password has 5 characters; give 12 to 256\n",
    )  # fmt: skip
    assert json.loads(springtide("staff", "list", "--program", shop, "--json").out) == []
    assert add(springtide, shop, "--json")[0] == 0
    assert add(springtide, shop) == (
        2, f"springtide: the log-in {shop}.ana is taken; choose another name\n",
    )  # fmt: skip
    for arguments, said in (
        (("disable", f"{shop}.ana"), "is the last owner of"),
        (("disable", f"{shop}.nobody"), "there is no log-in"),
        (("reset", f"{shop}.nobody"), "there is no log-in"),
        (("grant", f"{shop}.ana", "--program", shop, "--role", "king"), "roles: king"),
        (("revoke", f"{shop}.ana", "--program", shop, "--role", "auditor"), "is not auditor"),
        (("grant", f"{shop}.ana", "--program", f"{shop}x", "--role", "owner"), "no program"),
    ):
        result = springtide("staff", *arguments)
        assert result.code == 2, arguments
        assert said in result.err
        assert result.err.count("\n") == 1


def test_roles_come_and_go_and_the_log_has_it(
    springtide: Command, shop: str, database: Database
) -> None:
    add(springtide, shop)
    who, where = f"{shop}.ana", ("--program", shop)
    assert springtide("staff", "grant", who, *where, "--role", "auditor").code == 0
    assert springtide("staff", "revoke", who, *where, "--role", "auditor").code == 0
    invitation = springtide("staff", "reset", who).out.strip()
    assert invitation.startswith("si_")
    assert springtide("key", "create", shop).code == 0
    assert settle_due(database, shop, datetime.now(UTC) + timedelta(days=9)) == 0
    rows = json.loads(springtide("act", "list", shop, "--json").out)
    assert [(row["what"], row["actor"]) for row in reversed(rows)] == [
        ("program.create", "cli"),
        ("staff.add", "cli"),
        ("role.grant", "cli"),
        ("staff.enrol", f"staff:{who}"),
        ("role.grant", "cli"),
        ("role.revoke", "cli"),
        ("staff.reset", "cli"),
        ("key.create", "cli"),
        ("settle.run", "cli"),
    ]
    assert rows[1]["after"] == {
        "mode": "test", "scopes": ["orders", "payouts", "pool", "read", "refunds"],
    }  # fmt: skip
    shown = springtide("act", "list", shop, "--subject", f"staff:{who}").out
    assert f"cli  role.revoke  staff:{who}  roles auditor+owner -> roles owner\n" in shown
    assert invitation not in springtide("act", "list", shop, "--json").out
    assert springtide("act", "list", shop, "--rows", 1).out.count("\n") == 1
    assert "nothing" in springtide("act", "list", shop, "--actor", "system").out
    assert shop not in springtide("act", "list").out
