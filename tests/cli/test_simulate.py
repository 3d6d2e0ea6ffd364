"""`springtide simulate`: what it prints and writes, and how it says no."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from springtide.services.simulation import list_scenarios
from tests.cli.conftest import Command

SMALL = """# Ten days of a shop.
[policy]
preset = "advert-b"
[time]
periods = 10
[orders]
per_period = 20
[[behaviour]]
name = "sell at random"
probability = 0.1
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_the_table(springtide: Command, small: Path) -> None:
    result = springtide("simulate", small)
    assert result.code == 0
    assert re.search(r"orders +200 ", result.out)
    assert "tenth 10" in result.out
    assert result.out.index("cash now") < result.out.index("tenth 1 ")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_in_files(springtide: Command, small: Path, tmp_path: Path, form: str) -> None:
    result = springtide(
        "simulate", small, "--data", tmp_path / "out", "--format", form, "--json"
    )
    out = tmp_path / "out"
    said = json.loads(result.out)
    read = pd.read_csv if form == "csv" else pd.read_parquet
    periods = read(out / f"periods.{form}")
    assert periods["orders"].sum() == said["summary"]["orders"] == 200
    assert len(read(out / f"members.{form}")) == said["summary"]["members"]


def test_the_report_stands_alone(springtide: Command, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert springtide("simulate", small, "--report", path).code == 0
    page = path.read_text()
    assert page.count("<svg") == 4
    assert "Ten days of a shop." in page
    assert "prefers-color-scheme: dark" in page
    loads = re.findall(r'(?:src|href)="(?!#)([^"]*)"|url\((?!#)([^)]*)\)', page)
    assert loads == []
    assert not re.search(r"#(0f6680|5b6670|d9dee2|a8c8d3)", page.split("</style>", 1)[1])


def test_presets_are_listed(springtide: Command) -> None:
    listed = springtide("simulate", "--preset", "list").out
    assert all(name in listed for name in list_scenarios())
    assert len(list_scenarios()) == 7


KNOWN = ", ".join(list_scenarios())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("periods = 10", "periods = 0"), "time.periods is 0; give a number from 1 to 100000"),
        (("periods = 10", 'periods = "x"'), "time.periods is 'x'; give a int"),
        (("[orders]", "[order]"), "order is not known here; remove or correct it"),
        (("per_period", "per_day"), "orders.per_day is not known here; known are growth"),
        (("advert-b", "nope"), "no preset is named 'nope'; known are "),
        (("sell at random", "dance"), "behaviour 1.name is 'dance'; give one of hold"),
        (("probability", "chance"), "behaviour 1, a setting is 'chance'; give one of prob"),
        (('preset = "advert-b"', ""), "split.take_rate is missing"),
        (("[time]", "[time"), "not TOML: "),
        (("per_period = 20", "per_period = 9e7"), "orders pass 200,000,000 in period 2; "),
        (("per_period = 20", 'file = "no.csv"'), "no.csv: No such file or directory; "),
        (("[[behaviour]]", "[behaviour]"), "behaviour must be tables, each under [[beha"),
    ],
)
def test_bad_scenarios(
    springtide: Command, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace(*change))
    result = springtide("simulate", path)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert result.err.startswith("springtide: bad: ")
    assert said in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either SCENARIO.toml or --preset NAME (--preset list names them)"),
        (["--preset", "nope"], f"no scenario is named 'nope'; known are {KNOWN}"),
        (["nowhere.toml"], "nowhere.toml: No such file or directory; check the path"),
        (["--preset", "growth-stops", "--format", "xls"], "--format is 'xls'; give csv or"),
        (["--preset", "new-platform", "--seeds", "2", "--report", "r.html"], "--data FOLDER"),
    ],
)
def test_bad_arguments(springtide: Command, arguments: list[str], said: str) -> None:
    result = springtide("simulate", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_sweep_on_the_command_line(springtide: Command, tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    arguments = ("simulate", path, "--sweep", "basket.mean=50,100", "--seeds", 2)
    result = springtide(*arguments, "--workers", 1, "--data", tmp_path, "--json")
    rows = json.loads(result.out)
    assert [(row["basket.mean"], row["seed"]) for row in rows] == [
        (50, 1), (50, 2), (100, 1), (100, 2)
    ]  # fmt: skip
    assert len((tmp_path / "sweep.csv").read_text().splitlines()) == 5
    form = ("--format", "parquet", "--data", tmp_path)
    assert "gini" in springtide(*arguments, "--workers", 1, *form).out
    read = pd.read_parquet(tmp_path / "sweep.parquet")
    assert read["reserve_micro"].tolist() == [row["reserve_micro"] for row in rows]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("basket.mean", "give NAME=1,2,3 or NAME=LOW:HIGH"),
        ("basket.mean=3:2", "give NAME=1,2,3 or NAME=LOW:HIGH"),
        ("basket.mean=-1,2", "basket.mean is -1.0; give a number from 0.01"),
        ("behaviour.2.share=0,1", "behaviour.2.share: there is no 2"),
        ("policy.points.grant_ratio=2.0,3.0", "points.grant_ratio is 2; a ratio must be"),
    ],
)
def test_bad_sweeps(springtide: Command, tmp_path: Path, wish: str, said: str) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    result = springtide("simulate", path, "--sweep", wish, "--workers", 1)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert said in result.err
