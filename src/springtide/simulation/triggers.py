"""The horizon queue: which lot exits next, without sorting them all.

The price only rises, so a lot whose trigger is far above it need not be queued yet. Only
triggers below a horizon are in the heap; when the price reaches the horizon, it moves up
and one scan of the lots finds those below it. Entries that no longer hold stay in the heap
until they come to its top, and are dropped there.
"""

from springtide.simulation.arithmetic import LIMIT, at_most, kernel, mul_div_capped
from springtide.simulation.layout import (
    HEADROOM,
    HORIZON,
    KEY,
    LOT,
    LOTS,
    POINTS,
    QUEUED,
    RESERVE,
    SPLIT_AT,
    SUPPLY,
    Book,
    Ints,
)

KEY_SCALE = 10**12

_MARGIN = 1e-9
"""Comparisons in floating point are off by less than this; closer ones are made exactly."""


@kernel()
def trigger_key(headroom: int, points: int) -> int:
    """The price at which a lot exits, scaled; LIMIT for one that never does."""
    if points == 0 or headroom == 0:
        return LIMIT
    return mul_div_capped(headroom, KEY_SCALE, points)


@kernel()
def may_be_below(headroom: int, points: int, key: float) -> bool:
    """Whether a lot's trigger can be below a key; never wrongly no."""
    return 0.0 < float(headroom) * 1e12 < float(points) * key * (1.0 + _MARGIN)


@kernel()
def _before(book: Book, a: int, b: int) -> bool:
    if book.heap[a, KEY] != book.heap[b, KEY]:
        return bool(book.heap[a, KEY] < book.heap[b, KEY])
    return bool(book.heap[a, LOT] < book.heap[b, LOT])


@kernel()
def _swap(book: Book, a: int, b: int) -> None:
    book.heap[a, KEY], book.heap[b, KEY] = book.heap[b, KEY], book.heap[a, KEY]
    book.heap[a, LOT], book.heap[b, LOT] = book.heap[b, LOT], book.heap[a, LOT]


@kernel()
def _append(book: Book, key: int, lot: int) -> None:
    at = book.pool[QUEUED]
    book.heap[at, KEY] = key
    book.heap[at, LOT] = lot
    book.pool[QUEUED] = at + 1
    while at > 0 and _before(book, at, (at - 1) // 2):
        _swap(book, at, (at - 1) // 2)
        at = (at - 1) // 2


@kernel()
def drop_first(book: Book) -> None:
    """Take the entry with the smallest key out of the heap."""
    size = book.pool[QUEUED] - 1
    book.pool[QUEUED] = size
    book.heap[0, KEY] = book.heap[size, KEY]
    book.heap[0, LOT] = book.heap[size, LOT]
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _before(book, child + 1, child):
            child += 1
        if not _before(book, child, at):
            break
        _swap(book, at, child)
        at = child


@kernel()
def _collect(book: Book, lowest: int) -> None:
    """Queue every lot whose trigger is at or above `lowest` and below the horizon."""
    horizon = book.pool[HORIZON]
    for lot in range(book.pool[LOTS]):
        if may_be_below(book.lots[lot, HEADROOM], book.lots[lot, POINTS], float(horizon)):
            key = trigger_key(book.lots[lot, HEADROOM], book.lots[lot, POINTS])
            if lowest <= key < horizon:
                _append(book, key, lot)


@kernel()
def price_key(book: Book) -> int:
    """The price in the scale of trigger keys, rounded down; LIMIT if it is above that."""
    return mul_div_capped(book.pool[RESERVE], KEY_SCALE, book.pool[SUPPLY])


@kernel()
def _horizon_above(key: int) -> int:
    return LIMIT if key > LIMIT // 2 - 1 else 2 * key + 2


@kernel()
def requeue(book: Book) -> None:
    """Build the queue anew, with a horizon at twice the price."""
    book.pool[QUEUED] = 0
    key = price_key(book) if book.pool[SUPPLY] else 0
    book.pool[HORIZON] = _horizon_above(key)
    _collect(book, 0)


@kernel()
def raise_horizon(book: Book) -> None:
    """Move the horizon above the price, and queue the lots that are now below it."""
    lowest = book.pool[HORIZON]
    book.pool[HORIZON] = _horizon_above(price_key(book))
    if book.pool[QUEUED] + book.pool[LOTS] > len(book.heap):
        requeue(book)
    else:
        _collect(book, lowest)


@kernel()
def watch(book: Book, lot: int) -> None:
    """Let a lot exit when its price comes."""
    if may_be_below(
        book.lots[lot, HEADROOM], book.lots[lot, POINTS], float(book.pool[HORIZON])
    ):
        key = trigger_key(book.lots[lot, HEADROOM], book.lots[lot, POINTS])
        if key < book.pool[HORIZON]:
            if book.pool[QUEUED] == len(book.heap):
                requeue(book)  # which finds this lot as well
            else:
                _append(book, key, lot)


@kernel()
def next_exit(book: Book) -> int:
    """The lot that exits now; -1 if there is none."""
    pool = book.pool
    while pool[HORIZON] < LIMIT and at_most(
        pool[HORIZON], pool[SUPPLY], pool[RESERVE], KEY_SCALE
    ):
        raise_horizon(book)
    while pool[QUEUED]:
        lot = book.heap[0, LOT]
        key = trigger_key(book.lots[lot, HEADROOM], book.lots[lot, POINTS])
        if key != book.heap[0, KEY]:
            drop_first(book)
        elif at_most(key, pool[SUPPLY], pool[RESERVE], KEY_SCALE):
            return int(lot)
        else:
            return -1
    return -1


@kernel()
def quiet_below(book: Book, rules: Ints) -> float:
    """A price key below which nothing exits and nothing splits, as a safe lower bound."""
    key = book.pool[HORIZON]
    if book.pool[QUEUED]:
        key = min(key, book.heap[0, KEY])
    if rules[SPLIT_AT]:
        key = min(key, mul_div_capped(rules[SPLIT_AT], 1000, 1))
    return float(key) * (1.0 - _MARGIN)


@kernel()
def watched_below(book: Book) -> float:
    """A price key above which no lot is queued yet, as a safe upper bound."""
    return float(book.pool[HORIZON]) * (1.0 + _MARGIN)
