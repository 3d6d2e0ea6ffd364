"""Every page: its words, its mark, what it may load, how wide it is, who can use it."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from springtide.web.pages.shared.language import LANGUAGES, words
from tests.pages.screenshots import settle
from tests.pages.visiting import EVERY, Look, Visits

AXE = (
    Path(__file__).parents[2] / "src/springtide/web/assets/node_modules/axe-core/axe.min.js"
).read_text()

SERIOUS = """async () => {
    // Rows that are like the three above them: looking at each takes long.
    const alike = {exclude: ['tbody tr:nth-child(n+4)', '.list > li:nth-child(n+4)']}
    const found = await axe.run(alike, {resultTypes: ['violations']})
    return found.violations
        .filter(problem => ['serious', 'critical'].includes(problem.impact))
        .map(({id, nodes}) => [id, nodes.slice(0, 3).map(node => node.html.slice(0, 160))])
}"""
"""What axe finds that would keep somebody from using the page."""

WAYS: list[tuple[str, str, Look]] = [("zh", "phone", "dark"), ("en", "desk", "light")]


@pytest.mark.parametrize(("language", "size", "look"), WAYS)
@pytest.mark.parametrize("who", EVERY)
def test_every_page(visits: Visits, who: str, language: str, size: str, look: Look) -> None:
    with visits.window(who, language, size, look) as page:
        for name, address in EVERY[who].items():
            response = page.goto(address)
            settle(page)
            assert response is not None
            assert response.status == (404 if name == "missing" else 200), name
            _check_words(page, language, name)
            check_width(page, name)
            check_access(page, name)
            if size == "phone":
                check_touch(page, name)
            policy = response.headers["content-security-policy"]
            assert "unsafe" not in policy, name


def _check_words(page: Page, language: str, name: str) -> None:
    text = page.inner_text("body")
    assert page.locator(".demo").count() == 1, f"{name} does not say that it is a DEMO"
    assert page.get_attribute("html", "lang") == LANGUAGES[language].tag
    for sign in ("%(", "{{", "None", "undefined", "NaN", "Markup("):
        assert sign not in text, f"{name} shows {sign}"
    say = words(LANGUAGES[language].locale).gettext
    for value in (say("Price of a point"), say("Worth"), say("Your points are worth")):
        if value in text.splitlines():
            assert any(cash in text for cash in (say("Cash now"), say("Cash now for them"))), (
                f"{name} shows {value!r} without what could be cashed now"
            )
    if language == "zh":
        assert say("Language") != "Language"
        assert page.title().isascii() is False, f"the title of {name} is not Chinese"


def check_width(page: Page, name: str) -> None:
    # A phone's window grows with a page that is too wide: compare with the screen.
    window = page.viewport_size["width"] if page.viewport_size else 0
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= window, f"{name} is {wide} wide in a window of {window}"
    cut = page.evaluate(
        """[...document.querySelectorAll('data, dd, h1, h2, th, td, button')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
                && getComputedStyle(e).display !== 'inline')
        .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert cut == [], f"{name} has text that is wider than its place"


def check_access(page: Page, name: str) -> None:
    page.evaluate(AXE)
    serious: list[Any] = page.evaluate(SERIOUS)
    assert serious == [], f"{name}: {json.dumps(serious, indent=1)}"


ALONE = """() => [...document.querySelectorAll('main a, main button, main summary')]
    .filter(e => e.checkVisibility() && !e.closest('dialog:not([open])')
            && e.innerText.trim() === e.parentElement.innerText.trim())
    .map(e => [e.getBoundingClientRect().height, e.outerHTML.slice(0, 120)])
    .filter(([height]) => height < 44)"""
"""What is touched and stands alone, not in a sentence, and is too low for a thumb."""


def check_touch(page: Page, name: str) -> None:
    assert page.evaluate(ALONE) == [], name
