"""Programs and histories for the tests of services: vectors, random ones, ways to post them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from springtide.core.event_fields import Json
from springtide.core.state import Receipt
from springtide.core.units import LIMIT, format_money
from springtide.services import policies as versions
from springtide.services.audit import audit
from springtide.services.profiles import KINDS, Wish, add_evidence
from springtide.services.programs import create_program
from springtide.services.replay import replay_in_memory
from springtide.services.writer import Writer
from springtide.storage.chain import encode_receipt
from springtide.storage.database import Database
from tests.core.history import (
    ADVERT_B,
    COMMISSIONS,
    WITHDRAWAL,
    limits,
    merged,
    step,
    write_toml,
)

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = sorted(path.name.removesuffix(".policy.toml") for path in VECTORS.glob("*.policy.toml"))

ON_STATEMENT = {**COMMISSIONS, "mode": "statement"}

_numbers = count(1)


def new_name() -> str:
    """A program name that was not used before."""
    return f"history-{next(_numbers)}"


def policy_of(vector: str) -> str:
    return (VECTORS / f"{vector}.policy.toml").read_text("utf-8")


def events_of(vector: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(vector, "events")]


def receipts_of(vector: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(vector, "receipts")]


def _lines(vector: str, kind: str) -> list[str]:
    return (VECTORS / f"{vector}.{kind}.jsonl").read_text("utf-8").splitlines()


def cut(events: Sequence[Json], sizes: Iterable[int]) -> Iterator[Sequence[Json]]:
    """Runs of events, as long as the sizes say; the last has what is left."""
    first = 0
    for size in sizes:
        yield events[first : first + size]
        first += size
    yield events[first:]


def post_in_batches(
    database: Database, name: str, batches: Iterable[Sequence[Json]]
) -> list[Receipt]:
    """The receipts of events posted to a program, a transaction a batch."""
    with Writer(database, name) as writer:
        return [outcome.receipt for batch in batches for outcome in writer.post(batch)]


def open_program(database: Database, toml: str, name: str = "") -> str:
    """A new program of this policy, even one without an opening reserve."""
    name = name or new_name()
    create_program(database, name, toml, without_reserve=True)
    return name


ALWAYS = date(2000, 1, 1), date(9999, 12, 31)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def put_on_file(
    database: Database,
    name: str,
    feature: str,
    days: tuple[date, date] = ALWAYS,
    kinds: Sequence[str] = tuple(KINDS),
    **more: Any,
) -> list[int]:
    """The ids of documents for a feature, one of each kind, that hold on these days."""
    return [
        add_evidence(
            database,
            name,
            Wish(feature, kind, "L-17", "the authority", *days, bytes(32), **more),
            "cli:ana",
            LONG_AGO,
        ).id
        for kind in kinds
    ]


def open_cash_program(database: Database, tables: Mapping[str, Any], name: str = "") -> str:
    """A new program with real money, of a policy that pays cash for points from version 2 on.

    What that needs is on file, for ever; the change was made long ago.
    """
    name = name or new_name()
    closed = merged(tables, cash_out={"fee": None, "enabled": False})
    create_program(database, name, write_toml(closed), profile="cash")
    put_on_file(database, name, "cash_out")
    change_policy(database, name, write_toml(tables), LONG_AGO)
    return name


def change_policy(database: Database, name: str, toml: str, now: datetime) -> None:
    """Put a policy in effect by the way that leads there, after the notice."""
    number = versions.create_draft(database, name, toml, "cli:ana", now).number
    versions.submit(database, name, number, "cli:ana", now)
    at = versions.approve(database, name, number, "cli:ben", now).effective_at
    assert at is not None
    versions.put_in_effect(database, name, at)  # unless a server that runs just did
    assert versions.get_draft(database, name, number).state == "in_effect"


def written(receipts: Iterable[Receipt]) -> list[str]:
    """Receipts as the JSON that they are, the order of fields included."""
    return [encode_receipt(receipt) for receipt in receipts]


def in_memory(toml: str, events: Iterable[Json]) -> list[str]:
    """The receipts that a replay in memory gives, rendered, as JSON."""
    return written(replay_in_memory(toml, events))


def assert_sound(database: Database, name: str) -> None:
    """The audit finds nothing."""
    broken = {finding.law: finding.broken_by for finding in audit(database, name).findings}
    assert not any(broken.values()), broken


@st.composite
def policies(draw: st.DrawFn) -> str:
    """Policy files of every shape: caps, splits, fees, commissions, with or without reserve."""

    def one_of(*values: str) -> str:
        return draw(st.sampled_from(values))

    cap: dict[str, str] | None = {
        "multiple": one_of("1.2", "0.3", "0.05", "5"),
        "scope": one_of("order", "order", "member"),
        "payout": one_of("cash", "credit"),
    }
    cap = draw(st.sampled_from([cap, cap, None]))
    controls = draw(limits(scope=cap["scope"] if cap else "order"))
    points: dict[str, Any] = {"grant_ratio": one_of("0.70", "1")}
    if draw(st.booleans()):
        points |= {"split_at": one_of("1.1", "1.5", "20", "5000"), "split_factor": 10}
    if draw(st.booleans()):
        points["max_grant_value"] = one_of("150.00", "0.000007")
    tables = merged(
        ADVERT_B,
        opening_reserve=one_of("1.00", "0", "250.00"),
        split={
            "take_rate": one_of("0.20", "0.50", "1"),
            "unallocated": one_of("platform", "pool"),
        },
        points=points,
        cash_out={
            "fee": one_of("0.20", "0", "0.999999"),
            "execution": one_of("instant", "instant", "daily"),
        },
        redeem={"fee": one_of("0", "0.03")},
        refund={"bearer": one_of("merchant", "platform")},
        withdrawal=draw(st.sampled_from([None, {**WITHDRAWAL, "daily_limit": "2.50"}])),
        cap=cap,
        controls=controls,
        commission=draw(
            st.sampled_from([None, COMMISSIONS, {**COMMISSIONS, "mode": "statement"}])
        ),
        referral=draw(st.sampled_from([None, {"bind_days": 20}])),
        merchants={"shop-1": {"take_rate": "0.50", "region": "330106", "recruiter": "m2"}},
        agents={"330106": "m1", "3301": "m5", "33": "m3"},
        levels={"m1": "1", "m2": "2", "m3": "2", "m4": "1"},
    )
    return write_toml(tables)


_KINDS = (
    ("purchase",) * 12 + ("huge",) + ("refund",) * 3 + ("cash_out",) * 4
    + ("pay",) * 4 + ("standing",) * 4 + ("settle",) * 4
    + ("spend",) * 3 + ("withdraw",) * 3 + ("step",) * 6
    + ("redeem", "inject", "cash_out_batch", "bind", "repeat", "reuse", "malformed")
)  # fmt: skip
_SHAPES = st.tuples(st.sampled_from(_KINDS), st.integers(0, 2**32))
HISTORIES = st.lists(_SHAPES, min_size=30, max_size=120).map(lambda shapes: Told(shapes).events)
"""Histories of events, some of them refused, repeated, or with an id that is taken."""


class Told:
    """Events of the kinds that were drawn, each filled in from its own seed."""

    def __init__(self, shapes: Iterable[tuple[str, int]]) -> None:
        self.events: list[Json] = []
        for kind, seed in shapes:
            self._random = Random(seed)
            self.events.append(self._event(kind, f"e{len(self.events)}"))

    def _event(self, kind: str, id_: str) -> Json:
        if kind in ("repeat", "reuse"):
            earlier = self._random.choice(self.events or [self._event("purchase", id_)])
            return earlier if kind == "repeat" else {**earlier, "note": "other content"}
        shaped: Json = getattr(self, f"_{kind}")()
        day = 1 + len(self.events) // 6  # some events of most histories have no time
        timed = {"at": f"2026-01-{day:02}"} if self._random.random() < 0.95 else {}
        if shaped["type"] == "dividend":
            id_ = f"dividend:{shaped['period']}"
        return {"id": id_, **timed, **shaped}

    def _member(self) -> str:
        return f"m{self._random.randrange(8)}"

    def _amount(self, most: int = 10**10) -> str:
        micro = int(most ** self._random.uniform(0.6, 1))
        return f"{micro // 10**6}.{micro % 10**6:06d}"

    def _points(self) -> str:
        return self._random.choice(["all", "0.5", "0.000000001", "3.25", "40"])

    def _purchase(self) -> Json:
        more = {
            "merchant": self._random.choice([None, "", "shop-1", "shop-2"]),
            "region": self._random.choice([None, "330106", "3301", "44"]),
            "referrer": self._random.choice([None, None, self._member()]),
            "at": "2026-01-31",
        }
        kept = {key: value for key, value in more.items() if self._random.random() < 0.6}
        event = {"type": "purchase", "member": self._member(), "amount": self._amount()}
        return {**event, **kept}

    def _spend(self) -> Json:
        order = self._purchase() if self._random.random() < 0.5 else self._pay()
        return {**order, "wallet": self._random.choice(["0.000001", "0.05", "1.50"])}

    def _withdraw(self) -> Json:
        amount = self._random.choice(["0.01", "0.10", "0.25", "2.00", "40.00"])
        wish = {"member": self._member(), "amount": amount, "by": f"staff:{self._member()}"}
        return {
            "type": "withdraw",
            **wish,
            "at": f"2026-01-3{self._random.choice('01')}T09:00Z",
        }

    def _step(self) -> Json:
        """A step of some withdrawal, one that it may take if nobody is in its way."""
        asked = [event["id"] for event in self.events if event.get("type") == "withdraw"]
        id_ = self._random.choice(asked[-3:] or ["e0"])
        taken = sum(event.get("withdrawal") == id_ for event in self.events)
        route = ("under_review", "approved", self._random.choice(["sent", "rejected"]))
        last = self._random.choice(["settled", "failed", "returned", "unknown", "sent"])
        to = route[taken] if taken < len(route) else last
        said = {**step("", str(id_), to, f"staff:{self._member()}"), "why": "so it is"}
        del said["id"]
        return said

    def _pay(self) -> Json:
        return {**self._purchase(), "type": "pay"}

    def _settle(self) -> Json:
        return {"type": "settle", "order": f"e{self._random.randrange(len(self.events) + 1)}"}

    def _huge(self) -> Json:
        micro = self._random.choice([LIMIT, LIMIT // 2, LIMIT // 7, LIMIT + 1, 10**15])
        return {"type": "purchase", "member": self._member(), "amount": format_money(micro)}

    def _refund(self) -> Json:
        order = f"e{self._random.randrange(len(self.events) + 1)}"
        whole = {"type": "refund", "order": order}
        return whole if self._random.random() < 0.5 else {**whole, "amount": self._amount()}

    def _cash_out(self) -> Json:
        return {"type": "cash_out", "member": self._member(), "points": self._points()}

    def _redeem(self) -> Json:
        shop = self._random.choice(["shop-1", "shop-3"])
        return {**self._cash_out(), "type": "redeem", "merchant": shop}

    def _inject(self) -> Json:
        return {"type": "inject", "amount": self._amount(10**11)}

    def _cash_out_batch(self) -> Json:
        members = self._random.choices([f"m{number}" for number in range(8)], k=3)
        requests = [{"member": member, "points": self._points()} for member in members]
        if self._random.random() < 0.5:
            day = f"2026-01-{self._random.randrange(1, 32):02}"
            requests = [{**requests[0], "min_net": "0.50"}, {**requests[1], "member": "m9"}]
            id_ = f"springtide:cash-outs:{day}"
            return {"type": "cash_out_batch", "id": id_, "day": day, "requests": requests}
        return {"type": "cash_out_batch", "requests": requests}

    def _bind(self) -> Json:
        return {"type": "bind", "member": self._member(), "referrer": self._member()}

    def _standing(self) -> Json:
        """Something about merchants, agents, levels, deposits, dividends or statements."""
        pick, member = self._random.choice, self._member()
        contract, region = pick(["c1", "c2", "c3"]), pick(["330106", "3301", "44"])
        day = pick(["2026-01-01", "2026-01-31", "2026-03-01"])
        terms = {"merchant": pick(["shop-1", "shop-2", "shop-3"]), "recruiter": member}
        agent = {"contract": contract, "region": region, "member": member, "from": day}
        return pick(
            [
                {"type": "merchant_terms", **terms, "take_rate": pick(["0.2", "0.9", "0"])},
                {"type": "merchant_terms", **terms, "take_rate": "1", "suspended": True},
                {"type": "appoint", **agent, "rate": pick([None, "0.0015"])},
                {"type": "appoint", **agent, "to": day},
                {"type": "dismiss", "contract": contract},
                {"type": "level", "member": member, "level": pick("123"), "reason": "sales"},
                {"type": "rebind", "member": member, "referrer": "m2", "reason": "asked"},
                {"type": "deposit", "contract": contract, "amount": "5.00"},
                {"type": "deposit_return", "contract": contract, "amount": pick([None, "1"])},
                {
                    "type": "dividend", "period": pick(["2026-01", "2026-02"]),
                    "revenue": "1.00", "share": "0.5", "weights": {member: "1", "m0": "2"},
                },
                {
                    "type": "commission_paid", "member": member, "amount": pick(["0.01", "1"]),
                    "reference": "bank",
                },
                {
                    "type": "merchant_paid", "merchant": terms["merchant"],
                    "amount": pick(["0.01", "5"]), "reference": "bank",
                },
                {"type": "day", "at": day},
            ]
        )  # fmt: skip

    def _malformed(self) -> Json:
        return self._random.choice(
            [
                {"type": "gift"},
                {"type": "purchase", "member": "m1", "amount": 5},
                {"type": "purchase", "member": "m1", "amount": "1.0000001"},
                {"type": "purchase", "member": "m1", "amount": "5", "region": "x"},
                {"type": "cash_out", "member": ""},
                {"type": "inject", "amount": "0"},
                {"type": "purchase", "id": 7, "member": "m1", "amount": "5"},
            ]
        )
