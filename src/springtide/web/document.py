"""The OpenAPI document: FastAPI's for what is read, and the commands beside it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from springtide.services.permissions import PERMISSIONS
from springtide.web import models
from springtide.web.commands import COMMANDS

BODIES: dict[str, type[BaseModel]] = {
    "purchase": models.OrderIn,
    "bind": models.BindingIn,
    "refund": models.RefundIn,
    "cash_out": models.CashOutIn,
    "cash_out_batch": models.CashOutBatchIn,
    "redeem": models.RedemptionIn,
    "inject": models.InjectionIn,
}

_REF = "#/components/schemas/{model}"
_PROBLEMS = (400, 401, 403, 404, 409, 413, 422, 429, 503)


def _content(kind: str, model: str) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": _REF.format(model=model)}}}


def _responses(*done: tuple[str, str]) -> dict[str, Any]:
    responses = {
        code: {"description": text, "content": _content("application/json", "Receipt")}
        for code, text in done
    }
    for code in _PROBLEMS:
        responses[str(code)] = {
            "description": "why not",
            "content": _content("application/problem+json", "Problem"),
        }
    return responses


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
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
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
    return responses


def _batch() -> dict[str, Any]:
    line = "One order a line; each is answered by a line, its receipt or its problem, in order."
    lines = {"application/x-ndjson": {"schema": {"type": "string"}}}
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


def openapi(app: FastAPI, cookie: str) -> dict[str, Any]:
    """The document, made once; `cookie` is the name of the session's."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        shapes: list[type[BaseModel]] = [*BODIES.values(), models.Receipt, models.Problem]
        _, schemas = models_json_schema(
            [(shape, "validation") for shape in shapes], ref_template=_REF
        )
        document["components"].setdefault("schemas", {}).update(schemas["$defs"])
        document["components"]["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        }
        document["security"] = [{"key": []}, {"session": []}]
        _say_permissions(app, document)
        for command in COMMANDS:
            document["paths"].setdefault(command.path, {})["post"] = _command(*command)
        document["paths"]["/v1/orders/batch"] = {"post": _batch()}
        app.openapi_schema = document
    return app.openapi_schema
