"""The desk: many callers' events, read and folded while the batch before is committed."""

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from itertools import count
from typing import Any

import psycopg
import pytest

from springtide.core.event_fields import Json
from springtide.core.receipts import render
from springtide.core.reducer import Outcome
from springtide.services import desk as desks
from springtide.services.desk import Desk, Unread
from springtide.storage import programs
from springtide.storage.database import Database
from tests.services.histories import (
    NAMES,
    assert_sound,
    events_of,
    open_program,
    policy_of,
    receipts_of,
    written,
)

WAIT_S = 60

Answered = Future[list[Outcome]]


class Lines:
    """Events that are read only when their turn comes."""

    def __init__(self, events: Sequence[Json]) -> None:
        self._events = list(events)

    def __len__(self) -> int:
        return len(self._events)

    def read(self) -> list[Json]:
        return self._events


class Broken(Lines):
    """Events that cannot be read, by a defect."""

    def read(self) -> list[Json]:
        raise ZeroDivisionError


def ask(desk: Desk, events: Sequence[Json] | Unread) -> Answered:
    answered: Answered = Future()
    desk.submit(events, partial(_tell, answered))
    return answered


def _tell(answered: Answered, answer: list[Outcome] | BaseException) -> None:
    if isinstance(answer, BaseException):
        answered.set_exception(answer)
    else:
        answered.set_result(answer)


def receipts(answers: Sequence[Answered]) -> list[str]:
    outcomes = [outcome for one in answers for outcome in one.result(WAIT_S)]
    return written(render(outcome.receipt) for outcome in outcomes)


@pytest.mark.parametrize("vector", NAMES)
def test_batches_that_are_read_ahead_are_answered_as_if_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch, vector: str
) -> None:
    monkeypatch.setattr(desks, "WORTH_READING", 1)
    monkeypatch.setattr(desks, "MOST_IN_A_BATCH", 20)
    events, name = events_of(vector), open_program(database, policy_of(vector))
    desk, kinds = Desk(database, name), (list, Lines)
    groups = [events[first : first + 7] for first in range(0, len(events), 7)]
    answers = [ask(desk, kinds[place % 2](group)) for place, group in enumerate(groups)]
    desk.close()
    assert receipts(answers) == written(receipts_of(vector))
    assert desk.waiting == 0
    assert_sound(database, name)


def test_a_commit_that_fails_is_told_and_what_comes_later_is_posted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "WORTH_READING", 1)
    monkeypatch.setattr(desks, "MOST_IN_A_BATCH", 100)
    events, name = events_of("everything"), open_program(database, policy_of("everything"))
    does, calls = programs.move_program, count(1)

    def move_program(tx: psycopg.Connection, *rest: Any) -> None:
        if next(calls) == 2:
            tx.execute("SELECT 1 / 0")
        does(tx, *rest)

    monkeypatch.setattr(programs, "move_program", move_program)
    desk = Desk(database, name)
    groups = [events[first : first + 100] for first in range(0, len(events), 100)]
    answers = [ask(desk, group) for group in groups]
    with pytest.raises(psycopg.errors.DivisionByZero):
        answers[1].result(WAIT_S)
    told = [one for one in answers if one.exception(WAIT_S) is None]
    assert len(told) == len(answers) - 1
    # Sent again, all of them are posted, or answered as before.
    again = [ask(desk, group) for group in groups]
    desk.close()
    assert all(one.exception(WAIT_S) is None for one in again)
    assert desk.waiting == 0
    assert_sound(database, name)


def test_a_group_that_cannot_be_read_spoils_no_other(database: Database) -> None:
    events, name = events_of("everything"), open_program(database, policy_of("everything"))
    desk = Desk(database, name)
    first, broken, last = (
        ask(desk, group) for group in (events[:100], Broken(events[:5]), events[100:])
    )
    desk.close()
    with pytest.raises(ZeroDivisionError):
        broken.result(WAIT_S)
    assert receipts([first, last]) == written(receipts_of("everything"))
    assert desk.waiting == 0
    assert_sound(database, name)
