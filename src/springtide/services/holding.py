"""What a member has: points, what they are worth, cash now, and every lot with its origin."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.units import NANO, PPM, parse_money, price_micro
from springtide.storage import holding, listing, programs
from springtide.storage.database import Database, Transaction
from springtide.storage.holding import Origin
from springtide.storage.listing import LotRow
from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class Holding:
    """A member at one instant; money in micro, points in nano."""

    program: Program
    policy: Policy
    member: str
    known: bool
    """Whether the books have the member; a new one appears there with the first order."""
    points: int
    value: int
    cash_now: int
    received: int
    """Paid for points so far, after fees."""
    lots: int

    @property
    def price_micro(self) -> int:
        """Of one point, rounded down."""
        return price_micro(*self.program.state(self.policy).pair)


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot with what it came from and how far its cap is; money in micro, points in nano."""

    seq: int
    id: str
    points: int
    value: int
    cash_now: int
    received: int
    headroom: int
    """What it may still be paid before the fee, until it exits."""
    amount: int
    """What the order that opened it was over."""
    at: str
    merchant: str
    contribution: int
    granted: int
    """Points granted to that order, in today's units."""
    price_then: int
    """Of one point, in today's units."""
    refunded: int
    price_multiple: float | None
    """How many times dearer points must become until it exits; None if it never does."""
    pool_multiple: float | None
    """How many times larger the pool must become by purchases alone; None if never."""


class Grant(NamedTuple):
    """Points of an order in today's units, and what as many are worth now, in micro."""

    points: int
    value: int
    cash_now: int


def read_holding(database: Database, name: str, member: str) -> Holding:
    """What a member has now; somebody whom the books do not know has nothing.

    Raises:
        UnknownProgram: there is no program of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return _holding(tx, program, member)


def _holding(tx: Transaction, program: Program, member: str) -> Holding:
    policy = read_policy(program.policy_toml)
    row = listing.read_member(tx, program, member)
    points = row.points if row else 0
    value, cash = worth(points, program, policy)
    return Holding(
        program=program,
        policy=policy,
        member=member,
        known=row is not None,
        points=points,
        value=value,
        cash_now=cash,
        received=row.received if row else 0,
        lots=row.lots if row else 0,
    )


def worth(points_nano: int, program: Program, policy: Policy) -> tuple[int, int]:
    """What points are worth, and what they would pay if cashed now; rounded down."""
    reserve, supply = program.state(policy).pair
    value = points_nano * reserve // supply
    return value, value * (PPM - policy.cash_out_fee_ppm) // PPM


def list_lots(
    database: Database, name: str, member: str, before: int | None, most: int
) -> tuple[Policy, list[Lot]]:
    """A member's lots, newest first, from before a seq.

    Raises:
        UnknownProgram: there is no program of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        rows = holding.read_newest_lots(tx, program, member, before, most)
        return _lots(tx, program, rows)


def find_lot(database: Database, name: str, member: str, seq: int) -> tuple[Policy, Lot] | None:
    """One lot of a member, if it has it.

    Raises:
        UnknownProgram: there is no program of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        row = holding.find_lot(tx, program, member, seq)
        if row is None:
            return None
        policy, [lot] = _lots(tx, program, [row])
        return policy, lot


def read_grant(database: Database, name: str, seq: int) -> Grant:
    """The points that a purchase or a settlement granted.

    Raises:
        UnknownProgram: there is no program of this name.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        origin = holding.read_origins(tx, program, [seq])[seq]
    points = origin.receipt["granted"] * origin.factor
    return Grant(points, *worth(points, program, read_policy(program.policy_toml)))


def _lots(tx: Transaction, program: Program, rows: list[LotRow]) -> tuple[Policy, list[Lot]]:
    policy = read_policy(program.policy_toml)
    origins = holding.read_origins(tx, program, [row.seq for row in rows])
    return policy, [_lot(row, origins[row.seq], program, policy) for row in rows]


def _lot(row: LotRow, origin: Origin, program: Program, policy: Policy) -> Lot:
    value, cash = worth(row.points, program, policy)
    multiple = pool = None
    if policy.cap_ppm is not None and value and row.headroom:
        multiple = max(row.headroom / value, 1.0)
        if policy.grant_ppm < PPM:
            pool = multiple ** (PPM / (PPM - policy.grant_ppm))
    before = price_micro(origin.reserve_before, origin.supply_before or NANO)
    receipt: dict[str, Any] = origin.receipt
    return Lot(
        seq=row.seq,
        id=row.id,
        points=row.points,
        value=value,
        cash_now=cash,
        received=row.net,
        headroom=row.headroom,
        amount=parse_money(origin.order["amount"]),
        at=origin.at,
        merchant=str(origin.order.get("merchant") or ""),
        contribution=receipt["contribution"],
        granted=receipt["granted"] * origin.factor,
        price_then=before // origin.factor,
        refunded=origin.refunded,
        price_multiple=multiple,
        pool_multiple=pool,
    )
