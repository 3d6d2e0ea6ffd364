"""Controls: limits that a policy sets on orders and cash-outs, and what people have stopped.

Everything here refuses or counts; nothing moves money. What depends on the time is decided
from the event's own `at`, so that folding the journal again gives the same answers.

Source: docs/algorithms/controls.md.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from springtide.core.entry import Entry
from springtide.core.event_fields import Json
from springtide.core.policy import Controls
from springtide.core.refusals import (
    CashOutsOff,
    ContributionTooLarge,
    DailyCashOut,
    DailyOutflow,
    EvidenceExpired,
    Held,
    InvalidEvent,
    MemberFrozen,
    MinCashOut,
    MinSpend,
    PurchasesOff,
    Refusal,
    SettlementOff,
)
from springtide.core.state import Lot, Receipt, State
from springtide.core.tally import CASH_OUTS, DAY_S, PURCHASES, SETTLEMENT, Counts, Tally
from springtide.core.units import PPM, format_money, format_points, format_ratio

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
).fullmatch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_S = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


def read_at(event: Json) -> int:
    """The time of an event in seconds since 1970, fractions dropped.

    A date counts as its first second, and a time without a zone as UTC.

    Raises:
        InvalidEvent: `at` is missing, or neither a date nor a time.

    Source: docs/algorithms/controls.md, rule K1.
    """
    text = event.get("at")
    if type(text) is str and _TIME(text):
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return seconds(at if at.tzinfo else at.replace(tzinfo=UTC))
    raise InvalidEvent(
        f"at is {text!r}; the policy's controls need a date like 2026-01-31 "
        "or a time like 2026-01-31T12:00:00Z"
    )


def seconds(at: datetime) -> int:
    """A time as seconds since 1970, rounded down."""
    return (at - _EPOCH) // timedelta(seconds=1)


def _written(at_s: int) -> str | None:
    """A time as RFC 3339 writes it; None past the year 9999."""
    return (_EPOCH + timedelta(seconds=at_s)).isoformat() if at_s <= _END_S else None


def _next_day(at_s: int) -> str | None:
    return _written((at_s // DAY_S + 1) * DAY_S)


def begin(entry: Entry) -> None:
    """Begin to count an entry, at its own time or the latest before it.

    Raises:
        InvalidEvent: a control depends on the time, and the event has none.
    """
    controls, tally = _of(entry.state)
    at_s = max(read_at(entry.event), tally.clock_s) if controls.timed else tally.clock_s
    same_day = at_s // DAY_S == tally.clock_s // DAY_S
    entry.counts = Counts(at_s, tally.outflow_micro if same_day else 0)


def _of(state: State) -> tuple[Controls, Tally]:
    assert state.policy.controls is not None
    return state.policy.controls, state.tally


def take_over(tally: Tally, counts: Counts) -> None:
    """Let the tally say what an accepted entry counted."""
    tally.clock_s = counts.clock_s
    tally.outflow_micro = counts.outflow_micro
    for member, change in counts.spent:
        tally.spent[member] = tally.spent.get(member, 0) + change
    for member, day, net in counts.cashed:
        tally.cashed[member] = day, net
    if counts.settled is not None:
        lot, _, at_s = counts.settled
        tally.settled[lot] = at_s


def note_refusal(state: State, refusal: Refusal) -> None:
    """Pause cash-outs if it was the breaker that refused: the one trace of a refusal.

    Nothing that was or will be posted depends on it, for it only refuses.
    """
    if isinstance(refusal, DailyOutflow) and refusal.at_s is not None:
        _, tally = _of(state)
        tally.paused_day = refusal.at_s // DAY_S
        tally.tripped = refusal.at_s, str(refusal)


def check_order(state: State, member: str) -> None:
    """Whether a member's order is taken at all.

    Raises:
        PurchasesOff: orders are switched off.
        EvidenceExpired: its lot would promise cash at the cap, without the evidence for that.
        MemberFrozen: the member is frozen.

    Source: docs/algorithms/controls.md, rules K8 and K9.
    """
    if state.guards is not None:
        if PURCHASES in state.guards.off:
            raise PurchasesOff("orders are switched off; try again when they are on")
        check_evidence(state, "cash_exit")
        _check_thawed(state, member)


def check_settlement(state: State, member: str) -> None:
    """Whether a member's paid order is settled now; until then its money stays in escrow.

    Raises:
        SettlementOff: settlement is switched off.
        MemberFrozen: the member is frozen.
    """
    if state.guards is not None:
        if SETTLEMENT in state.guards.off:
            raise SettlementOff("settlement is switched off; the order stays paid till then")
        _check_thawed(state, member)


def check_burn(state: State, members: Iterable[str], *, cashed: bool) -> None:
    """Whether members' points may be burnt; `cashed` for money, else for goods.

    Raises:
        CashOutsOff: cash-outs are switched off.
        EvidenceExpired: what they need on file does not hold today.
        MemberFrozen: one of the members is frozen.
    """
    if state.guards is not None:
        if cashed and CASH_OUTS in state.guards.off:
            raise CashOutsOff("cash-outs are switched off; try again when they are on")
        if cashed:
            check_evidence(state, "cash_out")
        for member in members:
            _check_thawed(state, member)


def check_evidence(state: State, feature: str) -> None:
    """Refuse something new of a feature whose evidence does not hold today.

    Raises:
        EvidenceExpired: names the document, its last day, and what to do.

    Source: docs/algorithms/profiles.md, rule L3.
    """
    if state.guards is not None and feature in state.guards.lapsed:
        raise EvidenceExpired(state.guards.lapsed[feature])


def _check_thawed(state: State, member: str) -> None:
    if state.guards is not None and member in state.guards.frozen:
        raise MemberFrozen(f"{member} is frozen; ask the operator of the program why")


def check_contribution(state: State, contribution_micro: int) -> None:
    """Refuse an order that would bring too much at once, once the reserve passes the floor.

    Raises:
        ContributionTooLarge: more than the ratio of the reserve before the order.

    Source: docs/algorithms/controls.md, rule K7.
    """
    controls, reserve = state.policy.controls, state.reserve_micro
    if (
        controls is not None
        and controls.max_contribution_ppm is not None
        and reserve > controls.launch_floor_micro
        and contribution_micro * PPM > controls.max_contribution_ppm * reserve
    ):
        ratio = format_ratio(controls.max_contribution_ppm)
        most = controls.max_contribution_ppm * reserve // PPM
        raise ContributionTooLarge(
            f"the order would contribute {format_money(contribution_micro)}, more than {ratio} "
            f"of the reserve of {format_money(reserve)}, which is {format_money(most)}; "
            "divide it into smaller orders"
        )


def count_order(entry: Entry, member: str, amount_micro: int) -> None:
    """Count a settled order: what was spent, and since when its lot is there.

    Source: docs/algorithms/controls.md, rules K2 and K5.
    """
    controls, counts = entry.state.policy.controls, entry.counts
    if controls is None or counts is None:
        return
    if controls.min_spend_micro is not None:
        counts.spent.append((member, amount_micro))
    if controls.hold_s and entry.opened is not None:
        counts.settled = entry.opened.id, entry.seq, counts.clock_s


def count_refund(entry: Entry, member: str, amount_micro: int) -> None:
    """Count what is paid back of a settled order: it was not spent."""
    controls, counts = entry.state.policy.controls, entry.counts
    if controls is not None and counts is not None and controls.min_spend_micro is not None:
        counts.spent.append((member, -amount_micro))


def cashable(
    entry: Entry, member: str, lots: list[Lot], points_nano: int | None
) -> tuple[list[Lot], int]:
    """The lots a cash-out may burn and how many points of them: those no longer held.

    `points_nano` is None for all that may be cashed.

    Raises:
        Held: fewer points may be cashed now than were asked for, or none.

    Source: docs/algorithms/controls.md, rule K5.
    """
    controls, tally = _of(entry.state)
    assert entry.counts is not None
    now_s, free, waiting = entry.counts.clock_s, [], []
    for lot in lots:
        until_s = tally.settled.get(lot.id, now_s - controls.hold_s) + controls.hold_s
        if until_s <= now_s:
            free.append(lot)
        elif lot.points_nano:
            waiting.append((until_s, lot.points_nano))
    available = sum(lot.points_nano for lot in free)
    wanted = max(available, 1) if points_nano is None else points_nano
    if wanted <= available:
        return free, wanted
    reached, until = available, iter(sorted(waiting))
    while reached < wanted:
        when, more = next(until)
        reached += more
    raise Held(
        f"{member} can cash {format_points(available)} points now; those of the last "
        f"{controls.hold_s // DAY_S} days are held; ask for no more, or wait",
        _written(when),
    )


def check_cash_outs(entry: Entry, paid: list[tuple[str, int]]) -> None:
    """Check and count cash-outs: members and the net of each, in micro.

    Raises:
        MinSpend: a member has spent too little so far.
        MinCashOut: one is too small.
        DailyCashOut: a member's would pass what a day may bring.
        DailyOutflow: together they would pass what the program may pay a day.

    Source: docs/algorithms/controls.md, rules K2, K3, K4 and K6.
    """
    controls, tally = _of(entry.state)
    counts = entry.counts
    assert counts is not None
    for member, net in paid:
        _check_spend(controls, tally, member)
        least = controls.min_cash_out_micro
        if least is not None and net < least:
            raise MinCashOut(
                f"it would pay {member} {format_money(net)}, and a cash-out pays at least "
                f"{format_money(least)}; ask for more points"
            )
        _check_day(controls, tally, counts, member, net)
    _check_outflow(controls, tally, counts, sum(net for _, net in paid))


def _check_spend(controls: Controls, tally: Tally, member: str) -> None:
    least, spent = controls.min_spend_micro, tally.spent.get(member, 0)
    if least is not None and spent < least:
        raise MinSpend(
            f"{member} has spent {format_money(spent)} less refunds, and a cash-out takes "
            f"{format_money(least)}; {format_money(least - spent)} more is to be spent first"
        )


def _check_day(
    controls: Controls, tally: Tally, counts: Counts, member: str, net_micro: int
) -> None:
    most, day = controls.daily_cash_out_micro, counts.clock_s // DAY_S
    if most is None:
        return
    last_day, cashed = tally.cashed.get(member, (day, 0))
    before = cashed if last_day == day else 0
    if before + net_micro > most:
        raise DailyCashOut(
            f"{member} has cashed {format_money(before)} today and {format_money(net_micro)} "
            f"more would pass {format_money(most)} a day; ask for less"
            + (", or tomorrow" if net_micro <= most else ""),
            _next_day(counts.clock_s) if net_micro <= most else None,
        )
    counts.cashed.append((member, day, before + net_micro))


def _check_outflow(controls: Controls, tally: Tally, counts: Counts, net_micro: int) -> None:
    most = controls.daily_outflow_micro
    if most is None:
        return
    if tally.paused_day >= counts.clock_s // DAY_S:
        raise DailyOutflow(
            f"cash-outs are paused for the day: one would have passed {format_money(most)} "
            "a day; try again tomorrow",
            _next_day(tally.paused_day * DAY_S),
        )
    if counts.outflow_micro + net_micro > most:
        ever = "" if net_micro <= most else ", and this is too much for any day"
        raise DailyOutflow(
            f"{format_money(counts.outflow_micro)} went out today and "
            f"{format_money(net_micro)} more would pass {format_money(most)} a day; cash-outs "
            f"are paused until tomorrow{ever}",
            _next_day(counts.clock_s) if net_micro <= most else None,
            counts.clock_s,
        )
    counts.outflow_micro += net_micro


def count_exits(entry: Entry, exits: list[Receipt]) -> None:
    """Count what exits paid: they are owed by rule, so they are never refused for it."""
    controls, counts = entry.state.policy.controls, entry.counts
    if controls is not None and counts is not None and controls.daily_outflow_micro is not None:
        for one in exits:
            net = one["net"]
            assert isinstance(net, int)
            counts.outflow_micro += net
