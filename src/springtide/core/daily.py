"""Cash-outs once a day: which batch is a day's, when it is due, and what is asked of it.

Source: docs/algorithms/cash_out.md, rules C4 and C5.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from springtide.core.events import DAY_BATCH, CashOut, Request
from springtide.core.policy import Policy
from springtide.core.refusals import PaidDaily


def check_daily(policy: Policy, wish: CashOut) -> None:
    """Whether these cash-outs may be paid: where they are daily, only a day's batch may.

    Its id is its day's and ids are posted once, so there is one batch a day, at one price.

    Raises:
        PaidDaily: it is no day's batch.
    """
    if policy.cash_out_daily and not wish.day:
        raise PaidDaily(
            "cash-outs of this program are paid once a day, all at one price; "
            "record a request, and it joins the next batch"
        )


def last_batch_time(policy: Policy, now: datetime) -> datetime:
    """When the latest batch was due, in UTC: it pays what was asked for before that."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    due = midnight + timedelta(seconds=policy.cash_out_at_s)
    return due if due <= now else due - timedelta(days=1)


def batch_id(due: datetime) -> tuple[str, str]:
    """The day of a batch that is due then, and the id it is posted under."""
    day = due.date().isoformat()
    return day, DAY_BATCH + day


def join_requests(requests: Iterable[Request]) -> list[Request]:
    """One request a member: for the sum of the points, and of what each accepts at least."""
    joined: dict[str, Request] = {}
    for one in requests:
        earlier = joined.get(one.member)
        if earlier is None:
            joined[one.member] = one
            continue
        points = None
        if earlier.points_nano is not None and one.points_nano is not None:
            points = earlier.points_nano + one.points_nano
        least = earlier.min_net_micro + one.min_net_micro
        joined[one.member] = Request(one.member, points, least)
    return list(joined.values())
