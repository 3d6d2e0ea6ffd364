"""Exits and splits over arrays: what may follow any event.

Source: docs/algorithms/exits.md; core/entry.py, whose names these functions bear.
"""

from springtide.simulation.arithmetic import LIMIT, kernel, mul_div, mul_div_capped
from springtide.simulation.layout import (
    EXIT_PAID,
    EXITED,
    EXITS,
    FACTOR,
    GRANTED,
    HEADROOM,
    KEEP,
    LACKED,
    LOTS,
    MISSING,
    NET,
    ORDERS,
    ORPHANED,
    PAST_64_BITS,
    PAYS_CREDIT,
    POINTS,
    REFERENCE_RESERVE,
    REFERENCE_SUPPLY,
    RESERVE,
    SPLIT_AT,
    SPLIT_FACTOR,
    SPLITS,
    SUPPLY,
    UNPAID,
    Book,
    Ints,
)
from springtide.simulation.triggers import next_exit, requeue

PPM = 10**6
NANO = 10**9


@kernel()
def pay(book: Book, lot: int, net: int) -> None:
    """Pay out of the reserve; of money that is not there, the lot goes without."""
    pool = book.pool
    if pool[MISSING] > 0:
        lacking = min(net, max(net - (pool[RESERVE] - pool[MISSING]), 0))
        pool[MISSING] -= lacking
        pool[UNPAID] += lacking
        if book.lots.shape[1] > LACKED:
            book.lots[lot, LACKED] += lacking
    pool[RESERVE] -= net
    if book.lots.shape[1] > NET:
        book.lots[lot, NET] += net


@kernel()
def set_aside(pool: Ints, reserve: int, supply: int) -> None:
    """With no points left, keep the pair that stood before and orphan the reserve."""
    if supply:
        pool[REFERENCE_RESERVE] = reserve
        pool[REFERENCE_SUPPLY] = supply
    pool[ORPHANED] += pool[RESERVE]
    pool[RESERVE] = 0


@kernel()
def _exit(book: Book, rules: Ints, lot: int) -> None:
    pool = book.pool
    reserve, supply = pool[RESERVE], pool[SUPPLY]
    worth = mul_div_capped(book.lots[lot, POINTS], reserve, supply)
    gross = min(worth, book.lots[lot, HEADROOM])
    net = gross if rules[PAYS_CREDIT] else mul_div(gross, rules[KEEP], PPM)
    pay(book, lot, net)
    pool[SUPPLY] -= book.lots[lot, POINTS]
    book.lots[lot, POINTS] = 0
    book.lots[lot, HEADROOM] -= gross
    pool[EXITS] += 1
    pool[EXIT_PAID] += net
    if book.lots.shape[1] > EXITED:
        book.lots[lot, EXITED] += 1
    if pool[SUPPLY] == 0:
        set_aside(pool, reserve, supply)


@kernel()
def _multiply(book: Book, split: int) -> None:
    for lot in range(book.pool[LOTS]):
        book.lots[lot, POINTS] *= split
    if book.orders.size:
        for order in range(book.pool[ORDERS]):
            if book.orders[order, GRANTED] > LIMIT // split:
                book.orders[order, GRANTED] = PAST_64_BITS
            elif book.orders[order, GRANTED] > 0:
                book.orders[order, GRANTED] *= split


@kernel()
def _split(book: Book, rules: Ints) -> bool:
    """Re-denominate; False if the product of all splits would pass 64 bits."""
    pool, at, factor, split = book.pool, rules[SPLIT_AT], rules[SPLIT_FACTOR], 1
    while (
        0 < pool[SUPPLY] <= LIMIT // factor
        and mul_div_capped(pool[RESERVE], NANO, pool[SUPPLY]) >= at
    ):
        pool[SUPPLY] *= factor
        split *= factor
    if split == 1:
        return True
    if pool[FACTOR] > LIMIT // split:
        return False
    pool[FACTOR] *= split
    pool[SPLITS] += 1
    _multiply(book, split)
    requeue(book)
    return True


@kernel()
def conclude(book: Book, rules: Ints) -> bool:
    """Exits and splits after an event; False if a number would pass 64 bits."""
    while book.pool[SUPPLY]:
        lot = next_exit(book)
        if lot < 0:
            break
        _exit(book, rules, lot)
    return rules[SPLIT_AT] == 0 or _split(book, rules)
