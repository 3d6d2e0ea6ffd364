"""The cookie of a session, and which requests are taken for our own pages'."""

from datetime import UTC, datetime

import pytest
from starlette.requests import Request
from starlette.responses import Response

from springtide.services.sessions import Session
from springtide.web.problems import Problem
from springtide.web.sessions import Cookies

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TOKEN = "ss_" + "0123456789abcdef" * 4
CSRF = "c" * 32
SESSION = Session(0, None, "ses_1", "staff:ana", CSRF, NOW, NOW, 1800, NOW)

PLAIN, SECURE = Cookies(), Cookies("https://points.example")


def call(host: str = "127.0.0.1:8000", **headers: str) -> Request:
    given = {"host": host} | {name.replace("_", "-"): text for name, text in headers.items()}
    return Request(
        {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "server": ("127.0.0.1", 8000),
            "path": "/",
            "query_string": b"",
            "headers": [(name.encode(), text.encode()) for name, text in given.items()],
        }
    )


def test_a_cookie_is_for_this_host_and_not_for_scripts() -> None:
    response = Response()
    SECURE.give(response, TOKEN)
    assert response.headers["set-cookie"] == (
        f"__Host-springtide={TOKEN}; HttpOnly; Path=/; SameSite=lax; Secure"
    )
    response = Response()
    PLAIN.give(response, TOKEN, keep_s=60)
    assert response.headers["set-cookie"] == (
        f"springtide={TOKEN}; HttpOnly; Max-Age=60; Path=/; SameSite=lax"
    )


def test_a_cookie_is_read_back_and_taken_back() -> None:
    assert PLAIN.token(call(cookie=f"a=b; springtide={TOKEN}")) == TOKEN
    assert SECURE.token(call(cookie=f"__Host-springtide={TOKEN}")) == TOKEN
    assert SECURE.token(call(cookie=f"springtide={TOKEN}")) == "", "another host may set it"
    for strange in ("", "ss", "st_live_1", "ss_" + "x" * 300):
        assert PLAIN.token(call(cookie=f"springtide={strange}")) == ""
    response = Response()
    SECURE.take_back(response)
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert "__Host-springtide=" in response.headers["set-cookie"]


OWN = [
    {},
    {"origin": "http://127.0.0.1:8000"},
    {"sec_fetch_site": "same-origin", "origin": "http://127.0.0.1:8000"},
    {"sec_fetch_site": "none"},
]
STRANGE = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "https://127.0.0.1:8000"},
    {"origin": "http://127.0.0.1:8001"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1:8000"},
    {"sec_fetch_site": "same-origin", "origin": "http://evil.example"},
]


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_our_own_pages_may_change_things(headers: dict[str, str]) -> None:
    PLAIN.check_own_page(call(springtide_csrf=CSRF, **headers), SESSION)
    PLAIN.check_own_page(call(**headers), SESSION, given=CSRF)


@pytest.mark.parametrize("headers", STRANGE, ids=str)
def test_pages_of_other_sites_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Problem, match="another site"):
        PLAIN.check_own_page(call(springtide_csrf=CSRF, **headers), SESSION)


@pytest.mark.parametrize("csrf", ["", CSRF[:-1], CSRF + "c", CSRF.upper(), "ç" * 32])
def test_nobody_may_without_the_session_s_csrf(csrf: str) -> None:
    with pytest.raises(Problem, match="csrf"):
        PLAIN.check_own_page(call(), SESSION, given=csrf)
    with pytest.raises(Problem, match="csrf"):
        PLAIN.check_own_page(call(springtide_csrf=csrf), SESSION)


def test_a_site_behind_a_proxy_goes_by_its_public_address() -> None:
    SECURE.check_origin(call(origin="https://points.example"))
    for origin in ("http://points.example", "http://127.0.0.1:8000", "https://evil.example"):
        with pytest.raises(Problem, match="another site"):
            SECURE.check_origin(call(origin=origin))
