"""A receiver of webhooks, written with the package `standardwebhooks` alone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.web.serving import PATIENCE_S


class Receiver:
    """Takes what is signed with a secret, and remembers all that came."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/points"
        self.secrets: list[str] = []
        self.answers: list[int] = []
        """Statuses to answer with first, instead of taking what comes."""
        self.calls = 0
        self.refused: list[str] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.taken: list[dict[str, Any]] = []
        self.ids: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status that a call is answered with."""
        with self._lock:
            self.calls += 1
            if self.answers:
                return self.answers.pop(0)
            for secret in self.secrets:
                try:
                    message = Webhook(secret).verify(body, headers)
                except WebhookVerificationError as error:
                    self.refused.append(str(error))
                    continue
                self.raw.append((headers, body))
                self.ids[headers["webhook-id"]] += 1
                self.taken.append(message)
                return 204
            return 400

    def told(self, type_: str) -> set[str]:
        """Ids of the events that messages of a type were about."""
        with self._lock:
            return {row["data"]["id"] for row in self.taken if row["type"] == type_}

    def wait_for(self, type_: str, ids: set[str]) -> None:
        """Until each of these was told."""
        deadline = monotonic() + PATIENCE_S
        while missing := ids - self.told(type_):
            assert monotonic() < deadline, f"{len(missing)} were not told; {self.refused[:3]}"
            sleep(0.02)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # whoever sent it was killed
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(headers, body)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", "/points")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # as many calls as may come at once

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        thread = Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
