"""The OpenAPI document: FastAPI's for what is read, and the commands beside it."""

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from springtide.core.event_fields import LONGEST_ID
from springtide.services.permissions import PERMISSIONS
from springtide.web import models
from springtide.web.cash_outs import CashOutWish
from springtide.web.commands import BATCH_PATH, COMMANDS
from springtide.web.depends import PROBLEMS, WHY_NOT

BODIES: dict[str, type[BaseModel]] = {
    "purchase": models.OrderIn,
    "bind": models.BindingIn,
    "refund": models.RefundIn,
    "cash_out": models.CashOutIn,
    "cash_out_batch": models.CashOutBatchIn,
    "redeem": models.RedemptionIn,
    "inject": models.InjectionIn,
}

EXAMPLES: dict[str, dict[str, Any]] = json.loads(
    (files("springtide") / "web" / "examples.json").read_text(encoding="utf-8")
)
"""By operation, in the order of a story: its request, and what a new program answered."""

_REF = "#/components/schemas/{model}"
_PROBLEMS = (*PROBLEMS, 413)


def _content(kind: str, model: str) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _REF.format(model=model)}}}


def _responses(*done: tuple[str, str]) -> dict[str, Any]:
    responses = {
        code: {"description": text, "content": _content("application/json", "Receipt")}
        for code, text in done
    }
    return responses | {str(code): WHY_NOT for code in _PROBLEMS}


def _command(path: str, type_: str, scope: str) -> dict[str, Any]:
    model = BODIES[type_]
    return {
        "operationId": f"post_{type_}",
        "summary": path.removeprefix("/v1/").replace("/", " "),
        "description": f"{model.__doc__} Takes `{scope}`: {PERMISSIONS[scope]}.",
        "x-permission": scope,
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The id, if the body has none.",
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
            }
        ],
        "requestBody": {
            "required": True,
            "content": _content("application/json", model.__name__),
        },
        "responses": _with_links(
            _responses(("200", "posted before"), ("201", "posted")), type_, model
        ),
    }


def _with_links(
    responses: dict[str, Any], type_: str, model: type[BaseModel]
) -> dict[str, Any]:
    """Where what was posted is read back, and the member and merchant it names."""
    links: dict[str, Any] = {}
    if type_ != "cash_out_batch":
        links["posted"] = {
            "operationId": f"read_{type_}", "parameters": {"id": "$response.body#/id"},
        }  # fmt: skip
    for field in ("member", "merchant"):
        if field in model.model_fields:
            links[field] = {
                "operationId": f"read_{field}", "parameters": {"id": f"$request.body#/{field}"},
            }  # fmt: skip
    if type_ == "purchase":
        links["refund"] = {
            "operationId": "post_refund", "requestBody": {"order": "$response.body#/id"},
        }  # fmt: skip
    for code in ("200", "201"):
        responses[code]["links"] = links
    if type_ == "cash_out":
        waits = "recorded: cash-outs are daily, and it waits for the next batch"
        responses["202"] = {
            "description": waits,
            "content": _content("application/json", CashOutWish.__name__),
            "links": {
                name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
                for name in ("read_cash_out_request", "cancel_cash_out_request")
            },
        }
        either = [{"$ref": _REF.format(model=name)} for name in ("Receipt", "CashOutWish")]
        responses["200"]["content"]["application/json"]["schema"] = {"anyOf": either}
    return responses


def _batch() -> dict[str, Any]:
    line = "One order a line; each is answered by a line, its receipt or its problem, in order."
    lines = {"application/x-ndjson": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "operationId": "post_batch",
        "summary": "orders batch",
        "description": f"{line} Every order needs an id of yours.",
        "x-permission": "orders",
        "requestBody": {"required": True, "content": lines},
        "responses": {**_responses(), "200": {"description": "answers", "content": lines}},
    }


def _say_permissions(app: FastAPI, document: dict[str, Any]) -> None:
    """Let every operation say what it takes, as the dependency says that asks for it."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for dependency in route.dependant.dependencies:
            permission = getattr(dependency.call, "permission", None)
            if permission is not None:
                for method in route.methods or ():
                    operation = document["paths"][context.path_format][method.lower()]
                    operation["x-permission"] = permission


def _show_examples(paths: dict[str, Any]) -> None:
    """Put the examples where readers and generators look for them."""
    for item in paths.values():
        for operation in item.values():
            example = EXAMPLES.get(operation["operationId"])
            if example is None:
                continue
            if "request" in example:
                content = operation["requestBody"]["content"]["application/json"]
                content["example"] = example["request"]
            [kind] = operation["responses"][str(example["status"])]["content"].values()
            kind["example"] = example["response"]


def _tag(paths: dict[str, Any]) -> None:
    """Group operations by the resource that their address begins with."""
    for path, item in paths.items():
        for operation in item.values():
            operation["tags"] = [path.removeprefix("/v1").split("/")[1]]


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            webhooks=app.webhooks.routes,
        )
        shapes: list[type[BaseModel]] = [*BODIES.values(), models.Receipt, models.Problem]
        _, schemas = models_json_schema(
            [(shape, "validation") for shape in shapes], ref_template=_REF
        )
        document["components"].setdefault("schemas", {}).update(schemas["$defs"])
        document["components"]["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": app.state.cookies.name},
        }
        document["security"] = [{"key": []}, {"session": []}]
        _say_permissions(app, document)
        for command in COMMANDS:
            document["paths"].setdefault(command.path, {})["post"] = _command(*command)
        document["paths"][BATCH_PATH] = {"post": _batch()}
        _tag(document["paths"])
        _show_examples(document["paths"])
        app.openapi_schema = document
    return app.openapi_schema
