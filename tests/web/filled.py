"""A program in which everything happened once, and where each thing is found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from springtide.services.presets import read_preset
from springtide.storage.database import Database
from tests.web.serving import Shop, opened, order

COMMISSIONED = read_preset("local-life")


@contextmanager
def filled(database: Database, url: str, name: str, mark: str) -> Iterator[Shop]:
    """A new program with something of every kind; every id of it begins with the mark."""
    with opened(database, url, name, COMMISSIONED) as shop:
        for path, event in happenings(mark):
            answer = shop.post(path, event)
            assert answer.status_code == 201, answer.text
        yield shop


def happenings(mark: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Commands of every kind."""
    buyer, friend, merchant = f"{mark}-buyer", f"{mark}-friend", f"{mark}-merchant"
    bought = order(f"{mark}-order", buyer, "1000.00", merchant=merchant)
    yield "/v1/bindings", {"id": f"{mark}-binding", "member": buyer, "referrer": friend}
    yield "/v1/orders", bought
    yield "/v1/orders", {**bought, "id": f"{mark}-returned"}
    yield "/v1/refunds", {"id": f"{mark}-refund", "order": f"{mark}-returned"}
    yield "/v1/cash-outs", {"id": f"{mark}-cash-out", "member": buyer, "points": "1"}
    request = {"member": buyer, "points": "1"}
    yield "/v1/cash-outs/batch", {"id": f"{mark}-batch", "requests": [request]}
    redeemed = {"id": f"{mark}-redemption", "merchant": merchant, **request}
    yield "/v1/redemptions", redeemed
    yield "/v1/injections", {"id": f"{mark}-injection", "amount": "5.00"}
    yield "/v1/invitations", {"member": buyer}


def places(shop: Shop, mark: str, key: str) -> dict[str, str]:
    """Every path of the API with a parameter, and the id of something that is there."""
    invited = shop.post("/v1/invitations", {"member": f"{mark}-buyer"}).json()
    return {
        "/v1/programs/{name}": shop.name,
        "/v1/policies/{version}": "2",
        "/v1/orders/{id}": f"{mark}-order",
        "/v1/bindings/{id}": f"{mark}-binding",
        "/v1/refunds/{id}": f"{mark}-refund",
        "/v1/cash-outs/{id}": f"{mark}-cash-out",
        "/v1/redemptions/{id}": f"{mark}-redemption",
        "/v1/injections/{id}": f"{mark}-injection",
        "/v1/members/{id}": f"{mark}-buyer",
        "/v1/members/{id}/lots": f"{mark}-buyer",
        "/v1/members/{id}/statement": f"{mark}-buyer",
        "/v1/merchants/{id}": f"{mark}-merchant",
        "/v1/wallets/{member}": f"{mark}-buyer",
        "/v1/wallets/{member}/entries": f"{mark}-buyer",
        "/v1/api-keys/{id}": key,
        "/v1/merchants/{id}/statement": f"{mark}-merchant",
        "/v1/orders/{id}/commissions": f"{mark}-order",
        "/v1/members/{id}/earnings": f"{mark}-buyer",
        "/v1/invitations/{code}": invited["code"],
    }


def add_policy_version(admin: psycopg.Connection, name: str) -> None:
    """A second version of a program's policy, with the text of the first."""
    admin.execute(
        "INSERT INTO policy (program_id, version, toml)"
        " SELECT program_id, 2, toml FROM policy JOIN program ON program.id = program_id"
        " WHERE name = %s",
        [name],
    )
