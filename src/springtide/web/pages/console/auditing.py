"""Running the audit from the console: it reads the whole journal, so it runs beside."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from springtide.services.audit import Audit, audit
from springtide.services.login import SignedIn
from springtide.web.pages.shared.call import Call

PATIENCE_S = 2.0
"""How long a page waits for the result before it says that the audit runs."""


@dataclass(frozen=True)
class Run:
    """An audit that was asked for; nothing is kept of it when the server stops."""

    began_at: datetime
    by: str
    result: Future[Audit]


class Audits:
    """The last audit of each program."""

    def __init__(self) -> None:
        self._runner = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def show(self, call: Call, staff: SignedIn) -> Response:
        """The laws, and whether they held when they were last looked at."""
        run = self._runs.get(call.program)
        result = None
        if run is not None:
            try:
                result = run.result.result(PATIENCE_S)
            except TimeoutError:
                result = None
        return call.page("console/audit.html", staff=staff, tab="audit", run=run, result=result)

    def start(self, call: Call, staff: SignedIn) -> Response:
        """Run the audit, unless it runs already."""
        with self._lock:
            run = self._runs.get(call.program)
            if run is None or run.result.done():
                result = self._runner.submit(audit, call.database, call.program)
                self._runs[call.program] = Run(call.now, staff.name, result)
        return call.go(call.at("console", "/audit"))
