"""The commands as people and scripts use them."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from springtide.services.presets import list_presets, read_preset
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.cli.conftest import Command

PNG = b"\x89PNG\r\n\x1a\n"
MAP = "id=id,member=who,amount=amount,at=date,referrer=by"
ORDERS = """\
id,who,amount,date,by
o1,m1,1000.00,2026-01-01,
o2,m2,500.00,2026-01-02,m1
o3,m1,0,2026-01-03,
o4,m3,250.00,2026-01-04,m2
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    return path


@pytest.fixture
def shop(springtide: Command, name: str, orders: Path) -> str:
    """A program with three orders."""
    assert (
        springtide(
            "program", "create", name, "--preset", "local-life", "--profile", "demo"
        ).code
        == 0
    )
    assert springtide("import", orders, "--program", name, "--map", MAP).code == 0
    return name


def read(springtide: Command, *arguments: object) -> Any:
    result = springtide(*arguments, "--json")
    assert (result.code, result.err.strip()) == (0, "")
    assert result.out.count("\n") == 1
    return json.loads(result.out)


def test_create_shows_the_pool(springtide: Command, name: str, tmp_path: Path) -> None:
    result = springtide("program", "create", name, "--preset", "advert-b", "--profile", "demo")
    opened = (
        f"{name} is open under the profile demo: reserve 1.00, supply 1.0000, price 1.0000\n"
    )
    assert result == (0, opened, "")
    policy = tmp_path / "mine.toml"
    policy.write_text(springtide("policy", "show", "advert-a").out)
    assert policy.read_text() == read_preset("advert-a")
    assert read(
        springtide, "program", "create", f"{name}-b", "--policy", policy, "--profile", "demo"
    ) == {
        "program": f"{name}-b",
        "reserve": "1.000000",
        "supply": "1.000000000",
        "price": "1.000000",
    }


def test_list_shows_every_program(springtide: Command, shop: str) -> None:
    found = {row["program"]: row for row in read(springtide, "program", "list")}
    assert found[shop]["entries"] == 3
    assert any(line.split()[:2] == [shop, "3"] for line in
               springtide("program", "list").out.splitlines())  # fmt: skip


def test_an_empty_database_says_what_to_do(
    springtide: Command, monkeypatch: pytest.MonkeyPatch, empty_dsn: str
) -> None:
    monkeypatch.setenv("SPRINGTIDE_DATABASE", empty_dsn)
    assert "springtide program create" in springtide("program", "list").out
    assert read(springtide, "program", "list") == []
    refused = springtide("status", "shop")
    assert refused.code == 2
    assert refused.err == (
        "springtide: no program is named 'shop'; create one with `springtide program create`\n"
    )


def test_presets_are_listed_and_valid(springtide: Command, tmp_path: Path) -> None:
    listed = springtide("policy", "presets").out
    assert [row["preset"] for row in read(springtide, "policy", "presets")] == list(
        list_presets()
    )
    for preset, about in list_presets().items():
        assert f"{preset:<16}{about}\n" in listed
        path = tmp_path / f"{preset}.toml"
        path.write_text(read_preset(preset))
        assert springtide("policy", "check", path).code == 0


def test_check_shows_the_worst_case_of_the_commissions(
    springtide: Command, tmp_path: Path
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(read_preset("local-life"))
    checked = read(springtide, "policy", "check", path)
    assert checked == {
        "policy": str(path),
        "valid": True,
        "worst_commission": "0.013",
        "smallest_distribution": "0.02",
    }
    assert "is valid" in springtide("policy", "check", path).out


def test_import_counts_and_puts_rejects_beside_the_file(
    springtide: Command, name: str, orders: Path
) -> None:
    springtide("program", "create", name, "--preset", "advert-b", "--profile", "demo")
    arguments = ("import", orders, "--program", name, "--map", MAP)
    rejects = orders.with_name("orders.rejects.csv")
    counted = {
        "rows": 4,
        "posted": 3,
        "posted_before": 0,
        "rejected": 1,
        "reasons": {"invalid_amount": 1},
        "rejects": str(rejects),
    }
    assert read(springtide, *arguments) == counted
    assert rejects.read_text() == (
        "line,reason,id,who,amount,date,by\n"
        "4,invalid_amount: amount is '0'; it must be above zero,o3,m1,0,2026-01-03,\n"
    )
    assert read(springtide, *arguments) == {**counted, "posted": 0, "posted_before": 3}
    shown = springtide(*arguments).out
    words = [line.split() for line in shown.splitlines()]
    assert ["posted", "before", "3"] in words
    assert ["rejected", "1"] in words
    assert ["invalid_amount", "1"] in words
    assert f"rejected rows are in {rejects}" in shown


def test_status_in_json_and_for_people_agree(springtide: Command, shop: str) -> None:
    status = read(springtide, "status", shop)
    expected = {
        "program": shop, "entries": 3, "orders": 3, "members": 3, "buyers": 3,
        "spent": "1750.000000", "exits": 0, "refunded": 0, "split_factor": 1,
        "median_spent": "500.000000", "median_received": "0.000000",
    }  # fmt: skip
    assert {key: status[key] for key in expected} == expected
    # Two orders had a referrer, one of them an indirect one too.
    assert status["commissions"] == "2.750000"
    shown = springtide("status", shop).out
    assert f"{shop}: the pool" in shown
    words = [line.split() for line in shown.splitlines()]
    for figure in (
        f"price of a point {status['price'][:-2]}",
        f"cash now for a point {status['cash_now'][:-2]}",
        "spent 1,750.00",
        "buyers 3",
        "exits at the cap 0",
        "of all buyers 0.00 %",
    ):
        assert figure.split() in words


def test_statement_shows_every_movement(springtide: Command, shop: str) -> None:
    statement = read(springtide, "statement", shop, "--member", "m1")
    movements = [(row["id"], row["cause"], row["unit"]) for row in statement["movements"]]
    assert movements == [
        ("o1", "grant", "points"),
        ("o2", "direct", "wallet"),
        ("o4", "indirect", "wallet"),
    ]
    assert statement["wallet"] == "2.000000"
    assert [row["at"] for row in statement["movements"]] == [
        "2026-01-01", "2026-01-02", "2026-01-04",
    ]  # fmt: skip
    shown = springtide("statement", shop, "--member", "m1").out
    assert "m1 has now" in shown
    assert "+1.50" in shown


def test_an_order_without_a_date_shows_when_it_was_posted(
    springtide: Command, shop: str, database: Database
) -> None:
    with Writer(database, shop) as writer:
        writer.post([{"type": "purchase", "id": "o9", "member": "m9", "amount": "1.00"}])
    [row] = read(springtide, "statement", shop, "--member", "m9")["movements"]
    minute = row["at"][:16].replace("T", " ")
    assert f" {minute}  grant " in springtide("statement", shop, "--member", "m9").out
    assert minute in springtide("prices", shop).out


def test_prices_end_with_what_stands_now(springtide: Command, shop: str) -> None:
    prices, status = read(springtide, "prices", shop), read(springtide, "status", shop)
    assert [row["entry"] for row in prices] == [0, 1, 2, 3]
    assert prices[0]["price"] == "1.000000"
    for key in ("price", "reserve", "supply", "cash_now"):
        assert prices[-1][key] == status[key]
    few = read(springtide, "prices", shop, "--rows", 2)
    assert [row["entry"] for row in few] == [0, 3]
    assert "cash now (less 20 %)" in springtide("prices", shop).out


def test_prices_draw_a_chart(springtide: Command, shop: str, tmp_path: Path) -> None:
    chart = tmp_path / "prices.png"
    assert springtide("prices", shop, "--chart", chart).code == 0
    assert chart.read_bytes().startswith(PNG)


def test_a_program_without_orders_can_be_looked_at(
    springtide: Command, name: str, tmp_path: Path
) -> None:
    springtide("program", "create", name, "--preset", "stock-clearing", "--profile", "demo")
    assert read(springtide, "status", name)["buyers"] == 0
    assert [row["entry"] for row in read(springtide, "prices", name)] == [0]
    assert springtide("prices", name, "--chart", tmp_path / "p.png").code == 0
    assert springtide("status", name).code == springtide("audit", name).code == 0


def test_audit_prints_every_law_and_passes(springtide: Command, shop: str) -> None:
    result = springtide("audit", shop)
    assert (result.code, result.err) == (0, "")
    assert sum(line.startswith("ok ") for line in result.out.splitlines()) == 9
    assert "4 entries in 2 batches were read" in result.out
    audit = read(springtide, "audit", shop)
    assert audit["passed"] is True
    assert audit["hash"] == read(springtide, "status", shop)["hash"]
    assert [law["broken_by"] for law in audit["laws"]] == [[]] * 9


def test_audit_exits_with_one_if_a_law_is_broken(
    springtide: Command, shop: str, admin: psycopg.Connection
) -> None:
    admin.execute("UPDATE program SET reserve = reserve - 1 WHERE name = %s", [shop])
    result = springtide("audit", shop)
    assert result.code == 1
    assert "BROKEN  Law 3: every micro that came in is in exactly one account" in result.out
    assert "ok      Law 1: the price never falls." in result.out
    assert result.err == ""
    result = springtide("audit", shop, "--json")
    assert (result.code, json.loads(result.out)["passed"]) == (1, False)


@pytest.mark.parametrize(
    "command",
    ["", "replay", "import", "demo", "status", "statement", "prices", "audit", "program",
     "program create", "program list", "policy", "policy check", "policy presets"],
)  # fmt: skip
def test_every_command_has_help(springtide: Command, command: str) -> None:
    result = springtide(*command.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert f"Usage: springtide {command}".strip() in result.out
