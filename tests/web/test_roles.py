"""Every role on every route of the document: what its table forbids is refused, what belongs
to another program is not there, and no route forgets to say what it takes.
"""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import httpx2
import psycopg
import pytest

from springtide.services.permissions import PERMISSIONS, ROLES
from springtide.services.sessions import STAFF, open_session
from springtide.storage.database import Database
from tests.people import hired
from tests.web.filled import BODIES, add_drafts, add_policy_version, filled, places
from tests.web.serving import Service, Shop, check_problem, client_of
from tests.web.test_keys import ANYBODYS, scope_of
from tests.web.test_tenants import PUBLIC, filled_in, operations

MINE, THEIRS = "mine-of-a", "theirs-of-b"


class Route(NamedTuple):
    method: str
    path: str
    permission: str
    takes_body: bool


class Town(NamedTuple):
    """Two programs, what is in each, and the routes of the service."""

    mine: Shop
    theirs: Shop
    own_places: dict[str, str]
    their_places: dict[str, str]
    routes: list[Route]


@pytest.fixture
def town(
    service: Service, database: Database, name: str, admin: psycopg.Connection
) -> Iterator[Town]:
    with (
        filled(database, service.url, f"{MINE}-{name}", MINE) as mine,
        filled(database, service.url, f"{THEIRS}-{name}", THEIRS) as theirs,
    ):
        add_policy_version(admin, theirs.name)
        own_places = places(mine, MINE, mine.key("read")[0], add_drafts(mine))
        own_places["/v1/policies/{version}"] = "1"
        routes = [
            Route(method, path, operation.get("x-permission", ""), "requestBody" in operation)
            for path, method, operation in operations(mine)
        ]
        yield Town(
            mine,
            theirs,
            own_places,
            places(theirs, THEIRS, theirs.key("read")[0], add_drafts(theirs, 4), 4),
            routes,
        )


def test_every_route_says_what_it_takes(town: Town) -> None:
    for route in town.routes:
        if route.path in PUBLIC:
            assert not route.permission, route
        elif route.path in ANYBODYS:
            assert route.permission == "any", route
        else:
            assert route.permission in PERMISSIONS, route
            assert route.permission == scope_of(route.path, route.method), route


def cookie_of(shop: Shop, role: str) -> dict[str, str]:
    """Headers of somebody with one role in one program, who just logged in."""
    now = datetime.now(UTC)
    name = f"{shop.name}.{role}"
    hired(shop.database, shop.name, name, now, role)
    token, session = open_session(
        shop.database, f"staff:{name}", None, STAFF, now, secrets.token_hex
    )
    return {"Cookie": f"springtide={token}", "Springtide-CSRF": session.csrf}


def send(
    client: httpx2.Client, route: Route, things: dict[str, str], headers: dict[str, str]
) -> httpx2.Response:
    """A request about something that is there; what takes a body gets none of use."""
    address = filled_in(route.path, things[route.path]) if "{" in route.path else route.path
    body = BODIES.get(route.path, {}) if route.takes_body else None
    return client.request(route.method.upper(), address, headers=headers, json=body)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_its_table_says_and_nothing_else(town: Town, role: str) -> None:
    headers = cookie_of(town.mine, role)
    foreign = headers | {"Springtide-Program": town.theirs.name}
    tried = {True: 0, False: 0}
    with client_of(town.mine.url) as client:
        for route in town.routes:
            if route.permission in ("", "any"):
                continue
            allowed = route.permission in ROLES[role]
            tried[allowed] += 1
            if not allowed:
                refused = send(client, route, town.own_places, headers)
                problem = check_problem(refused, 403, "forbidden")
                assert repr(route.permission) in problem["detail"]
                assert MINE not in refused.text
            elif route.method == "get":
                answer = send(client, route, town.own_places, headers)
                asked = "member" in answer.text and answer.status_code == 422
                assert answer.status_code == 200 or asked, f"{route}: {answer.text}"
                assert THEIRS not in answer.text
            elif "{" not in route.path:
                answer = send(client, route, town.own_places, headers)
                assert answer.status_code in (200, 400, 422), f"{route}: {answer.text}"
            if "{" in route.path:
                hidden = send(client, route, town.their_places, headers)
                code = ("not_found", 404) if allowed else ("forbidden", 403)
                check_problem(hidden, code[1], code[0])
            there = send(client, route, town.their_places, foreign)
            problem = check_problem(there, 404, "not_found")
            assert problem["detail"] == f"no program of yours is named {town.theirs.name!r}"
    assert tried[True] >= 20
    assert bool(tried[False]) == (role != "owner")


def test_nothing_changes_without_the_csrf(town: Town) -> None:
    cookie = {"Cookie": cookie_of(town.mine, "owner")["Cookie"]}
    tried = 0
    with client_of(town.mine.url) as client:
        for route in town.routes:
            if route.method == "get" or route.path in PUBLIC:
                continue
            check_problem(send(client, route, town.own_places, cookie), 403, "cross_site")
            tried += 1
    assert tried >= 12


def test_reading_changes_nothing(town: Town, admin: psycopg.Connection) -> None:
    headers = cookie_of(town.mine, "owner")

    def written() -> list[tuple[str, int]]:
        admin.execute("SELECT pg_stat_clear_snapshot()")
        return [
            (table, count)
            for table in ("act", "api_key", "staff", "staff_role", "entry", "policy")
            for (count,) in admin.execute(f"SELECT count(*) FROM {table}")
        ]

    before = written()
    with client_of(town.mine.url) as client:
        for route in town.routes:
            if route.method == "get":
                send(client, route, town.own_places, headers)
    assert written() == before
