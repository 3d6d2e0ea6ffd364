"""One program's key opens nothing of another, on any route of the API."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from springtide.storage.database import Database
from tests.web.filled import BODIES, add_drafts, add_policy_version, filled, places
from tests.web.serving import Service, Shop, check_problem, opened, order

MINE, THEIRS = "mine-of-a", "theirs-of-b"

METHODS = ("get", "post", "put", "patch", "delete")

PUBLIC = {"/healthz", "/readyz", "/v1/sessions", "/v1/enrolments"}

NAMELESS = {
    "/v1/policies", "/v1/policies/drafts", "/v1/evidence", "/v1/api-keys", "/v1/prices",
    "/v1/commissions", "/v1/regions", "/v1/levels/proposals", "/v1/commissions/due",
}  # fmt: skip
"""Lists whose rows hold no ids that a shop chose."""


class Two(NamedTuple):
    """A program, another one, and where its things would be found."""

    mine: Shop
    theirs: Shop
    places: dict[str, str]


@pytest.fixture
def two(
    service: Service, database: Database, name: str, admin: psycopg.Connection
) -> Iterator[Two]:
    with (
        filled(database, service.url, f"{MINE}-{name}", MINE) as mine,
        filled(database, service.url, f"{THEIRS}-{name}", THEIRS) as theirs,
    ):
        add_policy_version(admin, theirs.name)
        key, _ = theirs.key("read")
        yield Two(mine, theirs, places(theirs, THEIRS, key, add_drafts(theirs)))


def operations(shop: Shop) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every path and method of the document."""
    for path, item in shop.get("/openapi.json")["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def filled_in(path: str, id_: str) -> str:
    begin, end = path.index("{"), path.index("}")
    return path[:begin] + id_ + path[end + 1 :]


def test_what_another_program_has_is_not_there(two: Two) -> None:
    walked = set()
    for path, method, _ in operations(two.mine):
        if "{" not in path:
            continue
        address = filled_in(path, two.places[path])
        body = BODIES.get(path) if method in ("put", "post") else None
        answer = two.mine.client.request(method.upper(), address, json=body)
        problem = check_problem(answer, 404, "not_found")
        own = two.theirs.client.request(method.upper(), address, json=body)
        assert own.status_code in (200, 204), f"{method} {address}: {own.text}"
        id_ = two.places[path]
        other = filled_in(path, f"{id_}0000" if id_.isdigit() else f"{id_[:-1]}0")
        missing = two.mine.client.request(method.upper(), other, json=body)
        assert missing.json().keys() == problem.keys(), "nobody learns what others have"
        walked.add(path)
    assert walked == two.places.keys()


def test_no_list_shows_anything_of_another_program(two: Two) -> None:
    lists = 0
    for path, method, operation in operations(two.mine):
        if "{" in path or method != "get" or path in PUBLIC:
            continue
        query: dict[str, str] = {}
        if any(parameter["name"] == "member" for parameter in operation.get("parameters", [])):
            query["member"] = f"{MINE}-buyer"
            hidden = two.mine.client.get(path, params={"member": f"{THEIRS}-buyer"})
            assert hidden.json().get("data", []) == []
        shown = two.mine.client.get(path, params=query)
        assert shown.status_code == 200, shown.text
        assert THEIRS not in shown.text, path
        if path not in NAMELESS:
            assert MINE in shown.text, path
        lists += 1
    assert lists >= 13


def test_no_list_goes_on_into_another_program(two: Two) -> None:
    for path in ("/v1/members", "/v1/merchants", "/v1/orders", "/v1/commissions"):
        following = two.theirs.get(path, limit=1)["next"]
        shown = two.mine.client.get(path, params={"after": following or "0"})
        assert THEIRS not in shown.text


def test_commands_find_nothing_of_another_program(two: Two) -> None:
    mine, before = two.mine, two.theirs.get(f"/v1/members/{THEIRS}-buyer")
    refund = mine.post("/v1/refunds", {"order": f"{THEIRS}-order"})
    check_problem(refund, 404, "unknown_order")
    cashed = mine.post("/v1/cash-outs", {"member": f"{THEIRS}-buyer", "points": "all"})
    check_problem(cashed, 409, "insufficient_points")
    wish = {"member": f"{THEIRS}-buyer", "merchant": f"{THEIRS}-merchant", "points": "1"}
    check_problem(mine.post("/v1/redemptions", wish), 409, "insufficient_points")
    assert two.theirs.get(f"/v1/members/{THEIRS}-buyer") == before


def test_two_programs_may_use_the_same_ids(two: Two) -> None:
    for shop, amount in ((two.mine, "1.00"), (two.theirs, "2.00")):
        answer = shop.post("/v1/orders", order("same", "somebody", amount))
        assert answer.status_code == 201
    assert two.mine.get("/v1/orders/same")["event"]["amount"] == "1.00"
    assert two.theirs.get("/v1/orders/same")["event"]["amount"] == "2.00"


def test_what_a_program_cannot_see_is_the_same_without_a_key(two: Two) -> None:
    for path, method, _ in operations(two.mine):
        if path in PUBLIC:
            continue
        address = filled_in(path, two.places[path]) if "{" in path else path
        headers = {"Authorization": ""}
        answer = two.theirs.client.request(method.upper(), address, headers=headers)
        check_problem(answer, 401, "unauthorized")


MANY = 105
"""Programs: more than a database takes connections."""


def test_many_programs_are_served_one_after_the_other(
    own_service: Service, own_database: Database, name: str
) -> None:
    with own_database.pooled():
        for number in range(MANY):
            with opened(own_database, own_service.url, f"{name}-{number}") as shop:
                shop.orders([order("o1")])
