"""A program of its own for a story of the pages, with one store whose owner can log in."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import Page

from springtide.services import merchants, phones
from springtide.services.presets import read_preset
from springtide.storage.database import Database
from tests.pages.steps import SAID, enter_console
from tests.pages.visiting import Visits
from tests.people import PASSWORD, hired
from tests.web.serving import Shop, opened

STORE, STORE_NAME, OWNER = "corner", "街角杂货 Corner Grocery", "oma"
OWNERS_PHONE = "13700000101"


def policy(now: datetime) -> str:
    """Settled at the counter, cashed out daily, large withdrawals approved by two.

    The batch was due an hour ago, so that the server begins none while the story is told.
    """
    at = f"{now - timedelta(hours=1):%H:%M}"
    return (
        read_preset("local-life").replace(
            'fee = "0.20"', f'fee = "0.20"\nexecution = "daily"\nat = "{at}"', 1
        )
        + '\n[withdrawal]\nfee = "0.01"\nfee_fixed = "0.10"\nminimum = "1.00"\n'
        'four_eyes_above = "20.00"\n'
    )


@dataclass
class Stage:
    """A program of its own, and where its people meet."""

    visits: Visits
    books: Database
    shop: Shop
    language: str

    def say(self, message: str, **given: str) -> str:
        text = SAID[self.language](message)
        return text % given if given else text

    def get(self, path: str, **query: Any) -> Any:
        return self.shop.get(f"/v1/{path}", **query)

    def member_of(self, order: str) -> str:
        return str(self.get(f"orders/{order}")["event"]["member"])

    @contextmanager
    def phone(self) -> Iterator[Page]:
        with self.visits.window("", self.language) as page:
            yield page

    @contextmanager
    def desk(self, operator: str) -> Iterator[Page]:
        """An operator's desk, logged in."""
        name, now = f"{self.shop.name}-{operator}", datetime.now(UTC)
        person = hired(self.books, self.shop.name, name, now, "reviewer")
        with self.visits.window("", self.language, size="desk") as page:
            enter_console(page, self.shop.name, name, PASSWORD, person.code(now))
            yield page


@contextmanager
def staged(visits: Visits, books: Database, url: str, language: str) -> Iterator[Stage]:
    """The program, opened now."""
    now = datetime.now(UTC)
    with opened(books, url, f"whole-{language}", policy(now)) as shop:
        wish = merchants.Application(
            STORE, STORE_NAME, "92310101000000000C", "310101", "account 1", OWNER
        )
        merchants.apply(books, shop.name, wish, now, "system")
        merchants.activate(books, shop.name, STORE, {"take_rate": "0.20"}, now, "system")
        phone = f"+86{OWNERS_PHONE}"
        phones.link_phone(books, shop.name, OWNER, phone, "cli", now, secrets.token_hex)
        yield Stage(visits, books, shop, language)
