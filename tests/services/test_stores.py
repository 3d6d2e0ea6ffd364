"""Stores: pay codes, what they bring, what was sold, and who may not take real money."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from springtide.core.refusals import MerchantSuspended
from springtide.core.units import MICRO, NANO
from springtide.services import invitations, merchants, pay_codes, payments, profiles, stores
from springtide.services.invitations import UnknownInvitation
from springtide.services.pay_codes import CARD, TILL, PayCode
from springtide.services.presets import read_preset
from springtide.services.settling import settle_due
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.services.histories import assert_sound, open_program

NOW = datetime.now(UTC)
LICENCE = "91110000600037341L"


def open_store(database: Database, toml: str, merchant: str = "noodles") -> tuple[str, str]:
    """A program with one store of m1's, and the store's code."""
    name = open_program(database, toml)
    wish = merchants.Application(
        merchant, "Noodles by the lake", LICENCE, "330106", "account 1", "m1"
    )
    merchants.apply(database, name, wish, NOW, "staff:ana")
    merchants.activate(database, name, merchant, {"take_rate": "0.20"}, NOW, "staff:bo")
    return name, invitations.make(
        database, name, "", merchant, NOW, "member:m1", secrets.token_bytes
    )


def sell(database: Database, name: str, code: str, member: str, amount: int) -> PayCode:
    """Pay a new code of the till."""
    found = pay_codes.read(database, name, shown(database, name, code, amount))
    with Writer(database, name) as writer:
        [outcome] = writer.post([found.order("purchase", member)])
    assert outcome.refusal is None
    return found


def shown(database: Database, name: str, code: str, amount: int, by: str = TILL) -> str:
    return pay_codes.make(database, name, code, amount, by, NOW, secrets.token_hex)


def test_a_code_says_what_it_stands_for_and_nothing_else_does(database: Database) -> None:
    name, store = open_store(database, read_preset("local-life"))
    code = shown(database, name, store, 1000 * MICRO)
    found = pay_codes.read(database, name, code)
    assert (found.merchant, found.owner, found.amount) == ("noodles", "m1", 1000 * MICRO)
    assert found.expires_at - timedelta(minutes=5) == NOW.replace(microsecond=0)
    assert found.order("pay", "m2")["referrer"] == "m1"
    other, elsewhere = open_store(database, read_preset("local-life"))
    parts = code.split("-")
    changes = elsewhere, "t1", "00000000", "0" * 16, parts[4][::-1]
    forged = [
        "-".join([*parts[:number], changed, *parts[number + 1 :]])
        for number, changed in enumerate(changes)
    ]
    for wrong in (*forged, code[:-1], code + "0", store, "", "\N{SNOWMAN}"):
        with pytest.raises(UnknownInvitation):
            pay_codes.read(database, name, wrong)
    with pytest.raises(UnknownInvitation):
        pay_codes.read(database, other, code)


@pytest.mark.parametrize(
    ("typed", "amount"), [("1,234.50", 1_234_500_000), (" 7 ", 7 * MICRO), ("0.01", 10_000)]
)
def test_amounts_as_people_type_them(typed: str, amount: int) -> None:
    assert pay_codes.read_amount(typed) == amount


@pytest.mark.parametrize("typed", ["", "0", "-5", "1.005", "ten", "1e3", "9" * 20])
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(pay_codes.UnusableAmount, match="in whole cents"):
        pay_codes.read_amount(typed)


def test_a_code_is_paid_once(database: Database) -> None:
    name, store = open_store(database, read_preset("local-life"))
    code = sell(database, name, store, "m2", 100 * MICRO)
    with Writer(database, name) as writer:
        again, other = writer.post([code.order("purchase", who) for who in ("m2", "m3")])
    assert (again.refusal, again.is_posted) == (None, False)
    assert other.refusal is not None
    assert other.refusal.code == "id_reused"
    assert stores.read_today(database, name, "noodles", NOW).orders == 1


def test_what_a_store_sold_and_to_how_many(database: Database) -> None:
    name, store = open_store(database, read_preset("local-life"))
    ahead = pay_codes.read(database, name, shown(database, name, store, 1000 * MICRO))
    told = stores.look_ahead(database, name, ahead, "", NOW)
    for member, amount in (("m2", 1000), ("m3", 50), ("m2", 50)):
        sell(database, name, store, member, amount * MICRO)
    with Writer(database, name) as writer:
        writer.post([{"type": "purchase", "id": "else", "member": "m4", "amount": "9.00"}])
    sold = stores.read_today(database, name, "noodles", NOW)
    assert (sold.orders, sold.amount, sold.waiting) == (3, 1100 * MICRO, 0)
    assert sold.contribution == 176 * MICRO
    assert sold.granted > told.granted == 112 * NANO
    today, lately = stores.count_customers(database, name, "noodles", NOW)
    assert tuple(today) == tuple(lately) == (2, 1)
    later = NOW + timedelta(days=100)
    assert stores.read_today(database, name, "noodles", later).orders == 0
    assert stores.count_customers(database, name, "noodles", later)[1].all == 0
    rows = stores.list_sales(database, name, "noodles", NOW - stores.SALES_OF, None, 2)
    assert [row.seq for row in rows] == sorted((row.seq for row in rows), reverse=True)
    [last] = stores.list_sales(
        database, name, "noodles", NOW - stores.SALES_OF, rows[-1].seq, 2
    )
    assert last.seq < rows[-1].seq
    assert_sound(database, name)


def test_points_are_counted_in_todays_units(database: Database) -> None:
    toml = read_preset("local-life").replace('split_at = "1000"', 'split_at = "2"')
    name, store = open_store(database, toml)
    for member in ("m2", "m3", "m4"):
        sell(database, name, store, member, 1000 * MICRO)
    sold = stores.read_today(database, name, "noodles", NOW)
    with database.snapshot() as tx:
        row = tx.execute(
            "SELECT sum(points) FROM lot l JOIN program p ON p.id = l.program_id"
            " WHERE p.name = %s", [name]
        ).fetchone()  # fmt: skip
    assert row is not None
    assert sold.granted == row[0]


def test_what_waits_for_settlement_has_paid_nothing_in(database: Database) -> None:
    toml = read_preset("local-life") + '\n[orders]\nsettle_after = "1m"\n'
    name, store = open_store(database, toml)
    code = pay_codes.read(database, name, shown(database, name, store, 100 * MICRO))
    with Writer(database, name) as writer:
        [outcome] = writer.post([code.order("pay", "m2")])
    assert outcome.refusal is None
    sold = stores.read_today(database, name, "noodles", NOW)
    assert (sold.waiting, sold.contribution, sold.granted) == (1, 0, 0)
    settle_due(database, name, NOW + timedelta(days=1))
    sold = stores.read_today(database, name, "noodles", NOW)
    assert (sold.orders, sold.waiting, sold.contribution) == (1, 0, 16 * MICRO)


def test_a_card_has_a_limit_and_a_suspended_store_sells_nothing(database: Database) -> None:
    name, store = open_store(database, read_preset("local-life"))
    card = pay_codes.read(database, name, shown(database, name, store, 300 * MICRO, CARD))
    stores.check_payable(database, name, card, "m2", NOW)
    with Writer(database, name) as writer:
        writer.post([card.order("purchase", "m2")])
    more = pay_codes.read(database, name, shown(database, name, store, 201 * MICRO, CARD))
    with pytest.raises(stores.TooMuchByCard) as refused:
        stores.check_payable(database, name, more, "m2", NOW)
    assert refused.value.left == 200 * MICRO
    stores.check_payable(database, name, more, "m3", NOW)
    stores.check_payable(database, name, more, "m2", NOW + timedelta(days=2))
    till = pay_codes.read(database, name, shown(database, name, store, 201 * MICRO))
    stores.check_payable(database, name, till, "m2", NOW)
    merchants.suspend(database, name, "noodles", "complaints", NOW, "staff:bo")
    with pytest.raises(MerchantSuspended):
        stores.check_payable(database, name, till, "m2", NOW)
    found = stores.find_store(database, name, "noodles", NOW)
    assert found is not None
    assert not found.active


def test_a_store_can_be_told_by_its_word(database: Database) -> None:
    name, store = open_store(database, read_preset("local-life"))
    found = stores.store_of_code(database, name, store, NOW)
    assert found == stores.find_store(database, name, "noodles", NOW)
    assert (found.owner, found.licence) == ("m1", LICENCE)
    assert found.region.endswith("330106")
    other, _ = open_store(database, read_preset("local-life"))
    twin = stores.find_store(database, other, "noodles", NOW)
    assert twin is not None
    assert (twin.name, twin.word == found.word, len(found.word)) == (found.name, False, 7)
    assert stores.find_store(database, name, "nobody", NOW) is None


def test_only_play_money_is_taken_by_the_sandbox() -> None:
    for profile in profiles.list_profiles():
        if profile.real_money:
            with pytest.raises(payments.NoProvider, match="no payment service is connected"):
                payments.provider_of(profile)
        else:
            assert payments.provider_of(profile).name == "sandbox"
