"""Histories for the tests of the rules: policies, events, and books kept a second time."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any, cast

from hypothesis import strategies as st

from springtide.core.entry import Entry
from springtide.core.event_fields import Json
from springtide.core.events import STEPS
from springtide.core.journal import Transfer
from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.receipts import render
from springtide.core.reducer import Outcome, fold, opening_transfers
from springtide.core.refusals import Refusal
from springtide.core.standing import Distribution
from springtide.core.state import Lot, State, open_state, trigger_key
from springtide.core.tally import Tally
from springtide.core.units import CENT, LIMIT, format_money, format_points

AT = "2026-01-31T09:00:00Z"

ADVERT_B = {
    "opening_reserve": "1.00",
    "split": {"take_rate": "0.20", "platform": "0.10", "distribution": "0.10"},
    "points": {"grant_ratio": "0.70"},
    "cash_out": {"fee": "0.20"},
}
"""Advert B with the opening reserve that a live program needs, and no cap."""

BARE = {
    "split": {"take_rate": "1", "platform": "0", "distribution": "0"},
    "points": {"grant_ratio": "1"},
    "cash_out": {"fee": "0"},
}
"""Everything paid goes to the pool, and all of it comes back: for numbers at their limits."""

COMMISSIONS: dict[str, Any] = {
    "direct": "0.003",
    "indirect": "0.002",
    "recruiter": "0.005",
    "territory": {"district": "0.001", "city": "0.002", "province": "0.003"},
    "level": {"max_depth": 4, "peer": "0.0005", "rates": {"1": "0.001", "2": "0.003"}},
}


WITHDRAWAL = {"fee": "0.01", "fee_fixed": "0.02", "minimum": "0.05", "four_eyes_above": "3.00"}


def write_toml(tables: Mapping[str, Any], path: str = "") -> str:
    """A policy file of nested tables; the numbers in it are strings, as in the format."""
    values = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    lines = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items()]
    for key in tables.keys() - values.keys():
        name = f"{path}.{json.dumps(key)}" if path else json.dumps(key)
        lines += [f"[{name}]", write_toml(tables[key], name)]
    return "\n".join(lines)


def merged(base: Mapping[str, Any], **changes: object) -> dict[str, Any]:
    """A policy with tables replaced or amended; None takes a table or a key out."""
    tables = dict(base)
    for key, change in changes.items():
        if isinstance(change, dict):
            tables[key] = merged(tables.get(key, {}), **change)
        elif change is None:
            tables.pop(key, None)
        else:
            tables[key] = change
    return tables


def policy_of(base: Mapping[str, Any], **changes: object) -> Policy:
    return read_policy(write_toml(merged(base, **changes)))


def start(base: Mapping[str, Any], **changes: object) -> State:
    return open_state(policy_of(base, **changes))


def post(state: State, *events: Json) -> list[dict[str, Any]]:
    """Fold events that must all be accepted, and give their receipts with integer amounts."""
    receipts = []
    for event in events:
        outcome = fold(state, event)
        assert outcome.refusal is None, (event, outcome.refusal)
        receipts.append(cast(dict[str, Any], outcome.receipt))
    return receipts


def refused(state: State, event: Json) -> Refusal:
    """Fold an event that must be refused, and see that nothing changed."""
    before = snapshot(state)
    outcome = fold(state, event)
    assert outcome.refusal is not None, event
    assert outcome.entry is None
    assert snapshot(state) == before
    assert outcome.receipt["error"] == outcome.refusal.code
    return outcome.refusal


def buy(id_: str, member: str, micro: int, **more: object) -> Json:
    amount = format_money(micro)
    return {"type": "purchase", "id": id_, "member": member, "amount": amount, **more}


def cash_out(id_: str, member: str, nano: int | None = None) -> Json:
    return {"type": "cash_out", "id": id_, "member": member, "points": points_text(nano)}


def batch(id_: str, *wishes: tuple[str, int | None]) -> Json:
    requests = [{"member": member, "points": points_text(nano)} for member, nano in wishes]
    return {"type": "cash_out_batch", "id": id_, "requests": requests}


def day_batch(number: int, wishes: Mapping[str, int | None], least_micro: int = 0) -> Json:
    """The batch of a day that has this number, each asking for the same at least."""
    day = date.fromordinal(date(2026, 1, 1).toordinal() + number).isoformat()
    event = batch(f"springtide:cash-outs:{day}", *wishes.items())
    least = {"min_net": format_money(least_micro)} if least_micro else {}
    requests = [{**request, **least} for request in cast(list[Json], event["requests"])]
    return {**event, "day": day, "requests": requests}


def redeem(id_: str, member: str, merchant: str, nano: int | None = None) -> Json:
    return {**cash_out(id_, member, nano), "type": "redeem", "merchant": merchant}


def pay(order: Json) -> Json:
    """The order of a purchase, paid first."""
    return {**order, "type": "pay"}


def settle(id_: str, order: str) -> Json:
    return {"type": "settle", "id": id_, "order": order}


def refund(id_: str, order: str, micro: int | None = None) -> Json:
    part = {} if micro is None else {"amount": format_money(micro)}
    return {"type": "refund", "id": id_, "order": order, **part}


def bind(id_: str, member: str, referrer: str) -> Json:
    return {"type": "bind", "id": id_, "member": member, "referrer": referrer}


def withdraw(id_: str, member: str, micro: int, by: str = "key:shop") -> Json:
    wish = {"member": member, "amount": format_money(micro // CENT * CENT)[:-4]}
    return {"type": "withdraw", "id": id_, **wish, "by": by, "at": AT}


def step(id_: str, withdrawal: str, to: str, by: str = "staff:ana") -> Json:
    """A step of a withdrawal, of the type that leads there."""
    [type_] = [kind for kind, ends in STEPS.items() if to in ends]
    said = {"withdrawal": withdrawal, "to": to, "by": by, "at": AT}
    return {"type": type_, "id": id_, **said, **({"batch": "b1"} if to == "sent" else {})}


def inject(id_: str, micro: int) -> Json:
    return {"type": "inject", "id": id_, "amount": format_money(micro)}


def points_text(nano: int | None) -> str:
    return "all" if nano is None else format_points(nano)


def points_of(state: State, members: Iterable[str]) -> int:
    wanted = set(members)
    return sum(lot.points_nano for lot in state.lots.values() if lot.member in wanted)


def triggers_of(state: State) -> set[tuple[int, str]]:
    """The entries of the heap that still hold; stale ones are skipped by the rules too."""
    return {
        (key, lot_id)
        for key, lot_id in state.triggers
        if lot_id in state.lots and trigger_key(state.lots[lot_id]) == key
    }


BREAKER = ("paused_day", "tripped")


def snapshot(state: State) -> dict[str, object]:
    """Everything a state holds, as values that later events cannot reach."""
    held = {field.name: _frozen(getattr(state, field.name)) for field in fields(state)}
    held["triggers"] = triggers_of(state)
    return held


def _frozen(value: object) -> object:
    if isinstance(value, Distribution):
        return {field.name: _frozen(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, Lot):
        numbers = (value.points_nano, value.headroom_micro, value.net_micro)
        return (value.id, value.member, *numbers, value.seq)
    if isinstance(value, Tally):  # the breaker's pause is the one trace of a refusal
        return {name: part for name, part in asdict(value).items() if name not in BREAKER}
    if isinstance(value, set):
        return frozenset(value)
    return tuple(value) if isinstance(value, list) else value


class Books:
    """Every account, recomputed from the transfers alone; points in today's units."""

    def __init__(self, state: State) -> None:
        self.accounts: dict[str, int] = {}
        self.clawed_back: dict[str, int] = {}
        self._split_factor = 1
        self._add(opening_transfers(state))

    def add(self, entry: Entry) -> None:
        assert entry.split_factor == self._split_factor
        self._add(entry.transfers)
        if entry.split > 1:
            self._split_factor *= entry.split
            for account in self.accounts:
                if account.startswith("points"):
                    self.accounts[account] *= entry.split

    def _add(self, transfers: Iterable[Transfer]) -> None:
        for kind, debit, credit, amount in transfers:
            assert amount > 0
            assert debit != credit
            assert unit_of(debit) == unit_of(credit), (kind, debit, credit)
            self.accounts[debit] = self.accounts.get(debit, 0) - amount
            self.accounts[credit] = self.accounts.get(credit, 0) + amount
            if kind == "clawback":
                self.clawed_back[debit] = self.clawed_back.get(debit, 0) + amount

    def of(self, unit: str) -> dict[str, int]:
        return {name: sum_ for name, sum_ in self.accounts.items() if unit_of(name) == unit}


def unit_of(account: str) -> str:
    for unit in ("points", "credit"):
        if account.startswith(unit):
            return unit
    return "money"


_AS_THEY_ARE = (
    "id", "type", "error", "retry_at", "lot", "member", "kind", "to", "referrer", "split",
    "order", "version", "withdrawal", "state", "approvals", "reference",
    "terms", "before", "day",
)  # fmt: skip
_FORMS: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("points", "granted", "burned", "supply"), format_points),
    **dict.fromkeys(_AS_THEY_ARE, lambda value: value),
}


def rendered_again(receipt: Mapping[str, Any]) -> dict[str, object]:
    """What `render` must give: points by name, names as they are, all else is money."""
    again: dict[str, object] = {}
    for name, value in receipt.items():
        if isinstance(value, list):
            again[name] = [rendered_again(row) for row in value]
        else:
            again[name] = _FORMS.get(name, format_money)(value)
    return again


def check_render(outcome: Outcome) -> None:
    """A receipt renders, in its order, to the decimals of its integers."""
    rendered = render(outcome.receipt)
    assert json.dumps(rendered) == json.dumps(rendered_again(outcome.receipt))


def promotions() -> st.SearchStrategy[dict[str, Any]]:
    """How commissions are paid, and how long bindings earn."""
    return st.sampled_from(
        [
            {},
            {"commission": {"mode": "statement"}},
            {"referral": {"bind_days": 30}},
        ]
    )


def _caps() -> st.SearchStrategy[dict[str, str] | None]:
    capped: st.SearchStrategy[dict[str, str] | None] = st.fixed_dictionaries(
        {
            "multiple": st.sampled_from(["1.2", "0.3", "0.05", "5", "1000000"]),
            "scope": st.sampled_from(["order", "member"]),
            "payout": st.sampled_from(["cash", "credit"]),
        }
    )
    return capped | st.none()


LIMITS = {
    "min_spend": ("0.01", "9000.00"),
    "min_cash_out": ("0.000001", "5.00"),
    "daily_cash_out": ("50.00", "5000.00"),
    "daily_outflow": ("8.00", "900.00"),
}


@st.composite
def limits(draw: st.DrawFn, *, scope: str) -> dict[str, Any] | None:
    """Controls of a policy, any of them or none; a hold needs lots of orders."""
    if draw(st.booleans()):
        return None
    kept = [name for name in (*LIMITS, "hold_days", "ratio") if draw(st.booleans())]
    controls: dict[str, Any] = {
        name: draw(st.sampled_from(sizes)) for name, sizes in LIMITS.items() if name in kept
    }
    if "hold_days" in kept and scope != "member":
        controls["hold_days"] = draw(st.sampled_from([1, 3]))
    if "ratio" in kept:
        controls["max_contribution_ratio"] = draw(st.sampled_from(["0.05", "2"]))
        controls["launch_floor"] = draw(st.sampled_from(["0", "500.00"]))
    return controls


def policies(*, opened: bool, controlled: bool = False) -> st.SearchStrategy[Policy]:
    """Programs of every shape; with `opened`, only those with an opening reserve."""
    return policy_tables(opened=opened, controlled=controlled).map(policy_of)


@st.composite
def policy_tables(draw: st.DrawFn, *, opened: bool, controlled: bool = False) -> dict[str, Any]:
    """The tables of such a policy."""

    def one_of(*values: str) -> str:
        return draw(st.sampled_from(values))

    price = one_of("1.00", "0.01", "700.00")
    openings = ("1000.00",) if price == "700.00" else ("1.00", "250.00")
    points: dict[str, Any] = {"start_price": price, "grant_ratio": one_of("1", "0.70")}
    if draw(st.booleans()):
        points["split_at"] = {"1.00": "1.5", "0.01": "0.02", "700.00": "1000"}[price]
        points["split_factor"] = draw(st.sampled_from([2, 3, 10, 1000]))
    if draw(st.booleans()):
        points["max_grant_value"] = one_of("150.00", "0.000007")
    platform, distribution = draw(
        st.sampled_from([("0", "0"), ("0.10", "0.10"), ("0", "0.10"), ("0.30", "0.70")])
    )
    cap = draw(_caps())
    scope = cap["scope"] if cap else "order"
    controls = draw(limits(scope=scope)) if controlled else None
    commissions = [None] if distribution == "0" else [None, COMMISSIONS]
    return merged(
        merged(ADVERT_B, **draw(promotions())),
        opening_reserve=one_of(*openings) if opened else one_of("0", *openings),
        split={
            "take_rate": one_of("1", "0.20", "0.50"),
            "platform": platform,
            "distribution": distribution,
            "unallocated": one_of("pool", "platform"),
        },
        points=points,
        cash_out={"fee": one_of("0", "0.20", "0.003", "0.999999")},
        redeem={"fee": one_of("0", "0.03")},
        refund={"bearer": one_of("merchant", "platform")},
        withdrawal=draw(st.sampled_from([None, WITHDRAWAL])),
        cap=cap,
        controls=controls,
        commission=draw(st.sampled_from(commissions)),
        merchants={
            "shop-1": {"take_rate": "0.50", "region": "330106", "recruiter": "m2"},
            "mine": {"region": "3301", "recruiter": "me-3"},
        },
        agents={"330106": "m1", "3301": "me-2", "33": "m3"},
        levels={"m1": "1", "m2": "2", "m3": "2", "me-1": "1", "me-2": "2", "me-3": "2"},
    )


AMOUNTS = st.one_of(
    st.integers(10**6, 10**10),
    st.integers(1, 100),
    st.integers(10**6, 10**6 * 50),
    st.integers(10**10, 10**15),
)
"""Ordinary, dust, small and very large orders, in micro."""

HUGE = st.one_of(st.integers(10**15, LIMIT), st.integers(LIMIT - 2, LIMIT + 2))
"""Amounts at which something overflows sooner or later."""

REGIONS = st.sampled_from([None, "", "330106", "3301", "33", "110101"])

ON_STATEMENT = merged(
    ADVERT_B,
    commission={
        "direct": "0.003", "mode": "statement", "recruiter": "0.002",
        "territory": {"district": "0.001"},
        "level": {
            "max_depth": 2, "rates": {"1": "0.001"}, "rules": {"1": {"own_spend": "9"}},
        },
    },
)  # fmt: skip
"""Commissions of every kind, paid outside."""
