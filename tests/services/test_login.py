"""Logging in: a password and a code that works once, and nothing learnt from a refusal."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import process_time

import psycopg
import pytest
from psycopg import errors

from springtide.services import login, passwords
from springtide.services.acts import list_acts
from springtide.services.login import (
    change_password,
    enrol,
    find_signed_in,
    log_in,
    log_out,
    wait_after,
)
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.sessions import Session, find_session
from springtide.services.staff import add_staff, disable_staff, grant_role, reset_staff
from springtide.storage import staff
from springtide.storage.database import Database
from springtide.storage.errors import UnusableStaff
from tests.people import PASSWORD, Person, hired

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
STEP = timedelta(seconds=30)


@pytest.fixture
def person(database: Database, name: str) -> Person:
    create_program(database, name, read_preset("advert-b"))
    return hired(database, name, f"{name}.ana", NOW, "operator")


def attempt(
    database: Database,
    person: Person,
    now: datetime = NOW,
    password: str = PASSWORD,
    code: str | None = None,
    name: str | None = None,
) -> tuple[str, Session] | None:
    given = person.code(now) if code is None else code
    return log_in(
        database,
        person.name if name is None else name,
        password,
        given,
        "127.0.0.1",
        now,
        secrets.token_hex,
    )


def why(database: Database, program: str) -> list[object]:
    """Why log-ins were refused, last first."""
    acts = list_acts(database, program, limit=100)
    return [act.after["why"] for act in acts if act.what == "session.refuse" and act.after]


def test_a_password_and_a_code_open_a_session(
    database: Database, name: str, person: Person
) -> None:
    opened = attempt(database, person)
    assert opened is not None
    token, session = opened
    assert session.subject == f"staff:{person.name}"
    signed_in = find_signed_in(database, token, NOW)
    assert signed_in is not None
    assert signed_in.roles == {name: ["operator"]}
    assert "orders" in signed_in.permissions(name)
    assert "staff" not in signed_in.permissions(name)
    assert signed_in.permissions("another") == frozenset()
    log_out(database, session, NOW)
    log_out(database, session, NOW)
    assert find_signed_in(database, token, NOW) is None
    acts = list_acts(database, name, limit=10)
    assert [act.what for act in acts] == [
        "session.close", "session.open", "role.grant", "staff.add", "program.create",
    ]  # fmt: skip
    assert acts[1].actor == f"staff:{person.name}"
    assert acts[1].after == {"session": session.id, "from": "127.0.0.1"}


def test_a_code_works_once(database: Database, name: str, person: Person) -> None:
    assert attempt(database, person) is not None
    assert attempt(database, person) is None
    assert attempt(database, person, NOW + STEP, code=person.code(NOW)) is None
    assert attempt(database, person, NOW + STEP) is not None
    assert attempt(database, person, NOW + STEP, code=person.code(NOW - STEP)) is None
    assert why(database, name) == ["wrong code", "code used before", "code used before"]


def test_a_code_works_once_for_many_at_a_time(database: Database, person: Person) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: attempt(database, person), range(4)))
    assert sum(session is not None for session in opened) == 1


def test_clocks_may_differ_by_half_a_minute(database: Database, person: Person) -> None:
    for offset in (-2, 2):
        assert attempt(database, person, code=person.code(NOW + offset * STEP)) is None
    for offset in (-1, 1):
        assert attempt(database, person, code=person.code(NOW + offset * STEP)) is not None


def test_a_recovery_code_replaces_the_second_factor_once(
    database: Database, person: Person, admin: psycopg.Connection
) -> None:
    first, second = person.recovery_codes[:2]
    assert attempt(database, person, code=first) is not None
    assert attempt(database, person, code=first) is None
    assert attempt(database, person, code=second.upper().replace("-", "")) is not None
    assert len(set(person.recovery_codes)) == 10
    kept = admin.execute(
        "SELECT string_agg(encode(hash, 'hex'), '') FROM staff_recovery WHERE staff = %s",
        [person.name],
    ).fetchone()
    assert kept is not None
    assert all(code.replace("-", "") not in kept[0] for code in person.recovery_codes)


def test_whatever_is_wrong_the_answer_is_the_same(
    database: Database, name: str, person: Person
) -> None:
    for wrong in ("", PASSWORD + " ", "x" * 5_000, "\ud800" * 12):
        assert attempt(database, person, password=wrong) is None
    now = NOW + timedelta(hours=1)
    assert attempt(database, person, now) is not None
    now += timedelta(hours=1)
    for unknown in (f"{name}.nobody", "", "\x00", person.name.upper()):
        assert attempt(database, person, now, name=unknown) is None
    for code in (person.wrong_code(now), "", "１２３４５６", "\ud800"):
        assert attempt(database, person, now, code=code) is None
    assert why(database, name) == ["wrong code"] * 4 + ["wrong password"] * 4


def test_names_that_nobody_has_are_not_written_down(database: Database, person: Person) -> None:
    typed = f"my-secret-password-{person.name}"
    assert attempt(database, person, name=typed) is None
    [act] = list_acts(database, None, limit=1, actor="system")
    assert (act.what, act.subject) == ("session.refuse", "staff:?")
    assert act.after == {"why": "unknown name", "from": "127.0.0.1"}


def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    database: Database, name: str, person: Person
) -> None:
    real = passwords.hash_password(PASSWORD, secrets.token_hex)
    with database.transaction() as tx:
        staff.change_password(tx, person.name, real)

    def seconds(name: str) -> float:
        """Of the processor's time: others may keep it busy."""
        began = process_time()
        assert attempt(database, person, password="wrong password", name=name) is None
        return process_time() - began

    known, unknown = (
        min(seconds(tried) for _ in range(3)) for tried in (person.name, f"{name}.nobody")
    )
    assert 0.5 < unknown / known < 2


def test_the_hash_that_nobody_has_takes_what_a_real_one_takes() -> None:
    real = passwords.hash_password("x", secrets.token_hex)
    assert not passwords.is_password("x", None)
    assert real.split("$")[:4] == passwords.NOBODYS.split("$")[:4]


def test_after_failures_the_next_has_to_wait(
    database: Database, name: str, person: Person
) -> None:
    now = NOW
    for _ in range(login.FREE_FAILURES + 2):
        assert attempt(database, person, now, password="wrong password") is None
        now += timedelta(minutes=1)
    last = now - timedelta(minutes=1)
    assert wait_after(login.FREE_FAILURES + 2) == timedelta(seconds=4)
    assert attempt(database, person, last + timedelta(seconds=3.9)) is None
    assert why(database, name)[0] == "too soon after failures"
    assert attempt(database, person, last + timedelta(seconds=4)) is not None
    assert attempt(database, person, last + STEP, password="wrong password") is None
    assert attempt(database, person, last + 2 * STEP) is not None, "they are counted anew"


def test_waits_grow_and_end() -> None:
    waits = [wait_after(failed).total_seconds() for failed in range(15)]
    assert waits == [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert wait_after(10**9) == login.LONGEST_WAIT


def test_who_is_disabled_is_out_at_once(database: Database, name: str, person: Person) -> None:
    opened = attempt(database, person)
    assert opened is not None
    disable_staff(database, person.name, "cli", NOW)
    assert find_signed_in(database, opened[0], NOW) is None
    assert find_session(database, opened[0], NOW) is None
    assert attempt(database, person, NOW + STEP) is None
    assert why(database, name) == ["disabled"]


def test_another_role_takes_another_session(
    database: Database, name: str, person: Person
) -> None:
    opened = attempt(database, person)
    assert opened is not None
    grant_role(database, name, person.name, "operator", "cli", NOW)
    assert find_signed_in(database, opened[0], NOW) is not None, "nothing was changed"
    grant_role(database, name, person.name, "auditor", "cli", NOW)
    assert find_signed_in(database, opened[0], NOW) is None


def test_a_new_password_ends_every_session(database: Database, person: Person) -> None:
    first, second = attempt(database, person), attempt(database, person, NOW + STEP)
    assert first is not None
    assert second is not None
    now = NOW + 2 * STEP

    def change(old: str, new: str, code: str) -> tuple[str, Session] | None:
        return change_password(database, second[1], old, code, new, now, secrets.token_hex)

    for refused in ("short", person.name, PASSWORD):
        with pytest.raises(UnusableStaff):
            change(PASSWORD, refused, person.code(now))
    assert change("not the password", "another harbour at night", person.code(now)) is None
    changed = change(PASSWORD, "another harbour at night", person.code(now))
    assert changed is not None
    alive = [find_session(database, token, now) for token, _ in (first, second, changed)]
    assert [session is not None for session in alive] == [False, False, True]
    later = now + STEP
    assert attempt(database, person, later) is None
    assert attempt(database, person, later, "another harbour at night") is not None


def test_an_invitation_works_once_and_for_three_days(database: Database, name: str) -> None:
    create_program(database, name, read_preset("advert-b"))
    login_name, days = f"{name}.eve", timedelta(days=3)
    invitation = add_staff(database, login_name, name, ["owner"], "cli", NOW, secrets.token_hex)

    def enrolled(invitation: str, now: datetime) -> bool:
        return enrol(database, invitation, PASSWORD, now, secrets.token_hex) is not None

    assert not enrolled(invitation, NOW + days)
    assert not enrolled(invitation[:-1], NOW)
    with pytest.raises(UnusableStaff):
        enrol(database, invitation, "short", NOW, secrets.token_hex)
    assert enrolled(invitation, NOW + days - STEP)
    assert not enrolled(invitation, NOW)
    again = reset_staff(database, login_name, "cli", NOW, secrets.token_hex)
    assert not enrolled(invitation, NOW)
    assert enrolled(again, NOW)
    [enrolment, *_] = list_acts(database, name, limit=1)
    assert (enrolment.what, enrolment.actor) == ("staff.enrol", f"staff:{login_name}")


def test_whoever_begins_anew_has_nothing_of_before(database: Database, person: Person) -> None:
    opened = attempt(database, person)
    assert opened is not None
    invitation = reset_staff(database, person.name, "cli", NOW, secrets.token_hex)
    assert find_session(database, opened[0], NOW) is None
    assert attempt(database, person, NOW + STEP) is None
    enrol(database, invitation, PASSWORD, NOW, secrets.token_hex)
    assert attempt(database, person, NOW + 2 * STEP) is None, "the second factor is another"
    recovery = person.recovery_codes[0]
    assert attempt(database, person, NOW + 2 * STEP, code=recovery) is None


NAME = "ana.of.harbour"


@pytest.mark.parametrize(
    "password",
    ["twelve chars", "一二三四五六七八九十甲乙", "aaaaaaaaaaaa", f"{NAME} and more", "x" * 256],
)
def test_a_long_password_will_do_whatever_it_is_made_of(password: str) -> None:
    passwords.check_password(NAME, password)


@pytest.mark.parametrize(
    "password",
    ["elevenchars", "", "x" * 257, NAME, NAME.title() * 2, f"{NAME}!1234", "\ud800" * 12],
)
def test_a_short_password_or_the_name_will_not(password: str) -> None:
    with pytest.raises(UnusableStaff):
        passwords.check_password(NAME, password)


def test_a_password_is_the_same_however_it_is_typed() -> None:
    kept = passwords.hash_password("cafe\u0301 at the quay", secrets.token_hex)
    assert passwords.is_password("caf\u00e9 at the quay", kept)
    assert not passwords.is_password("cafe at the quay", kept)


def test_the_database_refuses_half_a_log_in(
    database: Database, person: Person, admin: psycopg.Connection
) -> None:
    for change in ("password = NULL", "totp = NULL", "password = 'plain'", "totp = 'short'"):
        with database.connect() as tx, pytest.raises(errors.CheckViolation):
            tx.execute(f"UPDATE staff SET {change} WHERE name = %s", [person.name])
    assert attempt(database, person) is not None
    with database.connect() as tx, pytest.raises(errors.CheckViolation, match="works once"):
        tx.execute("UPDATE staff SET totp_step = 0 WHERE name = %s", [person.name])
    for statement in (b"DELETE FROM staff", b"UPDATE staff SET name = 'x'"):
        with database.connect() as tx, pytest.raises(errors.InsufficientPrivilege):
            tx.execute(statement)
    row = admin.execute("SELECT staff::text FROM staff WHERE name = %s", [person.name])
    assert PASSWORD not in str(row.fetchone())
