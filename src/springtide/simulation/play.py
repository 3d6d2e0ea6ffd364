"""Playing a tape: every event in its order, as core's reducer would fold it."""

from springtide.simulation.arithmetic import LIMIT, kernel
from springtide.simulation.burns import batch, cash_out, refund
from springtide.simulation.exits import conclude
from springtide.simulation.layout import (
    AMOUNT,
    BATCH,
    BUY,
    CASH_OUT,
    CASHED,
    INFLOW,
    INJECT,
    INJECTED,
    KEEP,
    KIND,
    NO_POINTS,
    OUT_OF_RANGE,
    OVERFLOWS,
    POSTED,
    REDEEM,
    REDEEM_KEEP,
    REDEEMED,
    REFUND,
    RESERVE,
    STATUS,
    SUPPLY,
    Book,
    Ints,
    Tape,
)
from springtide.simulation.purchases import purchase, purchases


@kernel()
def _inject(book: Book, amount: int) -> int:
    pool = book.pool
    if pool[SUPPLY] == 0:
        return NO_POINTS
    if amount > LIMIT - pool[INFLOW]:
        return OUT_OF_RANGE
    if amount > LIMIT - pool[RESERVE]:
        return OVERFLOWS
    pool[INFLOW] += amount
    pool[INJECTED] += amount
    pool[RESERVE] += amount
    return POSTED


@kernel()
def _step(book: Book, rules: Ints, tape: Tape, at: int) -> int:
    """One event that is not a purchase; its answer."""
    kind, who, amount = tape.codes[at, KIND], tape.who[at], tape.money[at, AMOUNT]
    if kind == CASH_OUT:
        answer = cash_out(book, rules, who, amount, rules[KEEP], CASHED)
    elif kind == REDEEM:
        answer = cash_out(book, rules, who, amount, rules[REDEEM_KEEP], REDEEMED)
    elif kind == BATCH:
        answer = batch(book, rules, tape, at)
    elif kind == REFUND:
        answer = refund(book, rules, who)
    else:
        assert kind == INJECT
        answer = _inject(book, amount)
    if answer == POSTED and not conclude(book, rules):
        return OUT_OF_RANGE
    return answer


@kernel(nogil=True)
def play(book: Book, rules: Ints, tape: Tape) -> int:
    """Play a tape to its end; -1, or the row of an event that is OUT_OF_RANGE."""
    at = 0
    while at < len(tape.codes):
        start = at
        if tape.codes[at, KIND] == BUY:
            at = purchases(book, rules, tape, start)
            if at == start:
                tape.codes[at, STATUS] = purchase(book, rules, tape, at)
                at += 1
            elif not conclude(book, rules):
                tape.codes[at - 1, STATUS] = OUT_OF_RANGE
        else:
            tape.codes[at, STATUS] = _step(book, rules, tape, at)
            at += 1
            if tape.codes[start, KIND] == BATCH:
                at += tape.money[start, AMOUNT]
        if tape.trace.size:
            last = at - 1
            tape.trace[last, RESERVE], tape.trace[last, SUPPLY] = (
                book.pool[RESERVE],
                book.pool[SUPPLY],
            )
        answered = at - 1 if tape.codes[start, KIND] == BUY else start
        if tape.codes[answered, STATUS] == OUT_OF_RANGE:
            return answered
    return -1
