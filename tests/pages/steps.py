"""What stories of the pages have in common: words, logging in, figures, codes to scan."""

import re
from decimal import Decimal

from playwright.sync_api import Page, expect

from springtide.web.pages.shared.language import LANGUAGES, words
from springtide.web.pages.shared.qr import qr

SAID = {code: words(language.locale).gettext for code, language in LANGUAGES.items()}
"""How each language says a message."""


def enter(page: Page, phone: str) -> None:
    """From the page that asks for a number to being logged in."""
    page.fill("#phone", phone)
    page.click("main form button")
    page.fill("#code", page.inner_text(".note strong"))
    page.click("main form button")


def enter_console(page: Page, program: str, name: str, password: str, code: str) -> None:
    """By what staff know, to the one program they work for."""
    page.goto("/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.fill("#code", code)
    page.click("main button")
    page.wait_for_url(re.compile(f"/console/{program}$"))


def figure(page: Page, label: str, place: str = "main") -> str:
    """The exact value beside a label."""
    value = page.locator(f"{place} dt:text-is({label!r}) + dd data").first
    return value.get_attribute("value") or ""


def figures(page: Page, place: str) -> list[str]:
    """Every exact value of a place, in order."""
    return [one.get_attribute("value") or "" for one in page.locator(f"{place} data").all()]


def adds_up(page: Page) -> Decimal:
    """What a page says as `a = b + c`, after a look at whether it is so."""
    said = page.locator("main .sum").first.text_content() or ""
    whole, parts = said.replace(",", "").split(" = ")
    assert sum(map(Decimal, parts.split(" + "))) == Decimal(whole)
    return Decimal(whole)


def scan(page: Page, link: str) -> str:
    """What a camera reads from a QR on a page: the address that is said beside it.

    There is one drawing for an address and an error level, so equal pictures say the same.
    """
    picture = page.locator(".qr").first
    expect(picture).to_be_visible()
    drawn = picture.get_attribute("src") or picture.locator("path").last.get_attribute("d")
    assert drawn
    assert drawn in qr(link)
    return link
