"""What the endpoints for machines share: their request as a value, and answers in JSON (RFC 6749 §3.2, §5.1, §5.2).

Parameters come from a urlencoded body and from nowhere else (CO-11); an answer is never stored (GO-5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from idp.errors import ProtocolError
from idp.protocol.parameters import parse_parameters

FORM = "application/x-www-form-urlencoded"
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
_JSON_HEADERS = (("Content-Type", "application/json"), *NO_STORE)

encode_json = orjson.dumps
"""JSON without blanks, in UTF-8 and with its characters as they are."""

log = structlog.get_logger("idp.protocol")


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """A request as it came; `authorization` is None where the header is absent, and may be empty."""

    method: str
    query: bytes = field(default=b"", repr=False)
    content_type: str = ""
    authorization: str | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)
    accept: str = ""

    @property
    def is_form(self) -> bool:
        """Whether the body says it is urlencoded; its characters are UTF-8, whatever it adds."""
        return self.content_type.partition(";")[0].strip().lower() == FORM


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body, for whichever door asked."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)


def read_form(request: EndpointRequest) -> Mapping[str, str]:
    """The parameters of a POST. Raises `ProtocolError` for any other method, place or type, and for unsound values."""
    if request.method != "POST":
        raise ProtocolError("invalid_request", "this endpoint takes POST only", status=405, headers={"Allow": "POST"})
    if request.query:
        raise ProtocolError("invalid_request", "parameters belong in the body, not in the address")
    if not request.is_form:
        raise ProtocolError("invalid_request", f"the body must be {FORM}")
    parameters = parse_parameters(request.body)
    for fault in parameters.faults.values():
        raise ProtocolError("invalid_request", "a parameter is not usable: " + fault)
    return parameters.values


def require(form: Mapping[str, str], name: str) -> str:
    """A parameter that must be there."""
    value = form.get(name)
    if value is None:
        raise ProtocolError("invalid_request", f"{name} is missing")
    return value


def answer_json(status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that nobody may store."""
    return Answer(status, (*_JSON_HEADERS, *(headers or {}).items()), encode_json(value))


def answer_jwt(token: str, content_type: str) -> Answer:
    """A signed or encrypted answer that nobody may store."""
    return Answer(200, (("Content-Type", content_type), *NO_STORE), token.encode())


def answer_error(error: ProtocolError, *, endpoint: str, client_id: str = "") -> Answer:
    """The standard's error object (RFC 6749 §5.2); one line in the log says who, where and why (GO-8)."""
    log.warning(
        "refused", endpoint=endpoint, error=error.error, client_id=client_id, why=error.detail or error.description
    )
    value = {"error": error.error}
    if error.description:
        value["error_description"] = error.description
    return answer_json(error.status, value, error.headers)
