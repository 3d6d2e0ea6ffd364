"""Cash-outs once a day: requests wait, are cancelled, or are paid by the day's batch.

Whatever is interrupted is made up for: a batch has the id of its day and the requests that
were put into it before it was posted, and requests say what its receipt says. Source:
docs/algorithms/cash_out.md, rules C4 and C5.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from springtide.core.daily import batch_id, join_requests, last_batch_time
from springtide.core.event_fields import ALL, Json
from springtide.core.events import DAY_BATCH, CashOut, Request, read_event
from springtide.core.policy_file import read_policy
from springtide.core.reducer import Outcome
from springtide.core.refusals import IdReused, Overflow
from springtide.core.units import LIMIT, format_money, format_points
from springtide.services.writer import Writer
from springtide.storage import acts, cash_outs, listing, programs
from springtide.storage.cash_outs import STATES, CashOutRequest
from springtide.storage.database import Database

__all__ = [
    "STATES",
    "CashOutRequest",
    "NotWaiting",
    "Paid",
    "UnknownRequest",
    "ask",
    "begin_batch",
    "cancel",
    "list_due",
    "list_requests",
    "next_batch",
    "note_batch",
    "read_request",
    "run",
]


DAY = timedelta(days=1)


class UnknownRequest(Exception):
    """The program has no request of this id."""


class NotWaiting(Exception):
    """The request cannot be cancelled any more."""


class Paid(NamedTuple):
    """What a batch did: its id, the members it paid and those it left out, money in micro."""

    batch: str
    paid: int
    left_out: int
    net: int


def ask(
    database: Database, name: str, event: Json, actor: str, now: datetime
) -> tuple[CashOutRequest, bool]:
    """Record the cash-out that an event asks for; whether it was recorded before.

    Raises:
        UnknownProgram: there is none of this name; so say all of these functions.
        InvalidEvent, InvalidAmount, Overflow: the event cannot be one.
        IdReused: the id has other content, or is that of something else.
    """
    wish = cast(CashOut, read_event({**event, "type": "cash_out"}))
    [(member, points, least)] = wish.requests
    if max(points or 0, least) > LIMIT:
        raise Overflow("points or min_net pass 2^63 - 1")
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        if listing.is_posted(tx, program, wish.id):
            raise IdReused(f"{wish.id} was posted before, for something else")
        is_new = cash_outs.insert_request(
            tx, program, wish.id, member, points, least or None, now
        )
        if is_new:
            acts.append_act(tx, program.id, now, actor, "cash_out.ask", wish.id)
        row = cash_outs.find_request(tx, program, wish.id)
    assert row is not None
    if (row.member, row.points, row.min_net or 0) != (member, points, least):
        raise IdReused(f"{wish.id} was asked for before, with other content")
    return row, not is_new


def cancel(
    database: Database, name: str, id_: str, actor: str, now: datetime
) -> CashOutRequest:
    """Cancel a request that no batch has taken; a second time changes nothing.

    Raises:
        UnknownRequest: the program has none of this id.
        NotWaiting: a batch has it, or had it.
    """
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        if cash_outs.cancel_request(tx, program, id_, now):
            acts.append_act(tx, program.id, now, actor, "cash_out.cancel", id_)
        row = cash_outs.find_request(tx, program, id_)
    if row is None:
        raise UnknownRequest(f"{name} has no cash-out request {id_!r}")
    if row.state != "cancelled":
        raise NotWaiting(f"batch {row.batch} has it; it is {row.state}, too late to cancel it")
    return row


def read_request(database: Database, name: str, id_: str) -> CashOutRequest | None:
    """The request of this id."""
    with database.snapshot() as tx:
        return cash_outs.find_request(tx, programs.get_program(tx, name), id_)


def list_requests(
    database: Database, name: str, member: str, state: str, after: int, most: int
) -> list[CashOutRequest]:
    """Requests in the order they were made; of a member and in a state, if given."""
    with database.snapshot() as tx:
        program = programs.get_program(tx, name)
        return cash_outs.list_requests(tx, program, member, state, after, most)


def next_batch(database: Database, name: str, now: datetime) -> datetime | None:
    """When the next batch is due; None where cash-outs are paid at once."""
    with database.snapshot() as tx:
        policy = read_policy(programs.get_program(tx, name).policy_toml)
    return last_batch_time(policy, now) + DAY if policy.cash_out_daily else None


def list_due(database: Database, now: datetime) -> list[str]:
    """Programs whose batch is due, or was begun and not finished."""
    due = []
    with database.snapshot() as tx:
        for name, since, begun in cash_outs.list_waiting(tx):
            policy = read_policy(programs.get_program(tx, name).policy_toml)
            if begun or since < last_batch_time(policy, now):
                due.append(name)
    return due


def begin_batch(database: Database, name: str, now: datetime) -> Json | None:
    """The batch to be posted now: one that was begun before, else the last day's; or none.

    From here on its requests are not cancelled and no others join it, so it has the same
    content however often it is posted.
    """
    with database.transaction() as tx:
        program = programs.lock_program(tx, programs.get_program(tx, name).id)
        batch = cash_outs.find_open_batch(tx, program)
        if batch is None:
            due = last_batch_time(read_policy(program.policy_toml), now)
            _, batch = batch_id(due)
            if not cash_outs.begin_batch(tx, program, batch, due):
                return None
        rows = cash_outs.read_batch(tx, program, batch)
    return {
        "type": "cash_out_batch",
        "id": batch,
        "day": batch.removeprefix(DAY_BATCH),
        "requests": [_wish(request) for request in join_requests(map(_request, rows))],
    }


def _request(row: CashOutRequest) -> Request:
    """What a row asks of its batch, in the units of the batch."""
    assert row.batch_factor is not None
    factor = row.batch_factor // row.split_factor
    points = None if row.points is None else row.points * factor
    return Request(row.member, points, row.min_net or 0)


def _wish(request: Request) -> Json:
    points = request.points_nano
    wish = {
        "member": request.member,
        "points": ALL if points is None else format_points(points),
    }
    least = request.min_net_micro
    return {**wish, "min_net": format_money(least)} if least else wish


def note_batch(
    database: Database, name: str, outcome: Outcome, actor: str, now: datetime
) -> Paid:
    """Let the requests of a posted batch say what its receipt says.

    Raises:
        Refusal: the batch was refused as a whole; its requests wait on.
    """
    if outcome.refusal is not None:
        raise outcome.refusal
    receipt = cast(dict[str, Any], outcome.receipt)
    paid = [(row["member"], row["points"], row["gross"], row["net"]) for row in receipt["paid"]]
    refused = [(row["member"], row["error"]) for row in receipt["refused"]]
    done = Paid(receipt["id"], len(paid), len(refused), sum(row[3] for row in paid))
    with database.transaction() as tx:
        program = programs.get_program(tx, name)
        if cash_outs.note_batch(tx, program, done.batch, paid, refused, now):
            after: dict[str, object] = {"paid": done.paid, "left_out": done.left_out}
            acts.append_act(tx, program.id, now, actor, "cash_out.pay", done.batch, after=after)
    return done


def run(database: Database, name: str, actor: str, now: datetime) -> list[Paid]:
    """Pay what is due; nothing, if that was done before.

    Raises:
        Refusal: the batch was refused as a whole; its requests wait on.
    """
    done = []
    while (batch := begin_batch(database, name, now)) is not None:
        with Writer(database, name, lambda: now) as writer:
            [outcome] = writer.post([batch])
        done.append(note_batch(database, name, outcome, actor, now))
    return done
