"""A program in arrays, opened under a policy and moved by tapes.

The one place where Python meets the kernels: it allocates, checks, and says what a number
in an array means.
"""

from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from springtide.core.policy import Policy, PolicyError
from springtide.core.units import NANO, PPM
from springtide.simulation.layout import (
    AMOUNT,
    CAP,
    CAP_PER_MEMBER,
    FACTOR,
    FULL,
    HORIZON,
    INFLOW,
    KEEP,
    KIND,
    LEAN,
    MISSING,
    NEVER_POSTED,
    OWNER,
    PAYS_CREDIT,
    POOL_SIZE,
    REDEEM_KEEP,
    REFERENCE_RESERVE,
    REFERENCE_SUPPLY,
    RESERVE,
    RULES_SIZE,
    SPLIT_AT,
    SPLIT_FACTOR,
    SUPPLY,
    Book,
    Ints,
    Tape,
)
from springtide.simulation.play import play
from springtide.simulation.terms import price_orders
from springtide.simulation.triggers import requeue


class SimulationLimit(Exception):
    """A number would pass what the kernels can hold; the message says when and the remedy."""


_COMPILED = Path(str(play.stats.cache_path))


def _forget_stale() -> None:
    """Drop compiled kernels that are older than any source of theirs.

    Numba looks at the file of the function it was asked for, not at those of the functions
    that are called from there.
    """
    newest = max(path.stat().st_mtime_ns for path in Path(__file__).parent.glob("*.py"))
    for index in _COMPILED.glob("*.nbi"):
        with suppress(FileNotFoundError):  # another process may do the same
            if index.stat().st_mtime_ns < newest:
                index.unlink()


_forget_stale()


def needs_compiling() -> bool:
    """Whether the kernels will be compiled now: no compiled form is loaded or kept."""
    return not play.signatures and not any(_COMPILED.glob("play.play-*.nbi"))


def rules_of(policy: Policy) -> Ints:
    """The parameters of a policy that the kernels read.

    Raises:
        PolicyError: it has controls, which the kernels do not play, or pays no cash for
            points, which every leaver here takes.
    """
    if policy.controls is not None:
        raise PolicyError(
            "controls: the simulator plays no limits on orders and cash-outs; remove [controls]"
        )
    if not policy.cash_out_enabled:
        raise PolicyError(
            "cash_out.enabled is false, but the simulator's leavers cash out; leave it on with "
            "the fee of a redemption, to see what they would redeem for"
        )
    rules = np.zeros(RULES_SIZE, np.int64)
    rules[KEEP] = PPM - policy.cash_out_fee_ppm
    rules[REDEEM_KEEP] = PPM - policy.redeem_fee_ppm
    rules[CAP] = policy.cap_ppm or 0
    rules[CAP_PER_MEMBER] = policy.cap_per_member
    rules[PAYS_CREDIT] = policy.cap_pays_credit
    rules[SPLIT_AT] = policy.split_at_micro or 0
    rules[SPLIT_FACTOR] = policy.split_factor
    return rules


class Machine:
    """A program that is being simulated.

    `orders` and `members` are the most there will be. With `solo`, every order is by a
    member of its own, whose number is the order's; nothing is then kept of members. With
    `keeps_lots`, what every lot was paid is kept; without, only the pool and the totals.
    `refunds` says whether orders may be refunded, which needs `keeps_lots`.
    """

    def __init__(
        self,
        policy: Policy,
        orders: int,
        members: int,
        *,
        solo: bool = False,
        keeps_lots: bool = True,
        refunds: bool = True,
    ) -> None:
        assert keeps_lots or not refunds
        self.policy = policy
        self.rules = rules_of(policy)
        self.solo = solo
        lots = members if policy.cap_per_member else orders
        linked = not solo and not policy.cap_per_member
        self.book = Book(
            pool=_open_pool(policy),
            lots=np.zeros((lots, FULL if keeps_lots else LEAN), np.int64),
            links=np.zeros((lots if linked else 0, 2), np.int32),
            members=np.zeros((members, 3), np.int32),
            orders=np.full((orders if refunds else 0, 4), NEVER_POSTED, np.int64),
            # Pages that nobody touches take no memory, so the heap may be long.
            heap=np.empty((2 * lots + 64, 2), np.int64),
        )
        requeue(self.book)

    def change_policy(self, policy: Policy) -> None:
        """Let all that follows happen under another policy of the same cap scope."""
        assert policy.cap_per_member == self.policy.cap_per_member
        self.policy = policy
        self.rules = rules_of(policy)

    def __getitem__(self, place: int) -> int:
        """A number of the pool, by its place in `layout`."""
        return int(self.book.pool[place])

    @property
    def pair(self) -> tuple[int, int]:
        """The price pair (reserve, supply) that stands now."""
        if self[SUPPLY]:
            return self[RESERVE], self[SUPPLY]
        return self[REFERENCE_RESERVE], self[REFERENCE_SUPPLY]

    @property
    def price(self) -> float:
        """The price of a point in the units of the opening, for pictures and behaviours."""
        reserve, supply = self.pair
        return reserve / supply * (NANO / PPM) * self[FACTOR]

    def lose(self, share_ppm: int) -> None:
        """Let a share of the reserve's money be gone; the books do not notice."""
        self.book.pool[MISSING] += self[RESERVE] * share_ppm // PPM

    def play(self, tape: Tape) -> None:
        """Play a tape.

        Raises:
            SimulationLimit: a number would pass 64 bits that the reducer would still hold.
        """
        stopped_at = play(self.book, self.rules, tape)
        if stopped_at >= 0:
            raise SimulationLimit(
                f"event {stopped_at + 1} of a period brings a number past 64 bits "
                f"(all money in: {self[INFLOW]} micro, points split by {self[FACTOR]}); "
                "simulate fewer orders, smaller amounts, or fewer sales"
            )

    def tape(
        self,
        kind: ArrayLike,
        who: ArrayLike,
        amount: ArrayLike,
        *,
        rest: Ints | None = None,
        take_ppm: Ints | None = None,
        traced: bool = False,
    ) -> Tape:
        """A tape of these events, its purchases priced under the policy of now.

        `rest` is what commissions leave of each purchase's distribution: it goes to the
        pool if the policy says so. By default all of it is left. `take_ppm` is each
        merchant's rate, by default the policy's.
        """
        count = len(np.asarray(kind))
        tape = Tape(
            codes=np.zeros((count, 2), np.int8),
            who=np.asarray(who, np.int32),
            money=np.zeros((count, 4), np.int64),
            trace=np.zeros((count if traced else 0, 2), np.int64),
            largest=0,
        )
        tape.codes[:, KIND] = kind
        tape.money[:, AMOUNT] = amount
        largest = price_orders(self.policy, tape.codes, tape.money, rest, take_ppm)
        return tape._replace(largest=largest)

    def member_of_lots(self) -> NDArray[np.int64]:
        """The member of every lot."""
        if self.book.links.size:
            return self.book.links[:, OWNER].astype(np.int64)
        return np.arange(len(self.book.lots))


def _open_pool(policy: Policy) -> Ints:
    pool = np.zeros(POOL_SIZE, np.int64)
    pool[RESERVE] = pool[INFLOW] = policy.opening_reserve_micro
    pool[SUPPLY] = policy.opening_supply_nano
    pool[REFERENCE_RESERVE], pool[REFERENCE_SUPPLY] = policy.start_price_micro, NANO
    pool[FACTOR] = pool[HORIZON] = 1
    return pool
