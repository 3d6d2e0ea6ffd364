"""Orders over HTTP against pgbench's TPC-B, on one server and in one run.

Every order is answered only when it is durable. The load comes from this process, over 256
connections that each send the next order when the last was answered, then from three callers of
the batch route. Run it with `make bench-http`.
"""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles

import httpx2
import msgspec
import psycopg

from benchmarks.posting import POLICY, make_orders, run_tpcb
from springtide.core.event_fields import Json
from springtide.services.audit import audit
from springtide.services.keys import create_key
from springtide.services.programs import create_program
from springtide.storage import embedded
from springtide.storage.database import Database, migrate

CONNECTIONS = 256
SINGLES = 40_000
BATCHED = 120_000
BATCHES = 6
CALLERS = 3
"""Of the batch route; each sends the next batch when the last was answered."""


class Till(asyncio.Protocol):
    """One connection: sends a request, waits for the whole answer, sends the next."""

    def __init__(self, requests: list[bytes], seconds: list[float], done: "asyncio.Event"):
        self._requests = requests
        self._seconds = seconds
        self._done = done
        self._received = b""
        self._began = 0.0
        self.errors = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if not self._requests:
            self._transport.close()
            self._done.set()
            return
        self._began = time.perf_counter()
        self._transport.write(self._requests.pop())

    def data_received(self, data: bytes) -> None:
        """Read an answer, and go on when it is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.find(b"content-length: ") + 16
        if len(body) < int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None]):
            return
        self._seconds.append(time.perf_counter() - self._began)
        self.errors += not head.startswith(b"HTTP/1.1 201")
        self._received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever was not answered by now is an error."""
        self.errors += len(self._received) > 0
        self._done.set()


def request_of(order: Json, key: str) -> bytes:
    """The bytes of one order's request."""
    body = msgspec.json.encode(order)
    return (
        b"POST /v1/orders HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer " + key.encode()
        + b"\r\ncontent-type: application/json\r\ncontent-length: "
        + str(len(body)).encode() + b"\r\n\r\n" + body
    )  # fmt: skip


async def send_singles(port: int, requests: list[bytes]) -> tuple[float, list[float], int]:
    """Seconds in all, seconds of each, errors."""
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    tills, ends = [], []
    began = time.perf_counter()
    for _ in range(CONNECTIONS):
        end = asyncio.Event()
        make = partial(Till, requests, seconds, end)
        _, till = await loop.create_connection(make, "127.0.0.1", port)
        tills.append(till)
        ends.append(end)
    for end in ends:
        await end.wait()
    return time.perf_counter() - began, seconds, sum(till.errors for till in tills)


def send_batches(port: int, orders: list[Json], key: str) -> tuple[float, int]:
    """Seconds in all, and how many lines were not receipts; what is sent is made before."""
    size = len(orders) // BATCHES
    bodies = [
        b"\n".join(map(msgspec.json.encode, orders[first : first + size]))
        for first in range(0, len(orders), size)
    ]

    def send(body: bytes) -> int:
        # The library's own client: it leaves most of the two processors to the server.
        connection = HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("POST", "/v1/orders/batch", body, {"Authorization": f"Bearer {key}"})
        return connection.getresponse().read().count(b'"contribution"')

    with ThreadPoolExecutor(CALLERS) as callers:
        began = time.perf_counter()
        receipts = sum(callers.map(send, bodies))
        seconds = time.perf_counter() - began
    return seconds, len(orders) - receipts


def serve(dsn: str) -> tuple[subprocess.Popen[str], int]:
    """A server of the product, and its port."""
    command = [sys.executable, "-m", "springtide.cli", "serve", "--port", "0"]
    command += ["--rate", "1000000000/minute"]
    server = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SPRINGTIDE_DATABASE": dsn},
    )
    assert server.stderr is not None
    found = re.search(r":([0-9]+),", server.stderr.readline())
    assert found is not None
    port = int(found[1])
    assert httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
    return server, port


def measure(dsn: str, tpcb: float) -> bool:
    """Measure both routes, and find what was acknowledged; whether all was well."""
    database = Database(dsn)
    create_program(database, "bench", POLICY)
    key, _ = create_key(database, "bench", ["orders"], "test", secrets.token_hex)
    orders = make_orders(seed=20261122)[: SINGLES + BATCHED]
    requests = [request_of(order, key) for order in reversed(orders[:SINGLES])]
    server, port = serve(dsn)
    try:
        took, seconds, errors = asyncio.run(send_singles(port, requests))
        rate, cuts = len(seconds) / took, quantiles(seconds, n=100)
        print(
            f"\n  single orders            {rate:>10,.0f} orders/s, {CONNECTIONS} connections"
        )
        print(f"  against TPC-B's best     {rate / tpcb:>10.2f} times (at least 0.8)")
        print(f"  answered in              {cuts[49] * 1000:>10,.0f} ms (median)")
        print(f"                           {cuts[98] * 1000:>10,.0f} ms (p99; at most 150)")
        took, more = send_batches(port, orders[SINGLES:], key)
        rate = BATCHED / took
        print(f"  batch route              {rate:>10,.0f} orders/s")
        print(f"  against TPC-B's best     {rate / tpcb:>10.2f} times (at least 4)")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    acknowledged = len(seconds) + BATCHED - errors - more
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM entry WHERE kind = 'purchase'")
        [(found,)] = row.fetchall()
    passed = audit(database, "bench").passed
    print(f"  errors                   {errors + more:>10,}")
    print(f"  acknowledged             {acknowledged:>10,}, found {found:,}")
    print(f"  audit                    {'passed' if passed else 'FAILED':>10}")
    return passed and errors + more == 0 and found == acknowledged


def main() -> None:
    """Run on a server of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="springtide-bench-", dir="/var/tmp") as folder,
        embedded.running(Path(folder) / "pgdata") as dsn,
    ):
        migrate(dsn)
        sys.exit(not measure(dsn, run_tpcb(dsn)))


if __name__ == "__main__":
    main()
