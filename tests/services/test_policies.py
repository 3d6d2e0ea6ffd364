"""A policy changes: drafted by one, approved by another, in effect after the notice."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from springtide.core.event_fields import Json
from springtide.core.policy import PolicyError
from springtide.core.policy_file import read_policy
from springtide.core.reducer import fold
from springtide.core.refusals import InvalidEvent
from springtide.core.state import open_state
from springtide.services import policies
from springtide.services.listing import read_entry, read_program
from springtide.services.policies import Draft, DraftState, FourEyes, UnknownDraft
from springtide.services.settling import due_settlements, settle_due
from springtide.services.writer import Writer
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from springtide.storage.programs import get_program
from tests.core.history import ADVERT_B, buy, cash_out, merged, pay, refund, write_toml
from tests.services.histories import HISTORIES, assert_sound, cut, open_program, written
from tests.services.histories import policies as some_policies

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY = timedelta(days=1)

FIRST = merged(ADVERT_B, orders={"settle_after": "7d"}, policy={"notice_days": 7})
SECOND = merged(
    FIRST,
    split={"take_rate": "0.50"},
    cash_out={"fee": "0.10"},
    orders={"settle_after": "1d"},
    policy={"notice_days": 14},
)
ONE, TWO = write_toml(FIRST), write_toml(SECOND)


@pytest.fixture
def shop(database: Database) -> str:
    """A program whose policy wants a week of notice."""
    return open_program(database, ONE)


def drafted(database: Database, name: str, toml: str = TWO, now: datetime = NOW) -> int:
    """A submitted draft."""
    number = policies.create_draft(database, name, toml, "cli:ana", now).number
    policies.submit(database, name, number, "cli:ana", now)
    return number


def scheduled(database: Database, name: str, toml: str = TWO, now: datetime = NOW) -> Draft:
    """A draft that somebody else approved."""
    number = drafted(database, name, toml, now)
    return policies.approve(database, name, number, "cli:ben", now)


def post(database: Database, name: str, *events: Json) -> list[dict[str, Any]]:
    with Writer(database, name) as writer:
        outcomes = writer.post(events)
    assert all(outcome.refusal is None for outcome in outcomes)
    return [dict(outcome.receipt) for outcome in outcomes]


def version_of(database: Database, name: str, order: str) -> int:
    row = read_entry(database, name, ["purchase", "pay"], order)
    assert row is not None
    return row.policy_version


def test_orders_before_during_and_after_the_notice(database: Database, shop: str) -> None:
    post(database, shop, buy("bought-before", "m1", 10**9), pay(buy("before", "m1", 10**9)))
    draft = scheduled(database, shop)
    assert draft.effective_at == NOW + 7 * DAY, (
        "the notice of the version in effect, not its own"
    )
    post(database, shop, pay(buy("during", "m2", 10**9)))
    for early in (NOW, NOW + 7 * DAY - timedelta(microseconds=1)):
        assert policies.put_due_in_effect(database, early).get(shop) is None
        assert read_program(database, shop)[0].policy_version == 1
    assert policies.put_due_in_effect(database, NOW + 7 * DAY)[shop] == 2
    assert policies.put_in_effect(database, shop, NOW + 8 * DAY) is None, "once is all"
    post(database, shop, pay(buy("after", "m3", 10**9)))
    versions = [version_of(database, shop, order) for order in ("before", "during", "after")]
    assert versions == [1, 1, 2]

    paid = datetime.now(UTC)
    due = [event["order"] for event in due_settlements(database, shop, paid + 2 * DAY)]
    assert due == ["after"], "each waits as long as its own policy says"
    assert settle_due(database, shop, paid + 8 * DAY) == 3
    shares = {}
    for order in ("before", "during", "after"):
        row = read_entry(database, shop, ["pay"], order)
        assert row is not None
        assert row.settled_receipt is not None
        shares[order] = '"merchant":800000000' in row.settled_receipt
    assert shares == {"before": True, "during": True, "after": False}

    [cashed] = post(database, shop, cash_out("x1", "m1", 10**9))
    assert cashed["net"] == cashed["gross"] * 9 // 10, "points go by the policy in effect"
    [back] = post(database, shop, refund("r1", "bought-before"))
    assert back["burned"] > 0
    post(database, shop, refund("r2", "before", 10**8), refund("r3", "after"))
    assert_sound(database, shop)
    with database.snapshot() as tx:
        acts = list_acts(tx, get_program(tx, shop).id, limit=10)
    assert [(act.what, act.actor) for act in reversed(acts)] == [
        ("program.create", "cli"), ("policy.draft", "cli:ana"), ("policy.submit", "cli:ana"),
        ("policy.approve", "cli:ben"), ("policy.effect", "system"), ("settle.run", "cli"),
    ]  # fmt: skip
    assert acts[1].before == {**(acts[1].after or {}), "state": "scheduled"}


def test_the_second_change_waits_for_the_notice_of_the_second(
    database: Database, shop: str
) -> None:
    scheduled(database, shop)
    assert policies.put_in_effect(database, shop, NOW + 30 * DAY) == 2
    third = write_toml(merged(SECOND, cash_out={"fee": "0.05"}))
    later = NOW + 31 * DAY
    assert scheduled(database, shop, third, later).effective_at == later + 14 * DAY
    assert policies.put_in_effect(database, shop, later + 14 * DAY) == 3
    assert [policies.get_version(database, shop, number) for number in (1, 2, 3, None)] == [
        (1, ONE), (2, TWO), (3, third), (3, third),
    ]  # fmt: skip
    assert_sound(database, shop)


def test_whoever_made_a_draft_does_not_approve_it(database: Database, shop: str) -> None:
    number = drafted(database, shop)
    with pytest.raises(FourEyes, match="cli:ana made draft 1; somebody else must approve it"):
        policies.approve(database, shop, number, "cli:ana", NOW)
    assert policies.get_draft(database, shop, number).state == "submitted"
    assert policies.approve(database, shop, number, "cli:ben", NOW).state == "scheduled"


def test_a_day_within_the_notice_is_refused(database: Database, shop: str) -> None:
    number = drafted(database, shop)
    for early in (NOW, NOW + 7 * DAY - timedelta(seconds=1)):
        with pytest.raises(DraftState, match="wants 7 days of notice, so give 2026-11-29T09"):
            policies.approve(database, shop, number, "cli:ben", NOW, early)
    later = policies.approve(database, shop, number, "cli:ben", NOW, NOW + 60 * DAY)
    assert later.effective_at == NOW + 60 * DAY
    assert policies.put_in_effect(database, shop, NOW + 59 * DAY) is None


Step = Callable[[Database, str, int], Draft]

STEPS: dict[str, Step] = {
    "submit": lambda db, name, number: policies.submit(db, name, number, "cli:ana", NOW),
    "approve": lambda db, name, number: policies.approve(db, name, number, "cli:ben", NOW),
    "reject": lambda db, name, number: policies.reject(db, name, number, "cli:ben", NOW, "no"),
    "withdraw": lambda db, name, number: policies.withdraw(db, name, number, "cli:ana", NOW),
}

WAYS = {
    (): {"submit", "withdraw"},
    ("submit",): {"approve", "reject", "withdraw"},
    ("submit", "approve"): {"reject", "withdraw"},
    ("submit", "reject"): set(),
    ("submit", "withdraw"): set(),
    ("withdraw",): set(),
    ("submit", "approve", "withdraw"): set(),
}
"""What can be done with a draft after which steps."""


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_draft_goes_one_way(database: Database, way: tuple[str, ...]) -> None:
    for step in STEPS:
        name = open_program(database, ONE)
        number = policies.create_draft(database, name, TWO, "cli:ana", NOW).number
        for earlier in way:
            STEPS[earlier](database, name, number)
        if step in WAYS[way]:
            STEPS[step](database, name, number)
        else:
            with pytest.raises(DraftState, match="draft 1 is "):
                STEPS[step](database, name, number)
    with pytest.raises(UnknownDraft):
        STEPS["submit"](database, name, 2)


def test_one_change_at_a_time(database: Database, shop: str) -> None:
    first, second = drafted(database, shop), drafted(database, shop)
    policies.approve(database, shop, first, "cli:ben", NOW)
    with pytest.raises(DraftState, match="draft 1 is approved already; withdraw it"):
        policies.approve(database, shop, second, "cli:ben", NOW)
    assert policies.put_in_effect(database, shop, NOW + 7 * DAY) == 2
    with pytest.raises(DraftState, match="made against version 1, and version 2 is in effect"):
        policies.approve(database, shop, second, "cli:ben", NOW + 8 * DAY)


def test_what_cannot_change_is_refused_when_it_is_drafted(
    database: Database, shop: str
) -> None:
    other = write_toml(merged(FIRST, points={"start_price": "0.50"}))
    with pytest.raises(PolicyError, match=r"points\.start_price cannot change while"):
        policies.create_draft(database, shop, other, "cli:ana", NOW)
    with pytest.raises(PolicyError, match="it says the same as version 1; change something"):
        policies.create_draft(database, shop, ONE + "\n# a remark", "cli:ana", NOW)
    with pytest.raises(PolicyError, match="not text that can be stored"):
        policies.create_draft(database, shop, ONE + "\n# \ud800", "cli:ana", NOW)
    assert policies.list_drafts(database, shop) == []


def test_nobody_posts_a_policy(database: Database, shop: str) -> None:
    event = {"type": "policy", "id": "p2", "version": 2, "toml": TWO}
    with Writer(database, shop) as writer:
        [outcome] = writer.post([event])
    assert isinstance(outcome.refusal, InvalidEvent)
    assert read_program(database, shop)[0].policy_version == 1


BY_HAND = {
    "a version that nobody drafted": (
        "no approved draft is version 2",
        ("INSERT INTO policy (program_id, version, toml) VALUES ({id}, 2, 'x')"),
    ),
    "another text than was approved": (
        "no approved draft is version 2",
        (
            "INSERT INTO policy (program_id, version, toml) SELECT {id}, 2, toml || ' '"
            " FROM policy_draft WHERE program_id = {id} AND state = 'scheduled'"
        ),
    ),
    "a program without the version": (
        "version 2 of the policy cannot follow 1",
        "UPDATE program SET policy_version = 2 WHERE id = {id}",
    ),
    "an approval by the maker": (
        "policy_draft_four_eyes",
        (
            "UPDATE policy_draft SET state = 'scheduled', approved_by = made_by,"
            " approved_at = made_at, effective_at = made_at + '7 days' "
            "WHERE program_id = {id} AND number = 2"
        ),
    ),
    "an approval by nobody": (
        "policy_draft_approved",
        ("UPDATE policy_draft SET state = 'scheduled' WHERE program_id = {id} AND number = 2"),
    ),
    "a day within the notice": (
        "the notice is 7 days",
        (
            "UPDATE policy_draft SET state = 'scheduled', approved_by = 'cli:ben',"
            " approved_at = made_at, effective_at = made_at + '7 days' - interval '1 second'"
            " WHERE program_id = {id} AND number = 2"
        ),
    ),
    "a draft that was never submitted": (
        "a draft draft cannot become scheduled",
        (
            "UPDATE policy_draft SET state = 'scheduled', approved_by = 'cli:ben',"
            " approved_at = made_at, effective_at = made_at + '7 days'"
            " WHERE program_id = {id} AND number = 3"
        ),
    ),
    "a draft in effect before its day": (
        "policy_draft_not_early",
        (
            "UPDATE policy_draft SET state = 'in_effect', closed_by = 'system',"
            " closed_at = effective_at - interval '1 second'"
            " WHERE program_id = {id} AND number = 1"
        ),
    ),
    "a day moved after the approval": (
        "an approval is never changed",
        (
            "UPDATE policy_draft SET state = 'in_effect', closed_by = 'system',"
            " closed_at = effective_at + '1 day', effective_at = effective_at + '1 day'"
            " WHERE program_id = {id} AND number = 1"
        ),
    ),
    "a draft that begins approved": (
        "a policy begins as a draft",
        (
            "INSERT INTO policy_draft (program_id, number, base_version, toml, state, made_by,"
            " made_at) VALUES ({id}, 9, 1, 'x', 'submitted', 'cli:ana', now())"
        ),
    ),
}


@pytest.fixture(scope="module")
def waiting(database: Database) -> int:
    """A program with a scheduled, a submitted and a new draft."""
    name = open_program(database, ONE)
    scheduled(database, name)
    drafted(database, name)
    policies.create_draft(database, name, TWO, "cli:ana", NOW)
    return read_program(database, name)[0].id


@pytest.mark.parametrize("what", BY_HAND)
def test_the_database_refuses(database: Database, waiting: int, what: str) -> None:
    with database.connect() as tx:
        says, statement = BY_HAND[what]
        with pytest.raises(errors.CheckViolation, match=says):
            tx.execute(statement.format(id=waiting).encode())
        tx.rollback()


@pytest.mark.parametrize(
    "change",
    ["toml = ''", "made_by = 'x'", "base_version = 2", "number = 7", "made_at = now()"],
)
def test_what_a_draft_says_never_changes(database: Database, waiting: int, change: str) -> None:
    statement = f"UPDATE policy_draft SET {change} WHERE program_id = {waiting}"
    with database.connect() as tx, pytest.raises(errors.InsufficientPrivilege):
        tx.execute(statement.encode())


TAMPERINGS = {
    "the text of a version": "UPDATE policy SET toml = toml || ' ' WHERE program_id = {id}",
    "the version of the program": "UPDATE program SET policy_version = 1 WHERE id = {id}",
    "the version of an order": (
        "UPDATE entry SET policy_version = 2 WHERE program_id = {id} AND id = 'o1'"
    ),
    "the text in the journal": (
        "UPDATE entry SET event = replace(event, '0.50', '0.40')"
        " WHERE program_id = {id} AND kind = 'policy'"
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_the_audit_sees_whoever_changes_a_policy_afterwards(
    database: Database, shop: str, admin: psycopg.Connection, what: str
) -> None:
    post(database, shop, buy("o1", "m1", 10**9))
    scheduled(database, shop)
    policies.put_in_effect(database, shop, NOW + 7 * DAY)
    post(database, shop, buy("o2", "m1", 10**9))
    assert_sound(database, shop)
    program = read_program(database, shop)[0].id
    admin.execute(TAMPERINGS[what].format(id=program).encode())
    with pytest.raises(AssertionError):
        assert_sound(database, shop)


def changed(toml: str, number: int) -> str:
    """A policy that may follow this one: other shares, fees, bearer, cap and commissions."""
    running = tomllib.loads(toml)
    rates = ["0.50", "1", "0.75", "0.60"]
    changes: dict[str, Any] = {
        "split": {"take_rate": rates[number % 4]},
        "points": {"grant_ratio": ["0.50", "0.90"][number % 2]},
        "cash_out": {"fee": ["0.10", "0.30", "0.000001"][number % 3]},
        "refund": {"bearer": ["platform", "merchant"][number % 2]},
        "orders": {"settle_after": f"{number + 1}d"},
    }
    if "cap" in running:
        changes["cap"] = {
            "multiple": ["2", "0.5", "0.1"][number % 3],
            "payout": ["credit", "cash"][number % 2],
        }
    return write_toml(merged(running, **changes))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    toml=some_policies(), events=HISTORIES, seed=st.integers(0, 11), first=st.integers(0, 60)
)
def test_memory_database_and_audit_agree_across_changes(
    database: Database, toml: str, events: list[Json], seed: int, first: int
) -> None:
    name, state = open_program(database, toml), open_state(read_policy(toml))
    told, posted = [], []
    for number, part in enumerate(cut(events, [first, 20])):
        with Writer(database, name) as writer:
            posted += [outcome.receipt for outcome in writer.post(part)]
        told += [fold(state, event).receipt for event in part]
        toml, now = changed(toml, seed + number), NOW + number * DAY
        scheduled(database, name, toml, now)
        version = policies.put_in_effect(database, name, now)
        assert version == number + 2
        change: Json = {
            "type": "policy", "id": f"springtide:policy:{version}", "version": version,
            "toml": toml, "at": now.isoformat(),
        }  # fmt: skip
        assert fold(state, change).refusal is None
    assert written(posted) == written(told)
    assert_sound(database, name)
