"""`python -m tests.pages.screenshots [FOLDER [NAME...]]`: pictures of every page.

In both languages, on a phone and on a desk, light and dark; with names, only of those pages.
"""

import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, expect

from springtide.storage import embedded
from tests.pages.browser import DESK, PHONE, chromium
from tests.pages.demonstration import demonstration
from tests.pages.visiting import EVERY, Look, Visits

LOOKS: tuple[Look, ...] = ("light", "dark")
WAYS = list(product(("zh", "en"), ("phone", "desk"), LOOKS))
UNDRAWN = "[data-series]:not(:has(canvas)), [data-chart]:not(:has(svg)), [hx-trigger=load]"


def main() -> None:
    """Take the pictures."""
    folder, names = Path(*sys.argv[1:2] or ["screenshots"]), sys.argv[2:]
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="springtide-test-") as home,
        embedded.running(Path(home) / "pgdata") as dsn,
        demonstration(dsn, Path(home)) as service,
        chromium() as browser,
    ):
        visits = Visits(browser, service.url, {})
        with visits.window("staff") as page:
            _do_something(page)
        for who, pages in EVERY.items():
            for language, size, look in WAYS:
                with visits.window(who, language, size, look) as page:
                    for name, address in pages.items():
                        if not names or name in names:
                            page.set_viewport_size(PHONE if size == "phone" else DESK)
                            page.goto(address)
                            settle(page)
                            name = f"{name}-{language}-{size}-{look}.png"
                            _whole(page).screenshot(path=folder / name)


def _do_something(page: Page) -> None:
    """So that there are results to see: an audit's, a key, and history under a draft."""
    page.goto("/console/demo/audit")
    page.click("main form button")
    page.goto("/console/demo/keys")
    page.click("main form button >> nth=-1")
    page.goto("/console/demo/policy/drafts/1")
    page.click("#backtest button")


def _whole(page: Page) -> Page:
    """The page in a window as high as all of it."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": page.evaluate("innerWidth"), "height": height})
    page.wait_for_timeout(100)
    return page


def settle(page: Page) -> None:
    """Wait until the charts of a page are drawn, and what it asks for by itself is there."""
    expect(page.locator(UNDRAWN)).to_have_count(0)


if __name__ == "__main__":
    main()
