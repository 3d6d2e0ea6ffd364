"""`python -m tests.pages.screenshots [FOLDER [NAME...]]`: pictures of every page.

In both languages, on a phone and on a desk, light and dark; with names, only of those pages.
"""

import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, expect

from springtide.services.webhooks import create_endpoint
from springtide.services.writer import Writer
from springtide.storage import embedded
from springtide.storage.database import Database
from tests.core.history import buy
from tests.pages.browser import DESK, PHONE, chromium
from tests.pages.demonstration import demonstration
from tests.pages.occasions import Way, occasions, to
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
            webhook = _have_webhook(page, Database(dsn))
        steady = {
            name: (who, to(address))
            for who, pages in {**EVERY, "staff": {**EVERY["staff"], **webhook}}.items()
            for name, address in pages.items()
        }
        take(visits, steady, names, folder)
        # Last, for what is done there shows on pages before.
        take(visits, occasions(visits, Database(dsn)), names, folder)


def take(
    visits: Visits, pages: Mapping[str, tuple[str, Way]], names: Sequence[str], folder: Path
) -> None:
    """Take the pictures of some pages: who sees each, and the way there."""
    ways: dict[str, dict[str, Way]] = defaultdict(dict)
    for name, (who, way) in pages.items():
        if not names or name in names:
            ways[who][name] = way
    for who, (language, size, look) in product(ways, WAYS):
        with visits.window(who, language, size, look) as page:
            for name, way in ways[who].items():
                page.set_viewport_size(PHONE if size == "phone" else DESK)
                way(page)
                settle(page)
                picture = folder / f"{name}-{language}-{size}-{look}.png"
                _whole(page).screenshot(path=picture)


def _do_something(page: Page) -> None:
    """So that there are results to see: an audit's, a key, a history under a draft, a play."""
    page.goto("/console/demo/audit")
    page.click("main form button")
    page.goto("/console/demo/keys")
    page.click("main form button >> nth=-1")
    page.goto("/console/demo/policy/drafts/1")
    page.click("#backtest button")
    page.goto("/console/demo/simulator?preset=growth-stops")
    page.fill("#time-periods", "40")
    page.fill("#orders-per_period", "5")
    page.click("text=Play it")
    expect(page.locator("#played")).to_be_visible(timeout=600_000)  # it may have to compile


def _have_webhook(page: Page, database: Database) -> dict[str, str]:
    """A webhook that nobody answers, and a message on its way to it; where they are shown."""
    made = create_endpoint(
        database, "demo", "http://127.0.0.1:9/hook", [], lookup=lambda _: ["127.0.0.1"],
        private=True, random_bytes=secrets.token_bytes, actor="cli", now=datetime.now(UTC),
    )  # fmt: skip
    with Writer(database, "demo") as writer:
        writer.post([buy("told-of", "c00001", 10**7)])
    place = f"/console/demo/webhooks/{made.id}"
    while True:
        page.goto(place)
        if page.locator("main tbody a").count():
            break
        page.wait_for_timeout(500)
    message = page.locator("main tbody a").first.get_attribute("href")
    assert message is not None
    return {"console-webhook": place, "console-delivery": message}


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
