"""The outermost layer, below Flask and below every other door: what is let in, and what every answer carries.

In: a `Host` of ours (IV-11), headers and bodies of bounded size (RX-1), no compressed bodies (RX-6), a request id of our
own; for the application only the standard WSGI keys and `HTTP_*` (granian's environ holds the whole process environment),
while the front picks the few that it reads. An issuer with a path is mounted here. Out: the security headers that do not
depend on the page (WB-4), and a policy that forbids everything for answers that brought none (WB-3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

from idp.config import is_loopback_host
from idp.keys.secrets import new_identifier
from idp.logs import request_id
from idp.web.audiences import is_for_programs

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.web.front import Front

Environ = dict[str, Any]
Application = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]

log = structlog.get_logger("idp.web.edge")

HEADER_BYTES = 16 * 1024
"""All header values and the request line together (RX-1)."""

AUTHORIZATION_IS_MALFORMED = "idp.authorization_is_malformed"
FAILED = "idp.front_failed"
"""What went wrong in the front, which Flask's handlers tell."""

CLIENT_ADDRESS = "idp.client_address"
REQUEST_ID = "idp.request_id"
_SHAPES = 256

_STANDARD_KEYS = """
REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING CONTENT_TYPE CONTENT_LENGTH SERVER_NAME SERVER_PORT SERVER_PROTOCOL
REMOTE_ADDR REMOTE_PORT wsgi.version wsgi.url_scheme wsgi.input wsgi.errors wsgi.multithread wsgi.multiprocess wsgi.run_once
wsgi.input_terminated wsgi.file_wrapper werkzeug.debug.preserve_context
"""
_STANDARD = frozenset(_STANDARD_KEYS.split())
_NOT_A_HEADER = frozenset(("HTTP_PROXY", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"))
_LENGTH = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_SIMPLE_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?\Z", re.ASCII)
_PROBES = ("/healthz", "/readyz")

NO_CONTENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Content-Security-Policy", NO_CONTENT_POLICY),
)
_FRAMED = "frame-ancestors *"  # the session check alone; the older header has no word for it
_HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
_TELLTALES = frozenset(("server", "x-powered-by", "x-request-id"))
_NAME = ("Server", "idp")  # the server software would name itself where there is none (WB-4)


class Edge:
    """The WSGI application that serves another one behind these rules."""

    def __init__(self, application: Application, settings: Settings, front: Front | None = None) -> None:
        """`front` is asked first; what it does not know goes to the application."""
        issuer = urlsplit(settings.server.issuer)
        self._scheme = issuer.scheme
        self._host = (issuer.hostname or "").lower()
        self._port = issuer.port or (443 if issuer.scheme == "https" else 80)
        self._any_port = is_loopback_host(self._host)
        self._usual_host = issuer.netloc.lower() if "@" not in issuer.netloc else ""
        self._prefix = issuer.path
        self._missing: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
        self._body_bytes = settings.limits.body_bytes
        self._always = (*_ALWAYS, _HSTS) if settings.is_https else _ALWAYS
        proxies = self._proxies = settings.server.trusted_proxies
        inner: Any = ProxyFix(application, x_for=proxies, x_proto=0, x_host=0) if proxies else application
        self._application: Application = inner
        self._front = front

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        number = new_identifier()
        request_id.set(number)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            if exc_info:
                return start_response(status, self._complete(headers, number), exc_info)
            return start_response(status, self._complete(headers, number))

        fault = self._find_fault(environ)
        if fault is not None:
            return _refuse(environ, start, *fault)
        if self._front is not None and not is_malformed(environ.get("HTTP_AUTHORIZATION")):
            environ[CLIENT_ADDRESS] = find_client_address(environ, self._proxies)
            answer = self._front.answer(environ, self._strip(environ.get("PATH_INFO", "")))
            if answer is not None:
                status, headers, body = answer
                start_response(status, self._complete(headers, number))
                return [body]
        defect = environ.get(FAILED)
        environ = only_standard(environ)
        environ |= {REQUEST_ID: number, FAILED: defect}
        environ["wsgi.url_scheme"] = self._scheme
        if self._prefix:
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = self._prefix, self._strip(environ.get("PATH_INFO", ""))
        return self._application(environ, start)

    def _find_fault(self, environ: Environ) -> tuple[str, str] | None:
        """The first rule of the edge that a request breaks: status and public description."""
        if not self._is_our_host(environ.get("HTTP_HOST", ""), environ.get("PATH_INFO", "")):
            return "400 Bad Request", "This host name is not served here"
        sent = [len(value) for name, value in environ.items() if name[:5] == "HTTP_"]
        if sum(sent) + len(environ.get("QUERY_STRING", "")) + len(environ.get("PATH_INFO", "")) > HEADER_BYTES:
            return "431 Request Header Fields Too Large", "The address or the header fields are too long"
        length = environ.get("CONTENT_LENGTH")
        if length:
            if not _LENGTH.match(length):
                return "400 Bad Request", "Content-Length is not a number"
            if int(length) > self._body_bytes:
                return "413 Content Too Large", "The request is too large"
        coding = environ.get("HTTP_CONTENT_ENCODING")
        if coding and coding.strip().lower() not in ("", "identity"):
            return "415 Unsupported Media Type", "Compressed requests are not accepted"
        return None

    def _is_our_host(self, host: str, path: str) -> bool:
        """Whether `Host` names the issuer's host (IV-11); probes of supervisors may name any, their answer says nothing."""
        if host == self._usual_host or path in _PROBES:
            return True
        found = _SIMPLE_HOST.match(host)
        if found is None or found[1].strip("[]").lower() != self._host:
            return False
        port = int(found[2]) if found[2] else (443 if self._scheme == "https" else 80)
        return self._any_port or port == self._port

    def _strip(self, path: str) -> str:
        """The path below the issuer's own, also in the well-known address of RFC 8414 §3.1."""
        if not self._prefix:
            return path
        if path == self._prefix or path.startswith(self._prefix + "/"):
            return path.removeprefix(self._prefix) or "/"
        return path.removesuffix(self._prefix) if path.startswith("/.well-known/") else path

    def _complete(self, headers: Headers, number: str) -> Headers:
        """The answer's headers with ours where it brought none; what is added for the same names is worked out once."""
        names = tuple([name for name, _value in headers])
        ours = self._missing.get(names)
        if ours is None:
            brought = {name.lower() for name in names}
            ours = tuple((name, value) for name, value in self._always if name.lower() not in brought)
            if brought.isdisjoint(_TELLTALES) and len(self._missing) < _SHAPES:
                self._missing[names] = ours
            headers = [(name, value) for name, value in headers if name.lower() not in _TELLTALES]
        if "Content-Security-Policy" in names and dict(headers)["Content-Security-Policy"].endswith(_FRAMED):
            ours = tuple(one for one in ours if one[0] != "X-Frame-Options")
        return [*headers, *ours, ("X-Request-Id", number), _NAME]


def only_standard(environ: Environ) -> Environ:
    """A copy with the standard keys and the request's headers; an empty Authorization is marked as malformed (CA-2)."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _STANDARD or (name[:5] == "HTTP_" and name not in _NOT_A_HEADER)
    }
    if is_malformed(kept.get("HTTP_AUTHORIZATION")):
        kept["HTTP_AUTHORIZATION"] = "Malformed"
        kept[AUTHORIZATION_IS_MALFORMED] = True
    return kept


def find_client_address(environ: Environ, proxies: int) -> str:
    """Where a request comes from, as the trusted proxies say (BF-6); what stands before their entries is not believed."""
    forwarded = parse_list_header(environ.get("HTTP_X_FORWARDED_FOR", "")) if proxies else []
    return forwarded[-proxies] if proxies and len(forwarded) >= proxies else str(environ.get("REMOTE_ADDR", ""))


def is_malformed(authorization: str | None) -> bool:
    """Whether the header came without anything in it, which is not the same as none (CA-2)."""
    return authorization is not None and not authorization.strip()


def _refuse(environ: Environ, start: Callable[..., Any], status: str, description: str) -> Iterable[bytes]:
    """A short answer without a page: what broke a rule of the edge is no browser of a customer."""
    log.info("refused_at_the_edge", status=status, method=environ.get("REQUEST_METHOD", ""))
    if is_for_programs(environ.get("PATH_INFO", "")):
        kind, text = "application/json", json.dumps({"error": "invalid_request", "error_description": description})
    else:
        kind, text = "text/plain; charset=utf-8", f"{description}.\n"
    body = text.encode()
    length = str(len(body))
    start(
        status,
        [("Content-Type", kind), ("Content-Length", length), ("Cache-Control", "no-store"), ("Connection", "close")],
    )
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
