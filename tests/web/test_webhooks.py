"""Webhooks: a receiver with the package alone is told everything, and nobody else anything."""

import asyncio
import base64
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from standardwebhooks import Webhook

from springtide.services import webhooks
from springtide.services.writer import Writer
from springtide.storage.database import Database
from springtide.web import courier
from springtide.web.courier import Courier
from tests.web.load import Load
from tests.web.receiving import Receiver, receiving
from tests.web.serving import PATIENCE_S, Service, Shop, check_problem, opened, order, serving

PRIVATE = "--allow-private-webhooks"

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def private_server(
    quiet_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, str]]:
    """A server that may send to this machine, over a database in which no other sends."""
    folder = tmp_path_factory.mktemp("private")
    with serving(folder, {"SPRINGTIDE_DATABASE": quiet_dsn}, PRIVATE) as service:
        yield Database(quiet_dsn), service.url


@pytest.fixture
def private_shop(private_server: tuple[Database, str], name: str) -> Iterator[Shop]:
    with opened(*private_server, name) as shop:
        yield shop


def listen(shop: Shop, receiver: Receiver, *types: str) -> dict[str, Any]:
    answer = shop.post("/v1/webhooks", {"url": receiver.url, "types": list(types)})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    receiver.secrets.append(made["secret"])
    return made


def eventually(holds: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_S
    while not holds():
        assert monotonic() < deadline
        sleep(0.02)


def test_a_receiver_is_told_and_can_tell_what_is_not_ours(
    private_shop: Shop, receiver: Receiver
) -> None:
    made = listen(private_shop, receiver)
    private_shop.orders([order("o1", "m1", "1000.00")])
    private_shop.post("/v1/refunds", {"id": "r1", "order": "o1", "amount": "250.00"})
    receiver.wait_for("order.settled", {"o1"})
    receiver.wait_for("order.refunded", {"r1"})
    [settled] = [row for row in receiver.taken if row["type"] == "order.settled"]
    shown = private_shop.get("/v1/orders/o1")
    assert settled["data"]["receipt"] == shown["receipt"]
    assert settled["timestamp"] == shown["posted_at"]
    assert settled["data"]["seq"] == shown["seq"]
    assert not receiver.refused

    headers, body = receiver.raw[0]
    assert replay(receiver, headers, body) == 204, "within five minutes it is the same message"
    assert replay(receiver, headers, body.replace(b'"seq":', b'"seq":1')) == 400
    at = int(headers["webhook-timestamp"]) - 301
    assert replay(receiver, {**headers, "webhook-timestamp": str(at)}, body) == 400
    long_ago = datetime.fromtimestamp(at, UTC)
    signature = Webhook(made["secret"]).sign(headers["webhook-id"], long_ago, body.decode())
    old = {"webhook-timestamp": str(at), "webhook-signature": signature}
    assert replay(receiver, {**headers, **old}, body) == 400
    assert receiver.refused[-1] == "Message timestamp too old"
    assert receiver.ids[headers["webhook-id"]] == 2


def replay(receiver: Receiver, headers: dict[str, str], body: bytes) -> int:
    kept = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    with httpx2.Client(verify=False) as client:
        return client.post(receiver.url, content=body, headers=kept).status_code


def test_what_fails_comes_again_and_every_attempt_is_listed(
    private_shop: Shop, receiver: Receiver
) -> None:
    receiver.answers = [500, 302]
    made = listen(private_shop, receiver, "order.settled")
    private_shop.orders([order("o1"), order("o2")])
    receiver.wait_for("order.settled", {"o1", "o2"})
    assert receiver.calls == 4, "the redirect was not followed"
    path = f"/v1/webhooks/{made['id']}/deliveries"
    eventually(lambda: len(private_shop.get(path, state="delivered")["data"]) == 2)
    newest = private_shop.get(path, limit=1)
    assert newest["data"][0]["seq"] == 2
    [first] = private_shop.get(path, after=newest["next"])["data"]
    assert (first["seq"], first["state"], first["attempts"]) == (1, "delivered", 2)
    tried = private_shop.get(f"/v1/webhooks/deliveries/{first['id']}")["tried"]
    assert [attempt["number"] for attempt in tried] == [1, 2]
    assert tried[0]["status"] in (500, 302)
    assert tried[1]["status"] == 204

    again = private_shop.client.post(f"/v1/webhooks/deliveries/{first['id']}/resend")
    assert (again.status_code, again.json()["state"]) == (200, "pending")
    eventually(lambda: receiver.ids[first["id"]] == 2)


def test_a_secret_is_shown_once_and_changed_without_a_gap(
    private_shop: Shop, receiver: Receiver
) -> None:
    made = listen(private_shop, receiver)
    path = f"/v1/webhooks/{made['id']}"
    rotated = private_shop.client.post(f"{path}/rotate").json()
    assert rotated["secret"] != made["secret"]
    private_shop.orders([order("o1")])
    receiver.wait_for("order.settled", {"o1"})  # by the old secret alone
    receiver.secrets = [rotated["secret"]]
    private_shop.orders([order("o2")])
    receiver.wait_for("order.settled", {"o2"})
    shown = private_shop.client.get("/v1/webhooks").text + private_shop.client.get(path).text
    assert made["secret"] not in shown
    assert rotated["secret"] not in shown


def test_what_is_disabled_waits_and_what_is_removed_is_gone(
    private_shop: Shop, receiver: Receiver
) -> None:
    made = listen(private_shop, receiver)
    path = f"/v1/webhooks/{made['id']}"
    assert private_shop.client.post(f"{path}/disable").json()["state"] == "disabled"
    private_shop.orders([order("o1")])
    sleep(2.5)
    assert receiver.calls == 0
    assert private_shop.client.post(f"{path}/enable").json()["state"] == "active"
    receiver.wait_for("order.settled", {"o1"})
    assert private_shop.client.delete(path).status_code == 204
    for gone in (path, f"{path}/deliveries"):
        check_problem(private_shop.client.get(gone), 404, "not_found")
    check_problem(private_shop.client.delete(path), 404, "not_found")
    assert private_shop.get("/v1/webhooks")["data"] == []


def test_the_receiver_of_the_page_for_developers_works(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "receiver.py"
    file.write_text(code.replace("whsec_...", secret).replace("9000", str(port)))
    body = b'{"type": "order.settled", "data": {"id": "o1"}}'
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_we_1_1_0",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_we_1_1_0", now, body.decode()),
    }
    command = [sys.executable, "-u", str(file)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process,
        httpx2.Client(transport=httpx2.HTTPTransport(verify=False, retries=10)) as client,
    ):
        try:
            url = f"http://127.0.0.1:{port}/points"
            assert client.post(url, content=body, headers=headers).status_code == 204
            assert client.post(url, content=body, headers=headers).status_code == 204
            assert client.post(url, content=body + b" ", headers=headers).status_code == 400
        finally:
            process.terminate()
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert said == b"order.settled o1\n", "a message that came twice is taken once"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/", "https://2130706433/",
        "https://0x7f.1/", "https://0177.0.0.1/", "https://10.0.0.1/", "ftp://shop.example/",
        "https://nobody.invalid/",
    ],
)  # fmt: skip
def test_a_server_in_public_sends_to_the_internet_only(shop: Shop, url: str) -> None:
    check_problem(shop.post("/v1/webhooks", {"url": url}), 422, "invalid_parameter")
    assert shop.get("/v1/webhooks")["data"] == []


@pytest.mark.parametrize("wish", [{}, {"url": ""}, {"url": "https://a.b/", "types": ["x"]}])
def test_a_webhook_that_cannot_be_made_is_refused(shop: Shop, wish: dict[str, Any]) -> None:
    check_problem(shop.post("/v1/webhooks", wish), 422, "invalid_parameter")


@asynccontextmanager
async def at_work(database: Database, *, private: bool) -> AsyncIterator[Courier]:
    """A courier in this process."""
    working = Courier(
        database, private=private, now=lambda: datetime.now(UTC), chance=lambda: 0.0
    )
    task = asyncio.create_task(working.work_for_ever())
    yield working
    task.cancel()
    await working.leave()


def add(database: Database, name: str, url: str) -> webhooks.Endpoint:
    """A webhook whose host was somewhere public when it was made."""
    return webhooks.create_endpoint(
        database, name, url, [], lookup=lambda _: ["93.184.215.14"], private=False,
        random_bytes=secrets.token_bytes, actor="cli", now=datetime.now(UTC),
    )  # fmt: skip


def last_error(database: Database, hook: webhooks.Endpoint) -> str | None:
    rows = webhooks.list_deliveries(database, hook.program, hook.id, "", (10**18, 0), 1)
    return rows[0].last_error if rows else None


def until_error(database: Database, hook: webhooks.Endpoint, *, private: bool) -> str:
    """Why the last delivery failed, after a courier tried it."""

    async def work() -> str:
        async with at_work(database, private=private):
            async with asyncio.timeout(PATIENCE_S):
                while (error := await asyncio.to_thread(last_error, database, hook)) is None:
                    await asyncio.sleep(0.05)
        return error

    return asyncio.run(work())


@pytest.fixture
def wire() -> Iterator[tuple[str, list[bytes]]]:
    """An address on this machine by name, and everything that was ever sent to it."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def note() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(1)
                    seen.append(connection.recv(100))

        thread = Thread(target=note, daemon=True)
        thread.start()
        yield f"localhost:{server.getsockname()[1]}", seen
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_host_that_moves_to_this_machine_later_is_sent_nothing(
    own_database: Database, name: str, wire: tuple[str, list[bytes]]
) -> None:
    address, seen = wire
    with opened(own_database, "http://127.0.0.1:1", name):
        hook = add(own_database, name, f"https://{address}/")
        post_one(own_database, name)
        error = until_error(own_database, hook, private=False)
    assert error.startswith("localhost is at ")
    assert "which is this machine" in error
    assert seen == [], "not even a connection was made"


def post_one(database: Database, name: str) -> None:
    """Post something that is told."""
    with Writer(database, name) as writer:
        writer.post([{"type": "purchase", **order("o1")}])


def test_a_certificate_that_is_not_the_host_s_is_refused(
    own_database: Database, name: str, wire: tuple[str, list[bytes]]
) -> None:
    address, seen = wire
    with opened(own_database, "http://127.0.0.1:1", name):
        hook = add(own_database, name, f"https://{address}/")
        post_one(own_database, name)
        assert "Error" in until_error(own_database, hook, private=True)
    assert seen[0][:1] == b"\x16", "a handshake came, and nothing after it"
    assert len(seen) == 1


def test_a_receiver_that_never_ends_is_left(
    own_database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "SENDING_LASTS_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        talker = Thread(target=talk_for_ever, args=[server], daemon=True)
        talker.start()
        with opened(own_database, "http://127.0.0.1:1", name):
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            hook = webhooks.create_endpoint(
                own_database, name, url, [], lookup=lambda _: ["127.0.0.1"], private=True,
                random_bytes=secrets.token_bytes, actor="cli", now=datetime.now(UTC),
            )  # fmt: skip
            post_one(own_database, name)
            error = until_error(own_database, hook, private=True)
        assert error == "no answer within 1 s"
        talker.join(10)
        assert not talker.is_alive(), "the connection was cut"


def talk_for_ever(server: socket.socket) -> None:
    """Answer with a header that has no end, a little at a time."""
    connection, _ = server.accept()
    with connection:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"x: y\r\n")
                sleep(0.05)
        except OSError:
            return


def test_a_kill_of_the_server_loses_no_message(
    own_database: Database, own_dsn: str, tmp_path: Path, name: str, receiver: Receiver
) -> None:
    settings = {"SPRINGTIDE_DATABASE": own_dsn}
    services = [Service(tmp_path, settings, "--port", "0", PRIVATE)]
    port = str(urlsplit(services[0].url).port)
    try:
        with opened(own_database, services[0].url, name) as shop:
            made = listen(shop, receiver)
            with Load(shop, clients=2) as load:
                load.wait_for_more()
                eventually(lambda: len(receiver.taken) > 0)
                services[-1].process.kill()
                assert services[-1].wait() == -signal.SIGKILL
                services.append(Service(tmp_path, settings, "--port", port, PRIVATE))
                load.wait_for_more()
            load.check(own_database, name)
            with own_database.snapshot() as tx:
                rows = tx.execute("SELECT id FROM entry WHERE seq > 0").fetchall()
            posted = {id_ for (id_,) in rows}
            assert posted >= load.acknowledged.keys()
            receiver.wait_for("order.settled", posted)
            assert not receiver.refused
            ids = {f"msg_{made['id']}_{row['data']['seq']}_0" for row in receiver.taken}
            assert receiver.ids.keys() == ids
            path = f"/v1/webhooks/{made['id']}/deliveries"
            eventually(lambda: shop.get(path, state="pending")["data"] == [])
    finally:
        for service in services:
            service.end()
    assert services[-1].process.returncode == 0
