"""Wallets that are spent and withdrawn, over the real database."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Barrier
from typing import Any

import psycopg
import pytest

import springtide.services.writer as writing
from springtide.core.event_fields import Json
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome, fold
from springtide.core.refusals import OwnWithdrawal, Refusal, UnknownWithdrawal, WrongState
from springtide.core.state import open_state
from springtide.core.withdrawal import NEXT, STATES
from springtide.services.audit import LOTS, audit
from springtide.services.preview import preview
from springtide.services.reports import read_statement
from springtide.services.withdrawals import (
    ask,
    list_withdrawals,
    read_withdrawal,
    take_step,
)
from springtide.services.writer import Writer
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from springtide.storage.programs import get_program
from tests.core.history import (
    ADVERT_B,
    buy,
    cash_out,
    merged,
    refund,
    settle,
    step,
    withdraw,
    write_toml,
)
from tests.services.histories import assert_sound, cut, open_program, written

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
POLICY = write_toml(
    merged(
        ADVERT_B,
        commission={"direct": "0.003"},
        withdrawal={
            "fee": "0.01", "minimum": "1.00", "daily_limit": "60.00",
            "four_eyes_above": "20.00",
        },
    )
)  # fmt: skip
HELD = 56_991_150
"""What the wallet of m1 holds after these."""
BEFORE = (buy("o1", "m1", 1000 * 10**6), cash_out("x1", "m1", 50 * 10**9))


@pytest.fixture
def program(database: Database) -> str:
    """A program in which m1 has cash."""
    name = open_program(database, POLICY)
    post(database, name, BEFORE)
    return name


@pytest.fixture
def writer(database: Database, program: str) -> Iterator[Writer]:
    with Writer(database, program) as writer:
        yield writer


def post(database: Database, name: str, events: Sequence[Json]) -> None:
    with Writer(database, name) as writer:
        assert [one.refusal for one in writer.post(events)] == [None] * len(events)


def code(outcome: Outcome) -> str:
    return outcome.refusal.code if outcome.refusal else ""


def wishes(id_: str, amount: str, member: str = "m1") -> Json:
    return {"id": id_, "member": member, "amount": amount}


def test_more_than_a_wallet_holds_is_refused_within_a_batch_and_after_it(
    database: Database, program: str, writer: Writer
) -> None:
    spend = {"wallet": "30.00"}
    batches = [
        [buy("o2", "m1", 10**8, **spend), buy("o3", "m1", 10**8, **spend)],
        [withdraw("w1", "m1", 20 * 10**6), withdraw("w2", "m1", 6_991_000 + 10_000)],
        [buy("o4", "m1", 10**8, wallet="6.991151"), buy("o5", "m1", 10**8, wallet="6.99115")],
        [refund("r2", "o2"), withdraw("w3", "m1", 30 * 10**6)],
    ]
    told = [[code(outcome) for outcome in writer.post(batch)] for batch in batches]
    lacking = "insufficient_funds"
    assert told == [["", lacking], ["", lacking], [lacking, ""], ["", ""]]
    refused, _ = preview(database, program, buy("o6", "m1", 10**8, wallet="0.000001"), NOW)
    assert code(refused) == lacking
    assert "holds 0.000000" in str(refused.refusal)
    assert_sound(database, program)


def test_a_wallet_below_zero_pays_for_nothing(database: Database, program: str) -> None:
    post(database, program, [
        buy("o2", "m2", 100 * 10**6, referrer="m0"),
        buy("o3", "m2", 1_000 * 10**6),
        buy("o4", "m0", 10**7, wallet="3.30"),
        refund("r3", "o3"),
    ])  # fmt: skip
    with Writer(database, program) as writer:
        [outcome] = writer.post([buy("o5", "m0", 10**7, wallet="0.10")])
    assert "holds -3.000000" in str(outcome.refusal)
    assert_sound(database, program)


class Lives:
    """Members with cash who spend and withdraw; others decide, now and then wrongly."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._state = open_state(read_policy(POLICY))
        self.events: list[Json] = []
        self.outcomes: list[Outcome] = []
        for number in range(4):
            self._tell(buy(f"o{number}", f"m{number}", 10**9))
            self._tell(cash_out(f"x{number}", f"m{number}", 40 * 10**9))
        for number in range(250):
            kind = random.choice(["spend", "withdraw", *["step"] * 4, "refund"])
            self._tell(getattr(self, f"_{kind}")(f"e{number}"))

    def _tell(self, event: Json) -> None:
        self.events.append(event)
        self.outcomes.append(fold(self._state, event))

    def _withdraw(self, id_: str) -> Json:
        wish = withdraw(id_, f"m{self._random.randrange(4)}", self._random.randrange(10**7 * 3))
        day = f"2026-02-0{1 + len(self.events) // 60}T23:59:59Z"
        return {**wish, "at": day, "by": f"staff:{self._random.choice('abc')}"}

    def _step(self, id_: str) -> Json:
        rows = list(self._state.withdrawals.values())
        row = self._random.choice([row for row in rows if row.state in NEXT] or rows or [None])
        if row is None:
            return step(id_, "nobody asked", "approved")
        usual = NEXT.get(row.state, STATES[1:])
        wrong = self._random.random() < 0.2
        to = self._random.choice(STATES[1:] if wrong else (usual[0],) * 3 + usual)
        return step(id_, row.id, to, f"staff:{self._random.choice('abc')}")

    def _spend(self, id_: str) -> Json:
        wallet = f"{self._random.randrange(1, 1000)}.000001"[-8:]
        order = buy(id_, f"m{self._random.randrange(4)}", 10**8, wallet=wallet)
        return {**order, "type": "pay"} if self._random.random() < 0.3 else order

    def _refund(self, id_: str) -> Json:
        orders = [str(event["id"]) for event in self.events if "wallet" in event] or ["o1"]
        micro = self._random.choice([None, 10**6, 333_333])
        paid = self._random.choice(orders)
        return settle(id_, paid) if micro == 10**6 else refund(id_, paid, micro)


@pytest.mark.parametrize("seed", range(3))
def test_lives_of_wallets_come_out_equal_in_memory_and_in_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = Random(seed)
    lives = Lives(random)
    monkeypatch.setattr(writing, "SLICE", (1, 8, 1_000)[seed])
    name = open_program(database, POLICY)
    outcomes: list[Outcome] = []
    for batch in cut(lives.events, [random.randrange(1, 40) for _ in range(8)]):
        with Writer(database, name) as writer:  # that knows nothing of those before
            outcomes += writer.post(batch)
    assert receipts(outcomes) == receipts(lives.outcomes)
    done = Counter((one.receipt["type"], code(one)) for one in outcomes)
    assert done["withdraw", ""] > 10
    assert done["withdraw_move", ""] > 10
    assert done["withdraw_return", ""] > 2
    assert done["withdraw_settle", ""] > 2
    assert done["purchase", ""] > 8
    assert_sound(database, name)


def receipts(outcomes: Sequence[Outcome]) -> list[str]:
    return written([outcome.receipt for outcome in outcomes])


def at_once(count: int, do: Any) -> list[Any]:
    """What `do` gives to so many threads that all begin together."""
    ready = Barrier(count)

    def one(number: int) -> Any:
        ready.wait()
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_eight_withdrawals_of_all_that_a_wallet_holds_pay_once(
    database: Database, program: str
) -> None:
    def withdraw_all(number: int) -> str:
        with Writer(database, program) as writer:
            wish = wishes(f"w{number}", "56.99")
            return code(ask(database, program, writer.post, wish, by="key:k", now=NOW))

    codes = Counter(at_once(8, withdraw_all))
    assert codes == {"": 1, "insufficient_funds": 7}
    [row] = list_withdrawals(database, program, after=0, most=10)
    assert row.amount_micro == 56_990_000
    assert read_statement(database, program, "m1").wallet_micro == HELD - row.amount_micro
    assert_sound(database, program)


def test_eight_at_once_do_not_pass_the_limit_of_a_day(database: Database, program: str) -> None:
    post(database, program, [cash_out("x2", "m1", 60 * 10**9)])

    def withdraw_some(number: int) -> str:
        with Writer(database, program) as writer:
            wish = wishes(f"w{number}", "14.00")
            return code(ask(database, program, writer.post, wish, by="key:k", now=NOW))

    codes = Counter(at_once(8, withdraw_some))
    assert codes == {"": 4, "daily_limit": 4}
    with Writer(database, program) as writer:
        tomorrow = NOW + timedelta(days=1)
        wish = wishes("w9", "14.00")
        assert not code(ask(database, program, writer.post, wish, by="key:k", now=tomorrow))


def test_a_wish_that_comes_again_later_gets_the_first_answer(
    database: Database, program: str, writer: Writer
) -> None:
    def again(by: str = "key:k", **changes: str) -> Outcome:
        later = NOW + timedelta(hours=len(told))
        wish = {**wishes("w1", "20.00"), **changes}
        return ask(database, program, writer.post, wish, by=by, now=later)

    told: list[Outcome] = []
    for _ in range(3):
        told.append(again())
    assert [one.is_posted for one in told] == [True, False, False]
    assert written([one.receipt for one in told[1:]]) == written([told[0].receipt] * 2)
    for other in (again(amount="20.01"), again(member="m2"), again(by="key:other")):
        assert code(other) == "id_reused"
    assert code(again(id="o1")) == "id_reused"
    assert len(list_withdrawals(database, program, after=0, most=10)) == 1


def test_two_people_approve_a_large_one_and_each_step_is_logged(
    database: Database, program: str, writer: Writer
) -> None:
    ask(database, program, writer.post, wishes("w1", "20.01"), by="key:k", now=NOW)

    def decide(to: str, by: str, why: str = "") -> str:
        row, _ = take_step(
            database, program, writer.post, "w1", to, by=by, now=NOW, why=why
        )  # fmt: skip
        return row.state

    with pytest.raises(OwnWithdrawal, match="somebody else must approve it"):
        decide("approved", "key:k")
    assert read_withdrawal(database, program, "w1")[0].state == "requested"
    assert decide("approved", "staff:ana", "looks right") == "under_review"
    with pytest.raises(Refusal, match="another person must approve it too"):
        decide("approved", "staff:ana")
    assert decide("approved", "staff:bo") == "approved"
    row, steps = read_withdrawal(database, program, "w1")
    assert row.approved_by == ("staff:ana", "staff:bo")
    assert [(one.number, one.actor, one.to_state, one.why) for one in steps] == [
        (2, "staff:ana", "under_review", "looks right"),
        (3, "staff:ana", "under_review", "looks right"),
        (4, "staff:bo", "approved", ""),
    ]
    with database.snapshot() as tx:
        acts = list_acts(tx, get_program(tx, program).id, limit=10, subject="w1")
    assert [(act.actor, act.what) for act in reversed(acts)] == [
        (one.actor, f"withdrawal.{one.to_state}") for one in steps
    ]
    assert acts[0].before == {"state": "under_review"}
    assert acts[0].after == {"state": "approved", "why": ""}
    assert_sound(database, program)


def test_of_eight_who_decide_at_once_one_does(
    database: Database, program: str, writer: Writer
) -> None:
    ask(database, program, writer.post, wishes("w1", "20.00"), by="key:k", now=NOW)

    def decide(number: int) -> str:
        to = ("rejected", "cancelled", "approved", "approved")[number % 4]
        with Writer(database, program) as mine:
            try:
                by = f"staff:{number}"
                take_step(database, program, mine.post, "w1", to, by=by, now=NOW)
            except WrongState:
                return ""
        return to

    done = [to for to in at_once(8, decide) if to]
    row, steps = read_withdrawal(database, program, "w1")
    assert row.state in done
    assert done[-1:] == [row.state] or set(done) == {"approved", "rejected"}
    assert [one.number for one in steps] == list(range(2, len(steps) + 2))
    assert_sound(database, program)


def test_what_nobody_asked_for_is_not_there(
    database: Database, program: str, writer: Writer
) -> None:
    with pytest.raises(UnknownWithdrawal, match="see `springtide withdrawal list"):
        take_step(database, program, writer.post, "w9", "approved", by="cli", now=NOW)


def test_a_statement_names_the_withdrawal(database: Database, program: str) -> None:
    post(database, program, [
        withdraw("w1", "m1", 20 * 10**6), step("s1", "w1", "cancelled"),
        buy("o2", "m1", 10**7, wallet="5.00"), refund("r2", "o2"),
    ])  # fmt: skip
    lines = read_statement(database, program, "m1").lines
    told = [(one.id, one.cause, one.change) for one in lines if one.unit == "wallet"]
    assert told[1:] == [
        ("w1", "withdraw", -20 * 10**6), ("w1", "withdraw_return", 20 * 10**6),
        ("o2", "spend", -5 * 10**6), ("r2", "refund", 5 * 10**6),
    ]  # fmt: skip


TAMPERED = {
    "a state": "UPDATE withdrawal SET state = 'settled' WHERE program_id = {id}",
    "an amount": "UPDATE withdrawal SET amount = amount + 1 WHERE program_id = {id}",
    "who asked": "UPDATE withdrawal SET asked_by = 'x' WHERE program_id = {id}",
    "a withdrawal": (
        "WITH acts AS (DELETE FROM withdrawal_act WHERE program_id = {id})"
        " DELETE FROM withdrawal WHERE program_id = {id}"
    ),
    "an act": "DELETE FROM withdrawal_act WHERE program_id = {id} AND number = 3",
    "who approved": "UPDATE withdrawal_act SET actor = 'x' WHERE program_id = {id}",
    "when": "UPDATE withdrawal_act SET at = at + interval '1s' WHERE program_id = {id}",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_the_audit_finds_what_was_tampered_with(
    database: Database, program: str, admin: psycopg.Connection, what: str
) -> None:
    post(database, program, [
        withdraw("w1", "m1", 20 * 10**6),
        step("s1", "w1", "under_review"), step("s2", "w1", "approved"),
    ])  # fmt: skip
    assert_sound(database, program)
    with database.snapshot() as tx:
        id_ = get_program(tx, program).id
    admin.execute(TAMPERED[what].format(id=id_).encode())
    broken = [finding for finding in audit(database, program).findings if finding.broken_by]
    assert [finding.law for finding in broken] == [LOTS]
    assert set(broken[0].broken_by) <= {"the withdrawals", "the steps of withdrawals"}
