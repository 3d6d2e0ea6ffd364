"""The working set: what a batch needs of a program, read in a few set-based queries.

Everything but the referral tree is read anew for each batch, so memory stays flat. The tree
is remembered while nobody else writes to the program.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import psycopg

from springtide.core.distribution_events import (
    Appoint,
    Deposit,
    Dividend,
    MerchantTerms,
    PayCommission,
    PayMerchant,
    Rebind,
    SetLevel,
)
from springtide.core.entry import ChainNotLoaded, NotLoaded
from springtide.core.event_fields import Json, is_name
from springtide.core.events import (
    Bind,
    CashOut,
    Event,
    Inject,
    PolicyChange,
    Purchase,
    Redeem,
    Refund,
    Settle,
    Step,
    Withdraw,
    read_event,
)
from springtide.core.journal import PLATFORM, due_account
from springtide.core.policy import Policy
from springtide.core.policy_file import read_policy
from springtide.core.refusals import Refusal
from springtide.core.standing import Distribution
from springtide.core.state import EVERYTHING, Lot, Posted, State, trigger_key
from springtide.core.units import LIMIT
from springtide.storage import distribution
from springtide.storage.chain import decode
from springtide.storage.guards import load_guards
from springtide.storage.journal_reader import read_balances
from springtide.storage.programs import Program, get_policy
from springtide.storage.referrals import load_above, load_chains, load_loops, unknown_of
from springtide.storage.tallies import load_tally
from springtide.storage.withdrawals import read_wallets, read_withdrawals, read_withdrawn

FIRST_TRIGGERS = 64
MOST_MEMBERS = 500_000

_LOT = "SELECT id, member, points, headroom, net, seq FROM lot"


@dataclass(slots=True)
class Tree:
    """The part of a program that is remembered between batches."""

    program_id: int = 0
    seq: int = -1
    """The entry after which it was true; -1 for never."""
    referrers: dict[str, str] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    merchants: set[str] = field(default_factory=set)
    walked: set[str] = field(default_factory=set)
    """Members above whom everybody is known who can earn on their orders; kept while levels
    are paid.
    """
    level_steps: int = 0
    """So far up levels are paid by any policy that an order was settled under."""
    distribution: Distribution | None = None

    def is_of(self, program: Program) -> bool:
        """Whether nothing was posted since, and it is not too large to keep."""
        return (self.program_id, self.seq) == (program.id, program.seq) and len(
            self.members
        ) <= MOST_MEMBERS


class Needs:
    """What a batch of events will ask for, as far as they say so themselves."""

    def __init__(self, commands: Iterable[tuple[Json, Event | Refusal]]) -> None:
        bought: list[Purchase] = []
        others: list[tuple[Json, Event | Refusal]] = []
        for command in commands:
            if isinstance(command[1], Purchase):
                bought.append(command[1])
            else:
                others.append(command)
        self.buyers = {order.member for order in bought}
        self.ids = {order.id for order in bought}
        self.members = self.buyers | {order.referrer for order in bought if order.referrer}
        self.merchants = {order.merchant for order in bought}
        self.holders: set[str] = set()
        self.orders: set[str] = set()
        self.wishes = {order.member: order.referrer for order in bought if order.referrer}
        """Who is to be bound to whom."""
        self.rebound: dict[str, str] = {}
        """Who was bound before, and is to be bound to whom."""
        self.draws: set[str] = set()
        """Accounts that are drawn on only as far as they go."""
        self.inflow_micro = sum(order.amount_micro for order in bought)
        self.spenders = {order.member for order in bought if order.wallet_micro}
        """Whose wallets may be debited."""
        self.withdrawals: set[str] = set()
        self.days: set[tuple[str, str]] = set()
        self.changes_policy = False
        for event, parsed in others:
            self._add(event, parsed)

    def add_paid(self, order: Purchase) -> None:
        """What the settlement or the refund of a paid order will ask for."""
        self.members.update(name for name in (order.member, order.referrer) if name)
        self.merchants.add(order.merchant)
        if order.referrer:
            self.wishes[order.member] = order.referrer

    def _add(self, event: Json, parsed: Event | Refusal) -> None:
        if isinstance(parsed, Refusal):
            if is_name(event.get("id")):
                self.ids.add(str(event["id"]))
            return
        self.ids.add(parsed.id)
        if isinstance(parsed, CashOut):
            self.holders.update(request.member for request in parsed.requests)
        elif isinstance(parsed, Redeem):
            self.holders.add(parsed.request.member)
            self.merchants.add(parsed.merchant)
        elif isinstance(parsed, Refund | Settle):
            self.orders.add(parsed.order)
        elif isinstance(parsed, Inject | Deposit | PayMerchant):
            self.inflow_micro += parsed.amount_micro
            if isinstance(parsed, PayMerchant):
                self.merchants.add(parsed.merchant)
        else:
            self._add_rare(parsed)

    def _add_rare(self, parsed: Event) -> None:
        if isinstance(parsed, PolicyChange):
            self.changes_policy = True
        elif isinstance(parsed, Withdraw):
            self.spenders.add(parsed.member)
            self.days.add((parsed.member, parsed.day))
        elif isinstance(parsed, Step):
            self.withdrawals.add(parsed.withdrawal)
        else:
            self._add_standing(parsed)

    def _add_standing(self, parsed: Event) -> None:
        match parsed:
            case Bind():
                self.members.update((parsed.member, parsed.referrer))
                self.wishes[parsed.member] = parsed.referrer
            case MerchantTerms():
                self.merchants.add(parsed.merchant)
            case Appoint() | SetLevel():
                self.members.add(parsed.member)
            case Rebind():
                self.members.update((parsed.member, parsed.referrer))
                self.rebound[parsed.member] = parsed.referrer
            case Dividend():
                self.members.update(member for member, _ in parsed.weights)
                self.draws.add(PLATFORM)
            case PayCommission():
                self.draws.add(due_account(parsed.member))


class _Policies:
    """Versions of a program's policy; earlier ones are read when an order needs them."""

    def __init__(self, tx: psycopg.Connection, program: Program, state: State) -> None:
        self._tx = tx
        self._program = program
        self._known = {program.policy_version: state.policy}

    def of(self, version: int) -> Policy:
        if version not in self._known:
            toml = get_policy(self._tx, self._program, version)
            self._known[version] = read_policy(toml)
        return self._known[version]


def load_state(
    tx: psycopg.Connection,
    program: Program,
    state: State,
    tree: Tree,
    needs: Needs,
) -> None:
    """Fill a program's state with all that folding commands with these needs can ask for.

    What may turn out to be missing is lots that exit late in the batch, and who is far above a
    member: then folding says `NotLoaded`, and `load_missing` brings it.
    """
    if state.policy.cap_per_member:
        needs.holders |= needs.buyers
    seqs = _load_posted(tx, program, state, needs)
    state.members, state.referrers = tree.members, tree.referrers
    state.merchants = tree.merchants
    _load_distribution(tx, program, state, tree)
    _load_tree(tx, program, state, tree, needs)
    if needs.draws:
        state.distribution.held = distribution.read_held(tx, program, needs.draws)
    if needs.holders:
        _load_holders(tx, program, state, needs.holders)
    if seqs:
        rows = tx.execute(f"{_LOT} WHERE program_id = %s AND seq = ANY(%s)", [program.id, seqs])
        state.remember_lots(Lot(*row) for row in rows)
    load_triggers(tx, program, state, FIRST_TRIGGERS)
    _load_wallets(tx, program, state, needs)
    if program.guarded:
        state.guards = load_guards(tx, program, needs.members | needs.holders)
    if state.policy.controls is not None or needs.changes_policy:
        load_tally(tx, program, state, needs.holders)
    if program.inflow + needs.inflow_micro > LIMIT:
        state.balances.update(read_balances(tx, program))
        state.holds_all_balances = True


def _load_wallets(tx: psycopg.Connection, program: Program, state: State, needs: Needs) -> None:
    if needs.spenders:
        state.balances.update(read_wallets(tx, program, needs.spenders))
    if needs.days:
        state.withdrawn.update(read_withdrawn(tx, program, needs.days))
    if needs.withdrawals:
        state.withdrawals.update(read_withdrawals(tx, program, needs.withdrawals))


def _load_posted(
    tx: psycopg.Connection, program: Program, state: State, needs: Needs
) -> list[int]:
    """Events posted before, and orders to be refunded; gives the seqs of those orders' lots."""
    seqs = []
    policies = _Policies(tx, program, state)
    rows = tx.execute(
        """
        SELECT p.id, p.event, p.receipt, p.seq, p.factor, p.policy_version
        FROM unnest(%s::text[]) u (id)
        CROSS JOIN LATERAL (
            SELECT * FROM posted WHERE program_id = %s AND id = u.id LIMIT 1
        ) p
        """,
        [[id_ for id_ in needs.ids | needs.orders if id_ <= program.last_id], program.id],
    ).fetchall()
    for id_, event, receipt, seq, factor, version in rows:
        posted = state.posted[id_] = Posted(
            decode(event), receipt, factor, policies.of(version)
        )
        if id_ in needs.orders:
            seqs.append(seq)
            if state.policy.cap_per_member and "member" in posted.event:
                needs.holders.add(str(posted.event["member"]))
            if posted.event["type"] == "pay":
                needs.add_paid(cast(Purchase, read_event(posted.event)))
    if needs.orders:
        seqs += _load_settlements(tx, program, state, policies, needs.orders)
        refunds = tx.execute(
            "SELECT order_id, sum(amount) FROM refund"
            " WHERE program_id = %s AND order_id = ANY(%s) GROUP BY order_id",
            [program.id, list(needs.orders)],
        )
        state.refunded.update(refunds.fetchall())
    return seqs


def _load_settlements(
    tx: psycopg.Connection,
    program: Program,
    state: State,
    policies: _Policies,
    orders: set[str],
) -> list[int]:
    """How paid orders were settled; gives the seqs of their lots."""
    seqs = []
    rows = tx.execute(
        """
        SELECT s.order_id, o.event, p.receipt, p.seq, p.factor, o.policy_version
        FROM settlement s
        JOIN posted p ON p.program_id = s.program_id AND p.seq = s.seq
        JOIN entry o ON o.program_id = s.program_id AND o.id = s.order_id
        WHERE s.program_id = %s AND s.order_id = ANY(%s)
        """,
        [program.id, list(orders)],
    ).fetchall()
    for order, event, receipt, seq, factor, version in rows:
        state.settlements[order] = Posted(decode(event), receipt, factor, policies.of(version))
        seqs.append(seq)
    return seqs


def _load_distribution(
    tx: psycopg.Connection, program: Program, state: State, tree: Tree
) -> None:
    """Let the state have what is remembered; agents are loaded if that is nothing."""
    if tree.distribution is None:
        tree.distribution = state.distribution
        if program.registry:
            distribution.load_contracts(tx, program, state.distribution)
    state.distribution = tree.distribution
    state.distribution.held = {}


def _load_tree(
    tx: psycopg.Connection, program: Program, state: State, tree: Tree, needs: Needs
) -> None:
    # An order that waited for its settlement pays levels by the policy it was made under.
    policies = [state.policy, *(posted.policy for posted in state.posted.values())]
    steps = max(policy.level_steps for policy in policies)
    if steps > tree.level_steps:
        tree.level_steps = steps
        tree.walked = set()
    unknown = unknown_of(state, needs.members, tree.walked, tree.level_steps)
    if unknown:
        load_chains(tx, program, state, unknown, tree.level_steps)
    if tree.level_steps:
        tree.walked |= needs.members
    unbound = {
        member: referrer
        for member, referrer in needs.wishes.items()
        if member not in tree.referrers
    }
    if unbound or needs.rebound:
        load_loops(tx, program, state, {**unbound, **needs.rebound})
    shops = list(needs.merchants - tree.merchants)
    if shops:
        for merchant, terms in distribution.read_terms(tx, program, shops):
            tree.merchants.add(merchant)
            if terms is not None:
                state.distribution.terms[merchant] = terms


def _load_holders(
    tx: psycopg.Connection, program: Program, state: State, holders: set[str]
) -> None:
    rows = tx.execute(
        f"{_LOT} WHERE program_id = %s AND member = ANY(%s) AND (points > 0 OR %s)"
        " ORDER BY seq",
        [program.id, list(holders), state.policy.cap_per_member],
    )
    lots = [Lot(*row) for row in rows]
    state.lots_of.update({holder: [] for holder in holders})
    for lot in lots:
        state.lots_of[lot.member].append(lot.id)
    state.remember_lots(lots)


def load_triggers(tx: psycopg.Connection, program: Program, state: State, most: int) -> None:
    """Load the lots that exit next, `most` of them, and move the horizon past them."""
    rows = tx.execute(
        f"{_LOT} WHERE program_id = %s AND trigger_key IS NOT NULL AND trigger_key >= %s"
        " ORDER BY trigger_key, id LIMIT %s",
        [program.id, 0 if state.horizon == EVERYTHING else state.horizon, most],
    ).fetchall()
    lots = [Lot(*row) for row in rows]
    state.remember_lots(lots)
    state.horizon = trigger_key(lots[-1]) if len(lots) == most else EVERYTHING


def load_missing(
    tx: psycopg.Connection,
    program: Program,
    state: State,
    missing: NotLoaded,
    triggers: int,
) -> int:
    """Load what folding an event turned out to lack; gives how many triggers there are now."""
    if isinstance(missing, ChainNotLoaded):
        load_above(tx, program, state, {missing.member})
        return triggers
    load_triggers(tx, program, state, triggers * 4)
    return triggers * 4
