"""What takes longer than a page: it runs beside, one at a time, and pages look how far it is.

Nothing is kept of it when the server stops.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from springtide.web.observe import log

T = TypeVar("T")

MOST_KEPT = 50
MOST_WAITING = 5
PATIENCE_S = 1.5
"""How long a page waits for a result before it says that it runs."""

Advance = Callable[[int], None]


class Cancelled(Exception):
    """Somebody does not want the result any more."""


@dataclass
class Run(Generic[T]):
    """Something that was asked for, and what came of it."""

    began_at: datetime
    by: str
    most: int
    """Steps that it takes, about; 0 if nobody knows."""
    steps: int = 0
    result: T | None = None
    refused: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    future: Future[None] | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.future is None or self.future.done()

    @property
    def percent(self) -> int:
        """How far it is; never all of it while it runs."""
        return min(100 * self.steps // self.most, 99) if self.most else 0

    def advance(self, steps: int = 1) -> None:
        """Note that it went on.

        Raises:
            Cancelled: it is not to go on.
        """
        self.steps += steps
        if self.stop.is_set():
            raise Cancelled


class Runs(Generic[T]):
    """The last run of each key."""

    def __init__(self, name: str, refusals: tuple[type[Exception], ...]) -> None:
        """`refusals` are what may come instead of a result, each with a line that says why."""
        self._runner = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._refusals = refusals
        self._lock = threading.Lock()
        self._runs: OrderedDict[tuple[str, ...], Run[T]] = OrderedDict()

    def find(self, *key: str, patience_s: float = PATIENCE_S) -> Run[T] | None:
        """The run of a key, after a moment in which it may end."""
        run = self._runs.get(key)
        if run is not None and run.future is not None:
            with suppress(TimeoutError):
                run.future.result(patience_s)
        return run

    def start(
        self, key: tuple[str, ...], at: datetime, by: str, most: int,
        work: Callable[[Advance], T],
    ) -> bool:  # fmt: skip
        """Begin, unless it runs already; false if too much waits."""
        with self._lock:
            before = self._runs.get(key)
            if before is not None and not before.over:
                return True
            if sum(not run.over for run in self._runs.values()) >= MOST_WAITING:
                return False
            run: Run[T] = Run(at, by, most)
            run.future = self._runner.submit(self._do, run, work)
            self._runs[key] = run
            self._runs.move_to_end(key)
            while len(self._runs) > MOST_KEPT:
                self._runs.popitem(last=False)
        return True

    def cancel(self, *key: str) -> None:
        """Let it go no further, and forget it."""
        with self._lock:
            run = self._runs.pop(key, None)
        if run is not None:
            run.stop.set()

    def _do(self, run: Run[T], work: Callable[[Advance], T]) -> None:
        try:
            with suppress(Cancelled):
                run.advance(0)
                run.result = work(run.advance)
        except self._refusals as refusal:
            run.refused = str(refusal)
        except Exception:
            log.exception("defect of a run")
            run.refused = "the server failed, and it was noted"
