"""The disclosure of a running program: its figures are those of the books."""

import json
from datetime import UTC, datetime
from math import prod
from pathlib import Path

import pytest

from springtide.cli.main import app
from springtide.services.disclosure import NotDisclosed, as_json, disclose
from springtide.services.presets import read_preset
from springtide.services.reports import read_status
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.core.history import buy, cash_out, inject, refund
from tests.services.histories import assert_sound, open_program

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def busy(database: Database) -> str:
    """A program of sixty buyers, with everything that moves a price."""
    name = open_program(database, read_preset("advert-b"))
    events = [buy(f"o{number}", f"m{number:02}", 10**8 + number) for number in range(60)]
    events += [cash_out("x1", "m07"), inject("i1", 10**8), refund("r1", "o5")]
    with Writer(database, name) as writer:
        assert all(outcome.is_posted for outcome in writer.post(events))
    return name


def test_every_cause_is_counted_and_their_product_is_the_rise(
    database: Database, busy: str
) -> None:
    found = disclose(database, busy, "100.00", NOW)
    assert all(times > 1 for cause, times in found.rise.items() if cause != "exits")
    status = read_status(database, busy)
    pool = status.program.reserve * 1000 / status.program.supply
    assert prod(found.rise.values()) == pytest.approx(pool * status.program.split_factor)
    assert found.reached_cap == status.activity.exits


def test_tenths_are_in_the_order_of_first_orders(database: Database, busy: str) -> None:
    found = disclose(database, busy, "100.00", NOW)
    assert [tenth.buyers for tenth in found.tenths] == [5] + [6] * 9, "m05 took all back"
    assert sum(tenth.spent_micro for tenth in found.tenths) == 59 * 10**8 + sum(range(60)) - 5
    medians = [tenth.median for tenth in found.tenths[1:]]
    assert medians == sorted(medians, reverse=True), "who came earlier has more"


def test_it_changes_nothing_and_says_what_a_purchase_then_brings(
    database: Database, busy: str
) -> None:
    told = as_json(busy, disclose(database, busy, "250.00", NOW))["purchase"]
    with Writer(database, busy) as writer:
        [outcome] = writer.post([buy("new", "newcomer", 25 * 10**7)])
    assert outcome.is_posted
    assert_sound(database, busy)
    assert isinstance(told, dict)
    assert told["amount"] == "250.000000"
    assert told["highest"] == "300.000000"
    assert told["highest_paid"] == "240.000000"
    after = disclose(database, busy, "250.00", NOW)
    granted = outcome.receipt["granted"]
    assert isinstance(granted, int)
    assert after.outlook.granted < granted


def test_an_amount_that_would_be_refused_is_refused(database: Database, busy: str) -> None:
    with pytest.raises(NotDisclosed, match="a purchase of 0 would be refused: amount is '0'"):
        disclose(database, busy, "0", NOW)


def test_the_command_prints_it(
    dsn: str,
    busy: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SPRINGTIDE_DATABASE", dsn)
    monkeypatch.chdir(tmp_path)
    app(["disclose", busy, "--json"], standalone_mode=False)
    told = json.loads(capfdbinary.readouterr().out)
    assert told["orders"] == 60
    app(["disclose", busy], standalone_mode=False)
    text = capfdbinary.readouterr().out.decode()
    assert "cash now for them" in text
    assert "tenth 10" in text
