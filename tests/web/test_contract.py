"""The service keeps to its own OpenAPI document, whatever it is sent."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from springtide.storage.database import Database
from tests.services.histories import assert_sound
from tests.web.filled import filled
from tests.web.serving import Service, Shop, bearer

SEED = 20261122

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)
"""All but `positive_data_acceptance`: what has the right shape may still be refused."""


@pytest.fixture
def shop(service: Service, database: Database, name: str) -> Iterator[Shop]:
    with filled(database, service.url, name, "a") as shop:
        yield shop


def config_for(shop: Shop, examples: int, walks: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": bearer(shop.secret),
            "generation": {"deterministic": True, "max-examples": examples, "database": "none"},
            "checks": {"enabled": False} | {name: {"enabled": True} for name in CHECKS},
            "phases": {"stateful": {"generation": {"max-examples": walks}, "max-steps": 6}},
            "operations": [
                {  # whatever is in a batch, each of its lines is answered
                    "include-operation-id": "post_batch",
                    "checks": {"negative_data_rejection": {"enabled": False}},
                }
            ],
            "continue-on-failure": True,
            "request-timeout": 60,
        }
    )


kept: set[str] = set()
"""Keys that are not revoked on the way: everything else is asked with them."""


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _options: object) -> None:
    if case.method == "DELETE" and case.path_parameters.get("id") in kept:
        case.path_parameters["id"] = "key_of_nobody"


@schemathesis.serializer("application/x-ndjson")
def as_lines(_: schemathesis.SerializationContext, value: object) -> bytes:
    """A batch goes as it is, or as one line of JSON if it is no text."""
    return (value if isinstance(value, str) else json.dumps(value)).encode(errors="ignore")


class Findings:
    """What was sent, and what was wrong with the answers."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self._where: defaultdict[str, set[str]] = defaultdict(set)
        self._why: dict[str, str] = {}

    def note(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.NonFatalError):
            self._add("error", str(event.label), event.info.format())
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.ScenarioFinished):
            self.sent[event.phase.value] += len(event.recorder.interactions)
            self._note_checks(event.recorder)

    def _note_checks(self, recorder: ScenarioRecorder) -> None:
        for case, checks in recorder.checks.items():
            for check in checks:
                if check.status == Status.FAILURE and check.failure_info is not None:
                    failure, code = check.failure_info.failure, check.failure_info.code_sample
                    label = recorder.cases[case].value.operation.label
                    what = f"{check.name}: {failure.title}"
                    self._add(what, label, f"{failure.message}\n{code}")

    def _add(self, what: str, where: str, why: str) -> None:
        self._where[what].add(where)
        self._why.setdefault(what, why)

    def __str__(self) -> str:
        return "\n\n".join(
            f"{what}\n{why}\nSo do: {', '.join(sorted(self._where[what]))}"
            for what, why in self._why.items()
        )


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("examples", "walks"), [(3, 10), pytest.param(12, 50, marks=pytest.mark.slow)]
)
def test_no_answer_is_outside_the_document(shop: Shop, examples: int, walks: int) -> None:
    config = config_for(shop, examples, walks)
    schema = schemathesis.openapi.from_url(f"{shop.url}/openapi.json", config=config)
    kept.add(shop.get("/v1/api-keys")["data"][0]["id"])
    findings = Findings()
    for event in from_schema(schema).execute():
        findings.note(event)
    assert not str(findings), str(findings)
    assert findings.sent["stateful"] > 3 * walks, findings.sent
    assert shop.client.get("/v1/programs").status_code == 200, "the key was revoked on the way"
    assert_sound(shop.database, shop.name)
