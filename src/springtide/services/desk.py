"""The desk: events of many callers, gathered into batches while the last one commits.

One thread a program posts whatever waits; if more waits by then, a second one commits it. A
caller is answered when its event is durable, or was refused.

Source: docs/decisions/0003-group-commit.md.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.services.stamping import Command
from springtide.services.writer import MOST_IN_A_BATCH, Tell, Writer, read_command
from springtide.storage.acts import Deed
from springtide.storage.database import Database
from springtide.storage.working_set import Needs

__all__ = ["Answer", "Deed", "Desk", "DeskFull"]

MOST_WAITING = 100_000

WORTH_READING = MOST_IN_A_BATCH // 4
"""With so many waiting the next batch is read while the last commits; fewer wait for more."""

Answer = Callable[[list[Outcome] | BaseException], None]
"""Is told the outcomes of a group of events, in their order, or why nothing was written:
`DatabaseDown`, or a defect."""


class Unread(Protocol):
    """Events by the thousand, read only when their turn comes."""

    def __len__(self) -> int:
        """How many there are, at most."""
        ...

    def read(self) -> list[Json]:
        """The events; called once, from the desk's thread."""
        ...


class _Group(NamedTuple):
    """Events that are posted together, who is told, and who decided on them."""

    size: int
    read: Callable[[], Sequence[Command]]
    answer: Answer
    deed: Deed | None


class DeskFull(Exception):
    """More events wait than can be posted soon; try again later."""


class Desk:
    """Posts to one program; safe to use from any thread."""

    def __init__(
        self,
        database: Database,
        name: str,
        now: Callable[[], datetime] | None = None,
        tell: Tell | None = None,
    ) -> None:
        self._now = now
        self._tell = tell
        self._database = database
        self._name = name
        self._waiting: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._count = 0
        self._counting = threading.Lock()
        self._writer: Writer | None = None
        self._commit: Future[list[Outcome]] | None = None
        """Of the last batch."""
        self._thread = threading.Thread(target=self._run, name=f"desk of {name}")
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many events wait, roughly."""
        return self._count

    def submit(
        self, events: Sequence[Json] | Unread, answer: Answer, deed: Deed | None = None
    ) -> None:
        """Let events be posted together; `answer` is called from a thread of the desk's.

        `deed` says who decided on them, if that belongs in the log of acts. What is not
        `Unread` is read here and now, while it is still in the processor's cache.

        Raises:
            DeskFull: too many wait already.
        """
        size = len(events)
        with self._counting:
            if self._count > MOST_WAITING:
                raise DeskFull(f"{self._count} events wait already; try again in a second")
            self._count += size
        try:
            read = _reader(events)
        except BaseException:  # a defect; its events do not wait
            self._count_off(size)
            raise
        self._waiting.put(_Group(size, read, answer, deed))

    def _count_off(self, events: int) -> None:
        with self._counting:
            self._count -= events

    def close(self) -> None:
        """Post what waits, answer it, and stop."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        closing = False
        while not closing and (group := self._waiting.get()) is not None:
            groups = [group]
            closing = self._gather(groups)
            if _size(groups) < WORTH_READING and not closing:
                self._await_commit()
                closing = self._gather(groups)
            self._post(groups)
        self._await_commit()
        self._forget_writer()

    def _gather(self, groups: list[_Group]) -> bool:
        """Take in what waits, as far as it fits a batch; whether that is the last."""
        size = _size(groups)
        while size < MOST_IN_A_BATCH:
            try:
                more = self._waiting.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return True
            groups.append(more)
            size += more.size
        return False

    def _await_commit(self) -> None:
        """Until the last batch is durable; after one that failed begin with a new writer."""
        if self._commit is not None and self._commit.exception() is not None:
            self._forget_writer()
        self._commit = None

    def _post(self, groups: list[_Group]) -> None:
        """Post a batch; it is answered when it is durable, by the thread that commits it."""
        size = _size(groups)
        commands: list[Command] = []
        deeds: dict[int, Deed] = {}
        answers: list[tuple[Answer, int]] = []
        for _, read, answer, deed in groups:
            first = len(commands)
            try:
                commands += read()
            except Exception as error:  # a defect of this one, and not of the others
                answer(error)
                continue
            answers.append((answer, len(commands)))
            if deed is not None:
                deeds.update(dict.fromkeys(range(first, len(commands)), deed))
        try:
            needs = Needs(commands)
            self._await_commit()
            if self._writer is None:
                self._writer = Writer(self._database, self._name, self._now, self._tell)
            more = self._count - size >= WORTH_READING
            self._commit = self._writer.fold_batch(commands, needs, deeds, aside=more)
        except Exception as error:  # a defect must not leave the others waiting for ever
            self._forget_writer()
            self._commit = Future()
            self._commit.set_exception(error)
        self._commit.add_done_callback(partial(self._answer, size, answers))

    def _answer(
        self, size: int, answers: list[tuple[Answer, int]], commit: Future[list[Outcome]]
    ) -> None:
        error, first = commit.exception(), 0
        outcomes = [] if error is not None else commit.result()
        for answer, end in answers:
            answer(error or outcomes[first:end])
            first = end
        self._count_off(size)

    def _forget_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _size(groups: list[_Group]) -> int:
    return sum(group.size for group in groups)


def _reader(events: Sequence[Json] | Unread) -> Callable[[], list[Command]]:
    if not isinstance(events, Sequence):
        return lambda: [read_command(event) for event in events.read()]
    commands = [read_command(event) for event in events]
    return lambda: commands
