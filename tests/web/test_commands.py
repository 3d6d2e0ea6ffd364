"""Commands: each is posted once, whatever its id comes from, or refused as a problem."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from springtide.services.presets import read_preset
from springtide.services.replay import replay_in_memory
from springtide.services.settling import settle_due
from springtide.storage.database import Database
from tests.services.histories import assert_sound, events_of, policy_of, written
from tests.web.serving import Service, Shop, check_problem, opened, order

BOUGHT = order("o1", "m1", "1000.00", merchant="shop-1")

COMMANDS: dict[str, dict[str, Any]] = {
    "/v1/orders": order("c1", "m2", "50.00"),
    "/v1/bindings": {"id": "c1", "member": "m3", "referrer": "m1"},
    "/v1/refunds": {"id": "c1", "order": "o1"},
    "/v1/cash-outs": {"id": "c1", "member": "m1", "points": "1"},
    "/v1/cash-outs/batch": {"id": "c1", "requests": [{"member": "m1", "points": "2.5"}]},
    "/v1/redemptions": {"id": "c1", "member": "m1", "merchant": "s1", "points": "3"},
    "/v1/injections": {"id": "c1", "amount": "5.00"},
}

TYPES = {
    "/v1/orders": "purchase",
    "/v1/bindings": "bind",
    "/v1/refunds": "refund",
    "/v1/cash-outs": "cash_out",
    "/v1/cash-outs/batch": "cash_out_batch",
    "/v1/redemptions": "redeem",
    "/v1/injections": "inject",
}


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A shop where m1 bought something."""
    shop.orders([BOUGHT])
    return shop


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_is_posted_once_and_answered_the_same_again(busy: Shop, path: str) -> None:
    first = busy.post(path, COMMANDS[path])
    assert first.status_code == 201, first.text
    assert first.headers["content-type"] == "application/json"
    assert "idempotent-replayed" not in first.headers
    assert (first.json()["id"], first.json()["type"]) == ("c1", TYPES[path])
    again = busy.post(path, {**COMMANDS[path], "type": TYPES[path]})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert busy.get(f"/v1/programs/{busy.name}")["entries"] == 2
    assert_sound(busy.database, busy.name)


@pytest.mark.parametrize("path", COMMANDS)
def test_an_id_with_other_content_is_refused(busy: Shop, path: str) -> None:
    busy.post(path, COMMANDS[path])
    other = busy.post(path, {**COMMANDS[path], "note": "other"})
    check_problem(other, 409, "id_reused")


@pytest.mark.parametrize("path", COMMANDS)
def test_what_the_header_says_is_the_id_if_the_body_has_none(busy: Shop, path: str) -> None:
    body = {field: value for field, value in COMMANDS[path].items() if field != "id"}
    header = {"Idempotency-Key": "from-the-header"}
    first, again = busy.post(path, body, **header), busy.post(path, body, **header)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == "from-the-header"
    assert again.json() == first.json()


def test_the_id_of_the_body_comes_before_that_of_the_header(shop: Shop) -> None:
    answer = shop.post("/v1/orders", order("mine"), **{"Idempotency-Key": "not this"})
    assert answer.json()["id"] == "mine"


def test_without_any_id_one_is_made_up_each_time(shop: Shop) -> None:
    body = {"member": "m1", "amount": "1.00"}
    ids = [shop.post("/v1/orders", body).json()["id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(id_.startswith("purchase_") for id_ in ids)


REFUSALS: list[tuple[str, Mapping[str, Any], int, str]] = [
    ("/v1/orders", {"id": "x", "amount": "1.00"}, 422, "invalid_event"),
    ("/v1/orders", {"id": 7, "member": "m1", "amount": "1.00"}, 422, "invalid_event"),
    ("/v1/orders", order("x" * 256), 422, "invalid_event"),
    ("/v1/orders", order("x\x00y"), 422, "invalid_event"),
    ("/v1/orders", order("x", amount="1.0000001"), 422, "invalid_amount"),
    ("/v1/orders", {"id": "x", "member": "m1", "amount": 5}, 422, "invalid_amount"),
    ("/v1/orders", order("x", amount="9" * 30), 422, "overflow"),
    ("/v1/orders", order("x", region="abc"), 422, "invalid_event"),
    ("/v1/orders", {**order("x"), "type": "refund"}, 422, "invalid_event"),
    ("/v1/orders", {**order("x"), "type": None}, 422, "invalid_event"),
    ("/v1/refunds", {"id": "x", "order": "nobody's"}, 404, "unknown_order"),
    ("/v1/cash-outs", {"member": "m1", "points": "9999"}, 409, "insufficient_points"),
    ("/v1/cash-outs", {"member": "m9", "points": "all"}, 409, "insufficient_points"),
    (
        "/v1/cash-outs",
        {"member": "m1", "points": "1", "min_net": "500.00"},
        409,
        "below_min_net",
    ),
    (
        "/v1/cash-outs/batch",
        {"requests": [{"member": "m1", "points": "1"}] * 2},
        422,
        "duplicate_member",
    ),
    ("/v1/cash-outs/batch", {"requests": []}, 422, "invalid_event"),
    ("/v1/redemptions", {"member": "m1", "points": "1"}, 422, "invalid_event"),
    ("/v1/injections", {"amount": "0"}, 422, "invalid_amount"),
    ("/v1/bindings", {"member": "m1"}, 422, "invalid_event"),
]


@pytest.mark.parametrize(("path", "body", "status", "code"), REFUSALS)
def test_a_refusal_is_a_problem_and_changes_nothing(
    busy: Shop, path: str, body: Mapping[str, Any], status: int, code: str
) -> None:
    before = busy.get(f"/v1/programs/{busy.name}")
    problem = check_problem(busy.post(path, body), status, code)
    if body.get("type", TYPES[path]) == TYPES[path]:
        assert problem["receipt"]["error"] == code
    assert busy.get(f"/v1/programs/{busy.name}") == before
    if body.get("id") == "x":  # a refused event does not keep its id
        assert busy.post("/v1/orders", order("x")).status_code == 201


def test_an_order_is_refunded_once(busy: Shop) -> None:
    assert busy.post("/v1/refunds", {"order": "o1"}).status_code == 201
    check_problem(busy.post("/v1/refunds", {"order": "o1"}), 409, "already_refunded")
    assert busy.get("/v1/orders/o1")["status"] == "refunded"


def test_nothing_is_injected_for_nobody(
    service: Service, database: Database, name: str
) -> None:
    with opened(database, service.url, name, policy_of("advert-b")) as shop:
        refused = shop.post("/v1/injections", {"amount": "1.00"})
        check_problem(refused, 409, "no_points_in_circulation")


MALFORMED = {
    "empty": b"",
    "text": b"order",
    "a list": b"[]",
    "a number": b"7",
    "cut off": b'{"id": "o1", "member"',
    "two objects": b'{"id": "a"}{"id": "b"}',
    "not UTF-8": b'{"id": "\xff"}',
    "half a pair": rb'{"id": "a", "member": "m", "amount": "1", "note": "\ud800"}',
    "not a number": b'{"id": NaN}',
    "beyond all floats": b'{"id": "a", "member": "m", "amount": "1", "note": 1e999}',
    "deeper than any order": b'{"note": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_a_json_object_is_refused(shop: Shop, body: bytes) -> None:
    check_problem(shop.client.post("/v1/orders", content=body), 400, "malformed_body")


NOTES = {
    "control characters": r'"\u0000\u001f"',
    "whole numbers past 64 bits": "9" * 40,
    "whole numbers past all bits": "9" * 5_000,
    "small numbers": "1e-400",
    "nested lists": "[" * 200 + "]" * 200,
    "two bytes": '"\U0001f30a\U0001f30a"',
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES.keys())
def test_fields_nobody_reads_are_kept_or_refused(shop: Shop, note: str) -> None:
    body = f'{{"id": "o1", "member": "m1", "amount": "1.00", "note": {note}}}'
    answer = shop.client.post("/v1/orders", content=body.encode())
    if answer.status_code == 400:
        check_problem(answer, 400, "malformed_body")
        return
    assert answer.status_code == 201, answer.text
    assert shop.client.post("/v1/orders", content=body.encode()).status_code == 200
    assert "note" in shop.get("/v1/orders/o1")["event"]
    assert_sound(shop.database, shop.name)


def test_a_body_of_64_kib_is_read_and_a_longer_one_refused(shop: Shop) -> None:
    note = "x" * (64 * 1024 - len('{"id":"o1","member":"m1","amount":"1.00","note":""}'))
    body = '{"id":"o1","member":"m1","amount":"1.00","note":"%s"}'
    most = shop.client.post("/v1/orders", content=(body % note).encode())
    assert most.status_code == 201, most.text
    more = shop.client.post("/v1/orders", content=(body % (note + "x")).encode())
    check_problem(more, 413, "body_too_large")
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == 1


def test_a_body_far_too_long_is_not_read_to_its_end(shop: Shop) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(512):
            yield b" " * 65_536

    try:
        refused = shop.client.post("/v1/orders", content=endless())
    except OSError as error:  # the server may hang up while it is still sent
        raise AssertionError("no answer") from error
    check_problem(refused, 413, "body_too_large")


def test_a_shop_cannot_take_the_id_of_a_settlement(
    service: Service, database: Database, name: str
) -> None:
    toml = read_preset("advert-b") + '\n[orders]\nsettle_after = "7d"\n'
    with opened(database, service.url, name, toml) as shop:
        shop.orders([order("o1")])
        assert shop.get("/v1/orders/o1")["status"] == "paid"
        shop.post("/v1/orders", order("springtide:settle:1"))
        settle_due(database, name, datetime.now(UTC) + timedelta(days=8))
        assert shop.get("/v1/orders/o1")["status"] == "settled"


ROUTES = {type_: path for path, type_ in TYPES.items()}


@pytest.mark.parametrize(("vector", "most"), [("everything", 300), ("splits", 60)])
def test_receipts_over_http_are_those_of_the_replay_in_memory(
    service: Service, database: Database, name: str, vector: str, most: int
) -> None:
    toml, events = policy_of(vector), events_of(vector)[:most]
    expected = written(replay_in_memory(toml, events))
    receipts = []
    with opened(database, service.url, name, toml) as shop:
        for event in events:
            answer = shop.post(ROUTES[event["type"]], event).json()
            receipts.append(answer.get("receipt", answer))
    assert written(receipts) == expected
    assert_sound(database, name)
