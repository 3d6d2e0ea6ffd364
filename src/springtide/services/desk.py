"""The desk: events of many callers, gathered into batches while the last one commits.

One thread a program posts whatever waits. A caller is answered when its event is durable, or
was refused. Source: docs/decisions/0003-group-commit.md.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from springtide.core.event_fields import Json
from springtide.core.reducer import Outcome
from springtide.services.stamping import Command
from springtide.services.writer import MOST_IN_A_BATCH, Tell, Writer, read_command
from springtide.storage.acts import Deed
from springtide.storage.database import Database

__all__ = ["Answer", "Deed", "Desk", "DeskFull"]

MOST_WAITING = 50_000

Answer = Callable[[list[Outcome] | Exception], None]
"""Is told the outcomes of a group of events, in their order, or why nothing was written:
`DatabaseDown`, or a defect."""

Group = tuple[Sequence[Command], Answer, Deed | None]
"""Events that are posted together, who is told, and who decided on them."""


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
        self._waiting: queue.SimpleQueue[Group | None] = queue.SimpleQueue()
        self._count = 0
        self._counting = threading.Lock()
        self._writer: Writer | None = None
        self._thread = threading.Thread(target=self._run, name=f"desk of {name}")
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many events wait, roughly."""
        return self._count

    def submit(self, events: Sequence[Json], answer: Answer, deed: Deed | None = None) -> None:
        """Let events be posted together; `answer` is called from the desk's thread.

        `deed` says who decided on them, if that belongs in the log of acts. They are read here
        and now, while they are still in the processor's cache.

        Raises:
            DeskFull: too many wait already.
        """
        with self._counting:
            if self._count > MOST_WAITING:
                raise DeskFull(f"{self._count} events wait already; try again in a second")
            self._count += len(events)
        try:
            commands = [read_command(event) for event in events]
        except BaseException:  # a defect; its events do not wait
            self._count_off(len(events))
            raise
        self._waiting.put((commands, answer, deed))

    def _count_off(self, events: int) -> None:
        with self._counting:
            self._count -= events

    def close(self) -> None:
        """Post what waits, answer it, and stop."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (group := self._waiting.get()) is not None:
            groups, closing = [group], False
            size = len(group[0])
            while size < MOST_IN_A_BATCH:
                try:
                    more = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    closing = True
                    break
                groups.append(more)
                size += len(more[0])
            self._post(groups)
            self._count_off(size)
            if closing:
                break
        self._forget_writer()

    def _post(self, groups: list[Group]) -> None:
        commands: list[Command] = []
        deeds: dict[int, Deed] = {}
        for group, _, deed in groups:
            if deed is not None:
                deeds.update(
                    dict.fromkeys(range(len(commands), len(commands) + len(group)), deed)
                )
            commands += group
        try:
            if self._writer is None:
                self._writer = Writer(self._database, self._name, self._now, self._tell)
            outcomes = self._writer.post_commands(commands, deeds)
        except Exception as error:  # a defect must not leave the others waiting for ever
            self._forget_writer()
            for _, answer, _ in groups:
                answer(error)
            return
        first = 0
        for group, answer, _ in groups:
            answer(outcomes[first : first + len(group)])
            first += len(group)

    def _forget_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
