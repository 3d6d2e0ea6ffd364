"""Members log in by a code that is sent to their phone.

A code has six digits, is good for five minutes, for one log-in and for five guesses. A number
is sent a code at most once a minute and ten times a day. Numbers are kept as an HMAC under a
key of the program; codes likewise.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import phonenumbers

from springtide.core.event_fields import is_name
from springtide.services import sessions
from springtide.services.sessions import Session
from springtide.storage import phones, programs
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.phones import CodeRow
from springtide.storage.programs import Program

GOOD_FOR = timedelta(minutes=5)
PAUSE = timedelta(minutes=1)
DAY = timedelta(days=1)
MOST_A_DAY = 10
MOST_GUESSES = 5
DIGITS = 6

HOME = "CN"
"""The country of a number that names none."""

Random = Callable[[int], str]
"""Gives random hexadecimal digits for a number of bytes, as `secrets.token_hex`."""


class Sender(Protocol):
    """Brings a code to a phone; the port for an operator of text messages."""

    def send(self, phone: str, code: str) -> None:
        """Send a code to a number, which is written like `+8613800000000`."""


class NotANumber(Exception):
    """The text is no phone number that can be called."""


class TooSoon(Exception):
    """Another code may be sent later.

    Attributes:
        wait_s: Seconds until then.
    """

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"another code can be sent in {wait_s} seconds")
        self.wait_s = wait_s


class WrongCode(Exception):
    """The code is not the one that was sent last, was used, or is too old."""


class Linked(Exception):
    """The number or the member is linked already."""


def read_phone(text: str) -> str:
    """A number as it is written around the world, `+8613800000000`.

    Raises:
        NotANumber: it cannot be one.
    """
    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        raise NotANumber(text) from None
    if not phonenumbers.is_possible_number(number):
        raise NotANumber(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def send_code(
    database: Database, name: str, phone: str, sender: Sender, now: datetime, random_hex: Random
) -> None:
    """Send a code to a number; whether a member has it is not said, for a new one may log in.

    Raises:
        UnknownProgram: there is no program of this name.
        TooSoon: one was sent within the minute, or ten within the day.
    """
    code = str(int(random_hex(8), 16) % 10**DIGITS).zfill(DIGITS)
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        key = _key(tx, program, random_hex)
        digest = _hash(key, phone)
        last = phones.lock_code(tx, program, digest)
        day_began, sent = now, 0
        if last is not None:
            if now - last.day_began < DAY:
                day_began, sent = last.day_began, last.sent
            wait = max(
                last.sent_at + PAUSE - now,
                day_began + DAY - now if sent == MOST_A_DAY else timedelta(0),
            )
            if wait > timedelta(0):
                raise TooSoon(-int(-wait.total_seconds() // 1))
        row = CodeRow(_hash(key, phone + code), now, 0, None, day_began, sent + 1)
        phones.write_code(tx, program, digest, row)
    sender.send(phone, code)


def log_in(
    database: Database, name: str, phone: str, code: str, now: datetime, random_hex: Random
) -> tuple[str, Session]:
    """Open a session for whoever has the code that was sent to a number; gives its token.

    A number that no member has becomes that of a new one, who appears in the books with the
    first order.

    Raises:
        UnknownProgram: there is no program of this name.
        WrongCode: this is not the code; the guess was counted.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        key = _key(tx, program, random_hex)
        digest = _hash(key, phone)
        row = phones.lock_code(tx, program, digest)
        right = row is not None and _is_right(row, _hash(key, phone + code), now)
        if row is not None:
            used = now if right else row.used_at
            guesses = min(row.guesses + 1, MOST_GUESSES)
            phones.write_code(tx, program, digest, row._replace(used_at=used, guesses=guesses))
        if right:
            member = phones.find_member(tx, program, digest)
            if member is None:
                member = f"u{random_hex(8)}"
                phones.insert_phone(tx, program, digest, member, now)
            return sessions.open_session_in(
                tx, program.id, f"member:{member}", sessions.MEMBER, now, random_hex
            )
    raise WrongCode("this is not the code that was sent last; look again, or have another sent")


def link_phone(
    database: Database, name: str, member: str, phone: str, actor: str, now: datetime,
    random_hex: Random,
) -> None:  # fmt: skip
    """Let a member whom the shop knows by an id log in with a number.

    Raises:
        UnknownProgram: there is no program of this name.
        Linked: one of the two is linked already.
    """
    assert is_name(member)
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        digest = _hash(_key(tx, program, random_hex), phone)
        if not phones.insert_phone(tx, program, digest, member, now):
            raise Linked(
                f"{member} has a number already, or another member has this one; "
                "a member logs in with one number"
            )
        append_act(tx, program.id, now, actor, "phone.link", member)


def _is_right(row: CodeRow, code_hash: bytes, now: datetime) -> bool:
    return (
        hmac.compare_digest(row.code_hash, code_hash)
        and row.used_at is None
        and row.guesses < MOST_GUESSES
        and now < row.sent_at + GOOD_FOR
    )


def _key(tx: Transaction, program: Program, random_hex: Random) -> bytes:
    key = phones.find_key(tx, program)
    if key is None:
        phones.insert_key(tx, program, bytes.fromhex(random_hex(32)))
        key = phones.find_key(tx, program)
    assert key is not None
    return key


def _hash(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
