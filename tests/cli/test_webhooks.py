"""`springtide webhook`: made, listed, sent again and removed from the command line."""

import json
from datetime import UTC, datetime

import pytest

from springtide.services import delivering, webhooks
from springtide.services.presets import read_preset
from springtide.services.programs import create_program
from springtide.services.writer import Writer
from springtide.storage.acts import list_acts
from springtide.storage.database import Database
from tests.cli.conftest import Command

URL = "https://93.184.215.14/points"


@pytest.fixture(scope="module")
def dsn(quiet_dsn: str) -> str:
    """No server takes what these tests take."""
    return quiet_dsn


@pytest.fixture(scope="module")
def database(dsn: str) -> Database:
    return Database(dsn)


@pytest.fixture
def program(database: Database, name: str) -> str:
    create_program(database, name, read_preset("advert-b"))
    return name


def test_the_life_of_a_webhook(springtide: Command, database: Database, program: str) -> None:
    assert "no webhook yet" in springtide("webhook", "list", program).out
    made = springtide("webhook", "add", program, URL, "--type", "order.settled")
    assert made.code == 0, made.err
    [secret] = made.out.splitlines()
    assert secret.startswith("whsec_")
    [row] = json.loads(springtide("webhook", "list", program, "--json").out)
    assert (row["url"], row["types"], row["state"]) == (URL, ["order.settled"], "active")
    table = springtide("webhook", "list", program).out
    assert URL in table.replace("\n", "")
    assert secret not in table

    with Writer(database, program) as writer:
        writer.post([{"type": "purchase", "id": "o1", "member": "m1", "amount": "1.00"}])
    [hook] = webhooks.list_endpoints(database, program)
    now = datetime.now(UTC)
    taken = delivering.take(database, hook.program_id, hook.id, now)
    assert taken is not None
    failed = [delivering.Sent(1, 0, now, 500, None)]
    delivering.record(database, taken, failed, now, lambda: 0.0)
    [sent] = json.loads(springtide("webhook", "deliveries", program, hook.id, "--json").out)
    assert (sent["state"], sent["attempts"], sent["last_status"]) == ("pending", 1, 500)
    assert sent["id"] in springtide("webhook", "deliveries", program, hook.id).out
    none = springtide("webhook", "deliveries", program, hook.id, "--state", "failed")
    assert none.out == f"nothing of {program} was sent to {hook.id}\n"
    assert springtide("webhook", "resend", program, sent["id"]).code == 0

    rotated = springtide("webhook", "rotate", program, hook.id, "--json")
    assert json.loads(rotated.out)["secret"] != secret
    assert springtide("webhook", "enable", program, hook.id).code == 0
    assert springtide("webhook", "remove", program, hook.id).code == 0
    assert json.loads(springtide("webhook", "list", program, "--json").out) == []
    with database.snapshot() as tx:
        acts = list_acts(tx, hook.program_id, limit=10)
    assert [act.what for act in acts] == [
        "webhook.remove", "webhook.rotate", "webhook.resend", "webhook.create",
            "program.create",
    ]  # fmt: skip
    assert {act.actor for act in acts} == {"cli"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "{}", "http://93.184.215.14/"], "only https is sent to"),
        (["add", "{}", "https://127.0.0.1/"], "127.0.0.1, which is this machine"),
        (["add", "{}", URL, "--type", "order.lost"], "order.lost; known are order.paid"),
        (["add", "nobody-s", URL], "no program is named 'nobody-s'"),
        (["remove", "{}", "we_0"], "no webhook 'we_0'; see `springtide webhook list"),
        (["resend", "{}", "msg_we_0_1_0"], "no webhook 'we_0'"),
        (["resend", "{}", "msg"], "no delivery 'msg'"),
        (["deliveries", "{}", "we_0", "--state", "lost"], "--state is 'lost'; give one of"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    springtide: Command, program: str, arguments: list[str], says: str
) -> None:
    refused = springtide("webhook", *(argument.format(program) for argument in arguments))
    assert (refused.code, refused.out) == (2, "")
    [line] = refused.err.splitlines()
    assert line.startswith("springtide: ")
    assert says in line


def test_a_private_address_is_sent_to_when_it_is_allowed(
    springtide: Command, program: str
) -> None:
    url = "http://127.0.0.1:9/points"
    made = springtide("webhook", "add", program, url, "--allow-private-webhooks", "--json")
    assert json.loads(made.out)["url"] == url
    # No server may send to it that was not told so; none of the tests' may.
    assert springtide("webhook", "remove", program, json.loads(made.out)["id"]).code == 0
