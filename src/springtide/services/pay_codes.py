"""Pay codes: an amount at a store, sealed by the program and good for minutes.

A code says all that it stands for: the store's own code, who typed the amount, the amount, when
it was made, a number used once, and the seal over these. Nothing is kept of it. The order that
pays it has an id made of it, so a code is paid once, and whether it was, the journal says.
Source: docs/decisions/0025-store.md.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from springtide.core.event_fields import Json
from springtide.core.units import CENT, LIMIT, format_money, parse_money
from springtide.services import invitations
from springtide.services.invitations import UnknownInvitation
from springtide.storage import programs
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible

GOOD_FOR = timedelta(minutes=5)

TILL, CARD = "t", "c"
"""Who typed the amount: the store at its till, or the customer who scanned the printed card."""

_CODE = re.compile(
    r"([0-9][a-z2-7]{24})-([tc])([0-9a-f]{1,16})-([0-9a-f]{8})-([0-9a-f]{16})-(.*)"
)

ORDER = "springtide:store:"
"""How the id of an order by pay code begins: nobody else's orders have such ids."""


class UnusableAmount(NotPossible):
    """What somebody typed is no amount that can be paid."""


@dataclass(frozen=True, slots=True)
class PayCode:
    """What is to be paid, to whom, until when; money in micro."""

    code: str
    store: str
    """The store's own code, which its printed card has."""
    merchant: str
    owner: str
    typed_by: str
    """`TILL` or `CARD`."""
    amount: int
    made_at: datetime
    order_id: str

    @property
    def expires_at(self) -> datetime:
        """From then on it is not paid any more."""
        return self.made_at + GOOD_FOR

    def order(self, type_: str, member: str) -> Json:
        """The order by which a member pays it: a `purchase` or a `pay`.

        It names the store's owner as referrer. Whoever was bound before stays bound.
        """
        return {
            "type": type_, "id": self.order_id, "member": member, "merchant": self.merchant,
            "amount": format_money(self.amount), "referrer": self.owner,
            "at": self.made_at.date().isoformat(),
        }  # fmt: skip


def read_amount(text: str) -> int:
    """What somebody typed, like 1,234.50, in micro.

    Raises:
        UnusableAmount: it is no amount of whole cents above zero.
    """
    try:
        amount = parse_money(text.replace(",", "").strip())
    except ValueError:
        amount = 0
    if not 0 < amount <= LIMIT or amount % CENT:
        raise UnusableAmount(f"the amount is {text!r}; give one like 12.50, in whole cents")
    return amount


def make(
    database: Database,
    name: str,
    store: str,
    amount: int,
    typed_by: str,
    now: datetime,
    random_hex: Callable[[int], str],
) -> str:
    """A code for an amount in micro at a store; `random_hex` as `secrets.token_hex`.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        UnknownInvitation: there is no such store.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        invitations.find_store(tx, program, store)
        text = f"{store}-{typed_by}{amount:x}-{int(now.timestamp()):08x}-{random_hex(8)}"
        return f"{text}-{invitations.seal(tx, program, text)}"


def read(database: Database, name: str, code: str) -> PayCode:
    """What a code stands for, also when its time is over.

    Raises:
        UnknownInvitation: this program did not make it.
    """
    found = _CODE.fullmatch(code) if code.isascii() else None
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        if found is None or not invitations.is_sealed(
            tx, program, code.rpartition("-")[0], found[6]
        ):
            raise UnknownInvitation(f"{code!r} is no pay code of this program; scan it again")
        store, typed_by, amount, made, once, _ = found.groups()
        shop = invitations.find_store(tx, program, store)
    return PayCode(
        code, store, shop.merchant, shop.by, typed_by, int(amount, 16),
        datetime.fromtimestamp(int(made, 16), UTC), f"{ORDER}{typed_by}{made}{once}",
    )  # fmt: skip
