"""Wallets that are spent and withdrawn over HTTP, and payouts."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from springtide.storage.database import Database
from tests.core.history import ADVERT_B, merged, write_toml
from tests.services.histories import assert_sound, new_name, open_cash_program
from tests.web.serving import Service, Shop, bearer, check_problem, entered, opened, order
from tests.web.test_concurrency import send

POLICY = merged(
    ADVERT_B, withdrawal={"fee": "0.01", "minimum": "1.00", "four_eyes_above": "20.00"}
)


@pytest.fixture
def shop(service: Service, database: Database, name: str) -> Iterator[Shop]:
    """A program with real money in which m1 has 56.991150 in the wallet."""
    open_cash_program(database, POLICY, name)
    with entered(database, service.url, name) as shop:
        fill_wallet(shop)
        yield shop


def fill_wallet(shop: Shop) -> None:
    shop.orders([order("o1", "m1", "1000.00")])
    assert shop.post("/v1/cash-outs", {"member": "m1", "points": "50"}).status_code == 201


def ask(shop: Shop, id_: str = "w1", amount: str = "10.00", **headers: str) -> Any:
    wish = {"id": id_, "member": "m1", "amount": amount}
    return shop.post("/v1/withdrawals", wish, **headers)


def decide(shop: Shop, id_: str, verb: str, secret: str = "", why: str = "") -> Any:
    return shop.client.post(
        f"/v1/withdrawals/{id_}/{verb}",
        json={"why": why},
        headers=bearer(secret or shop.key("review", "withdrawals")[1]),
    )


def wallet(shop: Shop) -> str:
    return str(shop.get("/v1/wallets/m1")["balance"])


def test_an_order_is_paid_in_part_from_the_wallet_and_taken_back(shop: Shop) -> None:
    receipt = shop.post("/v1/orders", order("o2", "m1", "100.00", wallet="40.00")).json()
    assert receipt["wallet"] == "40.000000"
    assert wallet(shop) == "16.991150"
    refused = shop.post("/v1/orders", order("o3", "m1", "100.00", wallet="20.00"))
    problem = check_problem(refused, 409, "insufficient_funds")
    assert "holds 16.991150, less than the 20.000000" in problem["detail"]
    refused = shop.post("/v1/orders", order("o3", "m1", "10.00", wallet="10.01"))
    check_problem(refused, 422, "invalid_amount")
    refund = shop.post("/v1/refunds", {"order": "o2"}).json()
    assert refund["wallet"] == "40.000000"
    assert wallet(shop) == "56.991150"
    assert_sound(shop.database, shop.name)


def test_a_withdrawal_from_the_wish_to_the_end(shop: Shop) -> None:
    made = ask(shop, "a/b", "20.01")
    assert made.status_code == 201, made.text
    asked = made.json()
    assert (asked["state"], asked["approvals"], asked["net"]) == ("requested", 2, "19.810000")
    assert wallet(shop) == "36.981150"
    again = ask(shop, "a/b", "20.01")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json() == asked
    check_problem(ask(shop, "a/b", "20.02"), 409, "id_reused")

    check_problem(decide(shop, "a/b", "approve", shop.secret), 409, "own_withdrawal")
    _, ana = shop.key("review")
    assert decide(shop, "a/b", "approve", ana, "as agreed").json()["state"] == "under_review"
    check_problem(decide(shop, "a/b", "approve", ana), 409, "approved_before")
    approved = decide(shop, "a/b", "approve").json()
    assert approved["state"] == "approved"
    check_problem(decide(shop, "a/b", "cancel"), 409, "wrong_state")

    batch = shop.post("/v1/payouts/export", {"batch": "b1"}).json()
    [payout] = batch["payouts"]
    assert (payout["member"], payout["amount"]) == ("m1", "19.810000")
    assert shop.post("/v1/payouts/export", {"batch": "b1"}).json() == batch
    assert shop.client.post("/v1/payouts/export").json()["payouts"] == []
    told = {"reference": payout["reference"], "state": "settled"}
    wrong = {"reference": "x", "state": "failed", "reason": "no account"}
    report = shop.post("/v1/payouts/import", {"results": [told, wrong]}).json()
    assert (report["changed"], report["findings"][0]["line"]) == ({"settled": 1}, 2)
    assert shop.post("/v1/payouts/import", {"results": [told]}).json()["repeated"] == 1

    found = shop.get("/v1/withdrawals/a/b")
    assert found["reference"] == payout["reference"]
    steps = [(step["before"], step["after"], step["why"]) for step in found["steps"]]
    assert steps == [
        ("requested", "under_review", "as agreed"),
        ("under_review", "under_review", "as agreed"),
        ("under_review", "approved", ""), ("approved", "sent", ""), ("sent", "settled", ""),
    ]  # fmt: skip
    assert [step["actor"] for step in found["steps"]][3] == found["asked_by"]
    lines = shop.get("/v1/wallets/m1/entries")["data"]
    assert [(row["id"], row["cause"]) for row in lines[1:]] == [("a/b", "withdraw")]
    assert_sound(shop.database, shop.name)


def test_without_real_money_only_the_sandbox_pays(
    service: Service, database: Database, shop: Shop
) -> None:
    with opened(database, service.url, new_name(), write_toml(POLICY)) as demo:
        fill_wallet(demo)
        for there in (demo, shop):
            assert ask(there).status_code == 201
            assert decide(there, "w1", "approve", there.key("review")[1]).status_code == 200
        refused = check_problem(demo.post("/v1/payouts/export", {}), 409, "payout_refused")
        assert "under the profile demo, which has no real money" in refused["detail"]
        pretend = {"sandbox": True, "batch": "b1"}
        refused = check_problem(shop.post("/v1/payouts/export", pretend), 409, "payout_refused")
        assert "under the profile cash, whose money is real" in refused["detail"]
        assert shop.get("/v1/withdrawals/w1")["state"] == "approved"
        batch = demo.post("/v1/payouts/export", pretend).json()
        assert [one["amount"] for one in batch["payouts"]] == ["9.900000"]
        assert demo.post("/v1/payouts/export", pretend).json() == batch
        assert demo.get("/v1/withdrawals/w1")["state"] == "settled"


def test_an_unknown_one_is_ended_by_whoever_asked_the_bank(shop: Shop) -> None:
    _, ana = shop.key("review")
    assert ask(shop).status_code == 201
    decide(shop, "w1", "approve", ana)
    [payout] = shop.post("/v1/payouts/export", {}).json()["payouts"]
    told = {"reference": payout["reference"], "state": "unknown"}
    assert shop.post("/v1/payouts/import", {"results": [told]}).json()["changed"]
    assert shop.post("/v1/payouts/export", {}).json()["payouts"] == [], "never sent again"

    def resolve(id_: str = "w1", **found: str) -> Any:
        body = {"state": "settled", "why": "it is on their statement", **found}
        headers = bearer(ana)
        return shop.client.post(f"/v1/withdrawals/{id_}/resolve", json=body, headers=headers)

    check_problem(resolve(state="approved"), 422, "invalid_parameter")
    check_problem(resolve(id_="w9"), 404, "not_found")
    done = resolve().json()
    assert done["state"] == "settled"
    assert [row["actor"][:4] for row in done["steps"]][-1] == "key:"
    assert done["steps"][-1]["why"] == "it is on their statement"
    check_problem(resolve(state="returned"), 409, "wrong_state")
    assert ask(shop, "w2").status_code == 201
    check_problem(resolve(id_="w2"), 409, "wrong_state")
    assert_sound(shop.database, shop.name)


@pytest.mark.parametrize("verb", ["reject", "cancel"])
def test_what_is_not_sent_can_be_given_back_once(shop: Shop, verb: str) -> None:
    assert ask(shop).status_code == 201
    back = decide(shop, "w1", verb, why="a mistake").json()
    assert back["state"] == f"{verb}ed".replace("led", "lled")
    assert wallet(shop) == "56.991150"
    check_problem(decide(shop, "w1", verb), 409, "wrong_state")
    assert wallet(shop) == "56.991150"


def test_lists_are_pages_by_state_and_member(shop: Shop) -> None:
    for number in range(3):
        assert ask(shop, f"w{number}", "1.00").status_code == 201
    decide(shop, "w1", "reject")
    page = shop.get("/v1/withdrawals", limit=2)
    rest = shop.get("/v1/withdrawals", limit=2, after=page["next"])
    assert [row["id"] for row in page["data"] + rest["data"]] == ["w0", "w1", "w2"]
    assert rest["next"] is None
    [rejected] = shop.get("/v1/withdrawals", state="rejected")["data"]
    assert rejected["id"] == "w1"
    assert shop.get("/v1/withdrawals", member="m2")["data"] == []
    check_problem(shop.client.get("/v1/withdrawals?state=paid"), 422, "invalid_parameter")


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"amount": "0.99"}, 422, "withdrawal_too_small"),
        ({"amount": "0.00"}, 422, "invalid_amount"),
        ({"amount": "1.001"}, 422, "invalid_parameter"),
        ({"amount": "57.00"}, 409, "insufficient_funds"),
        ({"amount": "1.00", "member": "m\n"}, 422, "invalid_event"),
        ({"amount": "1.00", "id": "springtide:1"}, 422, "invalid_parameter"),
        ({"amount": "1.00", "by": "staff:ana"}, 422, "invalid_parameter"),
        ({"amount": "1.00", "id": "o1"}, 409, "id_reused"),
    ],
)
def test_a_wish_that_cannot_be_met_says_why(
    shop: Shop, wish: dict[str, str], status: int, code: str
) -> None:
    check_problem(shop.post("/v1/withdrawals", {"member": "m1", **wish}), status, code)
    assert wallet(shop) == "56.991150"
    check_problem(decide(shop, "o1", "approve"), 404, "not_found")


def test_the_header_gives_the_id_and_a_made_up_one_will_do(shop: Shop) -> None:
    wish = {"member": "m1", "amount": "1.00"}
    named = shop.post("/v1/withdrawals", wish, **{"Idempotency-Key": "k1"})
    assert named.json()["id"] == "k1"
    made_up = shop.post("/v1/withdrawals", wish).json()["id"]
    assert shop.get(f"/v1/withdrawals/{made_up}")["member"] == "m1"


def test_eight_withdrawals_of_a_whole_wallet_at_once_pay_once(shop: Shop) -> None:
    bodies = [{"id": f"w{number}", "member": "m1", "amount": "56.99"} for number in range(8)]
    answers = asyncio.run(send(shop, "/v1/withdrawals", bodies))
    codes = Counter((one.status_code, one.json().get("code")) for one in answers)
    assert codes == {(201, None): 1, (409, "insufficient_funds"): 7}
    assert wallet(shop) == "0.001150"
    assert len(shop.get("/v1/withdrawals")["data"]) == 1
    assert_sound(shop.database, shop.name)


def test_withdrawals_at_once_do_not_take_held_commissions_together(
    service: Service, database: Database
) -> None:
    """56.99 can be withdrawn and 3.00 are held: one of 29.00 goes, two would take the 3.00."""
    held = merged(POLICY, commission={"direct": "0.003", "hold_days": 7})
    with opened(database, service.url, new_name(), write_toml(held)) as demo:
        fill_wallet(demo)
        demo.orders([order("o2", "m2", "1000.00", referrer="m1")])
        assert wallet(demo) == "59.991150"
        bodies = [
            {"id": f"w{number}", "member": "m1", "amount": "29.00"} for number in range(8)
        ]
        answers = asyncio.run(send(demo, "/v1/withdrawals", bodies))
        codes = Counter((one.status_code, one.json().get("code")) for one in answers)
        assert codes == {(201, None): 1, (409, "insufficient_funds"): 7}
        assert wallet(demo) == "30.991150"
        assert_sound(database, demo.name)


def test_one_withdrawal_sent_eight_times_at_once_is_there_once(shop: Shop) -> None:
    answers = asyncio.run(
        send(shop, "/v1/withdrawals", [{"id": "w1", "member": "m1", "amount": "50.00"}] * 8)
    )
    assert Counter(one.status_code for one in answers) == {201: 1, 200: 7}
    assert len({one.text for one in answers}) == 1
    assert wallet(shop) == "6.991150"
