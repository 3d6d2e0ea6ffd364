"""Controls over the database: each is tripped, and its refusal read."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.core.receipts import render
from springtide.core.reducer import Outcome
from springtide.core.state import Posted
from springtide.services import controls
from springtide.services.audit import LOTS, audit
from springtide.services.gateway import UnknownAlarm
from springtide.services.preview import preview
from springtide.services.writer import Writer
from springtide.storage import programs
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from tests.core.history import ADVERT_B, BARE, buy, cash_out, merged, write_toml
from tests.core.test_algorithms_controls import read_timed
from tests.services.histories import assert_sound, in_memory, open_program, written
from tests.spec import policy_text, worked_examples

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
UNIT = 10**6


def policy(**limits: object) -> str:
    """Everything paid goes to the pool and comes back whole, within limits."""
    return write_toml(merged({"opening_reserve": "1.00", **BARE}, controls=limits or None))


def post(database: Database, name: str, *events: Json, now: datetime = NOW) -> list[Outcome]:
    """Post events in one batch, by a writer whose clock stands."""
    with Writer(database, name, lambda: now) as writer:
        return writer.post(events)


def refused(database: Database, name: str, event: Json, now: datetime = NOW) -> tuple[str, str]:
    """The code and the words of the refusal that an event must get."""
    [outcome] = post(database, name, event, now=now)
    assert outcome.refusal is not None, outcome.receipt
    assert outcome.receipt.get("retry_at") == outcome.refusal.retry_at
    return outcome.refusal.code, str(outcome.refusal)


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("rule", ["K2", "K3", "K4", "K5", "K6", "K7"])
def test_the_tables_hold_over_the_database(database: Database, rule: str, size: int) -> None:
    toml = policy_text("controls", rule)
    events = [read_timed(row["event"]) for row in worked_examples("controls", rule)]
    name = open_program(database, toml)
    receipts = []
    for first in range(0, len(events), size):
        with Writer(database, name) as writer:
            batch = writer.post(events[first : first + size])
            receipts += [render(outcome.receipt) for outcome in batch]
    assert written(receipts) == in_memory(toml, events)
    assert any(str(receipt.get("error")).startswith("control_") for receipt in receipts)
    assert_sound(database, name)


BOUGHT = buy("o1", "m1", 100 * UNIT)
ALL, SOME, MORE = (
    cash_out("x", "m1"),
    cash_out("x0", "m1", 50 * 10**9),
    cash_out("x", "m1", 2 * 10**10),
)
TOMORROW = "2026-11-23T00:00:00+00:00"

Trip = tuple[dict[str, object], list[Json], str, str, str | None]

TRIPPED: list[Trip] = [
    (
        {"min_spend": "500.00"},
        [BOUGHT, ALL],
        "control_min_spend",
        (
            "m1 has spent 100.000000 less refunds, and a cash-out takes 500.000000; "
            "400.000000 more is to be spent first"
        ),
        None,
    ),
    (
        {"min_cash_out": "25.00"},
        [BOUGHT, MORE],
        "control_min_cash_out",
        (
            "it would pay m1 20.000000, and a cash-out pays at least 25.000000; "
            "ask for more points"
        ),
        None,
    ),
    (
        {"daily_cash_out": "60.00"},
        [BOUGHT, SOME, MORE],
        "control_daily_cash_out",
        (
            "m1 has cashed 50.000000 today and 20.000000 more would pass 60.000000 a day; "
            "ask for less, or tomorrow"
        ),
        TOMORROW,
    ),
    (
        {"daily_cash_out": "60.00"},
        [BOUGHT, ALL],
        "control_daily_cash_out",
        (
            "m1 has cashed 0.000000 today and 100.000000 more would pass 60.000000 a day; "
            "ask for less"
        ),
        None,
    ),
    (
        {"hold_days": 7},
        [BOUGHT, ALL],
        "control_hold",
        (
            "m1 can cash 0.000000000 points now; those of the last 7 days are held; "
            "ask for no more, or wait"
        ),
        "2026-11-29T09:30:00+00:00",
    ),
    (
        {"daily_outflow": "60.00"},
        [BOUGHT, SOME, MORE],
        "control_daily_outflow",
        (
            "50.000000 went out today and 20.000000 more would pass 60.000000 a day; "
            "cash-outs are paused until tomorrow"
        ),
        TOMORROW,
    ),
    (
        {"daily_outflow": "60.00"},
        [BOUGHT, ALL],
        "control_daily_outflow",
        (
            "0.000000 went out today and 100.000000 more would pass 60.000000 a day; "
            "cash-outs are paused until tomorrow, and this is too much for any day"
        ),
        None,
    ),
    (
        {"max_contribution_ratio": "0.5", "launch_floor": "50.00"},
        [BOUGHT, buy("x", "m1", 60 * UNIT)],
        "control_contribution",
        (
            "the order would contribute 60.000000, more than 0.5 of the reserve of 101.000000, "
            "which is 50.500000; divide it into smaller orders"
        ),
        None,
    ),
]


@pytest.mark.parametrize("trip", TRIPPED, ids=lambda trip: f"{trip[2]} {trip[4]}")
def test_a_refusal_names_its_figure_and_when_to_try_again(
    database: Database, trip: Trip
) -> None:
    limits, (*before, event), code, why, retry_at = trip
    name = open_program(database, policy(**limits))
    assert all(outcome.is_posted for outcome in post(database, name, *before))
    [outcome] = post(database, name, event)
    assert outcome.refusal is not None
    assert (outcome.refusal.code, str(outcome.refusal)) == (code, why)
    assert outcome.refusal.retry_at == outcome.receipt.get("retry_at") == retry_at
    if retry_at is not None:
        again = datetime.fromisoformat(retry_at)
        [early, *_] = post(database, name, event, now=again - timedelta(seconds=1))
        assert early.refusal is not None, "a second too early"
        assert early.refusal.code == code
        assert early.refusal.retry_at == retry_at
        assert post(database, name, event, now=again)[0].is_posted
    assert_sound(database, name)


def test_an_order_is_granted_no_more_than_the_policy_allows(database: Database) -> None:
    """The first control caps and does not refuse; it has one name, of `points`."""
    toml = write_toml(merged(ADVERT_B, points={"max_grant_value": "5.00"}))
    name = open_program(database, toml)
    [outcome] = post(database, name, buy("o1", "m1", 10**9))
    assert outcome.receipt["granted"] == 5 * 10**9
    assert_sound(database, name)


def test_a_breaker_pauses_the_day_and_tells_the_operators_once(database: Database) -> None:
    name = open_program(database, policy(daily_outflow="50.00"))
    post(database, name, buy("o1", "m1", 100 * UNIT), buy("o2", "m2", 100 * UNIT))
    large, small = cash_out("x1", "m1", 51 * 10**9), cash_out("x2", "m2", 10**9)
    with database.snapshot() as tx:
        before = programs.get_program(tx, name)
    assert preview(database, name, large, NOW)[0].refusal is not None
    assert controls.list_alarms(database, name, 0, 10) == [], "a quote trips nothing"
    assert refused(database, name, large)[0] == "control_daily_outflow"
    with database.snapshot() as tx:
        assert programs.get_program(tx, name) == before, "nothing was posted"
    code, why = refused(database, name, small, NOW + timedelta(hours=14))
    assert code == "control_daily_outflow"
    assert why.startswith("cash-outs are paused for the day")
    assert refused(database, name, large)[0] == code
    [alarm] = controls.list_alarms(database, name, 0, 10)
    assert (alarm.kind, alarm.day, alarm.at) == ("daily_outflow", NOW.date(), NOW)
    assert "51.000000 more would pass 50.000000 a day" in alarm.detail
    assert controls.list_alarms(database, name, alarm.id, 10) == []
    tomorrow = NOW + timedelta(days=1)
    assert post(database, name, small, now=tomorrow)[0].is_posted
    assert refused(database, name, large, tomorrow)[0] == code
    assert len(controls.list_alarms(database, name, 0, 10)) == 2
    assert_sound(database, name)


def test_an_alarm_is_acknowledged_once_and_never_lost(database: Database) -> None:
    name = open_program(database, policy(daily_outflow="50.00"))
    post(database, name, buy("o1", "m1", 100 * UNIT), cash_out("x1", "m1"))
    [alarm] = controls.list_alarms(database, name, 0, 10)
    for actor in ("staff:ana", "cli"):
        seen = controls.acknowledge_alarm(database, name, alarm.id, actor, LATER)
        assert (seen.acknowledged_by, seen.acknowledged_at) == ("staff:ana", LATER)
    with database.snapshot() as tx:
        [act] = list_acts(tx, programs.get_program(tx, name).id, limit=1)
    assert (act.what, act.subject, act.actor) == (
        "alarm.acknowledge", str(alarm.id), "staff:ana",
    )  # fmt: skip
    assert refused(database, name, cash_out("x2", "m1", 10**9))[0] == "control_daily_outflow"
    with pytest.raises(UnknownAlarm, match=r"has no alarm 9; see `springtide alarm list"):
        controls.acknowledge_alarm(database, open_program(database, policy()), 9, "cli", NOW)
    for statement, error in (
        (b"UPDATE alarm SET acknowledged_by = 'x'", psycopg.errors.IntegrityError),
        (b"UPDATE alarm SET detail = 'x'", psycopg.errors.InsufficientPrivilege),
        (b"DELETE FROM alarm", psycopg.errors.InsufficientPrivilege),
    ):
        with database.connect() as connection, pytest.raises(error):
            connection.execute(statement)


def test_an_event_without_a_time_gets_it_from_the_clock_once(database: Database) -> None:
    name = open_program(database, policy(hold_days=7))
    order = buy("o1", "m1", UNIT)
    [bought] = post(database, name, order)
    assert isinstance(bought.answer, Posted)
    assert bought.answer.event["at"] == "2026-11-22T09:30:00+00:00"
    [again] = post(database, name, order, now=LATER)
    assert (again.is_posted, again.refusal) == (False, None)
    assert again.receipt == bought.receipt
    [other] = post(database, name, {**order, "at": "2026-11-21"})
    assert other.refusal is not None
    assert other.refusal.code == "id_reused", "a time of its own is other content"
    code, why = refused(database, name, {**buy("o2", "m1", UNIT), "at": "2026-11-23"})
    assert code == "invalid_event"
    assert why == "at is '2026-11-23', which is later than now; leave it out or correct it"
    near = {**buy("o3", "m1", UNIT), "at": "2026-11-22T09:35:00Z"}
    assert post(database, name, near)[0].is_posted, "clocks differ by minutes"
    with Writer(database, name) as writer:  # as a replay has it, without a clock
        [untimed] = writer.post([buy("o4", "m1", UNIT)])
    assert untimed.refusal is not None
    assert untimed.refusal.code == "invalid_event"
    assert_sound(database, name)


def test_without_timed_controls_events_stay_as_they_were_sent(database: Database) -> None:
    name = open_program(database, policy(min_spend="1.00"))
    outcomes = post(database, name, buy("o1", "m1", UNIT), {**buy("o2", "m1", UNIT), "at": "?"})
    answers = [outcome.answer for outcome in outcomes]
    events = [answer.event for answer in answers if isinstance(answer, Posted)]
    assert ["at" in event for event in events] == [False, True]


TAMPERINGS = {
    "spending": "UPDATE tally SET spent = spent + 1 WHERE program_id = %s",
    "cash-outs of a day": "UPDATE tally SET cash_day = 1 WHERE program_id = %s AND cashed > 0",
    "holds": "UPDATE hold SET settled_at = 0 WHERE program_id = %s",
    "program: clock": "UPDATE program SET clock = 0 WHERE id = %s",
}


def test_the_audit_finds_what_was_counted_wrongly(
    database: Database, admin: psycopg.Connection
) -> None:
    for told, change in TAMPERINGS.items():
        limits = {"min_spend": "1.00", "daily_cash_out": "9.00", "hold_days": 1}
        name = open_program(database, policy(**limits, daily_outflow="9.00"))
        post(database, name, buy("o1", "m1", 2 * UNIT), now=NOW)
        [cashed] = post(database, name, cash_out("x1", "m1"), now=LATER)
        assert cashed.is_posted
        assert_sound(database, name)
        with database.snapshot() as tx:
            id_ = programs.get_program(tx, name).id
        assert admin.execute(change.encode(), [id_]).rowcount == 1
        findings = {
            finding.law: finding.broken_by for finding in audit(database, name).findings
        }
        assert any(told in by for by in findings[LOTS]), findings
