"""The report of a simulation in Chromium: from a file, with nothing to load, on any screen."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from springtide.services.simulation import load, simulate
from springtide.services.simulation_report import write_report
from tests.pages.browser import DESK, PHONE
from tests.pages.test_every_page import check_access, check_width

TEXT = """# A shop whose customers leave, while a part of the money is gone: <b>not bold</b>.
[policy]
preset = "advert-b"
[time]
periods = 70
[orders]
per_period = 40
[basket]
mean = 1000
[members]
returning = 0.5
[[shock]]
at = 60
kind = "custody"
share = 0.5
[[shock]]
at = 61
kind = "bank_run"
share = 1.0
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = load(TEXT, Path())
    path = tmp_path_factory.mktemp("report") / "shop.html"
    path.write_text(write_report("shop", TEXT, simulate(scenario), 0.8), encoding="utf-8")
    return path


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_the_report_on_a_screen(
    browser: Browser, report: Path, size: str, look: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        viewport=PHONE if size == "phone" else DESK, color_scheme=look
    )
    page, said, asked = context.new_page(), list[str](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    check_width(page, size)
    check_access(page, size)
    assert asked == [report.as_uri()]
    assert said == []
    assert "were not there" in page.inner_text("main")
    assert "<b>not bold</b>" in page.inner_text("main")
    letters = page.evaluate(
        """[...document.querySelectorAll('svg text')]
        .map(text => text.getBoundingClientRect().height)"""
    )
    assert min(letters) > 10, "the letters of a chart are too small to read"
    places = page.evaluate(
        "[...document.querySelectorAll('svg')].map(chart => chart.getBoundingClientRect().x)"
    )
    assert len(set(places)) == (1 if size == "phone" else 2)
    context.close()


def test_the_report_on_paper(browser: Browser, report: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(report.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    pages = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    assert 1 <= pages <= 4
    page.close()
