"""A merchant's day: codes that are paid, a sale refunded, goods for points, the account."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import httpx2
from playwright.sync_api import expect

from springtide.core.units import MICRO, parse_money
from springtide.services import codes, demo_store, holding, invitations, listing, stores
from springtide.services import demo as demonstration
from springtide.services.audit import audit
from springtide.services.merchant_statements import read_merchant_statement
from springtide.services.pay_codes import make
from springtide.storage.database import Database
from tests.pages.steps import enter, figure
from tests.pages.visiting import STORE_HOME, Visits
from tests.web.serving import Service

DEMO, STORE = demonstration.PROGRAM, demo_store.MERCHANT


def now() -> datetime:
    return datetime.now(UTC)


def money(amount: int) -> str:
    return f"{amount // MICRO}.{amount % MICRO:06d}"


def test_a_sale_is_refunded_in_part(visits: Visits, books: Database) -> None:
    def owed() -> int:
        found = listing.read_merchant(books, DEMO, STORE)
        assert found is not None
        return found

    with visits.window("store") as page:
        page.goto(f"{STORE_HOME}/sales")
        page.click("text=128.00")
        page.fill("#amount", "9000")
        page.click("#back button")
        expect(page.locator("[role=alert]")).to_contain_text("at most ¥ 128.00")
        page.fill("#amount", "ten")
        page.click("#back button")
        expect(page.locator(".error")).to_contain_text("no amount")
        page.fill("#amount", "28.00")
        page.click("#back button")
        mine, before = parse_money(figure(page, "You pay of it")), owed()
        page.click("text=Yes, refund it")
        expect(page.locator("h1 + p .chip")).to_have_text("refunded in part")
        assert figure(page, "Refunded so far") == "28.000000"
        assert before - owed() == mine
        order = page.locator("header .quiet >> nth=-1").inner_text()
        page.goto(f"{STORE_HOME}/statement")
        first, second = page.locator(".list li").all_inner_texts()[:2]
        assert first.startswith("Refund of a sale: your part of it")
        assert second.startswith("The same refund")
        for row in range(2):
            page.locator(".list a").nth(row).click()
            expect(page.locator("main header")).to_contain_text(order)
            page.go_back()
    assert audit(books, DEMO).passed


def test_goods_for_points_and_the_account(
    visits: Visits, books: Database, tmp_path: Path
) -> None:
    code, _ = codes.make_code(
        books, DEMO, "till-story", "c00031", "0.5", 30, "system", now(), secrets.randbelow
    )
    with visits.window("store") as page:
        page.goto(f"{STORE_HOME}/redeem")
        page.fill("#code", "0000-0000-0000")
        page.click("main form button")
        expect(page.locator("[role=alert]")).to_contain_text("no such code")
        page.fill("#code", code.lower())
        page.click("main form button")
        worth = page.get_attribute(".big data", "value")
        page.click("text=Yes, hand it in")
        page.wait_for_url(re.compile("/redeemed"))
        assert page.get_attribute(".big data", "value") == worth
        page.goto(f"{STORE_HOME}/redeem")
        page.fill("#code", code)
        page.click("main form button")
        expect(page.locator("[role=alert]")).to_contain_text("handed in before")

        page.click("text=Account")
        since = now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        found = read_merchant_statement(books, DEMO, STORE, since, now() + timedelta(days=1))
        assert figure(page, "The program owes you now") == money(found.owed_now)
        assert figure(page, "Your part of sales") == money(found.sold)
        assert figure(page, "Goods for points") == money(found.redeemed) == worth
        with page.expect_download() as download:
            page.click("text=Download as a sheet")
        with ZipFile(download.value.path()) as sheet:
            assert money(found.owed_now) in sheet.read("xl/sharedStrings.xml").decode()
        page.goto(f"{STORE_HOME}/customers")
        today, _ = stores.count_customers(books, DEMO, STORE, now())
        expect(page.locator(".figure dd").first).to_have_text(f"{today.all}")
        assert not re.search(r"c000\d\d|u[0-9a-f]{16}", page.content())
    assert audit(books, DEMO).passed


def test_a_card_is_scanned(visits: Visits, books: Database) -> None:
    store = stores.find_store(books, DEMO, STORE, now())
    assert store is not None
    with visits.window() as page:
        page.goto(f"/p/demo/stores/{STORE}")
        expect(page.locator("main")).to_contain_text(store.word)
        page.goto(f"/pay/demo/{store.code}")
        expect(page.locator("main")).to_contain_text(store.word)
        page.fill("#amount", "12.345")
        page.click("main form button")
        expect(page.locator(".error")).to_contain_text("no amount")
        page.fill("#amount", "300")
        page.click("main form button")
        page.click("main a.btn")
        enter(page, "13700000003")
        page.check("#read")
        page.click("main form button")
        expect(page.locator("h1")).to_contain_text("Paid to")
        page.goto(f"/pay/demo/{store.code}")  # a second time: more than a card may be a day
        page.fill("#amount", "200.01")
        page.click("main form button")
        page.click("main form button")
        expect(page.locator("[role=alert]")).to_contain_text("¥ 200.00 more by card today")


def test_till_and_phone_show_one_check_code(visits: Visits, books: Database) -> None:
    store = stores.find_store(books, DEMO, STORE, now())
    assert store is not None
    with visits.window("store") as till:
        till.goto(STORE_HOME)
        sold = stores.read_today(books, DEMO, STORE, now())
        program, state = listing.read_program(books, DEMO)
        _, cash = holding.worth(sold.granted, program, state.policy)
        assert figure(till, "Cash now for them") == money(cash)
        till.fill("#amount", "12.50")
        till.click("main form button >> nth=0")
        expect(till.locator("#state strong")).to_have_text(store.word)
        link = till.get_attribute("#state a", "href") or ""
    with visits.window() as phone:
        phone.goto(link)
        expect(phone.locator("main dl .font-semibold")).to_have_text(store.word)
        expect(phone.locator("main")).to_contain_text("shows this same check code")


def test_the_card_is_one_page_of_a6(visits: Visits) -> None:
    with visits.window("store", look="dark") as page:
        page.goto(f"{STORE_HOME}/card")
        printed = page.pdf(format="A6", print_background=True)
        page.evaluate("window.print = () => { document.title = 'printed' }")
        page.click("text=Print the card")
        expect(page).to_have_title("printed")
    assert re.findall(rb"/Count (\d+)", printed) == [b"1"]


def test_who_does_not_own_a_store_finds_nothing(visits: Visits, http: httpx2.Client) -> None:
    with visits.window() as page:
        page.goto(STORE_HOME)
        page.wait_for_url(re.compile("/corner/login"))
        page.fill("#phone", "13700000004")
        page.click("main form button")
        page.fill("#code", page.inner_text(".note strong"))
        page.click("main form button")
        expect(page.locator("h1")).to_have_text("There is nothing at this address")
        for rest in ("/sales", "/card", "/statement.xlsx", "/customers"):
            assert page.request.get(f"{STORE_HOME}{rest}").status == 404, rest
    assert http.get("/p/demo/stores/nobody").status_code == 404
    assert http.get("/s/demo/nobody", follow_redirects=False).status_code == 303


def test_codes_that_are_forged_or_over(
    visits: Visits, books: Database, site: Service, http: httpx2.Client
) -> None:
    assert site.process.poll() is None
    store = stores.find_store(books, DEMO, STORE, now())
    assert store is not None
    late = now() - timedelta(minutes=5, seconds=1)
    old = make(books, DEMO, store.code, 9 * MICRO, "t", late, secrets.token_hex)
    good = make(books, DEMO, store.code, 9 * MICRO, "t", now(), secrets.token_hex)
    cheaper = good.replace(f"-t{9 * MICRO:x}-", f"-t{MICRO:x}-")
    member = invitations.make(books, DEMO, "c00021", "", now(), "system", secrets.token_bytes)
    english = {"Accept-Language": "en"}
    for code, status in (
        (old, 410), (good, 200), (cheaper, 404), (good[:-1], 404), (member, 404), ("x", 404),
    ):  # fmt: skip
        assert http.get(f"/pay/demo/{code}", headers=english).status_code == status, code
    assert http.post(f"/pay/demo/{good}").status_code == 303  # nobody is logged in
    foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    answer = http.post(f"/pay/demo/{store.code}/amount", data={"amount": "1"}, headers=foreign)
    assert answer.status_code == 403
    with visits.window("store") as page:
        page.goto(STORE_HOME)
        csrf = page.get_attribute("[name=csrf] >> nth=0", "value") or ""
        safe = {"Sec-Fetch-Site": "same-origin"}
        for given, status in (("x" * 32, 403), (csrf, 422)):
            form: dict[str, str | float | bool] = {"csrf": given, "amount": "0"}
            answer_ = page.request.post(f"{STORE_HOME}/codes", form=form, headers=safe)
            assert answer_.status == status
        assert page.request.get(f"{STORE_HOME}/codes/{old}").status == 200
        assert page.request.get(f"{STORE_HOME}/codes/{cheaper}").status == 404
        assert page.request.get(f"{STORE_HOME}/orders/cd001425").status == 404  # not its own
