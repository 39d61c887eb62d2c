"""A second door for machines, below Flask: the usual requests, answered by the functions that Flask's views call as well.

No rule lives here. What is unusual in any way (another method or address, a condition, a body of unknown length, a
parameter in the address) falls through to Flask, and so does a defect: Flask's handlers tell it as they would have.
`server.front = false` leaves the door out; tests hold both doors' answers against each other.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import request
from werkzeug.http import HTTP_STATUS_CODES

from idp.protocol.discovery import OAUTH_PATH, OPENID_PATH
from idp.protocol.endpoint import Answer, EndpointRequest
from idp.protocol.introspection import answer_introspection
from idp.protocol.revocation import answer_revocation
from idp.protocol.token_endpoint import answer_token_request
from idp.protocol.userinfo import answer_userinfo
from idp.web.edge import CLIENT_ADDRESS, FAILED
from idp.web.front_authorize import AuthorizeDoor
from idp.web.oauth.discovery import ready_metadata
from idp.web.oauth.machine import CACHE_SECONDS, build_authentication, build_reading, slow_down_guesses
from idp.web.oauth.token import build_issuing

if TYPE_CHECKING:
    from flask import Flask

    from idp.provider import Provider
    from idp.web.cross_origin import CrossOrigin
    from idp.web.edge import Environ, Headers

Door = Callable[["Environ"], "Answer | None"]

AUTHORIZE = "/oauth/authorize"
MOST_PARAMETERS = 100
"""A body with more than so many falls through: Flask counts them."""

_UNUSUAL = frozenset(
    (
        "HTTP_TRANSFER_ENCODING",
        "HTTP_IF_NONE_MATCH",
        "HTTP_IF_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_UNMODIFIED_SINCE",
        "HTTP_RANGE",
        "HTTP_EXPECT",
    )
)
_STATUS = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}


class Front:
    """The doors by method and address; `answered` counts what they answered themselves, by address."""

    def __init__(self, app: Flask, cross_origin: CrossOrigin, provider: Provider) -> None:
        self._cross_origin = cross_origin
        self._provider = provider
        self._clock = provider.clock
        self._keyring = provider.keyring
        self._app = app
        self._metadata: tuple[str, Answer] | None = None
        self._keys: tuple[str, Answer] | None = None
        self.answered: Counter[str] = Counter()
        reading, issuing = build_reading(provider), build_issuing(provider)
        authentication = build_authentication(provider)
        self._doors: dict[tuple[str, str], Door] = {
            ("GET", OPENID_PATH): self._tell_metadata,
            ("GET", OAUTH_PATH): self._tell_metadata,
            ("GET", "/oauth/jwks"): self._tell_keys,
            ("GET", AUTHORIZE): AuthorizeDoor(provider),
            ("GET", "/oauth/userinfo"): lambda environ: answer_userinfo(_read(environ), reading, self._clock()),
            # Tokens are shown there, not secrets.
            ("POST", "/oauth/userinfo"): self._with_body(
                lambda asked, now: answer_userinfo(asked, reading, now), takes_secrets=False
            ),
            ("POST", "/oauth/introspect"): self._with_body(
                lambda asked, now: answer_introspection(asked, reading, now)
            ),
            ("POST", "/oauth/token"): self._with_body(lambda asked, now: answer_token_request(asked, issuing, now)),
            ("POST", "/oauth/revoke"): self._with_body(
                lambda asked, now: answer_revocation(asked, authentication, now)
            ),
        }
        app.before_request(_raise_what_failed)

    def answer(self, environ: Environ, path: str) -> tuple[str, Headers, bytes] | None:
        """Status line, headers and body of a usual request; None for every other, with nothing done."""
        door = self._doors.get((environ["REQUEST_METHOD"], path))
        if (
            door is None
            or not environ.keys().isdisjoint(_UNUSUAL)
            or (environ.get("QUERY_STRING") and path != AUTHORIZE)
        ):
            return None
        try:
            answer = door(environ)
        except Exception as error:  # noqa: BLE001 - Flask's handlers tell it
            environ[FAILED] = error
            return None
        if answer is None:
            return None
        self.answered[path] += 1
        headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
        headers += self._cross_origin.find_headers(path, environ.get("HTTP_ORIGIN"))
        return _STATUS[answer.status], headers, answer.body

    def _with_body(self, step: Callable[[EndpointRequest, int], Answer], *, takes_secrets: bool = True) -> Door:
        def door(environ: Environ) -> Answer | None:
            body = _read_body(environ)
            if body is None:
                return None
            answer = step(_read(environ, body), self._clock())
            return slow_down_guesses(self._provider, answer, environ[CLIENT_ADDRESS]) if takes_secrets else answer

        return door

    def _tell_metadata(self, _environ: Environ) -> Answer:
        body, etag = ready_metadata(self._app)
        if self._metadata is None or self._metadata[0] != etag:
            self._metadata = (etag, _cached(body, etag, "application/json"))
        return self._metadata[1]

    def _tell_keys(self, _environ: Environ) -> Answer:
        body, etag = self._keyring.jwks()
        if self._keys is None or self._keys[0] != etag:
            self._keys = (etag, _cached(body, etag, "application/jwk-set+json"))
        return self._keys[1]


def _read(environ: Environ, body: bytes = b"") -> EndpointRequest:
    return EndpointRequest(
        method=environ["REQUEST_METHOD"],
        content_type=environ.get("CONTENT_TYPE", ""),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        accept=environ.get("HTTP_ACCEPT", ""),
        body=body,
    )


def _read_body(environ: Environ) -> bytes | None:
    """The body, whose length the edge has bounded; None where it is left to Flask, unread."""
    length = environ.get("CONTENT_LENGTH") or "0"
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)  # for Flask, should it come to that
    return body if len(body) == int(length) and body.count(b"&") < MOST_PARAMETERS else None


def _cached(body: bytes, etag: str, content_type: str) -> Answer:
    cache = f"public, max-age={CACHE_SECONDS}"
    return Answer(200, (("Content-Type", content_type), ("ETag", etag), ("Cache-Control", cache)), body)


def _raise_what_failed() -> None:
    """Let Flask tell what failed in front of it."""
    if error := request.environ.get(FAILED):
        raise error
