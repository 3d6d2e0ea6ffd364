"""Backtests over HTTP: a draft beside the policies that were, for whoever decides on it."""

from threading import Lock
from time import monotonic
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from springtide.core.policy import PolicyError
from springtide.services import policies
from springtide.services.backtest import Progress, as_json, backtest
from springtide.services.gateway import UnknownDraft
from springtide.web.depends import PROBLEMS, Books, Reader, missing
from springtide.web.models import Money, Points
from springtide.web.policies import Number, ParameterChange
from springtide.web.problems import Problem

router = APIRouter(prefix="/v1", responses=PROBLEMS)

LONGEST_S = 20
"""A backtest folds on one core that also answers requests, so it is cut off."""

_one_at_a_time = Lock()


class Run(BaseModel):
    """What a history came to under a policy."""

    accepted: int
    refused: dict[str, int] = Field(description="how many, by the code of the refusal")
    reserve: Money
    supply: Points
    price: Money
    splits: int = Field(description="points that one of the opening has become")
    exits: int
    exits_paid: Money
    cashed_out: Money
    redeemed: Money
    commissions: Money
    platform: Money
    buyers: int
    median_spent: Money
    median_got: Money = Field(
        description="received for points, and what the rest would pay now"
    )
    got_back: int = Field(description="buyers who got at least what they spent")
    tenths: list[float] = Field(
        description="of buyers by their first order: the median of what 100 spent brought"
    )


class Backtest(BaseModel):
    """A program's history as it was, and as it would have been; nothing is posted for it."""

    object: Literal["backtest"] = "backtest"
    program: str
    events: int
    changes: list[ParameterChange] = Field(description="from the policy in effect to the draft")
    was: Run
    would_be: Run


@router.get("/policies/drafts/{number}/backtest")
def backtest_draft(key: Reader, books: Books, number: Number) -> Backtest:
    """Tell the program's history again under a draft, beside how it was.

    People might have done otherwise; this tells the same orders again. A server does one at a
    time, of no more than twenty seconds: for longer histories there is a command.
    """
    try:
        draft = policies.get_draft(books, key.program, number)
    except UnknownDraft:
        raise missing("draft", str(number)) from None
    if not _one_at_a_time.acquire(blocking=False):
        raise Problem("busy", "another backtest is running; try again when it is done")
    try:
        found = backtest(books, key.program, draft.toml, _within(key.program))
    except PolicyError as error:
        raise Problem("policy_refused", str(error)) from None
    finally:
        _one_at_a_time.release()
    return Backtest.model_validate(as_json(key.program, found))


def _within(program: str) -> Progress:
    """What stops a backtest that takes too long."""
    until = monotonic() + LONGEST_S

    def stop(done: int, of: int) -> None:
        if monotonic() > until:
            raise Problem(
                "backtest_too_long",
                f"{done} of {of} entries in {LONGEST_S} seconds; run `springtide policy "
                f"backtest {program}` with the draft's text instead",
            )

    return stop
