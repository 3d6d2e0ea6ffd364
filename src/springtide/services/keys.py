"""Keys of the HTTP API: who may do what in which program."""

import hashlib
from collections.abc import Callable, Sequence

from springtide.services.permissions import PERMISSIONS
from springtide.storage import keys, programs
from springtide.storage.acts import Facts, append_act
from springtide.storage.database import Database
from springtide.storage.errors import UnknownKey, UnusableKey
from springtide.storage.keys import ApiKey

__all__ = [
    "SCOPES",
    "USUAL",
    "ApiKey",
    "UnknownKey",
    "UnusableKey",
    "create_key",
    "find_key",
    "list_keys",
    "revoke_key",
]

SCOPES = PERMISSIONS
"""What a key may be allowed: the permissions that staff have by their roles."""

USUAL = ("read", "orders", "refunds", "payouts", "pool")
"""What a key of a shop is allowed if nothing is said."""

MODES = ("test", "live")


def create_key(
    database: Database,
    name: str,
    scopes: Sequence[str],
    mode: str,
    random_hex: Callable[[int], str],
    actor: str = "cli",
) -> tuple[str, ApiKey]:
    """Create a key of a program; gives its secret, which is kept nowhere, and its record.

    `random_hex` gives random hexadecimal digits for a number of bytes, as `secrets.token_hex`.

    Raises:
        UnknownProgram: there is none of this name.
        UnusableKey: no scope, an unknown one, or an unknown mode.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        given = ", ".join(unknown) or "none"
        raise UnusableKey(f"scopes: {given}; known are {', '.join(SCOPES)}")
    if mode not in MODES:
        raise UnusableKey(f"mode is {mode!r}; give {' or '.join(MODES)}")
    id_, secret = f"key_{random_hex(8)}", f"st_{mode}_{random_hex(24)}"
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        keys.insert_key(tx, program, id_, mode, sorted(set(scopes)), _digest(secret))
        found = keys.find_key(tx, _digest(secret))
        facts: Facts = {"mode": mode, "scopes": sorted(set(scopes))}
        append_act(tx, program.id, None, actor, "key.create", id_, after=facts)
    assert found is not None
    return secret, found


def find_key(database: Database, secret: str) -> ApiKey | None:
    """The key of this secret, unless it was revoked."""
    with database.snapshot() as tx:
        return keys.find_key(tx, _digest(secret))


def list_keys(database: Database, name: str) -> list[ApiKey]:
    """All keys of a program, oldest first.

    Raises:
        UnknownProgram: there is none of this name.
    """
    with database.snapshot() as tx:
        return keys.list_keys(tx, programs.get_program(tx, name))


def revoke_key(database: Database, name: str, id_: str, actor: str = "cli") -> None:
    """Revoke a key; a second time changes nothing.

    Raises:
        UnknownProgram: there is none of this name.
        UnknownKey: the program has no key of this id.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        revoked = keys.revoke_key(tx, program, id_)
        if revoked is None:
            raise UnknownKey(f"{name} has no key {id_!r}; see `springtide key list {name}`")
        if revoked:
            append_act(tx, program.id, None, actor, "key.revoke", id_)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
