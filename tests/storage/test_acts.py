"""The log of acts: read newest first, by program and by subject, and never changed."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from springtide.storage.acts import INSTALLATION, append_act, list_acts
from springtide.storage.database import Database

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_acts_are_read_back_newest_first(database: Database) -> None:
    program = 7_001
    with database.transaction() as tx:
        append_act(tx, program, AT, "cli", "key.create", "key_1", after={"scopes": ["read"]})
        append_act(
            tx, program, AT + timedelta(seconds=1), "staff:ana", "key.revoke", "key_1",
            before={"revoked": False}, after={"revoked": True},
        )  # fmt: skip
        append_act(tx, program, AT, "cli", "key.create", "key_2")
        append_act(tx, program + 1, AT, "cli", "key.create", "key_1")
        append_act(tx, INSTALLATION, AT, "cli", "staff.add", "ana")
    with database.snapshot() as tx:
        acts = list_acts(tx, program, limit=10)
        assert [(act.what, act.subject) for act in acts] == [
            ("key.create", "key_2"), ("key.revoke", "key_1"), ("key.create", "key_1"),
        ]  # fmt: skip
        assert acts[1].before == {"revoked": False}
        assert acts[1].after == {"revoked": True}
        assert acts[1].at == AT + timedelta(seconds=1)
        assert acts[2].before is None
        assert list_acts(tx, program, limit=1, before_id=acts[0].id) == [acts[1]]
        assert list_acts(tx, program, limit=10, subject="key_1") == acts[1:]


@pytest.mark.parametrize("statement", [b"UPDATE act SET actor = 'x'", b"DELETE FROM act"])
def test_acts_are_never_changed(database: Database, statement: bytes) -> None:
    with database.connect() as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_somebody_did_it(database: Database) -> None:
    with database.connect() as tx, pytest.raises(psycopg.errors.CheckViolation):
        append_act(tx, 7_002, AT, "", "key.create", "key_1")
