"""Lists: a page at a time, cursors lead over every row once, and bad ones are refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from springtide.services.settling import settle_due
from springtide.storage.database import Database
from tests.web.filled import COMMISSIONED, filled
from tests.web.serving import Service, Shop, check_problem, opened, order

ORDERS, MEMBERS, MERCHANTS = 40, 13, 11

LISTS = {
    "/v1/orders": ("seq", ORDERS + 3),
    "/v1/members": ("id", MEMBERS),
    "/v1/merchants": ("id", MERCHANTS),
    "/v1/commissions": ("seq", None),
    "/v1/members/m-0/lots": ("seq", 4 + 3),
}
"""The addresses of lists, what their rows are ordered by, and how many they have."""


@pytest.fixture(scope="module")
def many(service: Service, database: Database) -> Iterator[Shop]:
    """Members who referred each other in a ring, and bought from several merchants; to read."""
    with opened(database, service.url, "many-pages", COMMISSIONED) as shop:
        shop.orders(
            [
                order(
                    f"o-{number}",
                    f"m-{number % MEMBERS}",
                    merchant=f"Händler {number % MERCHANTS}/&?",
                    referrer=f"m-{(number + 1) % MEMBERS}",
                )
                for number in range(ORDERS)
            ]
        )
        shop.orders([order(f"p-{number}", "m-0") for number in range(3)])
        yield shop


def walk(shop: Shop, path: str, limit: int, **query: str) -> list[dict[str, Any]]:
    """Every row of a list, in pages."""
    rows, after = [], ""
    while True:
        page = shop.get(path, limit=limit, after=after, **query)
        assert page["object"] == "list"
        assert len(page["data"]) <= limit
        rows += page["data"]
        if page["next"] is None:
            return rows
        assert len(page["data"]) == limit, "only the last page is short"
        after = page["next"]


@pytest.mark.parametrize("path", LISTS)
def test_cursors_lead_over_every_row_exactly_once(many: Shop, path: str) -> None:
    by, size = LISTS[path]
    whole = walk(many, path, 100)
    assert len(whole) == (size or len(whole)) > 3
    order_of = [row[by] for row in whole]
    assert order_of == sorted(order_of)
    if path != "/v1/commissions":
        assert len(set(order_of)) == len(order_of)
    for limit in (1, 2, 7, len(whole) - 1, len(whole)):
        assert walk(many, path, limit) == whole


def test_commissions_of_one_member_are_walked_alone(many: Shop) -> None:
    everyone = walk(many, "/v1/commissions", 100)
    assert {row["kind"] for row in everyone} >= {"direct", "indirect"}
    alone = walk(many, "/v1/commissions", 2, member="m-1")
    assert alone == [row for row in everyone if row["member"] == "m-1"]
    assert alone
    assert walk(many, "/v1/commissions", 2, member="nobody") == []


def test_rows_that_are_posted_meanwhile_come_at_the_end(shop: Shop) -> None:
    shop.orders([order(id_) for id_ in ("z", "y", "x")])
    first = shop.get("/v1/orders", limit=2)
    shop.orders([order("a")])
    rest = shop.get("/v1/orders", limit=2, after=first["next"])
    assert [row["id"] for row in first["data"] + rest["data"]] == ["z", "y", "x", "a"]
    assert rest["next"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1.5", "1e9", "9" * 30])
@pytest.mark.parametrize("path", LISTS)
def test_a_page_has_one_row_to_a_hundred(many: Shop, path: str, limit: str) -> None:
    answer = many.client.get(path, params={"limit": limit})
    check_problem(answer, 422, "invalid_parameter")


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "١", " 1", "1-x", "9" * 19, "9" * 301])
def test_cursors_that_were_never_given_are_refused(many: Shop, after: str) -> None:
    for path in ("/v1/orders", "/v1/refunds", "/v1/commissions", "/v1/members/m-0/lots"):
        if path == "/v1/commissions" and after == "-1":
            continue
        answer = many.client.get(path, params={"after": after})
        check_problem(answer, 422, "invalid_parameter")


@pytest.mark.parametrize("path", ["/v1/members", "/v1/merchants"])
def test_cursors_of_names_are_names(many: Shop, path: str) -> None:
    for after in ("x" * 301, "\x00", "a\x00"):
        answer = many.client.get(path, params={"after": after})
        check_problem(answer, 422, "invalid_parameter")


def test_nobody_is_asked_for_by_a_name_that_cannot_be(many: Shop) -> None:
    answer = many.client.get("/v1/commissions", params={"member": "\x00"})
    assert answer.status_code == 422 or answer.json()["data"] == []


def test_what_was_posted_is_read_back_by_its_id(
    service: Service, database: Database, name: str
) -> None:
    with filled(database, service.url, name, "a") as shop:
        for path in ("orders", "bindings", "refunds", "cash-outs", "redemptions", "injections"):
            for row in walk(shop, f"/v1/{path}", 1):
                assert shop.get(f"/v1/{path}/{row['id']}") == row
        member = shop.get("/v1/members/a-buyer")
        assert member in walk(shop, "/v1/members", 100)
        assert member["referrer"] == "a-friend"
        entries = walk(shop, "/v1/orders", 100)
        assert {row["id"]: row["status"] for row in entries} == {
            "a-order": "settled",
            "a-returned": "refunded",
        }


@pytest.mark.parametrize("id_", ["a/b", "a b", "ä?#&%", "quote", "batch", "..", "a%2Fb"])
def test_an_order_of_any_id_is_read_back(shop: Shop, id_: str) -> None:
    shop.orders([order(id_)])
    address = "/v1/orders/" + "".join(f"%{byte:02X}" for byte in id_.encode())
    answer = shop.client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == id_


def test_a_quote_says_what_a_cash_out_pays(shop: Shop) -> None:
    shop.orders([order("o1", "m1", "1000.00"), order("quote", "m2")])
    quote = shop.get("/v1/cash-outs/quote", member="m1", points="10")
    wish = {"member": "m1", "points": "10", "min_net": quote["net"]}
    paid = shop.post("/v1/cash-outs", wish)
    assert paid.status_code == 201, paid.text
    assert paid.json()["net"] == quote["net"]
    refused = shop.client.get("/v1/cash-outs/quote", params={"member": "nobody"})
    check_problem(refused, 409, "insufficient_points")


def test_orders_are_found_by_what_is_asked_for(many: Shop) -> None:
    whole = walk(many, "/v1/orders", 100)

    def of(**wanted: str) -> list[str]:
        expected = [
            row["id"]
            for row in whole
            if all(row["event"].get(name) == value for name, value in wanted.items())
        ]
        for limit in (3, 100):
            found = walk(many, "/v1/orders", limit, **wanted)
            assert [row["id"] for row in found] == expected, wanted
        return expected

    assert len(of(member="m-0")) == 7
    assert len(of(merchant="Händler 3/&?")) == 4
    assert of(member="m-3", merchant="Händler 3/&?") == ["o-3"]
    assert of(member='m-0"') == of(member="nobody") == []
    times = sorted(row["posted_at"] for row in whole)
    middle = times[len(times) // 2]
    before = walk(many, "/v1/orders", 5, until=middle)
    after = walk(many, "/v1/orders", 5, since=middle)
    assert [row["id"] for row in before + after] == [row["id"] for row in whole]
    assert all(row["posted_at"] < middle for row in before)
    assert before
    assert walk(many, "/v1/orders", 5, until="2020-01-01T00:00:00Z") == []
    for bad in ({"since": "2020-01-01T00:00:00"}, {"until": "soon"}, {"state": "lost"}):
        refused = many.client.get("/v1/orders", params=bad)
        check_problem(refused, 422, "invalid_parameter")


def test_orders_are_found_by_their_state(
    service: Service, database: Database, name: str
) -> None:
    toml = COMMISSIONED + '\n[orders]\nsettle_after = "7d"\n'
    with opened(database, service.url, name, toml) as shop:
        shop.orders([order(f"o{number}") for number in range(3)])
        shop.post("/v1/refunds", {"order": "o1"})
        shop.post("/v1/refunds", {"order": "o2", "amount": "1.00"})
        settle_due(database, name, datetime.now(UTC) + timedelta(days=8))
        shop.orders([order("o3")])
        states = {"settled": ["o0", "o2"], "refunded": ["o1"], "paid": ["o3"]}
        for state, ids in states.items():
            rows = walk(shop, "/v1/orders", 1, state=state)
            assert [row["id"] for row in rows] == ids
            assert {row["status"] for row in rows} == {state}


def test_wallet_entries_are_found_by_their_cause(
    service: Service, database: Database, name: str
) -> None:
    with filled(database, service.url, name, "a") as shop:
        whole = shop.get("/v1/wallets/a-friend/entries")["data"]
        assert [row["cause"] for row in whole] == ["direct", "direct", "clawback"]
        rows = shop.get("/v1/wallets/a-friend/entries", cause="clawback")["data"]
        assert rows == whole[2:]
