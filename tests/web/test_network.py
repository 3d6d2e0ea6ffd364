"""Merchants, agents, levels, bindings, dividends and budgets, as staff and keys use them."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import psycopg
import pytest

from springtide.storage.database import Database
from tests.core.history import ON_STATEMENT, write_toml
from tests.services.histories import assert_sound
from tests.web.filled import application
from tests.web.serving import Service, Shop, check_problem, opened, order

POLICY = write_toml(ON_STATEMENT)


@pytest.fixture
def town(service: Service, database: Database, name: str) -> Any:
    """A program that pays commissions of every kind, on statement; and an active store."""
    with opened(database, service.url, name, POLICY) as shop:
        wish = application("noodles", owner="m0", recruiter="m7")
        assert shop.post("/v1/merchant-applications", wish).status_code == 201
        activated = shop.post(
            "/v1/merchant-applications/noodles/activate", {"take_rate": "0.20"}
        )
        assert activated.json()["status"] == "active"
        yield shop
        assert_sound(database, name)


def put(shop: Shop, path: str, wish: dict[str, Any]) -> Any:
    return shop.client.put(path, json=wish)


def acts(shop: Shop, what: str) -> list[dict[str, Any]]:
    return [act for act in shop.get("/v1/acts", limit=100)["data"] if act["what"] == what]


def sells(shop: Shop, id_: str) -> dict[str, Any]:
    bought = order(id_, "m1", "1000.00", merchant="noodles")
    answer = shop.post("/v1/orders", bought)
    found: dict[str, Any] = answer.json()
    return found


def test_a_store_is_reviewed_by_somebody_who_is_named(town: Shop) -> None:
    again = town.post("/v1/merchant-applications", application("other-name"))
    check_problem(again, 409, "not_possible")
    wrong = {**application("fake", 1), "licence": "91110000600037341X"}
    check_problem(town.post("/v1/merchant-applications", wrong), 409, "not_possible")
    assert town.post("/v1/merchant-applications", application("fake", 1)).status_code == 201
    turned_down = town.post("/v1/merchant-applications/fake/reject", {"reason": "no such shop"})
    assert turned_down.json()["reviewer"].startswith("key:")
    late = town.post("/v1/merchant-applications/fake/activate", {"take_rate": "0.20"})
    check_problem(late, 409, "not_possible")
    rejected = town.get("/v1/merchant-applications", status="rejected")["data"]
    assert [row["merchant"] for row in rejected] == ["fake"]
    first = town.get("/v1/merchant-applications", limit=1)
    assert (first["data"][0]["merchant"], first["next"]) == ("fake", "fake")
    following = town.get("/v1/merchant-applications", limit=1, after="fake")
    assert (following["data"][0]["merchant"], following["next"]) == ("noodles", None)


def test_terms_change_from_now_on_with_a_split_of_their_own(town: Shop) -> None:
    policy = {"take_rate": "0.2", "platform": "0.1", "distribution": "0.1"}
    terms = town.get("/v1/merchants/noodles/terms")
    assert terms["own"] is True
    assert {field: terms[field] for field in policy} == policy
    assert sells(town, "o1")["platform"] == "38.000000", "with the rest of the distribution"
    assert town.post("/v1/merchants/noodles/suspend", {"reason": "dirty"}).status_code == 200
    wish = {
        "take_rate": "0.30", "platform": "0.20", "distribution": "0.05", "region": "330106",
        "owner": "m0",
    }  # fmt: skip
    changed = put(town, "/v1/merchants/noodles/terms", wish).json()
    assert (changed["suspended"], changed["take_rate"]) == (True, "0.3")
    assert sells(town, "o2")["code"] == "merchant_suspended"
    assert town.post("/v1/merchants/noodles/resume", {}).json()["suspended"] is False
    assert sells(town, "o2")["contribution"] == "225.000000", "300 less 60 and 15"
    [act] = [one for one in acts(town, "event.merchant_terms") if one["before"]]
    assert (act["before"]["take_rate"], act["after"]["take_rate"]) == ("0.2", "0.30")
    for more, code in (
        ({"distribution": "0.01"}, "over_budget"),
        ({"distribution": None}, "invalid_event"),
        ({"region": "330199"}, "not_possible"),
    ):
        refused = put(town, "/v1/merchants/noodles/terms", {**wish, **more})
        assert refused.json()["code"] == code
    assert town.get("/v1/merchants/noodles/terms")["take_rate"] == "0.3"


def test_who_did_not_apply_has_the_policys_terms_until_they_are_changed(town: Shop) -> None:
    town.orders([order("o1", "m1", merchant="platform-goods")])
    assert town.get("/v1/merchants/platform-goods/terms")["own"] is False
    own = put(town, "/v1/merchants/platform-goods/terms", {"take_rate": "1"})
    assert (own.json()["own"], own.json()["take_rate"]) == (True, "1")
    suspended = town.post("/v1/merchants/platform-goods/suspend", {"reason": "none"})
    check_problem(suspended, 409, "not_possible")


def test_money_is_sent_elsewhere_and_the_log_says_where_it_went(town: Shop) -> None:
    path = "/v1/merchant-applications/noodles/settlement"
    assert put(town, path, {"settlement": "account 2"}).json()["settlement"] == "account 2"
    [act] = acts(town, "merchant.settlement")
    assert (act["before"], act["after"]) == (
        {"settlement": "account 1"}, {"settlement": "account 2"},
    )  # fmt: skip
    assert act["actor"].startswith("key:")
    assert town.post("/v1/merchant-applications", application("fake", 1)).status_code == 201
    assert town.post("/v1/merchant-applications/fake/reject", {"reason": "no"}).is_success
    fake = put(town, "/v1/merchant-applications/fake/settlement", {"settlement": "mine"})
    check_problem(fake, 409, "not_possible")


def test_a_statement_can_be_kept_as_a_sheet(town: Shop) -> None:
    sells(town, "o1")
    answer = town.client.get("/v1/merchants/noodles/statement.xlsx")
    with ZipFile(BytesIO(answer.content)) as book:
        assert b"800.000000" in book.read("xl/sharedStrings.xml")


def test_a_merchant_is_paid_what_it_is_owed_once(town: Shop) -> None:
    sells(town, "o1")
    wish = {"amount": "500", "reference": "bank 1"}
    for _ in range(2):
        paid = town.post("/v1/merchants/noodles/payments", wish)
        assert (paid.status_code, paid.json()["owed"]) == (200, "300.000000")
    more = town.post("/v1/merchants/noodles/payments", {**wish, "reference": "bank 2"})
    check_problem(more, 409, "not_possible")
    statement = town.get("/v1/merchants/noodles/statement")
    assert (statement["sold"], statement["paid"], statement["owed"]) == (
        "800.000000", "500.000000", "300.000000",
    )  # fmt: skip
    assert len(acts(town, "event.merchant_paid")) == 1


def test_a_deposit_is_noted_once_and_comes_back_at_the_end(town: Shop) -> None:
    wish = {"contract": "c1", "region": "330106", "member": "ana", "to": "2999-12-31"}
    assert town.post("/v1/agents", wish).json()["to"] == "2999-12-31"
    assert town.post("/v1/agents", wish).status_code == 201, "sent again it is the same"
    taken = town.post("/v1/agents", {**wish, "contract": "c2"})
    check_problem(taken, 409, "region_taken")
    over = town.post("/v1/agents", {**wish, "contract": "c2", "region": "33", "rate": "0.01"})
    check_problem(over, 422, "over_budget")
    paid = {"amount": "500.00", "reference": "transfer 1"}
    for _ in range(2):
        held = town.post("/v1/agents/c1/deposits", paid)
        assert held.json()["deposit"] == "500.000000"
    early = town.post("/v1/agents/c1/deposits/return", {})
    check_problem(early, 409, "contract_running")
    assert sells(town, "o1")["commissions"][0] == {
        "kind": "territory", "to": "ana", "amount": "1.000000",
    }  # fmt: skip
    assert town.post("/v1/agents/c1/dismiss", {}).json()["ended"] is True
    back = town.post("/v1/agents/c1/deposits/return", {})
    assert (back.json()["deposit"], back.json()["ended"]) == ("0.000000", True)
    assert [row["contract"] for row in town.get("/v1/agents")["data"]] == ["c1"]


def test_a_binding_shows_every_change_with_its_reason(town: Shop) -> None:
    town.orders([order("o1", "m1", referrer="m0")])
    change = {"referrer": "m9", "reason": "the wrong code was scanned"}
    history = town.post("/v1/members/m1/bindings", change).json()["data"]
    assert [(row["before"], row["referrer"], row["reason"]) for row in history] == [
        (None, "m0", None), ("m0", "m9", change["reason"]),
    ]  # fmt: skip
    check_problem(town.post("/v1/members/m1/bindings", change), 409, "not_possible")
    loop = town.post("/v1/members/m1/bindings", {**change, "referrer": "m1"})
    check_problem(loop, 409, "unusable_referrer")
    assert town.get("/v1/members/m1/bindings")["data"] == history
    [act] = acts(town, "event.rebind")
    assert (act["before"], act["after"]["reason"]) == ({"referrer": "m0"}, change["reason"])
    assert town.get("/v1/members/m0/bindings")["data"] == []


def test_a_stores_code_is_drawn_listed_and_paid_by(town: Shop) -> None:
    code = town.post("/v1/invitations", {"merchant": "noodles"}).json()["code"]
    [made] = town.get("/v1/invitations")["data"]
    assert (made["code"], made["merchant"], made["member"]) == (code, "noodles", None)
    picture = town.client.get(f"/v1/invitations/{code}/qr", params={"url": "https://a.b/"})
    assert picture.headers["content-type"].startswith("image/svg")
    assert b"<svg" in picture.content
    wish = {"id": "o1", "code": code, "member": "new", "amount": "1000.00"}
    for _ in range(2):
        paid = town.post("/v1/invitations/orders", wish)
        assert paid.status_code == 201, paid.text
    assert paid.json()["commissions"][0] == {
        "kind": "direct", "to": "m0", "amount": "3.000000",
    }  # fmt: skip
    assert town.get("/v1/members/new")["referrer"] == "m0"
    unknown = town.post("/v1/invitations/orders", {**wish, "id": "o2", "code": "1x"})
    check_problem(unknown, 404, "not_found")
    other = town.post("/v1/invitations/orders", {**wish, "amount": "1.00"})
    check_problem(other, 409, "id_reused")


def test_levels_are_proposed_given_and_set_by_hand(town: Shop) -> None:
    sells(town, "o1")
    [proposed] = town.get("/v1/levels/proposals")["data"]
    assert (proposed["member"], proposed["before"], proposed["level"]) == ("m1", None, "1")
    assert town.post("/v1/levels/run", {"only": ["m5"]}).json()["data"] == []
    assert town.post("/v1/levels/run", {}).json()["data"] == [proposed]
    assert town.get("/v1/members/m1/level")["level"] == "1"
    none = put(town, "/v1/members/m1/level", {"level": "", "reason": "asked"}).json()
    assert (none["level"], none["reason"]) == (None, "asked")
    unknown = put(town, "/v1/members/m1/level", {"level": "9", "reason": "asked"})
    check_problem(unknown, 422, "unknown_level")
    silent = put(town, "/v1/members/m1/level", {"level": "", "reason": "\x00"})
    check_problem(silent, 422, "invalid_event")


def test_what_is_due_on_statement_is_paid_once(town: Shop) -> None:
    town.orders([order("o1", "m1", "1000.00", merchant="noodles", referrer="m0")])
    due = {row["member"]: row["payable"] for row in town.get("/v1/commissions/due")["data"]}
    assert due == {"m0": "3.000000", "m7": "2.000000"}
    wish = {"member": "m0", "amount": "2.50", "reference": "bank 1"}
    for _ in range(2):
        paid = town.post("/v1/commissions/payments", wish)
        assert (paid.status_code, paid.json()["due"]) == (201, "0.500000")
    more = town.post("/v1/commissions/payments", {**wish, "reference": "bank 2"})
    check_problem(more, 409, "more_than_held")
    assert len(acts(town, "event.commission_paid")) == 1


def test_a_month_is_shared_once_by_weight(town: Shop, admin: psycopg.Connection) -> None:
    sells(town, "o1")
    today = datetime.now(UTC)
    month = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    wish = {"period": month, "share": "0.2", "weights": {"ana": "1", "bo": "2"}}
    nothing = town.post("/v1/dividends/preview", wish)
    check_problem(nothing, 409, "not_possible")
    running = town.post("/v1/dividends", {**wish, "period": f"{today:%Y-%m}"})
    check_problem(running, 409, "not_possible")
    admin.execute(
        "UPDATE batch SET posted_at = %s WHERE program_id ="
        " (SELECT id FROM program WHERE name = %s)", [f"{month}-15", town.name],
    )  # fmt: skip
    before = town.get("/v1/programs")
    shown = town.post("/v1/dividends/preview", wish).json()
    assert (shown["revenue"], [part["amount"] for part in shown["parts"]]) == (
        "38.000000", ["2.533333", "5.066666"],
    )  # fmt: skip
    assert town.get("/v1/programs") == before
    assert town.post("/v1/dividends", wish).json() == shown
    assert town.post("/v1/dividends", wish).json() == shown
    other = town.post("/v1/dividends", {**wish, "share": "0.3"})
    check_problem(other, 409, "id_reused")


def test_the_worst_case_is_shown_before_a_policy_is_saved(town: Shop) -> None:
    now = town.get("/v1/budget")
    assert (now["refused"], now["terms"][0]["most"]) == (None, "0.003")
    assert {row["merchant"]: row["holds"] for row in now["merchants"]} == {
        None: True, "noodles": True,
    }  # fmt: skip
    dearer = town.post("/v1/budget", {"toml": POLICY.replace("0.003", "0.03")}).json()
    assert "commissions can reach 0.034" in dearer["refused"]
    assert not any(row["holds"] for row in dearer["merchants"])
    nonsense = town.post("/v1/budget", {"toml": "split = 1"})
    check_problem(nonsense, 422, "policy_refused")
    draft = POLICY.replace("0.003", "0.002")
    made = town.post("/v1/policies/drafts", {"toml": draft})
    path = f"/v1/policies/drafts/{made.json()['number']}/budget"
    assert town.get(path) == town.post("/v1/budget", {"toml": draft}).json()
