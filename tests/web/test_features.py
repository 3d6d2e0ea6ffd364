"""Features over HTTP: whoever asks, only what the profile allows with what is on file today."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import httpx2
import pytest

from springtide.core.profile import LIMITS
from springtide.services.permissions import ROLES
from springtide.services.programs import create_program
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, write_toml
from tests.services.histories import ALWAYS, assert_sound, open_cash_program, put_on_file
from tests.services.test_profiles import CHANGEABLE, CLOSED, LIVE, using
from tests.web.serving import Service, Shop, bearer, check_problem, client_of, entered, order
from tests.web.test_roles import cookie_of

DRAFTS = "/v1/policies/drafts"
TODAY = datetime.now(UTC).date()
EXPIRED = TODAY - timedelta(days=30), TODAY - timedelta(days=1)
TO_COME = TODAY + timedelta(days=3), TODAY + timedelta(days=30)


@pytest.fixture
def live(
    request: pytest.FixtureRequest, service: Service, database: Database, name: str
) -> Iterator[Shop]:
    create_program(database, name, write_toml(CLOSED), profile=request.param)
    with entered(database, service.url, name) as shop:
        yield shop


def draft(shop: Shop, client: httpx2.Client, who: dict[str, str], feature: str) -> int:
    """Try to draft a policy with a feature, and take it back; gives the status."""
    answer = client.post(DRAFTS, json={"toml": using(feature)}, headers=who)
    if answer.status_code == 201:
        shop.post(f"{DRAFTS}/{answer.json()['number']}/withdraw", {})
    elif answer.status_code == 422:
        assert f" {feature} (" in check_problem(answer, 422, "policy_refused")["detail"]
    else:
        check_problem(answer, 403, "forbidden")
    return answer.status_code


@pytest.mark.parametrize("live", LIVE, indirect=True)
def test_no_role_and_no_key_switches_on_what_the_profile_does_not_allow(live: Shop) -> None:
    with live.database.snapshot() as tx:
        row = tx.execute("SELECT profile FROM program WHERE name = %s", [live.name]).fetchone()
    assert row is not None
    allows = LIMITS[row[0]].allows
    people = {role: cookie_of(live, role) for role in ROLES}
    may = {role for role in ROLES if "policy.draft" in ROLES[role]} | {"key"}
    people["key"] = bearer(live.secret)
    with client_of(live.url) as client:

        def tried(feature: str) -> dict[str, int]:
            return {who: draft(live, client, them, feature) for who, them in people.items()}

        for feature in CHANGEABLE:
            refused = {who: 422 if who in may else 403 for who in people}
            assert tried(feature) == refused, "nothing is on file"
            for days in (EXPIRED, TO_COME):
                put_on_file(live.database, live.name, feature, days, depth=3)
            put_on_file(live.database, live.name, feature, ALWAYS, ["licence"], depth=3)
            assert tried(feature) == refused, "no opinion that holds today"
            put_on_file(live.database, live.name, feature, ALWAYS, ["opinion"], depth=3)
            done = 201 if feature in allows else 422
            assert tried(feature) == {who: done if who in may else 403 for who in people}
    assert live.get("/v1/policies")["data"][-1]["version"] == 1
    assert_sound(live.database, live.name)


def test_a_licence_that_is_revoked_stops_cash_outs_and_operators_are_told(
    service: Service, database: Database, name: str
) -> None:
    open_cash_program(database, ADVERT_B, name)
    wish = {"member": "m1", "points": "1"}
    with entered(database, service.url, name) as shop:
        shop.orders([order("o1", "m1", "1000.00")])
        assert shop.post("/v1/cash-outs", {**wish, "id": "x1"}).status_code == 201
        [licence, _] = shop.get("/v1/evidence")["data"]
        today = datetime.now(UTC).date()
        assert shop.client.delete(f"/v1/evidence/{licence['id']}").status_code == 204
        problem = check_problem(shop.post("/v1/cash-outs", wish), 409, "evidence_expired")
        last = today - timedelta(days=1)
        assert problem["detail"] == (
            "cash_out (points are paid in cash on request) has stopped: a licence of an "
            f"authority has to be on file, and L-17 held until {last}; record one with "
            "`springtide evidence add`"
        )
        quote = shop.client.get("/v1/cash-outs/quote", params=wish)
        check_problem(quote, 409, "evidence_expired")
        again = shop.post("/v1/cash-outs", {**wish, "id": "x1"})
        assert again.status_code == 200, "what was posted stays"
        assert shop.post("/v1/redemptions", {**wish, "merchant": "s1"}).status_code == 201
        assert shop.post("/v1/refunds", {"order": "o1", "amount": "1.00"}).status_code == 201
        wait_for_alarm(shop)
        told = {**licence, "expires_on": str(today), "valid_from": str(today)}
        kept = ("feature", "kind", "number", "issuer", "sha256", "valid_from", "expires_on")
        made = shop.post("/v1/evidence", {field: told[field] for field in kept})
        assert made.status_code == 201, made.text
        assert shop.post("/v1/cash-outs", wish).status_code == 201
    assert_sound(database, name)


def wait_for_alarm(shop: Shop) -> None:
    """The server looks every five seconds."""
    until = monotonic() + 60
    while not (alarms := shop.get("/v1/alarms")["data"]):
        assert monotonic() < until
        sleep(0.1)
    assert [row["kind"] for row in alarms] == ["evidence_expired"]
    assert alarms[0]["detail"].startswith("cash_out (")
