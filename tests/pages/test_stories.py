"""What people do with the pages, from beginning to end, in a browser."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from springtide.services import demo
from springtide.services.audit import audit
from springtide.storage.database import Database
from tests.pages.steps import SAID
from tests.pages.visiting import Visits, log_in_member


def exact(page: Page, figure: str) -> str:
    """A figure of the home page, exactly."""
    return page.get_attribute(f"[data-figure={figure}]", "value") or ""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_member_cashes_out(
    visits: Visits, books: Database, language: str, tmp_path: Path
) -> None:
    say = SAID[language]
    with visits.window("member", language) as page:
        page.goto("/m/demo")
        points, wallet = float(exact(page, "points")), 0.0
        assert float(exact(page, "cash")) <= float(exact(page, "value")) * 0.8

        page.click(f"text={say('Lots')}")
        page.click(".list a >> nth=0")
        expect(page.locator("main")).to_contain_text(say("Where it comes from"))

        page.click(f"text={say('Wallet')}")
        wallet = float(page.get_attribute("main dl.figure data", "value") or "")
        page.goto("/m/demo/cash-out")
        page.fill("#points", "0.25")  # the quote comes by itself
        net = page.locator("#quote .pair data >> nth=1")
        expect(net).to_be_visible()
        paid = float(net.get_attribute("value") or "")
        page.click(f"text={say('Yes, cash out')}")
        page.wait_for_url(re.compile("/cash-outs/co_"))

        page.click(f"text={say('To the wallet')}")
        now = float(page.get_attribute("main dl.figure data", "value") or "")
        assert now == pytest.approx(wallet + paid, abs=1e-9)
        expect(page.locator(".list li").first).to_contain_text(say("Cash-out"))

        page.click(f"text={say('Me')} >> nth=-1")
        with page.expect_download() as download:
            page.click(f"text={say('Download my data')}")
        kept = json.loads(download.value.path().read_text())
        assert float(kept["points"]) == pytest.approx(points - 0.25, abs=1e-9)
        assert kept["movements"][-1]["cause"] == "cash_out"
    assert audit(books, "demo").passed


def test_the_curve_says_how_many_days_it_shows(visits: Visits) -> None:
    with visits.window("member") as page:
        page.goto("/m/demo")
        at, *_ = json.loads(page.get_attribute("[data-series]", "data-series") or "")
        days = (at[-1] - at[0]) // 86_400 + 1
        expect(page.locator("figcaption")).to_have_text(f"The last {days} days")


def test_who_asks_for_too_much_is_told_what_there_is(visits: Visits) -> None:
    with visits.window("member") as page:
        page.goto("/m/demo/cash-out")
        page.fill("#points", "9000")
        expect(page.locator("#quote [role=alert]")).to_contain_text("fewer points")
        page.fill("#points", "ten")
        expect(page.locator("#quote [role=alert]")).to_contain_text("not a number")


def test_somebody_new_reads_what_a_purchase_brings(visits: Visits) -> None:
    with visits.window() as page:
        page.goto("/m/demo/lots")
        page.wait_for_url(re.compile("/login"))
        page.fill("#phone", "12")
        page.click("main button")
        expect(page.locator(".error")).to_contain_text("not a phone number")
        page.fill("#phone", "139 0000 0000")
        page.click("main button")
        page.fill("#code", "000000")
        page.click("main button")
        expect(page.locator(".error")).to_contain_text("not the code")
        page.fill("#code", page.inner_text(".note strong"))
        page.click("main button")
        expect(page.locator(".empty")).to_contain_text("No points yet")
        page.click("main .btn")
        expect(page.locator("main")).to_contain_text("Do not buy for the points.")
        page.goto("/m/demo/account")
        page.click("main form button")
        page.wait_for_url(re.compile("/login"))
        page.goto("/m/demo")
        page.wait_for_url(re.compile("/login"))


def test_the_price_moves_while_a_page_is_open(visits: Visits, books: Database) -> None:
    from springtide.services.writer import Writer

    with visits.window("member") as page:
        page.goto("/m/demo")
        before = float(exact(page, "price"))
        page.wait_for_timeout(500)
        with Writer(books, "demo") as writer:
            [gift] = writer.post([{"type": "inject", "id": "live-gift", "amount": "500.00"}])
        assert gift.refusal is None
        figure = page.locator("[data-figure=price]")
        expect(figure).to_have_class(re.compile("changed"))
        assert float(exact(page, "price")) > before
        assert float(exact(page, "cash-price")) < float(exact(page, "price"))


def test_staff_look_things_up(visits: Visits) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto("/console")
        page.wait_for_url(re.compile("/console/demo$"))
        page.click("nav >> text=Members")
        page.fill("#q", demo.MEMBER)
        expect(page.locator("#rows tbody tr")).to_have_count(1)
        page.click(f"#rows >> text={demo.MEMBER}")
        expect(page.locator("h1")).to_have_text(demo.MEMBER)
        expect(page.locator("main")).to_contain_text("Points for an order")  # by itself
        page.click("main table >> nth=0 >> tbody a >> nth=0")
        expect(page.locator("main")).to_contain_text("Who got what of it")
        whole, parts = page.inner_text("main .sum").split(" = ")
        assert sum(map(Decimal, parts.split(" + "))) == Decimal(whole)
        page.click("nav >> text=Audit")
        page.click("text=Run the audit")
        expect(page.locator(".chip.done")).to_have_count(9)
        page.click("nav >> text=Log of acts")
        expect(page.locator("main .list")).to_contain_text("session.open")
        page.click("nav >> text=Prices")
        expect(page.locator("h1")).to_have_text("Prices")
        days = [day.get_attribute("datetime") for day in page.locator("tbody time").all()]
        page.goto(f"/console/demo/prices?before={days[2]}")
        expect(page.locator("tbody time").first).to_have_attribute("datetime", days[3] or "")
        page.click("text=First page")
        expect(page.locator("tbody tr")).to_have_count(len(days))


def test_the_wrong_password_says_nothing(visits: Visits) -> None:
    with visits.window(size="desk") as page:
        for name in (demo.STAFF, "nobody-at-all"):
            page.goto("/console/demo/members")
            page.wait_for_url(re.compile("/login"))
            page.fill("#name", name)
            page.fill("#password", "not the password")
            page.fill("#code", "000000")
            page.click("main button")
            expect(page.locator("[role=alert]")).to_contain_text("are wrong, or there were too")


def test_the_pages_work_before_their_scripts_arrive(visits: Visits) -> None:
    with visits.window() as page:
        page.route("**/*.js", lambda route: route.abort())
        log_in_member(page, "+8613900000001")
        page.goto("/m/demo/cash-out?points=1")
        expect(page.locator("[role=alert]")).to_contain_text("fewer points")
