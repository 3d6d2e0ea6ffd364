"""The life of a server: how it starts, what it tells operators, and how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from springtide.cli.service import _say_address
from springtide.storage import embedded
from springtide.storage.database import Database
from springtide.web.pages.shared.files import NOT_BUILT, read_files
from springtide.web.problems import DOWN
from tests.web.load import Load
from tests.web.serving import (
    PATIENCE_S,
    Service,
    Shop,
    check_problem,
    client_of,
    opened,
    order,
    serving,
)
from tests.web.test_batch import Dialogue, lines

CUT_OFF = "timeout graceful shutdown exceeded"
"""What a server says that waited half a minute for its callers, and does so no more."""


def test_health_is_told_without_a_key(service: Service) -> None:
    with client_of(service.url) as stranger:
        for path in ("/healthz", "/readyz"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_metrics_count_what_was_answered(shop: Shop) -> None:
    def count(status: int) -> float:
        text = shop.client.get("/metrics").text
        found = re.search(rf'springtide_requests_total{{status="{status}"}} (\S+)', text)
        return float(found[1]) if found else 0

    posted, refused = count(201), count(409)
    shop.orders([order("o1"), order("o2")])
    shop.post("/v1/orders", order("o1", amount="7.00"))
    assert (count(201), count(409)) == (posted + 2, refused + 1)
    text = shop.client.get("/metrics").text
    assert 'springtide_request_seconds_bucket{le="0.005"}' in text
    assert "springtide_events_waiting 0.0" in text


def test_the_reference_needs_no_other_host(service: Service) -> None:
    with client_of(service.url) as stranger:
        page = stranger.get("/docs")
        assert page.status_code == 200
        assert "//" not in re.sub(r"<!--.*?-->|^\s*//.*$", "", page.text, flags=re.M | re.S)
        addresses = re.findall(r"""(?:src|href|url)(?:=|:\s*)["']([^"']+)""", page.text)
        assert len(addresses) >= 4
        for address in addresses:
            assert address.startswith("/"), address
            assert stranger.get(address).status_code == 200, address
        styles = stranger.get("/docs/assets/swagger-ui.css").text
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", styles)


def test_the_document_is_that_of_this_api(service: Service) -> None:
    with client_of(service.url) as stranger:
        document = stranger.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert len(document["paths"]) > 25
    operations = [
        operation for item in document["paths"].values() for operation in item.values()
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    links = {
        link["operationId"]
        for operation in operations
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }
    assert links, "what is posted links to where it is read"
    assert links <= set(names)


def test_every_answer_has_an_id_that_is_logged_if_it_is_a_refusal(
    service: Service, shop: Shop
) -> None:
    answers = [
        shop.post("/v1/orders", order("o1")),
        shop.client.get("/healthz"),
        shop.client.get("/nowhere"),
        shop.post("/v1/orders", order("o1", amount="2.00")),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    log = wait_for(service, ids[-1])
    rows = [json.loads(line) for line in log.splitlines()]
    logged = {row["request_id"]: row for row in rows if "request_id" in row}
    assert ids[0] not in logged
    assert (logged[ids[2]]["status"], logged[ids[2]]["path"]) == (404, "/nowhere")
    assert logged[ids[3]]["status"] == 409
    assert shop.secret not in log


def wait_for(service: Service, text: str) -> str:
    """The log, once it has this text."""
    deadline = monotonic() + PATIENCE_S
    while text not in (log := service.log.read_text()):
        assert monotonic() < deadline
        sleep(0.05)
    return log


def test_addresses_and_methods_that_are_not_there_are_problems(shop: Shop) -> None:
    check_problem(shop.client.get("/v1/nowhere"), 404, "not_found")
    refused = shop.client.put("/v1/members")
    check_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET"
    refused = shop.client.put("/v1/orders/batch")
    check_problem(refused, 405, "method_not_allowed")


def test_whoever_reads_the_address_can_connect_at_once(dsn: str, tmp_path: Path) -> None:
    service = Service(tmp_path, {"SPRINGTIDE_DATABASE": dsn}, "--port", "0")
    try:
        with client_of(service.url) as client:
            assert client.get("/healthz").status_code == 200
    finally:
        assert service.stop() == 0


def test_pages_that_are_not_built_are_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _say_address("http://x")
    monkeypatch.setattr(read_files, "__defaults__", (tmp_path,))
    _say_address("http://y")
    address, before, missing = capsys.readouterr().err.splitlines()
    assert "http://x" in address
    assert "http://y" in before
    assert missing == NOT_BUILT


@pytest.mark.parametrize(
    "arguments", [("--rate", "often"), ("--port", "70000"), ("--host", "192.0.2.1")]
)
def test_what_cannot_be_served_is_said_in_one_line(
    dsn: str, arguments: tuple[str, str]
) -> None:
    check_refused(dsn, *arguments, says=arguments[1])


def test_a_rate_that_is_none_is_said_with_the_remedy(dsn: str) -> None:
    says = "--rate is 'banana'; give one like 6000/minute"
    check_refused(dsn, "--rate", "banana", says=says)


def test_a_taken_port_is_said_in_one_line(service: Service, dsn: str) -> None:
    port = service.url.rsplit(":", maxsplit=1)[1]
    check_refused(dsn, "--port", port, says=port)
    with socket.socket() as silent:  # taken by somebody who does not listen yet
        silent.bind(("127.0.0.1", 0))
        port = str(silent.getsockname()[1])
        check_refused(dsn, "--port", port, says=port)


def check_refused(dsn: str, *arguments: str, says: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "springtide.cli", "serve", "--port", "0", *arguments],
        env={**os.environ, "SPRINGTIDE_DATABASE": dsn},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("springtide: ")
    assert says in line


def test_sigterm_under_load_loses_nothing_that_was_acknowledged(
    data: Path, tmp_path: Path, name: str
) -> None:
    with serving(tmp_path, {"SPRINGTIDE_DATA": str(data)}) as service:
        database = Database(f"host={data} dbname=postgres user=postgres")
        with opened(database, service.url, name) as shop, Load(shop) as load:
            load.wait_for_more(100)
            service.process.terminate()
            assert service.wait() == 0
            load.leave()
    assert not (data / "postmaster.pid").exists(), "the embedded server still runs"
    for ill in ("Traceback", CUT_OFF):
        assert ill not in service.said.read_text()
    with embedded.running(data) as dsn:
        load.check(Database(dsn), name)


def test_a_batch_that_was_begun_is_finished_before_the_server_ends(
    dsn: str, database: Database, tmp_path: Path, name: str
) -> None:
    with (
        serving(tmp_path, {"SPRINGTIDE_DATABASE": dsn}) as service,
        opened(database, service.url, name) as shop,
        Dialogue(shop) as dialogue,
    ):
        dialogue.send(lines([order(f"o{number}") for number in range(1_000)]))
        dialogue.read_head()
        answers = dialogue.read_chunk()
        service.process.terminate()
        sleep(0.5)
        dialogue.send(lines([order(f"p{number}") for number in range(1_500)]))
        dialogue.send(b"")
        while chunk := dialogue.read_chunk():
            answers += chunk
        assert service.wait() == 0
    receipts = [json.loads(line) for line in answers.splitlines()]
    assert len(receipts) == 2_500
    assert not any("code" in receipt for receipt in receipts)


def test_who_presses_ctrl_c_twice_does_not_wait_for_slow_callers(
    dsn: str, database: Database, tmp_path: Path, name: str
) -> None:
    with (
        serving(tmp_path, {"SPRINGTIDE_DATABASE": dsn}) as service,
        opened(database, service.url, name) as shop,
        Dialogue(shop) as dialogue,
    ):
        shop.orders([order("o1")])
        dialogue.send(lines([order("o2")]))
        for _ in range(2):
            sleep(0.5)
            service.process.send_signal(signal.SIGINT)
        assert service.wait() == 0
    assert CUT_OFF not in service.said.read_text(), "it waited as long as it may"


def test_while_the_database_is_away_it_says_so(data: Path, tmp_path: Path, name: str) -> None:
    with (
        embedded.running(data) as dsn,
        serving(tmp_path, {"SPRINGTIDE_DATABASE": dsn}) as service,
        opened(Database(dsn), service.url, name) as shop,
        opened(Database(dsn), service.url, f"{name}-unused") as unused,
    ):
        shop.orders([order("o1")])
        unused.get("/v1/orders")
        stop_postgres(data)
        for shut in (shop, unused):
            refused = shut.post("/v1/orders", order("o2"))
            check_problem(refused, 503, "database_down")
            assert int(refused.headers["retry-after"]) >= 1
            read = shut.client.get("/v1/orders")
            check_problem(read, 503, "database_down")
            batch = shut.client.post("/v1/orders/batch", content=lines([order("o2")]))
            assert batch.json()["code"] == "database_down"
            assert {answer.json()["detail"] for answer in (refused, read, batch)} == {DOWN}
        wait_for(service, "correct SPRINGTIDE_DATABASE")
        assert shop.client.get("/healthz").status_code == 200
        down = shop.client.get("/readyz")
        assert (down.status_code, down.json()) == (503, {"status": "down"})
        with embedded.running(data):
            service.wait_until_ready()
            assert shop.post("/v1/orders", order("o1")).status_code == 200
            assert shop.post("/v1/orders", order("o2")).status_code == 201
            service.stop()


def stop_postgres(data: Path) -> None:
    pid_file = data / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    while pid_file.exists():
        sleep(0.02)
