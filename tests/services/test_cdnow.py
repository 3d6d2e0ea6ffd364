"""A real shop's whole order history under advert B: known figures to the last unit."""

import csv
import gzip
import shutil
from pathlib import Path

import pytest

from springtide.core.units import format_money, format_points
from springtide.services.backtest import backtest
from springtide.services.importing import ImportResult, OrderFile, import_orders, read_mapping
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.reports import read_status
from springtide.storage.database import Database
from tests.services.histories import assert_sound
from tests.services.test_backtest import assert_is_status

PACKED = Path(__file__).parent.parent / "data" / "cdnow.csv.gz"
MAPPING = "id=order_id,member=customer,amount=amount,at=date"
NAME = "cdnow"

Imported = tuple[Database, ImportResult, list[int]]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cdnow") / "cdnow.csv"
    with gzip.open(PACKED) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return path


def run(database: Database, name: str, orders: Path) -> tuple[ImportResult, list[int]]:
    done: list[int] = []
    file = OrderFile(orders, read_mapping(MAPPING))
    assert file.check_order() == 69_659
    return import_orders(database, name, file, done.append), done


@pytest.fixture(scope="module")
def shop(quiet_dsn: str, orders: Path) -> Imported:
    """The shop's program, imported once for all tests."""
    database = Database(quiet_dsn)
    create_program(database, NAME, read_preset("advert-b"))
    return database, *run(database, NAME, orders)


def test_the_whole_history_comes_out_to_the_last_unit(shop: Imported, orders: Path) -> None:
    database, first, done = shop
    assert (first.rows, first.posted, first.repeated, first.rejected) == (69_659, 69_579, 0, 80)
    assert first.reasons == {"invalid_amount": 80}
    assert sum(done) == 69_659
    assert first.rejects == orders.with_name("cdnow.rejects.csv")
    check_rejects(orders, first.rejects)
    check_figures(database, NAME, count_buyers(orders))
    assert_sound(database, NAME)

    again, _ = run(database, NAME, orders)
    assert (again.rows, again.posted, again.repeated, again.rejected) == (69_659, 0, 69_579, 80)
    check_figures(database, NAME, count_buyers(orders))


def test_the_whole_history_under_two_policies(shop: Imported) -> None:
    database, other = shop[0], read_preset("advert-a")
    before = read_status(database, NAME).program
    found = backtest(database, NAME, other)
    assert read_status(database, NAME).program == before, (
        "nothing is posted: the hash is the same"
    )
    assert found.events == found.was.accepted == found.would_be.accepted == 69_579
    assert_is_status(database, NAME, found.was)
    assert (found.was.exits, format_money(found.was.price)) == (16, "36.407855")
    assert format_points(found.was.supply) == "10961.958481424"
    assert format_money(found.was.median_spent) == "43.690000"
    assert (found.was.buyers, found.was.got_back) == (23_476, 0)
    assert [change.parameter for change in found.changes] == [
        "split.take_rate", "split.platform", "split.distribution", "cap.multiple",
    ]  # fmt: skip
    assert found.would_be.reserve > found.was.reserve * 18 // 10
    assert len(found.was.tenths) == len(found.would_be.tenths) == 10


def count_buyers(orders: Path) -> int:
    with orders.open(newline="") as file:
        return len({row["customer"] for row in csv.DictReader(file) if row["amount"] != "0.00"})


def check_rejects(orders: Path, rejects: Path) -> None:
    """Every refused row is there with its line, its reason and all that it said."""
    with orders.open(newline="") as file:
        lines = dict(enumerate(csv.reader(file), 1))
    with rejects.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "reason", *lines[1]]
    assert len(rows) == 80
    for line, reason, *cells in rows:
        assert cells == lines[int(line)]
        assert reason == "invalid_amount: amount is '0.00'; it must be above zero"


def check_figures(database: Database, name: str, buyers: int) -> None:
    status = read_status(database, name)
    assert status.activity.orders == 69_579
    assert status.activity.exits == 16
    assert format_money(status.activity.exits_paid) == "950.102400"
    assert format_money(status.program.reserve) == "399101.398400"
    assert format_points(status.program.supply) == "10961.958481424"
    assert format_money(status.price_micro) == "36.407855"
    assert status.activity.members == status.outcomes.buyers == buyers
