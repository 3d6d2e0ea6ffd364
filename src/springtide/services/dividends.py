"""Dividends: a stated part of what the platform earned in a month, shared by weight.

Source: docs/algorithms/commission.md, rule K10.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from springtide.core.distribution_events import DIVIDEND_ID, is_period
from springtide.core.event_fields import Json
from springtide.core.journal import PLATFORM
from springtide.core.reducer import Outcome
from springtide.core.units import format_money
from springtide.services import preview
from springtide.services.deciding import decide
from springtide.storage import programs, sales
from springtide.storage.database import Database
from springtide.storage.errors import NotPossible


def months(period: str) -> tuple[datetime, datetime]:
    """When a month begins and when the next one does, in UTC.

    Raises:
        NotPossible: it is not a month.
    """
    if not is_period(period):
        raise NotPossible(f"period is {period!r}; give a month like 2026-10")
    year, month = int(period[:4]), int(period[5:])
    if not 1 <= year < 9999:
        raise NotPossible(f"period is {period!r}; give a month like 2026-10")
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return datetime(year, month, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)


def event_of(
    database: Database,
    name: str,
    period: str,
    share: str,
    weights: Mapping[str, str],
    now: datetime,
) -> Json:
    """The event that shares what the platform earned in a month, by the books.

    What it earned is what its account was credited with less what refunds took back in the
    month; dividends themselves do not count.

    Raises:
        UnknownProgram: there is none of this name.
        NotPossible: the month is not over, or the platform earned nothing in it.
    """
    since, until = months(period)
    if now < until:
        raise NotPossible(f"{period} is not over; wait until {until.date()}")
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        revenue = sales.read_sum(tx, program, PLATFORM, since, until)
    if revenue <= 0:
        raise NotPossible(
            f"the platform earned {format_money(revenue)} in {period}; no dividend"
        )
    return {
        "type": "dividend", "id": f"{DIVIDEND_ID}{period}", "period": period,
        "revenue": format_money(revenue), "share": share, "weights": dict(weights),
    }  # fmt: skip


def preview_dividend(database: Database, name: str, event: Json, now: datetime) -> Outcome:
    """What a dividend would pay to whom; posts nothing.

    Raises:
        Refusal: it could not be posted.
    """
    outcome, _ = preview.preview(database, name, event, now)
    if outcome.refusal is not None:
        raise outcome.refusal
    return outcome


def post_dividend(
    database: Database, name: str, event: Json, now: datetime, actor: str
) -> Outcome:
    """Pay a dividend; the same one again is not paid again.

    Raises:
        Refusal: another was paid for the month, or the platform has not so much.
    """
    return decide(database, name, event, now, actor, str(event["period"]))
