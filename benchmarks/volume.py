"""A program of many members, written by SQL as if its orders had been posted."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

LOTS_EACH = 5
BATCH = 2_000
REFEREES = 10
"""Whom a member brought; members are numbered so that they form a tree."""


def member_id(number: int) -> str:
    """The id of a member by its number."""
    return f"m{number:07d}"


def order_id(seq: int) -> str:
    """The id of the order of a seq."""
    return f"o{seq:08d}"


# Everybody buys once, in the order of their numbers, and then again as chance has it.
BUYER = """CASE WHEN seq <= {members} THEN seq - 1
           ELSE (hashint8(seq)::bigint + 2147483648) % {members} END"""

ORDERS = """
    SELECT seq, 'o' || lpad(seq::text, 8, '0') AS id, buyer,
           'm' || lpad(buyer::text, 7, '0') AS member,
           'm' || lpad((buyer / {referees})::text, 7, '0') AS direct,
           'm' || lpad((buyer / {referees} / {referees})::text, 7, '0') AS indirect,
           'shop-' || buyer % 100 AS shop,
           to_char(date '2024-11-22' + (seq * 730 / {orders})::int, 'YYYY-MM-DD') AS day
    FROM (SELECT seq, {buyer} AS buyer FROM generate_series(1::bigint, {orders}) seq) one
"""

ENTRIES = """
INSERT INTO entry
SELECT {program}, seq, id, 'purchase', 1,
    format('{{"amount":"100.00","at":"%s","id":"%s","member":"%s","merchant":"%s",'
           '"referrer":"%s","type":"purchase"}}', day, id, member, shop, direct),
    format('{{"id":"%s","type":"purchase","merchant":80000000,"platform":3500000,'
           '"commissions":[{{"kind":"direct","to":"%s","amount":300000}},'
           '{{"kind":"indirect","to":"%s","amount":200000}}],"contribution":16000000,'
           '"granted":5000000000,"exits":[],"split":1,"reserve":%s,"supply":%s,'
           '"price":%s}}', id, direct, indirect, {reserve}, {supply},
           div(({reserve}) * 1000000000::numeric, {supply}))
FROM ({orders_of}) o;
"""

TRANSFERS = """
INSERT INTO transfer
SELECT {program}, seq, line, kind, debit, credit, amount
FROM ({orders_of}) o, LATERAL (VALUES
    (0::smallint, 'merchant', 'payments', 'merchant:' || shop, 80000000),
    (1, 'platform', 'payments', 'platform', 3500000),
    (2, 'direct', 'payments', 'wallet:' || direct, 300000),
    (3, 'indirect', 'payments', 'wallet:' || indirect, 200000),
    (4, 'contribution', 'payments', 'pool', 16000000),
    (5, 'grant', 'points-issued', 'points:' || member, 5000000000)
) t (line, kind, debit, credit, amount);
"""

LOTS = """
DROP INDEX lot_of_member; DROP INDEX lot_by_trigger;
INSERT INTO lot
SELECT {program}, seq, id, member, 5000000000, 120000000, 0, 240000000000 + seq
FROM ({orders_of}) o;
CREATE INDEX lot_of_member ON lot (program_id, member, seq);
CREATE INDEX lot_by_trigger ON lot (program_id, trigger_key, id) WHERE trigger_key IS NOT NULL;
"""

PEOPLE = """
INSERT INTO member SELECT {program}, 'm' || lpad(n::text, 7, '0'), n + 1
FROM generate_series(0, {members} - 1) n;
INSERT INTO binding
SELECT {program}, 'm' || lpad(n::text, 7, '0'), 'm' || lpad((n / {referees})::text, 7, '0'),
       n + 1, date '2024-11-22'
FROM generate_series(1, {members} - 1) n;
INSERT INTO merchant SELECT {program}, 'shop-' || n, n + 1 FROM generate_series(0, 99) n;
INSERT INTO batch
SELECT {program}, n, (n - 1) * {batch} + 1, least(n * {batch}, {orders}),
       sha256(n::text::bytea),
       timestamptz '2024-11-22' + interval '730 days' * (n::float8 * {batch} / {orders})
FROM generate_series(1, ({orders} + {batch} - 1) / {batch}) n;
UPDATE batch SET posted_at = timestamptz '2024-11-22'
WHERE program_id = {program} AND number = 0;
UPDATE account SET balance = 1000000 + 16000000::bigint * {orders}
WHERE program_id = {program} AND code = 'pool';
UPDATE program SET seq = {orders}, batch = ({orders} + {batch} - 1) / {batch},
    hash = sha256('x'), reserve = 1000000 + 16000000::bigint * {orders},
    supply = 1000000000 + 5000000000::bigint * {orders},
    inflow = 1000000 + 100000000::numeric * {orders},
    last_id = 'o' || lpad({orders}::text, 8, '0')
WHERE id = {program};
"""


def fill(dsn: str, name: str, members: int) -> None:
    """Give a new program its members, and each of them some orders."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for setting in ("fsync = off", "max_wal_size = '64GB'", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
        row = connection.execute("SELECT id FROM program WHERE name = %s", [name]).fetchone()
        assert row is not None
        given = {"program": row[0], "members": members, "orders": members * LOTS_EACH,
                 "batch": BATCH, "referees": REFEREES}  # fmt: skip
        given["reserve"] = "1000000 + 16000000 * seq"
        given["supply"] = "1000000000 + 5000000000 * seq"
        given["buyer"] = BUYER.format(**given)
        given["orders_of"] = ORDERS.format(**given)
        parts = [part.format(**given) for part in (TRANSFERS, ENTRIES, LOTS, PEOPLE)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda part: _run(dsn, part), parts))
        for setting in ("fsync", "max_wal_size", "autovacuum"):
            connection.execute(f"ALTER SYSTEM RESET {setting}")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _run(dsn: str, statements: str) -> None:
    """Run statements for which no trigger runs."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(statements)
