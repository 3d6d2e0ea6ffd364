"""A store as its owner and its customers see it: who it is, what it sold, to how many.

Source: docs/decisions/0025-store.md.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from springtide.core.disclosure import Outlook, outlook
from springtide.core.policy_file import read_policy
from springtide.core.units import MICRO, format_money
from springtide.services import invitations
from springtide.services.pay_codes import CARD, ORDER, PayCode
from springtide.services.preview import preview
from springtide.services.regions import find_region
from springtide.storage import distribution, onboarding, programs, stores
from springtide.storage.database import Database, Transaction
from springtide.storage.errors import NotPossible
from springtide.storage.listing import EntryRow
from springtide.storage.programs import Program
from springtide.storage.stores import Customers, Sold

ORDERS = ["purchase", "pay"]
"""The kinds of entries that are orders."""

CUSTOMERS_OF = timedelta(days=90)
SALES_OF = timedelta(days=90)

MOST_BY_CARD = 500 * MICRO
"""What one customer pays a day by printed cards, in micro: a sticker may be pasted over one.
China's rules for bar codes grade static codes lowest and draw the line here."""

WORD = 6
"""Letters of a store's check code."""


class TooMuchByCard(NotPossible):
    """More than a customer may pay by printed cards in a day.

    Attributes:
        left: What they may still pay today, in micro.
    """

    code = "card_limit"

    def __init__(self, left: int) -> None:
        super().__init__(
            f"by printed cards you can pay {format_money(MOST_BY_CARD)} a day, "
            f"{format_money(left)} more today; ask the store to show you a code of its till"
        )
        self.left = left


@dataclass(frozen=True, slots=True)
class Store:
    """A store that was accepted; what is known of it was checked by the operator."""

    merchant: str
    name: str
    licence: str
    region: str
    """GB/T 2260, with the names from the province down where they are known."""
    owner: str
    active: bool
    code: str
    """Of its pay-QR; empty until it is made."""
    word: str
    """Six letters that card and page must both show; empty until the code is made."""


def find_store(database: Database, name: str, merchant: str, now: datetime) -> Store | None:
    """A store; None if there is none that was ever accepted.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
    """
    with database.snapshot() as tx:
        return _find(tx, programs.get_program(tx, name), merchant, now)


def store_of_code(database: Database, name: str, code: str, now: datetime) -> Store:
    """The store that a printed card leads to.

    Raises:
        UnknownInvitation: the code is no store's.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        merchant = invitations.find_store(tx, program, code).merchant
        found = _find(tx, program, merchant, now)
    if found is None:
        raise invitations.UnknownInvitation(f"{code!r} leads to no store; scan it again")
    return found


def _find(tx: Transaction, program: Program, merchant: str, now: datetime) -> Store | None:
    row = onboarding.find_application(tx, program, merchant)
    terms = dict(distribution.read_terms(tx, program, [merchant])).get(merchant)
    if row is None or terms is None:
        return None
    code = invitations.code_of_store(tx, program, merchant)
    word = ""
    if code:
        facts = "\n".join(("store", merchant, row.name, row.licence, row.region))
        letters = invitations.seal(tx, program, facts)[1 : WORD + 1].upper()
        word = f"{letters[: WORD // 2]} {letters[WORD // 2 :]}"
    return Store(
        merchant, row.name, row.licence, _region(row.region, now.year), terms.owner,
        not terms.suspended, code, word,
    )  # fmt: skip


def _region(code: str, year: int) -> str:
    regions = [find_region(code[:digits], year) for digits in (2, 4, 6)]
    return " ".join([region.name for region in regions if region] + [code])


def day_began(now: datetime) -> datetime:
    """When the day began, in UTC like every day of the books."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def read_today(database: Database, name: str, merchant: str, now: datetime) -> Sold:
    """What a store sold since the day began."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return stores.read_sold(tx, program, merchant, day_began(now))


def list_sales(
    database: Database, name: str, merchant: str, since: datetime, before: int | None, most: int
) -> list[EntryRow]:
    """Orders at a store since an instant, newest first, from before a seq."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return stores.read_newest_orders(tx, program, merchant, since, before, most)


def count_customers(
    database: Database, name: str, merchant: str, now: datetime
) -> tuple[Customers, Customers]:
    """How many bought at a store today, and in the last `CUSTOMERS_OF`."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        today = stores.read_customers(tx, program, merchant, day_began(now))
        return today, stores.read_customers(tx, program, merchant, now - CUSTOMERS_OF)


def look_ahead(
    database: Database, name: str, code: PayCode, member: str, now: datetime
) -> Outlook:
    """What paying a code will bring a member; somebody who is not known, if empty.

    Raises:
        Refusal: the order would be refused.
    """
    event = code.order("purchase", member or "springtide:newcomer")
    outcome, _ = preview(database, name, event, now)
    if outcome.refusal is not None:
        raise outcome.refusal
    with database.snapshot() as tx:
        policy = read_policy(programs.get_program(tx, name).policy_toml)
    return outlook(policy, code.amount, outcome.receipt)


def check_payable(
    database: Database, name: str, code: PayCode, member: str, now: datetime
) -> None:
    """Whether a member may pay a code now.

    Raises:
        TooMuchByCard: it is by a printed card, and too much for a day.
        Refusal: the order would be refused.
    """
    if code.typed_by == CARD:
        with database.snapshot() as tx:
            program = programs.get_program(tx, name)
            begin = f"{ORDER}{CARD}"
            spent = stores.read_spent(tx, program, member, begin, day_began(now))
        if spent + code.amount > MOST_BY_CARD:
            raise TooMuchByCard(max(MOST_BY_CARD - spent, 0))
    look_ahead(database, name, code, member, now)


__all__ = [
    "ORDERS", "Customers", "EntryRow", "Sold", "Store", "TooMuchByCard", "check_payable",
    "count_customers", "day_began", "find_store", "list_sales", "look_ahead",
    "read_today", "store_of_code",
]  # fmt: skip
