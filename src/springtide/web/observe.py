"""What operators see of the server: request ids, structured logs, metrics."""

import time
from itertools import count
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from springtide.web.problems import problem_response

log = structlog.get_logger("springtide")

DEFECT = "the server failed; tell its operator the request id"

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """Counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "springtide_requests", "Requests answered.", ["status"], registry=self.registry
        )
        self.seconds = Histogram(
            "springtide_request_seconds",
            "Time to answer.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "springtide_events_waiting",
            "Events that wait to be posted.",
            registry=self.registry,
        )
        self.statuses = {
            status: self.requests.labels(str(status)) for status in (200, 201, 404, 409, 422)
        }


class Observer:
    """Gives each request an id, counts and times it; logs those that were not a success."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._prefix = uuid4().hex[:12]
        self._count_up = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, watching."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = f"{self._prefix}-{next(self._count_up):x}"
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception:
            log.exception("defect", request_id=request_id, path=scope["path"])
            if not status:
                await problem_response("internal", DEFECT)(scope, receive, note)
        finally:
            seconds = time.perf_counter() - began
            self._count(status, seconds)
            if status >= 400:
                log.warning(
                    "request",
                    request_id=request_id,
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round(seconds * 1000, 1),
                )

    def _count(self, status: int, seconds: float) -> None:
        metrics = self._metrics
        counter = metrics.statuses.get(status) or metrics.requests.labels(str(status))
        counter.inc()
        metrics.seconds.observe(seconds)
