"""Notices: each thing that concerns a member once, newest first, as the books say it."""

from datetime import UTC, datetime, timedelta

from springtide.core.event_fields import Json
from springtide.services import controls
from springtide.services.notices import list_notices
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.reports import read_statement
from springtide.services.writer import Writer
from springtide.storage.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = read_preset("local-life")


def post(database: Database, shop: str, *events: Json) -> None:
    with Writer(database, shop) as writer:
        assert [one.refusal for one in writer.post(events)] == [None] * len(events)


def buy(id_: str, member: str, **more: str) -> Json:
    return {"type": "purchase", "id": id_, "member": member, "amount": "1000.00", **more}


def test_whom_nothing_happened_to_is_told_nothing(database: Database, name: str) -> None:
    create_program(database, name, POLICY)
    post(database, name, buy("o1", "m1"), {"type": "cash_out", "id": "x", "member": "m1",
                                           "points": "1"})  # fmt: skip
    assert list_notices(database, name, "m1", 9) == []
    assert list_notices(database, name, "nobody", 9) == []


def test_exits_refunds_and_what_is_taken_back(database: Database, name: str) -> None:
    create_program(database, name, POLICY)
    post(database, name, buy("o1", "m1"), buy("o2", "m2", referrer="m1"))
    post(database, name, {"type": "refund", "id": "r1", "order": "o2"})
    post(database, name, {"type": "inject", "id": "i1", "amount": "2000.00"})
    exit_, clawback = list_notices(database, name, "m1", 9)
    assert (exit_.kind, clawback.kind, clawback.id) == ("exit", "clawback", "r1")
    assert clawback.money == -3_000_000
    lines = read_statement(database, name, "m1").lines
    paid = [line.change for line in lines if (line.cause, line.unit) == ("exit", "wallet")]
    gone = [line.change for line in lines if (line.cause, line.unit) == ("exit", "points")]
    assert ([exit_.money], [exit_.points]) == (paid, gone)
    assert exit_.at >= clawback.at
    [refund] = list_notices(database, name, "m2", 9)
    assert (refund.kind, refund.id) == ("refund", "r1")
    assert refund.points < 0
    assert list_notices(database, name, "m1", 1) == [exit_]


def test_what_people_stopped(database: Database, name: str) -> None:
    create_program(database, name, POLICY)
    post(database, name, buy("o1", "m1"), buy("o2", "m2"))
    controls.freeze_member(database, name, "m1", "suspected of a theft", "cli", NOW)
    later = NOW + timedelta(hours=1)
    controls.set_switch(database, name, "cash-outs", "a run", "cli", later, off=True)
    switch, frozen = list_notices(database, name, "m1", 9)
    assert (switch.kind, switch.state, switch.at) == ("switch", "cash-outs", later)
    assert (frozen.kind, frozen.state, frozen.why) == ("frozen", "frozen", "")
    assert list_notices(database, name, "m2", 9) == [switch]
    controls.set_switch(database, name, "cash-outs", "over", "cli", later, off=False)
    controls.unfreeze_member(database, name, "m1", "cleared", "cli", later)
    assert [one.state for one in list_notices(database, name, "m1", 9)] == ["thawed"]
