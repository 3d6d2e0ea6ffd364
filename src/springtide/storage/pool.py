"""Connections that are kept open between transactions.

psycopg's pool makes its callers wait for as long as nobody answers. Here nobody waits: who gets
no connection at once opens one, and is told at once if that cannot be done. Source:
docs/decisions/0019-pool.md.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

MOST_KEPT = 16
KEPT_IDLE_S = 300.0

AT_ONCE_S = 0.2
"""How long a connection is waited for, before one is opened beside the pool."""


class Pool:
    """Lends connections, each tried before it is lent; those that broke are replaced."""

    def __init__(
        self,
        dsn: str,
        prepare: Callable[[psycopg.Connection], None],
        connect: Callable[[], psycopg.Connection],
    ) -> None:
        self._connect = connect
        self._pool = ConnectionPool(
            dsn,
            min_size=0,
            max_size=MOST_KEPT,
            max_idle=KEPT_IDLE_S,
            timeout=AT_ONCE_S,
            reconnect_timeout=1.0,
            kwargs={"connect_timeout": 10},
            configure=prepare,
            check=ConnectionPool.check_connection,
            open=False,
        )

    def __enter__(self) -> Self:
        self._pool.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    @contextmanager
    def lend(self) -> Iterator[psycopg.Connection]:
        """A connection: its transaction is committed at the end, or rolled back.

        Raises:
            DatabaseDown: nobody answers.
        """
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            with self._connect() as connection:
                yield connection
            return
        try:
            with connection:
                yield connection
        finally:
            self._pool.putconn(connection)
