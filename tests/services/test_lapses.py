"""Evidence that ends while the policy that needs it is in effect."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.core.refusals import EvidenceExpired
from springtide.services import cash_outs, commissions, controls, profiles, withdrawals
from springtide.services.lapses import tell_of_lapses
from springtide.services.preview import preview
from springtide.services.programs import create_program
from springtide.services.replay import replay_in_memory
from springtide.services.writer import Writer
from springtide.storage.chain import decode
from springtide.storage.database import Database
from springtide.storage.journal_reader import read_entries
from springtide.storage.programs import get_program
from tests.core.history import (
    ADVERT_B,
    bind,
    buy,
    cash_out,
    inject,
    merged,
    pay,
    refund,
    settle,
    step,
    write_toml,
)
from tests.services.histories import assert_sound, change_policy, new_name, put_on_file, written

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LAST = date(2026, 12, 31)
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
HELD = date(2026, 1, 1), LAST
RENEWED = date(2027, 1, 1), date(2027, 12, 31)

EVERYTHING = merged(
    ADVERT_B,
    cap={"multiple": "0.5"},
    commission={"direct": "0.003", "indirect": "0.002", "territory": {"province": "0.003"}},
    agents={"33": "ana"},
)
BEGUN = merged(
    ADVERT_B,
    cash_out={"fee": None, "enabled": False},
    cap={"multiple": "0.5", "payout": "credit"},
    commission={"direct": "0.003"},
)
FEATURES = ("cash_out", "cash_exit", "indirect", "territory")


class Shop:
    """A program under `cash` that uses all of it, and a clock."""

    def __init__(self, database: Database, **policy: object) -> None:
        self.database, self.name, self.now = database, new_name(), NOW
        create_program(database, self.name, write_toml(BEGUN), profile="cash")
        for feature in FEATURES:
            put_on_file(database, self.name, feature, HELD)
        tables = merged(EVERYTHING, **policy)
        change_policy(database, self.name, write_toml(tables), NOW - timedelta(days=7))

    def post(self, *events: Json) -> list[Outcome]:
        with Writer(self.database, self.name, lambda: self.now) as writer:
            return writer.post(events)

    def told(self, *events: Json) -> list[str]:
        return [one.refusal.code if one.refusal else "" for one in self.post(*events)]

    def alarms(self) -> list[tuple[str, str]]:
        rows = controls.list_alarms(self.database, self.name, 0, 100)
        return [(row.kind, row.detail.split()[0]) for row in rows]

    def tell(self, at: datetime) -> int:
        return tell_of_lapses(self.database, at).get(self.name, 0)

    def journal(self) -> list[Json]:
        with self.database.snapshot() as tx:
            rows = read_entries(tx, get_program(tx, self.name))
            return [decode(row.columns[5]) for row in rows if row.seq]


@pytest.fixture(scope="module")
def database(quiet_dsn: str) -> Database:
    """Of these tests alone: who tells of lapses looks at every program."""
    return Database(quiet_dsn)


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    shop = Shop(database)
    region = {"region": "33"}
    assert shop.told(
        bind("b1", "m0", "m9"), buy("o1", "m1", 10**9, referrer="m0", **region),
        pay(buy("p1", "m1", 10**9, **region)), pay(buy("p2", "m1", 10**9)),
        cash_out("x1", "m1", 10**9), buy("o2", "m2", 10**7),
    ) == [""] * 6  # fmt: skip
    yield shop
    assert_sound(database, shop.name)


def commissions_of(outcome: Outcome) -> list[str]:
    rows = outcome.receipt["commissions"]
    assert isinstance(rows, Sequence)
    return [row["kind"] for row in rows]


def test_a_feature_stops_with_its_evidence_and_goes_on_with_new(shop: Shop) -> None:
    shop.now = AFTER - timedelta(seconds=1)
    assert shop.told(cash_out("x2", "m1", 10**9), buy("o3", "m2", 10**7)) == ["", ""]
    shop.now = AFTER
    [order, paid, cash] = shop.post(
        buy("o4", "m2", 10**7), pay(buy("p4", "m2", 10**7)), cash_out("x4", "m1", 10**9)
    )
    for outcome, feature in ((order, "cash_exit"), (paid, "cash_exit"), (cash, "cash_out")):
        assert outcome.refusal is not None
        assert outcome.refusal.code == "evidence_expired"
        assert str(outcome.refusal).startswith(f"{feature} (")
        assert "L-17 held until 2026-12-31; record one with" in str(outcome.refusal)
    looked, _ = preview(shop.database, shop.name, cash_out("?", "m1", 10**9), shop.now)
    assert str(looked.refusal) == str(cash.refusal)

    put_on_file(shop.database, shop.name, "cash_out", RENEWED)
    assert shop.told(cash_out("x4", "m1", 10**9)) == [""]
    put_on_file(shop.database, shop.name, "cash_exit", RENEWED, ["licence"])
    assert shop.told(buy("o4", "m2", 10**7)) == ["evidence_expired"], "both kinds are needed"
    put_on_file(shop.database, shop.name, "cash_exit", RENEWED, ["opinion"])
    assert shop.told(buy("o4", "m2", 10**7), pay(buy("p4", "m2", 10**7))) == ["", ""]


def test_what_is_owed_goes_on_and_what_was_posted_stays(shop: Shop) -> None:
    before = written(replay_in_memory(write_toml(EVERYTHING), shop.journal()[1:]))
    shop.now = AFTER
    [settled, refunded, part, exits] = shop.post(
        settle("s1", "p1"), refund("r2", "p2"), refund("r1", "o1", 10**7), inject("i1", 10**10)
    )
    assert refunded.refusal is part.refusal is None
    assert commissions_of(settled) == ["direct"]
    assert "'lot': 'o2'" in str(exits.receipt["exits"])
    wish = {"id": "w1", "member": "m1", "amount": "1.00"}
    with Writer(shop.database, shop.name, lambda: shop.now) as writer:
        asked = withdrawals.ask(
            shop.database, shop.name, writer.post, wish, by="key:k", now=shop.now
        )
    assert asked.refusal is None
    assert shop.told(
        step("a1", "w1", "under_review"), step("a2", "w1", "approved"),
        step("a3", "w1", "sent"), step("a4", "w1", "settled"),
    ) == [""] * 4  # fmt: skip
    after = written(replay_in_memory(write_toml(EVERYTHING), shop.journal()[1:]))
    assert after[: len(before)] == before


def test_commissions_without_evidence_are_part_of_the_rest_and_the_journal_says_so(
    shop: Shop,
) -> None:
    shop.now = AFTER
    put_on_file(shop.database, shop.name, "cash_exit", RENEWED)
    order = buy("o5", "m1", 10**9, region="33")
    [first] = shop.post(order)
    assert commissions_of(first) == ["direct"]
    assert shop.journal()[-1]["commissions"] == "without indirect, territory"
    for feature in ("indirect", "territory"):
        put_on_file(shop.database, shop.name, feature, RENEWED)
    [again, second] = shop.post(order, {**order, "id": "o6"})
    assert (again.is_posted, written([again.receipt])) == (False, written([first.receipt]))
    assert commissions_of(second) == ["direct", "indirect", "territory"]
    assert "commissions" not in shop.journal()[-1]
    why = commissions.why(shop.database, shop.name, "o5", "", shop.now)
    assert [(one.earned.kind, one.earned.member) for one in why] == [("direct", "m0")]


def test_a_revoked_document_stops_at_once_and_nobody_is_appointed(shop: Shop) -> None:
    appoint = {"type": "appoint", "id": "a1", "contract": "k1", "member": "bo", "region": "44"}
    documents = profiles.list_evidence(shop.database, shop.name)
    for row in documents:
        if (row.feature, row.kind) == ("territory", "opinion"):
            profiles.revoke_evidence(shop.database, shop.name, row.id, "cli:ben", NOW)
    assert shop.told(appoint) == ["evidence_expired"]
    [order] = shop.post(buy("o5", "m1", 10**9, region="33"))
    assert commissions_of(order) == ["direct", "indirect"]
    put_on_file(shop.database, shop.name, "territory", HELD)
    assert shop.told(appoint) == [""]


def test_operators_are_told_once_each_time(shop: Shop) -> None:
    put_on_file(shop.database, shop.name, "indirect", RENEWED)
    told = []
    for days in (-31, -30, -29, -7, -6, 0, 1, 2):
        at = datetime(2026, 12, 31, 12, tzinfo=UTC) + timedelta(days=days)
        told.append(shop.tell(at))
        assert shop.tell(at) == 0
    assert told == [0, 3, 0, 3, 0, 0, 3, 0]
    three = ["cash_out", "cash_exit", "territory"]
    kinds = ("evidence_30", "evidence_7", "evidence_expired")
    assert shop.alarms() == [(kind, feature) for kind in kinds for feature in three]
    rows = controls.list_alarms(shop.database, shop.name, 0, 100)
    assert {row.day for row in rows} == {LAST}
    assert "stops after 2026-12-31, the last day of its evidence" in rows[0].detail
    assert "L-17 held until 2026-12-31" in rows[-1].detail
    put_on_file(shop.database, shop.name, "cash_out", RENEWED)
    assert shop.tell(AFTER) == 0
    later = datetime(2027, 12, 31, tzinfo=UTC)
    assert shop.tell(later) == 2, "it ends again, and so does indirect"


def test_requests_for_the_day_wait_until_there_is_new_evidence(database: Database) -> None:
    shop = Shop(database, cash_out={"execution": "daily"})
    assert shop.told(buy("o1", "m1", 10**9)) == [""]
    wish = {"id": "q1", "member": "m1", "points": "5"}
    cash_outs.ask(database, shop.name, wish, "key:k", AFTER)
    then = AFTER + timedelta(days=2)
    with pytest.raises(EvidenceExpired, match="L-17 held until 2026-12-31"):
        cash_outs.run(database, shop.name, "cli", then)
    put_on_file(database, shop.name, "cash_out", RENEWED)
    [paid] = cash_outs.run(database, shop.name, "cli", then)
    assert (paid.paid, paid.left_out) == (1, 0)
    assert_sound(database, shop.name)


def test_an_order_under_an_earlier_policy_is_settled_without_what_lapsed(shop: Shop) -> None:
    """The policy in effect has no territory any more; the order that was paid has."""
    tables = merged(EVERYTHING, commission={"territory": None}, agents=None)
    change_policy(shop.database, shop.name, write_toml(tables), NOW)
    shop.now = AFTER
    put_on_file(shop.database, shop.name, "indirect", RENEWED)
    [settled] = shop.post(settle("s1", "p1"))
    assert commissions_of(settled) == ["direct", "indirect"]
    assert shop.journal()[-1]["commissions"] == "without territory"


def test_a_profile_that_needs_no_evidence_looks_for_none(database: Database) -> None:
    name = new_name()
    create_program(database, name, write_toml(EVERYTHING), profile="demo")
    with Writer(database, name, lambda: AFTER) as writer:
        outcomes = writer.post([buy("o1", "m1", 10**9), cash_out("x1", "m1")])
    assert [one.refusal for one in outcomes] == [None, None]
    assert name not in tell_of_lapses(database, AFTER)
    assert controls.list_alarms(database, name, 0, 10) == []
