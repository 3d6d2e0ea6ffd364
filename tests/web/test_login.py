"""Logging in over HTTP: the cookie, the csrf, which program is meant, and how often."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pyotp
import pytest

from springtide.services import staff
from springtide.services.acts import list_acts
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.sessions import MEMBER, STAFF, open_session
from springtide.storage.database import Database
from tests.people import PASSWORD, Person, hired, secret_of
from tests.web.serving import Shop, check_problem, client_of, order, serving


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def person(shop: Shop) -> Person:
    return hired(shop.database, shop.name, f"{shop.name}.ana", now(), "owner")


@pytest.fixture
def browser(shop: Shop) -> Iterator[httpx2.Client]:
    """A client without a key, which keeps cookies."""
    with client_of(shop.url) as client:
        yield client


def attempt(client: httpx2.Client, person: Person, **other: str) -> httpx2.Response:
    wish = {"name": person.name, "password": PASSWORD, "totp": person.code(now())} | other
    believed = {"X-Forwarded-For": "192.0.2.8"}  # by a server that knows of a proxy only
    return client.post("/v1/sessions", json=wish, headers=believed)


def test_a_session_may_what_the_roles_say(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    opened = attempt(browser, person)
    assert opened.status_code == 201, opened.text
    assert opened.headers["cache-control"] == "no-store"
    cookie = opened.headers["set-cookie"]
    assert cookie.startswith("springtide=ss_")
    assert cookie.endswith("; HttpOnly; Path=/; SameSite=lax")
    me = opened.json()
    assert me["actor"] == f"staff:{person.name}"
    assert me == browser.get("/v1/me").json()
    assert me["programs"][0]["roles"] == ["owner"]
    assert browser.cookies["springtide"] not in opened.text, "scripts need not know it"
    [act] = shop.get("/v1/acts", actor=f"staff:{person.name}")["data"]
    assert (act["what"], act["after"]["from"]) == ("session.open", "127.0.0.1")

    assert browser.get("/v1/programs").json()["data"][0]["name"] == shop.name
    check_problem(browser.post("/v1/orders", json=order("o1")), 403, "cross_site")
    own = {"Springtide-CSRF": me["csrf"], "Origin": shop.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/v1/orders", json=order("o1"), headers=own).status_code == 201
    for strange in (
        {**own, "Origin": "https://evil.example"},
        {**own, "Sec-Fetch-Site": "cross-site"},
        {**own, "Springtide-CSRF": "0" * 32},
    ):
        sent = browser.post("/v1/orders", json=order("o2"), headers=strange)
        check_problem(sent, 403, "cross_site")
    check_problem(shop.client.get("/v1/orders/o2"), 404, "not_found")

    token = browser.cookies["springtide"]
    check_problem(browser.delete("/v1/sessions/current"), 403, "cross_site")
    left = browser.delete("/v1/sessions/current", headers=own)
    assert left.status_code == 204, left.text
    assert "springtide" not in browser.cookies
    for cookies in ({}, {"Cookie": f"springtide={token}"}):
        check_problem(browser.get("/v1/me", headers=cookies), 401, "unauthorized")


def test_a_log_in_from_another_site_is_refused(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    wish = {"name": person.name, "password": PASSWORD, "totp": person.code(now())}
    strange = {"Origin": "https://evil.example"}
    check_problem(browser.post("/v1/sessions", json=wish, headers=strange), 403, "cross_site")
    assert browser.post("/v1/sessions", json=wish).status_code == 201, "the code is not used"


def test_a_new_log_in_ends_the_session_before(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    assert attempt(browser, person).status_code == 201
    before = browser.cookies["springtide"]
    again = attempt(browser, person, totp=person.recovery_codes[0])
    assert again.status_code == 201
    assert browser.cookies["springtide"] != before
    with client_of(shop.url) as thief:
        old = {"Cookie": f"springtide={before}"}
        check_problem(thief.get("/v1/me", headers=old), 401, "unauthorized")


def test_every_wrong_log_in_is_answered_alike(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    answers = [
        attempt(browser, person, password="not the password"),
        attempt(browser, person, totp=person.wrong_code(now())),
        attempt(browser, person, name=f"{person.name}.x"),
        attempt(browser, person, name="\u0000"),
        attempt(browser, person, name="Ana Maria", totp="x"),
    ]
    texts = set()
    for answer in answers:
        check_problem(answer, 401, "unauthorized")
        assert "set-cookie" not in answer.headers
        texts.add(answer.text)
    assert len(texts) == 1


def test_too_many_log_ins_have_to_wait(dsn: str, tmp_path: Path) -> None:
    settings = {"SPRINGTIDE_DATABASE": dsn}
    with serving(tmp_path, settings) as service, client_of(service.url) as client:
        wish = {"name": "nobody.here", "password": "x", "totp": "1"}
        codes = [client.post("/v1/sessions", json=wish).status_code for _ in range(11)]
        assert codes == [401] * 10 + [429]
        other = {**wish, "name": "nobody.else"}
        assert client.post("/v1/sessions", json=other).status_code == 401


def test_a_public_address_makes_the_cookie_safer(
    dsn: str, database: Database, name: str, tmp_path: Path
) -> None:
    create_program(database, name, read_preset("advert-b"))
    person = hired(database, name, f"{name}.ana", now(), "owner")
    address = "https://points.example"
    settings = {"SPRINGTIDE_DATABASE": dsn}
    with (
        serving(tmp_path, settings, "--public-url", address) as service,
        client_of(service.url) as browser,
    ):
        wish = {"name": person.name, "password": PASSWORD, "totp": person.code(now())}
        own = {"Origin": address, "X-Forwarded-For": "made up, 192.0.2.7"}
        opened = browser.post("/v1/sessions", json=wish, headers=own)
        assert opened.status_code == 201, opened.text
        cookie = opened.headers["set-cookie"]
        assert cookie.startswith("__Host-springtide=ss_")
        assert cookie.endswith("; HttpOnly; Path=/; SameSite=lax; Secure")
        token = cookie.split(";")[0].split("=")[1]
        safe, unsafe = (
            {"Cookie": f"{name}={token}"} for name in ("__Host-springtide", "springtide")
        )
        assert browser.get("/v1/me", headers=safe).status_code == 200
        check_problem(browser.get("/v1/me", headers=unsafe), 401, "unauthorized")
    [act] = list_acts(database, name, limit=1, actor=f"staff:{person.name}")
    assert act.after is not None
    assert act.after["from"] == "192.0.2.7", "as the proxy says, not the browser"


def signed_in(shop: Shop, subject: str, program: str | None) -> dict[str, str]:
    """Headers of somebody whose log-in is not what is tested."""
    life = STAFF if program is None else MEMBER
    token, session = open_session(
        shop.database, subject, program, life, now(), secrets.token_hex
    )
    return {"Cookie": f"springtide={token}", "Springtide-CSRF": session.csrf}


def test_members_are_no_staff(shop: Shop, browser: httpx2.Client) -> None:
    headers = signed_in(shop, "member:m1", shop.name)
    for path in ("/v1/me", "/v1/programs", "/v1/staff"):
        check_problem(browser.get(path, headers=headers), 401, "unauthorized")
    nobody = signed_in(shop, f"staff:{shop.name}.nobody", None)
    check_problem(browser.get("/v1/me", headers=nobody), 401, "unauthorized")


def test_staff_of_several_programs_say_which_they_mean(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    other, foreign = f"{shop.name}-二店", f"{shop.name}-foreign"
    for name in (other, foreign):
        create_program(shop.database, name, read_preset("advert-b"))
    staff.grant_role(shop.database, other, person.name, "auditor", "cli", now())
    headers = signed_in(shop, f"staff:{person.name}", None)

    def seen(program: str) -> httpx2.Response:
        chosen = {"Springtide-Program": quote(program)} if program else {}
        return browser.get("/v1/programs", headers=headers | chosen)

    problem = check_problem(seen(""), 422, "invalid_parameter")
    assert shop.name in problem["detail"]
    for program in (shop.name, other):
        assert seen(program).json()["data"][0]["name"] == program
    hidden = check_problem(seen(foreign), 404, "not_found")
    missing = check_problem(seen(f"{shop.name}-missing"), 404, "not_found")
    assert hidden["detail"].replace("foreign", "missing") == missing["detail"]
    auditor = headers | {"Springtide-Program": quote(other)}
    assert browser.get("/v1/acts", headers=auditor).status_code == 200
    check_problem(browser.post("/v1/orders", headers=auditor), 403, "forbidden")
    rights: list[dict[str, Any]] = browser.get("/v1/me", headers=headers).json()["programs"]
    assert {row["program"]: row["roles"] for row in rights} == {
        shop.name: ["owner"],
        other: ["auditor"],
    }


def test_a_role_that_was_taken_is_gone_with_the_next_request(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    hired(shop.database, shop.name, f"{shop.name}.other", now(), "owner")
    headers = signed_in(shop, f"staff:{person.name}", None)
    assert browser.get("/v1/staff", headers=headers).status_code == 200
    assert shop.client.delete(f"/v1/staff/{person.name}").status_code == 204
    check_problem(browser.get("/v1/staff", headers=headers), 401, "unauthorized")


def test_staff_are_invited_set_a_password_and_change_it(
    shop: Shop, person: Person, browser: httpx2.Client
) -> None:
    name = f"{shop.name}.ben"
    owner = signed_in(shop, f"staff:{person.name}", None)
    wish = {"name": name, "roles": ["reviewer", "auditor"]}
    invited = browser.post("/v1/staff", json=wish, headers=owner)
    assert invited.status_code == 201, invited.text
    assert invited.json()["roles"] == ["auditor", "reviewer"]
    invitation = invited.json()["invitation"]
    assert invitation not in browser.get("/v1/staff", headers=owner).text
    check_problem(browser.post("/v1/staff", json=wish, headers=owner), 422, "invalid_parameter")
    browser.cookies.clear()

    def enrol(password: str) -> httpx2.Response:
        wish = {"invitation": invitation, "password": password}
        return browser.post("/v1/enrolments", json=wish)

    check_problem(enrol("short"), 422, "invalid_parameter")
    enrolled = enrol(PASSWORD).json()
    check_problem(enrol(PASSWORD), 404, "not_found")
    totp = pyotp.TOTP(secret_of(enrolled["totp_uri"]))
    ben = Person(name, totp, enrolled["recovery_codes"])
    opened = attempt(browser, ben)
    assert opened.status_code == 201, opened.text
    assert opened.json()["programs"][0]["permissions"] == [
        "audit", "policy.approve", "read", "review",
    ]  # fmt: skip

    before = browser.cookies["springtide"]
    change = {"password": PASSWORD, "new": "another harbour at night"}
    own = {"Springtide-CSRF": opened.json()["csrf"]}
    wrong = browser.post("/v1/me/password", json={**change, "totp": "1"}, headers=own)
    check_problem(wrong, 403, "forbidden")
    right = {**change, "totp": ben.recovery_codes[0]}
    changed = browser.post("/v1/me/password", json=right, headers=own)
    assert changed.status_code == 200, changed.text
    assert browser.cookies["springtide"] != before
    assert browser.get("/v1/me").json() == changed.json()
    again = attempt(browser, ben, totp=totp.at(now() + timedelta(seconds=30)))
    check_problem(again, 401, "unauthorized")


def test_nobody_gives_a_role_that_may_more(shop: Shop, person: Person) -> None:
    _, keeper = shop.key("read", "staff", "audit")
    with client_of(shop.url, keeper) as client:
        for roles in (["operator"], ["auditor", "owner"]):
            wish = {"name": f"{shop.name}.x", "roles": roles}
            check_problem(client.post("/v1/staff", json=wish), 403, "forbidden")
        wish = {"name": f"{shop.name}.x", "roles": ["auditor"]}
        assert client.post("/v1/staff", json=wish).status_code == 201
        raised = client.put(f"/v1/staff/{shop.name}.x", json={"roles": ["owner"]})
        check_problem(raised, 403, "forbidden")
        lowered = client.put(f"/v1/staff/{person.name}", json={"roles": ["auditor"]})
        check_problem(lowered, 403, "forbidden")
        check_problem(client.delete(f"/v1/staff/{person.name}"), 403, "forbidden")
        for roles in (["king"], []):
            unknown = client.put(f"/v1/staff/{shop.name}.x", json={"roles": roles})
            check_problem(unknown, 422, "invalid_parameter")
    check_problem(shop.client.delete(f"/v1/staff/{person.name}"), 409, "last_owner")
    assert shop.get(f"/v1/staff/{person.name}")["roles"] == ["owner"]


def test_a_key_has_no_session_and_says_what_it_may(shop: Shop) -> None:
    id_, secret = shop.key("read", "orders")
    with client_of(shop.url, secret) as client:
        me = client.get("/v1/me").json()
        assert (me["actor"], me["csrf"]) == (f"key:{id_}", None)
        assert me["programs"] == [
            {"program": shop.name, "roles": [], "permissions": ["orders", "read"]}
        ]
        check_problem(client.delete("/v1/sessions/current"), 404, "not_found")
        wish = {"password": "x", "totp": "1", "new": "y"}
        check_problem(client.post("/v1/me/password", json=wish), 404, "not_found")
