"""Leaving: what names a member goes for good, and the books stay."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from springtide.services import cash_outs, controls, invitations, leaving, phones, withdrawals
from springtide.services.acts import list_acts
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.reports import read_statement
from springtide.services.sessions import find_session
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.services.histories import assert_sound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAILY = read_preset("advert-b").replace('fee = "0.20"', 'fee = "0.20"\nexecution = "daily"', 1)
PHONE = "+8613912340000"
NAMED = ("phone", "identity", "invitation")


class Outbox:
    def __init__(self) -> None:
        self.codes: list[str] = []

    def send(self, phone: str, code: str) -> None:
        self.codes.append(code)


@pytest.fixture
def shop(database: Database, name: str) -> str:
    create_program(database, name, DAILY)
    with Writer(database, name) as writer:
        writer.post([{"type": "purchase", "id": "o0", "member": "host", "amount": "10.00"}])
    return name


def log_in(database: Database, shop: str, at: datetime = NOW) -> tuple[str, str]:
    """By a code to the phone; gives the token and who that is."""
    outbox = Outbox()
    phones.send_code(database, shop, PHONE, outbox, at, secrets.token_hex)
    token, session = phones.log_in(
        database, shop, PHONE, outbox.codes[0], at, secrets.token_hex
    )
    return token, session.subject.removeprefix("member:")


def known(database: Database, shop: str, member: str) -> str:
    """Let the books and all tables know a member; gives the seq of what names them."""
    code = invitations.make(database, shop, "host", "", NOW, "cli", secrets.token_bytes)
    verified = {"phone": PHONE, "identity": "11010519491231002X"}
    event = invitations.binding(
        database, shop, code, member, verified, NOW, "cli", secrets.token_bytes
    )
    order = {"type": "purchase", "id": "o1", "member": member, "amount": "1000.00"}
    with Writer(database, shop) as writer:
        assert all(outcome.refusal is None for outcome in writer.post([event, order]))
    return invitations.make(database, shop, member, "", NOW, "cli", secrets.token_bytes)


def rows_of(dsn: str, shop: str, member: str) -> dict[str, int]:
    """How many rows of each table name a member."""
    found = dict.fromkeys(NAMED, 0)
    with psycopg.connect(dsn) as tx:
        for table in NAMED:
            query = sql.SQL(
                "SELECT count(*) FROM {} t JOIN program p ON p.id = t.program_id"
                " WHERE p.name = %s AND t.member = %s"
            ).format(sql.Identifier(table))
            row = tx.execute(query, [shop, member]).fetchone()
            assert row is not None
            found[table] = row[0]
    return found


def test_what_names_a_member_is_gone_and_the_books_stay(
    database: Database, dsn: str, shop: str
) -> None:
    token, member = log_in(database, shop)
    code = known(database, shop, member)
    assert rows_of(dsn, shop, member) == {"phone": 1, "identity": 2, "invitation": 1}
    deleted = leaving.leave(database, shop, member, NOW, f"member:{member}")
    assert deleted == (1, 2, 1, 1)
    assert rows_of(dsn, shop, member) == dict.fromkeys(NAMED, 0)
    with psycopg.connect(dsn) as tx:
        codes = tx.execute(
            "SELECT count(*) FROM login_code c JOIN program p ON p.id = c.program_id"
            " WHERE p.name = %s",
            [shop],
        ).fetchone()
    assert codes == (0,)
    assert find_session(database, token, NOW) is None
    with pytest.raises(invitations.UnknownInvitation):
        invitations.read(database, shop, code)
    assert read_statement(database, shop, member).points_nano > 0
    [act] = list_acts(database, shop, limit=1)
    assert (act.what, act.subject, act.actor) == ("member.leave", member, f"member:{member}")
    assert PHONE not in str(act.after)
    assert_sound(database, shop)
    assert leaving.leave(database, shop, member, NOW, "cli") == (0, 0, 0, 0)
    assert len(list_acts(database, shop, limit=9, subject=member, actor="cli")) == 3


def test_the_same_phone_is_somebody_new_afterwards(database: Database, shop: str) -> None:
    _, member = log_in(database, shop)
    known(database, shop, member)
    leaving.leave(database, shop, member, NOW, "cli")
    _, again = log_in(database, shop, NOW + timedelta(minutes=2))
    assert again != member


def ask_for_cash(database: Database, shop: str, member: str) -> Callable[[], object]:
    wish = {"id": "c1", "member": member, "points": "1"}
    cash_outs.ask(database, shop, wish, "cli", NOW)
    return lambda: cash_outs.cancel(database, shop, "c1", "cli", NOW)


def withdraw(database: Database, shop: str, member: str) -> Callable[[], object]:
    pool = {"type": "purchase", "id": "o2", "member": "b", "amount": "9000.00"}
    more = {"type": "bind", "id": "b2", "member": "b", "referrer": member}
    batch = {
        "type": "cash_out_batch", "id": "springtide:cash-outs:2026-02-01", "day": "2026-02-01",
        "requests": [{"member": member, "points": "50"}],
    }  # fmt: skip
    with Writer(database, shop) as writer:
        assert all(outcome.refusal is None for outcome in writer.post([pool, more, batch]))
        event = {"id": "w1", "member": member, "amount": "5.00"}
        outcome = withdrawals.ask(database, shop, writer.post, event, by="cli", now=NOW)
        assert outcome.refusal is None

    def take_back() -> object:
        with Writer(database, shop) as writer:
            return withdrawals.take_step(
                database, shop, writer.post, "w1", "cancelled", by="cli", now=NOW
            )

    return take_back


def freeze(database: Database, shop: str, member: str) -> Callable[[], object]:
    controls.freeze_member(database, shop, member, "asked by a court", "cli", NOW)
    return lambda: controls.unfreeze_member(database, shop, member, "over", "cli", NOW)


HOLDS = {"cash_out": ask_for_cash, "withdrawal": withdraw, "frozen": freeze}


@pytest.mark.parametrize("kind", HOLDS)
def test_nobody_leaves_with_money_on_its_way_or_frozen(
    database: Database, dsn: str, shop: str, kind: str
) -> None:
    _, member = log_in(database, shop)
    known(database, shop, member)
    end = HOLDS[kind](database, shop, member)
    with pytest.raises(leaving.Stays) as refused:
        leaving.leave(database, shop, member, NOW, "cli")
    assert [reason.kind for reason in refused.value.reasons] == [kind]
    assert rows_of(dsn, shop, member)["phone"] == 1
    with psycopg.connect(dsn) as tx, pytest.raises(psycopg.errors.CheckViolation):
        tx.execute(
            "INSERT INTO departure SELECT id, %s, now() FROM program WHERE name = %s",
            [member, shop],
        )
    end()
    assert leaving.reasons_to_stay(database, shop, member) == []
    leaving.leave(database, shop, member, NOW, "cli")


def test_the_database_holds_it(database: Database, shop: str) -> None:
    _, member = log_in(database, shop)
    known(database, shop, member)
    delete = "DELETE FROM phone WHERE member = %s"
    with pytest.raises(psycopg.errors.CheckViolation), database.transaction() as tx:
        tx.execute(delete, [member])
    leaving.leave(database, shop, member, NOW, "cli")
    session = (
        "INSERT INTO session (program_id, id, hash, subject, csrf, created_at, last_used_at,"
        " idle_s, expires_at) SELECT id, 'ses_left', sha256('left'), 'member:' || %s, 'c',"
        " now(), now(), 60, now() + interval '1 hour' FROM program WHERE name = %s"
    )
    named = "FROM program WHERE name = %s"
    again = (
        f"INSERT INTO phone SELECT id, sha256('x'), %s, now() {named}",
        f"INSERT INTO identity SELECT id, 'phone', sha256('x'), %s {named}",
        f"INSERT INTO invitation SELECT id, 'c', %s, '', now(), 'cli' {named}",
        session,
    )
    for query in again:
        with pytest.raises(psycopg.errors.CheckViolation), database.transaction() as tx:
            tx.execute(query, [member, shop])
