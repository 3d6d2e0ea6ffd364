"""What was agreed with merchants and agents, while the policy changes around it."""

from datetime import UTC, datetime, timedelta

import pytest

from springtide.core.event_fields import Json
from springtide.core.policy import PolicyError
from springtide.core.units import MICRO
from springtide.services import agents, commissions, policies
from springtide.services.gateway import Database
from springtide.services.settling import settle_due
from springtide.services.writer import Writer
from tests.core.history import ADVERT_B, COMMISSIONS, bind, merged, write_toml
from tests.services.histories import assert_sound, open_program

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=60)
TABLES = merged(ADVERT_B, orders={"settle_after": "7d"}, commission=COMMISSIONS)
FEWER_STEPS = merged(TABLES, commission={"level": {"max_depth": 1}, "direct": "0.001"})


def post(database: Database, name: str, *events: Json) -> None:
    with Writer(database, name) as writer:
        for outcome in writer.post(events):
            assert outcome.is_posted, outcome.refusal


def put_in_effect(database: Database, name: str, tables: dict[str, object]) -> int | None:
    draft = policies.create_draft(database, name, write_toml(tables), "cli:ana", NOW)
    policies.submit(database, name, draft.number, "cli:ana", NOW)
    policies.approve(database, name, draft.number, "cli:ben", NOW)
    return policies.put_in_effect(database, name, LATER)


def terms(id_: str, take_rate: str) -> Json:
    return {"type": "merchant_terms", "id": id_, "merchant": "shop", "take_rate": take_rate}


def test_an_order_is_settled_by_its_own_policy_and_its_own_terms(database: Database) -> None:
    name = open_program(database, write_toml(TABLES))
    post(
        database, name, *(bind(f"b{n}", f"x{n}", f"x{n + 1}") for n in range(4)),
        {"type": "level", "id": "l1", "member": "x4", "level": "2", "reason": "sales"},
        terms("t1", "0.50"),
        {"type": "pay", "id": "o1", "member": "x0", "amount": "1000.00", "merchant": "shop"},
        terms("t2", "0.40"),
    )  # fmt: skip
    assert put_in_effect(database, name, FEWER_STEPS) == 2
    order = {"type": "pay", "id": "o2", "member": "x0", "amount": "1000.00"}
    post(database, name, {**order, "merchant": "shop"})
    assert settle_due(database, name, LATER) == 2
    assert_sound(database, name)

    def paid(id_: str) -> list[tuple[str, str, int, int]]:
        found = commissions.why(database, name, id_, "", LATER)
        rows = [one.earned for one in found]
        return [(row.kind, row.member, row.amount, row.policy_version) for row in rows]

    assert paid("o1") == [
        ("direct", "x1", 3 * MICRO, 1),
        ("indirect", "x2", 2 * MICRO, 1),
        ("level", "x4", 3 * MICRO, 1),
    ]
    assert paid("o2") == [("direct", "x1", MICRO, 2), ("indirect", "x2", 2 * MICRO, 2)]
    post(database, name, {"type": "refund", "id": "r1", "order": "o1"})
    assert_sound(database, name)


def test_a_policy_must_fit_what_merchants_and_agents_agreed_to(database: Database) -> None:
    name = open_program(database, write_toml(TABLES))
    post(database, name, terms("t1", "0.17"))
    dearer = merged(TABLES, commission={"direct": "0.005"})
    with pytest.raises(PolicyError, match="merchant shop by its own terms distributes only"):
        policies.create_draft(database, name, write_toml(dearer), "cli:ana", NOW)
    post(database, name, terms("t2", "0.20"))
    agents.appoint(database, name, "c1", "33", "ana", {"rate": "0.003"}, NOW, "cli")
    lower = merged(TABLES, commission={"territory": {"province": "0.002"}})
    with pytest.raises(PolicyError, match=r"a rate of 0\.003 passes"):
        policies.create_draft(database, name, write_toml(lower), "cli:ana", NOW)
    agents.dismiss(database, name, "c1", NOW, "cli")
    assert put_in_effect(database, name, lower) == 2
    assert_sound(database, name)


def test_terms_that_came_after_the_approval_stop_the_policy(database: Database) -> None:
    name = open_program(database, write_toml(TABLES))
    dearer = write_toml(merged(TABLES, commission={"direct": "0.006"}))
    draft = policies.create_draft(database, name, dearer, "cli:ana", NOW)
    policies.submit(database, name, draft.number, "cli:ana", NOW)
    policies.approve(database, name, draft.number, "cli:ben", NOW)
    post(database, name, terms("t1", "0.17"))
    assert policies.put_in_effect(database, name, LATER) is None
    assert policies.get_draft(database, name, draft.number).state == "rejected"
