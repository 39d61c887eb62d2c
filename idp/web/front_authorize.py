"""The authorization request of somebody who is signed in and asked nothing, in front of Flask (OpenID Connect Core §3.1.2).

The step itself is the one of `oauth/authorize`. Whatever needs a page, a cookie to be written, a request object or
another response type is left to Flask, and nothing of the attempt stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.protocol.endpoint import Answer
from idp.protocol.parameters import parse_parameters
from idp.protocol.session_management import make_browser_state
from idp.web.browser_session import find_signed_in, is_secret
from idp.web.oauth.authorize import as_visitor, begin, send_back
from idp.web.oauth.token import build_issuing

if TYPE_CHECKING:
    from idp.protocol.parameters import Parameters
    from idp.provider import Provider
    from idp.web.edge import Environ

_UNUSUAL = frozenset({"handle", "request", "request_uri", "response_mode", "language"})
_DEPENDS_ON_COOKIES = (("Vary", "Cookie"), ("Cache-Control", "no-store"))


class _NeedsFlask(Exception):
    """This request ends in a page."""


class AuthorizeDoor:
    """Answers such a request; None for every other, with nothing written."""

    def __init__(self, parts: Provider) -> None:
        self._parts = parts
        self._issuing = build_issuing(parts)
        self._is_https = parts.settings.is_https
        prefix = "__Host-idp_" if self._is_https else "idp_"
        self._session, self._browser, self._state = f"{prefix}session", f"{prefix}browser", f"{prefix}state"

    def __call__(self, environ: Environ) -> Answer | None:
        """The redirect back to the client."""
        cookies = read_cookies(environ.get("HTTP_COOKIE", ""))
        secret = cookies.get(self._session, "")
        if not is_secret(secret) or not is_secret(cookies.get(self._browser, "")):
            return None
        try:
            parameters = parse_parameters(environ.get("QUERY_STRING", "").encode("latin-1", "replace"))
            return self._answer(parameters, secret, cookies.get(self._state))
        except (ProtocolError, _NeedsFlask):
            return None

    def _answer(self, parameters: Parameters, secret: str, state: str | None) -> Answer | None:
        values = parameters.values
        if parameters.faults or values.get("response_type") != "code" or not _UNUSUAL.isdisjoint(values):
            return None
        signed_in = find_signed_in(self._parts, secret, self._parts.clock())
        if signed_in is None or signed_in.is_idle:
            return None
        if self._is_https and state != make_browser_state(self._parts.master, signed_in.sid):
            return None
        client = self._parts.clients.find(values.get("client_id", ""))
        if client is None or client.details.get("require_signed_request_object") is True:
            return None
        outcome = begin(self._parts, self._issuing, parameters, as_visitor(signed_in), _need_flask)
        if outcome.reply is None:
            return None
        answer = send_back(outcome.reply)
        return Answer(answer.status, (*answer.headers, *_DEPENDS_ON_COOKIES), answer.body)


def read_cookies(header: str) -> dict[str, str]:
    """The cookies of a request by name; one that was sent twice has no value, as one that is quoted has none of ours."""
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        found[name] = "" if name in found else value
    return found


def _need_flask() -> str:
    raise _NeedsFlask
