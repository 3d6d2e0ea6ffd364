"""Staff for tests: log-ins that are ready, and the codes of their second factor."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pyotp
from pwdlib.hashers.argon2 import Argon2Hasher

from springtide.services.passwords import make_recovery_codes, make_totp, recovery_hash
from springtide.services.staff import add_staff
from springtide.storage import staff
from springtide.storage.database import Database

PASSWORD = "a harbour in the morning"

KEPT = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""A hash of the password that is quickly compared: a hash says what it costs."""


@dataclass
class Person:
    """Somebody with a log-in."""

    name: str
    totp: pyotp.TOTP
    recovery_codes: list[str]

    def code(self, at: datetime) -> str:
        return self.totp.at(at)

    def wrong_code(self, at: datetime) -> str:
        """A code that is not of the half minutes around."""
        near = {self.totp.at(at, counter_offset=step) for step in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333")
                    if code not in near)  # fmt: skip


def secret_of(uri: str) -> str:
    """The secret in what an authenticator app reads."""
    return parse_qs(urlsplit(uri).query)["secret"][0]


def hired(database: Database, program: str, name: str, now: datetime, *roles: str) -> Person:
    """Somebody who has a password and a second factor."""
    add_staff(database, name, program, roles, "cli", now, secrets.token_hex)
    secret, codes = make_totp(secrets.token_hex), make_recovery_codes(secrets.token_hex)
    with database.transaction() as tx:
        staff.activate_staff(tx, name, KEPT, secret, [recovery_hash(code) for code in codes])
    return Person(name, pyotp.TOTP(secret), codes)
