"""How a program lies in arrays: what the kernels read and write.

Numba compiles functions over plain arrays; these are the names of their places. Money is
in micro, points in nano, ratios in ppm, as in core. A lot is the number of its order
(`cap.scope = "order"`) or of its member ("member"); ties go by that number, as they go by
the text of ids that are numbered with leading zeros.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Codes = NDArray[np.int8]

# Places in `Book.pool`: the pool, and what was counted since the start.
(
    RESERVE, SUPPLY, REFERENCE_RESERVE, REFERENCE_SUPPLY, ORPHANED, FACTOR, INFLOW, ORDERS,
    LOTS, QUEUED, HORIZON, BATCHES, EXITS, EXIT_PAID, CASHED, REDEEMED, RELEASED, RECOVERED,
    SHORTFALL, INJECTED, CONTRIBUTED, MISSING, UNPAID, SPLITS,
) = range(24)  # fmt: skip
POOL_SIZE = 24

# Places in `rules`: the parameters of a policy that the kernels need.
(
    KEEP, REDEEM_KEEP, CAP, CAP_PER_MEMBER, PAYS_CREDIT, SPLIT_AT, SPLIT_FACTOR,
) = range(7)  # fmt: skip
RULES_SIZE = 7

# Kinds of events in `Tape.kind`. A batch is followed by its requests.
BUY, CASH_OUT, BATCH, REQUEST, REDEEM, REFUND, INJECT = range(7)

# Answers in `Tape.status`.
(
    POSTED, OVERFLOWS, INSUFFICIENT_POINTS, DUPLICATE_MEMBER, UNKNOWN_ORDER,
    ALREADY_REFUNDED, NO_POINTS, OUT_OF_RANGE,
) = range(8)  # fmt: skip
"""OUT_OF_RANGE is not a refusal: the kernels stop there, before a number passes 64 bits
that the reducer would still hold."""

ALL = -1
"""As a number of points: all that the member has."""

NEVER_POSTED, TAKEN_BACK, PAST_64_BITS = -1, -2, -3
"""In place of the points that an order was granted."""


# Columns of `Book.lots`; the last three are kept only if the array has them.
POINTS, HEADROOM, NET, EXITED, LACKED = range(5)
LEAN, FULL = 2, 5

# Columns of `Book.orders` and of `Tape.money`, which begin alike.
AMOUNT, CONTRIBUTION, GRANTED, BUYER = range(4)
VALUE, ROOM = 2, 3

# Columns of `Book.links`, `Book.members`, `Book.heap` and `Tape.codes`.
OWNER, NEXT = range(2)
FIRST, LAST, STAMP = range(3)
KEY, LOT = range(2)
KIND, STATUS = range(2)


class Book(NamedTuple):
    """A program's arrays; those of length 0 are not kept."""

    pool: Ints
    lots: Ints
    """Points, headroom; net paid, exits at the cap, and what of the net the pool owed and
    could not pay, for its money was gone."""
    links: Indices
    """Of each lot its member, and the next lot of the same member plus one, or 0."""
    members: Indices
    """The first lot that may have points and the last one, plus one, or 0; and the last
    batch that named the member."""
    orders: Ints
    """Of orders that can be refunded: amount, contribution, the points granted in today's
    units or one of the marks above, and the buyer."""
    heap: Ints
    """Keys and lots of the queue."""


class Tape(NamedTuple):
    """Events in order; what came of them is written beside them."""

    codes: Codes
    """The kind of each event, and the answer it got."""
    who: Indices
    """The member, or the order that is refunded."""
    money: Ints
    """The amount of a purchase or an injection, the points asked for or ALL, the requests
    of a batch; and of a purchase its contribution, the value granted and the headroom."""
    trace: Ints
    """Reserve and supply after each event, if it has a length."""
    largest: int
    """No amount on the tape is larger; negative if one passed 64 bits."""
