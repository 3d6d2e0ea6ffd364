"""Keys: what each may do, for how long, how often, and what is kept of it."""

import hashlib
import re
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from springtide.services.keys import SCOPES
from springtide.storage.database import Database
from tests.web.serving import (
    Shop,
    bearer,
    check_problem,
    client_of,
    opened,
    order,
    serving,
)

NEEDS = {
    "/v1/orders": "orders",
    "/v1/orders/batch": "orders",
    "/v1/bindings": "orders",
    "/v1/refunds": "refunds",
    "/v1/cash-outs": "payouts",
    "/v1/cash-outs/batch": "payouts",
    "/v1/redemptions": "payouts",
    "/v1/injections": "pool",
    "/v1/withdrawals": "withdrawals",
    "/v1/withdrawals/{id}/approve": "review",
    "/v1/withdrawals/{id}/reject": "review",
    "/v1/withdrawals/{id}/cancel": "withdrawals",
    "/v1/withdrawals/{id}/resolve": "review",
    "/v1/payouts/export": "review",
    "/v1/payouts/import": "review",
    "/v1/policies/drafts": "policy.draft",
    "/v1/policies/drafts/{number}/submit": "policy.draft",
    "/v1/policies/drafts/{number}/withdraw": "policy.draft",
    "/v1/policies/drafts/{number}/approve": "policy.approve",
    "/v1/policies/drafts/{number}/reject": "policy.approve",
    "/v1/evidence": "policy.approve",
    "/v1/evidence/{id}": "policy.approve",
    "/v1/cash-out-requests/{id}": "payouts",
    "/v1/redemption-codes": "payouts",
    "/v1/invitations": "orders",
    "/v1/invitations/bindings": "orders",
    "/v1/api-keys": "keys",
    "/v1/api-keys/{id}": "keys",
    "/v1/staff": "staff",
    "/v1/staff/{name}": "staff",
    "/v1/acts": "audit",
    "/v1/members/{id}/freeze": "controls",
    "/v1/members/{id}/unfreeze": "controls",
    "/v1/switches": "controls",
    "/v1/alarms/{id}/acknowledge": "controls",
    "/v1/merchant-applications": "merchants",
    "/v1/merchant-applications/{id}/activate": "merchants",
    "/v1/merchant-applications/{id}/reject": "merchants",
    "/v1/merchant-applications/{id}/settlement": "merchants",
    "/v1/merchants/{id}/terms": "merchants",
    "/v1/merchants/{id}/suspend": "merchants",
    "/v1/merchants/{id}/resume": "merchants",
    "/v1/merchants/{id}/payments": "review",
    "/v1/agents": "merchants",
    "/v1/agents/{id}/deposits": "merchants",
    "/v1/agents/{id}/dismiss": "merchants",
    "/v1/agents/{id}/deposits/return": "merchants",
    "/v1/members/{id}/level": "merchants",
    "/v1/members/{id}/bindings": "merchants",
    "/v1/levels/run": "merchants",
    "/v1/dividends": "pool",
    "/v1/dividends/preview": "pool",
    "/v1/commissions/payments": "review",
    "/v1/invitations/orders": "orders",
    "/v1/budget": "policy.draft",
}
"""The permission of what changes something, and of all about keys, staff and acts; the rest
needs `read`."""

ANYBODYS = {
    "/v1/sessions",
    "/v1/sessions/current",
    "/v1/enrolments",
    "/v1/me",
    "/v1/me/password",
}
"""What takes no permission: it is about who asks."""

ALL_METHODS = {"/v1/api-keys", "/v1/staff", "/v1/acts"}
"""Where reading takes the same permission as writing."""


def scope_of(path: str, method: str) -> str:
    if "/webhooks" in path:
        return "webhooks"
    if method == "get" and not path.startswith(tuple(ALL_METHODS)):
        return "read"
    return NEEDS[path]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_may_do_what_its_scopes_say_and_nothing_else(shop: Shop, scope: str) -> None:
    _, lacking = shop.key(*(other for other in SCOPES if other != scope))
    _, having = shop.key(scope)
    tried = 0
    for path, item in shop.get("/openapi.json")["paths"].items():
        for method in item.keys() - {"parameters"}:
            if not path.startswith("/v1") or path in ANYBODYS:
                continue
            address = re.sub(r"\{[^}]+\}", "1", path)
            key = lacking if scope_of(path, method) == scope else having
            answer = shop.client.request(method.upper(), address, headers=bearer(key))
            problem = check_problem(answer, 403, "forbidden")
            assert repr(scope_of(path, method)) in problem["detail"]
            tried += 1
    assert tried > 30


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer st_",
        "Bearer st_test_" + "0" * 48,
        "Bearer key_0123456789abcdef",
        "Basic c3Q6c3Q=",
        "Bearer st_ünknown",
        "Bearer " + "st_" + "x" * 5_000,
    ],
)
def test_without_a_valid_key_nothing_is_answered(shop: Shop, header: str) -> None:
    for method, path in (("GET", "/v1/orders"), ("POST", "/v1/orders")):
        headers = {b"Authorization": header.encode("latin-1")}
        answer = shop.client.request(method, path, headers=headers)
        check_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_header_at_all_is_refused_too(shop: Shop) -> None:
    with client_of(shop.url) as stranger:
        check_problem(stranger.get("/v1/programs"), 401, "unauthorized")


def test_a_revoked_key_opens_nothing_within_five_seconds(shop: Shop) -> None:
    id_, secret = shop.key("read", "orders")
    with client_of(shop.url, secret) as client:
        assert client.post("/v1/orders", json=order("o1")).status_code == 201
        assert shop.client.delete(f"/v1/api-keys/{id_}").status_code == 204
        revoked = asked = monotonic()
        while client.get("/v1/orders").status_code == 200:
            assert asked < revoked + 5, "it still opens something"
            sleep(0.1)
            asked = monotonic()
        check_problem(client.get("/v1/orders"), 401, "unauthorized")
        check_problem(client.post("/v1/orders", json=order("o2")), 401, "unauthorized")
    assert shop.client.delete(f"/v1/api-keys/{id_}").status_code == 204
    [row] = [row for row in shop.get("/v1/api-keys")["data"] if row["id"] == id_]
    assert row["revoked_at"]
    check_problem(shop.client.get("/v1/orders/o2"), 404, "not_found")


@pytest.mark.parametrize("scope", ["review", "policy.approve", "staff"])
def test_no_key_for_second_eyes_is_made_over_http(shop: Shop, scope: str) -> None:
    before = shop.get("/v1/api-keys")
    problem = check_problem(make(shop, shop.secret, scopes=["read", scope]), 403, "forbidden")
    assert scope in problem["detail"]
    assert shop.get("/v1/api-keys") == before


def make(shop: Shop, secret: str, **wish: Any) -> Any:
    return shop.client.post("/v1/api-keys", json=wish, headers=bearer(secret))


def test_a_key_made_over_http_works_at_once(shop: Shop) -> None:
    answer = make(shop, shop.secret, scopes=["read", "orders"], mode="live")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["secret"].startswith("st_live_")
    with client_of(shop.url, made["secret"]) as client:
        assert client.post("/v1/orders", json=order("o1")).status_code == 201
    [row] = [row for row in shop.get("/v1/api-keys")["data"] if row["id"] == made["id"]]
    assert row == {field: made[field] for field in made if field != "secret"}


def test_a_key_cannot_give_scopes_it_lacks(shop: Shop) -> None:
    _, keeper = shop.key("keys", "read")
    before = shop.get("/v1/api-keys")
    for scopes in (["orders"], ["read", "payouts"], list(SCOPES)):
        check_problem(make(shop, keeper, scopes=scopes), 403, "forbidden")
    assert shop.get("/v1/api-keys") == before
    assert make(shop, keeper, scopes=["read"]).status_code == 201


@pytest.mark.parametrize(
    "wish",
    [{}, {"scopes": []}, {"scopes": "read"}, {"scopes": ["read"], "mode": "none"}],
    ids=str,
)
def test_a_key_that_cannot_be_made_is_refused(shop: Shop, wish: dict[str, Any]) -> None:
    check_problem(make(shop, shop.secret, **wish), 422, "invalid_parameter")


def test_only_hashes_of_secrets_are_kept(shop: Shop, admin: psycopg.Connection) -> None:
    id_, secret = shop.key("read")
    made = make(shop, shop.secret, scopes=["read"]).json()
    secrets = {id_: secret, made["id"]: made["secret"]}
    rows = admin.execute("SELECT id, hash, api_key::text FROM api_key").fetchall()
    kept = {row[0]: row for row in rows}
    for key, text in secrets.items():
        assert kept[key][1] == hashlib.sha256(text.encode()).digest()
        assert text not in kept[key][2]
        assert text.rsplit("_", maxsplit=1)[1] not in kept[key][2]
    shown = shop.client.get("/v1/api-keys").text
    assert not any(text in shown for text in secrets.values())


def test_a_key_that_is_used_too_often_has_to_wait(
    dsn: str, database: Database, name: str, tmp_path: Path
) -> None:
    with (
        serving(tmp_path, {"SPRINGTIDE_DATABASE": dsn}, "--rate", "5/minute") as service,
        opened(database, service.url, name) as shop,
    ):
        for number in range(5):
            assert shop.post("/v1/orders", order(f"o{number}")).status_code == 201
        refused = shop.post("/v1/orders", order("o5"))
        check_problem(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        check_problem(shop.client.get("/v1/orders"), 429, "rate_limited")
        _, other = shop.key("read")
        with client_of(service.url, other) as client:
            rows = client.get("/v1/orders").json()["data"]
            assert [row["id"] for row in rows] == [f"o{number}" for number in range(5)]
            assert client.get("/healthz").status_code == 200
