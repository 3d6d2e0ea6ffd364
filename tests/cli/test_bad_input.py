"""Bad input: exit code 2, nothing on stdout, and one line that says what and the remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from springtide.services.presets import read_preset
from springtide.services.programs import is_program_name
from tests.cli.conftest import Command, Result

ADVERT = read_preset("advert-b")
PRESETS = "advert-a, advert-b, closed-loop, local-life, stock-clearing"
MAP = "id=id,member=who,amount=amount,at=date"
HEADER = "id,who,amount,date\n"
ORDERS = f"{HEADER}o1,m1,10.00,2026-01-01\no2,m2,5.00,2026-01-02\n"

FILES: dict[str, str | bytes] = {
    "good.toml": ADVERT,
    "broken.toml": "[split\n",
    "unclosed.toml": "a = [\n1,\n\n",
    "semicolons.csv": ORDERS.replace(",", ";"),
    "latin.toml": b"# \xe9\n",
    "ratio.toml": ADVERT.replace('"0.70"', '"1.2"'),
    "negative.toml": ADVERT.replace('"0.70"', '"-0.7"'),
    "precise.toml": ADVERT.replace('"1.00"', '"1.0000001"', 1),
    "number.toml": ADVERT.replace('"0.70"', "0.7"),
    "unknown.toml": ADVERT + '[bogus]\nx = "1"\n',
    "missing.toml": ADVERT.replace('grant_ratio = "0.70"', ""),
    "fee.toml": ADVERT.replace('fee = "0.20"', 'fee = "1"'),
    "greedy.toml": ADVERT + '[commission]\ndirect = "0.5"\n',
    "empty-pool.toml": ADVERT.replace('opening_reserve = "1.00"', 'opening_reserve = "0"'),
    "start.toml": ADVERT.replace('start_price = "1.00"', 'start_price = "0.50"'),
    "one.jsonl": '{"type": "bind", "id": "b1", "member": "m1", "referrer": "m2"}\n',
    "truncated.jsonl": '{"type": \n',
    "third.jsonl": '{"type": "bind", "id": "b1", "member": "m1", "referrer": "m2"}\n\nhello\n',
    "list.jsonl": "[1]\n",
    "deep.jsonl": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "latin.jsonl": b'{"id": "\xe9"}\n',
    "orders.csv": ORDERS,
    "empty.csv": "",
    "latin.csv": ORDERS.encode() + b"o3,\xe9,1.00,2026-01-03\n",
    "late-latin.csv": HEADER.encode()
    + b"o,m,1,2026-01-01\n" * 9_999
    + b"\xe9,m,1,2026-01-01\n",
    "utf16.csv": ORDERS.encode("utf-16"),
    "unsorted.csv": ORDERS + "o3,m3,1.00,2026-01-01\n",
    "huge.csv": f'{HEADER}o1,"{"x" * 140_000}",1,2026-01-01\n',
}

GOLDEN: dict[str, str] = {
    "prices PROGRAM --chart nowhere/c.png": "nowhere/c.png: the chart cannot be written (No such "
    "file or directory); name a file in a folder that is there and may be written to",
    "prices PROGRAM --chart /dev/null/c.png": "/dev/null/c.png: the chart cannot be written (Not a "
    "directory); name a file in a folder that is there and may be written to",
    "staff add ana --program PROGRAM --role owner": "there is no terminal to ask for the password "
    "on; give it with --password-stdin",
    "import semicolons.csv --program PROGRAM --map MAP": "semicolons.csv: its columns are separated "
    "by ';'; separate them by commas",
    "import orders.csv --program PROGRAM": "Missing option '--map'; see --help",
    "policy check unclosed.toml": "unclosed.toml: not a TOML file: Invalid value (at its end, "
    "line 3: look above for what is not closed)",
    "program create a/b --preset advert-b": "'a/b' cannot name a program; give 1 to 255 letters, "
    "digits, hyphens, underscores and dots",
    "phone link shop m1 12": "'12' is no phone number; write it like 13800000001",
    "policy check nowhere.toml": "nowhere.toml: No such file or directory; check the path",
    "policy check folder": "folder: Is a directory; check the path",
    "policy check broken.toml": "broken.toml: not a TOML file: Expected ']' at the end of a "
    "table declaration (at line 1, column 7)",
    "policy check latin.toml": "latin.toml is not UTF-8 text; save it as UTF-8",
    "policy check ratio.toml": "ratio.toml: points.grant_ratio is 1.2; a ratio must be in 0..1",
    "policy check negative.toml": "negative.toml: points.grant_ratio: '-0.7' is not a decimal "
    "string like '12.50'; give it like \"0.20\"",
    "policy check precise.toml": "precise.toml: opening_reserve: '1.0000001' has 7 decimals; "
    'at most 6 are kept; give it like "5000.00"',
    "policy check number.toml": "number.toml: points.grant_ratio: 0.7 is not a decimal string "
    "like '12.50'; give it like \"0.20\"",
    "policy check unknown.toml": "unknown.toml: bogus is not known here; remove or correct it",
    "policy check missing.toml": "missing.toml: points.grant_ratio is missing; give it as a "
    'string like "0.20"',
    "policy check fee.toml": "fee.toml: cash_out.fee is 1; a ratio must be below 1",
    "policy check greedy.toml": "greedy.toml: commissions can reach 0.5 of an order, but the "
    "policy distributes only take_rate 0.2 x distribution 0.1 = 0.02; lower a rate",
    "policy show nope": f"no program and no preset is named 'nope'; presets are {PRESETS}",
    "program create PROGRAM --preset advert-b --profile demo": "a program named 'PROGRAM' is there already; choose "
    "another name",
    "program create new": "give either --policy P.toml or --preset NAME",
    "program create new --preset advert-b --policy good.toml": "give either --policy P.toml or "
    "--preset NAME",
    "program create new --preset advert-b --profile closed-loop": "the profile closed-loop does not allow cash_out (points are paid in cash on request); set cash_out.enabled = false, or open the program under another profile",
    "program create new --preset advert-b --profile casino": "no profile is named 'casino'; known are demo, closed-loop, cash, direct-selling, eu-loyalty",
    "program create new --preset advert-b --profile cash": "under the profile cash cash_out (points are paid in cash on request) needs a licence of an authority on file; open the program without, record it, and draft the change, or set cash_out.enabled = false",
    "policy draft PROGRAM --policy good.toml": "good.toml: it says the same as version 1; change something",
    "policy draft PROGRAM --policy start.toml": "start.toml: points.start_price cannot change while the program runs: the points of the opening were priced at it; leave it as it was",
    "policy diff PROGRAM": "give either --draft N or --policy P.toml",
    "policy submit PROGRAM 7": "PROGRAM has no draft 7; see `springtide policy list PROGRAM`",
    "policy show PROGRAM --version 9": "PROGRAM has no version 9 of its policy; it has 1",
    "evidence revoke PROGRAM 7": "PROGRAM has no evidence 7; see `springtide evidence list PROGRAM`",
    "text check nowhere.txt": "nowhere.txt: No such file or directory; check the path",
    "program create new --preset nope": f"no preset is named 'nope'; known are {PRESETS}",
    "program create new --policy ratio.toml": "ratio.toml: points.grant_ratio is 1.2; a ratio "
    "must be in 0..1",
    "program create new --policy empty-pool.toml": "empty-pool.toml: opening_reserve is "
    '0.000000; a program that takes orders needs at least "1.00"',
    "statement PROGRAM --member nobody": "nobody named 'nobody' ever bought, earned or was bound "
    "in PROGRAM; check the id, it is case-sensitive",
    "replay nowhere.jsonl --preset advert-b": "nowhere.jsonl: No such file or directory; check "
    "the path",
    "replay folder --preset advert-b": "folder: Is a directory; check the path",
    "replay one.jsonl": "give either --policy P.toml or --preset NAME",
    "replay one.jsonl --preset advert-b --policy good.toml": "give either --policy P.toml or "
    "--preset NAME",
    "replay one.jsonl --policy broken.toml": "broken.toml: not a TOML file: Expected ']' at the "
    "end of a table declaration (at line 1, column 7)",
    "replay one.jsonl --policy ratio.toml --store postgres": "ratio.toml: points.grant_ratio is "
    "1.2; a ratio must be in 0..1",
    "replay truncated.jsonl --preset advert-b": "truncated.jsonl line 1: '{\"type\":' is not a "
    "JSON object (Input data was truncated); give one event a line",
    "replay third.jsonl --preset advert-b --store postgres": "third.jsonl line 3: 'hello' is "
    "not a JSON object (JSON is malformed: invalid character (byte 0)); give one event a line",
    "replay list.jsonl --preset advert-b": "list.jsonl line 1: '[1]' is not a JSON object "
    "(Expected `object`, got `array`); give one event a line",
    "import nowhere.csv --program PROGRAM --map MAP": "nowhere.csv: No such file or directory; "
    "check the path",
    "import folder --program PROGRAM --map MAP": "folder: Is a directory; check the path",
    "import empty.csv --program PROGRAM --map MAP": "empty.csv has no column 'id' for id; its "
    "columns are none",
    "import orders.csv --program PROGRAM --map id=nr,member=who,amount=amount,at=date": "orders.csv "
    "has no column 'nr' for id; its columns are id, who, amount, date",
    "import orders.csv --program PROGRAM --map id=id,member=who": "--map lacks amount; add "
    "amount=COLUMN",
    "import orders.csv --program PROGRAM --map MAP,colour=id": "--map has 'colour=id'; give each "
    "of id, member, amount, at, merchant, region, referrer at most once, as field=column",
    "import orders.csv --program PROGRAM --map MAP,id=id": "--map has 'id=id'; give each of id, "
    "member, amount, at, merchant, region, referrer at most once, as field=column",
    "import unsorted.csv --program PROGRAM --map MAP": "unsorted.csv line 4: 2026-01-01 is before "
    "the date of line 3; sort the file by date and import it again",
    "import huge.csv --program PROGRAM --map MAP": "huge.csv line 2: field larger than field limit "
    "(131072)",
}

PARTS: dict[str, tuple[str, ...]] = {
    "status nope": ("no program is named 'nope'; known are ", "PROGRAM"),
    "staff add ana --program nope --role owner": ("no program is named 'nope'; known are ",),
    "phone link nope m1 13800000001": ("no program is named 'nope'; known are ",),
    "statement nope --member m1": ("no program is named 'nope'; known are ",),
    "prices nope": ("no program is named 'nope'; known are ",),
    "audit nope": ("no program is named 'nope'; known are ",),
    "import orders.csv --program nope --map MAP": ("no program is named 'nope'; known are ",),
    "import latin.csv --program PROGRAM --map MAP": ("latin.csv", "is not UTF-8; save it as UTF-8"),
    "import late-latin.csv --program PROGRAM --map MAP": ("is not UTF-8; save it as UTF-8",),
    "import utf16.csv --program PROGRAM --map MAP": ("is not UTF-8; save it as UTF-8",),
    "replay latin.jsonl --preset advert-b": ("latin.jsonl line 1: ", "give one event a line"),
    "replay deep.jsonl --preset advert-b": ("deep.jsonl line 1: ", "give one event a line"),
    "prices PROGRAM --chart c.xyz": ("c.xyz: the chart cannot be written (", "; name a .png file"),
    "status \udce9": (),
    "statement PROGRAM --member \udce9": (),
    "program create \udce9 --preset advert-b": (),
    "bogus": ("bogus",),
    "policy bogus": ("bogus",),
    "program create": ("Missing argument",),
    "statement PROGRAM": ("--member",),
    "import orders.csv --map MAP": ("--program",),
    "replay one.jsonl --preset advert-b --store redis": ("'redis'", "memory"),
    "prices PROGRAM --rows 1": ("--rows", "2"),
    "prices PROGRAM --rows many": ("--rows",),
    "status PROGRAM --bogus": ("--bogus",),
}  # fmt: skip
"""Refusals whose exact words are a library's, or name what else is there."""


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands run, with files good and bad."""
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        tmp_path.joinpath(name).write_bytes(
            content.encode() if isinstance(content, str) else content
        )
    tmp_path.joinpath("folder").mkdir()
    return tmp_path


@pytest.fixture
def program(springtide: Command, name: str) -> str:
    assert (
        springtide("program", "create", name, "--preset", "advert-b", "--profile", "demo").code
        == 0
    )
    return name


def one_line(result: Result) -> str:
    """What was said after the name of the product; nothing else may have been."""
    assert "Traceback" not in result.err
    assert (result.code, result.out) == (2, ""), result
    assert result.err.count("\n") == 1, result.err
    start, line = result.err.split(" ", 1)
    assert start == "springtide:"
    return line.rstrip("\n")


def words(command: str, program: str) -> list[str]:
    return [word.replace("MAP", MAP).replace("PROGRAM", program) for word in command.split(" ")]


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize("command", GOLDEN)
def test_bad_input_is_refused_in_one_line(
    springtide: Command, program: str, command: str
) -> None:
    said = one_line(springtide(*words(command, program)))
    assert said == GOLDEN[command].replace("PROGRAM", program)


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(("command", "parts"), PARTS.items(), ids=map(ascii, PARTS))
def test_so_is_what_libraries_refuse(
    springtide: Command, program: str, command: str, parts: tuple[str, ...]
) -> None:
    said = one_line(springtide(*words(command, program)))
    for part in parts:
        assert part.replace("PROGRAM", program) in said


def test_without_a_command_the_help_is_shown(springtide: Command) -> None:
    result = springtide()
    assert "Usage: springtide" in result.out + result.err
    assert result.code in (0, 2)


def test_a_row_that_is_refused_is_no_reason_to_stop(
    springtide: Command, program: str, room: Path
) -> None:
    bad = "o3,m1,-5,2026-01-03\no4,m1,1.0000001,2026-01-03\no5,m1,1e3,2026-01-03\n"
    room.joinpath("orders.csv").write_text(ORDERS + bad)
    result = springtide("import", "orders.csv", "--program", program, "--map", MAP, "--json")
    assert result.code == 0
    assert '"posted":2,"posted_before":0,"rejected":3' in result.out
    assert room.joinpath("orders.rejects.csv").read_text().splitlines() == [
        "line,reason,id,who,amount,date",
        (
            "4,invalid_amount: amount: '-5' is not a decimal string like '12.50',"
            "o3,m1,-5,2026-01-03"
        ),
        (
            "5,invalid_amount: amount: '1.0000001' has 7 decimals; at most 6 are kept,"
            "o4,m1,1.0000001,2026-01-03"
        ),
        (
            "6,invalid_amount: amount: '1e3' is not a decimal string like '12.50',"
            "o5,m1,1e3,2026-01-03"
        ),
    ]


def test_a_file_of_which_every_row_is_refused_was_not_imported(
    springtide: Command, program: str, room: Path
) -> None:
    room.joinpath("bad.csv").write_text(f"{HEADER}o1,m1,-5,2026-01-03\n")
    arguments = ("--program", program, "--map", MAP)
    result = springtide("import", "bad.csv", *arguments)
    assert result.code == 2
    assert result.err == (
        "springtide: not one row of bad.csv could be posted; bad.rejects.csv says why, row by "
        "row: correct the file and import it again\n"
    )
    assert "invalid_amount" in result.out
    for _ in range(2):  # what was posted before counts as well
        room.joinpath("bad.csv").write_text(f"{ORDERS}o3,m1,-5,2026-01-03\n")
        assert springtide("import", "bad.csv", *arguments).code == 0
    room.joinpath("bad.csv").write_text(HEADER)
    assert springtide("import", "bad.csv", *arguments).code == 0


@pytest.mark.parametrize("name", ["a/b", "bad name!", ".", "..", "", "a?b", "a\x00", "x" * 256])
def test_what_cannot_stand_in_an_address_names_no_program(name: str) -> None:
    assert not is_program_name(name)


@pytest.mark.parametrize("name", ["shop", "v1.2", "a-b_c", "小店", "हिन्दी", "x" * 255, "..."])
def test_letters_of_any_script_name_a_program(name: str) -> None:
    assert is_program_name(name)


@pytest.mark.parametrize(
    "dsn",
    [
        "host=/nowhere dbname=postgres user=postgres",
        "postgresql://localhost:1/springtide",
        "host=HOST dbname=nowhere user=postgres",
    ],
)
@pytest.mark.parametrize("command", ["status shop", "program list", "audit shop"])
def test_a_database_that_is_down_is_named_with_the_remedy(
    springtide: Command, server: str, monkeypatch: pytest.MonkeyPatch, dsn: str, command: str
) -> None:
    host = server.split()[0].removeprefix("host=")
    monkeypatch.setenv("SPRINGTIDE_DATABASE", dsn.replace("HOST", host))
    said = one_line(springtide(*command.split()))
    assert said.startswith("the database cannot be reached: ")
    assert said.endswith("; start it, or correct SPRINGTIDE_DATABASE")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql:/u:hunter2@h/db",
        "postgresql://u:hunter2@[::1/db",
        "postgresql://u:pass@hunter2@localhost:1/db",
        "postgresql://u:hunter2/more@localhost/db",
        "postgresql://u:hunter2%@localhost/db",
        "password='hunter2",
        "this is no dsn",
    ],
)
def test_a_dsn_that_cannot_be_read_is_not_shown(
    springtide: Command, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    monkeypatch.setenv("SPRINGTIDE_DATABASE", dsn)
    said = one_line(springtide("program", "list"))
    assert said.startswith("the database cannot be reached: SPRINGTIDE_DATABASE is no DSN")
    assert "write it like postgresql://" in said
    assert "hunter2" not in said


def test_an_embedded_database_that_cannot_start_is_named(
    springtide: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.joinpath("file").write_text("in the way")
    monkeypatch.delenv("SPRINGTIDE_DATABASE")
    monkeypatch.setenv("SPRINGTIDE_DATA", str(tmp_path / "file" / "pgdata"))
    said = one_line(springtide("program", "list"))
    assert "cannot start" in said
    assert said.endswith("; set SPRINGTIDE_DATA to a folder that can be written to")


def test_a_rejects_file_that_cannot_be_written_is_named(
    springtide: Command, program: str, room: Path
) -> None:
    room.joinpath("orders.rejects.csv").mkdir()
    said = one_line(springtide("import", "orders.csv", "--program", program, "--map", MAP))
    assert said.startswith("orders.rejects.csv: ")
    assert said.endswith("import a copy of the file from a folder you may write to")


def test_the_same_is_true_of_the_real_command(server: str, room: Path) -> None:
    for arguments in (["bogus"], ["status", "nope"], ["import", "latin.csv"]):
        done = subprocess.run(
            [sys.executable, "-m", "springtide.cli", *arguments],
            env={**os.environ, "SPRINGTIDE_DATABASE": server},
            cwd=room,
            capture_output=True,
            text=True,
            check=False,
        )
        one_line(Result(done.returncode, done.stdout, done.stderr))
