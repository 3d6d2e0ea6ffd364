"""A real server process and real clients, for the tests of the HTTP service."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2

from springtide.services import keys
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.storage.database import Database

PATIENCE_S = 120
"""How long anything may take that happens by itself, on a machine that does much else."""

_numbers = count(1)


class Service:
    """A running `springtide serve`; what it says is kept in files of a folder."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
        number = next(_numbers)
        self.log = folder / f"serve-{number}.log"
        self.said = folder / f"serve-{number}.err"
        environment = {
            name: value for name, value in os.environ.items() if "SPRINGTIDE" not in name
        }
        with self.log.open("wb") as out, self.said.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "springtide.cli", "serve", *arguments],
                env={**environment, **settings},
                stdout=out,
                stderr=err,
            )
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        deadline = monotonic() + PATIENCE_S
        while monotonic() < deadline:
            said = re.search(r"http://[0-9.]+:[0-9]+(?=,)", self.said.read_text())
            if said:
                return said[0]
            assert self.process.poll() is None, self.said.read_text()
            sleep(0.02)
        raise AssertionError(f"no address after {PATIENCE_S} s: {self.said.read_text()}")

    def wait_until_ready(self) -> float:
        """Until it and its database answer; gives the seconds it took."""
        began = monotonic()
        with client_of(self.url) as client:
            while monotonic() < began + PATIENCE_S:
                try:
                    if client.get("/readyz").status_code == 200:
                        return monotonic() - began
                except httpx2.TransportError:
                    assert self.process.poll() is None, self.said.read_text()
                sleep(0.02)
        raise AssertionError(f"not ready after {PATIENCE_S} s: {self.said.read_text()}")

    def stop(self) -> int:
        """End it with SIGTERM; gives its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """The exit code, once it ended."""
        return self.process.wait(PATIENCE_S)

    def end(self) -> None:
        """Whatever state it is in, it runs no more."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def serving(folder: Path, settings: Mapping[str, str], *arguments: str) -> Iterator[Service]:
    """A server on a free port that is ready, and ended afterwards."""
    service = Service(folder, settings, "--port", "0", *arguments)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.end()


@dataclass
class Shop:
    """A program with a key that may do everything, and a client that uses it."""

    database: Database
    url: str
    name: str
    secret: str
    client: httpx2.Client

    def key(self, *scopes: str) -> tuple[str, str]:
        """The id and the secret of another key of the program."""
        secret, key = keys.create_key(
            self.database, self.name, scopes, "test", secrets.token_hex
        )
        return key.id, secret

    def post(self, path: str, event: Mapping[str, Any], **headers: str) -> httpx2.Response:
        return self.client.post(path, json=dict(event), headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        """The document at an address that must be there."""
        response = self.client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def orders(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Post orders, all of which are taken."""
        for event in events:
            response = self.post("/v1/orders", event)
            assert response.status_code == 201, response.text


@contextmanager
def opened(database: Database, url: str, name: str, toml: str = "") -> Iterator[Shop]:
    """A new program of this name, of advert B's policy if none is given."""
    create_program(database, name, toml or read_preset("advert-b"), without_reserve=True)
    with entered(database, url, name) as shop:
        yield shop


@contextmanager
def entered(database: Database, url: str, name: str) -> Iterator[Shop]:
    """A program that is there already, with a key of every scope."""
    secret, _ = keys.create_key(database, name, list(keys.SCOPES), "test", secrets.token_hex)
    with client_of(url, secret) as client:
        yield Shop(database, url, name, secret, client)


def client_of(url: str, secret: str = "") -> httpx2.Client:
    """A client with a key, or without one; it reads no certificates, which takes long."""
    headers = bearer(secret) if secret else {}
    return httpx2.Client(base_url=url, headers=headers, timeout=PATIENCE_S, verify=False)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def order(id_: str, member: str = "m1", amount: str = "100.00", **more: str) -> dict[str, str]:
    return {"id": id_, "member": member, "amount": amount, **more}


def check_problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The document of a refusal, after a look at its form."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["status"]) == (status, status), problem
    assert problem["code"] == code, problem
    assert problem["type"] == f"/docs/problems#{code}"
    assert problem["title"]
    assert problem["detail"]
    return problem
