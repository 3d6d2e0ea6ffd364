"""The demonstration: log-ins that everybody knows, and a few more events than orders.

Only for the program `demo`, whose orders `springtide demo` imports. Everything has fixed ids,
so that it happens once however often it is asked for.
"""

import csv
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count

import pyotp

from springtide.core.event_fields import Json
from springtide.services import (
    demo_counter,
    demo_office,
    demo_purse,
    demo_store,
    login,
    phones,
    staff,
)
from springtide.services.passwords import make_totp
from springtide.services.programs import list_programs
from springtide.services.sessions import Random
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.errors import UnusableStaff

PROGRAM = "demo"
MEMBER = "c00177"
PHONE = "+8613800000001"
STAFF = "demo-owner"
PEOPLE = {STAFF: "owner", demo_counter.REVIEWER: "reviewer"}
PASSWORD = "anybody may try this"  # noqa: S105 - known to everybody on purpose


@dataclass(frozen=True, slots=True)
class Hint:
    """What one types to look at the console of the demonstration."""

    name: str
    role: str
    password: str
    code: str
    """Of the second factor, at this moment."""


def moved(orders_csv: str, last: date) -> str:
    """The example orders with their dates moved so that the last of them is a given day."""
    header, *rows = csv.reader(orders_csv.splitlines())
    at = header.index("date")
    by = last - date.fromisoformat(rows[-1][at])
    for row in rows:
        row[at] = (date.fromisoformat(row[at]) + by).isoformat()
    return "".join(f"{','.join(row)}\n" for row in (header, *rows))


def open_doors(database: Database, now: datetime, random_hex: Random) -> bool:
    """Let everybody log in to the demonstration; false if there is none here."""
    if PROGRAM not in [program.name for program in list_programs(database)]:
        return False
    for name, role in PEOPLE.items():
        with suppress(UnusableStaff):  # it is there already
            invitation = staff.add_staff(
                database, name, PROGRAM, [role], "system", now, random_hex
            )
            login.enrol(database, invitation, PASSWORD, now, _known(name))
    with suppress(phones.Linked):
        phones.link_phone(database, PROGRAM, MEMBER, PHONE, "system", now, random_hex)
    with Writer(database, PROGRAM) as writer:
        writer.post(story())
    demo_store.open_store(database, PROGRAM, now, random_hex)
    demo_purse.fill_purse(
        database,
        PROGRAM,
        MEMBER,
        f"staff:{STAFF}",
        now,
        lambda size: bytes.fromhex(random_hex(size)),
    )
    demo_counter.wait_for_staff(database, PROGRAM, now)
    demo_office.put_on_the_desk(database, PROGRAM, now)
    return True


def hints(now: datetime) -> list[Hint]:
    """The log-ins of the demonstration; their second factors are no secret."""
    return [
        Hint(name, role, PASSWORD, pyotp.TOTP(make_totp(_known(name))).at(now))
        for name, role in PEOPLE.items()
    ]


def story() -> list[Json]:
    """What happened besides orders: some cashed out, some took orders back, one gift."""
    leavers = ["c00362", "c00819", "c00145", "c00214", "c00314", "c00457", "c00485", "c00547"]
    cash_outs = [
        {"type": "cash_out", "id": f"demo-cash-out-{number}", "member": member, "points": "all"}
        for number, member in enumerate(leavers)
    ]
    refunds = [
        {"type": "refund", "id": f"demo-refund-{number}", "order": f"cd{number:06d}"}
        for number in (2900, 2910, 2920)
    ]
    part = {"type": "refund", "id": "demo-refund-part", "order": "cd002930", "amount": "5.00"}
    gift = {"type": "inject", "id": "demo-injection", "amount": "250.00"}
    return [*cash_outs, *refunds, part, gift]


def _known(name: str) -> Callable[[int], str]:
    """Digits that look random and are the same every time."""
    numbers, seed = count(), "demo" if name == STAFF else name
    return lambda size: _hex(f"{seed} {next(numbers)}")[: 2 * size]


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
