"""Over HTTP: cash-outs that wait for the day's batch, and codes that tills hand in."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

import pytest

from springtide.services import cash_outs
from springtide.storage.database import Database
from tests.services.histories import assert_sound
from tests.services.test_cash_outs import DAILY
from tests.web.serving import PATIENCE_S, Service, Shop, bearer, check_problem, opened, order


@pytest.fixture
def daily(service: Service, database: Database, name: str) -> Iterator[Shop]:
    """A shop with daily cash-outs where m1 and m2 bought something."""
    with opened(database, service.url, name, DAILY) as shop:
        shop.orders([order("o1", "m1", "1000.00"), order("o2", "m2", "1000.00")])
        yield shop


WISH = {"id": "x1", "member": "m1", "points": "10"}


def test_a_cash_out_waits_and_can_be_cancelled(daily: Shop) -> None:
    quote = daily.get("/v1/cash-outs/quote", member="m1", points="10")
    assert (quote["execution"], quote["is_estimate"]) == ("daily", True)
    assert datetime.fromisoformat(quote["pays_at"]) > datetime.now(UTC)
    asked = daily.post("/v1/cash-outs", WISH)
    assert asked.status_code == 202, asked.text
    assert (asked.json()["state"], asked.json()["points"]) == ("waiting", "10.000000000")
    address = asked.headers["location"]
    assert daily.get(address) == asked.json()
    again = daily.post("/v1/cash-outs", WISH)
    assert (again.status_code, again.json()) == (200, asked.json())
    assert again.headers["idempotent-replayed"] == "true"
    check_problem(daily.post("/v1/cash-outs", {**WISH, "points": "9"}), 409, "id_reused")
    one = {"member": "m1", "points": "1"}
    refused = daily.post("/v1/cash-outs/batch", {"requests": [one]})
    check_problem(refused, 409, "cash_out_daily")
    check_problem(daily.post("/v1/cash-outs", {**one, "points": "x"}), 422, "invalid_amount")
    _, reader = daily.key("read")
    forbidden = daily.client.delete(address, headers=bearer(reader))
    check_problem(forbidden, 403, "forbidden")
    for _ in range(2):
        gone = daily.client.delete(address)
        assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    rows = daily.get("/v1/cash-out-requests", state="waiting")["data"]
    assert rows == []


def test_the_server_pays_what_is_due(
    own_service: Service, own_database: Database, name: str
) -> None:
    with opened(own_database, own_service.url, name, DAILY) as shop:
        shop.orders([order("o1", "m1", "1000.00")])
        yesterday = datetime.now(UTC) - timedelta(days=1)
        cash_outs.ask(own_database, name, WISH, "key:k", yesterday)
        deadline = monotonic() + PATIENCE_S
        while (row := shop.get("/v1/cash-out-requests/x1"))["state"] == "waiting":
            assert monotonic() < deadline
            sleep(0.1)
        assert (row["state"], row["paid"]) == ("paid", "10.000000000")
        batch = shop.get(f"/v1/cash-outs/{row['batch']}")
        [paid] = batch["receipt"]["paid"]
        assert (paid["net"], paid["member"]) == (row["net"], "m1")
        check_problem(shop.client.delete("/v1/cash-out-requests/x1"), 409, "not_waiting")
        assert shop.get("/v1/wallets/m1")["balance"] == row["net"]
        assert_sound(own_database, name)


def test_the_command_pays_what_is_due_once(
    own_dsn: str, own_database: Database, name: str
) -> None:
    with opened(own_database, "http://localhost", name, DAILY):
        wish = {**WISH, "member": "nobody"}
        asked_at = datetime.now(UTC) - timedelta(days=1)
        cash_outs.ask(own_database, name, wish, "key:k", asked_at)

    def run(*options: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "springtide.cli", "cash-out", "run", name, *options],
            env={**os.environ, "SPRINGTIDE_DATABASE": own_dsn},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert run().endswith("0 members paid 0.000000, 1 left out")
    assert run() == "nothing is due"
    assert run("--json") == "[]"


@pytest.fixture
def counter(shop: Shop) -> Shop:
    """A shop where m1 has points, and stands at the till."""
    shop.orders([order("o1", "m1", "1000.00")])
    return shop


def make_code(shop: Shop, **wish: Any) -> Any:
    answer = shop.post("/v1/redemption-codes", {"member": "m1", "points": "10", **wish})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_code_is_redeemed_once_from_however_many_tills(counter: Shop) -> None:
    made = make_code(counter)
    assert (made["state"], made["points"]) == ("open", "10.000000000")

    def redeem(till: int) -> tuple[int, str]:
        wish = {"code": made["code"], "merchant": f"till-{till % 2}"}
        answer = counter.post("/v1/redemptions", wish)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as tills:
        answers = list(tills.map(redeem, range(16)))
    statuses = [status for status, _ in answers]
    assert statuses.count(201) == 1
    assert set(statuses) == {201, 200, 409}
    assert len({text for status, text in answers if status < 300}) == 1
    [row] = counter.get("/v1/redemptions")["data"]
    assert row["id"] == f"springtide:redeem:{made['id']}"
    shown = counter.get(f"/v1/redemption-codes/{made['id']}")
    assert shown == {key: made[key] for key in shown} | {"state": "used"}
    assert counter.get("/v1/members/m1")["points"] == "102.000000000"
    assert_sound(counter.database, counter.name)


def test_codes_that_cannot_be_redeemed_are_problems(counter: Shop) -> None:
    code = make_code(counter)["code"]
    till = {"merchant": "till", "code": code}
    for wish, status, reason in (
        ({**till, "code": "0000-0000-0000"}, 404, "unknown_code"),
        ({**till, "points": "11"}, 409, "code_exceeded"),
        ({**till, "id": "mine"}, 422, "invalid_event"),
        ({"code": code}, 422, "invalid_event"),
    ):
        check_problem(counter.post("/v1/redemptions", wish), status, reason)
    newer = make_code(counter, points="500")["code"]
    check_problem(counter.post("/v1/redemptions", till), 409, "code_expired")
    too_few = counter.post("/v1/redemptions", {**till, "code": newer})
    check_problem(too_few, 409, "insufficient_points")
    assert counter.post("/v1/redemptions", {**till, "code": newer, "points": "1.5"}).is_success
    again = counter.post("/v1/redemption-codes", {"member": "m1", "points": "0"})
    check_problem(again, 422, "invalid_amount")
