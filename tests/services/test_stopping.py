"""What people stop: frozen members and switches, over the database."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from springtide.core.event_fields import Json
from springtide.core.state import Posted
from springtide.services import controls
from springtide.services.gateway import UnknownMember, UnusableControl
from springtide.services.settling import due_settlements, settle_due
from springtide.services.writer import Writer
from springtide.storage import programs
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, buy, cash_out, merged, pay, refund, write_toml
from tests.services.histories import assert_sound, open_program
from tests.services.test_controls import LATER, NOW, UNIT, policy, post, refused


def test_a_frozen_member_is_refused_until_let_go(database: Database) -> None:
    name = open_program(database, policy())
    post(
        database, name, buy("o1", "m1", UNIT), pay(buy("p1", "m1", UNIT)), buy("o2", "m2", UNIT)
    )
    with Writer(database, name) as writer:  # opened before, as that of a server is
        frozen = controls.freeze_member(database, name, "m1", "chargebacks", "cli", NOW)
        again = controls.freeze_member(database, name, "m1", "other", "staff:ana", LATER)
        assert frozen == again
        assert (frozen.reason, frozen.actor, frozen.at) == ("chargebacks", "cli", NOW)
        [stuck] = writer.post([buy("o3", "m1", UNIT)])
        assert stuck.refusal is not None
        assert stuck.refusal.code == "control_member_frozen"
        assert str(stuck.refusal) == "m1 is frozen; ask the operator of the program why"
        for event in (cash_out("x", "m1"), {"type": "settle", "id": "s", "order": "p1"}):
            [outcome] = writer.post([event])
            assert outcome.refusal is not None, event
        assert writer.post([refund("r1", "o1")])[0].is_posted
        assert [row.member for row in controls.list_frozen(database, name, "", 9)] == ["m1"]
        assert due_settlements(database, name, datetime.now(UTC) + timedelta(days=1)) == []
        controls.unfreeze_member(database, name, "m1", "explained", "staff:ana", LATER)
        assert writer.post([buy("o3", "m1", UNIT)])[0].is_posted
    assert controls.list_frozen(database, name, "", 9) == []
    assert settle_due(database, name, datetime.now(UTC) + timedelta(days=1)) == 1
    with database.snapshot() as tx:
        acts = list_acts(tx, programs.get_program(tx, name).id, limit=10, subject="m1")
    assert [(act.what, act.subject, act.actor, act.after) for act in acts] == [
        ("member.unfreeze", "m1", "staff:ana", {"frozen": False, "reason": "explained"}),
        ("member.freeze", "m1", "cli", {"frozen": True, "reason": "chargebacks"}),
    ]
    assert_sound(database, name)


def test_what_cannot_be_frozen_or_switched_is_refused(database: Database) -> None:
    name = open_program(database, policy())
    post(database, name, buy("o1", "m1", UNIT))
    with pytest.raises(UnknownMember, match="has no member 'm9'"):
        controls.freeze_member(database, name, "m9", "why", "cli", NOW)
    with pytest.raises(UnknownMember, match="has no frozen member 'm1'"):
        controls.unfreeze_member(database, name, "m1", "why", "cli", NOW)
    for reason in ("", " ", "a\nb", "x" * 256):
        with pytest.raises(UnusableControl, match="reason is"):
            controls.freeze_member(database, name, "m1", reason, "cli", NOW)
    with pytest.raises(UnusableControl, match="no switch is named 'refunds'; known are purch"):
        controls.set_switch(database, name, "refunds", "why", "cli", NOW, off=True)


def switch(database: Database, name: str, which: str, *, off: bool) -> None:
    controls.set_switch(database, name, which, "a drill", "cli", NOW, off=off)


SWITCHED: dict[str, tuple[Json, str]] = {
    "purchases": (buy("e", "m1", UNIT), "control_purchases_off"),
    "settlement": ({"type": "settle", "id": "e", "order": "p1"}, "control_settlement_off"),
    "cash-outs": (cash_out("e", "m1", 10**8), "control_cash_outs_off"),
}


@pytest.mark.parametrize("which", SWITCHED)
def test_what_is_switched_off_is_refused_until_it_is_on(database: Database, which: str) -> None:
    name = open_program(database, policy())
    post(database, name, buy("o1", "m1", UNIT), pay(buy("p1", "m1", UNIT)))
    event, code = SWITCHED[which]
    others = [other for name_, (other, _) in SWITCHED.items() if name_ != which]
    switch(database, name, which, off=True)
    switch(database, name, which, off=True)
    assert refused(database, name, event)[0] == code
    due = due_settlements(database, name, datetime.now(UTC) + timedelta(days=1))
    assert len(due) == (which != "settlement")
    for number, other in enumerate(others):
        [outcome] = post(database, name, {**other, "id": f"other-{number}"})
        assert outcome.is_posted, "the others are on"
    switch(database, name, which, off=False)
    [outcome] = post(database, name, event)
    assert outcome.refusal is None or outcome.refusal.code == "already_settled"
    stands = dict(controls.list_switches(database, name))
    assert list(stands) == ["purchases", "settlement", "cash-outs", "commissions"]
    assert [name_ for name_, row in stands.items() if row is not None] == [which]
    with database.snapshot() as tx:
        *acts, _ = list_acts(tx, programs.get_program(tx, name).id, limit=10)
    assert [act.what for act in acts] == ["switch.on", "switch.off"], "the second did nothing"
    assert_sound(database, name)


def test_while_commissions_are_off_orders_say_so_and_pay_none(database: Database) -> None:
    toml = write_toml(merged(ADVERT_B, commission={"direct": "0.003"}))
    name = open_program(database, toml)
    first = buy("o1", "m1", 10**9, referrer="m0")
    later = buy("o2", "m1", 10**9)
    paid = [pay(buy("p1", "m1", 10**9)), {"type": "settle", "id": "s1", "order": "p1"}]
    post(database, name, first)
    switch(database, name, "commissions", off=True)
    outcomes = post(database, name, later, *paid, first)
    assert [outcome.receipt.get("commissions") for outcome in outcomes[:3]] == [[], None, []]
    assert not outcomes[3].is_posted, "posted before the switch was turned"
    paid_out = outcomes[3].receipt["commissions"]
    assert isinstance(paid_out, list)
    assert len(paid_out) == 1
    answers = [outcome.answer for outcome in outcomes[:3]]
    written_in = [
        answer.event.get("commissions") for answer in answers if isinstance(answer, Posted)
    ]
    assert written_in == ["off", None, "off"]
    switch(database, name, "commissions", off=False)
    again = post(database, name, later, *paid)
    assert not any(outcome.is_posted for outcome in again)
    assert [outcome.receipt for outcome in again] == [o.receipt for o in outcomes[:3]]
    [reused] = post(database, name, {**later, "amount": "1.00"})
    assert reused.refusal is not None
    assert reused.refusal.code == "id_reused"
    [usual] = post(database, name, buy("o3", "m1", 10**9))
    assert usual.receipt["commissions"] == [{"kind": "direct", "to": "m0", "amount": 3 * UNIT}]
    assert_sound(database, name)


def test_a_switch_holds_for_every_batch_that_begins_after_it(database: Database) -> None:
    """Two writers post as fast as they can while orders are switched off and on."""
    name = open_program(database, policy())
    off, done = [0], threading.Event()  # the number of the drill while it is off, else 0
    seen: list[tuple[bool, bool]] = []

    def keep_posting(mark: str) -> None:
        with Writer(database, name) as writer:
            for number in count():
                if done.is_set():
                    break
                drill = off[0]
                [outcome] = writer.post([buy(f"{mark}{number}", "m1", UNIT)])
                seen.append((drill > 0 and drill == off[0], outcome.is_posted))

    with ThreadPoolExecutor(2) as pool:
        posting = [pool.submit(keep_posting, mark) for mark in "ab"]
        for drill in range(1, 16):
            switch(database, name, "purchases", off=True)
            off[0] = drill
            done.wait(0.02)
            off[0] = 0
            switch(database, name, "purchases", off=False)
        done.set()
        for one in posting:
            one.result()
    assert (True, False) in seen
    assert (False, True) in seen
    assert (True, True) not in seen, "posted although orders were off before and after"
    assert_sound(database, name)
