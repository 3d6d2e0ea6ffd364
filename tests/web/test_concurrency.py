"""Many clients at once: what they send is there exactly once, and all are told the same."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from tests.services.histories import assert_sound
from tests.web.serving import PATIENCE_S, Shop, bearer, order

CLIENTS = 64


async def send(shop: Shop, path: str, bodies: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Answers to bodies that are sent at once, each over a connection of its own."""

    async def one(body: Mapping[str, Any], ready: asyncio.Barrier) -> Any:
        async with httpx2.AsyncClient(
            base_url=shop.url, headers=bearer(shop.secret), timeout=PATIENCE_S, verify=False
        ) as client:
            await client.get("/healthz")  # it is connected before anybody sends
            await ready.wait()
            return await client.post(path, json=body)

    ready = asyncio.Barrier(len(bodies))
    return await asyncio.gather(*(one(body, ready) for body in bodies))


def test_one_order_sent_by_64_clients_at_once_is_posted_once(shop: Shop) -> None:
    for number in range(3):
        answers = asyncio.run(send(shop, "/v1/orders", [order(f"o{number}")] * CLIENTS))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] * (CLIENTS - 1) + [201]
        assert len({answer.text for answer in answers}) == 1
        assert shop.get(f"/v1/programs/{shop.name}")["entries"] == number + 1
    assert_sound(shop.database, shop.name)


def test_of_64_orders_with_one_id_the_first_is_posted(shop: Shop) -> None:
    bodies = [order("o1", amount=f"{number + 1}.00") for number in range(CLIENTS)]
    answers = asyncio.run(send(shop, "/v1/orders", bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * (CLIENTS - 1)
    assert shop.get(f"/v1/programs/{shop.name}")["entries"] == 1


def test_points_are_cashed_once_by_64_clients_with_ids_of_their_own(shop: Shop) -> None:
    shop.orders([order("o1", amount="1000.00")])
    bodies = [
        {"id": f"c{number}", "member": "m1", "points": "all"} for number in range(CLIENTS)
    ]
    answers = asyncio.run(send(shop, "/v1/cash-outs", bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * (CLIENTS - 1)
    assert_sound(shop.database, shop.name)


def test_different_orders_at_once_are_all_there_exactly_once(shop: Shop) -> None:
    bodies = [order(f"o{number}", f"m{number % 7}") for number in range(256)]
    answers = asyncio.run(send(shop, "/v1/orders", bodies * 2))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == statuses.count(200) == 256
    receipts = {answer.json()["id"]: answer.json() for answer in answers}
    assert all(receipts[answer.json()["id"]] == answer.json() for answer in answers)
    posted, after = [], ""
    while after is not None:
        page = shop.get("/v1/orders", limit=100, after=after)
        posted += page["data"]
        after = page["next"]
    assert {row["id"]: row["receipt"] for row in posted} == receipts
    assert len(posted) == 256
    assert_sound(shop.database, shop.name)
