"""The examples of the OpenAPI document are what a new program really answers."""

import json
from collections.abc import Iterator
from typing import Any

from springtide.services.presets import read_preset
from springtide.storage.database import Database
from springtide.web.document import EXAMPLES
from tests.web.serving import Service, Shop, opened

VOLATILE = {
    "applied_at", "asked_at", "at", "bound_on", "code", "entries", "expires_at", "last_hash",
    "made_at", "name", "posted_at", "reviewed_at", "reviewer", "time",
}  # fmt: skip
"""Fields that are different each time."""


def play(shop: Shop) -> Iterator[tuple[str, Any]]:
    """Each operation that has an example, with what it answers, in the order of a story."""
    operations = {
        operation["operationId"]: (method, path)
        for path, item in shop.get("/openapi.json")["paths"].items()
        for method, operation in item.items()
    }
    for name, example in EXAMPLES.items():
        method, path = operations[name]
        for field, value in example.get("path", {}).items():
            path = path.replace("{" + field + "}", shop.name if field == "name" else value)
        answer = shop.client.request(
            method.upper(), path, json=example.get("request"), params=example.get("query")
        )
        yield name, (answer.status_code, answer.json())


def steady(value: Any) -> Any:
    """A document without what is different each time."""
    if isinstance(value, dict):
        return {key: "" if key in VOLATILE else steady(item) for key, item in value.items()}
    return [steady(item) for item in value] if isinstance(value, list) else value


def test_the_examples_are_what_is_answered(
    service: Service, database: Database, name: str
) -> None:
    with opened(database, service.url, name, read_preset("advert-b")) as shop:
        played = dict(play(shop))
    for operation, (status, answer) in played.items():
        example = EXAMPLES[operation]
        assert status == example["status"], (operation, answer)
        assert steady(answer) == steady(example["response"]), operation
    assert len(played) >= 15


def test_the_document_shows_the_examples(service: Service, shop: Shop) -> None:
    document = shop.get("/openapi.json")
    shown = json.dumps(document)
    for operation, example in EXAMPLES.items():
        assert json.dumps(example["response"]) in shown, operation
