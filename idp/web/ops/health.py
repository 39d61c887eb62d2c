"""`/healthz` and `/readyz` for supervisors and load balancers (RL-7); they say nothing about versions or hosts (GO-2)."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from idp.store import readiness
from idp.web.context import provider

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return _answer("ok", 200)


@blueprint.get("/readyz")
def readyz() -> Response:
    """The process can do its work: the database answers and has the schema of this version."""
    fault = readiness.find_fault(provider().database)
    if fault is None:
        return _answer("ok", 200)
    response = _answer(f"{fault} is not ready", 503)
    response.headers["Retry-After"] = "5"
    return response


def _answer(status: str, code: int) -> Response:
    response = jsonify(status=status)
    response.status_code = code
    response.headers["Cache-Control"] = "no-store"
    return response
