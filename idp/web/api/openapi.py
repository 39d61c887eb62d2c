"""`/api/openapi.json`: the description of the interface (OpenAPI 3.1), made from its operations and models."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, url_for
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from idp.web.api.access import READ, WRITE
from idp.web.api.models import Problem
from idp.web.api.operations import Operation
from idp.web.api.views import OPERATIONS
from idp.web.context import provider

blueprint = Blueprint("api_description", __name__)

_REFERENCE = "#/components/schemas/{model}"
_PROBLEMS = {
    "401": "No token, or none that works here.",
    "403": "The token's scope or the person's roles do not permit it.",
    "404": "There is no such thing.",
    "409": "Somebody else was first.",
    "422": "What was sent cannot work; `error_description` names the place.",
}


@blueprint.get("/api/openapi.json")
def description() -> Response:
    """The description; it tells nothing about anybody."""
    return jsonify(describe())


def describe() -> dict[str, Any]:
    """The whole description as JSON."""
    issuer = provider().settings.server.issuer
    used: set[type[BaseModel]] = {Problem, *(operation.answers for operation in OPERATIONS)}
    used |= {operation.asks for operation in OPERATIONS if operation.asks and operation.scope == WRITE}
    ordered = sorted(used, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "serialization") for model in ordered], ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Staff interface of {provider().settings.branding.name}",
            "version": "1",
            "description": "What the staff desk does, for tools: a member of staff signs in at the tool, and it acts with"
            " that person's roles. Times are RFC 3339 in UTC.",
        },
        "servers": [{"url": f"{issuer}/api"}],
        "paths": _paths(),
        "components": {"schemas": schemas.get("$defs", {}), "securitySchemes": {"staff": _sign_in()}},
    }


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"Needs the permission `{operation.permission.value}`.",
        "security": [{"staff": [operation.scope]}],
        "responses": {
            "200": {"description": operation.answers.__doc__, "content": _json(operation.answers)},
            **{status: {"description": text, "content": _json(Problem)} for status, text in _PROBLEMS.items()},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]
    if operation.asks and operation.scope == READ:
        schema = operation.asks.model_json_schema()
        parameters += [{"name": name, "in": "query", "schema": value} for name, value in schema["properties"].items()]
    elif operation.asks:
        described["requestBody"] = {"required": True, "content": _json(operation.asks)}
    return described | ({"parameters": parameters} if parameters else {})


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def _sign_in() -> dict[str, Any]:
    return {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": url_for("authorize.authorize", _external=True),
                "tokenUrl": url_for("oauth_token.token", _external=True),
                "scopes": {READ: "Read what the desk shows", WRITE: "Do what the desk does"},
            }
        },
    }
