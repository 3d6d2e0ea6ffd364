"""Logging in by phone: one code at a time, few guesses, and no number in the clear."""

import itertools
import secrets
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from springtide.services import phones
from springtide.services.acts import list_acts
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.sessions import find_session
from springtide.storage.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_numbers = itertools.count(13_900_000_000)


class Outbox:
    """What was sent, newest last."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def send(self, phone: str, code: str) -> None:
        assert phone.startswith("+86")
        self.codes.append(code)


@pytest.fixture
def shop(database: Database, name: str) -> str:
    create_program(database, name, read_preset("advert-b"))
    return name


@pytest.fixture
def phone() -> str:
    return phones.read_phone(str(next(_numbers)))


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def send(database: Database, shop: str, phone: str, outbox: Outbox, now: datetime = NOW) -> str:
    phones.send_code(database, shop, phone, outbox, now, secrets.token_hex)
    return outbox.codes[-1]


def enter(database: Database, shop: str, phone: str, code: str, now: datetime = NOW) -> str:
    """Log in; gives who that is."""
    token, session = phones.log_in(database, shop, phone, code, now, secrets.token_hex)
    found = find_session(database, token, now)
    assert found is not None
    assert (found.subject, found.program) == (session.subject, shop)
    return session.subject


def other(code: str) -> str:
    return str((int(code) + 1) % 1_000_000).zfill(6)


@pytest.mark.parametrize("text", ["138 0013 8000", "+86 13800138000", "138-0013-8000"])
def test_a_number_may_be_written_in_many_ways(text: str) -> None:
    assert phones.read_phone(text) == "+8613800138000"


@pytest.mark.parametrize("text", ["", "12", "hello", "+", "1" * 40])
def test_what_cannot_be_called_is_no_number(text: str) -> None:
    with pytest.raises(phones.NotANumber):
        phones.read_phone(text)


def test_the_same_number_is_the_same_member(
    database: Database, shop: str, phone: str, outbox: Outbox
) -> None:
    code = send(database, shop, phone, outbox)
    assert len(code) == 6
    who = enter(database, shop, phone, code)
    assert who.startswith("member:u")
    later = NOW + MINUTE
    assert (
        enter(database, shop, phone, send(database, shop, phone, outbox, later), later) == who
    )


def test_a_code_works_once_and_for_five_minutes(
    database: Database, shop: str, phone: str, outbox: Outbox
) -> None:
    code = send(database, shop, phone, outbox)
    enter(database, shop, phone, code, NOW + phones.GOOD_FOR - SECOND)
    with pytest.raises(phones.WrongCode):
        enter(database, shop, phone, code, NOW + phones.GOOD_FOR - SECOND)
    later = NOW + timedelta(minutes=10)
    code = send(database, shop, phone, outbox, later)
    with pytest.raises(phones.WrongCode):
        enter(database, shop, phone, code, later + phones.GOOD_FOR)


def test_five_guesses_and_no_more(
    database: Database, shop: str, phone: str, outbox: Outbox
) -> None:
    code = send(database, shop, phone, outbox)
    for _ in range(phones.MOST_GUESSES):
        with pytest.raises(phones.WrongCode):
            enter(database, shop, phone, other(code))
    with pytest.raises(phones.WrongCode):
        enter(database, shop, phone, code)
    later = NOW + MINUTE
    enter(database, shop, phone, send(database, shop, phone, outbox, later), later)


def test_a_code_is_for_the_number_and_the_program_it_was_sent_to(
    database: Database, shop: str, phone: str, outbox: Outbox
) -> None:
    create_program(database, f"{shop}-b", read_preset("advert-b"))
    code = send(database, shop, phone, outbox)
    with pytest.raises(phones.WrongCode):
        enter(database, f"{shop}-b", phone, code)
    with pytest.raises(phones.WrongCode):
        enter(database, shop, phones.read_phone(str(next(_numbers))), code)


def test_a_number_is_left_in_peace(
    database: Database, shop: str, phone: str, outbox: Outbox
) -> None:
    send(database, shop, phone, outbox)
    with pytest.raises(phones.TooSoon) as soon:
        send(database, shop, phone, outbox, NOW + timedelta(seconds=59, milliseconds=500))
    assert soon.value.wait_s == 1
    for number in range(1, phones.MOST_A_DAY):
        send(database, shop, phone, outbox, NOW + number * MINUTE)
    with pytest.raises(phones.TooSoon) as soon:
        send(database, shop, phone, outbox, NOW + timedelta(hours=1))
    assert soon.value.wait_s == 23 * 3600
    send(database, shop, phone, outbox, NOW + timedelta(days=1))
    assert len(outbox.codes) == phones.MOST_A_DAY + 1


def test_a_member_of_the_shop_is_linked_once(
    database: Database, shop: str, phone: str, outbox: Outbox
) -> None:
    link = (database, shop, "m1", phone, "cli", NOW, secrets.token_hex)
    phones.link_phone(*link)
    assert enter(database, shop, phone, send(database, shop, phone, outbox)) == "member:m1"
    with pytest.raises(phones.Linked, match="has a number already"):
        phones.link_phone(*link)
    [act] = list_acts(database, shop, limit=5, subject="m1")
    assert (act.what, act.actor, act.after) == ("phone.link", "cli", None)


def test_no_number_and_no_code_is_kept_in_the_clear(
    database: Database, dsn: str, shop: str, phone: str, outbox: Outbox
) -> None:
    code = send(database, shop, phone, outbox)
    with psycopg.connect(dsn) as connection:
        kept = connection.execute(
            "SELECT c.*, p.*, k.* FROM login_code c"
            " LEFT JOIN phone p ON p.program_id = c.program_id"
            " LEFT JOIN phone_key k ON k.program_id = c.program_id"
            " JOIN program g ON g.id = c.program_id WHERE g.name = %s",
            [shop],
        ).fetchall()
    assert kept
    for secret in (phone, phone[3:], code):
        assert secret not in repr(kept)
        assert secret.encode().hex() not in repr(kept)
