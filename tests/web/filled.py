"""A program in which everything happened once, and where each thing is found."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

import psycopg
from stdnum.cn import uscc

from springtide.core.webhooks import message_id
from springtide.services import delivering, policies, profiles, webhooks
from springtide.services.agents import due_day
from springtide.services.cash_outs import ask
from springtide.services.presets import read_preset
from springtide.services.staff import add_staff
from springtide.services.writer import Writer
from springtide.storage import alarms, programs
from springtide.storage.database import Database
from tests.web.serving import Shop, opened, order

COMMISSIONED = read_preset("local-life")


@contextmanager
def filled(database: Database, url: str, name: str, mark: str) -> Iterator[Shop]:
    """A new program with something of every kind; every id of it begins with the mark."""
    with opened(database, url, name, COMMISSIONED) as shop:
        listen(database, name, mark)
        for path, event in happenings(mark):
            answer = shop.post(path, event)
            assert answer.status_code == 201, answer.text
        active = f"/v1/merchant-applications/{mark}-store/activate"
        assert shop.post(active, {"take_rate": "0.20"}).status_code == 200
        with Writer(database, name) as writer:  # else the server says which day it is
            writer.post(due_day(database, name, datetime.now(UTC)))
        add_staff(
            database, f"{name}.{mark}", name, ["auditor"], "cli", datetime.now(UTC),
            secrets.token_hex,
        )  # fmt: skip
        asker = {"Authorization": f"Bearer {shop.key('withdrawals')[1]}"}
        for suffix in ("withdrawal", "doubtful", "regretted", "approvable"):
            wish = {"id": f"{mark}-{suffix}", "member": f"{mark}-buyer", "amount": "0.10"}
            answer = shop.client.post("/v1/withdrawals", json=wish, headers=asker)
            assert answer.status_code == 201, answer.text
        lose(shop, f"{mark}-lost", f"{mark}-buyer", asker)
        for path, wish in stops(mark):
            assert shop.post(path, wish).status_code == 200
        raise_alarm(database, name, mark)
        wish = {"id": f"{mark}-wish", "member": f"{mark}-buyer", "points": "1"}
        ask(database, name, wish, "key:test", datetime.now(UTC))
        yield shop


def lose(shop: Shop, id_: str, member: str, asker: dict[str, str]) -> None:
    """A withdrawal that was sent, and of which nobody knows what became."""
    wish = {"id": id_, "member": member, "amount": "0.04"}
    assert shop.client.post("/v1/withdrawals", json=wish, headers=asker).status_code == 201
    assert shop.post(f"/v1/withdrawals/{id_}/approve", {}).status_code == 200
    assert shop.post("/v1/payouts/export", {"sandbox": True}).status_code == 200
    assert shop.get(f"/v1/withdrawals/{id_}")["state"] == "unknown"


def listen(database: Database, name: str, mark: str) -> None:
    """A webhook to where nobody ever answers; it is disabled, so no server sends to it."""
    made = webhooks.create_endpoint(
        database, name, f"https://10.0.0.0/{mark}", [], lookup=lambda _: ["10.0.0.0"],
        private=True, random_bytes=token_bytes, actor="cli", now=datetime.now(UTC),
    )  # fmt: skip
    webhooks.switch(database, name, made.id, "disabled", actor="cli", now=datetime.now(UTC))


def stops(mark: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Somebody who is frozen, and a switch that was turned off and on."""
    yield f"/v1/members/{mark}-friend/freeze", {"reason": f"{mark} said so"}
    for off in (True, False):
        yield "/v1/switches", {"name": "settlement", "off": off, "reason": f"{mark} drill"}


def raise_alarm(database: Database, name: str, mark: str) -> None:
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        alarms.append_alarm(tx, program, alarms.DAILY_OUTFLOW, 0, f"{mark} paid too much")


def alarm_of(shop: Shop) -> str:
    """The id of the alarm."""
    return str(shop.get("/v1/alarms")["data"][0]["id"])


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
    code = {"id": f"{mark}-code", "member": buyer, "points": "1"}
    yield "/v1/redemption-codes", code
    yield "/v1/injections", {"id": f"{mark}-injection", "amount": "5.00"}
    yield "/v1/invitations", {"member": buyer}
    for number, who in enumerate(("store", "applicant", "impostor")):
        yield "/v1/merchant-applications", application(f"{mark}-{who}", number)
    agent = {"contract": f"{mark}-contract", "region": "330106", "member": f"{mark}-agent"}
    yield "/v1/agents", agent


def application(merchant: str, number: int = 0, **more: str) -> dict[str, str]:
    """Somebody who wants to sell, with a licence of their own."""
    body = f"9111000060003734{number}"
    return {
        "merchant": merchant, "name": "Noodles by the lake", "region": "330106",
        "licence": body + uscc.calc_check_digit(body), "settlement": "account 1", **more,
    }  # fmt: skip


WEBHOOK = (
    "/v1/webhooks/{id}",
    "/v1/webhooks/{id}/deliveries",
    "/v1/webhooks/{id}/rotate",
    "/v1/webhooks/{id}/disable",
    "/v1/webhooks/{id}/enable",
)


def told_by(database: Database, hook: webhooks.Endpoint) -> int:
    """Let a webhook's entries become deliveries; gives the seq of the first of them."""
    now = datetime.now(UTC)
    webhooks.switch(database, hook.program, hook.id, "active", actor="cli", now=now)
    delivering.take(database, hook.program_id, hook.id, now)  # or the server just did
    webhooks.switch(database, hook.program, hook.id, "disabled", actor="cli", now=now)
    told = webhooks.list_deliveries(database, hook.program, hook.id, "", (2**62, 0), 1000)
    return told[-1].seq


DRAFTS = {
    "": 1,
    "/diff": 1,
    "/budget": 1,
    "/backtest": 1,
    "/submit": 1,
    "/withdraw": 2,
    "/reject": 3,
    "/approve": 4,
}
"""What can be done with a draft, and with which of those that `add_drafts` makes."""


def add_drafts(shop: Shop, after: int = 0) -> str:
    """Four drafts of a policy after others, two submitted; and evidence, whose id it gives."""
    now = datetime.now(UTC)
    changed = COMMISSIONED.replace('fee = "0.20"', 'fee = "0.25"')
    for number in range(1, after + 5):
        policies.create_draft(shop.database, shop.name, changed, "cli:ana", now)
        if number > after + 2:
            policies.submit(shop.database, shop.name, number, "cli:ana", now)
    wish = profiles.Wish(
        "cash_out", "licence", "L-1", "authority", now.date(), now.date(), bytes(32)
    )
    return str(profiles.add_evidence(shop.database, shop.name, wish, "cli:ana", now).id)


NETWORK = {
    "/v1/merchant-applications/{id}": "store",
    "/v1/merchant-applications/{id}/activate": "applicant",
    "/v1/merchant-applications/{id}/reject": "impostor",
    "/v1/merchant-applications/{id}/settlement": "store",
    "/v1/merchants/{id}/terms": "merchant",
    "/v1/merchants/{id}/suspend": "store",
    "/v1/merchants/{id}/resume": "store",
    "/v1/merchants/{id}/statement.xlsx": "merchant",
    "/v1/merchants/{id}/payments": "merchant",
    "/v1/agents/{id}": "contract",
    "/v1/agents/{id}/deposits": "contract",
    "/v1/agents/{id}/dismiss": "contract",
    "/v1/agents/{id}/deposits/return": "contract",
    "/v1/members/{id}/level": "buyer",
    "/v1/members/{id}/bindings": "buyer",
}
"""Where merchants, agents and their members are found, without the mark."""


def places(
    shop: Shop, mark: str, key: str, evidence: str, drafts_after: int = 0
) -> dict[str, str]:
    """Every path of the API with a parameter, and the id of something that is there."""
    [hook] = webhooks.list_endpoints(shop.database, shop.name)
    sent = message_id(hook.id, told_by(shop.database, hook), 0)
    invited = shop.post("/v1/invitations", {"member": f"{mark}-buyer"}).json()
    return {
        "/v1/programs/{name}": shop.name,
        "/v1/policies/{version}": "2",
        **{
            f"/v1/policies/drafts/{{number}}{way}": str(drafts_after + draft)
            for way, draft in DRAFTS.items()
        },
        "/v1/evidence/{id}": evidence,
        "/v1/orders/{id}": f"{mark}-order",
        "/v1/bindings/{id}": f"{mark}-binding",
        "/v1/refunds/{id}": f"{mark}-refund",
        "/v1/cash-outs/{id}": f"{mark}-cash-out",
        "/v1/redemptions/{id}": f"{mark}-redemption",
        "/v1/cash-out-requests/{id}": f"{mark}-wish",
        "/v1/redemption-codes/{id}": f"{mark}-code",
        "/v1/injections/{id}": f"{mark}-injection",
        "/v1/members/{id}": f"{mark}-buyer",
        "/v1/members/{id}/lots": f"{mark}-buyer",
        "/v1/members/{id}/statement": f"{mark}-buyer",
        "/v1/merchants/{id}": f"{mark}-merchant",
        "/v1/wallets/{member}": f"{mark}-buyer",
        "/v1/wallets/{member}/entries": f"{mark}-buyer",
        "/v1/withdrawals/{id}": f"{mark}-withdrawal",
        "/v1/withdrawals/{id}/approve": f"{mark}-approvable",
        "/v1/withdrawals/{id}/reject": f"{mark}-doubtful",
        "/v1/withdrawals/{id}/cancel": f"{mark}-regretted",
        "/v1/withdrawals/{id}/resolve": f"{mark}-lost",
        "/v1/api-keys/{id}": key,
        "/v1/staff/{name}": f"{shop.name}.{mark}",
        "/v1/webhooks/deliveries/{id}": sent,
        "/v1/webhooks/deliveries/{id}/resend": sent,
        **dict.fromkeys(WEBHOOK, hook.id),
        "/v1/members/{id}/freeze": f"{mark}-friend",
        "/v1/members/{id}/unfreeze": f"{mark}-friend",
        "/v1/alarms/{id}/acknowledge": alarm_of(shop),
        "/v1/merchants/{id}/statement": f"{mark}-merchant",
        "/v1/orders/{id}/commissions": f"{mark}-order",
        "/v1/members/{id}/earnings": f"{mark}-buyer",
        "/v1/invitations/{code}": invited["code"],
        "/v1/invitations/{code}/qr": invited["code"],
        **{path: f"{mark}-{what}" for path, what in NETWORK.items()},
    }


BODIES: dict[str, dict[str, Any]] = {
    "/v1/payouts/export": {"sandbox": True},
    "/v1/withdrawals/{id}/resolve": {"state": "failed", "why": "the bank was asked"},
    "/v1/staff/{name}": {"roles": ["auditor"]},
    "/v1/members/{id}/freeze": {"reason": "a look around"},
    "/v1/policies/drafts/{number}/reject": {"reason": "not now"},
    "/v1/members/{id}/unfreeze": {"reason": "a look around"},
    "/v1/merchant-applications/{id}/activate": {"take_rate": "0.20"},
    "/v1/merchant-applications/{id}/reject": {"reason": "a look around"},
    "/v1/merchant-applications/{id}/settlement": {"settlement": "account 2"},
    "/v1/merchants/{id}/terms": {"take_rate": "0.20"},
    "/v1/merchants/{id}/suspend": {"reason": "a look around"},
    "/v1/merchants/{id}/payments": {"amount": "1.00", "reference": "transfer 1"},
    "/v1/agents/{id}/deposits": {"amount": "100.00", "reference": "transfer 1"},
    "/v1/members/{id}/level": {"level": "", "reason": "a look around"},
    "/v1/members/{id}/bindings": {"referrer": "somebody", "reason": "a look around"},
}
"""What is sent to a path that takes a body and would refuse an empty one for another reason."""


def add_policy_version(admin: psycopg.Connection, name: str) -> None:
    """A second version of a program's policy, with the text of the first."""
    admin.execute(
        "INSERT INTO policy (program_id, version, toml)"
        " SELECT program_id, 2, toml FROM policy JOIN program ON program.id = program_id"
        " WHERE name = %s",
        [name],
    )
