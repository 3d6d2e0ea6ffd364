"""Backtests of drafts over HTTP: both outcomes, one at a time, cut off when they take long."""

from threading import Event, Thread
from typing import Any

import pytest

import springtide.web.backtests as web
from springtide.services.policies import create_draft
from springtide.services.presets import read_preset
from springtide.storage.database import Database
from springtide.web.depends import clock
from springtide.web.problems import Problem
from tests.web.serving import Service, Shop, check_problem, order

DEARER = read_preset("advert-b").replace('fee = "0.20"', 'fee = "0.50"')


@pytest.fixture
def number(shop: Shop) -> int:
    shop.orders([order(f"o{number}", f"m{number}", "1000.00") for number in range(3)])
    assert shop.post("/v1/cash-outs", {"member": "m1", "points": "10"}).status_code == 201
    return create_draft(shop.database, shop.name, DEARER, "cli:ana", clock()).number


def test_a_draft_is_told_beside_what_was(shop: Shop, number: int) -> None:
    before = shop.get(f"/v1/programs/{shop.name}")
    found: dict[str, Any] = shop.get(f"/v1/policies/drafts/{number}/backtest")
    assert (found["program"], found["events"]) == (shop.name, 4)
    [change] = [one for one in found["changes"] if one["parameter"] == "cash_out.fee"]
    assert (change["old"], change["new"]) != ("", "")
    was, would_be = found["was"], found["would_be"]
    assert was["reserve"] == before["reserve"]
    assert float(would_be["cashed_out"]) == pytest.approx(float(was["cashed_out"]) * 5 / 8)
    assert shop.get(f"/v1/programs/{shop.name}") == before, "nothing is posted"
    check_problem(shop.client.get("/v1/policies/drafts/99/backtest"), 404, "not_found")


def test_a_second_one_at_the_same_time_is_asked_to_wait(
    database: Database, shop: Shop, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, where the first can be held up by what it is told of its progress."""
    begun, go_on = Event(), Event()
    monkeypatch.setattr("springtide.services.backtest.STEP", 1)

    def wait(_: str) -> Any:
        def held(done: int, of: int) -> None:
            begun.set()
            assert go_on.wait(30), (done, of)

        return held

    key = type("Key", (), {"program": shop.name})()
    monkeypatch.setattr(web, "_within", wait)
    first = Thread(target=web.backtest_draft, args=(key, database, number))
    first.start()
    assert begun.wait(30)
    with pytest.raises(Problem, match="another backtest is running"):
        web.backtest_draft(key, database, number)
    go_on.set()
    first.join()
    assert web.backtest_draft(key, database, number).events == 4


def test_one_that_takes_too_long_is_cut_off(
    service: Service, shop: Shop, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("springtide.services.backtest.STEP", 1)
    monkeypatch.setattr(web, "LONGEST_S", -1)
    key = type("Key", (), {"program": shop.name})()
    with pytest.raises(Problem, match=r"of 4 entries in -1 seconds; run `springtide policy"):
        web.backtest_draft(key, shop.database, number)
    monkeypatch.undo()
    assert web.backtest_draft(key, shop.database, number).events == 4
