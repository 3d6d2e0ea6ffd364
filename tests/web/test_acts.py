"""The log of acts over HTTP: what was done through /v1, by whom, and once."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import psycopg
import pytest

from springtide.services.presets import read_preset
from springtide.services.sessions import STAFF, open_session
from springtide.storage.database import Database
from tests.people import hired
from tests.services.histories import assert_sound
from tests.web.serving import Service, Shop, bearer, check_problem, client_of, opened, order


@pytest.fixture
def shop(service: Service, database: Database, name: str) -> Iterator[Shop]:
    with opened(database, service.url, name, read_preset("local-life")) as shop:
        yield shop


@pytest.fixture
def ana(shop: Shop) -> Iterator[httpx2.Client]:
    """A browser in which an owner is logged in."""
    now, name = datetime.now(UTC), f"{shop.name}.ana"
    hired(shop.database, shop.name, name, now, "owner")
    token, session = open_session(
        shop.database, f"staff:{name}", None, STAFF, now, secrets.token_hex
    )
    with client_of(shop.url) as client:
        client.headers["Cookie"] = f"springtide={token}"
        client.headers["Springtide-CSRF"] = session.csrf
        yield client


def acts(shop: Shop, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = shop.get("/v1/acts", **query)["data"]
    return rows


def did(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["actor"], row["what"], row["subject"]) for row in reversed(rows)]


def test_what_a_key_decided_is_logged_with_its_entry(shop: Shop) -> None:
    id_, secret = shop.key("orders", "refunds", "payouts", "pool")
    with client_of(shop.url, secret) as client:
        for status, path, event in (
            (201, "/v1/orders", order("o1", "m1", "1000.00", merchant="shop-1")),
            (201, "/v1/refunds", {"id": "r1", "order": "o1", "amount": "100.00"}),
            (200, "/v1/refunds", {"id": "r1", "order": "o1", "amount": "100.00"}),
            (409, "/v1/refunds", {"id": "r2", "order": "o1", "amount": "5000.00"}),
            (201, "/v1/injections", {"id": "i1", "amount": "5.00"}),
            (201, "/v1/cash-outs", {"id": "c1", "member": "m1", "points": "1"}),
            (201, "/v1/cash-outs/batch", {
                "id": "c2", "requests": [{"member": "m1", "points": "1"}],
            }),
        ):  # fmt: skip
            answer = client.post(path, json=event)
            assert answer.status_code == status, answer.text
    rows = acts(shop, actor=f"key:{id_}")
    assert did(rows) == [
        (f"key:{id_}", "refund.post", "r1"),
        (f"key:{id_}", "inject.post", "i1"),
        (f"key:{id_}", "cash_out_batch.post", "c2"),
    ]
    assert rows[-1]["after"] == {"seq": shop.get("/v1/refunds/r1")["seq"]}
    assert rows[-1]["before"] is None
    assert_sound(shop.database, shop.name)


def test_whatever_a_person_posts_is_logged(shop: Shop, ana: httpx2.Client) -> None:
    lines = [order("o2", "m1", "50.00"), order("o3", "m1", "0"), order("o1", "m1", "1000.00")]
    for path, event in (
        ("/v1/orders", order("o1", "m1", "1000.00")),
        ("/v1/bindings", {"id": "b1", "member": "m2", "referrer": "m1"}),
        ("/v1/cash-outs", {"id": "c1", "member": "m1", "points": "1"}),
    ):
        assert ana.post(path, json=event).status_code == 201
    text = "\n".join(json.dumps(line) for line in lines)
    ana.post("/v1/orders/batch", content=text).raise_for_status()
    actor = f"staff:{shop.name}.ana"
    assert did(acts(shop, actor=actor)) == [
        (actor, "purchase.post", "o1"),
        (actor, "bind.post", "b1"),
        (actor, "cash_out.post", "c1"),
        (actor, "purchase.post", "o2"),
    ]


def test_keys_are_logged_without_their_secrets(shop: Shop, ana: httpx2.Client) -> None:
    made = ana.post("/v1/api-keys", json={"scopes": ["read"], "mode": "live"}).json()
    for _ in range(2):
        assert ana.delete(f"/v1/api-keys/{made['id']}").status_code == 204
    rows = acts(shop, subject=made["id"])
    actor = f"staff:{shop.name}.ana"
    assert did(rows) == [(actor, "key.create", made["id"]), (actor, "key.revoke", made["id"])]
    assert rows[-1]["after"] == {"mode": "live", "scopes": ["read"]}
    assert made["secret"] not in json.dumps(acts(shop, limit=100))


def test_acts_are_paged_and_filtered(shop: Shop, ana: httpx2.Client) -> None:
    for number in range(5):
        ana.post("/v1/injections", json={"id": f"i{number}", "amount": "1.00"})
    whole = acts(shop, limit=100)
    assert [row["id"] for row in whole] == sorted((row["id"] for row in whole), reverse=True)
    paged, after = [], ""
    while True:
        page = shop.get("/v1/acts", limit=2, **({"after": after} if after else {}))
        paged += page["data"]
        after = page["next"]
        if after is None:
            break
    assert paged == whole
    assert [row["subject"] for row in acts(shop, subject="i3")] == ["i3"]
    assert acts(shop, actor="key:nobody") == []
    for query in ({"after": "x"}, {"subject": "\u0000"}):
        answer = shop.client.get("/v1/acts", params=query)
        check_problem(answer, 422, "invalid_parameter")


def test_an_act_and_its_event_are_one_transaction(
    shop: Shop, ana: httpx2.Client, admin: psycopg.Connection
) -> None:
    """Where acts cannot be written, nothing is posted."""
    admin.execute(
        "ALTER TABLE act ADD CONSTRAINT full_disk CHECK (subject <> 'i-no-disk') NOT VALID"
    )
    try:
        event = {"id": "i-no-disk", "amount": "1.00"}
        assert ana.post("/v1/injections", json=event).status_code == 500
    finally:
        admin.execute("ALTER TABLE act DROP CONSTRAINT full_disk")
    check_problem(shop.client.get("/v1/injections/i-no-disk"), 404, "not_found")
    assert ana.post("/v1/injections", json=event).status_code == 201
    assert len(acts(shop, subject="i-no-disk")) == 1


def test_an_orders_batch_of_a_key_is_no_act(shop: Shop) -> None:
    before = acts(shop, limit=100)
    text = "\n".join(json.dumps(order(f"o{number}")) for number in range(3))
    answer = shop.client.post("/v1/orders/batch", content=text, headers=bearer(shop.secret))
    assert answer.text.count("\n") == 3
    assert acts(shop, limit=100) == before
