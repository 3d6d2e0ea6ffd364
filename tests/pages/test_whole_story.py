"""The whole story, through the pages alone: bought, invited, cashed out, withdrawn, approved.

Every figure that a page shows is compared with what the API says of the same.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from springtide.core.units import parse_money
from springtide.services import cash_outs
from springtide.services.audit import audit
from springtide.storage.database import Database
from springtide.web.pages.shared.formats import money_text
from tests.pages.stage import OWNER, OWNERS_PHONE, STORE, STORE_NAME, Stage, staged
from tests.pages.steps import adds_up, enter, figure, figures, scan
from tests.pages.visiting import Visits
from tests.web.serving import Service

BUYERS_PHONE, FRIENDS_PHONE = "13700000102", "13700000103"
OPERATORS = "first", "second"


@pytest.fixture(params=["zh", "en"])
def stage(
    request: pytest.FixtureRequest, visits: Visits, books: Database, site: Service
) -> Iterator[Stage]:
    with staged(visits, books, site.url, str(request.param)) as stage:
        yield stage


def test_the_whole_story(stage: Stage) -> None:
    with stage.phone() as till, stage.phone() as buyer, stage.phone() as friend:
        till.goto(f"/s/{stage.shop.name}/{STORE}/login")
        enter(till, OWNERS_PHONE)
        first = buys(stage, till, buyer, "1,000.00", BUYERS_PHONE)
        ana = stage.member_of(first)
        assert stage.get(f"members/{ana}")["referrer"] == OWNER
        sees_lots_and_price(stage, buyer, ana, first)

        accepts(stage, buyer, friend, ana)
        second = buys(stage, till, friend, "5,000.00")
        assert stage.get(f"members/{stage.member_of(second)}")["referrer"] == ana
        earns(stage, buyer, ana, second)
        counts_its_day(stage, till, [first, second])

        cashes_out(stage, buyer, ana)
        withdrawal = asks_for_money(stage, buyer, ana)
        two_approve_it(stage, withdrawal, ana, first)
        has_it(stage, buyer, ana, withdrawal)
    assert audit(stage.books, stage.shop.name).passed


def buys(stage: Stage, till: Page, page: Page, amount: str, phone: str = "") -> str:
    """The till shows a code, a customer scans it and pays; gives the order."""
    say = stage.say
    till.goto(f"/s/{stage.shop.name}/{STORE}")
    till.fill("#amount", amount)
    till.click("main form button >> nth=0")
    expect(till.locator(".chip.waiting")).to_be_visible()
    link = scan(till, till.get_attribute("#state p.break-all a", "href") or "")
    page.goto(link)
    if phone:
        page.click("main a.btn")
        enter(page, phone)
        page.wait_for_url(link)
    expect(page.locator("h1")).to_have_text(say("Pay %(name)s", name=STORE_NAME))
    promised = figure(page, say("They are worth")), figure(page, say("Cash now for them"))
    reads_first(page, link)
    page.check("#read")
    page.click("main form button")
    expect(page.locator("h1")).to_have_text(say("Paid to %(name)s", name=STORE_NAME))

    order = stage.get("orders", limit=100)["data"][-1]
    got, receipt = order["event"], order["receipt"]
    lot = stage.get(f"members/{got['member']}/lots")["data"][0]
    assert (figure(page, say("Worth now")), figure(page, say("Cash now for them"))) == promised
    assert promised == (lot["value"], lot["cash_now"])
    assert page.get_attribute("main p.big data", "value") == lot_amount(got) == exactly(amount)
    assert figure(page, say("Points granted")) == receipt["granted"] == lot["points"]
    assert into_reserve(page, say, got) == receipt["contribution"]
    expect(page.locator("main")).to_contain_text(order["id"])
    page.reload()
    expect(page.locator("main")).to_contain_text(say("Your lot of points"))
    is_told(stage, till, order)
    return str(order["id"])


def reads_first(page: Page, link: str) -> None:
    """Without the tick a first order is not taken, whether somebody was invited or not."""
    csrf = page.get_attribute("main form [name=csrf]", "value") or ""
    safe = {"Sec-Fetch-Site": "same-origin"}
    answer = page.request.post(link, form={"csrf": csrf}, headers=safe)
    assert (answer.status, 'id="read-error"' in answer.text()) == (422, True)


def exactly(amount: str) -> str:
    """What somebody typed as the API writes money."""
    return f"{Decimal(amount.replace(',', '')):.6f}"


def lot_amount(event: dict[str, Any]) -> str:
    return exactly(event["amount"])


def into_reserve(page: Page, say: Callable[..., str], event: dict[str, Any]) -> str:
    """What of an order went into the reserve; its label names the amount paid."""
    amount = money_text(parse_money(event["amount"]))
    label = say("Of the %(amount)s, into the reserve", amount=amount)
    found = page.locator("main dt", has_text=label).locator("xpath=following-sibling::dd[1]")
    return found.locator("data").get_attribute("value") or ""


def is_told(stage: Stage, till: Page, order: dict[str, Any]) -> None:
    """The till says by itself that its code was paid, and the sale says who got what."""
    say, receipt = stage.say, order["receipt"]
    expect(till.locator("#state .chip.done")).to_be_visible()
    till.click("#state a >> nth=1")
    assert figure(till, say("Paid by the customer")) == lot_amount(order["event"])
    assert figure(till, say("Your part")) == receipt["merchant"]
    assert figure(till, say("Paid into the reserve")) == receipt["contribution"]
    assert figure(till, say("Points granted to the customer")) == receipt["granted"]
    rest = Decimal(receipt["platform"]) + sum(
        Decimal(one["amount"]) for one in receipt["commissions"]
    )
    assert Decimal(figure(till, say("Platform and commissions"))) == rest


def sees_lots_and_price(stage: Stage, page: Page, ana: str, order: str) -> None:
    say = stage.say
    page.click("main a.btn-outline")  # from the receipt, to the lot
    row = stage.get(f"orders/{order}")
    [lot] = stage.get(f"members/{ana}/lots")["data"]
    expect(page.locator("h1")).to_have_text(say("Lot %(id)s", id=order))
    assert figure(page, say("Worth")) == lot["value"]
    assert figure(page, say("Cash now")) == lot["cash_now"]
    assert figure(page, say("You spent")) == lot_amount(row["event"])
    assert into_reserve(page, say, row["event"]) == row["receipt"]["contribution"]
    assert figure(page, say("Points left")) == lot["points"]
    assert figure(page, say("Paid to you so far")) == lot["received"] == "0.000000"
    assert figure(page, say("It exits when it is worth (the cap)")) == lot["headroom"]

    page.click(f"nav >> text={say('Lots')}")
    assert figures(page, "main .list") == [lot["points"], lot["value"], lot["cash_now"]]
    page.click(f"nav >> text={say('Home')}")
    pool, has = stage.get(f"programs/{stage.shop.name}"), stage.get(f"members/{ana}")
    shown = {
        name: page.get_attribute(f"[data-figure={name}]", "value")
        for name in ("points", "value", "cash", "price", "cash-price")
    }
    assert shown == {
        "points": has["points"], "value": has["value"], "cash": has["cash_now"],
        "price": pool["price"], "cash-price": pool["price_less_fee"],
    }  # fmt: skip
    assert Decimal(has["cash_now"]) <= Decimal(has["value"]) * Decimal("0.8")


def accepts(stage: Stage, page: Page, friend: Page, ana: str) -> None:
    """Somebody scans the buyer's invitation and is bound to her."""
    say = stage.say
    page.goto(f"/m/{stage.shop.name}/invite")
    page.click(f"text={say('Make my invitation')}")
    link = scan(page, page.inner_text("main p.text-center a"))
    friend.goto(link)
    expect(friend.locator("main")).to_contain_text(say("%(member)s invites you.", member=ana))
    friend.click("main a.btn >> nth=0")
    enter(friend, FRIENDS_PHONE)
    bound = say("You were invited by %(member)s. The first invitation stands.", member=ana)
    expect(friend.locator("main")).to_contain_text(bound)
    friend.goto(link)  # a second time, logged in: the first binding stands
    friend.click("main form button")
    expect(friend.locator("main")).to_contain_text(bound)


def earns(stage: Stage, page: Page, ana: str, order: str) -> None:
    """She earns on what the friend bought, and reads why."""
    say = stage.say
    [earned] = stage.get("commissions", member=ana)["data"]
    [why] = stage.get(f"orders/{order}/commissions", to=ana)["data"]
    told = stage.get(f"members/{ana}/earnings")
    assert (earned["kind"], earned["order"], earned["amount"]) == (
        "direct", order, "15.000000"
    )  # fmt: skip
    page.goto(f"/m/{stage.shop.name}/earnings")
    assert figures(page, "main") == [told["payable"], earned["amount"]]
    page.click("main .list a")
    assert figure(page, say("You got")) == why["amount"] == earned["amount"]
    assert figure(page, say("Left to you")) == why["amount"]
    expect(page.locator("main")).to_contain_text("0.3 %")
    assert why["rate"] == "0.003"
    assert stage.member_of(order) not in page.content(), "whose purchase it was is theirs"
    page.goto(f"/m/{stage.shop.name}/invite")
    direct = figure(page, say("Earned on orders of those you invited"))
    assert direct == told["earned"]["direct"]
    assert figure(page, say("Earned on orders of those whom they invited")) == "0.000000"


def counts_its_day(stage: Stage, till: Page, orders: list[str]) -> None:
    """What the store sold today and is owed, on its pages."""
    say = stage.say
    rows = [stage.get(f"orders/{order}") for order in orders]
    till.goto(f"/s/{stage.shop.name}/{STORE}")
    day = {
        "Sold": [lot_amount(row["event"]) for row in rows],
        "Paid into the reserve": [row["receipt"]["contribution"] for row in rows],
        "Points granted": [row["receipt"]["granted"] for row in rows],
    }
    for label, parts in day.items():
        assert Decimal(figure(till, say(label))) == sum(map(Decimal, parts)), label
    till.goto(f"/s/{stage.shop.name}/{STORE}/statement")
    told = stage.get(f"merchants/{STORE}/statement")
    assert figure(till, say("The program owes you now")) == told["owed"] == "4800.000000"
    assert figure(till, say("Your part of sales")) == told["sold"]
    lines = [line["amount"] for line in told["lines"]][::-1]
    assert figures(till, "main .list") == lines
    assert stage.get(f"merchants/{STORE}")["owed"] == told["owed"]


def cashes_out(stage: Stage, page: Page, ana: str) -> None:
    """A request waits for the day's batch, which pays it."""
    say, name = stage.say, stage.shop.name
    page.goto(f"/m/{name}/cash-out")
    page.fill("#points", "50")  # the quote comes by itself
    expect(page.locator("#quote .pair")).to_be_visible()
    quote = stage.get("cash-outs/quote", member=ana, points="50")
    assert figures(page, "#quote .pair") == [quote["gross"], quote["net"]]
    assert quote["execution"] == "daily"
    due = datetime.fromisoformat(quote["pays_at"])
    expect(page.locator("#quote time")).to_have_text(f"{due:%Y-%m-%d %H:%M:%S} UTC")
    page.click(f"text={say('Yes, with the next batch')}")
    [wish] = stage.get("cash-out-requests", member=ana)["data"]
    expect(page.locator("main header")).to_contain_text(wish["id"])
    assert (wish["state"], wish["min_net"]) == ("waiting", quote["net"])
    assert figure(page, say("Points asked for")) == wish["points"] == "50.000000000"
    assert figure(page, say("Paid if it ran now")) == quote["net"]

    before = Decimal(stage.get(f"wallets/{ana}")["balance"])
    [done] = cash_outs.run(stage.books, name, "cli", due + timedelta(seconds=1))
    assert (done.paid, done.left_out) == (1, 0)
    page.reload()
    wish = stage.get(f"cash-out-requests/{wish['id']}")
    assert wish["state"] == "paid"
    assert figure(page, say("You were paid")) == wish["net"]
    assert figures(page, "main .pair dd") == [wish["gross"], wish["net"]]
    assert Decimal(wish["net"]) >= Decimal(quote["net"])
    page.click(f"main >> text={say('To the wallet')}")
    has, wallet = stage.get(f"members/{ana}"), stage.get(f"wallets/{ana}")["balance"]
    assert Decimal(wallet) == before + Decimal(wish["net"])
    assert figure(page, say("Money in your wallet")) == wallet
    assert figure(page, say("Your points are worth")) == has["value"]
    assert figure(page, say("Cash now for them")) == has["cash_now"]
    lines = stage.get(f"members/{ana}/statement")["lines"]
    said = [value for line in lines[::-1] for value in (line["change"], line["balance"])]
    assert figures(page, "main .list") == said


def asks_for_money(stage: Stage, page: Page, ana: str) -> str:
    """A withdrawal that takes two people; gives its id."""
    say, name = stage.say, stage.shop.name
    wallet = stage.get(f"wallets/{ana}")["balance"]
    page.goto(f"/m/{name}/withdraw")
    assert figure(page, say("Can be withdrawn now")) == wallet
    assert figure(page, say("Money in your wallet")) == wallet
    page.fill("#amount", "40")
    page.click("main form button")
    two = say("An amount like this is approved by two people.")
    expect(page.locator("main")).to_contain_text(two)
    arrives = figure(page, say("Arrives with you"))
    page.click(f"text={say('Yes, withdraw')}")
    [row] = stage.get("withdrawals", member=ana)["data"]
    expect(page.locator("main header")).to_contain_text(row["id"])
    assert (row["state"], row["approvals"], row["approved_by"]) == ("requested", 2, [])
    assert (row["amount"], row["fee"], row["net"]) == ("40.000000", "0.500000", arrives)
    assert figure(page, say("Asked for")) == row["amount"]
    assert figure(page, say("Arrives with you")) == row["net"]
    left = stage.get(f"wallets/{ana}")["balance"]
    assert Decimal(left) == Decimal(wallet) - 40
    return str(row["id"])


def two_approve_it(stage: Stage, id_: str, ana: str, order: str) -> None:
    """The first operator's word is not enough, the second's is; then it is sent."""
    say, name = stage.say, stage.shop.name
    here = f"/console/{name}/withdrawals/{id_}"
    staff = [f"staff:{name}-{operator}" for operator in OPERATORS]
    with stage.desk(OPERATORS[0]) as page:
        reads_the_books(stage, page, ana, order)
        page.goto(f"/console/{name}/withdrawals")
        page.click(f"tbody >> text={id_}")
        again = page.context.new_page()
        again.goto(here)
        row = stage.get(f"withdrawals/{id_}")
        assert figure(page, say("Amount")) == row["amount"]
        assert figure(page, say("Reaches the member")) == row["net"]
        assert figure(page, say("Left in the wallet")) == stage.get(f"wallets/{ana}")["balance"]
        has = stage.get(f"members/{ana}")
        assert figures(page, "main .pair") == [has["value"], has["cash_now"]]
        approve = say("Approve %(amount)s", amount="¥ 40.00")
        page.click(f"main >> text={approve}")
        expect(page.locator("main .note.waiting")).to_be_visible()
        assert page.locator(f"main >> text={approve}").count() == 0
        again.click(f"main >> text={approve}")
        refused = again.locator("[role=alert]")
        expect(refused).to_contain_text(say("You approved this one before."))
    row = stage.get(f"withdrawals/{id_}")
    assert (row["state"], row["approved_by"]) == ("under_review", staff[:1])
    with stage.desk(OPERATORS[1]) as page:
        page.goto(here)
        page.click(f"main >> text={approve}")
        expect(page.locator("main header")).to_contain_text(say("approved, not sent"))
        row = stage.get(f"withdrawals/{id_}")
        assert (row["state"], row["approved_by"]) == ("approved", staff)
        page.goto(f"/console/{name}/payouts")
        assert figure(page, say("Reaches members")) == row["net"]
        assert figure(page, say("Fees")) == row["fee"]
        page.click(f"text={say('Send to the sandbox')}")
        page.wait_for_url(re.compile(r"/payouts/[0-9a-f]{16}$"))
        row = stage.get(f"withdrawals/{id_}")
        assert row["state"] == "settled"
        assert figure(page, say("Reaches members")) == row["net"]
        assert page.inner_text("tbody th") == row["reference"]
        assert page.request.get(f"{page.url}/file").status == 404  # nothing is real


def reads_the_books(stage: Stage, page: Page, ana: str, order: str) -> None:
    """What the console says of the program, the member and her order is what the API says."""
    say, name = stage.say, stage.shop.name
    has, row = stage.get(f"members/{ana}"), stage.get(f"orders/{order}")
    page.goto(f"/console/{name}/members/{ana}")
    labels = {"Worth": "value", "Cash now": "cash_now", "Points": "points"}
    for label, key in {**labels, "Paid so far": "received"}.items():
        assert figure(page, say(label)) == has[key], label
    page.goto(f"/console/{name}/orders/{order}")
    receipt = row["receipt"]
    for label, key in {"Platform": "platform", "Reserve": "contribution"}.items():
        assert figure(page, say(label)) == receipt[key], label
    assert figure(page, say("Merchant"), "section") == receipt["merchant"]
    assert adds_up(page) == Decimal(row["event"]["amount"])
    for address in (f"/console/{name}", f"/p/{name}"):
        page.goto(address)
        knows_the_pool(stage, page)


def knows_the_pool(stage: Stage, page: Page) -> None:
    """An overview is kept some seconds: it has the pool as it was after one of the entries."""
    say = stage.say
    history = stage.get("prices")
    price = figure(page, say("Price of a point"))
    pool = price, figure(page, say("Reserve")), figure(page, say("Points"))
    assert pool in [(one["price"], one["reserve"], one["supply"]) for one in history["data"]]
    less_fee = Decimal(price) * (1 - Decimal(history["cash_out_fee"]))
    assert figure(page, say("Cash now for it")) == str(rounded_down(less_fee))


def rounded_down(amount: Decimal) -> Decimal:
    """To whole micro, as everything is that somebody could be paid."""
    return amount.quantize(Decimal("0.000001"), ROUND_DOWN)


def has_it(stage: Stage, page: Page, ana: str, id_: str) -> None:
    """The member sees her money arrive, every step of it, and what is left."""
    say, name = stage.say, stage.shop.name
    row = stage.get(f"withdrawals/{id_}")
    page.goto(f"/m/{name}/withdrawals/{id_}")
    expect(page.locator(".chip >> nth=0")).to_have_text(say("paid to you"))
    assert figure(page, say("Arrived with you")) == row["net"]
    moved = [step for step in row["steps"] if step["before"] != step["after"]]
    expect(page.locator("main ol li")).to_have_count(1 + len(moved))
    page.goto(f"/m/{name}/wallet")
    wallet = stage.get(f"wallets/{ana}")["balance"]
    assert figure(page, say("Money in your wallet")) == wallet
    said = stage.get(f"members/{ana}/statement")
    assert figures(page, "main .list")[:2] == ["-40.000000", wallet]
    assert said["wallet"] == wallet
