"""Posting in a deep referral forest against a flat one: what a long chain costs.

Both have as many members; the deep one has a chain of 10,000, and most of its members are
bound to somebody in it. `make bench` runs this after the rest.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from springtide.core.event_fields import Json
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage import embedded
from springtide.storage.database import Database, migrate

MEMBERS = 1_000_000
DEPTH = 10_000
ROOTS = 1_000
"""Of the flat forest."""
ORDERS = 100_000
BATCH = 20_000
NEWCOMERS = 10
"""One order in so many is a newcomer's, sent by a member."""

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
[commission]
direct = "0.003"
indirect = "0.002"
"""


def _name(number: int) -> str:
    return f"m{number:07d}"


def deep(number: int, chance: random.Random) -> int:
    """A chain, and everybody else below somebody in it."""
    return number - 1 if number < DEPTH else chance.randrange(DEPTH)


def flat(number: int, chance: random.Random) -> int:
    """Roots, members below them, and everybody else below those: two awards an order too."""
    return chance.randrange(ROOTS) if number < DEPTH else chance.randrange(ROOTS, DEPTH)


def _bindings(members: int, parent: Callable[[int, random.Random], int]) -> list[Json]:
    chance = random.Random(1)
    first = 1 if parent is deep else ROOTS
    return [
        {
            "type": "bind", "id": f"b{number:07d}", "member": _name(number),
            "referrer": _name(parent(number, chance)),
        }
        for number in range(first, members)
    ]  # fmt: skip


def _orders(members: int, orders: int) -> list[Json]:
    chance = random.Random(2)
    made: list[Json] = []
    for number in range(orders):
        sent = {}
        buyer = _name(chance.randrange(members))
        if number % NEWCOMERS == 0:
            buyer, sent = f"new{number:07d}", {"referrer": buyer}
        amount = f"{chance.randrange(10, 500)}.00"
        event = {"type": "purchase", "id": f"o{number:07d}", "member": buyer, "amount": amount}
        made.append({**event, **sent})
    return made


def run_forest(
    database: Database, members: int, orders: int, parent: Callable[[int, random.Random], int]
) -> float:
    """Orders a second in a forest of this shape; the bindings before are not counted."""
    name = f"forest-{parent.__name__}"
    create_program(database, name, POLICY)
    bindings = _bindings(members, parent)
    with Writer(database, name) as writer:
        for first in range(0, len(bindings), BATCH):  # whose answers nobody keeps
            writer.post(bindings[first : first + BATCH])
    del bindings
    made = _orders(members, orders)
    with Writer(database, name) as writer:  # one that remembers nothing
        began = time.perf_counter()
        for first in range(0, orders, BATCH):
            outcomes = writer.post(made[first : first + BATCH])
            assert all(outcome.is_posted for outcome in outcomes)
        return orders / (time.perf_counter() - began)


def run(database: Database, members: int = MEMBERS, orders: int = ORDERS) -> None:
    """Print both rates and their ratio."""
    rates = {parent.__name__: run_forest(database, members, orders, parent)
             for parent in (flat, deep)}  # fmt: skip
    print(f"\n  {members:,} members, flat  {rates['flat']:>10,.0f} orders/s")
    print(f"  with a chain of {DEPTH:,}   {rates['deep']:>10,.0f} orders/s")
    print(f"  deep against flat        {rates['deep'] / rates['flat']:>10.2f} (at least 0.80)")


def main() -> None:
    """Run it on a server of its own; an argument says with how many members."""
    members = int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS
    sys.setswitchinterval(0.00002)
    with (
        tempfile.TemporaryDirectory(prefix="springtide-bench-", dir="/var/tmp") as folder,
        embedded.running(Path(folder) / "pgdata") as dsn,
    ):
        migrate(dsn)
        run(Database(dsn), members)


if __name__ == "__main__":
    main()
