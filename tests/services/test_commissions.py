"""The life of a commission on a real database: pending, payable, taken back, and why."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from secrets import token_bytes

import pytest

from springtide.core.event_fields import Json
from springtide.core.units import MICRO
from springtide.services import agents, commissions, invitations, levels, withdrawals
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible
from tests.core.history import ADVERT_B, COMMISSIONS, merged, withdraw, write_toml
from tests.services.histories import assert_sound, open_program
from tests.services.test_withdrawals import at_once

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=8)


def program(database: Database, **changes: object) -> str:
    commission = merged(COMMISSIONS, hold_days=7)
    return open_program(
        database, write_toml(merged(ADVERT_B, commission=commission, **changes))
    )


def post(database: Database, name: str, *events: Json) -> None:
    with Writer(database, name) as writer:
        for outcome in writer.post(events):
            assert outcome.is_posted, outcome.refusal


def bound(number: int, member: str, referrer: str) -> Json:
    return {"type": "bind", "id": f"b{number}", "member": member, "referrer": referrer}


def bought(id_: str, member: str = "buyer", **more: object) -> Json:
    return {"type": "purchase", "id": id_, "member": member, "amount": "1000.00", **more}


def test_a_commission_is_held_then_payable_and_a_refund_takes_its_part(
    database: Database,
) -> None:
    name = program(database)
    post(database, name, bound(0, "buyer", "r1"), bought("o1"), bought("o2"))
    held = [one.status for one in commissions.list_earned(database, name, "r1", NOW)]
    assert held == ["pending", "pending"]
    assert commissions.payable_micro(database, name, "r1", NOW) == 0
    assert commissions.payable_micro(database, name, "r1", LATER) == 6 * MICRO
    part = {"type": "refund", "id": "f1", "order": "o1", "amount": "333.33"}
    post(database, name, part, {"type": "refund", "id": "f2", "order": "o2"})
    first, second = commissions.list_earned(database, name, "r1", LATER)
    assert (first.status, first.clawed_back) == ("payable", 999_990)
    assert (second.status, second.clawed_back) == ("clawed_back", 3 * MICRO)
    assert commissions.payable_micro(database, name, "r1", NOW) == 0
    assert commissions.payable_micro(database, name, "r1", LATER) == 2_000_010
    # A cash-out is not held: it is no commission.
    post(database, name, bought("o3", "r1"))
    post(database, name, {"type": "cash_out", "id": "x", "member": "r1", "points": "10"})
    assert commissions.payable_micro(database, name, "r1", NOW) > 10 * MICRO // 2


def test_what_is_held_cannot_be_withdrawn(database: Database) -> None:
    name = program(database)
    post(database, name, bound(0, "buyer", "r1"), bought("o1"))
    clock = [NOW]
    with Writer(database, name, lambda: clock[0]) as writer:

        def asked(id_: str, amount: str, now: datetime) -> str | None:
            clock[0] = now
            wish = {"id": id_, "member": "r1", "amount": amount}
            outcome = withdrawals.ask(database, name, writer.post, wish, by="key:1", now=now)
            return None if outcome.refusal is None else outcome.refusal.code

        assert asked("w1", "0.01", NOW) == "insufficient_funds"
        assert asked("w1", "-1", NOW) == "invalid_amount"
        assert asked("w1", "3.01", LATER) == "insufficient_funds"
        assert asked("w1", "2.00", LATER) is None
        assert asked("w1", "2.00", NOW) is None, "the first answer stands"
        assert asked("w2", "1.00", LATER) is None


def cash_beside_held(database: Database) -> str:
    """A program in whose wallet of r1 are 56.99115 of cash and 3.00 that are held."""
    name = program(database)
    cash: Json = {"type": "cash_out", "id": "x", "member": "r1", "points": "50"}
    post(database, name, bought("o0", "r1"), cash, bound(0, "buyer", "r1"), bought("o1"))
    assert commissions.payable_micro(database, name, "r1", NOW) == 56_991_150
    return name


def test_withdrawals_at_once_do_not_take_what_is_held_together(database: Database) -> None:
    """Each of them is payable, and two would be in the wallet; one is paid."""
    name = cash_beside_held(database)

    def ask(number: int) -> str:
        wish = {"id": f"w{number}", "member": "r1", "amount": "29.00"}
        with Writer(database, name, lambda: NOW) as writer:
            outcome = withdrawals.ask(
                database, name, writer.post, wish, by=f"key:{number}", now=NOW
            )
        return outcome.refusal.code if outcome.refusal else ""

    assert Counter(at_once(8, ask)) == {"": 1, "insufficient_funds": 7}
    assert commissions.payable_micro(database, name, "r1", NOW) == 27_991_150
    assert_sound(database, name)


def test_what_is_earned_in_the_batch_of_a_withdrawal_is_held_too(database: Database) -> None:
    name = cash_beside_held(database)
    with Writer(database, name, lambda: NOW) as writer:
        outcomes = writer.post([
            bought("o2"), withdraw("w1", "r1", 57 * MICRO), withdraw("w2", "r1", 29 * MICRO),
            withdraw("w3", "r1", 28 * MICRO), bought("o3", "r1", wallet="30.00"),
            withdraw("w4", "r1", 10_000),
        ])  # fmt: skip
    told = [outcome.refusal and outcome.refusal.code for outcome in outcomes]
    short = "insufficient_funds"
    assert told == [None, short, None, short, None, short], "goods may be had with all of it"
    assert "0.000000 can be withdrawn by r1 now" in str(outcomes[-1].refusal)
    assert_sound(database, name)


def test_any_row_says_why_it_was_paid_even_after_everything_changed(database: Database) -> None:
    name = program(database, agents={"33": "old"})
    post(
        database, name, bound(0, "buyer", "r1"), bound(1, "r1", "r2"), bound(2, "r2", "r3"),
        {"type": "level", "id": "l1", "member": "r2", "level": "1", "reason": "sales"},
        {"type": "level", "id": "l2", "member": "r3", "level": "2", "reason": "sales"},
        {
            "type": "merchant_terms", "id": "t1", "merchant": "shop", "take_rate": "0.50",
            "region": "330106", "recruiter": "m7",
        },
    )  # fmt: skip
    agents.appoint(database, name, "c1", "330106", "ana", {"rate": "0.0015"}, NOW, "cli")
    post(database, name, bought("o1", merchant="shop"))
    agents.dismiss(database, name, "c1", NOW, "cli")
    post(
        database, name,
        {"type": "rebind", "id": "b9", "member": "buyer", "referrer": "r9", "reason": "asked"},
        {"type": "level", "id": "l3", "member": "r3", "level": "", "reason": "left"},
        {"type": "merchant_terms", "id": "t2", "merchant": "shop", "take_rate": "0.20"},
    )  # fmt: skip

    def told(member: str) -> list[tuple[str, int, int, tuple[str, ...]]]:
        found = commissions.why(database, name, "o1", member, NOW)
        return [(one.earned.kind, one.earned.amount, one.rate_ppm, one.path) for one in found]

    assert told("r1") == [("direct", 3 * MICRO, 3_000, ("buyer", "r1"))]
    assert told("r2") == [
        ("indirect", 2 * MICRO, 2_000, ("buyer", "r1", "r2")),
        ("level", MICRO, 1_000, ("buyer", "r1", "r2")),
    ]
    assert told("r3") == [("level", 2 * MICRO, 2_000, ("buyer", "r1", "r2", "r3"))]
    assert told("ana") == [("territory", 1_500_000, 1_500, ("region 330106", "ana"))]
    assert told("old") == [("territory", 1_500_000, 1_500, ("region 33", "old"))]
    assert told("m7") == [("recruiter", 5 * MICRO, 5_000, ("shop", "m7"))]
    with pytest.raises(NotPossible, match="earned nothing"):
        told("r9")
    team = commissions.read_team(database, name, "r3")
    assert team.below == {1: 1, 2: 1}
    assert team.earned == {"level": (1, 2 * MICRO)}
    assert_sound(database, name)


def test_what_is_due_on_statement_is_paid_once(database: Database) -> None:
    commission = merged(COMMISSIONS, hold_days=7, mode="statement")
    name = open_program(database, write_toml(merged(ADVERT_B, commission=commission)))
    post(database, name, bound(0, "buyer", "r1"), bought("o1"), bought("o2", "r1"))
    assert commissions.list_payable(database, name, NOW) == [("r1", 3 * MICRO, 0)]
    assert commissions.list_payable(database, name, LATER) == [("r1", 3 * MICRO, 3 * MICRO)]
    paid = {"type": "commission_paid", "member": "r1", "amount": "2.00", "reference": "bank 7"}
    with Writer(database, name) as writer:
        first, second = writer.post([{**paid, "id": "p1"}, {**paid, "id": "p2"}])
    assert first.is_posted
    assert second.refusal is not None
    assert second.refusal.code == "more_than_held"
    assert commissions.list_payable(database, name, LATER) == [("r1", MICRO, MICRO)]
    assert_sound(database, name)


def test_levels_are_given_by_sales_once_and_only_upwards(database: Database) -> None:
    level = {
        "max_depth": 4, "rates": {"1": "0.001", "2": "0.003"}, "period_days": 30,
        "rules": {"1": {"own_spend": "500.00"}, "2": {"team_sales": "2000.00"}},
    }  # fmt: skip
    name = open_program(
        database, write_toml(merged(ADVERT_B, commission={"direct": "0.003", "level": level}))
    )
    post(
        database, name, bound(0, "buyer", "r1"), bought("o1"), bought("o2"), bought("o3", "r1"),
        bought("o4", "late"), {"type": "refund", "id": "f", "order": "o4", "amount": "600.00"},
    )  # fmt: skip
    wanted = {"buyer": ("", "1"), "r1": ("", "2")}
    found = levels.propose(database, name, NOW)
    assert {one.member: (one.before, one.level) for one in found} == wanted
    assert "2000.00" in next(one.reason for one in found if one.member == "r1")
    assert levels.run(database, name, NOW, "cli", only=["buyer"]) == found[:1]
    assert levels.run(database, name, NOW, "cli") == found[1:]
    assert levels.propose(database, name, NOW) == []
    assert levels.propose(database, name, NOW + timedelta(days=40)) == []
    assert_sound(database, name)


def test_levels_are_listed_page_by_page(database: Database) -> None:
    own = {"m2": "2", "m4": "1", "m5": "1"}
    level = {"max_depth": 4, "rates": {"1": "0.001", "2": "0.003"}}
    name = open_program(
        database, write_toml(merged(ADVERT_B, levels=own, commission={"level": level}))
    )
    for member, given in (("m1", "1"), ("m3", "2"), ("m4", "2"), ("m5", "")):
        levels.give(database, name, member, given, "by hand", NOW, "cli")
    wanted = [("m1", "1"), ("m2", "2"), ("m3", "2"), ("m4", "2")]
    assert levels.list_levels(database, name, "", 10) == wanted
    assert levels.list_levels(database, name, "", 2) == wanted[:2]
    assert levels.list_levels(database, name, "m2", 10) == wanted[2:]
    assert_sound(database, name)


def test_a_person_has_one_account_and_a_code_belongs_to_its_program(database: Database) -> None:
    name, other = program(database), program(database)
    post(database, name, bound(0, "buyer", "r1"))
    post(database, other, bound(0, "buyer", "r1"))
    code = invitations.make(database, name, "r1", "", NOW, "cli", token_bytes)
    assert invitations.make(database, name, "r1", "", NOW, "cli", token_bytes) == code
    assert code != invitations.make(database, other, "r1", "", NOW, "cli", token_bytes)
    assert invitations.read(database, name, code).by == "r1"
    for wrong in ("", "1nothing", code[:-1] + ("a" if code[-1] != "a" else "b"), code.upper()):
        with pytest.raises(invitations.UnknownInvitation):
            invitations.read(database, name, wrong)
    with pytest.raises(invitations.UnknownInvitation):
        invitations.read(database, other, code)

    def bind(member: str, phone: str) -> Json:
        verified = {"phone": phone}
        return invitations.binding(
            database, name, code, member, verified, NOW, "cli", token_bytes
        )

    post(database, name, bind("new", "+86 138 0000 0000"))
    with pytest.raises(NotPossible, match="one person has one account"):
        bind("newer", "+8613800000000")
    with pytest.raises(NotPossible, match="cannot be invited by themselves"):
        bind("r1", "+86 139 0000 0000")
    assert bind("new", "+8613800000000")["referrer"] == "r1"
    with database.connect() as tx:
        rows = tx.execute("SELECT encode(hash, 'escape') FROM identity").fetchall()
        tx.execute("INSERT INTO invitation SELECT program_id, '1forged', 'eve', '', now(), 'x'"
                   " FROM invitation WHERE code = %s", [code])  # fmt: skip
        tx.commit()
    assert rows
    assert not any("138" in digest for (digest,) in rows)
    with pytest.raises(invitations.UnknownInvitation):
        invitations.read(database, name, "1forged")


def test_who_is_invited_sees_by_whom_only_if_the_policy_says_so(database: Database) -> None:
    for visible, by in (("yes", "r1"), ("no", "")):
        name = program(database, referral={"visible": visible})
        post(database, name, bound(0, "buyer", "r1"))
        code = invitations.make(database, name, "r1", "", NOW, "cli", token_bytes)
        assert invitations.read(database, name, code).by == by
        assert invitations.bound_by(database, name, "buyer") == (True, by)
        event = invitations.binding(database, name, code, "new", {}, NOW, "cli", token_bytes)
        assert event["referrer"] == "r1", "who it is counts, shown or not"
