"""What else a member does: redeem, cash out with the day, withdraw, leave."""

import json
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx2
import pytest
from playwright.sync_api import Page, expect

from springtide.core.event_fields import Json
from springtide.core.units import MICRO, parse_money
from springtide.services import (
    cash_outs,
    codes,
    controls,
    listing,
    phones,
    policies,
    withdrawals,
)
from springtide.services.audit import audit
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.pages.steps import enter
from tests.pages.visiting import Visits

PHONES = ("+8613800000011", "+8613800000012")
_numbers = count(1)

POLICY = (
    read_preset("local-life").replace('fee = "0.20"', 'fee = "0.20"\nexecution = "daily"', 1)
    + '\n[withdrawal]\nfee = "0.01"\nfee_fixed = "0.10"\nminimum = "1.00"\n'
    'daily_limit = "50.00"\n'
)


@pytest.fixture
def shop(books: Database) -> str:
    """A program with daily cash-outs and a fee on withdrawals, in which `ana` bought."""
    name = f"purse-{next(_numbers)}"
    create_program(books, name, POLICY)
    now = datetime.now(UTC)
    phones.link_phone(books, name, "ana", PHONES[0], "cli", now, secrets.token_hex)
    post(books, name, {"type": "purchase", "id": "o1", "member": "ana", "amount": "1000.00"})
    return name


def post(books: Database, shop: str, *events: Json) -> None:
    with Writer(books, shop, lambda: datetime.now(UTC)) as writer:
        for outcome in writer.post(list(events)):
            assert outcome.refusal is None


@pytest.fixture
def ana(visits: Visits, shop: str) -> Iterator[Page]:
    with visits.window() as page:
        page.goto(f"/m/{shop}/login")
        enter(page, PHONES[0])
        page.wait_for_url(re.compile(f"/m/{shop}$"))
        yield page


def figure(page: Page, place: str = "main") -> int:
    """The first figure of a place, exactly, in micro."""
    return parse_money(page.get_attribute(f"{place} data >> nth=0", "value") or "")


def test_a_member_redeems_cashes_and_withdraws(ana: Page, books: Database, shop: str) -> None:
    ana.goto(f"/m/{shop}/earnings")
    expect(ana.locator("dl.figure")).to_contain_text("nothing yet")
    expect(ana.locator("main")).to_contain_text("a withdrawal is of ¥ 1.00 at least")
    redeems(ana, books, shop)
    cashes_daily(ana, books, shop)
    withdraws(ana, books, shop)
    assert audit(books, shop).passed


def test_no_more_than_the_days_limit_can_be_withdrawn_now(
    ana: Page, books: Database, shop: str
) -> None:
    large: Json = {"member": "bo", "referrer": "ana", "amount": "100000.00"}
    post(books, shop, {"type": "purchase", "id": "large", **large})
    wallet = listing.read_wallet(books, shop, "ana")
    assert wallet is not None
    assert wallet > 50 * MICRO
    for page in ("withdraw", "earnings"):
        ana.goto(f"/m/{shop}/{page}")
        assert figure(ana) == 50 * MICRO
        expect(ana.locator("main")).to_contain_text("at most ¥ 50.00 can be withdrawn in a day")


def redeems(ana: Page, books: Database, shop: str) -> None:
    ana.goto(f"/m/{shop}/redeem")
    ana.fill("#points", "10")
    ana.click("main form button")
    ana.click("text=Show me the code")
    code = ana.inner_text(".code")
    expect(ana.locator(".state")).to_contain_text("Valid until")
    wish = {"code": code, "merchant": "store-1", "points": "4"}
    post(books, shop, codes.redemption_by_code(books, shop, wish, datetime.now(UTC)))
    expect(ana.locator(".state")).to_contain_text("Redeemed.")  # by itself
    expect(ana.locator(".state")).to_contain_text("at store-1.")
    [entry] = listing.list_newest(books, shop, ["redeem"], None, 1)
    paid = ana.get_attribute(".state data >> nth=2", "value") or ""
    assert json.loads(entry.receipt)["net"] == parse_money(paid)
    assert ana.locator("[hx-trigger]").count() == 0  # and asks no more


def cashes_daily(ana: Page, books: Database, shop: str) -> None:
    now = datetime.now(UTC)
    due = cash_outs.next_batch(books, shop, now)
    assert due is not None
    for number in range(2):
        ana.goto(f"/m/{shop}/cash-out?points=20")
        expect(ana.locator("#quote")).to_contain_text(f"{due:%Y-%m-%d %H:%M}")
        quoted = parse_money(ana.get_attribute("[name=min_net]", "value") or "")
        ana.click("text=Yes, with the next batch")
        expect(ana.locator(".chip")).to_have_text("waiting")
        if number == 0:
            ana.click("text=Cancel it")
            expect(ana.locator("main")).to_contain_text("You cancelled it.")
    [done] = cash_outs.run(books, shop, "cli", due + timedelta(seconds=1))
    assert done.net >= quoted
    ana.reload()
    expect(ana.locator("main")).to_contain_text("You were paid")
    row = cash_outs.list_requests(books, shop, "ana", "paid", 0, 9)[0]
    assert parse_money(ana.get_attribute(".pair dd data >> nth=1", "value") or "") == row.net
    ana.goto(f"/m/{shop}/notices")
    expect(ana.locator(".list")).to_contain_text("Your cash-out was paid")


def withdraws(ana: Page, books: Database, shop: str) -> None:
    wallet = listing.read_wallet(books, shop, "ana")
    assert wallet is not None
    ana.goto(f"/m/{shop}/withdraw")
    assert figure(ana) == wallet
    for amount, said in (
        ("0.50", "below the minimum"),
        ("999", "no more than"),
        ("x", "cents"),
    ):
        ana.fill("#amount", amount)
        ana.click("main form button")
        expect(ana.locator(".error")).to_contain_text(said)
        assert ana.input_value("#amount") == amount
    ana.fill("#amount", "20")
    ana.click("main form button")
    expect(ana.locator("main")).to_contain_text("19.70 = 20.00 − 0.30")
    expect(ana.locator("main")).to_contain_text("1 %, rounded down to whole cents + ¥ 0.10")
    ana.click("text=Yes, withdraw")
    expect(ana.locator("main")).to_contain_text("Somebody at the program looks at it first")
    ana.click("main form button")
    expect(ana.locator(".chip >> nth=0")).to_have_text("cancelled")
    assert listing.read_wallet(books, shop, "ana") == wallet

    ana.goto(f"/m/{shop}/withdraw?amount=20.00")
    ana.click("text=Yes, withdraw")
    [row] = withdrawals.list_withdrawals(
        books, shop, member="ana", state="requested", after=0, most=9
    )
    now = datetime.now(UTC)
    told = {
        "approved": "approved", "sent": "sent", "awaiting_member": "waits for you",
        "settled": "paid to you",
    }  # fmt: skip
    with Writer(books, shop, lambda: now) as writer:
        for state, said in told.items():
            row, _ = withdrawals.read_withdrawal(books, shop, row.id)
            batch = "b1" if state == "sent" else ""
            steps = withdrawals.step_events(row, state, by="cli", now=now, batch=batch)
            assert all(outcome.refusal is None for outcome in writer.post(steps))
            ana.reload()
            expect(ana.locator(".chip >> nth=0")).to_have_text(said)
    expect(ana.locator("ol li")).to_have_count(6)
    expect(ana.locator("main")).to_contain_text("1 %, rounded down to whole cents + ¥ 0.10")
    left = listing.read_wallet(books, shop, "ana")
    assert left == wallet - 20_000_000
    ana.goto(f"/m/{shop}/notices")
    expect(ana.locator(".list")).to_contain_text("Withdrawal of ¥ 20.00: Arrived")
    expect(ana.locator(".list")).to_contain_text("¥ 19.70 arrived: the amount less a fee of")
    ana.goto(f"/m/{shop}/withdrawals")
    expect(ana.locator(".list")).to_contain_text("Arrived with you ¥ 19.70")


def test_an_order_that_waits_says_what_its_refund_pays(visits: Visits, books: Database) -> None:
    name = f"purse-{next(_numbers)}"
    later = POLICY + '\n[orders]\nsettle_after = "7d"\n'
    create_program(books, name, later)
    now = datetime.now(UTC)
    phones.link_phone(books, name, "ana", PHONES[0], "cli", now, secrets.token_hex)
    paid = {"type": "pay", "id": "o 1/2", "member": "ana", "amount": "80.00", "merchant": "tea"}
    post(books, name, paid)
    with visits.window() as page:
        page.goto(f"/m/{name}/login")
        enter(page, PHONES[0])
        page.goto(f"/m/{name}/orders")
        expect(page.locator(".list")).to_contain_text("tea")
        page.click(".list a")
        expect(page.locator("h1")).to_have_text("Order o 1/2")
        expect(page.locator("dl.facts")).to_contain_text("Paid back to you")
        back = page.locator("dl.facts dd.font-semibold data")
        expect(back).to_have_attribute("value", "80.000000")
        post(books, name, {"type": "settle", "id": "s1", "order": "o 1/2"})
        page.goto(f"/m/{name}/delete")
        page.check("#sure")
        page.click("main form button")
        page.wait_for_url(re.compile("/left$"))
        page.goto(f"/m/{name}")
        page.wait_for_url(re.compile("/login$"))
    assert audit(books, name).passed


def test_a_change_of_the_rules_is_announced_in_words(
    ana: Page, books: Database, shop: str
) -> None:
    now = datetime.now(UTC)
    text = POLICY.replace('daily_limit = "50.00"', 'daily_limit = "30.00"')
    draft = policies.create_draft(books, shop, text, "staff:ana", now)
    policies.submit(books, shop, draft.number, "staff:ana", now)
    policies.approve(books, shop, draft.number, "cli", now, now + timedelta(days=40))
    ana.goto(f"/m/{shop}/notices?lang=zh")
    expect(ana.locator(".list")).to_contain_text("规则将变更")
    expect(ana.locator(".list")).to_contain_text("50.00 → 30.00")
    expect(ana.locator(".chip")).to_have_count(1)
    ana.reload()
    expect(ana.locator(".chip")).to_have_count(0)  # it was seen


def test_what_is_not_ones_own_is_not_there(ana: Page, books: Database, shop: str) -> None:
    now = datetime.now(UTC)
    post(books, shop, {"type": "purchase", "id": "o9", "member": "eve", "amount": "500.00"})
    cash_outs.ask(books, shop, {"id": "c9", "member": "eve", "points": "1"}, "cli", now)
    own: Json = {"id": "a shop's/own?", "member": "ana", "points": "1"}
    cash_outs.ask(books, shop, own, "key:k", now)
    codes.make_code(books, shop, "k9", "eve", "1", 5, "cli", now, secrets.randbelow)
    for rest in ("requests/c9", "orders/o9", "redeem/k9", "earnings/o9", "withdrawals/w9"):
        assert ana.request.get(f"/m/{shop}/{rest}").status == 404, rest
    ana.goto(f"/m/{shop}/cash-out")
    ana.click(".list a")
    ana.click("text=Cancel it")
    expect(ana.locator("main")).to_contain_text("You cancelled it.")
    assert ana.request.get(f"/i/{shop}/{'1' * 25}").status == 404
    assert ana.request.get(f"/m/{shop}/invite/poster.svg").status == 404


def test_forms_take_what_comes_from_our_pages(
    http: httpx2.Client, ana: Page, shop: str
) -> None:
    for place in ("withdraw", "redeem", "invite", "invited", "delete", "requests/c1/cancel"):
        answer = ana.request.post(f"/m/{shop}/{place}", form={"sure": "yes"}, max_redirects=0)
        assert answer.status == 403, place
        assert http.post(f"/m/{shop}/{place}").headers["location"].endswith("/login")
    ana.goto(f"/m/{shop}/delete")
    csrf = ana.get_attribute("[name=csrf]", "value") or ""
    answer = ana.request.post(f"/m/{shop}/delete", form={"csrf": csrf}, max_redirects=0)
    assert answer.status == 422


def test_who_is_frozen_is_told_so_and_stays(ana: Page, books: Database, shop: str) -> None:
    now = datetime.now(UTC)
    controls.freeze_member(books, shop, "ana", "asked by a court", "cli", now)
    for rest in ("cash-out", "redeem", "delete"):
        asked: dict[str, str | float | bool] = {"points": "1", "lang": "en"}
        text = ana.request.get(f"/m/{shop}/{rest}", params=asked).text()
        assert "Your account is frozen." in text, rest
        assert "court" not in text
    ana.goto(f"/m/{shop}/notices")
    expect(ana.locator(".list")).to_contain_text("Your account was frozen")


def test_limits_are_said_with_their_figure_and_when_again(
    visits: Visits, books: Database
) -> None:
    limits = 'min_cash_out = "1.00"\ndaily_cash_out = "20.00"\nhold_days = 0\n'
    name = f"purse-{next(_numbers)}"
    policy = read_preset("local-life") + f"\n[controls]\n{limits}"
    create_program(books, name, policy)
    now = datetime.now(UTC)
    phones.link_phone(books, name, "ana", PHONES[0], "cli", now, secrets.token_hex)
    at = now.isoformat()
    order: Json = {
        "type": "purchase", "id": "o1", "member": "ana", "amount": "1000.00", "at": at,
    }  # fmt: skip
    post(books, name, order)
    with visits.window() as page:
        page.goto(f"/m/{name}/login")
        enter(page, PHONES[0])
        for points, said in (("0.1", "pays at least ¥ 1.00"), ("30", "at most ¥ 20.00")):
            page.goto(f"/m/{name}/cash-out?points={points}")
            text = page.inner_text("#quote [role=alert]")
            assert said in text
        page.goto(f"/m/{name}/cash-out?points=10")
        page.click("text=Yes, cash out")
        page.goto(f"/m/{name}/cash-out?points=10")
        said = "It can be asked for again from"
        expect(page.locator("#quote [role=alert]")).to_contain_text(said)
