"""The database: where it is, and connections to it under the product's role.

Two settings of the environment say where it is:

    SPRINGTIDE_DATABASE   a PostgreSQL DSN or URL; default: the embedded server
    SPRINGTIDE_DATA       the data directory of the embedded server
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict

from springtide.storage import embedded
from springtide.storage.errors import DatabaseDown
from springtide.storage.pool import Pool

Transaction = psycopg.Connection
"""A connection in a transaction; only storage looks inside."""

ROLE = "springtide_app"
SCHEMA_VERSION = "0021"

UNREADABLE = (
    "the database cannot be reached: SPRINGTIDE_DATABASE is no DSN or URL that can be read; "
    "write it like postgresql://USER:PASSWORD@HOST:5432/NAME, with %40 for @, %2F for / and "
    "%25 for % within a password"
)

_MIGRATING = 7_266_745_613
"""Key of the advisory lock under which one process migrates while others wait."""


class _WholeNumber(Loader):
    """Every numeric of the schema is a whole number, and is read as one."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class Database:
    """A migrated database; connections to it may add to the journal, not change it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Pool | None = None

    @contextmanager
    def pooled(self) -> Iterator[None]:
        """Keep connections open between transactions, for as long as this lasts."""
        with Pool(self._dsn, _prepare, self.connect) as self._pool:
            try:
                yield
            finally:
                self._pool = None

    @contextmanager
    def _connection(
        self, isolation: psycopg.IsolationLevel | None = None
    ) -> Iterator[psycopg.Connection]:
        """A connection in a transaction; one of an isolation level writes nothing."""
        with answering(), self._pool.lend() if self._pool else self.connect() as connection:
            connection.isolation_level = isolation
            connection.read_only = isolation is not None or None
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """One connection and one transaction: committed at the end, or rolled back."""
        with self._connection() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[psycopg.Connection]:
        """One connection that sees one instant of the database, and writes nothing."""
        with self._connection(psycopg.IsolationLevel.REPEATABLE_READ) as connection:
            yield connection

    def ping(self) -> None:
        """Return if the database answers.

        Raises:
            DatabaseDown: it does not.
        """
        with self.snapshot() as tx:
            tx.execute("SELECT")

    @contextmanager
    def same_snapshot(self, tx: psycopg.Connection) -> Iterator[psycopg.Connection]:
        """Another connection that sees the same instant as `tx`."""
        exported = tx.execute("SELECT pg_export_snapshot()").fetchone()
        assert exported is not None
        with self.snapshot() as connection:
            connection.execute(
                sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(exported[0]))
            )
            yield connection

    def connect_to_write(self) -> psycopg.Connection:
        """A connection whose plans prefer indexes: a writer asks for some rows by key.

        At the server's default price of a random page it would read whole tables for a few
        hundred rows; and a plan that was kept from when a table was empty would go on to.
        """
        with answering():
            connection = self.connect()
            connection.execute("SET random_page_cost = 1.1")
            connection.execute("SET enable_seqscan = off")
            connection.commit()
        return connection

    def connect(self) -> psycopg.Connection:
        """A new connection under the product's role.

        Raises:
            DatabaseDown: nobody answers.
        """
        connection = _connect(self._dsn)
        _prepare(connection)
        return connection


def _prepare(connection: psycopg.Connection) -> None:
    connection.adapters.register_loader("numeric", _WholeNumber)
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(ROLE)))
    connection.commit()


@contextmanager
def answering() -> Iterator[None]:
    """Say plainly that the database went away, if it does.

    Raises:
        DatabaseDown: the connection broke; what was not committed was not written.
    """
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseDown(
            f"the database went away: {_one_line(error)}; start it and run the command again"
        ) from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def default_data(home: Path, *, is_root: bool) -> Path:
    """Where the embedded server keeps its data.

    Started by root it opens every folder above its data to all users, so root's is kept
    out of private homes.
    """
    if is_root:
        return Path("/var/lib/springtide/pgdata")
    return home / ".local" / "share" / "springtide" / "pgdata"


def _is_readable(dsn: str) -> bool:
    """Whether a DSN says what it seems to say.

    Of one that does not, libpq's messages quote the pieces it was torn into, and a password
    may be among them.
    """
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.Error:
        return False
    where = f"{parts.get('host', '')}{parts.get('dbname', '')}"
    ports = str(parts.get("port", "")).replace(",", "")
    return "@" not in where and (not ports or ports.isdigit())


@contextmanager
def open_database(
    settings: Mapping[str, str],
    *,
    supervised: bool = False,
    say: Callable[[str], object] = embedded.say_nothing,
) -> Iterator[Database]:
    """The database that the settings name, migrated and ready.

    A supervised embedded server is started again if it dies; `say` is told if there is none
    yet, and one is made.

    Raises:
        DatabaseDown: it cannot be reached, started or migrated.
    """
    dsn = settings.get("SPRINGTIDE_DATABASE")
    if dsn:
        migrate(dsn)
        yield Database(dsn)
        return
    home = Path(settings.get("HOME", "/"))
    data = Path(
        settings.get("SPRINGTIDE_DATA") or default_data(home, is_root=os.geteuid() == 0)
    )
    with embedded.running(data.resolve(), supervised=supervised, say=say) as embedded_dsn:
        migrate(embedded_dsn)
        yield Database(embedded_dsn)


def migrate(dsn: str) -> None:
    """Bring the schema up to date; does nothing if it is.

    Raises:
        DatabaseDown: nobody answers, or the role may not create what is needed.
    """
    with _allowed(), _connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() != (None,):
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            if version == (SCHEMA_VERSION,):
                return
        _upgrade(dsn)


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseDown(
            f"the database cannot be migrated: {_one_line(error)}; "
            "its role must be allowed to create tables and a role"
        ) from None


def _upgrade(dsn: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise error.orig or error from None
    except CommandError as error:
        raise DatabaseDown(f"the database cannot be migrated: {_one_line(error)}") from None
    finally:
        engine.dispose()


def _connect(dsn: str) -> psycopg.Connection:
    try:
        return psycopg.connect(dsn, connect_timeout=10)
    except psycopg.Error as error:
        if not _is_readable(dsn):
            raise DatabaseDown(UNREADABLE) from None
        raise DatabaseDown(
            f"the database cannot be reached: {_one_line(error)}; "
            "start it, or correct SPRINGTIDE_DATABASE"
        ) from None
