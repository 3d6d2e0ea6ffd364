"""Purchases over arrays, compiled: core's reducer to the last unit.

Purchases that nothing follows run in a tight loop; one that is near a limit of 64 bits goes
step by step. What commissions leave to the pool is part of a purchase's contribution when
it comes here, for it does not depend on the pool.

Source: docs/algorithms/pool.md, rules P3 and P4; core/reducer.py.
"""

from numba import njit

from springtide.simulation.arithmetic import (
    LIMIT,
    OVERFLOW,
    TRUSTED_DIVISOR,
    TRUSTED_QUOTIENT,
    mul_div,
    repaired,
)
from springtide.simulation.exits import conclude, set_aside
from springtide.simulation.layout import (
    AMOUNT,
    BUY,
    BUYER,
    CAP_PER_MEMBER,
    CONTRIBUTED,
    CONTRIBUTION,
    FIRST,
    GRANTED,
    HEADROOM,
    HORIZON,
    INFLOW,
    KIND,
    LAST,
    LOTS,
    NEXT,
    ORDERS,
    OUT_OF_RANGE,
    OVERFLOWS,
    OWNER,
    POINTS,
    POSTED,
    REFERENCE_RESERVE,
    REFERENCE_SUPPLY,
    RESERVE,
    ROOM,
    SUPPLY,
    VALUE,
    Book,
    Ints,
    Tape,
)
from springtide.simulation.triggers import may_be_below, quiet_below, watch

_NEAR = TRUSTED_DIVISOR // 2
"""Numbers below this can be added to each other, and divide, without a second look."""


@njit(cache=True)
def _list_lot(book: Book, lot: int, member: int) -> None:
    """Append a new lot to its member's."""
    book.links[lot, OWNER] = member
    if book.members[member, FIRST] == 0:
        book.members[member, FIRST] = lot + 1
    else:
        book.links[book.members[member, LAST] - 1, NEXT] = lot + 1
    book.members[member, LAST] = lot + 1


@njit(cache=True)
def _record(book: Book, tape: Tape, at: int, lot: int, order: int, granted: int) -> None:
    """Keep what is kept of an order, besides its points."""
    if book.links.size:
        _list_lot(book, lot, tape.who[at])
    if book.orders.size:
        book.orders[order, AMOUNT] = tape.money[at, AMOUNT]
        book.orders[order, CONTRIBUTION] = tape.money[at, CONTRIBUTION]
        book.orders[order, GRANTED] = granted
        book.orders[order, BUYER] = tape.who[at]


@njit(cache=True)
def purchase(book: Book, rules: Ints, tape: Tape, at: int) -> int:
    """One purchase, with every check; its answer."""
    pool = book.pool
    order = pool[ORDERS]
    pool[ORDERS] += 1
    if tape.money[at, AMOUNT] > LIMIT - pool[INFLOW]:
        return OUT_OF_RANGE
    lot = tape.who[at] if rules[CAP_PER_MEMBER] else order
    reserve, supply = pool[RESERVE], pool[SUPPLY]
    if supply:
        granted = mul_div(tape.money[at, VALUE], supply, reserve)
    else:
        granted = mul_div(
            tape.money[at, VALUE], pool[REFERENCE_SUPPLY], pool[REFERENCE_RESERVE]
        )
    if (
        granted == OVERFLOW
        or granted > LIMIT - supply
        or tape.money[at, ROOM] < 0  # the headroom itself passed 64 bits
        or tape.money[at, ROOM] > LIMIT - book.lots[lot, HEADROOM]
    ):
        return OVERFLOWS
    pool[INFLOW] += tape.money[at, AMOUNT]
    pool[RESERVE] += tape.money[at, CONTRIBUTION]
    pool[CONTRIBUTED] += tape.money[at, CONTRIBUTION]
    pool[SUPPLY] += granted
    pool[LOTS] = max(pool[LOTS], lot + 1)
    book.lots[lot, POINTS] += granted
    book.lots[lot, HEADROOM] += tape.money[at, ROOM]
    _record(book, tape, at, lot, order, granted)
    if pool[SUPPLY] == 0:
        set_aside(pool, reserve, supply)
    watch(book, lot)
    return POSTED if conclude(book, rules) else OUT_OF_RANGE


@njit(cache=True)
def _fits(estimate: float, reserve: int, supply: int, inflow: int, amount: int) -> bool:
    """Whether a purchase is far from every limit of the tight loop."""
    return (
        estimate < TRUSTED_QUOTIENT
        and 0 < supply < _NEAR
        and reserve < _NEAR
        and inflow < _NEAR
        and amount < _NEAR
    )


@njit(cache=True, error_model="numpy")
def purchases(book: Book, rules: Ints, tape: Tape, start: int) -> int:
    """Purchases from `start` on, while nothing but purchases happens; where that ends.

    The same steps as `purchase`, with the pool in registers. It stops before a purchase that
    is near a limit (without points the estimate is no number, and does not fit either), and
    after one that brings the price to an exit or a split.
    """
    pool, lots, codes, who, money = book.pool, book.lots, tape.codes, tape.who, tape.money
    reserve, supply, inflow = pool[RESERVE], pool[SUPPLY], pool[INFLOW]
    contributed, order, used = pool[CONTRIBUTED], int(pool[ORDERS]), pool[LOTS]
    horizon, quiet = float(pool[HORIZON]), quiet_below(book, rules)
    per_member, traced = rules[CAP_PER_MEMBER] > 0, tape.trace.size > 0
    recorded = book.links.size > 0 or book.orders.size > 0
    at = start
    while at < len(codes) and codes[at, KIND] == BUY:
        amount, value, room = money[at, AMOUNT], money[at, VALUE], money[at, ROOM]
        estimate = float(value) / float(reserve) * float(supply)
        lot = int(who[at]) if per_member else order
        headroom = lots[lot, HEADROOM] + room
        if (
            not _fits(estimate, reserve, supply, inflow, amount)
            or not 0 <= room <= headroom < _NEAR
        ):
            break
        granted = repaired(estimate, value, supply, reserve)
        points = lots[lot, POINTS] + granted
        inflow += amount
        reserve += money[at, CONTRIBUTION]
        contributed += money[at, CONTRIBUTION]
        supply += granted
        lots[lot, POINTS], lots[lot, HEADROOM] = points, headroom
        used = max(used, lot + 1)
        if recorded:
            _record(book, tape, at, lot, order, granted)
        order += 1
        if traced:
            tape.trace[at, RESERVE], tape.trace[at, SUPPLY] = reserve, supply
        at += 1
        if may_be_below(headroom, points, horizon):
            pool[LOTS] = used
            watch(book, lot)
            horizon, quiet = float(pool[HORIZON]), quiet_below(book, rules)
        if float(reserve) * 1e12 >= float(supply) * quiet:
            break
    pool[RESERVE], pool[SUPPLY], pool[INFLOW] = reserve, supply, inflow
    pool[CONTRIBUTED], pool[ORDERS], pool[LOTS] = contributed, order, used
    return at
