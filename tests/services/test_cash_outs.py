"""Daily cash-outs: what waits, what a batch pays, and what an interruption leaves."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.core.refusals import IdReused, InvalidAmount, Overflow
from springtide.services import cash_outs
from springtide.services.presets import read_preset
from springtide.services.writer import Writer
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from springtide.storage.programs import get_program
from tests.services.histories import assert_sound, open_program

NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
EVENING = NIGHT - timedelta(hours=6)
DAILY = read_preset("advert-b").replace('fee = "0.20"', 'fee = "0.20"\nexecution = "daily"', 1)
BATCH = "springtide:cash-outs:2026-11-22"


def buy(id_: str, member: str, amount: str = "1000.00") -> dict[str, str]:
    return {"type": "purchase", "id": id_, "member": member, "amount": amount}


def post(database: Database, name: str, *events: Json) -> list[str | None]:
    """Codes of refusals, None for what was posted."""
    with Writer(database, name) as writer:
        outcomes = writer.post(events)
    refusals = [outcome.refusal for outcome in outcomes]
    return [None if refusal is None else refusal.code for refusal in refusals]


@pytest.fixture
def shop(database: Database, name: str) -> str:
    """A program with daily cash-outs in which m1, m2 and m3 bought."""
    open_program(database, DAILY, name)
    orders = [buy(f"o{number}", f"m{number}") for number in (1, 2, 3)]
    assert post(database, name, *orders) == [None] * 3
    return name


def ask(
    database: Database, name: str, id_: str, member: str, points: str = "all", **more: str
) -> cash_outs.CashOutRequest:
    wish = {"id": id_, "member": member, "points": points, **more}
    return cash_outs.ask(database, name, wish, "key:k", EVENING)[0]


def states(database: Database, name: str) -> dict[str, tuple[str, str | None]]:
    rows = cash_outs.list_requests(database, name, "", "", 0, 100)
    return {row.id: (row.state, row.reason) for row in rows}


def net_of(database: Database, name: str, id_: str) -> int:
    row = cash_outs.read_request(database, name, id_)
    assert row is not None
    assert row.net is not None
    return row.net


def test_a_batch_pays_all_who_can_be_paid_at_one_price(database: Database, shop: str) -> None:
    ask(database, shop, "a", "m1", "10")
    ask(database, shop, "b", "m2", "99999")
    ask(database, shop, "c", "m3", "10", min_net="500.00")
    ask(database, shop, "d", "nobody")
    ask(database, shop, "e", "m1", "5")
    ask(database, shop, "f", "m2", "1")
    cash_outs.cancel(database, shop, "b", "key:k", EVENING)
    assert cash_outs.run(database, shop, "cli", NIGHT - timedelta(seconds=1)) == []
    [done] = cash_outs.run(database, shop, "cli", NIGHT)
    assert (done.batch, done.paid, done.left_out) == (BATCH, 2, 2)
    assert states(database, shop) == {
        "a": ("paid", None),
        "b": ("cancelled", None),
        "c": ("refused", "below_min_net"),
        "d": ("refused", "insufficient_points"),
        "e": ("paid", None),
        "f": ("paid", None),
    }
    joined = net_of(database, shop, "a")
    assert joined == net_of(database, shop, "e"), "two requests of a member are one"
    assert joined // 15 == pytest.approx(net_of(database, shop, "f"), abs=1)
    assert done.net == joined + net_of(database, shop, "f")
    assert cash_outs.run(database, shop, "cli", NIGHT + timedelta(hours=20)) == []
    assert_sound(database, shop)
    with database.snapshot() as tx:
        acts = list_acts(tx, get_program(tx, shop).id, limit=9)
    assert [act.what for act in acts][:3] == ["cash_out.pay", "cash_out.cancel", "cash_out.ask"]
    assert acts[0].after == {"paid": 2, "left_out": 2}


def test_there_is_no_way_to_be_paid_outside_the_batch(database: Database, shop: str) -> None:
    request = {"member": "m1", "points": "1"}
    assert post(
        database,
        shop,
        {"type": "cash_out", "id": "x1", **request},
        {"type": "cash_out_batch", "id": "x2", "requests": [request]},
        {"type": "cash_out_batch", "id": "x3", "day": "2026-11-22", "requests": [request]},
    ) == ["cash_out_daily", "cash_out_daily", "invalid_event"]


def test_what_comes_after_the_batch_waits_for_the_next(database: Database, shop: str) -> None:
    ask(database, shop, "a", "m1", "1")
    cash_outs.run(database, shop, "cli", NIGHT)
    late = {"id": "b", "member": "m1", "points": "1"}
    cash_outs.ask(database, shop, late, "key:k", NIGHT)
    too_late = ask(database, shop, "c", "m2", "1")  # its clock was slow; the batch is over
    assert too_late.asked_at < NIGHT
    assert shop in cash_outs.list_due(database, NIGHT + timedelta(hours=1))
    assert cash_outs.run(database, shop, "cli", NIGHT + timedelta(hours=23)) == []
    [done] = cash_outs.run(database, shop, "cli", NIGHT + timedelta(days=1))
    assert (done.batch, done.paid) == ("springtide:cash-outs:2026-11-23", 2)
    assert shop not in cash_outs.list_due(database, NIGHT + timedelta(days=9))


def test_a_crash_at_any_moment_is_made_up_for(database: Database, shop: str) -> None:
    ask(database, shop, "a", "m1", "10")
    batch = cash_outs.begin_batch(database, shop, NIGHT)
    with pytest.raises(cash_outs.NotWaiting, match="too late"):
        cash_outs.cancel(database, shop, "a", "key:k", NIGHT)
    ask(database, shop, "b", "m2", "10")
    assert cash_outs.begin_batch(database, shop, NIGHT) == batch, "nobody joins a begun batch"
    assert batch is not None
    assert post(database, shop, batch) == [None]  # and here the server dies again
    assert states(database, shop)["a"] == ("waiting", None)
    [done] = cash_outs.run(database, shop, "cli", NIGHT + timedelta(days=2))[:1]
    assert (done.batch, done.paid) == (BATCH, 1)
    assert states(database, shop) == {"a": ("paid", None), "b": ("paid", None)}
    assert_sound(database, shop)


def test_points_are_asked_for_in_the_units_of_then(database: Database, name: str) -> None:
    toml = DAILY.replace('split_at = "1000"', 'split_at = "2"')
    open_program(database, toml, name)
    post(database, name, buy("o1", "m1"))
    ask(database, name, "a", "m1", "10")
    post(database, name, {"type": "inject", "id": "i", "amount": "900.00"})
    cash_outs.run(database, name, "cli", NIGHT)
    row = cash_outs.read_request(database, name, "a")
    assert row is not None
    assert (row.points, row.paid_points) == (10 * 10**9, 100 * 10**9)
    assert_sound(database, name)


def test_an_id_asks_once(database: Database, shop: str) -> None:
    wish = {"id": "a", "member": "m1", "points": "10"}
    first, was_there = cash_outs.ask(database, shop, wish, "key:k", EVENING)
    again, is_there = cash_outs.ask(database, shop, wish, "key:k", NIGHT)
    assert (was_there, is_there, first) == (False, True, again)
    for other in ({**wish, "points": "11"}, {**wish, "id": "o1"}):
        with pytest.raises(IdReused):
            cash_outs.ask(database, shop, other, "key:k", NIGHT)
    with pytest.raises(InvalidAmount):
        ask(database, shop, "b", "m1", "0")
    with pytest.raises(Overflow):
        ask(database, shop, "b", "m1", "9" * 12)
    with pytest.raises(cash_outs.UnknownRequest):
        cash_outs.cancel(database, shop, "nothing", "key:k", NIGHT)


def test_slicing_through_requests_gains_nothing(database: Database, name: str) -> None:
    """Wants own fees back by asking in ten slices, or through ten friends; is paid as one."""
    paid = {}
    for way, wishes in (("whole", ["all"]), ("slices", ["7"] * 9 + ["all"])):
        program = open_program(database, DAILY, f"{name}-{way}")
        post(database, program, buy("o1", "whale"), buy("o2", "other"))
        for number, points in enumerate(wishes):
            ask(database, program, f"x{number}", "whale", points)
        [done] = cash_outs.run(database, program, "cli", NIGHT)
        paid[way] = done.net
    assert paid["slices"] == paid["whole"]
    friends = open_program(database, DAILY, f"{name}-friends")
    post(
        database, friends, *(buy(f"o{number}", f"f{number}", "100.00") for number in range(10))
    )
    post(database, friends, buy("last", "other"))
    for number in range(10):
        ask(database, friends, f"x{number}", f"f{number}")
    [done] = cash_outs.run(database, friends, "cli", NIGHT)
    assert done.paid == 10
    assert done.net <= paid["whole"]


def refuse(tx: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), tx.transaction():
        tx.execute(statement.encode())


def test_the_database_refuses_states_that_cannot_be(database: Database, shop: str) -> None:
    ask(database, shop, shop, "m1", "10")
    of_it = f" WHERE id = '{shop}'"
    move = "UPDATE cash_out_request SET state = 'paid', batch = '{}', batch_factor = 1,"
    move += " paid_points = 1, gross = 1, net = 1, ended_at = now()" + of_it
    with database.connect() as tx:
        refuse(tx, move.format("never posted"))
        refuse(tx, "UPDATE cash_out_request SET state = 'refused', ended_at = now()" + of_it)
        refuse(tx, "UPDATE cash_out_request SET state = 'done'" + of_it)
        refuse(
            tx,
            "INSERT INTO cash_out_request (program_id, id, member, split_factor, asked_at,"
            " state, ended_at) SELECT program_id, 'b', member, 1, now(), 'cancelled', now()"
            " FROM cash_out_request" + of_it,
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege), tx.transaction():
            tx.execute("UPDATE cash_out_request SET points = 1")
        tx.execute(move.format("o1").encode())
        back = "UPDATE cash_out_request SET state = 'waiting', ended_at = NULL"
        refuse(tx, back + ", paid_points = NULL, gross = NULL, net = NULL" + of_it)
        tx.rollback()
