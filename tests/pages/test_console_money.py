"""The console's people and money: payouts, merchants, agents, refunds, freezing."""

import secrets
from datetime import UTC, datetime
from decimal import Decimal

from playwright.sync_api import FilePayload, Page, expect

from springtide.core.units import format_money
from springtide.services import agents, controls, demo, listing, merchants, withdrawals
from springtide.services.audit import audit
from springtide.services.demo_counter import WISHES
from springtide.services.dividends import months
from springtide.services.merchant_statements import read_merchant_statement
from springtide.storage.database import Database
from tests.pages.visiting import Visits

LARGE, UNKNOWN = "demo-withdrawal-1", "demo-withdrawal-5"
SMALL = ["demo-withdrawal-2", "demo-withdrawal-3", "demo-withdrawal-4"]
CONSOLE = "/console/demo"


def state_of(books: Database, id_: str) -> str:
    return withdrawals.read_withdrawal(books, "demo", id_)[0].state


def figure(page: Page, label: str) -> Decimal:
    """A large figure by its label, exactly."""
    place = page.locator(f"main .figure:has(dt:text-is('{label}')) data")
    return Decimal(place.get_attribute("value") or "")


def test_three_are_approved_together_and_results_come_back(
    visits: Visits, books: Database
) -> None:
    with visits.window("reviewer", size="desk") as page:
        page.goto(f"{CONSOLE}/withdrawals")
        large = page.locator("tbody tr", has_text=LARGE)
        expect(large).to_contain_text("takes two people")
        for id_ in SMALL:
            page.check(f"[name=tick][value={id_}]")
        page.click("text=Approve those that are ticked")
        whole = sum(map(Decimal, list(WISHES.values())[1:4]))
        assert figure(page, "Total") == whole
        page.click("main form button")
        expect(page.locator("main .note")).to_contain_text("Nothing is left for you to approve")
        assert [state_of(books, id_) for id_ in SMALL] == ["approved"] * 3

        page.goto(f"{CONSOLE}/withdrawals/{UNKNOWN}")
        page.click("button:text-is('Reject')")
        expect(page.locator(".error")).to_contain_text("Say why")
        page.click("main >> text=Approve ¥ 10.14")
        page.goto(f"{CONSOLE}/payouts")
        page.click("text=Send to the sandbox")
        expect(page.locator("tbody")).to_contain_text("outcome unknown")
        reference = page.inner_text("tbody tr:has-text('outcome unknown') th")
        _import(page, reference)
        assert [state_of(books, id_) for id_ in (*SMALL, UNKNOWN)] == ["settled"] * 4
        page.goto(f"{CONSOLE}/withdrawals?group=settled")
        counted = withdrawals.count_states(books, "demo")["settled"]
        said = page.locator("nav[aria-label=State] [aria-current] data")
        assert counted.net < counted.amount
        assert said.get_attribute("value") == format_money(counted.net)
        expect(page.locator("thead")).not_to_contain_text("Age in days")
    assert audit(books, "demo").passed


def _import(page: Page, reference: str) -> None:
    """Tell the results, first as text with a line that cannot be used, then as a file."""
    page.goto(f"{CONSOLE}/payouts")
    page.fill("#results", f"state\n{reference}")
    page.click("text=Record these results")
    expect(page.locator("[role=alert]")).to_contain_text("has no column reference")
    told = f"reference,state,reason\n{reference},settled,by letter\n"
    page.fill("#results", f"{told}elsewhere,settled,\n")
    page.click("text=Record these results")
    report = page.locator("[role=status]")
    expect(report).to_contain_text("1 paid and settled")
    expect(report).to_contain_text("line 3: reference 'elsewhere' is unknown")
    file: FilePayload = {"name": "bank.csv", "mimeType": "text/csv", "buffer": told.encode()}
    page.set_input_files("#file", file)
    page.click("text=Record these results")
    expect(report).to_contain_text("Known before: 1")


def test_a_merchant_is_taken_in_and_an_agent_appointed(visits: Visits, books: Database) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto(f"{CONSOLE}/merchants")
        page.click("text=bakery")
        page.fill("#take_rate", "0.05")
        page.click("text=Accept it")
        expect(page.locator("[role=alert]")).to_contain_text("more commissions than a sale")
        assert page.input_value("#take_rate") == "0.05"
        page.fill("#take_rate", "0.25")
        page.click("text=Accept it")
        expect(page.locator("main header")).to_contain_text("sells")
        terms = merchants.read_terms(books, "demo", "bakery")
        assert terms is not None
        assert (terms.take_ppm, terms.region) == (250_000, "330102")
        _suspend(page)
        assert merchants.read_application(books, "demo", "bakery").status == "active"
        _check_statement(page, books)
        _appoint(page)
    [shanghai] = [one for one in agents.list_contracts(books, "demo") if one.region == "31"]
    assert (shanghai.member, shanghai.ended, shanghai.deposit_micro) == ("c00145", True, 0)
    assert audit(books, "demo").passed


def _suspend(page: Page) -> None:
    page.fill("#reason", "the licence is being checked")
    page.click("text=Suspend it")
    expect(page.locator("main header")).to_contain_text("suspended")
    page.click("text=Let it sell again")
    expect(page.locator("main header")).to_contain_text("sells")


def _check_statement(page: Page, books: Database) -> None:
    page.goto(f"{CONSOLE}/merchants/teahouse")
    month = page.input_value("#month")
    found = _statement(books, month)
    assert figure(page, "Its part of sales") == Decimal(format_money(found)) > 0
    with page.expect_download() as download:
        page.click("text=As a sheet")
    assert download.value.suggested_filename == f"statement-{month}.xlsx"
    assert download.value.path().read_bytes().startswith(b"PK")


def _statement(books: Database, month: str) -> int:
    return read_merchant_statement(books, "demo", "teahouse", *months(month)).sold


def _appoint(page: Page) -> None:
    page.goto(f"{CONSOLE}/agents")
    form = {"member": "c00145", "region": "3301", "contract": "east"}
    for name, value in form.items():
        page.fill(f"#{name}", value)
    page.click("main button:text-is('Preview')")
    expect(page.locator("[role=alert]")).to_contain_text("has an agent on these days")
    page.fill("#region", "31")
    page.click("main button:text-is('Preview')")
    expect(page.locator("main")).to_contain_text("c00145 for 上海市?")
    expect(page.locator("main")).to_contain_text("1.5 %")  # the worst case together
    page.click("text=Yes, appoint")
    expect(page.locator("main header")).to_contain_text("runs")
    page.fill("#amount", "1,000")
    page.click("text=Note the deposit")
    expect(page.locator("main dl")).to_contain_text("¥ 1,000.00")
    page.click("main button:text('End the contract')")
    page.click("text=went back")
    expect(page.locator("main")).to_contain_text("It is over, and nothing is held.")


def test_a_part_of_an_order_is_taken_back_and_a_member_frozen(
    visits: Visits, books: Database
) -> None:
    with visits.window("staff", size="desk") as page:
        page.goto(f"{CONSOLE}/orders/tea-3")
        page.click("main >> text=Take it back")
        page.fill("#amount", "1,000")
        page.click("text=What would it do?")
        expect(page.locator("[role=alert]")).to_contain_text("more than is left of the order")
        page.fill("#amount", "20")
        page.click("text=What would it do?")
        expect(page.locator("main h2")).to_have_text("Take back ¥ 20.00?")
        page.click("text=Yes, take it back")
        expect(page.locator("main header")).to_contain_text("refunded in part")
        row = listing.read_entry(books, "demo", ["purchase"], "tea-3")
        assert row is not None
        assert row.refunded == 20_000_000

        page.goto(f"{CONSOLE}/members/c00314")
        page.click("text=Freeze the member")
        expect(page.locator(".error")).to_contain_text("1 to 255 characters")
        page.fill("#reason", "asked for by phone")
        page.click("text=Freeze the member")
        expect(page.locator("main header")).to_contain_text("asked for by phone")
        found = controls.find_freeze(books, "demo", "c00314")
        assert found is not None
        assert (found.frozen, found.actor) == (True, "staff:demo-owner")
        page.fill("#reason", "it was a mistake")
        page.click("text=Let them go")
        expect(page.locator("#freeze li")).to_have_count(2)
    assert audit(books, "demo").passed


def test_who_may_not_is_shown_no_button_and_refused(visits: Visits) -> None:
    with visits.window("reviewer", size="desk") as page:
        page.goto(f"{CONSOLE}/merchants/teahouse")
        assert page.locator("main form[method=post]").count() == 0
        token = page.get_attribute("form[action='/leave'] [name=csrf]", "value") or ""
        for rest in ("merchants/teahouse", "agents/hangzhou", "freezes/c00001", "levels"):
            form: dict[str, str | float | bool] = {"csrf": token, "do": "suspend"}
            answer = page.request.post(f"{CONSOLE}/{rest}", form=form, max_redirects=0)
            assert answer.status == 403, rest
        for rest in ("withdrawals/none", "merchants/none", "agents/none", "payouts/none",
                     "sheets/none", "why/none"):  # fmt: skip
            assert page.request.get(f"{CONSOLE}/{rest}").status == 404, rest


def test_the_demonstration_starts_again_on_what_is_there(books: Database) -> None:
    def facts() -> tuple[object, ...]:
        _, state = listing.read_program(books, "demo")
        return (
            withdrawals.count_states(books, "demo"), agents.list_contracts(books, "demo"),
            listing.read_merchant(books, "demo", "teahouse"), state.reserve_micro,
            merchants.list_applications(books, "demo", "", "", 10),
        )  # fmt: skip

    now = datetime.now(UTC)
    assert demo.open_doors(books, now, secrets.token_hex)  # a new day may have begun
    before = facts()
    assert demo.open_doors(books, now, secrets.token_hex)
    assert facts() == before
