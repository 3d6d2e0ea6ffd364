"""Addresses: what is cached, who may see whose, and what does not come from our pages."""

import httpx2

from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.storage.database import Database
from tests.pages.visiting import Visits
from tests.web.serving import Service

SAFE = {"Sec-Fetch-Site": "same-origin"}


def test_files_are_small_and_kept_for_a_year(http: httpx2.Client) -> None:
    page = http.get("/p/demo", headers={"Accept-Encoding": "gzip"})
    [style] = [part for part in page.text.split('"') if part.endswith(".css")]
    file = http.get(style, headers={"Accept-Encoding": "gzip, br"})
    assert file.headers["content-encoding"] == "br"
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["content-type"] == "text/css; charset=utf-8"
    for name in ("manifest.json", "..%2fmanifest.json", "nothing.css"):
        assert http.get(f"/static/{name}").status_code == 404


def test_the_reserve_page_is_for_everybody_and_cached(http: httpx2.Client) -> None:
    page = http.get("/p/demo", headers={"Accept-Language": "en"})
    assert "public" in page.headers["cache-control"]
    assert "set-cookie" not in page.headers
    known = {"If-None-Match": page.headers["etag"], "Accept-Language": "en"}
    assert "Paid for them then, after the fee" in page.text
    assert "¥ 96.00" in page.text  # 120 % of 100.00, less 20 %
    again = http.get("/p/demo", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    other = http.get("/p/demo", headers={**known, "Accept-Language": "zh"})
    assert (other.status_code, "储备" in other.text) == (200, True)


def test_what_a_member_sees_is_kept_by_nobody(visits: Visits, site: Service) -> None:
    with visits.window("member") as page:
        response = page.goto("/m/demo")
        assert response is not None
        assert response.headers["cache-control"] == "private, no-store"


def test_a_member_sees_nothing_of_others(visits: Visits, books: Database) -> None:
    create_program(books, "other", read_preset("advert-b"))
    with visits.window("member") as page:
        for address in ("/m/demo/lots/1", "/m/demo/cash-outs/demo-cash-out-0"):
            response = page.goto(address)
            assert response is not None
            assert response.status == 404, address
        response = page.goto("/m/other")
        assert response is not None
        assert response.url.endswith("/m/other/login")
        assert page.request.get("/m/other/live").status == 204


def test_staff_see_nothing_of_other_programs(visits: Visits) -> None:
    with visits.window("staff", size="desk") as page:
        for rest in ("", "/members", "/members/c00177", "/orders", "/prices", "/audit", "/log"):
            assert page.request.get(f"/console/other{rest}").status == 404, rest
            assert page.request.get(f"/console/demo{rest}").status == 200, rest


def test_what_changes_something_comes_from_our_pages(visits: Visits) -> None:
    with visits.window("member") as page:
        page.goto("/m/demo/cash-out?points=0.01")
        form: dict[str, str | float | bool] = {
            name: page.get_attribute(f"main form[method=post] [name={name}]", "value") or ""
            for name in ("csrf", "id", "points", "min_net")
        }
        foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
        post = page.request.post
        for data, headers in ((form, foreign), ({**form, "csrf": "x" * 32}, SAFE)):
            answer = post("/m/demo/cash-out", form=data, headers=headers, max_redirects=0)
            assert answer.status == 403
        better = {**form, "min_net": "999.000000"}
        answer = post("/m/demo/cash-out", form=better, headers=SAFE, max_redirects=0)
        assert answer.status == 409
        for _ in range(2):  # a second tap is harmless
            answer = post("/m/demo/cash-out", form=form, headers=SAFE, max_redirects=0)
            assert (answer.status, answer.headers["location"]) == (
                303,
                f"/m/demo/cash-outs/{form['id']}",
            )


def test_the_api_is_where_it_was(http: httpx2.Client) -> None:
    assert http.get("/v1/nothing").headers["content-type"] == "application/problem+json"
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.post("/p/demo").status_code == 404
