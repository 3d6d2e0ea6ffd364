"""The courier: sends what was posted to those who asked to be told.

It never leaves for an address that was not judged: the host of a URL is looked up when the
connection is made, every address found is judged, and the connection goes to one of these,
so that a name which leads somewhere else a moment later leads nowhere. There are no proxies
and no redirects.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from itertools import count

import httpcore2

from springtide.core.webhooks import Target
from springtide.services import delivering
from springtide.services.delivering import SENDING_LASTS_S, Parcel, Round, Sent
from springtide.services.gateway import Database, DatabaseDown
from springtide.services.webhooks import UnusableWebhook, check_addresses
from springtide.web.addresses import lookup_soon
from springtide.web.observe import log

PAUSE_S = 1.0
MOST_ENDPOINTS_AT_ONCE = 20
"""Endpoints that are served at the same time; the others wait for the next look."""

MOST_ROUNDS = 50
"""Rounds that are sent to one endpoint before it is the turn of others."""

MOST_ANSWER = 16 * 1024
"""Bytes of an answer that are read, so that the connection can be used again."""

USER_AGENT = "springtide-webhooks/1"


class _JudgedAddresses(httpcore2.AnyIOBackend):
    """Connects only to addresses that may be told."""

    def __init__(self, scheme: str, *, private: bool) -> None:
        self._scheme = scheme
        self._private = private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Look the host up, judge what is found, and connect to that.

        Raises:
            UnusableWebhook: one of the addresses may not be told, or there is none.
        """
        target = Target(self._scheme, host, port)
        address = check_addresses(target, await lookup_soon(target), private=self._private)
        return await super().connect_tcp(address, port, timeout, local_address, socket_options)


class Courier:
    """Sends what is due to every endpoint of every program, as long as the server runs."""

    def __init__(
        self,
        database: Database,
        *,
        private: bool,
        now: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self._database = database
        self._private = private
        self._now = now
        self._chance = chance
        self._pools: dict[str, httpcore2.AsyncConnectionPool] = {}
        self._serving: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._turns: dict[tuple[int, str], int] = {}
        self._turn = count(1)
        self._leaving = False

    async def work_for_ever(self) -> None:
        """Look for work, again and again; a defect or a lost database only delays it."""
        while not self._leaving:
            await asyncio.sleep(PAUSE_S)
            try:
                await self._look()
            except DatabaseDown as error:
                log.warning("webhooks wait", reason=str(error))
            except Exception:  # a defect: tell it, and try again with what is due then
                log.exception("webhooks failed")

    async def leave(self) -> None:
        """Finish what is under way, and take nothing more."""
        self._leaving = True
        await asyncio.gather(*self._serving.values())
        for pool in self._pools.values():
            await pool.aclose()

    async def _look(self) -> None:
        found = await asyncio.to_thread(
            delivering.endpoints_with_work, self._database, self._now()
        )
        for at in sorted(found, key=lambda at: self._turns.get(at, 0)):
            if at not in self._serving and len(self._serving) < MOST_ENDPOINTS_AT_ONCE:
                task = asyncio.create_task(self._serve(*at))
                self._serving[at] = task
                task.add_done_callback(partial(self._forget, at))

    def _forget(self, at: tuple[int, str], _: object) -> None:
        del self._serving[at]

    async def _serve(self, program_id: int, endpoint: str) -> None:
        """Send to one endpoint until nothing is due, or others had to wait long enough."""
        self._turns[program_id, endpoint] = next(self._turn)
        try:
            for _ in range(MOST_ROUNDS):
                if self._leaving:
                    return
                taken = await asyncio.to_thread(
                    delivering.take, self._database, program_id, endpoint, self._now()
                )
                if taken is None or not taken.parcels:
                    return
                await self._send_round(taken)
        except DatabaseDown as error:
            log.warning("webhooks wait", endpoint=endpoint, reason=str(error))
        except Exception:
            log.exception("webhooks failed", endpoint=endpoint)

    async def _send_round(self, taken: Round) -> None:
        outcomes = await asyncio.gather(
            *(self._send(taken.url, parcel) for parcel in taken.parcels)
        )
        await asyncio.to_thread(
            delivering.record, self._database, taken, outcomes, self._now(), self._chance
        )
        arrived = sum(outcome.arrived for outcome in outcomes)
        if arrived < len(outcomes):
            log.warning(
                "webhooks did not arrive",
                endpoint=taken.endpoint,
                failed=len(outcomes) - arrived,
                of=len(outcomes),
            )

    async def _send(self, url: str, parcel: Parcel) -> Sent:
        status, error, at = None, None, self._now()
        try:
            async with asyncio.timeout(SENDING_LASTS_S):
                status = await self._post(url, parcel)
        except TimeoutError:
            error = f"no answer within {SENDING_LASTS_S} s"
        except UnusableWebhook as refusal:
            error = str(refusal)
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        except httpcore2.TimeoutException:
            error = f"no answer within {SENDING_LASTS_S} s"
        return Sent(parcel.seq, parcel.n, at, status, error)

    async def _post(self, url: str, parcel: Parcel) -> int:
        """The status that a receiver answers; of the rest only a little is read."""
        headers = [("user-agent", USER_AGENT), *parcel.headers.items()]
        pool = self._pool(url)
        async with pool.stream("POST", url, headers=headers, content=parcel.body) as answer:
            size = 0
            async for part in answer.aiter_stream():
                size += len(part)
                if size > MOST_ANSWER:
                    break
            return answer.status

    def _pool(self, url: str) -> httpcore2.AsyncConnectionPool:
        """The connections by a scheme, which a private address must not be told by."""
        scheme = url.partition(":")[0].lower()
        if scheme not in self._pools:
            self._pools[scheme] = httpcore2.AsyncConnectionPool(
                ssl_context=ssl.create_default_context() if scheme == "https" else None,
                max_connections=MOST_ENDPOINTS_AT_ONCE * delivering.MOST_AT_ONCE,
                max_keepalive_connections=MOST_ENDPOINTS_AT_ONCE,
                keepalive_expiry=5.0,
                network_backend=_JudgedAddresses(scheme, private=self._private),
            )
        return self._pools[scheme]
