"""Cash-outs, batches, redemptions and refunds over arrays, compiled.

Source: docs/algorithms/cash_out.md and refund.md; core/reducer.py and core/refund.py, whose
names these bear.
"""

from springtide.simulation.arithmetic import LIMIT, OVERFLOW, kernel, mul_div, mul_div_capped
from springtide.simulation.exits import PPM, pay, set_aside
from springtide.simulation.layout import (
    ALL,
    ALREADY_REFUNDED,
    AMOUNT,
    BATCHES,
    BUYER,
    CAP,
    CAP_PER_MEMBER,
    CASHED,
    CONTRIBUTION,
    DUPLICATE_MEMBER,
    FIRST,
    GRANTED,
    HEADROOM,
    INSUFFICIENT_POINTS,
    KEEP,
    NET,
    NEVER_POSTED,
    NEXT,
    ORPHANED,
    OUT_OF_RANGE,
    OVERFLOWS,
    PAST_64_BITS,
    POINTS,
    POSTED,
    RECOVERED,
    REFERENCE_RESERVE,
    REFERENCE_SUPPLY,
    RELEASED,
    RESERVE,
    SHORTFALL,
    STAMP,
    SUPPLY,
    TAKEN_BACK,
    UNKNOWN_ORDER,
    Book,
    Ints,
    Tape,
)
from springtide.simulation.triggers import watch


@kernel()
def _oldest(book: Book, rules: Ints, member: int) -> int:
    """The first lot of a member that may have points; -1 if there is none."""
    if rules[CAP_PER_MEMBER] or not book.links.size:
        return member
    lot = book.members[member, FIRST] - 1
    while lot >= 0 and book.lots[lot, POINTS] == 0 and book.links[lot, NEXT]:
        lot = book.links[lot, NEXT] - 1  # an emptied lot is never filled again
        book.members[member, FIRST] = lot + 1
    return int(lot)


@kernel()
def _next(book: Book, rules: Ints, lot: int) -> int:
    if rules[CAP_PER_MEMBER] or not book.links.size:
        return -1
    return int(book.links[lot, NEXT] - 1)


@kernel()
def points_to_burn(book: Book, rules: Ints, member: int, asked: int) -> int:
    """How many points a request burns; 0 if the member has fewer than asked for."""
    total = 0
    lot = _oldest(book, rules, member)
    while lot >= 0:
        total += book.lots[lot, POINTS]
        lot = _next(book, rules, lot)
    if asked == ALL:
        return total
    return asked if asked <= total else 0


@kernel()
def burn(
    book: Book, rules: Ints, member: int, points: int, reserve: int, supply: int, keep: int
) -> int:
    """Burn a member's oldest points at a price pair; what they are paid.

    Rounding: gross down for each lot, the net once, from the sum; the last lot takes what
    rounding leaves of it.
    """
    gross, left = 0, points
    lot = _oldest(book, rules, member)
    while left:
        burnt = min(left, book.lots[lot, POINTS])
        gross += mul_div(burnt, reserve, supply)
        left -= burnt
        lot = _next(book, rules, lot)
    net = mul_div(gross, keep, PPM)
    rest, left = net, points
    lot = _oldest(book, rules, member)
    while left:
        burnt = min(left, book.lots[lot, POINTS])
        left -= burnt
        if burnt:
            part = mul_div(burnt, reserve, supply)
            share = mul_div(part, keep, PPM) if left else rest
            rest -= share
            book.lots[lot, POINTS] -= burnt
            book.lots[lot, HEADROOM] -= min(part, book.lots[lot, HEADROOM])
            pay(book, lot, share)
            watch(book, lot)
        lot = _next(book, rules, lot)
    book.pool[SUPPLY] -= points
    return net


@kernel()
def cash_out(book: Book, rules: Ints, member: int, asked: int, keep: int, counter: int) -> int:
    """One member's cash-out or redemption; its answer."""
    pool = book.pool
    reserve, supply = pool[RESERVE], pool[SUPPLY]
    points = points_to_burn(book, rules, member, asked)
    if points == 0:
        return INSUFFICIENT_POINTS
    pool[counter] += burn(book, rules, member, points, reserve, supply, keep)
    if pool[SUPPLY] == 0:
        set_aside(pool, reserve, supply)
    return POSTED


@kernel()
def batch(book: Book, rules: Ints, tape: Tape, at: int) -> int:
    """Every request of a batch at the one price that stands before it; its answer."""
    pool = book.pool
    pool[BATCHES] += 1
    reserve, supply = pool[RESERVE], pool[SUPPLY]
    last = at + tape.money[at, AMOUNT]
    for request in range(at + 1, last + 1):
        member = tape.who[request]
        if book.members[member, STAMP] == pool[BATCHES]:
            return DUPLICATE_MEMBER
        book.members[member, STAMP] = pool[BATCHES]
    for request in range(at + 1, last + 1):
        if points_to_burn(book, rules, tape.who[request], tape.money[request, AMOUNT]) == 0:
            return INSUFFICIENT_POINTS
    for request in range(at + 1, last + 1):
        member = tape.who[request]
        points = points_to_burn(book, rules, member, tape.money[request, AMOUNT])
        pool[CASHED] += burn(book, rules, member, points, reserve, supply, rules[KEEP])
    if pool[SUPPLY] == 0:
        set_aside(pool, reserve, supply)
    return POSTED


@kernel()
def _unknown(book: Book, order: int) -> int:
    """Why an order cannot be refunded; POSTED if it can."""
    granted = book.orders[order, GRANTED]
    if granted == NEVER_POSTED:
        return UNKNOWN_ORDER
    if granted == TAKEN_BACK:
        return ALREADY_REFUNDED
    return OUT_OF_RANGE if granted == PAST_64_BITS else POSTED


@kernel()
def refund(book: Book, rules: Ints, order: int) -> int:
    """Take an order back; its answer."""
    answer = _unknown(book, order)
    if answer != POSTED:
        return answer
    pool = book.pool
    lot = book.orders[order, BUYER] if rules[CAP_PER_MEMBER] else order
    amount, contribution = book.orders[order, AMOUNT], book.orders[order, CONTRIBUTION]
    granted = book.orders[order, GRANTED]
    before_reserve, before_supply = pool[RESERVE], pool[SUPPLY]
    reserve, supply = before_reserve, before_supply
    if supply == 0:
        reserve, supply = pool[REFERENCE_RESERVE], pool[REFERENCE_SUPPLY]
    held = min(granted, book.lots[lot, POINTS])
    release = 0
    if held:
        worth = mul_div(held, reserve, supply)
        release = min(mul_div_capped(contribution, held, granted), worth)
    missing_value = mul_div_capped(granted - held, reserve, supply)
    recovered = min(book.lots[lot, NET], min(missing_value, amount))

    returned = mul_div(recovered, PPM, rules[KEEP])
    spent = mul_div(amount, rules[CAP], PPM)
    if returned == OVERFLOW or spent == OVERFLOW:
        return OUT_OF_RANGE
    change = max(returned - spent, -book.lots[lot, HEADROOM])
    if change > LIMIT - book.lots[lot, HEADROOM]:
        return OVERFLOWS
    book.orders[order, GRANTED] = TAKEN_BACK
    book.lots[lot, POINTS] -= held
    book.lots[lot, HEADROOM] += change
    book.lots[lot, NET] -= recovered
    pool[RESERVE] -= release
    pool[SUPPLY] -= held
    pool[RELEASED] += release
    pool[RECOVERED] += recovered
    gap = contribution - release - recovered
    pool[SHORTFALL] += max(gap, 0)
    if gap < 0:
        pool[RESERVE if pool[SUPPLY] else ORPHANED] -= gap
    if pool[SUPPLY] == 0:
        set_aside(pool, before_reserve, before_supply)
    watch(book, lot)
    return POSTED
