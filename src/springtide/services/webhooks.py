"""Webhooks of a program: endpoints and their secrets, and the log of what was sent."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import get_args

from springtide.core.webhooks import TYPES, Target, read_message_id, read_url, why_not
from springtide.storage import deliveries, programs, webhooks
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.deliveries import Attempt, Delivery, State
from springtide.storage.errors import UnknownWebhook, UnusableWebhook
from springtide.storage.webhooks import Endpoint

__all__ = [
    "STATES",
    "TYPES",
    "Attempt",
    "Delivery",
    "Endpoint",
    "Lookup",
    "State",
    "UnknownWebhook",
    "UnusableWebhook",
    "check_addresses",
    "create_endpoint",
    "list_deliveries",
    "list_endpoints",
    "read_delivery",
    "read_endpoint",
    "remove_endpoint",
    "resend",
    "rotate_secret",
    "switch",
]

OLD_SECRET_LASTS = timedelta(hours=24)
MOST_ENDPOINTS = 20
"""Endpoints of one program: each entry is told as often."""

STATES: tuple[State, ...] = get_args(State)

Lookup = Callable[[Target], Sequence[str]]
"""The IP addresses of a host; none if it has no name."""

RandomBytes = Callable[[int], bytes]
"""So many random bytes, as `secrets.token_bytes`."""


def check_addresses(target: Target, addresses: Sequence[str], *, private: bool) -> str:
    """The address that is connected to: the first, when all of them may be told.

    Raises:
        UnusableWebhook: there is none, or one of them may not be told.
    """
    for address in addresses:
        reason = why_not(address, target.scheme, private=private)
        if reason is not None:
            raise UnusableWebhook(
                f"{target.host} is at {address}, which {reason}; give a host of the internet"
            )
    if not addresses:
        raise UnusableWebhook(f"{target.host} cannot be looked up; check its name")
    return addresses[0]


def create_endpoint(
    database: Database,
    name: str,
    url: str,
    types: Sequence[str],
    *,
    lookup: Lookup,
    private: bool,
    random_bytes: RandomBytes,
    actor: str,
    now: datetime,
) -> Endpoint:
    """Have a program's entries from now on sent to a URL; all types if none are given.

    Raises:
        UnknownProgram: there is none of this name.
        UnusableWebhook: the URL may not be sent to, a type is unknown, or there are too many.
    """
    unknown = [type_ for type_ in types if type_ not in TYPES]
    if unknown:
        raise UnusableWebhook(f"types: {', '.join(unknown)}; known are {', '.join(TYPES)}")
    try:
        target = read_url(url, private=private)
    except ValueError as error:
        raise UnusableWebhook(str(error)) from None
    check_addresses(target, lookup(target), private=private)
    id_, types = f"we_{random_bytes(8).hex()}", sorted(set(types))
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        if len(webhooks.list_endpoints(tx, program)) >= MOST_ENDPOINTS:
            raise UnusableWebhook(
                f"{name} has {MOST_ENDPOINTS} webhooks; remove one that is not used"
            )
        webhooks.insert_endpoint(tx, program, id_, url, types, _secret(random_bytes), now)
        facts: dict[str, object] = {"host": target.host, "types": types}
        append_act(tx, program.id, now, actor, "webhook.create", id_, after=facts)
        found = webhooks.find_endpoint(tx, program, id_)
    assert found is not None
    return found


def _secret(random_bytes: RandomBytes) -> str:
    return "whsec_" + base64.b64encode(random_bytes(32)).decode()


def list_endpoints(database: Database, name: str) -> list[Endpoint]:
    """The endpoints of a program, oldest first.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
    """
    with database.snapshot() as tx:
        return webhooks.list_endpoints(tx, programs.get_program(tx, name))


def read_endpoint(database: Database, name: str, id_: str) -> Endpoint:
    """One endpoint.

    Raises:
        UnknownWebhook: the program has none of this id.
    """
    with database.snapshot() as tx:
        found = webhooks.find_endpoint(tx, programs.get_program(tx, name), id_)
    if found is None:
        raise _unknown(name, id_)
    return found


def remove_endpoint(
    database: Database, name: str, id_: str, *, actor: str, now: datetime
) -> None:
    """Send nothing more to an endpoint, and forget its secrets.

    Raises:
        UnknownWebhook: the program has none of this id.
    """
    with database.transaction() as tx:
        endpoint = _lock(tx, name, id_)
        webhooks.remove_endpoint(tx, endpoint)
        append_act(
            tx, endpoint.program_id, now, actor, "webhook.remove", id_,
            before={"state": endpoint.state},
        )  # fmt: skip


def switch(
    database: Database, name: str, id_: str, state: str, *, actor: str, now: datetime
) -> Endpoint:
    """Make an endpoint active or disabled; enabled again, it goes on where it stopped.

    Raises:
        UnknownWebhook: the program has none of this id.
    """
    assert state in ("active", "disabled")
    with database.transaction() as tx:
        endpoint = _lock(tx, name, id_)
        if endpoint.state != state:
            if state == "active":
                webhooks.enable_endpoint(tx, endpoint, now)
            else:
                webhooks.disable_endpoint(tx, endpoint)
            append_act(
                tx, endpoint.program_id, now, actor,
                "webhook.enable" if state == "active" else "webhook.disable", id_,
                before={"state": endpoint.state}, after={"state": state},
            )  # fmt: skip
        return _lock(tx, name, id_)


def rotate_secret(
    database: Database,
    name: str,
    id_: str,
    *,
    random_bytes: RandomBytes,
    actor: str,
    now: datetime,
) -> Endpoint:
    """Give an endpoint another secret; the one before it signs too for 24 hours.

    Raises:
        UnknownWebhook: the program has none of this id.
    """
    with database.transaction() as tx:
        endpoint, until = _lock(tx, name, id_), now + OLD_SECRET_LASTS
        webhooks.set_secret(tx, endpoint, _secret(random_bytes), until)
        append_act(
            tx, endpoint.program_id, now, actor, "webhook.rotate", id_,
            after={"old_secret_until": until.isoformat()},
        )  # fmt: skip
        return _lock(tx, name, id_)


def list_deliveries(
    database: Database, name: str, id_: str, state: str, before: tuple[int, int], most: int
) -> list[Delivery]:
    """Deliveries to an endpoint, newest first, before a seq and number; of one state if any.

    Raises:
        UnknownWebhook: the program has none of this id.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        if webhooks.find_endpoint(tx, program, id_) is None:
            raise _unknown(name, id_)
        return deliveries.read_deliveries(tx, program, id_, state, before, most)


def read_delivery(
    database: Database, name: str, message_id: str
) -> tuple[Delivery, list[Attempt]]:
    """A delivery and every attempt at it.

    Raises:
        UnknownWebhook: there is none of this id.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        at = read_message_id(message_id)
        found = deliveries.find_delivery(tx, program, *at) if at else None
        if found is None:
            raise _unknown_delivery(name, message_id)
        return found, deliveries.read_attempts(tx, program, found)


def resend(
    database: Database, name: str, message_id: str, *, actor: str, now: datetime
) -> Delivery:
    """Have a message sent again now, with the same id, whether it arrived or not.

    One that was given up is tried once; an endpoint that is disabled keeps it waiting.

    Raises:
        UnknownWebhook: there is none of this id, or its endpoint was removed.
    """
    at = read_message_id(message_id)
    if at is None:
        raise _unknown_delivery(name, message_id)
    with database.transaction() as tx:
        endpoint, seq, n = _lock(tx, name, at[0]), at[1], at[2]
        program = programs.get_program(tx, name)
        before = deliveries.find_delivery(tx, program, endpoint.id, seq, n)
        if before is None:
            raise _unknown_delivery(name, message_id)
        deliveries.send_again(tx, endpoint, seq, n, now)
        append_act(
            tx, program.id, now, actor, "webhook.resend", message_id,
            before={"state": before.state, "attempts": before.attempts},
        )  # fmt: skip
        after = deliveries.find_delivery(tx, program, endpoint.id, seq, n)
    assert after is not None
    return after


def _lock(tx: Transaction, name: str, id_: str) -> Endpoint:
    endpoint = webhooks.lock_endpoint(tx, programs.get_program(tx, name).id, id_)
    if endpoint is None:
        raise _unknown(name, id_)
    return endpoint


def _unknown(name: str, id_: str) -> UnknownWebhook:
    return UnknownWebhook(
        f"{name} has no webhook {id_!r}; see `springtide webhook list {name}`"
    )


def _unknown_delivery(name: str, id_: str) -> UnknownWebhook:
    return UnknownWebhook(
        f"{name} has no delivery {id_!r}; see `springtide webhook deliveries {name} ID`"
    )
