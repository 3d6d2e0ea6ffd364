"""Deliveries: derived from the journal, taken by one server at a time, tried again."""

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors
from standardwebhooks import Webhook

from springtide.core.webhooks import message_id
from springtide.services import delivering, webhooks
from springtide.services.delivering import HELD, MOST_AT_ONCE, Round, Sent
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.webhooks import Endpoint, UnknownWebhook, UnusableWebhook
from springtide.services.writer import Writer
from springtide.storage.acts import list_acts
from springtide.storage.database import Database

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
PUBLIC = "93.184.215.14"


class Listener:
    """A program with one webhook, and what a server does with it, at times that are given."""

    def __init__(self, database: Database, name: str, types: Sequence[str] = ()) -> None:
        self.database, self.name = database, name
        create_program(database, name, read_preset("advert-b"))
        self.hook = self.add(types)

    def add(self, types: Sequence[str] = (), url: str = "https://shop.example/") -> Endpoint:
        return webhooks.create_endpoint(
            self.database, self.name, url, types, lookup=lambda _: [PUBLIC], private=False,
            random_bytes=secrets.token_bytes, actor="staff:ana", now=NOW,
        )  # fmt: skip

    def post(self, *orders: str) -> None:
        with Writer(self.database, self.name) as writer:
            writer.post(
                [
                    {"type": "purchase", "id": id_, "member": "m1", "amount": "100.00"}
                    for id_ in orders
                ]
            )

    def take(self, now: datetime = NOW) -> Round:
        taken = delivering.take(self.database, self.hook.program_id, self.hook.id, now)
        assert taken is not None
        return taken

    def answer(self, taken: Round, status: int | None, now: datetime = NOW) -> None:
        error = None if status else "ConnectError: nobody is there"
        sent = [Sent(parcel.seq, parcel.n, now, status, error) for parcel in taken.parcels]
        delivering.record(self.database, taken, sent, now, lambda: 0.0)

    def states(self) -> list[str]:
        rows = webhooks.list_deliveries(
            self.database, self.name, self.hook.id, "", (10**18, 0), 1_000
        )
        return [row.state for row in reversed(rows)]

    def now(self) -> Endpoint:
        return webhooks.read_endpoint(self.database, self.name, self.hook.id)

    def acts(self) -> list[tuple[str, str]]:
        with self.database.snapshot() as tx:
            acts = list_acts(tx, self.hook.program_id, limit=100)
        return [(act.actor, act.what) for act in reversed(acts) if "webhook" in act.what]


@pytest.fixture(scope="module")
def dsn(quiet_dsn: str) -> str:
    """No server takes what these tests take."""
    return quiet_dsn


@pytest.fixture(scope="module")
def database(dsn: str) -> Database:
    return Database(dsn)


@pytest.fixture
def listener(database: Database, name: str) -> Listener:
    return Listener(database, name)


def ids(taken: Round) -> list[str]:
    return [json.loads(parcel.body)["data"]["id"] for parcel in taken.parcels]


def test_entries_become_signed_messages(listener: Listener) -> None:
    listener.post("o1", "o2")
    taken = listener.take(datetime.now(UTC))
    assert taken.url == "https://shop.example/"
    for parcel, order in zip(taken.parcels, ("o1", "o2"), strict=True):
        told = Webhook(listener.hook.secret or "").verify(parcel.body, parcel.headers)
        assert told["type"] == "order.settled"
        assert told["data"]["id"] == order
        assert told["data"]["program"] == listener.name
        assert told["data"]["seq"] == parcel.seq
        assert told["data"]["member"] == "m1"
        assert told["data"]["receipt"]["merchant"] == "80.000000"
        assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None
        assert parcel.headers["webhook-id"] == message_id(listener.hook.id, parcel.seq, 0)
    listener.answer(taken, 204)
    assert listener.states() == ["delivered", "delivered"]
    assert not listener.take(NOW + timedelta(days=30)).parcels


def test_nothing_before_a_webhook_was_made_is_told(database: Database, name: str) -> None:
    first = Listener(database, name)
    first.post("o1")
    second = first.add()
    first.post("o2")
    for hook, told in ((first.hook, ["o1", "o2"]), (second, ["o2"])):
        taken = delivering.take(database, hook.program_id, hook.id, NOW)
        assert taken is not None
        assert ids(taken) == told


def test_only_the_types_that_were_asked_for_are_told(database: Database, name: str) -> None:
    listener = Listener(database, name, ["exit.paid", "injection.made"])
    listener.post("o1", "o2", "o3")
    assert not listener.take().parcels
    assert listener.now().through_seq == 3
    with Writer(database, name) as writer:
        writer.post([{"type": "inject", "id": "i1", "amount": "1000000.00"}])
    types = [json.loads(parcel.body)["type"] for parcel in listener.take().parcels]
    assert types[:2] == ["injection.made", "exit.paid"]
    assert set(types) == {"injection.made", "exit.paid"}


def test_what_one_server_took_no_other_takes_until_it_is_given_up(listener: Listener) -> None:
    listener.post(*(f"o{number}" for number in range(MOST_AT_ONCE + 5)))
    first, second = listener.take(), listener.take()
    assert (len(first.parcels), len(second.parcels)) == (MOST_AT_ONCE, 5)
    assert not set(ids(first)) & set(ids(second))
    assert not listener.take().parcels
    listener.answer(second, 200)
    assert not listener.take(NOW + HELD - timedelta(seconds=1)).parcels
    assert ids(listener.take(NOW + HELD)) == ids(first), "whoever took them died"


def test_while_another_server_is_at_an_endpoint_it_is_passed_over(listener: Listener) -> None:
    listener.post("o1")
    hook = listener.hook
    with listener.database.connect() as other:
        other.execute(
            "SELECT FROM webhook_endpoint WHERE program_id = %s FOR UPDATE", [hook.program_id]
        )
        taken = delivering.take(listener.database, hook.program_id, hook.id, NOW)
        assert taken is None
    assert ids(listener.take()) == ["o1"]


def test_what_two_servers_sent_is_written_down_twice_and_delivered_once(
    listener: Listener,
) -> None:
    listener.post("o1")
    first = listener.take()
    second = listener.take(NOW + HELD)
    listener.answer(second, 200)
    listener.answer(first, 500)
    assert listener.states() == ["delivered"]
    id_ = message_id(listener.hook.id, 1, 0)
    found, attempts = webhooks.read_delivery(listener.database, listener.name, id_)
    assert found.attempts == 2
    assert [(attempt.number, attempt.status) for attempt in attempts] == [(1, 200), (2, 500)]


def test_what_fails_is_tried_again_and_given_up_in_the_end(listener: Listener) -> None:
    listener.post("o1")
    now, waits = NOW, []
    for _ in range(20):
        listener.answer(listener.take(now), 503, now)
        # Something else arrives meanwhile, so that the endpoint is not disabled.
        webhooks.switch(listener.database, listener.name, listener.hook.id, "active",
                        actor="cli", now=now)  # fmt: skip
        with listener.database.transaction() as tx:
            tx.execute(
                "UPDATE webhook_endpoint SET failing_since = NULL, state = 'active'"
                " WHERE program_id = %s", [listener.hook.program_id],
            )  # fmt: skip
        [row] = webhooks.list_deliveries(
            listener.database, listener.name, listener.hook.id, "", (10**18, 0), 2
        )
        if row.next_at is not None:
            waits.append(int((row.next_at - now).total_seconds()))
            assert not listener.take(row.next_at - timedelta(seconds=1)).parcels
            now = row.next_at
    assert waits[:4] == [5, 20, 80, 320]
    assert len(waits) == 19
    assert listener.states() == ["failed"]
    assert not listener.take(now + timedelta(days=30)).parcels


def test_an_endpoint_that_takes_nothing_for_five_days_is_disabled_and_loses_nothing(
    listener: Listener,
) -> None:
    listener.post("o1")
    listener.answer(listener.take(), None)
    assert listener.now().failing_since == NOW
    later = NOW + timedelta(days=5)
    listener.post("o2")
    listener.answer(listener.take(later - timedelta(hours=1)), 500, later - timedelta(hours=1))
    assert listener.now().state == "active"
    listener.answer(listener.take(later), 500, later)
    assert listener.now().state == "disabled"
    assert ("system", "webhook.disable") in listener.acts()
    listener.post("o3")
    hook = listener.hook
    assert delivering.take(listener.database, hook.program_id, hook.id, later) is None
    webhooks.switch(listener.database, listener.name, hook.id, "active", actor="cli", now=later)
    assert listener.now().failing_since is None
    assert sorted(ids(listener.take(later))) == ["o1", "o2", "o3"]


def test_one_that_answers_gone_is_disabled_at_once(listener: Listener) -> None:
    listener.post("o1")
    listener.answer(listener.take(), 410)
    assert listener.now().state == "disabled"
    assert listener.states() == ["pending"]


def test_what_arrives_ends_a_time_of_failure(listener: Listener) -> None:
    listener.post("o1")
    listener.answer(listener.take(), 500)
    listener.answer(listener.take(NOW + timedelta(seconds=5)), 202)
    assert listener.now().failing_since is None
    assert listener.states() == ["delivered"]


def test_a_message_is_sent_again_by_hand_with_the_same_id(listener: Listener) -> None:
    listener.post("o1")
    first = listener.take()
    listener.answer(first, 200)
    id_ = first.parcels[0].headers["webhook-id"]
    again = webhooks.resend(listener.database, listener.name, id_, actor="key:key_1", now=NOW)
    assert (again.state, again.attempts) == ("pending", 1)
    second = listener.take()
    assert second.parcels[0].headers["webhook-id"] == id_
    assert second.parcels[0].body == first.parcels[0].body
    assert ("key:key_1", "webhook.resend") in listener.acts()
    for unknown in (id_[:-1] + "7", "msg", f"msg_{listener.hook.id}_{10**17}_0"):
        with pytest.raises(UnknownWebhook):
            webhooks.resend(listener.database, listener.name, unknown, actor="cli", now=NOW)


def test_after_a_rotation_both_secrets_sign_for_a_day(listener: Listener) -> None:
    listener.post("o1")
    now = datetime.now(UTC)
    old = listener.hook.secret or ""
    made = webhooks.rotate_secret(
        listener.database, listener.name, listener.hook.id,
        random_bytes=secrets.token_bytes, actor="cli", now=now,
    )  # fmt: skip
    new = made.secret or ""
    assert new != old
    [parcel] = listener.take(now).parcels
    for secret in (old, new):
        assert Webhook(secret).verify(parcel.body, parcel.headers)
    assert parcel.headers["webhook-signature"].count("v1,") == 2
    [parcel] = listener.take(now + timedelta(hours=24)).parcels
    at = datetime.fromtimestamp(int(parcel.headers["webhook-timestamp"]), UTC)
    by_new = Webhook(new).sign(parcel.headers["webhook-id"], at, parcel.body.decode())
    assert parcel.headers["webhook-signature"] == by_new, "the old one is forgotten"


def test_a_webhook_that_was_removed_is_sent_nothing_and_keeps_no_secret(
    listener: Listener, admin: psycopg.Connection
) -> None:
    listener.post("o1")
    taken = listener.take()
    webhooks.remove_endpoint(
        listener.database, listener.name, listener.hook.id, actor="staff:ana", now=NOW
    )
    listener.answer(taken, 500)
    row = admin.execute(
        "SELECT e.secret, e.state, d.state, d.attempts FROM webhook_endpoint e"
        " JOIN webhook_delivery d ON d.program_id = e.program_id AND d.endpoint = e.id"
        " WHERE e.id = %s", [listener.hook.id],
    ).fetchone()  # fmt: skip
    assert row == (None, "removed", "dropped", 0)
    with pytest.raises(UnknownWebhook):
        listener.now()
    assert listener.acts() == [
        ("staff:ana", "webhook.create"), ("staff:ana", "webhook.remove"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "types", "addresses"),
    [
        ("http://shop.example/", [], [PUBLIC]),
        ("https://shop.example/", ["order.lost"], [PUBLIC]),
        ("https://shop.example/", [], []),
        ("https://shop.example/", [], ["127.0.0.1"]),
        ("https://shop.example/", [], [PUBLIC, "169.254.169.254"]),
    ],
)
def test_what_cannot_be_sent_to_is_refused(
    listener: Listener, url: str, types: list[str], addresses: list[str]
) -> None:
    with pytest.raises(UnusableWebhook):
        webhooks.create_endpoint(
            listener.database, listener.name, url, types, lookup=lambda _: addresses,
            private=False, random_bytes=secrets.token_bytes, actor="cli", now=NOW,
        )  # fmt: skip


def test_a_program_has_at_most_twenty(listener: Listener) -> None:
    for _ in range(19):
        listener.add()
    with pytest.raises(UnusableWebhook, match="20 webhooks; remove one"):
        listener.add()


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (b"UPDATE webhook_endpoint SET through_seq = 0", errors.IntegrityConstraintViolation),
        (b"UPDATE webhook_endpoint SET through_seq = 9", errors.IntegrityConstraintViolation),
        (b"UPDATE webhook_endpoint SET secret = NULL", errors.CheckViolation),
        (b"UPDATE webhook_endpoint SET old_secret = 'whsec_x'", errors.CheckViolation),
        (b"UPDATE webhook_endpoint SET url = 'https://b'", errors.InsufficientPrivilege),
        (b"UPDATE webhook_delivery SET next_at = NULL", errors.CheckViolation),
        (b"UPDATE webhook_delivery SET state = 'delivered', next_at = NULL, attempts = 0",
         errors.CheckViolation),
        (b"UPDATE webhook_delivery SET seq = 5", errors.InsufficientPrivilege),
        (b"UPDATE webhook_attempt SET status = 200", errors.InsufficientPrivilege),
        (b"DELETE FROM webhook_attempt", errors.InsufficientPrivilege),
        (b"DELETE FROM webhook_delivery", errors.InsufficientPrivilege),
        (b"DELETE FROM webhook_endpoint", errors.InsufficientPrivilege),
    ],
)  # fmt: skip
def test_the_database_refuses_wrong_states(
    listener: Listener, statement: bytes, refusal: type[Exception]
) -> None:
    listener.post("o1")
    listener.answer(listener.take(), 500)
    with listener.database.connect() as tx, pytest.raises(refusal):
        tx.execute(statement)


def test_what_was_removed_stays_removed(listener: Listener) -> None:
    webhooks.remove_endpoint(
        listener.database, listener.name, listener.hook.id, actor="cli", now=NOW
    )
    with (
        listener.database.connect() as tx,
        pytest.raises(errors.IntegrityConstraintViolation, match="stays removed"),
    ):
        tx.execute(
            "UPDATE webhook_endpoint SET state = 'active', secret = 'whsec_x'"
            " WHERE program_id = %s", [listener.hook.program_id],
        )  # fmt: skip
