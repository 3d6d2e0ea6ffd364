"""The life of a commission: why somebody has it, from when it may be paid, what is left of it.

Nothing of this is posted: it follows from the entry that paid the commission, the refunds
since, and the instant that is asked about. Source: docs/algorithms/distribution.md, rule D5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from springtide.core.commission import (
    Share,
    links_of,
    shares_left,
    shares_of,
    split_commissions,
)
from springtide.core.distribution import open_terms, terms_when_paid
from springtide.core.events import Purchase, read_event
from springtide.core.journal import due_account
from springtide.core.policy_file import read_policy
from springtide.core.receipts import settled_micro
from springtide.core.reducer import Outcome, fold
from springtide.core.standing import day_of
from springtide.core.state import State, open_state
from springtide.core.units import PPM
from springtide.services.deciding import decide
from springtide.services.holds import Earned, held_micro, stand
from springtide.storage import distribution, earnings, listing, movements, programs
from springtide.storage.database import Database, Transaction
from springtide.storage.earnings import OrderEntry
from springtide.storage.errors import NotPossible
from springtide.storage.programs import Program


@dataclass(frozen=True, slots=True)
class Why:
    """Why somebody has a commission."""

    earned: Earned
    rate_ppm: int
    order_micro: int
    """What the order was settled for."""
    path: tuple[str, ...]
    """From the buyer, the region or the merchant to the earner: ids."""


@dataclass(frozen=True, slots=True)
class Team:
    """What a referrer may know of those below: how many, and what came of it."""

    member: str
    below: dict[int, int]
    """How many by steps, as far down as the policy pays."""
    earned: dict[str, tuple[int, int]]
    """How often and how much by kind, in micro, before refunds."""


def _hold(program: Program) -> timedelta:
    return timedelta(days=read_policy(program.policy_toml).promotion.hold_days)


def list_earned(
    database: Database,
    name: str,
    member: str,
    now: datetime,
    after: tuple[int, int] = (0, 0),
    most: int = 100,
) -> list[Earned]:
    """A member's commissions as they stand, or everybody's, in the order of the journal.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        rows = earnings.read_earned(tx, program, member, after, most)
    hold = _hold(program)
    return [stand(row, hold, now) for row in rows]


def list_newest(
    database: Database,
    name: str,
    member: str,
    now: datetime,
    before: tuple[int, int] | None,
    most: int,
) -> list[Earned]:
    """A member's commissions as they stand, newest first, from before a seq and its line."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        rows = earnings.read_newest(tx, program, member, before, most)
    hold = _hold(program)
    return [stand(row, hold, now) for row in rows]


def payable_micro(database: Database, name: str, member: str, now: datetime) -> int:
    """How much of what a member has may be paid out: all but commissions that are held.

    Of the wallet, or of what is due where commissions are paid on statement; never below
    zero. Rounding: none.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return _payable(tx, program, member, now)


def _payable(tx: Transaction, program: Program, member: str, now: datetime) -> int:
    policy = read_policy(program.policy_toml)
    if policy.promotion.by_statement:
        account = due_account(member)
        balance = distribution.read_held(tx, program, [account])[account]
    else:
        balance = movements.read_wallet(tx, program, member)
    return max(balance - held_micro(tx, program, policy, member, now), 0)


def list_payable(database: Database, name: str, now: datetime) -> list[tuple[str, int, int]]:
    """Earners on statement: what is due to each, and how much of it is payable, in micro."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return [
            (member, due, _payable(tx, program, member, now))
            for member, due in earnings.read_dues(tx, program)
            if due
        ]


def pay_due(
    database: Database,
    name: str,
    member: str,
    amount: str,
    reference: str,
    now: datetime,
    actor: str,
) -> Outcome:
    """Note that an earner on statement was paid; the same reference again is the same.

    Raises:
        Refusal: not so much is due, or the reference marked another payment.
    """
    event = {
        "type": "commission_paid", "id": f"commission-paid:{member[:100]}:{reference[:100]}",
        "member": member, "amount": amount, "reference": reference,
    }  # fmt: skip
    return decide(database, name, event, now, actor, member)


def read_team(database: Database, name: str, member: str) -> Team:
    """How many somebody brought, and what came of it; no names, and no purchases."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        policy = read_policy(program.policy_toml)
        depth = max(2, policy.level_depth if policy.pays_levels else 0)
        return Team(
            member,
            earnings.read_team(tx, program, member, depth),
            earnings.read_earned_sums(tx, program, member),
        )


def why(database: Database, name: str, order: str, member: str, now: datetime) -> list[Why]:
    """Why a member, or everybody, earned on an order: each row with rate, policy and path.

    The rules are run again over what stood when the order was settled.

    Raises:
        NotPossible: the order is not settled, or the member earned nothing on it.
    """
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        found = earnings.find_order(tx, program, order)
        rows = earnings.read_earned_at(tx, program, found.seq, member) if found else []
        if found is None or (member and not rows):
            raise NotPossible(f"{member} earned nothing on order {order!r}; check both ids")
        shares, chain = _shares(tx, program, found)
    paid = [share for share in shares if member in ("", share[1])]
    hold, amount = _hold(program), settled_micro(found.receipt)
    return [
        Why(stand(row, hold, now), share[2], amount, _path(share, found, chain))
        for row, share in zip(rows, paid, strict=True)
    ]


def _path(share: Share, found: OrderEntry, chain: list[str]) -> tuple[str, ...]:
    kind, earner, _, via = share
    if isinstance(via, int):
        return tuple(chain[: via + 1])
    return (f"region {via}" if kind == "territory" else str(found.event["merchant"]), earner)


def _shares(
    tx: Transaction, program: Program, found: OrderEntry
) -> tuple[list[Share], list[str]]:
    """Who earned on an order, with rates; and the referral chain from the buyer up.

    Shares that came to nothing are left out, as their rows are.
    """
    state = _state_before(tx, program, found.seq, found.policy_version)
    order = cast(Purchase, read_event(found.event))
    day = day_of(found.event, state.distribution.day)
    _load_past_chain(tx, program, state, order.member, found.seq)
    links = links_of(state, state.policy, day)
    chain = list(_chain(links.get, order.member))
    if found.event["type"] == "pay":
        terms = terms_when_paid(state.policy, order.merchant, dict(found.ordered))
    else:
        terms = open_terms(state, order.merchant)
    referrer = chain[1] if len(chain) > 1 else ""
    shares = shares_of(
        state.policy, state.distribution, terms, order.region, links, referrer, day
    )
    receipt = cast(dict[str, Any], found.receipt)
    amount = settled_micro(receipt)
    shares = shares_left(shares, found.settling.get("commissions"))
    if not receipt["commissions"]:
        return [], chain  # nobody earned, or commissions were switched off
    budget = amount * terms.take_ppm // PPM * terms.distribution_ppm // PPM
    posted = [(one["kind"], one["to"], one["amount"]) for one in receipt["commissions"]]
    again, _ = split_commissions(shares, amount, budget)
    assert again == posted, f"entry {found.seq} does not follow from what stood before it"
    return _paid(shares, amount, budget), chain


def _paid(shares: list[Share], amount_micro: int, budget_micro: int) -> list[Share]:
    """The shares that came to at least a micro."""
    paid, rest = [], budget_micro
    for share in shares:
        rows, after = split_commissions([share], amount_micro, rest)
        if rows:
            paid.append(share)
        rest = after
    return paid


def _chain(referrer_of: Callable[[str], str | None], buyer: str) -> Iterator[str]:
    above = buyer
    while above:
        yield above
        above = referrer_of(above) or ""


def _state_before(tx: Transaction, program: Program, seq: int, version: int) -> State:
    """A state that knows of merchants, agents and levels what stood before an entry."""
    policies = {
        row.version: read_policy(row.toml) for row in listing.read_policies(tx, program)
    }
    state = open_state(policies[version])
    for said_under, event in earnings.read_registry(tx, program, seq):
        state.policy = policies[said_under]
        fold(state, event)
    state.policy = policies[version]
    return state


def _load_past_chain(
    tx: Transaction, program: Program, state: State, buyer: str, seq: int
) -> None:
    steps = max(2, state.policy.level_depth if state.policy.pays_levels else 0)
    member = buyer
    for _ in range(steps):
        bound = earnings.find_referrer(tx, program, member, seq)
        if bound is None:
            return
        state.referrers[member], day = bound
        if day:
            state.distribution.bound_on[member] = day
        member = bound[0]
