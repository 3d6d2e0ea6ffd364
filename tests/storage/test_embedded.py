"""The embedded server: whoever needs it first starts it, and the last to leave stops it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import psycopg
import pytest

from springtide.storage import embedded
from springtide.storage.database import Database, default_data, migrate, open_database
from springtide.storage.errors import DatabaseDown


@pytest.fixture
def data() -> Iterator[Path]:
    """Where a server may keep its data; whatever still runs there is stopped at the end."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="springtide-test-"))
    data = home / "pgdata"
    yield data
    if is_running(data):
        os.kill(postmaster(data), signal.SIGINT)
    while (data / "postmaster.pid").exists():
        sleep(0.05)
    shutil.rmtree(home)


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split()[0])


def is_running(data: Path) -> bool:
    return (data / "postmaster.pid").exists() and Path(f"/proc/{postmaster(data)}").exists()


def setting(dsn: str, name: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_it_starts_tuned_and_safe_and_stops(data: Path) -> None:
    said: list[str] = []
    with embedded.running(data, say=said.append) as dsn:
        assert is_running(data)
        assert {name: setting(dsn, name) for name in embedded.SETTINGS}.keys() == (
            embedded.SETTINGS.keys()
        )
        assert setting(dsn, "max_wal_size") == "8GB"
        for safety in ("fsync", "full_page_writes", "synchronous_commit"):
            assert setting(dsn, safety) == "on"
        assert setting(dsn, "listen_addresses") == ""
    assert not is_running(data)
    assert said == [f"setting up the database in {data}, once; it takes some seconds"]
    with embedded.running(data, say=said.append):
        assert len(said) == 1, "it was there already"


def test_what_was_written_is_there_the_next_time(data: Path) -> None:
    for _ in range(2):
        with embedded.running(data) as dsn, psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
            connection.execute("INSERT INTO kept VALUES (1)")
    with embedded.running(data) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (2,)


def test_of_two_users_the_last_to_leave_stops_it(data: Path) -> None:
    with embedded.running(data):
        first = postmaster(data)
        with embedded.running(data) as dsn:
            assert postmaster(data) == first
            assert setting(dsn, "max_connections")
        assert is_running(data)
    assert not is_running(data)


def test_whoever_came_first_may_leave_first(data: Path) -> None:
    first, second = embedded.running(data), embedded.running(data)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert is_running(data)
    second.__exit__(None, None, None)
    assert not is_running(data)


def test_it_stops_even_if_connections_were_closed_only_just_before(data: Path) -> None:
    with embedded.running(data) as dsn:
        migrate(dsn)
    for _ in range(5):
        with embedded.running(data) as dsn:
            for connection in [Database(dsn).connect() for _ in range(20)]:
                connection.close()
        assert not is_running(data)


OWNER = """
import sys, time
from pathlib import Path
from springtide.storage import embedded
with embedded.running(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


def test_the_server_of_a_killed_owner_is_found_and_stopped_by_the_next(data: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, data], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner.stdout:
        assert owner.stdout.readline() == b"up\n"
    server = postmaster(data)
    owner.kill()
    owner.wait()
    assert is_running(data)
    with embedded.running(data):
        assert postmaster(data) == server
    assert not is_running(data)


def use_until_it_breaks(connection: psycopg.Connection) -> None:
    for _ in range(100):
        connection.execute("SELECT 1")
        sleep(0.05)


def test_a_server_that_was_killed_itself_recovers(data: Path) -> None:
    with embedded.running(data) as dsn:
        migrate(dsn)
        connection = psycopg.connect(dsn)
        os.kill(postmaster(data), signal.SIGKILL)
        while Path(f"/proc/{postmaster(data)}").exists():
            sleep(0.01)
        with pytest.raises(psycopg.OperationalError):
            use_until_it_breaks(connection)
        connection.close()
    with embedded.running(data) as dsn, Database(dsn).connect() as database:
        assert database.execute("SELECT count(*) FROM program").fetchone() == (0,)


def test_root_keeps_its_data_out_of_private_homes() -> None:
    home = Path("/home/somebody")
    assert default_data(home, is_root=False) == home / ".local/share/springtide/pgdata"
    root = default_data(Path("/root"), is_root=True)
    assert root == Path("/var/lib/springtide/pgdata")
    assert not root.is_relative_to("/root")
    assert not default_data(home, is_root=True).is_relative_to("/home")


def test_the_settings_say_where_it_is(data: Path, dsn: str) -> None:
    with open_database({"SPRINGTIDE_DATA": str(data)}) as database:
        assert is_running(data)
        with database.snapshot() as tx:
            assert Path(tx.info.host) == data
    assert not is_running(data)
    settings = {"SPRINGTIDE_DATA": str(data), "SPRINGTIDE_DATABASE": dsn}
    with open_database(settings) as database, database.snapshot() as tx:
        assert Path(tx.info.host) != data
    assert not is_running(data)


def test_data_that_cannot_be_there_is_refused(data: Path) -> None:
    data.parent.joinpath("file").write_text("in the way")
    with (
        pytest.raises(DatabaseDown, match="cannot start"),
        embedded.running(data.parent / "file" / "pgdata"),
    ):
        raise AssertionError("it must not start")
