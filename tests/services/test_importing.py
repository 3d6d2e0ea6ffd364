"""Importing CSV files: what is read, what is refused, and what a second run does."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from springtide.services import importing
from springtide.services.gateway import UnknownProgram
from springtide.services.importing import (
    ImportRefused,
    ImportResult,
    OrderFile,
    import_orders,
    read_mapping,
)
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.reports import read_status
from springtide.services.writer import Writer
from springtide.storage.database import Database
from tests.services.histories import assert_sound

MAP = "id=id,member=who,amount=amount,at=date"
HEADER = "id,who,amount,date\n"

Import = Callable[[str | bytes], ImportResult]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


@pytest.fixture
def run(database: Database, name: str, path: Path) -> Import:
    """Import this content into a program that stays the same."""
    create_program(database, name, read_preset("advert-b"))

    def run(content: str | bytes) -> ImportResult:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        file = OrderFile(path, read_mapping(MAP))
        file.check_order()
        return import_orders(database, name, file, lambda _: None)

    return run


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.rows, result.posted, result.repeated, result.rejected


def rejects(path: Path) -> list[str]:
    return path.with_name("orders.rejects.csv").read_text().splitlines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--map has ''"),
        ("id", "--map has 'id'"),
        ("id=", "--map has 'id='"),
        ("=x", "--map has '=x'"),
        ("colour=x", "--map has 'colour=x'"),
        ("id=a,id=b", "--map has 'id=b'"),
        ("id=a,", "--map has ''"),
        ("member=a,amount=b,at=c", "--map lacks id; add id=COLUMN"),
        ("id=a,amount=b,at=c", "--map lacks member; add member=COLUMN"),
        ("id=a,member=b,at=c", "--map lacks amount; add amount=COLUMN"),
        ("id=a,member=b,amount=c", "--map lacks at; add at=COLUMN"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(text: str, message: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        read_mapping(text)
    assert str(refused.value).startswith(message)


def test_a_mapping_names_a_column_for_each_field() -> None:
    text = "id=a,member=b,amount=c,at=d=e,merchant=a,region=r,referrer=f"
    assert read_mapping(text) == {
        "id": "a", "member": "b", "amount": "c", "at": "d=e", "merchant": "a",
        "region": "r", "referrer": "f",
    }  # fmt: skip


def test_a_column_that_is_not_there_is_named(path: Path) -> None:
    path.write_text("id,who,amount\n")
    with pytest.raises(
        ImportRefused, match="has no column 'date' for at; its columns are id, w"
    ):
        OrderFile(path, read_mapping(MAP))


def test_every_field_reaches_the_event(database: Database, name: str, path: Path) -> None:
    toml = read_preset("local-life") + '[agents]\n"330106" = "a1"\n'
    create_program(database, name, toml)
    path.write_text(
        "n,who,amount,date,shop,where,by\n1,m1,10.00,2026-01-01T10:00:00+08:00,s 1,330106,m2\n"
    )
    mapping = read_mapping(
        f"{MAP.replace('id=id', 'id=n')},merchant=shop,region=where,referrer=by"
    )
    result = import_orders(database, name, OrderFile(path, mapping), lambda _: None)
    assert counts(result) == (1, 1, 0, 0)
    assert result.rejects is None
    with database.snapshot() as tx:
        row = tx.execute(
            "SELECT e.event FROM entry e JOIN program p ON p.id = e.program_id"
            " WHERE p.name = %s AND e.seq = 1", [name],
        ).fetchone()  # fmt: skip
    assert row == (
        (
            '{"amount":"10.00","at":"2026-01-01T10:00:00+08:00","id":"1","member":"m1",'
            '"merchant":"s 1","referrer":"m2","region":"330106","type":"purchase"}'
        ),
    )


REJECTED = [
    ("o1,m1,0,2026-01-01", "invalid_amount: amount is '0'; it must be above zero"),
    ("o1,m1,-1,2026-01-01",
     "invalid_amount: amount: '-1' is not a decimal string like '12.50'"),
    ("o1,m1,1.1234567,2026-01-01",
     "invalid_amount: amount: '1.1234567' has 7 decimals; at most 6 are kept"),
    ("o1,m1, 1,2026-01-01",
     "invalid_amount: amount: ' 1' is not a decimal string like '12.50'"),
    ("o1,m1,9223372036854.775808,2026-01-01", "overflow: amount passes 2^63 - 1 micro"),
    (",m1,1,2026-01-01", ("invalid_event: id is ''; give 1 to 255 characters of text, none of "
     "them control")),
    ("o1,,1,2026-01-01", ("invalid_event: member is ''; give 1 to 255 characters of text, none "
     "of them control")),
    ("o1,m1,1,31.01.2026", "invalid_date: '31.01.2026' is not a date like 2026-01-31"),
    ("o1,m1,1,", "invalid_date: '' is not a date like 2026-01-31"),
    ("o1,m1,1,2026-02-30", "invalid_date: '2026-02-30' is not a date like 2026-01-31"),
    ("o1,m1,1", "invalid_row: 3 cells where the header has 4"),
    ("o1,m1,1,2026-01-01,x", "invalid_row: 5 cells where the header has 4"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "reason"), REJECTED)
def test_a_row_that_cannot_be_posted_is_rejected_with_its_line_and_reason(
    run: Import, path: Path, row: str, reason: str
) -> None:
    good = "g1,m1,1.00,2026-01-01\n"
    result = run(f"{HEADER}{good}{row}\ng2,m2,2.00,2026-01-02\n")
    assert counts(result) == (3, 2, 0, 1)
    assert result.reasons == {reason.partition(":")[0]: 1}
    assert result.rejects == path.with_name("orders.rejects.csv")
    header, line = rejects(path)
    assert header == "line,reason,id,who,amount,date"
    quoted = f'"{reason}"' if "," in reason else reason
    assert line == f"3,{quoted},{row}"


def test_the_rejects_of_the_run_before_are_gone(run: Import, path: Path) -> None:
    assert run(f"{HEADER}o1,m1,0,2026-01-01\n").rejected == 1
    assert len(rejects(path)) == 2
    assert run(f"{HEADER}o1,m1,5,2026-01-01\n").rejects is None
    assert not path.with_name("orders.rejects.csv").exists()


def test_cells_may_have_several_lines(run: Import, path: Path) -> None:
    content = (
        'id,who,amount,date\r\n"o1","m ""1""",5,2026-01-01\r\n'
        '"o\n2",m1,5,2026-01-01\r\no3,"m1",0,2026-01-02\r\n\r\no4,"m,1",5,2026-01-02'
    )
    result = run(content)
    assert counts(result) == (4, 2, 0, 2)
    assert result.reasons == {"invalid_event": 1, "invalid_amount": 1}
    assert rejects(path)[1].startswith("4,")
    assert rejects(path)[-1].startswith("5,invalid_amount")


def test_a_byte_order_mark_is_no_part_of_a_name(run: Import) -> None:
    assert counts(run(b"\xef\xbb\xbf" + f"{HEADER}o1,m1,5,2026-01-01\n".encode())) == (
        1,
        1,
        0,
        0,
    )


def test_text_that_is_not_utf8_is_refused_wherever_it_is(run: Import) -> None:
    rows = "".join(f"o{number},m1,1,2026-01-01\n" for number in range(5_000))
    for content in (b"\xff", f"{HEADER}o1,m1,1,2026-01-01\n".encode() + b"\xe9",
                    (HEADER + rows).encode() + b"\xe9,m,1,2026-01-01\n"):  # fmt: skip
        with pytest.raises(ImportRefused, match=r"is not UTF-8"):
            run(content)


def test_dates_out_of_order_are_refused_before_anything_is_posted(
    run: Import, database: Database, name: str
) -> None:
    with pytest.raises(ImportRefused) as refused:
        run(f"{HEADER}o1,m1,5,2026-01-02\nbad,m1,5,never\no2,m1,5,2026-01-01\n")
    assert str(refused.value).endswith(
        "orders.csv line 4: 2026-01-01 is before the date of line 2; "
        "sort the file by date and import it again"
    )
    assert read_status(database, name).activity.orders == 0


def test_times_are_compared_as_instants(run: Import) -> None:
    east, west = "2026-01-01T10:00:00+08:00", "2026-01-01T03:00:00Z"
    assert run(f"{HEADER}o1,m1,5,{east}\no2,m1,5,{west}\n").posted == 2
    with pytest.raises(ImportRefused, match="is before the date of line 2"):
        run(f"{HEADER}o1,m1,5,{west}\no2,m1,5,{east}\n")


FEW = "".join(f"o{number},m{number % 3},{number}.50,2026-01-01\n" for number in range(1, 21))


def test_a_second_run_posts_nothing(run: Import, database: Database, name: str) -> None:
    assert counts(run(HEADER + FEW)) == (20, 20, 0, 0)
    before = read_status(database, name).program
    assert counts(run(HEADER + FEW)) == (20, 0, 20, 0)
    assert read_status(database, name).program == before


def test_a_file_that_grew_posts_what_is_new_and_one_that_shrank_nothing(
    run: Import, database: Database, name: str
) -> None:
    lines = FEW.splitlines(keepends=True)
    assert counts(run(HEADER + "".join(lines[:12]))) == (12, 12, 0, 0)
    assert counts(run(HEADER + FEW)) == (20, 8, 12, 0)
    assert counts(run(HEADER + "".join(lines[5:9]))) == (4, 0, 4, 0)
    assert counts(run(HEADER)) == (0, 0, 0, 0)
    assert_sound(database, name)


def test_a_row_with_other_content_under_a_posted_id_is_rejected(
    run: Import, path: Path
) -> None:
    run(HEADER + FEW)
    changed = FEW.replace("o7,m1,7.50", "o7,m1,700.50").replace("o9,m0", "o9,m2")
    result = run(HEADER + changed)
    assert counts(result) == (20, 0, 18, 2)
    assert result.reasons == {"id_reused": 2}
    assert rejects(path)[1:] == [
        '8,"id_reused: o7 was posted before, for something else",o7,m1,700.50,2026-01-01',
        '10,"id_reused: o9 was posted before, for something else",o9,m2,9.50,2026-01-01',
    ]


def test_the_same_row_twice_in_a_file_is_posted_once(run: Import) -> None:
    row = "o1,m1,5,2026-01-01\n"
    assert counts(run(HEADER + row * 3)) == (3, 1, 2, 0)


def test_progress_is_told_of_every_row(
    database: Database, name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 7)
    create_program(database, name, read_preset("advert-b"))
    path.write_text(HEADER + FEW)
    done: list[int] = []
    import_orders(database, name, OrderFile(path, read_mapping(MAP)), done.append)
    assert done == [7, 7, 6]


def test_an_unknown_program_leaves_no_connection(
    database: Database, dsn: str, path: Path, name: str
) -> None:
    path.write_text(HEADER + FEW)
    file = OrderFile(path, read_mapping(MAP))
    with psycopg.connect(dsn, autocommit=True) as watcher:
        before = connections(watcher)
        with pytest.raises(UnknownProgram) as refused:
            import_orders(database, name, file, lambda _: None)
        assert str(refused.value).startswith(f"no program is named '{name}'")
        assert connections(watcher) == before
        with pytest.raises(UnknownProgram):
            Writer(database, name)
        assert connections(watcher) == before


def connections(watcher: psycopg.Connection) -> int:
    """How many clients there are, once those that just left are gone."""
    watcher.execute("SELECT pg_sleep(0.2)")
    row = watcher.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_memory_stays_flat(own_database: Database, own_dsn: str, path: Path) -> None:
    peaks, database, dsn = [], own_database, own_dsn
    for name, rows in (("flat-10000", 10_000), ("flat-30000", 30_000)):
        create_program(database, name, read_preset("advert-b"))
        with path.open("w") as file:
            file.write(HEADER)
            file.writelines(
                f"o{n},m{n % 500},{n % 90 + 1}.00,2026-01-01\n" for n in range(rows)
            )
        peaks.append(peak_of_import(dsn, path, name))
        assert read_status(database, name).activity.orders == rows
    assert peaks[1] < peaks[0] * 1.1, peaks


def peak_of_import(dsn: str, path: Path, name: str) -> int:
    """The most memory that a process of its own had while it imported a file."""
    arguments = [sys.executable, "-m", "springtide.cli", "import", str(path),
                 "--program", name, "--map", MAP]  # fmt: skip
    environment = {**os.environ, "SPRINGTIDE_DATABASE": dsn}
    child = os.posix_spawn(
        sys.executable, arguments, environment,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )  # fmt: skip
    _, status, usage = os.wait4(child, 0)
    assert status == 0
    return usage.ru_maxrss
