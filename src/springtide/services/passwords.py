"""Passwords and second factors: what they must be, how they are kept, whether they match."""

import base64
import hashlib
import unicodedata
from collections.abc import Callable
from datetime import datetime

import pyotp
from pwdlib import PasswordHash
from pyotp.exceptions import OTPVerificationError

from springtide.storage.errors import UnusableStaff

SHORTEST, LONGEST = 12, 256

ISSUER = "Springtide"

RECOVERY_CODES = 10

_hasher = PasswordHash.recommended()

# Compared with where there is no hash, so that a refusal takes as long for names that
# nobody has; no password has this hash, for its salt and digest were made up.
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "A" * 43


def check_password(name: str, password: str) -> None:
    """Refuse a password that is easily guessed by its length or from the name.

    What it is made of is not asked: rules about that make passwords worse.

    Raises:
        UnusableStaff: it is too short, too long, not text, or little more than the name.
    """
    plain = _normal(password)
    if not plain.isprintable():
        raise UnusableStaff("the password has characters that cannot be typed; choose another")
    if not SHORTEST <= len(plain) <= LONGEST:
        raise UnusableStaff(
            f"the password has {len(plain)} characters; give {SHORTEST} to {LONGEST}"
        )
    rest = plain.casefold().replace(name.casefold(), "")
    if rest != plain.casefold() and len(rest) < SHORTEST // 2:
        raise UnusableStaff("the password is little more than the name; choose another")


def hash_password(password: str, random_hex: Callable[[int], str]) -> str:
    """What is kept of a password: Argon2id over it and a salt."""
    return _hasher.hash(_normal(password), salt=bytes.fromhex(random_hex(16)))


def is_password(password: str, kept: str | None) -> bool:
    """Whether this is the password that was kept; takes as long if none was."""
    typed = _normal(password)[: LONGEST + 1].encode(errors="replace")
    return _hasher.verify(typed, kept or NOBODYS)


def _normal(password: str) -> str:
    """The same characters however the keyboard composed them."""
    return unicodedata.normalize("NFKC", password)


def make_totp(random_hex: Callable[[int], str]) -> str:
    """A new secret of a second factor, in base 32."""
    return base64.b32encode(bytes.fromhex(random_hex(20))).decode()


def totp_uri(name: str, secret: str) -> str:
    """What an authenticator app reads, as a QR code or typed in."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The half minute that a code is of, the last, this or the next; None if of none."""
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None
    try:
        step: int = pyotp.TOTP(secret).verify_and_get_timecode(
            code, for_time=now, valid_window=1
        )
    except OTPVerificationError:
        return None
    return step


def make_recovery_codes(random_hex: Callable[[int], str]) -> list[str]:
    """Codes that each replace the second factor once; 80 bits each."""
    codes = [random_hex(10) for _ in range(RECOVERY_CODES)]
    return ["-".join(code[at : at + 5] for at in range(0, 20, 5)) for code in codes]


def recovery_hash(code: str) -> bytes:
    """What is kept of a recovery code; the dashes are for reading only."""
    return hashlib.sha256(
        code.replace("-", "").strip().lower().encode("utf-8", "replace")
    ).digest()
