"""Sessions: opened, used, rotated, ended; of staff and of members."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg
import pytest
from psycopg import errors

from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.sessions import (
    MEMBER,
    STAFF,
    Life,
    Session,
    find_session,
    list_sessions,
    open_session,
    revoke_session,
    revoke_subject,
    rotate_session,
)
from springtide.storage.database import Database
from springtide.storage.errors import UnknownProgram

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Opened(NamedTuple):
    token: str
    session: Session


def staff_session(database: Database, name: str, life: Life = STAFF) -> Opened:
    return Opened(*open_session(database, f"staff:{name}", None, life, NOW, secrets.token_hex))


def test_a_token_finds_its_session_and_is_kept_by_its_hash_alone(
    database: Database, name: str, admin: psycopg.Connection
) -> None:
    token, session = staff_session(database, name)
    assert find_session(database, token, NOW) == session
    assert (session.subject, session.program) == (f"staff:{name}", None)
    assert find_session(database, token[:-1], NOW) is None
    assert find_session(database, "", NOW) is None
    row = admin.execute(
        "SELECT hash, session::text FROM session WHERE id = %s", [session.id]
    ).fetchone()
    assert row is not None
    assert row[0] == hashlib.sha256(token.encode()).digest()
    assert token not in row[1]
    assert token.removeprefix("ss_") not in row[1]
    assert session.csrf not in token


def test_sessions_of_members_are_their_programs(database: Database, name: str) -> None:
    for program in (name, f"{name}-b"):
        create_program(database, program, read_preset("advert-b"))
    token, session = open_session(database, "member:m1", name, MEMBER, NOW, secrets.token_hex)
    assert find_session(database, token, NOW) == session
    assert session.program == name
    assert list_sessions(database, "member:m1", name, NOW) == [session]
    assert list_sessions(database, "member:m1", f"{name}-b", NOW) == []
    assert revoke_subject(database, "member:m1", f"{name}-b", NOW) == 0
    with pytest.raises(UnknownProgram):
        open_session(database, "member:m1", f"{name}-c", MEMBER, NOW, secrets.token_hex)


@pytest.mark.parametrize("life", [STAFF, MEMBER], ids=str)
def test_a_session_ends_unused_and_ends_used(database: Database, name: str, life: Life) -> None:
    unused, _ = staff_session(database, name, life)
    assert find_session(database, unused, NOW + life.idle) is None
    used, session = staff_session(database, name, life)
    now = NOW
    while (now := now + life.idle * 2 / 3) < session.expires_at:
        found = find_session(database, used, now)
        assert found is not None, now
        assert found.last_used_at == now
    assert find_session(database, used, session.expires_at - SECOND) is not None
    assert find_session(database, used, session.expires_at) is None


def test_use_is_noted_once_a_minute_and_never_goes_back(database: Database, name: str) -> None:
    token, session = staff_session(database, name)
    for seconds, noted in ((30, 0), (60, 60), (90, 60), (125, 125), (20, 125)):
        at = NOW + seconds * SECOND
        assert find_session(database, token, at) is not None
        [kept] = list_sessions(database, session.subject, None, at)
        assert kept.last_used_at == NOW + noted * SECOND


def test_rotation_ends_the_old_token_and_prolongs_nothing(
    database: Database, name: str
) -> None:
    token, session = staff_session(database, name)
    later = NOW + timedelta(minutes=20)
    rotated = rotate_session(database, session, later, secrets.token_hex)
    assert rotated is not None
    assert find_session(database, token, later) is None
    found = find_session(database, rotated[0], later)
    assert found == rotated[1]
    assert found.expires_at == session.expires_at
    assert found.csrf != session.csrf
    assert rotate_session(database, session, later, secrets.token_hex) is None
    assert list_sessions(database, session.subject, None, later) == [found]


def test_one_session_or_all_are_ended(database: Database, name: str) -> None:
    opened = [staff_session(database, name) for _ in range(3)]
    other = staff_session(database, f"{name}-other")
    first = opened[0].session
    assert not revoke_session(database, other.session.subject, None, first.id, NOW)
    assert revoke_session(database, first.subject, None, first.id, NOW)
    assert not revoke_session(database, first.subject, None, first.id, NOW)
    alive = [find_session(database, token, NOW) is not None for token, _ in opened]
    assert alive == [False, True, True]
    assert revoke_subject(database, first.subject, None, NOW) == 2
    assert all(find_session(database, token, NOW) is None for token, _ in opened)
    assert find_session(database, other.token, NOW) == other.session


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ("revoked_at = NULL", errors.CheckViolation),
        ("revoked_at = now()", errors.CheckViolation),
        ("expires_at = expires_at + interval '1 day'", errors.InsufficientPrivilege),
        ("subject = 'staff:somebody'", errors.InsufficientPrivilege),
        ("last_used_at = created_at - interval '1 second'", errors.CheckViolation),
    ],
)
def test_the_database_keeps_an_ended_session_ended(
    database: Database, name: str, change: str, refused: type[Exception]
) -> None:
    _, session = staff_session(database, name)
    revoke_subject(database, session.subject, None, NOW)
    with database.connect() as tx, pytest.raises(refused):
        tx.execute(f"UPDATE session SET {change} WHERE id = %s", [session.id])


def test_the_database_knows_staff_from_members(database: Database, name: str) -> None:
    for subject, program in (("member:m1", None), ("key:k1", None), ("staff:", None)):
        with pytest.raises(errors.CheckViolation):
            open_session(database, subject, program, STAFF, NOW, secrets.token_hex)
    create_program(database, name, read_preset("advert-b"))
    with pytest.raises(errors.CheckViolation):
        open_session(database, "staff:ana", name, STAFF, NOW, secrets.token_hex)
