"""One-time codes: what each redeems, how it ends, and what is kept of it."""

from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.core.refusals import IdReused, InvalidAmount, InvalidEvent
from springtide.services import codes
from springtide.services.codes import UnusableCode, make_code, redemption_by_code
from springtide.services.presets import read_preset
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.services.histories import assert_sound, open_program

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def shop(database: Database, name: str) -> str:
    """A program in which m1 has 112 points."""
    open_program(database, read_preset("advert-b"), name)
    with Writer(database, name) as writer:
        writer.post([{"type": "purchase", "id": "o1", "member": "m1", "amount": "1000.00"}])
    return name


def make(database: Database, name: str, id_: str = "c1", points: str = "10") -> str:
    """A code of m1's for five minutes."""
    below = Random(id_).randrange
    return make_code(database, name, id_, "m1", points, 5, "key:k", NOON, below)[0]


def post(database: Database, name: str, event: Json) -> str | None:
    with Writer(database, name) as writer:
        [outcome] = writer.post([event])
    return None if outcome.refusal is None else outcome.refusal.code


def refusal(database: Database, name: str, now: datetime = NOON, **wish: object) -> str:
    with pytest.raises(UnusableCode) as error:
        redemption_by_code(database, name, {"merchant": "till", **wish}, now)
    return error.value.code


def test_a_code_is_a_redemption_of_its_own_id(database: Database, shop: str) -> None:
    code = make(database, shop)
    assert len(code) == 14
    for spelt in (code, code.lower().replace("-", " "), code.replace("0", "O")):
        event = redemption_by_code(database, shop, {"code": spelt, "merchant": "till"}, NOON)
        assert event == {
            "type": "redeem",
            "id": "springtide:redeem:c1",
            "member": "m1",
            "merchant": "till",
            "points": "10.000000000",
        }
    less = {"code": code, "merchant": "till", "points": "3"}
    event = redemption_by_code(database, shop, less, NOON)
    assert post(database, shop, event) is None
    for repeated in (less, {"code": code, "merchant": "till"}):
        again = redemption_by_code(database, shop, repeated, LATER + timedelta(days=9))
        assert again == event
    assert refusal(database, shop, code=code, merchant="other", points="3") == "code_used"
    assert refusal(database, shop, code=code, points="4") == "code_used"
    found = codes.read_code(database, shop, "c1", NOON)
    assert found is not None
    assert found[1] == "used"
    assert_sound(database, shop)


def test_how_a_code_cannot_be_redeemed(database: Database, shop: str) -> None:
    code = make(database, shop)
    assert refusal(database, shop, code="0" * 12) == "unknown_code"
    assert refusal(database, shop) == "unknown_code"
    assert refusal(database, shop, code=code, points="10.000000001") == "code_exceeded"
    assert refusal(database, shop, code=code, points="all") == "code_exceeded"
    assert refusal(database, shop, LATER, code=code) == "code_expired"
    with pytest.raises(InvalidEvent):
        redemption_by_code(database, shop, {"code": code}, NOON)
    with pytest.raises(InvalidAmount):
        redemption_by_code(database, shop, {"code": code, "merchant": "t", "points": 3}, NOON)


def test_a_member_has_one_open_code(database: Database, shop: str) -> None:
    first, second = make(database, shop, "c1"), make(database, shop, "c2")
    assert refusal(database, shop, code=first) == "code_expired"
    event = redemption_by_code(database, shop, {"code": second, "merchant": "till"}, NOON)
    assert event["id"] == "springtide:redeem:c2"
    states = [codes.read_code(database, shop, id_, NOON) for id_ in ("c1", "c2", "c3")]
    assert [found and found[1] for found in states] == ["closed", "open", None]
    late = codes.read_code(database, shop, "c2", LATER)
    assert late is not None
    assert late[1] == "expired"
    with pytest.raises(IdReused):
        make(database, shop, "c2")
    with pytest.raises(InvalidAmount):
        make(database, shop, "c4", "all")


def test_the_points_of_a_code_are_multiplied_by_splits(database: Database, name: str) -> None:
    toml = read_preset("advert-b").replace('split_at = "1000"', 'split_at = "2"')
    open_program(database, toml, name)
    order = {"type": "purchase", "id": "o1", "member": "m1", "amount": "1000.00"}
    assert post(database, name, order) is None
    code = make(database, name)
    assert post(database, name, {"type": "inject", "id": "i", "amount": "900.00"}) is None
    event = redemption_by_code(database, name, {"code": code, "merchant": "till"}, NOON)
    assert event["points"] == "100.000000000"


def test_only_the_hash_of_a_code_is_kept(database: Database, shop: str) -> None:
    code = make(database, shop).replace("-", "")
    event = redemption_by_code(database, shop, {"code": code, "merchant": "till"}, NOON)
    assert post(database, shop, event) is None
    with database.connect() as tx:
        rows = tx.execute("SELECT redemption_code::text FROM redemption_code").fetchall()
        rows += tx.execute("SELECT event || receipt FROM entry").fetchall()
        assert not any(code in text for (text,) in rows)
        make(database, shop, "c2")
        reopen = "UPDATE redemption_code SET closed_at = NULL WHERE closed_at IS NOT NULL"
        with pytest.raises(psycopg.errors.CheckViolation), tx.transaction():
            tx.execute(reopen)
