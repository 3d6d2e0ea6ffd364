"""The shapes of webhooks, as the OpenAPI document shows them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from springtide.services.webhooks import State


class WebhookIn(BaseModel):
    """Where to send what is posted from now on."""

    url: Annotated[
        str, Field(min_length=1, max_length=2000, examples=["https://shop.example/points"])
    ]
    types: list[str] = Field(
        default=[], description="of messages; all of them if absent", examples=[["exit.paid"]]
    )


class Webhook(BaseModel):
    """An address that the program's entries are sent to."""

    object: Literal["webhook"] = "webhook"
    id: str
    url: str
    types: list[str]
    state: Literal["active", "disabled"]
    through_seq: int = Field(description="entries up to this one were told")
    failing_since: str | None = Field(description="since when nothing arrived")
    created_at: str


class NewWebhook(Webhook):
    """A webhook with its secret, which is shown this once."""

    secret: str


class Delivery(BaseModel):
    """A message, and how far it came."""

    object: Literal["webhook_delivery"] = "webhook_delivery"
    id: str = Field(description="the webhook-id, by which a receiver knows it again")
    webhook: str
    seq: int
    type: str
    state: State
    attempts: int
    next_at: str | None
    last_status: int | None
    last_error: str | None
    created_at: str


class Attempt(BaseModel):
    """One attempt at a delivery; no status if nothing was answered."""

    number: int
    at: str
    status: int | None
    error: str | None


class DeliveryAttempts(Delivery):
    """A message with every attempt at it."""

    tried: list[Attempt]


class WebhookMessage(BaseModel):
    """What is sent, signed as Standard Webhooks say; amounts are decimal strings."""

    type: str = Field(examples=["order.settled"])
    timestamp: str = Field(description="when the entry was posted")
    data: dict[str, Any] = Field(
        description="program, seq, id and kind of the entry, whom it is about, its receipt"
    )
