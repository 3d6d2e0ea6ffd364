"""A draft of a policy: what it changes, what it would have come to, and who decides on it."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from starlette.responses import Response

from springtide.core.policy import PolicyError
from springtide.core.policy_file import read_policy
from springtide.services import listing, policies, rehearsal
from springtide.services.backtest import Backtest, backtest
from springtide.services.budget import budget_of
from springtide.services.gateway import DraftState, FourEyes, UnknownDraft
from springtide.services.login import SignedIn
from springtide.services.policies import Draft
from springtide.services.rehearsal import FOR_DRAFTS, CannotPlay, Rehearsal
from springtide.web.pages.console import plots
from springtide.web.pages.console.parameters import LABELS
from springtide.web.pages.console.policy import number_of
from springtide.web.pages.shared.call import Call, Missing
from springtide.web.pages.shared.runs import Advance, Runs
from springtide.web.problems import Problem

Pair = tuple[Rehearsal, Rehearsal]
"""A scenario under the policy in effect, and under a draft."""

WHO = {
    "submit": "policy.draft",
    "withdraw": "policy.draft",
    "approve": "policy.approve",
    "reject": "policy.approve",
    "backtest": "read",
    "simulate": "read",
}
"""What may be done with a draft, and the permission that each takes."""


class Drafts:
    """The pages of drafts, and the last backtest and simulation of each."""

    def __init__(self) -> None:
        self._backtests: Runs[Backtest] = Runs("backtest", (PolicyError,))
        self._plays: Runs[Pair] = Runs("rehearsal", (CannotPlay,))

    def show(self, call: Call, staff: SignedIn) -> Response:
        """One draft."""
        return self._page(call, staff)

    def act(self, call: Call, staff: SignedIn) -> Response:
        """Do something with a draft, if that may be done."""
        what, number = str(call.request.path_params["act"]), number_of(call)
        if what not in WHO:
            raise Missing
        if WHO[what] not in staff.permissions(call.program):
            raise Problem("forbidden", f"this takes the permission {WHO[what]!r}")
        actor = f"staff:{staff.name}"
        try:
            if what in ("backtest", "simulate"):
                self._run(call, what, number, staff.name)
            else:
                _decide(call, what, number, actor)
        except UnknownDraft:
            raise Missing from None
        except FourEyes:
            return self._page(call, staff, 409, refused="four_eyes")
        except (DraftState, PolicyError, CannotPlay) as error:
            return self._page(call, staff, 409, refused=str(error))
        # With a fragment in its address a page would not load again by itself.
        return call.go(call.at("console", f"/policy/drafts/{number}"))

    def _run(self, call: Call, what: str, number: int, by: str) -> None:
        draft = policies.get_draft(call.database, call.program, number)
        key = (call.program, str(number))
        if what == "backtest":
            program, _ = listing.read_program(call.database, call.program)
            work = partial(_backtest, call, draft)
            self._backtests.start(key, call.now, by, program.seq, work)
            return
        _, running = policies.get_version(call.database, call.program)
        text = rehearsal.scenario_text(FOR_DRAFTS)
        pair = [rehearsal.prepare(text, toml) for toml in (running, draft.toml)]
        most = sum(scenario.time.periods for scenario, _ in pair)
        self._plays.start(key, call.now, by, most, partial(_play, pair))

    def _page(
        self, call: Call, staff: SignedIn, status: int = 200, refused: str = ""
    ) -> Response:
        number, key = number_of(call), (call.program, str(number_of(call)))
        try:
            draft = policies.get_draft(call.database, call.program, number)
            changes = policies.diff_draft(call.database, call.program, number)
        except UnknownDraft:
            raise Missing from None
        played = self._plays.find(*key)
        program, state = listing.read_program(call.database, call.program)
        fees = [state.policy.cash_out_fee_ppm, read_policy(draft.toml).cash_out_fee_ppm]
        return call.page(
            "console/draft.html", status, staff=staff, tab="policy", draft=draft,
            changes=changes, refused=refused, may=_may(draft, staff, call.program),
            budget=budget_of(call.database, call.program, draft.toml),
            version=program.policy_version,
            scheduled=policies.find_scheduled(call.database, call.program),
            earliest=call.now + timedelta(days=program.notice_days),
            notice_days=program.notice_days, labels=LABELS, fees=fees, played=played,
            told=self._backtests.find(*key),
            charts=_charts(call, played.result) if played and played.result else None,
        )  # fmt: skip


def _may(draft: Draft, staff: SignedIn, program: str) -> set[str]:
    """What whoever looks can do with a draft now."""
    possible = {
        "draft": {"submit", "withdraw"},
        "submitted": {"approve", "reject", "withdraw"},
        "scheduled": {"reject", "withdraw"},
    }.get(draft.state, set())
    if draft.made_by == f"staff:{staff.name}":
        possible -= {"approve"}
    held = staff.permissions(program)
    return {what for what in possible if WHO[what] in held}


def _decide(call: Call, what: str, number: int, actor: str) -> None:
    """Move a draft on.

    Raises:
        DraftState, FourEyes, PolicyError: why not.
    """
    at = (call.database, call.program, number, actor, call.now)
    if what == "approve":
        policies.approve(*at, _day(call.form.get("day", "")))
    elif what == "reject":
        policies.reject(*at, call.form.get("reason", "")[:1_000])
    else:
        move: Callable[..., Draft] = {"submit": policies.submit, "withdraw": policies.withdraw}[
            what
        ]
        move(*at)


def _day(text: str) -> datetime | None:
    """The beginning of a day in UTC; None if none is given.

    Raises:
        DraftState: it is no day.
    """
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise DraftState(f"{text!r} is no day; give it like 2026-12-31") from None


def _backtest(call: Call, draft: Draft, advance: Advance) -> Backtest:
    done = 0

    def note(events: int, _: int) -> None:
        nonlocal done
        advance(events - done)
        done = events

    return backtest(call.database, call.program, draft.toml, note)


def _play(pair: list[tuple[Any, bool]], advance: Advance) -> Pair:
    was, would_be = (
        rehearsal.rehearse(scenario, without_controls=without, progress=advance)[0]
        for scenario, without in pair
    )
    return was, would_be


def _charts(call: Call, pair: Pair) -> dict[str, str]:
    was, would_be = pair
    names = [call.say("Policy in effect"), call.say("Draft")]
    return {
        "price": plots.price(call, would_be),
        "tenths": json.dumps(
            {
                "at": [tenth.name for tenth in would_be.tenths],
                "first": [round(tenth.median, 2) for tenth in was.tenths],
                "second": [round(tenth.median, 2) for tenth in would_be.tenths],
                "names": names,
            }
        ),
    }
