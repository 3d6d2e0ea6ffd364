"""The console as one house: its menu, and levels that are counted only when somebody asks."""

from playwright.sync_api import expect

from springtide.services import levels
from springtide.services.audit import audit
from springtide.storage.database import Database
from tests.pages.visiting import Visits

CONSOLE = "/console/demo"


def test_the_menu_has_headings_for_what_one_may_open(visits: Visits) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto(CONSOLE)
        headings = page.locator("nav.side p").all_inner_texts()
        assert headings == ["Program", "People", "Money", "Network", "Rules", "House"]
        assert page.locator("nav.side a[aria-current]").all_inner_texts() == ["Overview"]
        for address in [
            link.get_attribute("href") for link in page.locator("nav.side a").all()
        ]:
            assert page.request.get(address or "").status == 200, address
    with visits.window("reviewer", size="desk") as page:
        page.goto(CONSOLE)
        headings = page.locator("nav.side p").all_inner_texts()
        assert headings == ["Program", "People", "Money", "Network", "Rules"]
        names = page.locator("nav.side a").all_inner_texts()
        assert "Payouts" in names
        assert not {"Dividends", "Keys", "Log of acts"} & set(names)


def test_on_a_phone_the_menu_is_opened(visits: Visits) -> None:
    with visits.window("staff") as page:
        page.goto(CONSOLE)
        expect(page.locator("nav.side")).to_be_hidden()
        page.click("text=Menu")
        expect(page.locator("nav.side")).to_be_visible()
        page.click("nav.side >> text=Webhooks")
        expect(page.locator("h1")).to_have_text("Webhooks")
        expect(page.locator("nav.side")).to_be_hidden()


def test_levels_are_counted_when_somebody_asks(visits: Visits, books: Database) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto(f"{CONSOLE}/levels")
        assert page.locator("main input[name^='tick:']").count() == 0
        expect(page.locator("main")).to_contain_text("nobody's level changes by it")
        page.click("main button:text-is('Calculate')")
        ticks = page.locator("main input[name^='tick:']")
        names = [tick.get_attribute("name") or "" for tick in ticks.all()]
        assert len(names) > 1
        for tick in ticks.all()[1:]:
            tick.uncheck()
        page.click("text=Give those that are ticked")
        page.wait_for_url(f"**{CONSOLE}/levels")
        wanted = levels.list_levels(books, "demo", "", 10)
        assert [member for member, _ in wanted] == [names[0].removeprefix("tick:")]
        expect(page.locator("main table").last).to_contain_text(wanted[0][0])
        expect(page.locator("main table").last).to_contain_text(wanted[0][1])
    assert audit(books, "demo").passed


def test_an_order_is_found_by_its_id(visits: Visits) -> None:
    with visits.window("staff") as page:
        page.goto(f"{CONSOLE}/orders")
        page.fill("#q", "cd001425")
        page.click("main form button")
        page.wait_for_url(f"**{CONSOLE}/orders/cd001425")
        page.goto(f"{CONSOLE}/orders?q=CD001425")
        expect(page.locator("main [role=note]")).to_contain_text("No order has the id")
        page.click("text=Next page")
        expect(page.locator("main [role=note]")).to_have_count(0)


def test_the_axes_of_charts_say_that_it_is_money(visits: Visits) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto(CONSOLE)
        for chart in ("price", "flow"):
            expect(page.locator(f"[data-chart={chart}] svg")).to_contain_text("¥ ")


def test_who_would_leave_no_owner_is_told_in_chinese(visits: Visits) -> None:
    with visits.window("staff", "zh") as page:
        page.goto(f"{CONSOLE}/staff/demo-owner")
        page.uncheck("[name=role-owner]")
        page.click("main form button")
        expect(page.locator("[role=alert]")).to_contain_text(
            "demo-owner 是 demo 的最后一位所有者"
        )
