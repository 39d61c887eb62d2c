"""What scripts of other origins may read (Fetch standard, "CORS"; OpenID Connect Core §5.3, RFC 7009 §2.3; WB-5).

The public documents, whoever asks; token, userinfo and revocation for the origins that clients have registered redirect
URIs on. Never with cookies, never for pages and forms, and never for the opaque origin `null`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.errors import Busy
from idp.protocol.discovery import OAUTH_PATH, OPENID_PATH
from idp.protocol.session_management import find_origin

if TYPE_CHECKING:
    from idp.store.clients import Clients
    from idp.web.edge import Application, Environ, Headers

FOR_ALL = frozenset({OPENID_PATH, OAUTH_PATH, "/oauth/jwks"})
FOR_REGISTERED = frozenset({"/oauth/token", "/oauth/userinfo", "/oauth/revoke"})
_READABLE = FOR_ALL | FOR_REGISTERED
_PERMISSION = "Access-Control-Allow-Origin"
_WEB = ("http", "https")
_PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "600"),
)


class CrossOrigin:
    """The WSGI application that says to browsers who may read another one's answers."""

    def __init__(self, application: Application, clients: Clients) -> None:
        self._application = application
        self._clients = clients
        self._known: tuple[object, frozenset[str]] = (None, frozenset())

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ.get("PATH_INFO", "")
        if path not in _READABLE:
            return self._application(environ, start_response)
        headers = self.find_headers(path, environ.get("HTTP_ORIGIN"))
        is_preflight = environ.get("REQUEST_METHOD") == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        if is_preflight and any(name == _PERMISSION for name, _ in headers):
            start_response("204 No Content", [*headers, *_PREFLIGHT])
            return []

        def start(status: str, answered: Headers, exc_info: Any = None) -> Any:
            return start_response(status, [*answered, *headers], *([exc_info] if exc_info else []))

        return self._application(environ, start)

    def find_headers(self, path: str, origin: str | None) -> Headers:
        """What an answer at this path says to a script of that origin; nothing at addresses that scripts do not read."""
        if path in FOR_ALL:
            return [(_PERMISSION, "*")]
        if path not in FOR_REGISTERED:
            return []
        if origin is None or origin not in self._list_origins():
            return [("Vary", "Origin")]
        return [(_PERMISSION, origin), ("Access-Control-Expose-Headers", "WWW-Authenticate"), ("Vary", "Origin")]

    def _list_origins(self) -> frozenset[str]:
        """The origins of all redirect URIs on the web, found once for each version of the clients."""
        try:
            clients = self._clients.all()
        except Busy:
            return frozenset()  # the endpoint itself says that it is busy
        if self._known[0] is not clients:
            uris = {uri for client in clients.values() if not client.disabled for uri in client.redirect_uris}
            self._known = (clients, frozenset(find_origin(uri) for uri in uris if urlsplit(uri).scheme in _WEB))
        return self._known[1]
