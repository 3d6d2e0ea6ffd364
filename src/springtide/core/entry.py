"""An entry: what one event changes, and the transfers that say so in the books.

The rules write it while it is a draft; only when the event is accepted does the reducer
take it over into the state. So a refusal, wherever it is found, leaves no trace.
"""

from heapq import heappop, heappush

from springtide.core.event_fields import Json
from springtide.core.events import Step
from springtide.core.journal import (
    BACKING,
    CREDIT_ISSUED,
    ORPHANED,
    POINTS_ISSUED,
    POOL,
    Transfer,
    credit_account,
    points_account,
    wallet_account,
)
from springtide.core.refusals import InsufficientFunds, Overflow
from springtide.core.standing import Change
from springtide.core.state import KEY_SCALE, Lot, Receipt, State, Withdrawal, trigger_key
from springtide.core.tally import Counts
from springtide.core.units import LIMIT, format_money, price_micro


class NotLoaded(Exception):
    """Something is not in the state yet that folding needs; load it and try again."""


class HorizonReached(NotLoaded):
    """Lots that may exit now are not in the state yet."""


class ChainNotLoaded(NotLoaded):
    """Who is above a member is not in the state yet."""

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member


class Entry:
    """The pool as an event leaves it, the lots it touches, and its transfers.

    `policy` is the one in effect after it: exits and splits follow it, while an order keeps
    the one it was made under. `split_factor` is the unit its points are counted in: all splits
    before this entry. Its own, if any, is `split`, and `lots` are those it changed, as they
    stood before that.
    """

    __slots__ = (
        "binding", "bound_on", "changes", "counts", "event", "id", "inflow_micro", "kind",
        "lots", "merchant", "newcomers", "opened", "orphaned_micro", "policy",
        "policy_version", "popped", "receipt", "reference", "refunded", "reserve_micro", "seq",
        "settled", "split", "split_factor", "state", "step", "supply_nano", "transfers",
        "withdrawal",
    )  # fmt: skip

    def __init__(self, state: State, event: Json) -> None:
        self.state = state
        self.policy = state.policy
        self.policy_version = state.policy_version
        self.event = event
        self.seq = state.seq + 1
        self.id = ""
        self.kind = ""
        self.split_factor = state.split_factor
        self.reserve_micro = state.reserve_micro
        self.supply_nano = state.supply_nano
        self.reference = state.reference
        self.orphaned_micro = state.orphaned_micro
        self.inflow_micro = state.inflow_micro
        self.lots: dict[str, Lot] = {}
        self.transfers: list[Transfer] = []
        self.receipt: Receipt = {}
        self.opened: Lot | None = None
        self.popped: list[tuple[int, str]] = []
        self.refunded: tuple[str, int] | None = None
        """An order, and how much of its amount this entry takes back."""
        self.settled: str | None = None
        self.binding: tuple[str, str] | None = None
        self.bound_on = ""
        """The day of the binding, if it is known."""
        self.changes: list[Change] = []
        """Of merchants' terms, agents, levels and the like."""
        self.newcomers: list[str] = []
        self.merchant = ""
        """One that was never seen before, or empty."""
        self.split = 1
        self.withdrawal: Withdrawal | None = None
        """One that was asked for or took a step, as it stands now."""
        self.step: tuple[Step, str] | None = None
        """The step it took, and the state it took it from; None if it was asked for."""
        self.counts: Counts | None = None
        """What it adds to the tally of the policy's controls."""

    @property
    def pair(self) -> tuple[int, int]:
        """The price pair (reserve, supply) that stands now."""
        if self.supply_nano:
            return self.reserve_micro, self.supply_nano
        return self.reference

    def lot(self, lot_id: str) -> Lot | None:
        """A lot as it stands within this event."""
        return self.lots.get(lot_id) or self.state.lots.get(lot_id)

    def put(self, lot: Lot) -> None:
        """Change a lot, and let it exit at its new price."""
        if lot.points_nano > LIMIT or lot.headroom_micro > LIMIT or lot.net_micro > LIMIT:
            raise Overflow(f"a number of lot {lot.id} would pass 2^63 - 1")
        self.lots[lot.id] = lot
        if lot.points_nano and lot.headroom_micro:
            self.state.watch(lot)

    def meet(self, member: str) -> None:
        """Note a member who was never seen before."""
        if member not in self.state.members:
            self.newcomers.append(member)

    def move(self, kind: str, debit: str, credit: str, amount: int) -> None:
        """Post a transfer; one of zero is left out."""
        if amount:
            self.transfers.append((kind, debit, credit, amount))

    def burn(self, kind: str, member: str, points_nano: int) -> None:
        """Take points out of a member's hands."""
        self.supply_nano -= points_nano
        self.move(kind, points_account(member), POINTS_ISSUED, points_nano)

    def pay(self, kind: str, account: str, amount_micro: int) -> None:
        """Pay out of the reserve."""
        self.reserve_micro -= amount_micro
        self.move(kind, POOL, account, amount_micro)

    def take_from_wallet(self, kind: str, member: str, credit: str, amount_micro: int) -> None:
        """Let a member pay from the wallet.

        Raises:
            InsufficientFunds: the wallet holds less.
        """
        held = self.state.wallet_micro(member)
        if amount_micro > held:
            raise InsufficientFunds(
                f"the wallet of {member} holds {format_money(held)}, less than the "
                f"{format_money(amount_micro)} asked for; ask for no more than it holds"
            )
        self.move(kind, wallet_account(member), credit, amount_micro)

    def set_aside(self, reserve_micro: int, supply_nano: int) -> None:
        """With no points left, keep the pair that stood before and orphan the reserve."""
        if supply_nano:
            self.reference = (reserve_micro, supply_nano)
        self.orphaned_micro += self.reserve_micro
        self.pay("orphaned", ORPHANED, self.reserve_micro)

    def exit_at_cap(self) -> list[Receipt]:
        """Pay out, one after the other, every lot whose price has come.

        Source: docs/algorithms/exits.md, rules E2 and E3.
        """
        exits: list[Receipt] = []
        while self.supply_nano and (lot := self._next_exit()) is not None:
            exits.append(self._exit(lot))
        return exits

    def _next_exit(self) -> Lot | None:
        price_key = self.reserve_micro * KEY_SCALE // self.supply_nano
        heap, horizon = self.state.triggers, self.state.horizon
        while heap and heap[0][0] <= price_key:
            key, lot_id = heap[0]
            lot = self.lot(lot_id)
            if lot is not None and trigger_key(lot) == key:
                if key >= horizon:
                    raise HorizonReached
                return lot
            self.popped.append(heappop(heap))
        if price_key >= horizon:
            raise HorizonReached
        return None

    def _exit(self, lot: Lot) -> Receipt:
        policy = self.policy
        reserve, supply = self.reserve_micro, self.supply_nano
        gross = min(lot.points_nano * reserve // supply, lot.headroom_micro)
        if policy.cap_pays_credit:
            net = gross
            self.pay("exit", BACKING, net)
            self.move("exit", CREDIT_ISSUED, credit_account(lot.member), net)
        else:
            net = policy.after_cash_out_fee(gross)
            self.pay("exit", wallet_account(lot.member), net)
        self.burn("exit", lot.member, lot.points_nano)
        self.put(lot.moved(-lot.points_nano, -gross, net))
        if not self.supply_nano:
            self.set_aside(reserve, supply)
        return {
            "lot": lot.id,
            "member": lot.member,
            "points": lot.points_nano,
            "gross": gross,
            "net": net,
            "price": price_micro(*self.pair),
        }

    def split_points(self) -> None:
        """Re-denominate while the shown price is at or above the policy's `split_at`.

        Source: docs/algorithms/exits.md, rule E4.
        """
        at, factor = self.policy.split_at_micro, self.policy.split_factor
        while (
            at is not None
            and 0 < self.supply_nano <= LIMIT // factor
            and price_micro(self.reserve_micro, self.supply_nano) >= at
        ):
            self.supply_nano *= factor
            self.split *= factor

    def balances(self) -> dict[str, int]:
        """The balances this event would leave, of the accounts it touches.

        Points are not among them: a member's are the sum of the lots.

        Raises:
            Overflow: one of them would pass 2^63 - 1, on either side of zero.
        """
        after: dict[str, int] = {}
        before = self.state.balances
        for _, debit, credit, amount in self.transfers:
            if debit.startswith("points") or credit.startswith("points"):
                continue
            for account, change in ((debit, -amount), (credit, amount)):
                balance = after[account] if account in after else before.get(account, 0)
                balance += change
                if not -LIMIT <= balance <= LIMIT:
                    raise Overflow(f"the balance of {account} would pass 2^63 - 1")
                after[account] = balance
        return after

    def wallets(self) -> dict[str, int]:
        """The wallets this event would leave, of those that are in a state without the rest."""
        held = self.state.balances
        after: dict[str, int] = {}
        for _, debit, credit, amount in self.transfers:
            for account, change in ((debit, -amount), (credit, amount)):
                if account in held and account.startswith("wallet:"):
                    after[account] = after.get(account, held[account]) + change
        return after

    def abandon(self) -> None:
        """Put back the triggers of lots that this event had taken out of the heap."""
        for trigger in self.popped:
            heappush(self.state.triggers, trigger)
