"""Pages that are there only when something was done, or went wrong: what leads to each."""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from playwright.sync_api import Page, expect

from springtide.core.units import MICRO
from springtide.services import (
    cash_outs,
    codes,
    demo,
    demo_purse,
    demo_store,
    invitations,
    pay_codes,
    phones,
    staff,
    stores,
)
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.web.pages.shared.files import read_files
from springtide.web.pages.shared.language import LANGUAGES
from springtide.web.pages.shared.render import Templates
from tests.core.history import buy
from tests.pages.steps import enter
from tests.pages.visiting import STORE_HOME, Visits
from tests.people import PASSWORD, hired

SECOND = "corner-card"
"""A program whose commissions go by statement, and whose cash-outs wait for the day's batch."""

SAVERS_PHONE = "13700000201"

Way = Callable[[Page], None]


def occasions(visits: Visits, books: Database) -> dict[str, tuple[str, Way]]:
    """Every such page by its name: whose it is, and the way to it, which is gone anew."""
    now = datetime.now(UTC)
    _open_second(visits, books, now)
    store = stores.find_store(books, demo.PROGRAM, demo_store.MERCHANT, now)
    assert store is not None
    codes_at = {
        name: pay_codes.make(
            books, demo.PROGRAM, store.code, 9 * MICRO, pay_codes.CARD, at, secrets.token_hex
        )
        for name, at in (("paid", now), ("over", now - timedelta(minutes=6)))
    }
    sold = pay_codes.read(books, demo.PROGRAM, codes_at["paid"])
    handed_in = _hand_in(books, now)
    with Writer(books, demo.PROGRAM) as writer:
        outcomes = writer.post([sold.order("purchase", demo.MEMBER), handed_in])
    assert not any(outcome.refusal for outcome in outcomes)
    invitation = invitations.find(books, demo.PROGRAM, demo.MEMBER)

    def pay(page: Page) -> None:
        code = pay_codes.make(
            books, demo.PROGRAM, store.code, 9 * MICRO, pay_codes.CARD, datetime.now(UTC),
            secrets.token_hex,
        )  # fmt: skip
        page.goto(f"/pay/demo/{code}")

    return {
        "console-enrolled": ("", lambda page: _enrol(page, books)),
        "console-programs": ("keeper", to("/console")),
        "console-dues": ("keeper", to(f"/console/{SECOND}/commissions")),
        "console-dues-refused": ("keeper", _mark_too_much),
        "console-refused": ("reviewer", to("/console/demo/keys")),
        "member-code": ("", _ask_for_a_code),
        "member-landing": ("", to(f"/i/demo/{invitation}")),
        "member-cashed": ("member", to(f"/m/demo/cash-outs/{demo_purse.CASH_OUT}")),
        "member-request": ("saver", to(f"/m/{SECOND}/requests/wish")),
        "member-redeem-code": ("member", _make_a_code),
        "member-redeem-after": ("member", to("/m/demo/redeem/handed-in")),
        "pay": ("member", pay),
        "pay-stranger": ("", pay),
        "pay-typed": ("", to(f"/pay/demo/{store.code}")),
        "pay-over": ("member", to(f"/pay/demo/{codes_at['over']}")),
        "pay-receipt": ("member", to(f"/pay/demo/{codes_at['paid']}")),
        "pay-taken": ("", to(f"/pay/demo/{codes_at['paid']}")),
        "store-code": ("store", _show_a_code),
        "store-order": ("store", _open_a_sale),
        "store-redeemed": ("store", to(f"{STORE_HOME}/redeemed?id={handed_in['id']}")),
        "counting": ("", _fault("counting")),
        "defect": ("", _fault("defect")),
        "down": ("", _fault("down")),
    }


def to(address: str) -> Way:
    """The way to an address."""

    def go(page: Page) -> None:
        page.goto(address)

    return go


def _fault(template: str) -> Way:
    """A page that says what went wrong with the server; it cannot be brought about here."""
    templates = Templates(read_files(), demo=True)
    call = SimpleNamespace(look="", here=lambda **_: "/")

    def show(page: Page) -> None:
        page.goto("/")
        language = LANGUAGES[(page.get_attribute("html", "lang") or "")[:2]]
        page.set_content(templates.render(language, f"shared/{template}.html", call=call))

    return show


def _enrol(page: Page, books: Database) -> None:
    """Somebody is invited and accepts: the page shows once what is kept nowhere."""
    name, now = f"new-{secrets.token_hex(3)}", datetime.now(UTC)
    invitation = staff.add_staff(
        books, name, demo.PROGRAM, ["auditor"], "cli", now, secrets.token_hex
    )
    page.goto("/login/enrol")
    page.fill("#invitation", invitation)
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator("[data-uri]")).to_have_count(1)


def _ask_for_a_code(page: Page) -> None:
    """A number is sent one code a minute: another number for every picture."""
    page.goto("/m/demo/login")
    page.fill("#phone", f"139{secrets.randbelow(10**8):08}")
    page.click("main form button")
    expect(page.locator("#code")).to_be_visible()


def _mark_too_much(page: Page) -> None:
    page.goto(f"/console/{SECOND}/commissions")
    page.fill("#earner", "ana")
    page.fill("#amount", "1,000")
    page.fill("#reference", "bank 1")
    page.click("#due form button")
    expect(page.locator("[role=alert]")).to_be_visible()


def _make_a_code(page: Page) -> None:
    page.goto("/m/demo/redeem?points=0.001")
    page.click("main form[method=post] button")
    expect(page.locator(".qr")).to_be_visible()


def _show_a_code(page: Page) -> None:
    page.goto(STORE_HOME)
    page.fill("#amount", "12.50")
    page.click("main form button >> nth=0")
    expect(page.locator(".qr")).to_be_visible()


def _open_a_sale(page: Page) -> None:
    page.goto(f"{STORE_HOME}/sales")
    page.click("text=128.00")
    expect(page.locator("#amount")).to_be_visible()


def _hand_in(books: Database, now: datetime) -> dict[str, object]:
    """The demonstration's member hands points in at the store."""
    code, _ = codes.make_code(
        books, demo.PROGRAM, "handed-in", demo.MEMBER, "0.01", 5, "system", now,
        secrets.randbelow,
    )  # fmt: skip
    wish: dict[str, object] = {"code": code, "merchant": demo_store.MERCHANT}
    return dict(codes.redemption_by_code(books, demo.PROGRAM, wish, now))


def _open_second(visits: Visits, books: Database, now: datetime) -> None:
    """The second program, its bookkeeper, who works for both, and a member who saves."""
    policy = (
        read_preset("local-life")
        .replace("[commission]", '[commission]\nmode = "statement"')
        .replace("[cap]", 'execution = "daily"\nat = "23:59"\n\n[cap]')
    )
    create_program(books, SECOND, policy)
    with Writer(books, SECOND) as writer:
        bind = {"type": "bind", "id": "b1", "member": "bo", "referrer": "ana"}
        chen = {"type": "bind", "id": "b2", "member": "chen", "referrer": "bo"}
        sold = [buy("o1", "bo", 1_280 * MICRO), buy("o2", "chen", 99_990_000)]
        assert not any(outcome.refusal for outcome in writer.post([bind, chen, *sold]))
    wish = {"type": "cash_out", "id": "wish", "member": "bo", "points": "5"}
    cash_outs.ask(books, SECOND, wish, "member:bo", now)
    with suppress(phones.Linked):
        phones.link_phone(
            books, SECOND, "bo", f"+86{SAVERS_PHONE}", "cli", now, secrets.token_hex
        )
    person = hired(books, SECOND, "keeper", now, "owner")
    staff.grant_role(books, demo.PROGRAM, "keeper", "auditor", "cli", now)

    def log_in(page: Page) -> None:
        page.goto("/login")
        page.fill("#name", person.name)
        page.fill("#password", PASSWORD)
        page.fill("#code", person.code(datetime.now(UTC)))
        page.click("main button")
        page.wait_for_url(re.compile("/console$"))

    def log_in_saver(page: Page) -> None:
        page.goto(f"/m/{SECOND}/login")
        enter(page, SAVERS_PHONE)
        page.wait_for_url(re.compile(f"/m/{SECOND}$"))

    visits.doors |= {"keeper": log_in, "saver": log_in_saver}
