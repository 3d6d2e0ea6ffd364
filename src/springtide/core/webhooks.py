"""What is told of an entry to those who listen, when again, and which addresses may be told.

Source: docs/algorithms/webhooks.md.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from springtide.core.events import STEPS
from springtide.core.receipts import render
from springtide.core.state import Receipt

TYPES = {
    "order.paid": "an order was paid; it is settled when its refund window is over",
    "order.settled": "an order's money was divided and its points were granted",
    "order.refunded": "an order was taken back, wholly or in part",
    "member.bound": "a member was bound to a referrer",
    "cash_out.paid": "a member's points were paid out at the price that stood",
    "points.redeemed": "a member's points were handed to a merchant",
    "injection.made": "money was given to the pool",
    "merchant.changed": "a merchant was given terms, or may sell no more, or again",
    "agent.appointed": "a region was given to an agent",
    "agent.dismissed": "an agent's contract ended early",
    "deposit.paid": "an agent paid a deposit",
    "deposit.returned": "a deposit went back to its agent",
    "member.level_changed": "a member was given a level, or it was taken away",
    "member.rebound": "a member was bound to another referrer",
    "dividend.paid": "a member was paid a part of what the platform earned",
    "commission.paid": "what was due to a member was paid outside",
    "withdrawal.requested": "money left a wallet, to be sent to its owner once it is approved",
    "withdrawal.under_review": "a withdrawal is looked at, or has the first of two approvals",
    "withdrawal.approved": "a withdrawal may be sent",
    "withdrawal.sent": "a withdrawal was given to the bank; it is sent once",
    "withdrawal.awaiting_member": "the member has to confirm a payment",
    "withdrawal.unknown": "nobody knows what became of a payment; a person will find out",
    "withdrawal.settled": "a withdrawal reached its owner",
    "withdrawal.rejected": "a withdrawal was turned down, and the money is in the wallet again",
    "withdrawal.cancelled": "taken back for the member, and the money is in the wallet again",
    "withdrawal.failed": "the bank did not pay, and the money is in the wallet again",
    "withdrawal.returned": "a payment came back, and the money is in the wallet again",
    "merchant.paid": "a merchant was paid outside for its sales",
    "exit.paid": "a lot reached its cap and was paid out",
    "points.split": "the points were split: all of them were multiplied",
    "entry.posted": "any entry that has no type of its own",
}
"""The types of messages, each with what happened."""

_TYPE_OF_KIND = {
    "purchase": "order.settled",
    "pay": "order.paid",
    "settle": "order.settled",
    "refund": "order.refunded",
    "bind": "member.bound",
    "cash_out": "cash_out.paid",
    "redeem": "points.redeemed",
    "inject": "injection.made",
    "merchant_terms": "merchant.changed",
    "appoint": "agent.appointed",
    "dismiss": "agent.dismissed",
    "deposit": "deposit.paid",
    "deposit_return": "deposit.returned",
    "level": "member.level_changed",
    "rebind": "member.rebound",
    "commission_paid": "commission.paid",
    "merchant_paid": "merchant.paid",
}
_OTHER = "entry.posted"

_NAMING = ("member", "merchant", "order", "referrer")
"""Fields of events that say who or what it is about; whatever else a shop sent along may be
private, and is not passed on."""

_ALSO_NAMING = {
    "appoint": ("contract", "region"),
    **dict.fromkeys(("dismiss", "deposit", "deposit_return"), ("contract",)),
    "level": ("level",),
    **dict.fromkeys(STEPS, ("withdrawal",)),
}
"""Fields that say it in events of these kinds only."""

FIRST_RETRY_S = 5
RETRIES_GROW = 4
LONGEST_RETRY_S = 12 * 60 * 60
MOST_ATTEMPTS = 20

LONGEST_URL = 2_000


class Message(NamedTuple):
    """One thing that an entry tells; amounts in its data are decimal strings."""

    type: str
    data: dict[str, object]


def messages_of(kind: str, event: Mapping[str, object], receipt: Receipt) -> list[Message]:
    """What an entry tells, always in the same order; its receipt is in integers.

    First what the event did, then an exit for each lot that reached its cap, then a split.
    An entry that no type fits is told as `entry.posted`, so none is left out. The place of
    a message is part of its id: what is told in future is told after these.

    Source: docs/algorithms/webhooks.md, rule W1.
    """
    shown = render(receipt)
    about = {"id": event.get("id"), "kind": kind}
    fields = (*_NAMING, *_ALSO_NAMING.get(kind, ()))
    named = {field: event[field] for field in fields if event.get(field)}
    if kind == "cash_out_batch":
        messages = _parts("cash_out.paid", about, shown["paid"])
    elif kind == "dividend" and shown["dividends"]:
        rows = cast(Sequence[Receipt], shown["dividends"])
        paid = [{"member": row["to"], "amount": row["amount"]} for row in rows]
        messages = _parts("dividend.paid", about, paid)
    else:
        type_ = _TYPE_OF_KIND.get(kind, _OTHER)
        if kind == "withdraw" or kind in STEPS:
            type_ = f"withdrawal.{shown['state']}"
        if kind == "bind" and shown.get("referrer") != event.get("referrer"):
            type_ = _OTHER  # it left the member as it was
        messages = [Message(type_, {**about, **named, "receipt": shown})]
    messages += _parts("exit.paid", about, shown.get("exits", []))
    if receipt.get("split", 1) != 1:
        messages.append(Message("points.split", {**about, "receipt": shown}))
    return messages


def _parts(type_: str, about: Mapping[str, object], rows: object) -> list[Message]:
    """A message for each row of a receipt, which says nothing of the other rows."""
    return [
        Message(type_, {**about, "member": row["member"], "receipt": row})
        for row in cast(Sequence[Receipt], rows)
    ]


def message_id(endpoint: str, seq: int, n: int) -> str:
    """The id of a message: however often it is sent, the same."""
    return f"msg_{endpoint}_{seq}_{n}"


def read_message_id(text: str) -> tuple[str, int, int] | None:
    """Endpoint, seq and number of a message; None if the text is no id of one."""
    found = re.fullmatch(r"msg_(we_[0-9a-f]{1,32})_([0-9]{1,18})_([0-9]{1,9})", text)
    return (found[1], int(found[2]), int(found[3])) if found and text.isascii() else None


def retry_after_s(attempts: int, chance: float) -> int | None:
    """Seconds until the next attempt after so many failed ones; None if there is none.

    `chance`, from 0 to 1, stretches them by up to a quarter, so that what failed together
    does not come back together.

    Source: docs/algorithms/webhooks.md, rule W2.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    grown = FIRST_RETRY_S * RETRIES_GROW ** min(attempts - 1, 20)
    seconds: int = min(grown, LONGEST_RETRY_S)
    return seconds + int(seconds / 4 * chance)


class Target(NamedTuple):
    """Where a URL leads."""

    scheme: str
    host: str
    port: int


def read_url(url: str, *, private: bool) -> Target:
    """Where a webhook's URL leads: https, or also http if private addresses are let in.

    Raises:
        ValueError: it cannot be sent to; the message says the remedy.
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(
            f"the URL is not plain ASCII of at most {LONGEST_URL} characters; escape the rest"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{url!r} is not a URL; give one like https://...") from None
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise ValueError(f"the URL begins with {parts.scheme!r}; only https is sent to")
    if not host or port == 0:
        raise ValueError(f"{url!r} names no host; give one like https://shop.example/hook")
    if "@" in parts.netloc or parts.fragment or "\\" in url:
        raise ValueError("the URL has a password, a fragment or a backslash; leave it out")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


_GLOBAL_6 = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")
_PRIVATE = [
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]


def why_not(address: str, scheme: str, *, private: bool) -> str | None:
    """Why nothing may be sent to an IP address; None if it may.

    Only addresses of the public internet may be told. Where private ones are let in, a
    machine may tell itself and its own network, by http only itself; never link-local
    addresses, behind which clouds keep their secrets.

    Source: docs/algorithms/webhooks.md, rule W3.
    """
    try:
        ip = _meant(ip_address(address.partition("%")[0]))
    except ValueError:
        return "is no IP address"
    if scheme == "http" and not ip.is_loopback:
        return "can be sent to by https only"
    if ip.is_loopback:
        return None if private else "is this machine"
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return "is no host of the internet"
    if any(ip in network for network in _PRIVATE):
        return None if private else "is in a private network"
    public = ip.is_global and (isinstance(ip, IPv4Address) or ip in _GLOBAL_6)
    return None if public else "is no host of the internet"


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _TRANSLATED:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
