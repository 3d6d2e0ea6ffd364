"""The webhooks of a program, over HTTP: endpoints, their secrets, and what was sent."""

import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request

from springtide.core.webhooks import message_id
from springtide.services import webhooks
from springtide.services.webhooks import (
    Delivery,
    Endpoint,
    State,
    UnknownWebhook,
    UnusableWebhook,
)
from springtide.web import hook_models as models
from springtide.web.addresses import lookup
from springtide.web.depends import (
    PROBLEMS,
    After,
    Books,
    HookKeeper,
    Id,
    Limit,
    Now,
    missing_if,
    page,
    plain,
    seq_of,
)
from springtide.web.models import Page
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)

NEWEST = 10**18
"""After every seq there will be."""


def _private(request: Request) -> bool:
    private: bool = request.app.state.private_webhooks
    return private


Private = Annotated[bool, Depends(_private)]


def _webhook(row: Endpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "types": row.types,
        "state": row.state,
        "through_seq": row.through_seq,
        "failing_since": row.failing_since.isoformat() if row.failing_since else None,
        "created_at": row.created_at.isoformat(),
    }


def _delivery(row: Delivery) -> models.Delivery:
    return models.Delivery(
        id=message_id(row.endpoint, row.seq, row.n),
        webhook=row.endpoint,
        seq=row.seq,
        type=row.type,
        state=row.state,
        attempts=row.attempts,
        next_at=row.next_at.isoformat() if row.next_at else None,
        last_status=row.last_status,
        last_error=row.last_error,
        created_at=row.created_at.isoformat(),
    )


messages = APIRouter()
"""What is sent, as the document describes it."""


@messages.post("message", status_code=204, openapi_extra={"security": []})
def message(body: Annotated[models.WebhookMessage, Body()]) -> None:
    """Sent to a webhook, signed; any 2xx within ten seconds takes it. See docs/webhooks.md."""


@router.get("/webhooks")
def list_webhooks(key: HookKeeper, books: Books) -> Page[models.Webhook]:
    """The addresses that the program's entries are sent to, without their secrets."""
    rows = webhooks.list_endpoints(books, key.program)
    return Page(data=[models.Webhook(**_webhook(row)) for row in rows], next=None)


@router.post("/webhooks", status_code=201)
def create_webhook(
    key: HookKeeper,
    books: Books,
    private: Private,
    now: Now,
    wish: Annotated[models.WebhookIn, Body()],
) -> models.NewWebhook:
    """Have what is posted from now on sent to an address; its secret is shown this once."""
    try:
        made = webhooks.create_endpoint(
            books,
            key.program,
            wish.url,
            wish.types,
            lookup=lookup,
            private=private,
            random_bytes=secrets.token_bytes,
            actor=key.actor,
            now=now,
        )
    except UnusableWebhook as error:
        raise Problem("invalid_parameter", str(error)) from None
    return _with_secret(made)


def _with_secret(row: Endpoint) -> models.NewWebhook:
    assert row.secret is not None
    return models.NewWebhook(secret=row.secret, **_webhook(row))


@router.get("/webhooks/deliveries/{id}")
def read_delivery(key: HookKeeper, books: Books, id_: Id) -> models.DeliveryAttempts:
    """A message, how far it came, and every attempt at it."""
    with missing_if(UnknownWebhook, "delivery", id_):
        found, attempts = webhooks.read_delivery(books, key.program, id_)
    tried = [
        models.Attempt(
            number=attempt.number,
            at=attempt.at.isoformat(),
            status=attempt.status,
            error=attempt.error,
        )
        for attempt in attempts
    ]
    return models.DeliveryAttempts(tried=tried, **_delivery(found).model_dump())


@router.post("/webhooks/deliveries/{id}/resend")
def resend_delivery(key: HookKeeper, books: Books, now: Now, id_: Id) -> models.Delivery:
    """Send a message again now, with the same id, whether it arrived or not."""
    with missing_if(UnknownWebhook, "delivery", id_):
        actor = key.actor
        return _delivery(webhooks.resend(books, key.program, id_, actor=actor, now=now))


@router.get("/webhooks/{id}/deliveries")
def list_deliveries(
    key: HookKeeper,
    books: Books,
    id_: Id,
    limit: Limit = 20,
    after: After = "",
    state: Annotated[State | None, Query(description="only those of this state")] = None,
) -> Page[models.Delivery]:
    """What was sent to an address or waits to be, newest first."""
    seq, _, n = after.partition("-")
    before = (seq_of(seq), seq_of(n)) if after else (NEWEST, 0)
    with missing_if(UnknownWebhook, "webhook", id_):
        rows = webhooks.list_deliveries(
            books, key.program, plain(id_), state or "", before, limit + 1
        )
    return page(rows, limit, lambda row: f"{row.seq}-{row.n}", _delivery)


@router.post("/webhooks/{id}/rotate")
def rotate_secret(key: HookKeeper, books: Books, now: Now, id_: Id) -> models.NewWebhook:
    """Another secret, shown this once; for 24 hours messages are signed with both."""
    with missing_if(UnknownWebhook, "webhook", id_):
        return _with_secret(
            webhooks.rotate_secret(
                books,
                key.program,
                plain(id_),
                random_bytes=secrets.token_bytes,
                actor=key.actor,
                now=now,
            )
        )


@router.post("/webhooks/{id}/disable")
def disable_webhook(key: HookKeeper, books: Books, now: Now, id_: Id) -> models.Webhook:
    """Send nothing until it is enabled again; what is posted meanwhile waits."""
    return _switch(key, books, now, id_, "disabled")


@router.post("/webhooks/{id}/enable")
def enable_webhook(key: HookKeeper, books: Books, now: Now, id_: Id) -> models.Webhook:
    """Go on where it stopped."""
    return _switch(key, books, now, id_, "active")


def _switch(
    key: HookKeeper, books: Books, now: datetime, id_: str, state: str
) -> models.Webhook:
    with missing_if(UnknownWebhook, "webhook", id_):
        row = webhooks.switch(books, key.program, plain(id_), state, actor=key.actor, now=now)
    return models.Webhook(**_webhook(row))


@router.get("/webhooks/{id}")
def read_webhook(key: HookKeeper, books: Books, id_: Id) -> models.Webhook:
    """One address that the program's entries are sent to, without its secret."""
    with missing_if(UnknownWebhook, "webhook", id_):
        return models.Webhook(
            **_webhook(webhooks.read_endpoint(books, key.program, plain(id_)))
        )


@router.delete("/webhooks/{id}", status_code=204)
def remove_webhook(key: HookKeeper, books: Books, now: Now, id_: Id) -> None:
    """Send nothing more to an address, and forget its secret."""
    with missing_if(UnknownWebhook, "webhook", id_):
        webhooks.remove_endpoint(books, key.program, plain(id_), actor=key.actor, now=now)
