"""The demonstration's store: an owner who can log in, a card, and a few sales every day."""

from contextlib import suppress
from datetime import datetime

from springtide.core.event_fields import Json
from springtide.services import invitations, merchants, phones
from springtide.services.sessions import Random
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible

MERCHANT = "corner"
OWNER = "c00016"
PHONE = "+8613800000002"


def open_store(database: Database, program: str, now: datetime, random_hex: Random) -> None:
    """Let there be the store, with sales of the day; asked for again, it is the same one."""
    wish = merchants.Application(
        MERCHANT, "街角杂货 Corner Grocery", "92310101000000000C", "310101", "account 1", OWNER
    )
    with suppress(NotPossible):  # it is there already
        merchants.apply(database, program, wish, now, "system")
        merchants.activate(database, program, MERCHANT, {"take_rate": "0.20"}, now, "system")
    with suppress(phones.Linked):
        phones.link_phone(database, program, OWNER, PHONE, "system", now, random_hex)
    invitations.make(
        database, program, "", MERCHANT, now, "system", lambda n: bytes.fromhex(random_hex(n))
    )
    with Writer(database, program, lambda: now) as writer:
        writer.post(day(now))


def day(now: datetime) -> list[Json]:
    """What is sold on a day, and what is taken back of it."""
    on = now.date().isoformat()
    sold = {1: ("c00021", "32.00"), 2: ("c00023", "58.50"), 3: ("c00021", "18.00")}
    sold[4] = "c00029", "128.00"
    orders: list[Json] = [
        {
            "type": "purchase", "id": f"corner-{on}-{number}", "member": member,
            "merchant": MERCHANT, "amount": amount, "referrer": OWNER, "at": on,
        }
        for number, (member, amount) in sold.items()
    ]  # fmt: skip
    back = {
        "type": "refund",
        "id": f"corner-{on}-back",
        "order": f"corner-{on}-2",
        "amount": "8.50",
    }
    return [*orders, back]
