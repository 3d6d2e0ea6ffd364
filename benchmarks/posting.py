"""Durable posting against pgbench's TPC-B and against the naive design, on one server.

All three run after one another on the same embedded PostgreSQL with the same settings, fsync
on; each finds the tables of the one before dropped and a checkpoint done. Run it with
`make bench`.
"""

import gc
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import referrals
from springtide.core.event_fields import Json
from springtide.services.audit import audit
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage import embedded
from springtide.storage.database import Database, migrate

ORDERS = 200_000
MEMBERS = 100_000
BATCH = 20_000
PGBENCH_SCALE = 50
SECONDS = 10

POLICY = """
opening_reserve = "1.00"
[split]
take_rate = "0.20"
platform = "0.10"
distribution = "0.10"
[points]
grant_ratio = "0.70"
[cash_out]
fee = "0.20"
[cap]
multiple = "1.2"
[commission]
direct = "0.003"
indirect = "0.002"
"""

NAIVE_TABLES = """
CREATE TABLE naive_pool (id int PRIMARY KEY, reserve bigint, supply bigint)
    WITH (fillfactor = 10);
CREATE TABLE naive_order (id bigint PRIMARY KEY, buyer bigint, amount bigint, granted bigint);
CREATE INDEX ON naive_order (buyer);
CREATE TABLE naive_journal (order_id bigint, debit bigint, credit bigint, amount bigint);
CREATE INDEX ON naive_journal (debit, order_id);
CREATE INDEX ON naive_journal (credit, order_id);
CREATE TABLE naive_wallet (id bigint PRIMARY KEY, balance bigint) WITH (fillfactor = 70);
INSERT INTO naive_pool VALUES (1, 1000000, 1000000000);
INSERT INTO naive_wallet SELECT id, 0 FROM generate_series(1, 100000) id;
"""

NAIVE_ORDER = """
\\set order_id random(1, 9000000000000000000)
\\set buyer random(1, 100000)
\\set direct random(1, :buyer)
\\set indirect random(1, :direct)
\\set c random(1600000, 80000000)
BEGIN;
UPDATE naive_pool SET reserve = reserve + :c,
    supply = supply + (7 * :c::numeric * supply / (10 * reserve))::bigint WHERE id = 1;
INSERT INTO naive_order VALUES (:order_id, :buyer, :c, :c);
INSERT INTO naive_journal VALUES (:order_id, 1, 2, :c), (:order_id, 1, 3, :c),
    (:order_id, 1, :direct, :c), (:order_id, 1, :indirect, :c), (:order_id, 1, 4, :c),
    (:order_id, 5, :buyer, :c);
UPDATE naive_wallet SET balance = balance + :c WHERE id = :direct;
UPDATE naive_wallet SET balance = balance + :c WHERE id = :indirect;
END;
"""
"""What a first design would store of an order, in one transaction: the hot pool, the order, six
journal rows that can be listed by account, two wallets."""


def make_orders(seed: int) -> list[Json]:
    """Orders of uniform buyers; each was invited by somebody who came before."""
    chance = random.Random(seed)
    orders: list[Json] = []
    for number in range(ORDERS):
        buyer = chance.randrange(1, MEMBERS)
        orders.append(
            {
                "type": "purchase",
                "id": f"o{number:08d}",
                "member": f"m{buyer:06d}",
                "merchant": f"shop-{buyer % 100}",
                "amount": f"{chance.randrange(10, 500)}.{chance.randrange(100):02d}",
                "referrer": f"m{chance.randrange(buyer):06d}",
            }
        )
    return orders


def pgbench(dsn: str, *arguments: str) -> float:
    """Transactions a second of a pgbench run."""
    command = [str(embedded.binaries() / "pgbench"), *arguments, dsn]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([0-9.]+)", output)
    return float(found[1]) if found else 0.0


def settle(dsn: str, tables: str) -> None:
    """Drop what a contender wrote and let the disk catch up before the next one starts."""
    statement = f"DROP TABLE {tables}"
    command = [
        str(embedded.binaries() / "psql"),
        "-q",
        "-c",
        statement,
        "-c",
        "CHECKPOINT",
        dsn,
    ]
    subprocess.run(command, check=True)


def run_tpcb(dsn: str) -> float:
    """TPC-B's best of 1, 8 and 32 clients."""
    pgbench(dsn, "-i", "-q", "-s", str(PGBENCH_SCALE))
    best = 0.0
    for clients in (1, 8, 32):
        rate = pgbench(
            dsn,
            "-c",
            str(clients),
            "-j",
            str(min(clients, 2)),
            "-T",
            str(SECONDS),
            "-M",
            "prepared",
        )
        print(f"  TPC-B, {clients:>2} clients        {rate:>10,.0f} transactions/s")
        best = max(best, rate)
    settle(dsn, "pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history")
    return best


def run_naive(dsn: str, folder: Path) -> float:
    """One transaction an order on one hot row, 8 clients."""
    psql = [str(embedded.binaries() / "psql"), "-q", "-c", NAIVE_TABLES, dsn]
    subprocess.run(psql, check=True)
    script = folder / "naive.sql"
    script.write_text(NAIVE_ORDER)
    rate = pgbench(
        dsn, "-n", "-c", "8", "-j", "2", "-T", str(SECONDS), "-M", "prepared", "-f", str(script)
    )
    print(f"  naive, 8 clients         {rate:>10,.0f} orders/s")
    settle(dsn, "naive_pool, naive_order, naive_journal, naive_wallet")
    return rate


def run_posting(database: Database) -> tuple[float, float, float]:
    """Orders a second, in all, in the first and in the last tenth."""
    create_program(database, "bench", POLICY)
    orders = make_orders(seed=20261121)
    rates = []
    gc.collect()
    gc.freeze()
    with Writer(database, "bench") as writer:
        started = time.perf_counter()
        for first in range(0, ORDERS, BATCH):
            began = time.perf_counter()
            outcomes = writer.post(orders[first : first + BATCH])
            assert all(outcome.is_posted for outcome in outcomes)
            rates.append(BATCH / (time.perf_counter() - began))
        seconds = time.perf_counter() - started
    tenth = len(rates) // 10
    return ORDERS / seconds, sum(rates[:tenth]) / tenth, sum(rates[-tenth:]) / tenth


def disk_bytes(database: Database) -> int:
    """What the tables and indexes of the product take."""
    with database.snapshot() as tx:
        row = tx.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relkind = 'r' AND relname IN ('entry', 'transfer', 'lot', 'member',"
            " 'merchant', 'batch', 'account', 'wallet', 'refund', 'split', 'program', 'policy')"
        ).fetchone()
    assert row is not None
    return int(row[0])


def report(
    rate: float, tpcb: float, naive: float, first: float, last: float, disk: int
) -> None:
    """Print what was measured."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n  durable posting          {rate:>10,.0f} orders/s")
    print(f"  against TPC-B's best     {rate / tpcb:>10.2f} times (at least 4)")
    print(f"  against the naive design {rate / naive:>10.2f} times (at least 10)")
    print(f"  first to last tenth      {first:>10,.0f} to {last:,.0f} orders/s")
    print(f"  disk                     {disk / ORDERS:>10,.0f} bytes an order")
    print(f"  peak memory              {peak:>10,.0f} MiB (the posting process)")


def main() -> None:
    """Run all three on a server of their own, and check the books afterwards."""
    gc.set_threshold(1_000_000, 50, 50)
    sys.setswitchinterval(0.00002)
    print(f"{ORDERS:,} purchases by {MEMBERS:,} members on {os.cpu_count()} cores")
    with (
        tempfile.TemporaryDirectory(prefix="springtide-bench-", dir="/var/tmp") as folder,
        embedded.running(Path(folder) / "pgdata") as dsn,
    ):
        migrate(dsn)
        database = Database(dsn)
        tpcb = run_tpcb(dsn)
        naive = run_naive(dsn, Path(folder))
        rate, first, last = run_posting(database)
        report(rate, tpcb, naive, first, last, disk_bytes(database))
        referrals.run(database)
        result = audit(database, "bench")
        entries = f"{result.entries - 1:,} orders found"
        print(
            f"  audit                    {'passed' if result.passed else 'FAILED'}, {entries}"
        )
        sys.exit(not result.passed or result.entries != ORDERS + 1)


if __name__ == "__main__":
    main()
