"""The lock of a program's row, waited for while the program changes."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import psycopg

from springtide.storage.database import Database
from springtide.storage.programs import Program, get_program, lock_program
from tests.core.history import ADVERT_B, write_toml
from tests.services.histories import open_program


def test_a_policy_that_came_into_effect_meanwhile_is_found(
    database: Database, admin: psycopg.Connection
) -> None:
    """The statement that waited began before there was such a policy."""
    name = open_program(database, write_toml(ADVERT_B))
    with database.snapshot() as tx:
        id_ = get_program(tx, name).id

    def lock() -> Program:
        with database.transaction() as tx:
            return lock_program(tx, id_)

    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute(
                "INSERT INTO policy (program_id, version, toml)"
                " SELECT program_id, 2, toml FROM policy WHERE program_id = %s",
                [id_],
            )
            admin.execute("UPDATE program SET policy_version = 2 WHERE id = %s", [id_])
            waiting = pool.submit(lock)
            until = monotonic() + 30
            while not _someone_waits(admin):
                assert monotonic() < until
                sleep(0.01)
        assert waiting.result(30).policy_version == 2


def _someone_waits(admin: psycopg.Connection) -> bool:
    found = admin.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None
