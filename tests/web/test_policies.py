"""Drafts of policies and evidence over HTTP: two keys, the notice, and orders around it."""

from time import monotonic, sleep
from typing import Any

import httpx2

from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.storage.database import Database
from tests.web.serving import (
    PATIENCE_S,
    Service,
    Shop,
    bearer,
    check_problem,
    client_of,
    opened,
    order,
)

ADVERT = read_preset("advert-b")
ONLINE = ADVERT + '\n[orders]\nsettle_after = "7d"\n'
DRAFTS = "/v1/policies/drafts"


def act(shop: Shop, secret: str, path: str, body: Any = None) -> httpx2.Response:
    return shop.client.post(f"{DRAFTS}{path}", json=body, headers=bearer(secret))


def keys_of(shop: Shop) -> tuple[str, str, str, str]:
    """Two keys that may draft and approve: ids and secrets."""
    scopes = ("policy.draft", "policy.approve", "read")
    return *shop.key(*scopes), *shop.key(*scopes)


def test_a_draft_made_with_one_key_is_approved_with_another(shop: Shop) -> None:
    maker, first, checker, second = keys_of(shop)
    changed = ADVERT.replace('fee = "0.20"', 'fee = "0.25"')
    made = act(shop, first, "", {"toml": changed})
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["made_by"]) == ("draft", f"key:{maker}")
    assert shop.get(f"{DRAFTS}/1/diff")["data"] == [
        {
            "parameter": "cash_out.fee", "about": "kept from whoever cashes out",
            "old": "20 %", "new": "25 %",
        }
    ]  # fmt: skip
    check_problem(act(shop, second, "/1/approve"), 409, "draft_state")
    assert act(shop, first, "/1/submit").json()["state"] == "submitted"
    check_problem(act(shop, first, "/1/approve"), 409, "four_eyes")
    check_problem(act(shop, second, "/1/approve", {"effective_at": "2026-01-01T00:00:00"}),
                  422, "invalid_parameter")  # fmt: skip
    approved = act(shop, second, "/1/approve", {"effective_at": "2999-01-01T00:00:00+08:00"})
    assert approved.json()["approved_by"] == f"key:{checker}"
    assert approved.json()["effective_at"] == "2998-12-31T16:00:00+00:00"
    rejected = act(shop, second, "/1/reject", {"reason": "not in my time"})
    assert (rejected.json()["state"], rejected.json()["reason"]) == (
        "rejected",
        "not in my time",
    )
    check_problem(act(shop, first, "/1/withdraw"), 409, "draft_state")
    assert [row["number"] for row in shop.get(DRAFTS)["data"]] == [1]


def test_what_cannot_be_is_refused_with_the_parameter(shop: Shop) -> None:
    _, first, _, _ = keys_of(shop)
    for toml, part in (
        ("[split", "not a TOML file"),
        (ADVERT, "the same as version 1"),
        (ADVERT.replace('"1000"', '"2000"'), "points.split_at cannot change"),
        (ADVERT.replace('"0.20"', '"\\u0000"', 1), "split.take_rate"),
    ):
        problem = check_problem(act(shop, first, "", {"toml": toml}), 422, "policy_refused")
        assert part in problem["detail"]
    check_problem(shop.client.get(f"{DRAFTS}/7"), 404, "not_found")


def test_orders_follow_the_policy_in_effect_at_once(
    service: Service, database: Database, name: str
) -> None:
    with opened(database, service.url, name, ONLINE) as shop:
        _, first, _, second = keys_of(shop)
        paid = shop.post("/v1/orders", order("paid")).json()
        assert "granted" not in paid
        assert act(shop, first, "", {"toml": ADVERT}).status_code == 201
        act(shop, first, "/1/submit")
        assert act(shop, second, "/1/approve").json()["state"] == "scheduled"
        deadline = monotonic() + PATIENCE_S
        while shop.get(f"{DRAFTS}/1")["state"] != "in_effect":
            assert monotonic() < deadline, "nobody put it in effect"
            sleep(0.1)
        number = 0
        while "granted" not in shop.post("/v1/orders", order(f"now-{number}")).json():
            assert monotonic() < deadline, "orders still wait"
            number += 1
            sleep(0.1)
        assert shop.get("/v1/programs")["data"][0]["policy_version"] == 2
        assert shop.get("/v1/orders/paid")["policy_version"] == 1
        assert shop.get("/v1/orders/paid")["status"] == "paid", "it waits its own seven days"
        assert shop.get(f"/v1/orders/now-{number}")["policy_version"] == 2
        assert shop.get("/v1/policies/2")["toml"] == ADVERT


def test_a_closed_loop_refuses_cash_over_http(
    service: Service, database: Database, name: str
) -> None:
    with opened(database, service.url, f"{name}-demo") as shop:
        create_program(database, name, read_preset("closed-loop"), profile="closed-loop")
        closed = Shop(database, service.url, name, "", shop.client)
        _, secret = closed.key("orders", "payouts", "policy.draft", "policy.approve", "read")
        with client_of(service.url, secret) as client:
            assert client.post("/v1/orders", json=order("o1")).status_code == 201
            wish = {"member": "m1", "points": "all"}
            check_problem(client.post("/v1/cash-outs", json=wish), 409, "cash_out_disabled")
            batch = {"requests": [wish]}
            check_problem(
                client.post("/v1/cash-outs/batch", json=batch), 409, "cash_out_disabled"
            )
            refused = client.post(DRAFTS, json={"toml": ADVERT})
            problem = check_problem(refused, 422, "policy_refused")
            assert "the profile closed-loop does not allow cash_out" in problem["detail"]
            [program] = client.get("/v1/programs").json()["data"]
            assert (program["profile"], program["pays_cash"]) == ("closed-loop", False)
            assert program["price_less_fee"] == program["price"], "goods are at par"
            check_problem(
                client.get("/v1/cash-outs/quote", params=wish), 409, "cash_out_disabled"
            )
            paid = client.post("/v1/redemptions", json={**wish, "merchant": "shop-1"})
            assert paid.json()["net"] == paid.json()["gross"]


def test_evidence_is_recorded_and_revoked(shop: Shop) -> None:
    told = {
        "feature": "cash_out", "kind": "licence", "number": "L-17", "issuer": "the authority",
        "valid_from": "2026-01-01", "expires_on": "2026-12-31", "sha256": "0a" * 32,
    }  # fmt: skip
    made = shop.client.post("/v1/evidence", json=told)
    assert made.status_code == 201
    [row] = shop.get("/v1/evidence")["data"]
    assert row == made.json()
    assert {field: row[field] for field in told} == told
    assert row["revoked_at"] is None
    assert shop.client.delete(f"/v1/evidence/{row['id']}").status_code == 204
    assert shop.get("/v1/evidence")["data"][0]["revoked_at"]
    wrong = shop.client.post("/v1/evidence", json={**told, "feature": "casino"})
    check_problem(wrong, 422, "invalid_parameter")
