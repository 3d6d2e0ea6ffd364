"""Pages over a program of a million members and five million lots: how long the server takes.

The program is written by SQL, not posted: what pages ask of the tables is the same, and it
takes minutes instead of hours. Then the real server is asked for every page of the console, and
Chromium for a member's home. Run it with `make bench-pages`, or with another number of members
by `python -m benchmarks.pages 100000`.
"""

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import httpx2

from benchmarks.posting import POLICY
from benchmarks.volume import LOTS_EACH, fill, member_id, order_id
from springtide.services.movements import BEHIND
from springtide.services.programs import create_program
from springtide.services.sessions import MEMBER, STAFF, open_session
from springtide.storage import embedded
from springtide.storage.database import Database, migrate
from springtide.storage.movements import list_behind
from tests.pages.browser import PHONE, chromium
from tests.people import hired

MEMBERS = 1_000_000
TIMES = 20
MOST_MS = 100
MOST_BYTES = 120 * 1024
MOST_PAINT_MS = 1_000

OTHERS = (
    "withdrawals", "cash-outs", "together", "payouts", "merchants", "agents", "levels",
    "dividends", "policy", "policy/edit", "simulator", "switches", "profile", "staff", "keys",
    "webhooks",
)  # fmt: skip
"""Pages of the console whose tables do not grow with the members."""

OWN = (
    "lots", "orders", "wallet", "disclosure", "account", "cash-out", "withdraw", "withdrawals",
    "earnings", "invite", "notices", "redeem", "delete", "export.json",
)  # fmt: skip
"""A member's pages beside the first."""

PAINT = """() => new Promise(done => new PerformanceObserver(list =>
    done(list.getEntries().at(-1).startTime))
    .observe({type: 'largest-contentful-paint', buffered: true}))"""


def console_pages(members: int) -> dict[str, str]:
    """The console's pages by what they show."""
    few, many = member_id(members - 7), member_id(members // 150)
    middle = member_id(members // 2)
    return {
        "overview": "/console/bench",
        "members": "/console/bench/members",
        "members, from the middle": f"/console/bench/members?after={middle}",
        "members, one searched": f"/console/bench/members?q={middle}",
        "members, none found": "/console/bench/members?q=zz",
        "member": f"/console/bench/members/{few}",
        "member with 110 referees": f"/console/bench/members/{many}",
        "statement": f"/console/bench/statements/{few}",
        "statement of 555 earnings": f"/console/bench/statements/{many}",
        "orders": "/console/bench/orders",
        "orders, from the middle": f"/console/bench/orders?before={members * LOTS_EACH // 2}",
        "order": f"/console/bench/orders/{order_id(members)}",
        "why an order paid whom": f"/console/bench/why/{order_id(members * LOTS_EACH - 9)}",
        "commissions": "/console/bench/commissions",
        "commissions, the middle": f"/console/bench/commissions?after={members * 2}.0",
        "commissions of one member": f"/console/bench/commissions?member={many}",
        "merchant": "/console/bench/merchants/shop-7",
        "prices": "/console/bench/prices",
        "audit, before it is run": "/console/bench/audit",
        "log of acts": "/console/bench/log",
        **{name: f"/console/bench/{name}" for name in OTHERS},
    }


def member_pages(members: int) -> dict[str, str]:
    """A member's pages and those of everybody, by what they show."""
    return {
        "reserve page": "/p/bench",
        "member's home": "/m/bench",
        "member's lot": f"/m/bench/lots/{members - 6}",
        **{f"member's {name}": f"/m/bench/{name}" for name in OWN},
    }


@contextmanager
def serving(dsn: str) -> Iterator[tuple[str, int]]:
    """A server of the product; gives its address and the number of its process."""
    command = [sys.executable, "-m", "springtide.cli", "serve", "--port", "0"]
    environment = {**os.environ, "SPRINGTIDE_DATABASE": dsn}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stderr is not None
        found = re.search(r"(http://[0-9.]+:[0-9]+),", server.stderr.readline())
        assert found is not None
        try:
            yield found[1], server.pid
        finally:
            server.terminate()


def tokens(database: Database, member: str) -> tuple[str, str]:
    """Sessions of somebody on the staff and of a member."""
    now = datetime.now(UTC)
    hired(database, "bench", "ana", now, "owner")
    staff, _ = open_session(database, "staff:ana", None, STAFF, now, secrets.token_hex)
    own, _ = open_session(database, f"member:{member}", "bench", MEMBER, now, secrets.token_hex)
    return staff, own


def client_of(url: str, token: str) -> httpx2.Client:
    """A client with a session."""
    return httpx2.Client(
        base_url=url,
        timeout=600,
        verify=False,
        cookies={"springtide": token, "springtide-member": token},
    )


def wait_for_overview(client: httpx2.Client) -> float:
    """Until an overview is there; gives the seconds it took."""
    began = time.perf_counter()
    while client.get("/console/bench").status_code == 202:
        time.sleep(0.5)
    return time.perf_counter() - began


def wait_for_movements(database: Database) -> None:
    """Until the server wrote the movements of an imported journal."""
    began = time.perf_counter()
    while True:
        with database.snapshot() as tx:
            if not list_behind(tx, BEHIND):
                break
        time.sleep(0.5)
    print(f"  movements written after     {time.perf_counter() - began:>9.1f} s more")


def cpu_s(server: int, postgres: int) -> float:
    """Seconds of processors that the server and its database took so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, fields = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if pid in (server, postgres) or int(fields[1]) == postgres:
            ticks += sum(map(int, fields[11:15] if pid == postgres else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(
    client: httpx2.Client, pages: dict[str, str], processors: Callable[[], float]
) -> bool:
    """Ask for each page, print what the server took; whether all were quick enough.

    Beside it stands what processors did: on a machine that does much else, that is steadier.
    """
    quick = True
    for name, address in pages.items():
        took, began = [], processors()
        for _ in range(TIMES):
            answer = client.get(address)
            assert answer.status_code == 200, f"{address}: {answer.status_code}"
            found = re.search(r"dur=([0-9.]+)", answer.headers["server-timing"])
            assert found is not None
            took.append(float(found[1]))
        worst, usual, cpu = max(took), median(took), (processors() - began) / TIMES * 1000
        quick = quick and usual < MOST_MS
        late = "" if usual < MOST_MS else f"  more than {MOST_MS}"
        print(
            f"  {name:<27} {usual:>9.1f} ms, at worst {worst:>7.1f} ms,"
            f" processors {cpu:>6.1f} ms{late}",
            flush=True,
        )
    return quick


def look(url: str, token: str) -> bool:
    """Open a member's home on a slow phone; whether it is light and soon there."""
    with chromium() as browser:
        context = browser.new_context(viewport=PHONE, is_mobile=True, locale="zh-CN")
        context.add_cookies([{"name": "springtide-member", "value": token, "url": url}])
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
        paints, weights = [], []
        for _ in range(5):
            sizes.clear()
            page.goto(f"{url}/m/bench", wait_until="load")
            paints.append(float(page.evaluate(PAINT)))
            page.wait_for_timeout(300)
            weights.append(sum(sizes))
    print(f"  member's home               {max(weights) / 1024:>9.1f} KB (at most 120)")
    print(f"  largest paint, CPU 4x slower{median(paints):>9.0f} ms (at most {MOST_PAINT_MS})")
    return max(weights) <= MOST_BYTES and median(paints) < MOST_PAINT_MS


def main() -> None:
    """Fill a database of its own, and ask a server over it."""
    members = int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS
    with (
        tempfile.TemporaryDirectory(prefix="springtide-bench-", dir="/var/tmp") as folder,
        embedded.running(Path(folder) / "pgdata") as dsn,
    ):
        migrate(dsn)
        database = Database(dsn)
        create_program(database, "bench", POLICY)
        began = time.perf_counter()
        fill(dsn, "bench", members)
        print(
            f"{members:,} members and {members * LOTS_EACH:,} lots,"
            f" filled in {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        staff, own = tokens(database, member_id(members - 7))
        postgres = int((Path(folder) / "pgdata" / "postmaster.pid").read_text().split()[0])
        with serving(dsn) as (url, _), client_of(url, staff) as client:
            print(f"  first overview of all after {wait_for_overview(client):>9.1f} s")
        with serving(dsn) as (url, server):
            processors = partial(cpu_s, server, postgres)
            with client_of(url, staff) as client:
                print(f"  after a new start           {wait_for_overview(client):>9.1f} s")
                wait_for_movements(database)
                quick = measure(client, console_pages(members), processors)
            with client_of(url, own) as client:
                quick = measure(client, member_pages(members), processors) and quick
            light = look(url, own)
    sys.exit(not (quick and light))


if __name__ == "__main__":
    main()
