"""Migrations: a fresh database gets every table and the role with just its grants, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.storage.database import ROLE, SCHEMA_VERSION, Database, migrate
from springtide.storage.errors import DatabaseDown

TABLES = {
    "account",
    "act",
    "agent_contract",
    "alarm",
    "alembic_version",
    "api_key",
    "batch",
    "binding",
    "buyer",
    "cash_out_request",
    "departure",
    "entry",
    "evidence",
    "evidence_revocation",
    "history",
    "history_balance",
    "hold",
    "identity",
    "invitation",
    "login_code",
    "lot",
    "member",
    "member_freeze",
    "member_level",
    "merchant",
    "merchant_application",
    "merchant_terms",
    "movement",
    "movement_mark",
    "phone",
    "phone_key",
    "policy",
    "policy_draft",
    "program",
    "program_secret",
    "rebinding",
    "redemption_code",
    "refund",
    "session",
    "settled_mark",
    "settlement",
    "split",
    "staff",
    "staff_recovery",
    "staff_role",
    "switch",
    "tally",
    "transfer",
    "wallet",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
    "withdrawal",
    "withdrawal_act",
}
OF_THE_INSTALLATION = {"staff", "staff_recovery"}
VIEWS = {"bound", "commission", "posted", "posting"}

MAY_INSERT = {
    "act",
    "agent_contract",
    "alarm",
    "api_key",
    "batch",
    "binding",
    "buyer",
    "cash_out_request",
    "departure",
    "entry",
    "evidence",
    "evidence_revocation",
    "history",
    "history_balance",
    "hold",
    "identity",
    "invitation",
    "login_code",
    "lot",
    "member",
    "member_freeze",
    "member_level",
    "merchant",
    "merchant_application",
    "merchant_terms",
    "phone",
    "phone_key",
    "policy",
    "policy_draft",
    "program",
    "program_secret",
    "rebinding",
    "redemption_code",
    "refund",
    "session",
    "settled_mark",
    "settlement",
    "split",
    "staff",
    "staff_recovery",
    "staff_role",
    "switch",
    "tally",
    "transfer",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
    "withdrawal_act",
}
MAY_INSERT_COLUMNS = {
    ("withdrawal", column)
    for column in (
        "program_id", "id", "seq", "member", "amount", "fee", "approvals", "asked_by", "day",
    )
}  # fmt: skip
"""Where not all columns are the product's: a withdrawal's state is the trigger's."""
MAY_UPDATE = {
    "buyer": {"first_seq", "spent", "points", "received", "factor"},
    "history": {"seq", "figures"},
    "history_balance": {"balance"},
    "settled_mark": {"seq"},
    "agent_contract": {"seq", "ended", "deposit"},
    "member_level": {"level", "seq", "reason"},
    "merchant_application": {"status", "reviewer", "reviewed_at", "reason", "settlement"},
    "merchant_terms": {
        "seq", "take_ppm", "region", "recruiter", "platform_ppm", "distribution_ppm",
        "recruiter_until", "owner", "suspended",
    },
    "alarm": {"acknowledged_at", "acknowledged_by"},
    "login_code": {"code_hash", "sent_at", "guesses", "used_at", "day_began", "sent"},
    "api_key": {"revoked_at"},
    "cash_out_request": {
        "state", "reason", "batch", "batch_factor", "paid_points", "gross", "net", "ended_at",
    },
    "lot": {"points", "headroom", "net", "trigger_key"},
    "member_freeze": {"frozen", "at", "actor", "reason"},
    "policy_draft": {
        "state", "approved_by", "approved_at", "effective_at", "closed_by", "closed_at",
        "reason",
    },
    "program": {
        "policy_version", "seq", "batch", "hash", "reserve", "supply", "reference_reserve",
        "reference_supply", "orphaned", "split_factor", "inflow", "last_id",
        "clock", "outflow", "day", "registry",
    },
    "session": {"last_used_at", "revoked_at"},
    "staff": {
        "state", "password", "totp", "totp_step", "failed", "wait_until", "invitation",
        "invited_until",
    },
    "staff_recovery": {"used_at"},
    "webhook_delivery": {"state", "attempts", "next_at", "last_status", "last_error"},
    "webhook_endpoint": {
        "state", "secret", "old_secret", "old_secret_until", "through_seq", "failing_since",
    },
    "switch": {"off", "at", "actor", "reason"},
    "tally": {"spent", "cash_day", "cashed"},
    "redemption_code": {"closed_at"},
}  # fmt: skip
MAY_DELETE = {"identity", "invitation", "login_code", "phone", "staff_role"}


@pytest.fixture
def fresh(empty_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        yield connection


def relations(fresh: psycopg.Connection, kind: str) -> set[str]:
    rows = fresh.execute(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_type = %s", [kind],
    )  # fmt: skip
    return {name for (name,) in rows}


def schema(fresh: psycopg.Connection) -> list[tuple[object, ...]]:
    """Every column, constraint, index, trigger and grant, and which migration was run."""
    queries = (
        (
            b"SELECT table_name, column_name, data_type, is_nullable, collation_name"
            b" FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        ),
        (
            b"SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''"
            b" FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        ),
        (
            b"SELECT indexdef, '', '', '', '' FROM pg_indexes WHERE schemaname = 'public'"
            b" ORDER BY 1"
        ),
        b"SELECT tgname, tgenabled, oid::text, '', '' FROM pg_trigger ORDER BY 1, 3",
        (
            b"SELECT relname, relacl::text, oid::text, '', '' FROM pg_class"
            b" WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        ),
        b"SELECT version_num, '', '', '', '' FROM alembic_version",
    )
    return [row for query in queries for row in fresh.execute(query).fetchall()]


def test_a_fresh_database_gets_every_table(empty_dsn: str, fresh: psycopg.Connection) -> None:
    assert relations(fresh, "BASE TABLE") == set()
    migrate(empty_dsn)
    assert relations(fresh, "BASE TABLE") == TABLES
    assert relations(fresh, "VIEW") == VIEWS
    assert fresh.execute("SELECT version_num FROM alembic_version").fetchall() == [
        (SCHEMA_VERSION,)
    ]


def test_every_key_leads_with_the_program(empty_dsn: str, fresh: psycopg.Connection) -> None:
    migrate(empty_dsn)
    rows = fresh.execute(
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'p' AND connamespace = 'public'::regnamespace"
    )
    keys: dict[str, str] = dict(rows.fetchall())
    assert keys.pop("program") == "PRIMARY KEY (id)"
    assert keys.pop("alembic_version") == "PRIMARY KEY (version_num)"
    for table in ("movement_mark", "history", "settled_mark"):
        assert keys.pop(table) == "PRIMARY KEY (program_id)"
    for table in OF_THE_INSTALLATION:
        assert keys.pop(table).startswith(("PRIMARY KEY (name", "PRIMARY KEY (staff"))
    assert all(key.startswith("PRIMARY KEY (program_id, ") for key in keys.values()), keys
    assert len(keys) == len(TABLES) - 6 - len(OF_THE_INSTALLATION), (
        "all but transfer, which is only appended"
    )


def test_migrating_twice_changes_nothing(empty_dsn: str, fresh: psycopg.Connection) -> None:
    migrate(empty_dsn)
    create_program(Database(empty_dsn), "shop", read_preset("advert-b"))
    before = schema(fresh)
    migrate(empty_dsn)
    assert schema(fresh) == before
    assert len(before) > 100
    assert fresh.execute("SELECT name FROM program").fetchall() == [("shop",)]


def test_several_may_migrate_at_once(empty_dsn: str, fresh: psycopg.Connection) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [empty_dsn] * 4))
    assert relations(fresh, "BASE TABLE") == TABLES


def test_the_role_has_just_its_grants(empty_dsn: str, fresh: psycopg.Connection) -> None:
    migrate(empty_dsn)
    rows = fresh.execute(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = %s AND table_schema = 'public'", [ROLE],
    )  # fmt: skip
    granted = {(table, privilege) for table, privilege in rows}
    assert granted == (
        {(table, "SELECT") for table in TABLES | VIEWS}
        | {(table, "INSERT") for table in MAY_INSERT}
        | {(table, "DELETE") for table in MAY_DELETE}
    )
    rows = fresh.execute(
        "SELECT table_name, column_name FROM information_schema.role_column_grants"
        " WHERE grantee = %s AND table_schema = 'public' AND privilege_type = 'UPDATE'", [ROLE],
    )  # fmt: skip
    columns = set(rows.fetchall())
    assert columns == {(table, column) for table in MAY_UPDATE for column in MAY_UPDATE[table]}
    rows = fresh.execute(
        "SELECT table_name, column_name FROM information_schema.role_column_grants"
        " WHERE grantee = %s AND table_schema = 'public' AND privilege_type = 'INSERT'", [ROLE],
    )  # fmt: skip
    columns = {(table, column) for table, column in rows if table not in MAY_INSERT}
    assert columns == MAY_INSERT_COLUMNS


def test_the_role_is_nobody_of_consequence(empty_dsn: str, fresh: psycopg.Connection) -> None:
    migrate(empty_dsn)
    role = fresh.execute(
        "SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolbypassrls"
        " FROM pg_roles WHERE rolname = %s", [ROLE],
    ).fetchone()  # fmt: skip
    assert role == (False, True, False, False, False, False)
    owned = fresh.execute(
        "SELECT relname FROM pg_class WHERE relowner = %s::regrole", [ROLE]
    ).fetchall()
    assert owned == []
    with Database(empty_dsn).connect() as connection:
        assert connection.execute("SELECT current_user").fetchone() == (ROLE,)


def test_a_database_of_another_version_is_refused(
    empty_dsn: str, fresh: psycopg.Connection
) -> None:
    migrate(empty_dsn)
    fresh.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseDown, match="the database cannot be migrated: "):
        migrate(empty_dsn)
