"""Purchases over arrays, compiled: core's reducer to the last unit.

Purchases that nothing follows run in a tight loop; one that is near a limit of 64 bits goes
step by step. What commissions leave to the pool is part of a purchase's contribution when
it comes here, for it does not depend on the pool.

Source: docs/algorithms/pool.md, rules P3 and P4; core/reducer.py.
"""

from springtide.simulation.arithmetic import (
    LIMIT,
    OVERFLOW,
    TRUSTED_DIVISOR,
    TRUSTED_QUOTIENT,
    kernel,
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
from springtide.simulation.triggers import KEY_SCALE, quiet_below, watch, watched_below

_NEAR = TRUSTED_DIVISOR // 2
"""Numbers below this can be added to each other, and divide, without a second look."""


@kernel(error_model="numpy")
def _scaled(key: float) -> float:
    """What a reserve or a headroom is multiplied by, to compare it at a key with points."""
    return float(KEY_SCALE) / key


@kernel()
def _list_lot(book: Book, lot: int, member: int) -> None:
    """Append a new lot to its member's."""
    book.links[lot, OWNER] = member
    if book.members[member, FIRST] == 0:
        book.members[member, FIRST] = lot + 1
    else:
        book.links[book.members[member, LAST] - 1, NEXT] = lot + 1
    book.members[member, LAST] = lot + 1


@kernel()
def _record(book: Book, tape: Tape, at: int, order: int, granted: int) -> None:
    """Keep what is kept of an order, besides its points."""
    if book.links.size:
        _list_lot(book, order, tape.who[at])  # listed only where lots are orders
    if book.orders.size:
        book.orders[order, AMOUNT] = tape.money[at, AMOUNT]
        book.orders[order, CONTRIBUTION] = tape.money[at, CONTRIBUTION]
        book.orders[order, GRANTED] = granted
        book.orders[order, BUYER] = tape.who[at]


@kernel()
def _keep(
    book: Book, tape: Tape, at: int, order: int, granted: int, reserve: int, supply: int
) -> None:
    """Keep what is kept of a purchase in the tight loop."""
    _record(book, tape, at, order, granted)
    if tape.trace.size:
        tape.trace[at, RESERVE], tape.trace[at, SUPPLY] = reserve, supply


@kernel()
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
    _record(book, tape, at, order, granted)
    if pool[SUPPLY] == 0:
        set_aside(pool, reserve, supply)
    watch(book, lot)
    return POSTED if conclude(book, rules) else OUT_OF_RANGE


@kernel(error_model="numpy")
def _steps(pool: Ints, largest: int) -> int:
    """How many purchases stay far from every limit, if no number of theirs is larger.

    The price never falls, so none is granted more than the first could be.
    """
    reserve, supply = pool[RESERVE], pool[SUPPLY]
    granted = float(largest) / float(reserve) * float(supply) + 1.0
    if not (0 <= largest < _NEAR and 0 < supply < _NEAR and granted < TRUSTED_QUOTIENT):
        return 0  # without a reserve it is no number, and not below anything
    money = (_NEAR - max(reserve, pool[INFLOW])) // (largest + 1)
    return int(min(money, (_NEAR - supply) // int(granted)))


@kernel(error_model="numpy", forceinline=True)
def _run(book: Book, rules: Ints, tape: Tape, start: int, per_member: int, kept: int) -> int:
    """The tight loop of `purchases`; compiled for each use, its flags then cost nothing.

    Indices count from zero in slices: numba adds a test to those it cannot see the sign of.
    """
    pool = book.pool
    reserve, supply, inflow = pool[RESERVE], pool[SUPPLY], pool[INFLOW]
    order, used, played, lot = int(pool[ORDERS]), 0, 0, 0
    concluded, watched = _scaled(quiet_below(book, rules)), _scaled(watched_below(book))
    stop = min(start + _steps(pool, tape.largest), len(tape.codes))
    codes, money, who = tape.codes[start:stop], tape.money[start:stop], tape.who[start:stop]
    lots = book.lots if per_member else book.lots[order:]
    for at in range(stop - start):
        if codes[at, KIND] != BUY:
            break
        value, points, headroom = money[at, VALUE], 0, money[at, ROOM]
        lot = at
        if per_member:
            lot = int(who[at])
            points, headroom = lots[lot, POINTS], headroom + lots[lot, HEADROOM]
            if headroom >= _NEAR:
                break
            used = max(used, lot + 1)
        estimate = float(value) / float(reserve) * float(supply)
        granted = repaired(estimate, value, supply, reserve)
        points += granted
        inflow += money[at, AMOUNT]
        reserve += money[at, CONTRIBUTION]
        supply += granted
        lots[lot, POINTS], lots[lot, HEADROOM] = points, headroom
        if kept:
            _keep(book, tape, start + at, order + at, granted, reserve, supply)
        played = at + 1
        if 0.0 < float(headroom) * watched < float(points) or float(
            reserve
        ) * concluded >= float(supply):
            break
    pool[CONTRIBUTED] += reserve - pool[RESERVE]
    pool[RESERVE], pool[SUPPLY], pool[INFLOW] = reserve, supply, inflow
    pool[ORDERS] = order + played
    pool[LOTS] = max(pool[LOTS], used if per_member else order + played)
    if played:  # only the last one can need it
        watch(book, lot if per_member else order + played - 1)
    return start + played


@kernel()
def purchases(book: Book, rules: Ints, tape: Tape, start: int) -> int:
    """Purchases from `start` on, while nothing but purchases happens; where that ends.

    The same steps as `purchase`, with the pool in registers. It stops before a purchase that
    may be near a limit, and after one that brings the price to an exit or a split, or whose
    lot must be queued.
    """
    if rules[CAP_PER_MEMBER] or book.links.size or book.orders.size or tape.trace.size:
        return _run(book, rules, tape, start, rules[CAP_PER_MEMBER], 1)
    return _run(book, rules, tape, start, 0, 0)
