"""Pages of the console in states that the demonstration is not in: their handlers, called."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from anyio import to_thread
from anyio.from_thread import start_blocking_portal
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from springtide.core.event_fields import Json
from springtide.core.units import format_money
from springtide.services import (
    cash_outs,
    commissions,
    controls,
    listing,
    payouts,
    policies,
    withdrawals,
)
from springtide.services.audit import audit
from springtide.services.login import SignedIn
from springtide.services.sessions import Session
from springtide.services.writer import Writer
from springtide.storage import alarms
from springtide.storage.database import Database
from springtide.storage.programs import get_program
from springtide.web.desks import Desks
from springtide.web.pages.console import (
    batches,
    books,
    care,
    earning,
    papers,
    refunds,
    reviews,
)
from springtide.web.pages.console.drafts import Drafts
from springtide.web.pages.shared.call import Call, House, Missing
from springtide.web.pages.shared.files import read_files
from springtide.web.pages.shared.formats import money_text
from springtide.web.pages.shared.overviews import Overviews
from springtide.web.pages.shared.render import Templates
from springtide.web.pages.shared.uploads import read_files as read_files_of
from tests.core.history import ADVERT_B, COMMISSIONS, merged, write_toml
from tests.services.histories import open_program

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=40)

Handler = Callable[[Call, SignedIn], Response]


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    files = read_files()
    desks, overviews = Desks(database, lambda: NOW), Overviews(database, lambda: NOW)
    templates = Templates(files, demo=False)
    yield House(database, desks, files, templates, overviews, lambda: NOW, demo=False)
    desks.close()
    overviews.close()


def ask(
    house: House, program: str, handler: Handler, form: Mapping[str, str] | None = None,
    *, now: datetime = NOW, query: str = "", **path: object,
) -> Response:  # fmt: skip
    """The answer of a page to an owner, called as the server calls it."""
    place = {
        "type": "http", "method": "POST" if form is not None else "GET", "scheme": "http",
        "path": "/console/x", "query_string": query.encode(), "server": ("here", 80),
        "headers": [(b"accept-language", b"en")], "path_params": {"program": program, **path},
    }  # fmt: skip
    session = Session(0, None, "s", "staff:ana", "c" * 32, NOW, NOW, 60, LATER)
    staff = SignedIn("ana", session, {program: ["owner"]})
    call = Call(house, Request(place), form or {}, now)
    with start_blocking_portal() as portal:
        return portal.call(to_thread.run_sync, handler, call, staff)


def text(response: Response) -> str:
    return bytes(response.body).decode()


def post(database: Database, name: str, *events: Json) -> None:
    with Writer(database, name, lambda: NOW) as writer:
        for outcome in writer.post(events):
            assert outcome.refusal is None, outcome.refusal


def bought(kind: str = "purchase", **more: Any) -> Json:
    return {"type": kind, "id": "o1", "member": "m1", "amount": "1000.00", **more}


def test_a_dividend_is_shown_then_paid_once(house: House, database: Database) -> None:
    name = open_program(database, write_toml(ADVERT_B))
    post(database, name, bought())
    form = {"period": f"{NOW:%Y-%m}", "share": "0.5", "weights": "m1,1\nm2,3", "do": "show"}
    early = ask(house, name, earning.share, form)
    assert (early.status_code, "is not over" in text(early)) == (409, True)
    shown = text(ask(house, name, earning.share, form, now=LATER))
    assert "This would be paid" in shown
    for amount in ("40.000000", "20.000000", "5.000000", "15.000000"):
        assert f'value="{amount}"' in shown, amount
    assert not listing.read_wallet(database, name, "m2")
    for _ in range(2):
        paid = ask(house, name, earning.share, {**form, "do": "post"}, now=LATER)
        assert paid.status_code == 200
    assert listing.read_wallet(database, name, "m2") == 15_000_000
    twice = ask(house, name, earning.share, {**form, "weights": "m1,1\nm1,2"}, now=LATER)
    assert "stands there twice" in text(twice)
    assert audit(database, name).passed


def test_commissions_on_statement_are_listed_and_marked(
    house: House, database: Database
) -> None:
    commission = merged(COMMISSIONS, mode="statement")
    name = open_program(database, write_toml(merged(ADVERT_B, commission=commission)))
    bind = {"type": "bind", "id": "b1", "member": "m1", "referrer": "r1"}
    post(database, name, bind, bought())
    [(member, due, payable)] = commissions.list_payable(database, name, NOW)
    page = text(ask(house, name, earning.show))
    assert "Due on statement" in page
    assert page.count(f'value="{format_money(due)}"') >= 1
    rows = list(csv.reader(StringIO(text(ask(house, name, earning.statement)))))
    assert rows[1] == [member, format_money(due), format_money(payable)]
    form = {"earner": member, "amount": "1,000", "reference": "bank 1"}
    refused = ask(house, name, earning.mark_paid, form)
    said = re.sub("<[^>]*>", "", text(refused))
    assert refused.status_code == 409
    assert f"Not recorded: ¥ 1,000.00 is more than the {money_text(due)} due to r1." in said
    marked = ask(house, name, earning.mark_paid, {**form, "amount": "1"})
    assert marked.status_code == 303
    assert commissions.list_payable(database, name, NOW)[0][1] == due - 1_000_000
    why = text(ask(house, name, earning.why, id="o1"))
    assert "m1 → r1" in why
    assert "3.00 = 1,000.00 × 0.3 %" in why


def test_an_order_that_is_due_is_settled_by_hand(house: House, database: Database) -> None:
    toml = write_toml(merged(ADVERT_B, orders={"settle_after": "7d"}))
    name = open_program(database, toml)
    post(database, name, bought("pay"))
    assert "Settle it now" not in text(ask(house, name, books.order, id="o1"))
    assert ask(house, name, refunds.settle, {}, id="o1").status_code == 303
    assert _settled(database, name) is None  # not due: nothing was done
    assert "Settle it now" in text(ask(house, name, books.order, now=LATER, id="o1"))
    ask(house, name, refunds.settle, {}, now=LATER, id="o1")
    assert _settled(database, name) is not None
    assert audit(database, name).passed


@pytest.mark.parametrize("bearer", ["merchant", "platform"])
def test_a_refund_says_who_pays_what(house: House, database: Database, bearer: str) -> None:
    toml = merged(ADVERT_B, refund={"bearer": bearer}, commission=COMMISSIONS)
    name = open_program(database, write_toml(toml))
    bind = {"type": "bind", "id": "b1", "member": "m1", "referrer": "r1"}
    cashed = {"type": "cash_out", "id": "x1", "member": "m1", "points": "20"}
    post(database, name, bind, bought(merchant="tea"), cashed)
    page = text(ask(house, name, refunds.ask, query="amount=", id="o1"))
    said = re.sub("<[^>]*>", "", page)
    assert f"The {bearer}, for what then lacks" in said
    assert re.search("Commission taken back from\\s+r1", said)
    said = said.replace(",", "")
    sums = re.findall("^([0-9.]+) = ([0-9.]+)((?: [+−] [0-9.]+)+)$", said, re.MULTILINE)
    assert len(sums) == 2
    for result, first, others in sums:
        parts = [Decimal(part.replace("−", "-").replace(" ", ""))
                 for part in re.findall("[+−] [0-9.]+", others)]  # fmt: skip
        assert Decimal(result) == Decimal(first) + sum(parts)
    assert sums[0][0] == sums[1][0]


def _settled(database: Database, name: str) -> str | None:
    row = listing.read_entry(database, name, ["pay"], "o1")
    assert row is not None
    return row.settled_receipt


def test_an_alarm_stands_on_top_until_somebody_has_seen_it(
    house: House, database: Database
) -> None:
    name = open_program(database, write_toml(ADVERT_B))
    post(database, name, bought())
    with database.transaction() as tx:
        alarms.append_alarm(
            tx, get_program(tx, name), alarms.DAILY_OUTFLOW, int(NOW.timestamp()), "too much"
        )
    [alarm] = controls.list_alarms(database, name, 0, 10)
    page = text(ask(house, name, books.overview))
    assert "Kept unassigned until a merchant is named" in page
    assert page.index("Alarm: too much") < page.index("Price of a point")
    assert ask(house, name, care.acknowledge, {}, id=alarm.id).status_code == 303
    page = text(ask(house, name, books.overview))
    assert "Alarm: too much" not in page
    assert "staff:ana" in page


def test_drafts_that_others_made_wait_for_approval(house: House, database: Database) -> None:
    name = open_program(database, write_toml(ADVERT_B))
    post(database, name, bought())
    for number, maker in enumerate(("staff:ana", "staff:bo", "staff:bo"), 1):
        toml = write_toml(merged(ADVERT_B, cash_out={"fee": f"0.0{number}"}))
        policies.create_draft(database, name, toml, maker, NOW)
        if number < 3:
            policies.submit(database, name, number, maker, NOW)
    ask(house, name, books.overview)
    page = text(ask(house, name, books.overview))
    assert re.findall("Policy to approve: draft ([0-9])", page) == ["2"]
    page = text(ask(house, name, Drafts().show, number="2"))
    assert "It waits for your approval." in page
    page = text(ask(house, name, Drafts().show, number="1"))
    assert "It waits for somebody else's approval." in page
    assert "as soon as it is approved" in page


def test_a_draft_that_cannot_be_approved_does_not_wait(
    house: House, database: Database
) -> None:
    """Another one has its day already; and once that is in effect, this one is outdated."""
    name = open_program(database, write_toml(ADVERT_B))
    post(database, name, bought())
    for number in (1, 2):
        toml = write_toml(merged(ADVERT_B, cash_out={"fee": f"0.0{number}"}))
        policies.create_draft(database, name, toml, "staff:bo", NOW)
        policies.submit(database, name, number, "staff:bo", NOW)
    day = NOW + timedelta(days=30)
    policies.approve(database, name, 1, "staff:ana", NOW, day)
    ask(house, name, books.overview)
    assert "Policy to approve" not in text(ask(house, name, books.overview))
    page = text(ask(house, name, Drafts().show, number="2"))
    assert "Draft 1 is approved and waits for its day." in page
    policies.put_in_effect(database, name, day)
    assert "Policy to approve" not in text(ask(house, name, books.overview))
    page = text(ask(house, name, Drafts().show, number="2"))
    assert "Version 2 came into effect meanwhile" in page


def test_a_profile_says_whether_it_asks_for_documents(house: House, database: Database) -> None:
    name = open_program(database, write_toml(ADVERT_B))
    page = text(ask(house, name, papers.show))
    assert "asks for no document for anything that is switched on" in page


def test_cash_outs_that_wait_are_listed(house: House, database: Database) -> None:
    toml = write_toml(merged(ADVERT_B, cash_out={"fee": "0.20", "execution": "daily"}))
    name = open_program(database, toml)
    post(database, name, bought())
    wish = {"type": "cash_out", "id": "x1", "member": "m1", "points": "all"}
    cash_outs.ask(database, name, wish, "member:m1", NOW)
    assert "/cash-outs" in text(ask(house, name, reviews.show_list))
    page = text(ask(house, name, reviews.show_requests, now=NOW + timedelta(days=3)))
    assert "x1" in page
    assert ">3<" in page


def test_a_batch_has_a_file_for_the_bank(house: House, database: Database) -> None:
    toml = write_toml(merged(ADVERT_B, withdrawal={"fee": "0.04"}))
    name = open_program(database, toml)
    cashed = {"type": "cash_out", "id": "x1", "member": "m1", "points": "all"}
    post(database, name, bought(), cashed)
    with Writer(database, name, lambda: NOW) as writer:
        wish = {"id": "w1", "member": "m1", "amount": "12.50"}
        withdrawals.ask(database, name, writer.post, wish, by="member:m1", now=NOW)
        withdrawals.take_step(
            database, name, writer.post, "w1", "approved", by="staff:bo", now=NOW
        )
        sandbox = payouts.Sandbox()
        payouts.send(database, name, writer.post, sandbox, "friday", by="staff:bo", now=NOW)
    page = text(ask(house, name, batches.show))
    assert "friday" in page
    for amount in ("12.500000", "0.500000", "12.000000"):
        assert f'value="{amount}"' in page, amount
    page = text(ask(house, name, batches.batch, batch="friday"))
    assert "12.00 = 12.50 − 0.50" in page
    rows = list(csv.reader(StringIO(text(ask(house, name, batches.file, batch="friday")))))
    row, _ = withdrawals.read_withdrawal(database, name, "w1")
    assert rows == [["reference", "member", "amount"], [row.reference, "m1", "12.00"]]
    with pytest.raises(Missing):
        ask(house, name, batches.file, batch="monday")


def test_a_file_comes_as_its_hash_and_its_text() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nabc\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\nreference,state\r\nr1,\xe4\xbb\x98\r\n\r\n--b--\r\n"
    )
    text = "reference,state\r\nr1,付"
    digest = sha256(f"{text}\r\n".encode()).hexdigest()
    whole = {"csrf": "abc", "file": digest, "file.text": text}
    assert _read("multipart/form-data; boundary=b", body) == whole
    assert _read("multipart/form-data", body) == {}
    assert _read("multipart/form-data; boundary=other", body) == {}


def _read(kind: str, body: bytes) -> dict[str, str]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    with start_blocking_portal() as portal:
        return portal.call(read_files_of, Request(scope, receive))
