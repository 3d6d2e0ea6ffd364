"""What is kept beside a program while it is told anything, and what holds of each answer."""

from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome, fold
from springtide.core.refusals import Refusal
from springtide.core.state import KEY_SCALE, State, open_state, trigger_key
from springtide.core.units import LIMIT, MICRO, format_money
from tests.core.history import REGIONS, Books, check_render, policy_of, policy_tables, snapshot


def standing_events(count: int) -> st.SearchStrategy[dict[str, Any]]:
    """Events about merchants, agents, levels, deposits and dividends, without their ids.

    Contracts are named by numbers below `count`, so that later ones meet earlier ones.
    """
    member, contract = st.sampled_from(["m1", "m2", "m3"]), st.sampled_from(["c1", "c2", "c3"])
    day = st.sampled_from(["", "2026-01-01", "2026-02-01", "2026-03-01"])
    amount = st.integers(1, 10**9).map(format_money)
    ratio = st.sampled_from(["0", "0.0015", "0.02", "0.20", "0.50", "1"])
    kinds: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "merchant_terms": {
            "merchant": st.sampled_from(["shop-1", "mine"]), "take_rate": ratio,
            "platform": ratio, "distribution": ratio, "region": REGIONS, "recruiter": member,
            "recruiter_until": day, "suspended": st.booleans(),
        },
        "appoint": {
            "contract": contract, "region": REGIONS, "member": member, "rate": ratio,
            "from": day, "to": day,
        },
        "dismiss": {"contract": contract},
        "level": {
            "member": member, "level": st.sampled_from(["1", "2", "3", ""]),
            "reason": st.just("sales"),
        },
        "rebind": {"member": member, "referrer": member, "reason": st.just("asked")},
        "deposit": {"contract": contract, "amount": amount},
        "deposit_return": {"contract": contract, "amount": amount, "at": day},
        "commission_paid": {"member": member, "amount": amount, "reference": st.just("bank")},
        "merchant_paid": {
            "merchant": st.sampled_from(["shop-1", "mine"]), "amount": amount,
            "reference": st.just("bank"),
        },
        "day": {"at": day},
    }  # fmt: skip
    dividend: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
        {
            "type": st.just("dividend"),
            "period": st.just(f"20{count % 90 + 10}-01"),
            "revenue": amount,
            "share": ratio,
            "weights": st.dictionaries(member, amount, min_size=1),
        }
    )
    others = [
        st.fixed_dictionaries({"type": st.just(kind), **fields_})
        for kind, fields_ in kinds.items()
    ]
    return st.one_of(*others, dividend)


def code(outcome: Outcome) -> str | None:
    refusal: Refusal | None = outcome.refusal
    return None if refusal is None else refusal.code


UNPAID = {
    "without indirect, levels": ("indirect", "level", "peer"),
    "without territory": ("territory",),
}
SAID = st.sampled_from([{}, {}, *({"commissions": said} for said in ("off", *UNPAID))])
"""What the service may have added to an order or a settlement."""


def check_unpaid(outcome: Outcome, said: dict[str, str]) -> None:
    """What an order's event says is not paid is not."""
    stopped = said.get("commissions", "")
    for row in cast(list[Json], outcome.receipt.get("commissions", [])):
        assert stopped != "off"
        assert row["kind"] not in UNPAID.get(stopped, ())


def check_parts(outcome: Outcome, state: State) -> None:
    """What was paid for an order is what its parts add up to; the pool has all rounding."""
    assert outcome.entry is not None
    event, receipt = outcome.entry.event, cast(dict[str, Any], outcome.receipt)
    source = "payments"
    if event["type"] == "settle":
        event, source = state.posted[str(event["order"])].event, "escrow"
    whole, _, fraction = str(event["amount"]).partition(".")
    amount = int(whole) * MICRO + int(fraction)
    if source == "escrow":
        amount -= state.refunded.get(str(event["id"]), 0)
    earned = sum(row["amount"] for row in receipt["commissions"])
    parts = receipt["merchant"] + receipt["platform"] + receipt["contribution"] + earned
    assert parts == amount
    paid = [row for row in outcome.entry.transfers if row[1] == source]
    assert sum(row[3] for row in paid) == amount
    assert all(row["amount"] > 0 for row in receipt["commissions"])


class Telling(RuleBasedStateMachine):
    """One program, and all that it was told."""

    state: State
    tables: dict[str, Any]
    """Those of the first version of the policy."""
    books: Books
    unposted: dict[str, int]
    """Entry 0, where the balances of a state begin after it."""
    posted: list[Json]
    orders: list[str]
    unsettled: set[str]
    count: int

    @initialize(
        tables=policy_tables(opened=False, controlled=True),
        execution=st.sampled_from(["instant", "instant", "daily"]),
    )
    def begin(self, tables: dict[str, Any], execution: str) -> None:
        tables = {**tables, "cash_out": {**tables["cash_out"], "execution": execution}}
        self.state, self.tables = open_state(policy_of(tables)), tables
        self.books = Books(self.state)
        self.unposted = dict(self.books.of("money")) if not self.state.balances else {}
        self.posted, self.orders, self.unsettled, self.count = [], [], set(), 0

    def new_id(self) -> str:
        self.count += 1
        return f"e{self.count}"

    def tell(self, event: Json) -> Outcome:
        """Apply an event, and check what holds between the states before and after it."""
        controls = self.state.policy.controls
        if controls is not None and controls.timed:
            event = {"at": f"2026-01-{1 + self.count // 4 % 28:02}", **event}
        before, pair = snapshot(self.state), self.state.pair
        outcome = fold(self.state, event)
        check_render(outcome)
        if outcome.entry is None:
            assert snapshot(self.state) == before
            return outcome
        assert outcome.refusal is None
        self.posted.append(event)
        self.books.add(outcome.entry)
        self.check_price(pair, outcome)
        if event["type"] in ("purchase", "pay"):
            self.orders.append(str(event["id"]))
        if event["type"] == "pay":
            self.unsettled.add(str(event["id"]))
        if event["type"] in ("purchase", "settle"):
            check_parts(outcome, self.state)
        if outcome.entry.split == 1:
            self.check_no_exit_is_due()
        return outcome

    def check_price(self, before: tuple[int, int], outcome: Outcome) -> None:
        """Law 1: the price never falls, compared without division."""
        reserve, supply = before
        later_reserve, later_supply = self.state.pair
        split = cast(int, outcome.receipt["split"])
        assert later_reserve * supply * split >= reserve * later_supply

    def check_no_exit_is_due(self) -> None:
        if self.state.supply_nano:
            price_key = self.state.reserve_micro * KEY_SCALE // self.state.supply_nano
            keys = [trigger_key(lot) for lot in self.state.lots.values()]
            assert min(keys, default=LIMIT) > min(price_key, LIMIT - 1)
