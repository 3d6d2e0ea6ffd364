"""Invitations, statements of merchants and reasons of commissions, over HTTP."""

import pytest

from tests.web.serving import Shop, check_problem, order


@pytest.fixture
def bought(shop: Shop) -> Shop:
    """A shop in which m1, sent by m0, bought once."""
    shop.orders([order("o1", "m1", "1000.00", merchant="shop-1", referrer="m0")])
    return shop


def test_an_invitation_binds_a_newcomer_once(bought: Shop) -> None:
    made = bought.post("/v1/invitations", {"member": "m1"})
    assert made.status_code == 201, made.text
    code = made.json()["code"]
    assert bought.get(f"/v1/invitations/{code}") == {
        "object": "invitation", "code": code, "by": "m1", "merchant": "",
    }  # fmt: skip
    wish = {"code": code, "member": "new", "phone": "+86 138 0000 0000"}
    bound = bought.post("/v1/invitations/bindings", wish)
    assert (bound.status_code, bound.json()["referrer"]) == (201, "m1")
    again = bought.post("/v1/invitations/bindings", {"code": code, "member": "new"})
    assert again.json()["referrer"] == "m1"
    stands = bought.post("/v1/invitations/bindings", {"code": code, "member": "m1-friend"})
    assert stands.json()["referrer"] == "m1"
    second = {**wish, "member": "new-again"}
    check_problem(bought.post("/v1/invitations/bindings", second), 409, "not_possible")
    check_problem(
        bought.post("/v1/invitations/bindings", {**wish, "code": "1x"}), 404, "not_found"
    )
    team = bought.get("/v1/members/m1/earnings")
    assert team["below"] == {"1": 2}
    assert "new" not in str(team), "a referrer sees counts, never names"


@pytest.mark.parametrize("wish", [{}, {"member": "m1", "merchant": "shop-1"}], ids=str)
def test_an_invitation_is_of_a_member_or_of_a_store(bought: Shop, wish: dict[str, str]) -> None:
    check_problem(bought.post("/v1/invitations", wish), 422, "invalid_parameter")


def test_only_members_and_stores_with_owners_invite(bought: Shop) -> None:
    for wish in ({"member": "nobody"}, {"merchant": "shop-1"}):
        check_problem(bought.post("/v1/invitations", wish), 409, "not_possible")


def test_regions_are_listed_a_level_at_a_time(bought: Shop) -> None:
    assert len(bought.get("/v1/regions")["data"]) == 34
    below = bought.get("/v1/regions", below="3301")["data"]
    assert {"object": "region", "code": "330106", "name": "西湖区"} in below
    assert all(len(row["code"]) == 6 for row in below)
    refused = bought.client.get("/v1/regions", params={"below": "330"})
    check_problem(refused, 422, "invalid_parameter")


def test_a_merchant_reads_what_it_sold_and_an_order_says_why_it_paid(bought: Shop) -> None:
    bought.post("/v1/refunds", {"order": "o1", "amount": "250.00"})
    found = bought.get("/v1/merchants/shop-1/statement")
    figures = {key: found[key] for key in ("sold", "redeemed", "owed")}
    assert figures == {
        "sold": "800.000000", "redeemed": "0.000000", "owed": found["owed"],
    }  # fmt: skip
    assert [line["cause"] for line in found["lines"]][:2] == ["merchant", "refund"]
    long_ago = {"from": "2020-01-01", "to": "2020-01-31"}
    empty = bought.get("/v1/merchants/shop-1/statement", **long_ago)
    assert (empty["sold"], empty["lines"]) == ("0.000000", [])
    beyond = bought.client.get("/v1/merchants/shop-1/statement", params={"to": "9999-12-31"})
    check_problem(beyond, 422, "invalid_parameter")
