"""Overviews of programs, kept for a while: a large program takes seconds to read.

Nobody waits for a newer one: the last is shown, with its time, while a thread reads the next.
How long it is kept grows with how long it took, so that a large program is not read all day.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

from springtide.services.gateway import Database
from springtide.services.overview import Overview, read_overview
from springtide.web.observe import log

KEPT_S = 10.0
KEPT_TIMES = 20
"""An overview is kept at least so many times as long as it took to read."""

PATIENCE_S = 3.0
"""How long after somebody asked for the first overview of a program pages wait for it."""


class Overviews:
    """The last overview of each program that was asked for."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="overview")
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Overview]] = {}
        self._reading: dict[str, tuple[float, Future[Overview]]] = {}

    def get(self, program: str) -> Overview | None:
        """The last overview; None while the first of a large program is being read.

        Raises:
            UnknownProgram: there is none of this name.
        """
        with self._lock:
            stale_at, found = self._known.get(program, (0.0, None))
            reading = self._reading.get(program)
            if reading is None and stale_at < time.monotonic():
                reading = time.monotonic(), self._readers.submit(self._read, program)
                self._reading[program] = reading
        if found is not None or reading is None:
            return found
        began, overview = reading
        try:
            return overview.result(max(began + PATIENCE_S - time.monotonic(), 0))
        except TimeoutError:
            return None

    def _read(self, program: str) -> Overview:
        began = time.monotonic()
        try:
            found = read_overview(self._database, program, self._clock())
            took = time.monotonic() - began
            stale_at = time.monotonic() + max(KEPT_S, KEPT_TIMES * took)
            with self._lock:
                self._known[program] = stale_at, found
            log.info("overview", program=program, ms=round(took * 1000, 1))
            return found
        finally:
            with self._lock:
                self._reading.pop(program, None)

    def close(self) -> None:
        """Let no more be read."""
        self._readers.shutdown(wait=False, cancel_futures=True)
