"""An operation of the interface: its route, what it needs, what goes in and out. Routes and description come from this list."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from idp.errors import ProtocolError, Refusal
from idp.web.api.access import WRITE, check_caller

if TYPE_CHECKING:
    from idp.policy.staff import Permission

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STATUS = {
    "account_unknown": (404, "not_found", "there is no such account"),
    "registration_unknown": (404, "not_found", "there is no such registration, or it cannot be confirmed any more"),
    "not_permitted": (403, "access_denied", "this person may not do that to this account"),
    "beyond_limits": (403, "access_denied", "this person decides about other serial families or countries"),
    "own_account": (403, "access_denied", "nobody decides about their own account"),
    "reason_missing": (422, "invalid_request", "reason: the customer reads it, so it must say something"),
    "reason_too_long": (422, "invalid_request", "reason or remark is too long"),
    "not_waiting": (409, "conflict", "this application does not wait for a decision any more"),
    "assigned_already": (409, "conflict", "somebody else has it; name them in seen"),
    "assignee_unknown": (422, "invalid_request", "to: names nobody who may decide about it"),
    "note_too_long": (422, "invalid_request", "text: is too long"),
    "title_missing": (422, "invalid_request", "title: must say something"),
    "title_too_long": (422, "invalid_request", "title: is too long"),
    "text_missing": (422, "invalid_request", "texts: must say something in one language at least"),
    "too_many": (422, "invalid_request", "applications: are too many at once"),
    "note_missing": (422, "invalid_request", "text: must say something"),
    "proposed_already": (409, "conflict", "something is proposed about this account already; answer that first"),
    "proposal_gone": (404, "not_found", "there is no such proposal, or it was answered already"),
    "proposal_void": (409, "conflict", "whoever proposed it may not decide about it any more; send it back"),
    "own_proposal": (403, "access_denied", "somebody else confirms it"),
    "version_unknown": (404, "not_found", "there is no such version of the rules"),
    "rules_overtaken": (409, "conflict", "other rules were switched on meanwhile; look at them first"),
    "remark_missing": (422, "invalid_request", "remark: must say why"),
    "remark_too_long": (422, "invalid_request", "remark: is too long"),
    "blocked_value_unclear": (422, "invalid_request", "value: must be a serial number, an e-mail address or a domain"),
    "claim.over": (409, "conflict", "this device does not wait for staff any more"),
    "serial_number.invalid": (422, "invalid_request", "serial_number: two letters, three digits and a letter"),
    "batch_unknown": (404, "not_found", "there are no such decisions"),
    "note_unknown": (404, "not_found", "there is no such note of this person"),
    "text_unknown": (404, "not_found", "there is no such text"),
    "client_unknown": (404, "not_found", "there is no such site"),
    "not_dead": (404, "not_found", "there is no such dead letter"),
    "transfer.over": (409, "conflict", "this account does not own the device any more"),
    "transfer.receiver_unknown": (422, "invalid_request", "receiver: there is no such account"),
    "transfer.same_account": (422, "invalid_request", "receiver: is the owner already"),
    "device.too_many": (409, "conflict", "receiver: owns as many devices as an account can have"),
    "closing.closed": (409, "conflict", "it is closed already"),
    "closing.no_way_back": (409, "conflict", "it is not closed, or there is no way back any more"),
    "closing.staff": (403, "access_denied", "this account works at the desk; take the roles away first"),
    "email.invalid": (422, "invalid_request", "email: must be one address"),
    "email.same": (422, "invalid_request", "email: is the address already"),
    "email.taken": (409, "conflict", "email: another account has it"),
    "email.changed": (409, "conflict", "the address was changed meanwhile; look at it again"),
    "role_unknown": (422, "invalid_request", "roles: must be names of roles"),
    "limits.families": (422, "invalid_request", "families: must be two letters each"),
    "limits.countries": (422, "invalid_request", "countries: must be two letters each"),
    "limits.not_for_roles": (422, "invalid_request", "limits are for approvers who are not administrators"),
    "nothing_chosen": (422, "invalid_request", "applications: names none that there is"),
    "too_late": (409, "conflict", "they have taken effect, or are taking effect now"),
    "client_has_no_secret": (409, "conflict", "this site has no secret"),
    "decided_already": (409, "conflict", "somebody else was first, or the status is another one"),
}
"""How a refusal is told: HTTP status, error code, description."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `asks` is read from the query of a GET, from the JSON body of a POST; `run` does it.

    `fresh`: the act matters so much that the person must have given the password shortly before (SE-13; RFC 9470).
    """

    method: str
    path: str
    name: str
    summary: str
    permission: Permission
    scope: str
    answers: type[BaseModel]
    run: Callable[..., BaseModel]
    asks: type[BaseModel] | None = None
    fresh: bool = False

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return "/api" + self.path.replace("{", "<").replace("}", ">")


def mount(operations: Sequence[Operation]) -> Blueprint:
    """The routes of all operations."""
    blueprint = Blueprint("api", __name__)
    for operation in operations:
        blueprint.add_url_rule(operation.rule, operation.name, _view_of(operation), methods=[operation.method])
    return blueprint


def _view_of(operation: Operation) -> Callable[..., Response]:
    def view(**places: str) -> Response:
        caller = check_caller(operation.permission, operation.scope, fresh=operation.fresh)
        if not all(_IDENTIFIER.fullmatch(place) for place in places.values()):  # PostgreSQL takes no NUL (IV-1)
            raise ProtocolError("not_found", "there is no such thing", status=404)
        asked = [_read(operation)] if operation.asks else []
        try:
            return _tell(operation.run(caller, *places.values(), *asked))
        except Refusal as refusal:
            raise _error_of(refusal) from None

    return view


def _read(operation: Operation) -> BaseModel:
    """What was asked. Raises `ProtocolError` with the place and what is wrong; never with what was sent."""
    assert operation.asks is not None
    try:
        if operation.scope == WRITE:
            return operation.asks.model_validate_json(_read_body())
        if any(len(request.args.getlist(name)) > 1 for name in request.args):
            raise ProtocolError("invalid_request", "a parameter was sent twice")
        return operation.asks.model_validate(request.args.to_dict())
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        known = _names_of(operation.asks)
        place = ".".join(str(part) for part in fault["loc"] if isinstance(part, int) or part in known) or "the request"
        raise ProtocolError("invalid_request", f"{place}: {_plain(str(fault['msg']))}", status=422) from None


@cache
def _names_of(asked: type[BaseModel]) -> frozenset[str]:
    """Every name that a request may hold, at any depth; what else was sent is never told back."""
    schema = asked.model_json_schema()
    parts = (schema, *schema.get("$defs", {}).values())
    return frozenset(name for part in parts for name in part.get("properties", ()))


def _read_body() -> bytes:
    if request.mimetype != "application/json":
        raise ProtocolError("invalid_request", "the body must be application/json", status=415)
    try:
        return request.get_data(cache=False)
    except HTTPException as error:
        raise ProtocolError("invalid_request", "the body cannot be read", status=error.code or 400) from None


def _plain(text: str) -> str:
    """Only what a description may hold (RFC 6749 §5.2)."""
    return "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "'" for letter in text
    )


def _error_of(refusal: Refusal) -> ProtocolError:
    status, error, description = _STATUS.get(refusal.key, (422, "invalid_request", "this cannot be done"))
    return ProtocolError(error, description, status=status, detail=refusal.key)


def _tell(answer: BaseModel) -> Response:
    response = Response(answer.model_dump_json(), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
