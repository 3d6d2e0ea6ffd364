"""Delivering what was posted: the journal is the outbox, and each endpoint has a cursor in it.

Several servers may do it at once. Whoever takes deliveries holds them for a while; those of
a server that died are taken by another then. So everything is sent at least once, in no
order. Source: docs/algorithms/webhooks.md; docs/decisions/0018-the-journal-is-the-outbox.md.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from standardwebhooks import Webhook

from springtide.core.webhooks import Message, message_id, messages_of, retry_after_s
from springtide.storage import deliveries, webhooks
from springtide.storage.acts import append_act
from springtide.storage.database import Database, Transaction
from springtide.storage.deliveries import Sent, Standing, Told
from springtide.storage.webhooks import Endpoint

__all__ = [
    "Parcel",
    "Round",
    "Sent",
    "endpoints_with_work",
    "record",
    "take",
]

SENDING_LASTS_S = 10
"""How long a receiver may take."""

HELD = timedelta(seconds=SENDING_LASTS_S + 5)
"""How long what was taken is nobody else's: sending and writing down what came of it."""

MOST_AT_ONCE = 20
"""Messages that are under way to one endpoint."""

MOST_ENTRIES = 200
"""Entries that become deliveries in one transaction."""

DISABLED_AFTER = timedelta(days=5)
GONE = 410
"""The status by which a receiver says that it wants nothing more."""

SYSTEM = "system"


class Parcel(NamedTuple):
    """A message as it is sent: signed, with its id and the bytes that were signed."""

    seq: int
    n: int
    headers: dict[str, str]
    body: bytes


class Round(NamedTuple):
    """What is sent to one endpoint now."""

    program_id: int
    endpoint: str
    url: str
    parcels: list[Parcel]


def endpoints_with_work(database: Database, now: datetime) -> list[tuple[int, str]]:
    """Program and id of every active endpoint that something can be sent to now."""
    with database.snapshot() as tx:
        return webhooks.read_endpoints_with_work(tx, now)


def take(database: Database, program_id: int, id_: str, now: datetime) -> Round | None:
    """Take what is to be sent to an endpoint; None if it is not active, or another is at it.

    Entries past the cursor become deliveries when fewer are due than can be sent.
    """
    with database.transaction() as tx:
        endpoint = webhooks.lock_endpoint(tx, program_id, id_, wait=False)
        if endpoint is None or endpoint.state != "active":
            return None
        claims = deliveries.claim_deliveries(tx, endpoint, now, now + HELD, MOST_AT_ONCE)
        if len(claims) < MOST_AT_ONCE and _derive(tx, endpoint, now):
            claims += deliveries.claim_deliveries(
                tx, endpoint, now, now + HELD, MOST_AT_ONCE - len(claims)
            )
        told = deliveries.read_entries_at(tx, program_id, [claim.seq for claim in claims])
    parcels = [_parcel(endpoint, claim.type, told[claim.seq], claim.n, now) for claim in claims]
    return Round(program_id, id_, endpoint.url, parcels)


def _derive(tx: Transaction, endpoint: Endpoint, now: datetime) -> bool:
    """Make deliveries of the entries past the cursor; false if there are none."""
    entries = deliveries.read_entries_after(
        tx, endpoint.program_id, endpoint.through_seq, MOST_ENTRIES
    )
    if not entries:
        return False
    wanted = [
        (entry.seq, n, message.type)
        for entry in entries
        for n, message in enumerate(_messages(entry))
        if not endpoint.types or message.type in endpoint.types
    ]
    deliveries.insert_deliveries(tx, endpoint, wanted, entries[-1].seq, now)
    return True


def _messages(entry: Told) -> Sequence[Message]:
    return messages_of(entry.kind, json.loads(entry.event), json.loads(entry.receipt))


def _parcel(endpoint: Endpoint, type_: str, entry: Told, n: int, now: datetime) -> Parcel:
    body = msgspec.json.encode(
        {
            "type": type_,
            "timestamp": entry.posted_at.isoformat(),
            "data": {
                "program": endpoint.program,
                "seq": entry.seq,
                **_messages(entry)[n].data,
            },
        }
    )
    id_ = message_id(endpoint.id, entry.seq, n)
    headers = {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(id_, now, body.decode()) for secret in _secrets(endpoint, now)
        ),
    }
    return Parcel(entry.seq, n, headers, body)


def _secrets(endpoint: Endpoint, now: datetime) -> list[str]:
    assert endpoint.secret is not None, "one that was removed is never sent to"
    until = endpoint.old_secret_until
    if endpoint.old_secret is not None and until is not None and now < until:
        return [endpoint.secret, endpoint.old_secret]
    return [endpoint.secret]


def record(
    database: Database,
    sent: Round,
    outcomes: Sequence[Sent],
    now: datetime,
    chance: Callable[[], float],
) -> None:
    """Write down what came of a round: what arrived, what is tried again and when.

    An endpoint to which nothing was delivered for five days, or which says 410, is disabled;
    what waits for it waits on. `chance` gives numbers from 0 to 1.
    """
    with database.transaction() as tx:
        endpoint = webhooks.lock_endpoint(tx, sent.program_id, sent.endpoint)
        if endpoint is None:
            return  # removed meanwhile, and everything that waited was dropped
        numbers = deliveries.append_attempts(tx, endpoint, outcomes)
        standings = [
            _standing(outcome, numbers[outcome.seq, outcome.n], now, chance())
            for outcome in outcomes
        ]
        deliveries.set_deliveries(tx, endpoint, standings)
        _judge(tx, endpoint, outcomes, now)


def _standing(sent: Sent, attempts: int, now: datetime, chance: float) -> Standing:
    if sent.arrived:
        return Standing(sent.seq, sent.n, "delivered", None)
    wait = retry_after_s(attempts, chance)
    if wait is None:
        return Standing(sent.seq, sent.n, "failed", None)
    return Standing(sent.seq, sent.n, "pending", now + timedelta(seconds=wait))


def _judge(
    tx: Transaction, endpoint: Endpoint, outcomes: Sequence[Sent], now: datetime
) -> None:
    gone = any(outcome.status == GONE for outcome in outcomes)
    if not gone and any(outcome.arrived for outcome in outcomes):
        if endpoint.failing_since is not None:
            webhooks.set_failing_since(tx, endpoint, None)
        return
    since = endpoint.failing_since or now
    if endpoint.state == "active" and (gone or now - since >= DISABLED_AFTER):
        why = "it answered 410" if gone else f"nothing arrived since {since.isoformat()}"
        webhooks.disable_endpoint(tx, endpoint)
        append_act(
            tx, endpoint.program_id, now, SYSTEM, "webhook.disable", endpoint.id,
            before={"state": "active"}, after={"state": "disabled", "why": why},
        )  # fmt: skip
    elif endpoint.failing_since is None:
        webhooks.set_failing_since(tx, endpoint, now)
