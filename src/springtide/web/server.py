"""The server process: uvicorn around the application, started and stopped cleanly."""

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

import structlog
import uvicorn

from springtide.services.gateway import Database
from springtide.web.app import create_app
from springtide.web.depends import clock
from springtide.web.desks import Desks
from springtide.web.pages.shared.files import NotBuilt, read_files

BACKLOG = 2048


def missing_pages() -> str:
    """What is wrong with the pages, and the remedy; nothing if they are built."""
    try:
        read_files()
    except NotBuilt as error:
        return str(error)
    return ""


class PortTaken(Exception):
    """The address cannot be listened on."""


def run(
    database: Database,
    host: str,
    port: int,
    rate: str,
    say: Callable[[str], object],
    public_url: str = "",
    *,
    private_webhooks: bool,
    demo: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; requests that were taken are finished first.

    `say` is told its address once it listens; `public_url` is where browsers find it, if a
    proxy stands before it.

    Raises:
        PortTaken: the address is in use or not this machine's.
        ValueError: `rate` is not a rate.
    """
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(),
    )
    desks = Desks(database, clock)
    closing = Event()
    app = create_app(
        database,
        desks,
        rate,
        closing,
        public_url,
        private_webhooks=private_webhooks,
        demo=demo,
    )
    listening = _listen(host, port)
    say(f"http://{host}:{listening.getsockname()[1]}")
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=30,
        server_header=False,
    )
    try:
        _Server(config, closing).run(sockets=[listening])
    finally:
        desks.close()


class _Server(uvicorn.Server):
    """Ends by returning.

    Uvicorn's own raises the signal again, and the database server that was started for it
    would be left running.
    """

    def __init__(self, config: uvicorn.Config, closing: Event) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let go of those who only listen, and finish what was taken."""
        self._closing.set()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT end the server while it runs."""
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)  # calls wait from now on, while the application starts
    except (OSError, OverflowError) as error:
        raise PortTaken(
            f"{host}:{port} cannot be listened on ({error}); choose a free port"
        ) from None
    return listening
