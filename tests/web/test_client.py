"""A client generated from the document, as docs/clients.md says, plays a shop's day."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.services.histories import assert_sound
from tests.web.serving import Shop, order
from tests.web.test_batch import lines

PACKAGE = "springtide_client"
SETTINGS = Path(__file__).parents[2] / "docs" / "client.yaml"


@pytest.fixture
def client(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of the generated package, which can be imported for as long as this lasts."""
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(shop.get("/openapi.json")))
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    paths = ["--path", document, "--output-path", tmp_path / PACKAGE, "--config", SETTINGS]
    arguments = [*generate, *map(str, paths), "--fail-on-warning"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    package = import_module(PACKAGE)
    with package.AuthenticatedClient(base_url=shop.url, token=shop.secret) as client:
        yield client
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def call(operation: str, client: Any, **arguments: Any) -> Any:
    """What an operation answers, as the class that the document says."""
    return import_module(f"{PACKAGE}.api.{operation}").sync(client=client, **arguments)


def shape(name: str) -> Any:
    return getattr(import_module(f"{PACKAGE}.models"), name)


def test_a_generated_client_plays_a_shops_day(client: Any, shop: Shop) -> None:
    bought = shape("OrderIn")(id="o1", member="m1", amount="1000.00", merchant="shop-1")
    receipt = call("orders.post_purchase", client, body=bought)
    assert isinstance(receipt, shape("Receipt"))
    assert receipt["granted"] == "112.000000000"
    assert call("orders.post_purchase", client, body=bought) == receipt
    problem = call(
        "orders.post_purchase", client, body=shape("OrderIn")(id="o2", member="m1", amount="0")
    )
    assert isinstance(problem, shape("Problem"))
    assert (problem.code, problem.status) == ("invalid_amount", 422)

    quote = call("cash_outs.quote", client, member="m1", points="10")
    wish = shape("CashOutIn")(member="m1", points="10", min_net=quote.net)
    paid = call("cash_outs.post_cash_out", client, body=wish)
    assert paid["net"] == quote.net
    statement = call("members.read_statement", client, id="m1")
    assert statement.wallet == quote.net
    assert [line.cause for line in statement.lines][-1] == "cash_out"

    refund = shape("RefundIn")(order="o1", amount="250.00")
    assert call("refunds.post_refund", client, body=refund)["amount"] == "250.000000"
    posted = call("orders.read_purchase", client, id="o1")
    assert (posted.status, posted.refunded) == ("settled", "250.000000")
    page = call("orders.list_purchase", client, limit=1)
    assert [row.id for row in page.data] == ["o1"]

    body = import_module(f"{PACKAGE}.types").File(payload=BytesIO(lines([order("o3")])))
    answers = call("orders.post_batch", client, body=body).payload.read()
    assert json.loads(answers)["id"] == "o3"
    assert_sound(shop.database, shop.name)


def test_a_client_without_a_key_is_told_so(client: Any, shop: Shop) -> None:
    package = import_module(PACKAGE)
    with package.Client(base_url=shop.url) as stranger:
        problem = call("members.read_member", stranger, id="m1")
    assert (problem.code, problem.status) == ("unauthorized", 401)
