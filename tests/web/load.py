"""Clients that post orders while something happens to the server or its database."""

import json
from itertools import count
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any, Self

import httpx2

from springtide.core.receipts import render
from springtide.storage.database import Database
from tests.services.histories import assert_sound
from tests.web.serving import PATIENCE_S, Shop, client_of, order


class Load:
    """Posts orders from several clients until it is left, each again until it is answered.

    What is refused with 503, or not answered because the connection broke, is sent again
    with the same id: nothing else may be answered but the receipt.
    """

    def __init__(self, shop: Shop, clients: int = 8) -> None:
        self._shop = shop
        self._leaving = Event()
        self._noting = Lock()
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.sent: set[str] = set()
        self.unexpected: list[str] = []
        self._threads = [Thread(target=self._run, args=[number]) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Let each client finish or give up what it has begun."""
        self._leaving.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, orders: int = 20) -> None:
        """Until so many more orders were acknowledged."""
        enough, deadline = len(self.acknowledged) + orders, monotonic() + PATIENCE_S
        while len(self.acknowledged) < enough:
            assert monotonic() < deadline, f"no progress; {self.unexpected[:3]}"
            sleep(0.005)

    def _run(self, client: int) -> None:
        with client_of(self._shop.url, self._shop.secret) as http:
            for number in count():
                if self._leaving.is_set():
                    return
                member = f"m{client}-{number % 5}"
                self._post(http, order(f"o{client}-{number}", member, merchant="shop-1"))

    def _post(self, http: httpx2.Client, event: dict[str, str]) -> None:
        with self._noting:
            self.sent.add(event["id"])
        while True:
            try:
                answer = http.post("/v1/orders", json=event)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code in (200, 201):
                with self._noting:
                    self.acknowledged[event["id"]] = answer.json()
                return
            if answer is not None and answer.status_code != 503:
                with self._noting:
                    self.unexpected.append(f"{answer.status_code} {answer.text}")
            if self._leaving.is_set():
                return
            sleep(0.02)

    def check(self, database: Database, name: str) -> None:
        """Every acknowledged order is there once, as acknowledged, and the books are sound."""
        with database.snapshot() as tx:
            rows = tx.execute(
                "SELECT e.id, e.receipt FROM entry e JOIN program p ON p.id = e.program_id"
                " WHERE p.name = %s AND e.seq > 0",
                [name],
            ).fetchall()
        posted = {id_: render(json.loads(receipt)) for id_, receipt in rows}
        assert len(posted) == len(rows), "an order is there twice"
        lost = self.acknowledged.keys() - posted.keys()
        assert not lost, f"{len(lost)} acknowledged orders were lost"
        assert posted.keys() <= self.sent
        for id_, receipt in self.acknowledged.items():
            assert posted[id_] == receipt, f"{id_} was answered with another receipt"
        assert_sound(database, name)
        assert not self.unexpected, self.unexpected[:3]
