"""The four laws, over random histories of every event under programs of every shape."""

from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from springtide.core.event_fields import Json
from springtide.core.policy import PolicyError
from springtide.core.policy_change import check_change
from springtide.core.policy_file import read_policy
from springtide.core.units import CENT, LIMIT, MICRO, NANO, PPM, format_money
from springtide.core.withdrawal import NEXT, STATES
from tests.core.history import (
    ADVERT_B,
    AMOUNTS,
    HUGE,
    REGIONS,
    batch,
    bind,
    buy,
    cash_out,
    day_batch,
    inject,
    merged,
    pay,
    points_of,
    post,
    redeem,
    refund,
    settle,
    start,
    step,
    withdraw,
    write_toml,
)
from tests.core.telling import SAID, Telling, check_unpaid, code, standing_events

MEMBERS = st.sampled_from(["m1", "m2", "m3", "m4", "m5"])
MERCHANTS = st.sampled_from([None, "", "shop-1", "mine", "unknown"])
NUMBERS = st.integers(0, 10**4)
PARTS = st.sampled_from([None, None, 1, 500, 999, 1000, 2000])
"""Of the points somebody has, in thousandths; None for all of them."""

MALFORMED: list[dict[str, Any]] = [
    {"type": "purchase", "id": "bad", "member": "m1"},
    {"type": "purchase", "id": "bad", "member": "m1", "amount": 5},
    {"type": "purchase", "id": "bad", "member": "m1", "amount": "1", "region": "33010"},
    {"type": "purchase", "id": "bad", "member": "m1", "amount": "1", "referrer": 7},
    {"type": "purchase", "id": "", "member": "m1", "amount": "1"},
    {"type": "purchase", "id": "bad", "member": "m\n", "amount": "1", "referrer": "m2"},
    {"type": "cash_out", "id": "bad", "member": "m1", "points": "1e3"},
    {"type": "cash_out", "id": "bad", "member": "m1", "points": "-1"},
    {"type": "cash_out_batch", "id": "bad", "requests": []},
    {"type": "cash_out_batch", "id": "bad", "requests": [{"member": "m1"}]},
    {"type": "redeem", "id": "bad", "member": "m1", "points": "all"},
    {"type": "bind", "id": "bad", "member": "m1", "referrer": None},
    {"type": "refund", "id": "bad"},
    {"type": "inject", "id": "bad", "amount": "0.000000"},
    {"type": "gift", "id": "bad"},
    {"id": "bad"},
]

NEVER_NEGATIVE = (
    "pool", "orphaned", "backing", "escrow", "withdrawals", "payouts", "commissions-paid",
    "merchants-paid",
)  # fmt: skip


class Laws(Telling):
    """One program, told anything."""

    @rule(
        member=MEMBERS,
        merchant=MERCHANTS,
        micro=AMOUNTS | AMOUNTS | AMOUNTS | HUGE,
        region=REGIONS,
        referrer=st.none() | MEMBERS,
        said=SAID,
    )
    def purchase(
        self,
        member: str,
        merchant: str | None,
        micro: int,
        region: str | None,
        referrer: str | None,
        said: dict[str, str],
    ) -> None:
        more = {"merchant": merchant, "region": region, "referrer": referrer, **said}
        outcome = self.tell(buy(self.new_id(), member, micro, **more))
        check_unpaid(outcome, said)

    @rule(member=MEMBERS, micro=AMOUNTS | HUGE, referrer=st.none() | MEMBERS)
    def pay(self, member: str, micro: int, referrer: str | None) -> None:
        before = self.state.pair
        self.tell(pay(buy(self.new_id(), member, micro, referrer=referrer)))
        assert self.state.pair == before, "what is not settled moves no price"

    @rule(number=NUMBERS, said=SAID)
    def settle(self, number: int, said: dict[str, str]) -> None:
        order = self.orders[number % len(self.orders)] if self.orders else "never"
        bought = self.state.posted.get(order)
        outcome = self.tell({**settle(self.new_id(), order), **said})
        check_unpaid(outcome, said)
        if code(outcome) in ("overflow", "control_contribution"):
            return
        if bought is None:
            assert code(outcome) == "unknown_order"
        elif not self.left_of(order):
            assert code(outcome) == "already_refunded"
        else:
            again = order not in self.unsettled
            assert code(outcome) == ("already_settled" if again else None)
            self.unsettled.discard(order)

    @rule(member=MEMBERS, micros=st.lists(AMOUNTS, min_size=1, max_size=3))
    def purchases(self, member: str, micros: list[int]) -> None:
        for micro in micros:
            self.tell(buy(self.new_id(), member, micro))

    @rule(member=MEMBERS, referrer=MEMBERS)
    def bind(self, member: str, referrer: str) -> None:
        self.tell(bind(self.new_id(), member, referrer))
        self.check_no_loop()

    def wish(self, number: int, part: int | None) -> tuple[str, int | None]:
        """Somebody who has points, if anybody has, and a part of them."""
        holders = sorted({lot.member for lot in self.state.lots.values() if lot.points_nano})
        member = holders[number % len(holders)] if holders else "m1"
        held = points_of(self.state, [member])
        return member, None if part is None else max(held * part // 1000, 1)

    @rule(number=NUMBERS, part=PARTS)
    def cash_out(self, number: int, part: int | None) -> None:
        member, nano = self.wish(number, part)
        held = points_of(self.state, [member])
        outcome = self.tell(cash_out(self.new_id(), member, nano))
        policy = self.state.policy
        if not policy.cash_out_enabled or policy.cash_out_daily:
            disabled = "cash_out_daily" if policy.cash_out_enabled else "cash_out_disabled"
            assert code(outcome) == disabled
            return
        possible = held > 0 and (nano is None or nano <= held)
        assert (code(outcome) == "insufficient_points") == (not possible)

    @rule(first=NUMBERS, size=st.integers(1, 4), part=PARTS)
    def batch(self, first: int, size: int, part: int | None) -> None:
        wishes = [self.wish(first + number, part) for number in range(size)]
        outcome = self.tell(batch(self.new_id(), *wishes))
        if not self.state.policy.cash_out_enabled:
            assert code(outcome) == "cash_out_disabled"
        else:
            assert (code(outcome) == "duplicate_member") == (len(dict(wishes)) < size)

    @rule(first=NUMBERS, size=st.integers(1, 3), part=PARTS, least=st.integers(0, 10**9))
    def day_batch(self, first: int, size: int, part: int | None, least: int) -> None:
        """Everybody is paid at one price, or is left out."""
        wishes = dict(self.wish(first + number, part) for number in range(size))
        self.count += 1
        event = day_batch(self.count, wishes, least)
        policy, (reserve, supply) = self.state.policy, self.state.pair
        outcome = self.tell(event)
        receipt = cast(dict[str, Any], outcome.receipt)
        if not policy.cash_out_enabled:
            assert code(outcome) == "cash_out_disabled"
            return
        assert code(outcome) is None
        assert {row["member"] for row in receipt["paid"] + receipt["refused"]} == wishes.keys()
        for row in receipt["paid"]:
            assert row["net"] >= least
            assert row["gross"] <= row["points"] * reserve // supply
            assert row["net"] == row["gross"] * (PPM - policy.cash_out_fee_ppm) // PPM

    @rule(number=NUMBERS, part=PARTS, merchant=st.sampled_from(["shop-1", "mine"]))
    def redeem(self, number: int, part: int | None, merchant: str) -> None:
        member, nano = self.wish(number, part)
        self.tell(redeem(self.new_id(), member, merchant, nano))

    @rule(number=NUMBERS, again=st.sampled_from([False, False, False, True]))
    def refund(self, number: int, *, again: bool) -> None:
        orders = self.orders
        if not again:
            orders = [order for order in orders if self.left_of(order)]
        order = orders[number % len(orders)] if orders else "never"
        twice = bool(orders) and not self.left_of(order)
        outcome = self.tell(refund(self.new_id(), order))
        if code(outcome) != "overflow":
            expected = "already_refunded" if twice else None if orders else "unknown_order"
            assert code(outcome) == expected

    @rule(number=NUMBERS, part=st.integers(1, 1100))
    def refund_in_part(self, number: int, part: int) -> None:
        """Thousandths of what is left of an order, sometimes too many."""
        orders = [order for order in self.orders if self.left_of(order)]
        if orders:
            order = orders[number % len(orders)]
            left = self.left_of(order)
            micro = max(left * part // 1000, 1)
            outcome = self.tell(refund(self.new_id(), order, micro))
            if code(outcome) != "overflow":
                assert code(outcome) == ("refund_too_large" if micro > left else None)
                assert self.left_of(order) == left - (micro if micro <= left else 0)

    def left_of(self, order: str) -> int:
        whole, _, fraction = str(self.state.posted[order].event["amount"]).partition(".")
        return int(whole) * MICRO + int(fraction) - self.state.refunded.get(order, 0)

    @rule(member=MEMBERS, micro=AMOUNTS, part=st.integers(1, 1100), first=st.booleans())
    def spend(self, member: str, micro: int, part: int, *, first: bool) -> None:
        """An order with thousandths of a wallet in it, sometimes too many."""
        held = self.state.wallet_micro(member)
        wallet = min(max(held * part // 1000, 1), micro)
        order = buy(self.new_id(), member, micro, wallet=format_money(wallet))
        outcome = self.tell(pay(order) if first else order)
        if code(outcome) not in ("overflow", "control_contribution"):
            assert code(outcome) == ("insufficient_funds" if wallet > held else None)
            assert self.state.wallet_micro(member) >= min(held, 0)

    @rule(member=MEMBERS, part=st.integers(1, 1100))
    def withdraw(self, member: str, part: int) -> None:
        held = self.state.wallet_micro(member)
        micro = max(held * part // 1000, CENT) // CENT * CENT
        outcome = self.tell(withdraw(self.new_id(), member, micro))
        if code(outcome) != "withdrawal_too_small":
            assert code(outcome) == ("insufficient_funds" if micro > held else None)

    @rule(number=NUMBERS, to=st.sampled_from(STATES[1:]), by=st.sampled_from("abc"))
    def step(self, number: int, to: str, by: str) -> None:
        """Any step of any withdrawal, by any of three people."""
        there = sorted(self.state.withdrawals)
        id_ = there[number % len(there)] if there else "never"
        before = self.state.withdrawals.get(id_)
        outcome = self.tell(step(self.new_id(), id_, to, f"staff:{by}"))
        if before is None:
            assert code(outcome) == "unknown_withdrawal"
        elif to not in NEXT.get(before.state, ()):
            assert code(outcome) == "wrong_state"
        elif to == "approved" and f"staff:{by}" in before.approved_by:
            assert code(outcome) == "approved_before"
        else:
            assert code(outcome) is None

    @rule(data=st.data())
    def standing(self, data: st.DataObject) -> None:
        """Whatever is said of merchants, agents and levels, the pool stands still."""
        before, event = self.state.pair, data.draw(standing_events(self.count))
        dividend = event["type"] == "dividend"
        id_ = f"dividend:{event['period']}" if dividend else self.new_id()
        self.tell({"id": id_, **event})
        assert self.state.pair == before
        self.check_no_loop()

    @rule(micro=AMOUNTS)
    def inject(self, micro: int) -> None:
        empty = self.state.supply_nano == 0
        outcome = self.tell(inject(self.new_id(), micro))
        assert (code(outcome) == "no_points_in_circulation") == empty

    @rule(number=NUMBERS, bad=st.none() | st.sampled_from(MALFORMED), as_it_was=st.booleans())
    def nuisance(self, number: int, bad: Json | None, *, as_it_was: bool) -> None:
        """What is malformed is refused, and what was told before is not done twice."""
        if bad is not None:
            assert code(self.tell(bad)) in ("invalid_event", "invalid_amount")
        elif self.posted:
            event = self.posted[number % len(self.posted)]
            first = self.state.posted[str(event["id"])].receipt
            outcome = self.tell({**event} if as_it_was else {**event, "note": "more"})
            assert outcome.entry is None
            assert outcome.receipt == first or not as_it_was
            assert code(outcome) == (None if as_it_was else "id_reused")

    @rule(
        take=st.sampled_from(["1", "0.50", "0.01"]),
        cash=st.sampled_from([{"fee": "0.1"}, {"fee": "0"}, {"fee": None, "enabled": False}]),
        cap=st.sampled_from([{"multiple": "0.1", "payout": "credit"}, {"multiple": "3"}, None]),
        bearer=st.sampled_from(["merchant", "platform"]),
    )
    def change_policy(
        self, take: str, cash: dict[str, Any], cap: dict[str, str] | None, bearer: str
    ) -> None:
        """Whatever the next version says, the change itself moves nothing but lots due."""
        if cap and "scope" in (self.tables.get("cap") or {}):
            cap = {**cap, "scope": self.tables["cap"]["scope"]}
        tables = merged(
            self.tables, split={"take_rate": take}, refund={"bearer": bearer}, cap=cap
        )
        toml = write_toml({**tables, "cash_out": cash if cash["fee"] else {"enabled": False}})
        version, before = self.state.policy_version + 1, self.state.policy
        event: Json = {"type": "policy", "id": self.new_id(), "version": version, "toml": toml}
        try:
            check_change(before, read_policy(toml))
            expected = None
        except PolicyError:
            expected = "unusable_policy"
        outcome = self.tell(event)
        assert code(outcome) == expected
        if outcome.entry is not None:
            assert self.state.policy_version == version
            assert all(row[0] in ("exit", "orphaned") for row in outcome.entry.transfers)

    def check_no_loop(self) -> None:
        for member in self.state.referrers:
            seen, above = {member}, self.state.referrers.get(member)
            while above is not None:
                assert above not in seen
                seen.add(above)
                above = self.state.referrers.get(above)

    @invariant()
    def everybody_can_be_paid(self) -> None:
        """Law 2: the value of all points, and of every lot, is in the reserve."""
        state = self.state
        reserve, supply = state.pair
        assert state.supply_nano * reserve // supply <= state.reserve_micro
        values = [lot.points_nano * reserve // supply for lot in state.lots.values()]
        assert sum(values) <= state.reserve_micro
        assert 0 <= state.reserve_micro <= LIMIT
        assert state.reserve_micro == 0 or state.supply_nano > 0

    @invariant()
    def every_micro_is_in_one_account(self) -> None:
        """Law 3: the books, kept from the transfers alone, agree with the state."""
        state, money = self.state, self.books.of("money")
        assert money.get("pool", 0) == state.reserve_micro
        assert money.get("orphaned", 0) == state.orphaned_micro
        assert sum(money.values()) == sum(self.books.of("credit").values()) == 0
        recomputed = money | self.books.of("credit")
        for account in recomputed.keys() | state.balances.keys():
            held = state.balances.get(account, 0) + self.unposted.get(account, 0)
            assert held == recomputed.get(account, 0), account
        for account, balance in recomputed.items():
            self.check_sign(account, balance)

    def check_sign(self, account: str, balance: int) -> None:
        assert -LIMIT <= balance <= LIMIT
        if account in NEVER_NEGATIVE or account.startswith(("credit:", "deposits:")):
            assert balance >= 0, account
        elif account.startswith(("wallet:", "commission-due:")):
            assert balance + self.books.clawed_back.get(account, 0) >= 0, account

    @invariant()
    def what_is_on_its_way_is_what_was_neither_settled_nor_given_back(self) -> None:
        rows = self.state.withdrawals.values()
        waiting = sum(row.amount_micro for row in rows if row.state in NEXT)
        assert self.books.accounts.get("withdrawals", 0) == waiting
        assert all(len(row.approved_by) == row.needed for row in rows if row.reference)

    @invariant()
    def deposits_are_what_agents_paid(self) -> None:
        """No deposit is anybody's revenue: what is held is what was paid and not returned."""
        held = sum(one.deposit_micro for one in self.state.distribution.contracts.values())
        assert held == -self.books.accounts.get("deposits-paid", 0)

    @invariant()
    def credit_is_backed(self) -> None:
        credit = self.books.of("credit")
        issued = sum(sum_ for name, sum_ in credit.items() if name.startswith("credit:"))
        assert self.books.accounts.get("backing", 0) == issued

    @invariant()
    def the_supply_is_what_lots_and_opening_hold(self) -> None:
        """Law 4, and the books of points agree with the lots."""
        state, points = self.state, self.books.of("points")
        policy = state.policy
        opening = policy.opening_reserve_micro * NANO // policy.start_price_micro
        opening *= state.split_factor
        held = sum(lot.points_nano for lot in state.lots.values())
        assert state.supply_nano == opening + held
        assert points.get("points-issued", 0) == -state.supply_nano
        assert points.get("points-opening", 0) == opening
        for lot in state.lots.values():
            assert min(lot.points_nano, lot.headroom_micro, lot.net_micro) >= 0
            assert max(lot.points_nano, lot.headroom_micro, lot.net_micro) <= LIMIT
            owned = points_of(state, [lot.member])
            assert points.get(f"points:{lot.member}", 0) == owned


def test_the_balances_of_a_state_include_its_opening() -> None:
    state = start(ADVERT_B)
    post(state, buy("o", "m1", 1000 * MICRO), cash_out("x", "m1"))
    assert state.balances["pool"] == state.reserve_micro
    assert state.balances["opening"] == -MICRO


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
