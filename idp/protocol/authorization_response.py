"""The authorization response: RFC 6749 §4.1.2, with `iss` in every answer (RFC 9207 §2).

Success and error go through one function, so that `state` and `iss` are never forgotten. Only the query mode exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from idp.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where an answer may go: made only after client and redirect URI were checked."""

    redirect_uri: str
    state: str | None
    issuer: str


def build_success(reply_to: ReplyTo, code: str) -> str:
    """The address that hands the code to the client."""
    return _build(reply_to, {"code": code})


def build_error(reply_to: ReplyTo, error: ProtocolError) -> str:
    """The address that tells the client why not (RFC 6749 §4.1.2.1)."""
    values = {"error": error.error}
    if error.description:
        values["error_description"] = error.description
    return _build(reply_to, values)


def _build(reply_to: ReplyTo, values: dict[str, str]) -> str:
    """Add to the redirect URI, whose own query is kept (RFC 6749 §3.1.2)."""
    if reply_to.state is not None:
        values["state"] = reply_to.state
    values["iss"] = reply_to.issuer
    separator = "&" if "?" in reply_to.redirect_uri else "?"
    return f"{reply_to.redirect_uri}{separator}{urlencode(values, quote_via=quote)}"
