"""Controls over HTTP: problems that say when to try again; freezing, switches, alarms."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from springtide.services.presets import read_preset
from springtide.storage.database import Database
from tests.services.histories import assert_sound
from tests.web.serving import Service, Shop, bearer, check_problem, opened, order

LIMITED = read_preset("local-life") + '[controls]\nhold_days = 7\ndaily_outflow = "0.01"\n'


@pytest.fixture
def limited(service: Service, database: Database, name: str) -> Iterator[Shop]:
    with opened(database, service.url, name, LIMITED) as shop:
        yield shop


def test_a_problem_says_which_control_and_when_to_try_again(limited: Shop) -> None:
    limited.orders([order("o1", "m1", "1000.00")])
    assert limited.post("/v1/orders", order("o1", "m1", "1000.00")).status_code == 200
    at = datetime.fromisoformat(limited.get("/v1/orders/o1")["event"]["at"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60, "the clock of the service"
    wish = {"id": "x1", "member": "m1", "points": "all"}
    problem = check_problem(limited.post("/v1/cash-outs", wish), 409, "control_hold")
    again = datetime.fromisoformat(problem["retry_at"])
    assert (again - at).total_seconds() == 7 * 86_400
    assert problem["receipt"]["retry_at"] == problem["retry_at"]
    assert "m1 can cash 0.000000000 points now" in problem["detail"]
    quote = limited.client.get("/v1/cash-outs/quote", params={"member": "m1"})
    assert check_problem(quote, 409, "control_hold")["retry_at"] == problem["retry_at"]
    ahead = {**order("o2"), "at": "2999-01-01"}
    assert "later than now" in check_problem(
        limited.post("/v1/orders", ahead), 422, "invalid_event"
    )["detail"]  # fmt: skip


def test_an_alarm_is_listed_and_acknowledged(limited: Shop) -> None:
    limited.orders([{**order("o1", "m1", "1000.00"), "at": "2026-01-01"}])
    check_problem(
        limited.post("/v1/cash-outs", {"member": "m1", "points": "all"}), 409,
        "control_daily_outflow",
    )  # fmt: skip
    [alarm] = limited.get("/v1/alarms")["data"]
    assert (alarm["kind"], alarm["acknowledged_by"]) == ("daily_outflow", None)
    assert "would pass 0.010000 a day" in alarm["detail"]
    key, secret = limited.key("controls")
    for _ in range(2):
        seen = limited.client.post(
            f"/v1/alarms/{alarm['id']}/acknowledge", headers=bearer(secret)
        )
        assert seen.json()["acknowledged_by"] == f"key:{key}"
    assert limited.get("/v1/alarms", after=alarm["id"])["data"] == []
    assert_sound(limited.database, limited.name)


def test_a_member_is_frozen_and_let_go(shop: Shop) -> None:
    shop.orders([order("o1", "a/b")])
    frozen = shop.post("/v1/members/a/b/freeze", {"reason": "a drill"})
    assert frozen.status_code == 200, frozen.text
    assert frozen.json()["frozen"]
    assert shop.get("/v1/freezes")["data"] == [frozen.json()]
    check_problem(shop.post("/v1/orders", order("o2", "a/b")), 409, "control_member_frozen")
    assert shop.post("/v1/orders", order("o3", "m2")).status_code == 201
    gone = shop.post("/v1/members/a/b/unfreeze", {"reason": "the drill is over"})
    assert not gone.json()["frozen"]
    assert shop.post("/v1/orders", order("o2", "a/b")).status_code == 201
    check_problem(shop.post("/v1/members/m9/freeze", {"reason": "x"}), 404, "not_found")
    blank = shop.post("/v1/members/a/b/freeze", {"reason": " "})
    check_problem(blank, 422, "invalid_parameter")


def test_switches_stop_what_they_say(shop: Shop) -> None:
    shop.orders([order("o1")])
    burn = {"member": "m1", "points": "1"}
    for name, path, event, code in (
        ("purchases", "/v1/orders", order("o2"), "control_purchases_off"),
        (
            "cash-outs",
            "/v1/cash-outs",
            burn,
            "control_cash_outs_off",
        ),
    ):
        off = shop.post("/v1/switches", {"name": name, "off": True, "reason": "a drill"})
        assert (off.status_code, off.json()["off"]) == (200, True)
        check_problem(shop.post(path, event), 409, code)
        shop.post("/v1/switches", {"name": name, "off": False, "reason": "over"})
        assert shop.post(path, event).status_code == 201
    stands = {row["name"]: row["off"] for row in shop.get("/v1/switches")["data"]}
    assert stands == dict.fromkeys(
        ("purchases", "settlement", "cash-outs", "commissions"), False
    )
    unknown = shop.post("/v1/switches", {"name": "refunds", "off": True, "reason": "x"})
    check_problem(unknown, 422, "invalid_parameter")


def test_only_the_service_says_that_commissions_are_off(shop: Shop) -> None:
    mine = {**order("o1"), "commissions": "off"}
    problem = check_problem(shop.post("/v1/orders", mine), 422, "invalid_event")
    assert problem["detail"] == "commissions is what the service says; leave it out"
    shop.post("/v1/switches", {"name": "commissions", "off": True, "reason": "a drill"})
    posted = shop.post("/v1/orders", order("o1"))
    assert posted.status_code == 201
    assert shop.get("/v1/orders/o1")["event"]["commissions"] == "off"
    shop.post("/v1/switches", {"name": "commissions", "off": False, "reason": "over"})
    again = shop.post("/v1/orders", order("o1"))
    assert (again.status_code, again.json()) == (200, posted.json())
