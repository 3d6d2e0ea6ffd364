"""No free profit, as docs/algorithms/pool.md words it under rule P7.

Somebody who starts without points, and acts while others are idle and no lot of anybody
else exits, ends with no more money than they put in. Theirs are the wallets and the store
credit (at par) of three accounts, who may refer, recruit, lead a level or keep a territory;
their merchant; what buyers are paid back; less what they paid, and less the shortfall of
their refunds, whoever bears it. What other merchants, the platform and others earn from
them is lost to them. Nobody refunds an order of somebody else.
"""

from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from springtide.core.event_fields import Json
from springtide.core.policy import Policy
from springtide.core.reducer import fold
from springtide.core.state import State, open_state
from springtide.core.units import MICRO, parse_money
from tests.core.history import (
    AMOUNTS,
    REGIONS,
    batch,
    bind,
    buy,
    cash_out,
    inject,
    points_of,
    policies,
    redeem,
    refund,
)

MINE = ("me-1", "me-2", "me-3")
OTHERS = ("m1", "m2", "m3")
MY_ACCOUNTS = frozenset(
    ["merchant:mine", *(f"{kind}:{member}" for kind in ("wallet", "credit") for member in MINE)]
)
ME = st.sampled_from(MINE)
ANYBODY = st.sampled_from([None, *MINE, *OTHERS])
MERCHANTS = st.sampled_from(["mine", "mine", "shop-1", None])
PARTS = st.sampled_from([None, 1, 333, 500, 999])
NUMBERS = st.integers(0, 10**4)


@st.composite
def preludes(draw: st.DrawFn) -> list[Json]:
    """What others did before: they bought, sold, took back, and were given to."""
    events: list[Json] = []
    for number in range(draw(st.integers(0, 10))):
        id_, member = f"before-{number}", draw(st.sampled_from(OTHERS))
        kind = draw(st.sampled_from(["buy", "buy", "buy", "sell", "refund", "inject"]))
        if kind == "buy":
            referrer, merchant = draw(ANYBODY), draw(MERCHANTS)
            more = {"referrer": referrer, "merchant": merchant}
            events.append(buy(id_, member, draw(AMOUNTS), **more))
        elif kind == "sell":
            events.append(cash_out(id_, member))
        elif kind == "refund":
            events.append(refund(id_, f"before-{draw(st.integers(0, 9))}"))
        else:
            events.append(inject(id_, draw(st.integers(1, 100 * MICRO))))
    return events


class NoFreeProfit(RuleBasedStateMachine):
    """One actor with several faces, while everybody else is idle."""

    state: State
    orders: list[str]
    paid_in: int
    paid_back: int
    shortfalls: int
    had: int
    count: int
    idle: bool = False

    @initialize(policy=policies(opened=True), prelude=preludes())
    def begin(self, policy: Policy, prelude: list[Json]) -> None:
        self.state = open_state(policy)
        for event in prelude:
            fold(self.state, event)
        assert points_of(self.state, MINE) == 0
        self.orders, self.count = [], 0
        self.paid_in = self.paid_back = self.shortfalls = 0
        self.had = self.money()
        self.idle = True

    def money(self) -> int:
        return sum(self.state.balances.get(account, 0) for account in MY_ACCOUNTS)

    def gain(self) -> int:
        """What the actor has more than at the start, negative balances included."""
        own = self.money() - self.had
        return own + self.paid_back - self.paid_in - self.shortfalls

    def act(self, event: Json) -> dict[str, Any] | None:
        """Do something, unless the others have not stayed idle; None if it was refused."""
        if not self.idle:
            return None
        outcome = fold(self.state, event)
        if outcome.refusal is not None:
            return None
        receipt = cast(dict[str, Any], outcome.receipt)
        if any(row["member"] not in MINE for row in receipt["exits"]):
            self.idle = False
        return receipt

    def new_id(self) -> str:
        self.count += 1
        return f"mine-{self.count}"

    @rule(
        member=ME,
        micros=st.lists(AMOUNTS, min_size=1, max_size=3),
        merchant=MERCHANTS,
        region=REGIONS,
        referrer=ANYBODY,
    )
    def buy(
        self,
        member: str,
        micros: list[int],
        merchant: str | None,
        region: str | None,
        referrer: str | None,
    ) -> None:
        more = {"merchant": merchant, "region": region, "referrer": referrer}
        for micro in micros:
            self.order(member, micro, **more)

    def order(self, member: str, micro: int, **more: str | None) -> str | None:
        order = self.new_id()
        if self.act(buy(order, member, micro, **more)) is None:
            return None
        self.orders.append(order)
        self.paid_in += micro
        return order

    @rule(micro=AMOUNTS, times=st.sampled_from([1, 10, 1000]), number=st.integers(1, 4))
    def pump(self, micro: int, times: int, number: int) -> None:
        """Lift the price of some points with big orders, sell them, and take these back."""
        self.order("me-1", micro, merchant="mine")
        big = [self.order("me-2", micro * times, merchant="mine") for _ in range(number)]
        self.act(cash_out(self.new_id(), "me-1"))
        for order in big:
            if order is not None:
                self.take_back_order(order)

    @rule(member=ME, referrer=st.sampled_from([*MINE, *OTHERS]))
    def bind(self, member: str, referrer: str) -> None:
        self.act(bind(self.new_id(), member, referrer))

    def part_of(self, member: str, part: int | None) -> int | None:
        held = points_of(self.state, [member])
        return None if part is None else max(held * part // 1000, 1)

    @rule(member=ME, part=PARTS)
    def sell(self, member: str, part: int | None) -> None:
        self.act(cash_out(self.new_id(), member, self.part_of(member, part)))

    @rule(member=ME, slices=st.integers(2, 12))
    def slice(self, member: str, slices: int) -> None:
        nano = points_of(self.state, [member]) // slices
        for _ in range(slices if nano else 0):
            self.act(cash_out(self.new_id(), member, nano))

    @rule(part=PARTS)
    def sell_together(self, part: int | None) -> None:
        holders = [member for member in MINE if points_of(self.state, [member])]
        wishes = [(member, self.part_of(member, part)) for member in holders]
        self.act(batch(self.new_id(), *wishes))

    @rule(member=ME, part=PARTS)
    def redeem(self, member: str, part: int | None) -> None:
        self.act(redeem(self.new_id(), member, "mine", self.part_of(member, part)))

    @rule(number=NUMBERS)
    def take_back(self, number: int) -> None:
        if self.orders:
            self.take_back_order(self.orders[number % len(self.orders)])

    def take_back_order(self, order: str) -> None:
        event = self.state.posted[order].event
        receipt = self.act(refund(self.new_id(), order))
        if receipt is not None:
            self.orders.remove(order)
            self.paid_back += parse_money(event["amount"]) - receipt["recovered"]
            on_platform = self.state.policy.shortfall_on_platform
            if on_platform or event["merchant"] != "mine":  # else it is in their balance
                self.shortfalls += receipt["shortfall"]

    @invariant()
    def nothing_was_gained(self) -> None:
        """At any time, even if the actor's points were bought at their full value."""
        if self.idle:
            reserve, supply = self.state.pair
            points = points_of(self.state, MINE)
            assert self.gain() + points * reserve // supply <= 0

    def teardown(self) -> None:
        """In the end, everything is cashed out; then every order that can be is returned."""
        if not self.idle:
            return
        for member in MINE:
            self.act(cash_out(self.new_id(), member))
        self.nothing_was_gained()
        for order in tuple(self.orders):
            self.take_back_order(order)
        self.nothing_was_gained()
        assert not self.idle or points_of(self.state, MINE) == 0


TestNoFreeProfit = NoFreeProfit.TestCase
TestNoFreeProfit.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
