"""The one way in which the provider itself makes an HTTP request (SS-1): to addresses of clients, and nowhere else.

https only; the name is resolved once, every address it has must be public, and the connection goes to the very address
that was checked. No redirects, no proxies, no decompression; 3 s to connect, 5 s in all, 64 kB of answer. Hosts that the
operator names (`[outbound] allow_hosts`) may be private, and on loopback also http. Values of requests never become part
of an address (SS-4): callers pass registered ones. One adds five hexadecimal digits of a hash (`breached_passwords`).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpcore

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 5.0
BODY_BYTES = 65536

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchRefused(Exception):
    """We do not make this request: the address is not one that we call."""


class FetchFailed(Exception):
    """The request was made, or tried, and there is no whole answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Target:
    """An address in its parts; `is_named` says that the operator allowed it by name."""

    scheme: str
    host: str
    port: int
    path: str
    is_named: bool


class Fetcher:
    """Makes requests within the rules; safe to share between threads, keeps no connection."""

    def __init__(self, allow_hosts: Iterable[str] = (), ca_file: Path | None = None) -> None:
        self._allowed = frozenset(host.lower() for host in allow_hosts)
        self._made_tls: ssl.SSLContext | None = None
        if ca_file:
            self._made_tls = ssl.create_default_context()
            self._made_tls.load_verify_locations(ca_file)

    @property
    def _tls(self) -> ssl.SSLContext:
        """Made at the first request: reading the system's certificates takes longer than most of the start."""
        if self._made_tls is None:
            self._made_tls = ssl.create_default_context()
        return self._made_tls

    def post_form(self, url: str, fields: Mapping[str, str]) -> Answer:
        """POST a form. Raises `FetchRefused` or `FetchFailed`."""
        body = urlencode(fields).encode("ascii")
        return self._request("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, body)

    def get(
        self,
        url: str,
        *,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        within: float = TOTAL_SECONDS,
    ) -> Answer:
        """GET a document within so many seconds. Raises `FetchRefused` or `FetchFailed`."""
        return self._request("GET", url, {"Accept": accept, **(headers or {})}, b"", within)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, within: float = TOTAL_SECONDS
    ) -> Answer:
        target = self._parse(url)
        backend = _PinnedBackend(target, time.monotonic() + within)
        sent = {
            "Host": _host_header(target),
            "User-Agent": "idp",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Content-Length": str(len(body)),
            **headers,
        }
        address = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend, retries=0) as pool,
                pool.stream(method, address, headers=list(sent.items()), content=body) as answer,
            ):
                return Answer(answer.status, _content_type(answer.headers), _read(answer.iter_stream()))
        except (httpcore.TimeoutException, TimeoutError):
            raise FetchFailed("no answer in time") from None
        except ssl.SSLError as error:
            raise FetchFailed(f"the certificate or TLS does not hold ({error.reason})") from None
        except httpcore.ConnectError as error:
            raise FetchFailed(_connect_reason(error)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed(f"the answer broke off ({type(error).__name__})") from None

    def _parse(self, url: str) -> _Target:
        """Take an address apart and check what can be checked without asking for its name."""
        if not url.isascii() or any(ord(character) <= 32 or ord(character) == 127 for character in url):
            raise FetchRefused("the address has characters that an address cannot have")
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise FetchRefused("only https addresses are called") from None
        host = (parts.hostname or "").lower()
        if not host or "@" in parts.netloc or "\\" in url:
            raise FetchRefused("the address has no plain host")
        is_named = host in self._allowed or f"{host}:{port}" in self._allowed
        if parts.scheme == "http" and not is_named:
            raise FetchRefused("only https addresses are called; outbound.allow_hosts may name one on loopback")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return _Target(parts.scheme, host, port, path, is_named)


class _PinnedBackend(httpcore.NetworkBackend):
    """Resolves once, checks, connects to what was checked, and ends everything at the deadline."""

    def __init__(self, target: _Target, deadline: float) -> None:
        self._target = target
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a checked address of the target; the name is not asked for again."""
        failure: Exception = FetchFailed("its name has no address")
        for address in resolve(self._target):
            try:
                left = min(CONNECT_SECONDS, _left(self._deadline))
                stream = httpcore.SyncBackend().connect_tcp(address, port, left, None, socket_options or ())
                return _TimedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes all end at one deadline, however slowly the other side drips."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read until the deadline."""
        return self._inner.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write until the deadline."""
        self._inner.write(buffer, _left(self._deadline))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Begin TLS for the name in the address, which the certificate must have."""
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline)

    def get_extra_info(self, info: str) -> object:
        """What httpcore wants to know about the connection."""
        return self._inner.get_extra_info(info)


def resolve(target: _Target) -> list[str]:
    """The addresses behind a name, all checked. Raises `FetchRefused` where one of them is not to be called."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise FetchFailed("its name is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if target.scheme == "http" and not address.is_loopback:
            raise FetchRefused("http is called on loopback only")
        if not target.is_named and not is_public(address):
            raise FetchRefused("the address is not a public one; outbound.allow_hosts may name it")
    return addresses


def is_public(address: Address) -> bool:
    """Whether an address is on the open Internet; addresses that carry another one are judged by both."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        inner = [one for one in carried if one is not None]
        if inner:
            return address.ipv4_mapped is None and all(is_public(one) for one in inner)
        if address.is_site_local:  # fec0::/10 (RFC 3879), which Python calls global
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _read(parts: Iterable[bytes]) -> bytes:
    body = b""
    for part in parts:
        body += part
        if len(body) > BODY_BYTES:
            raise FetchFailed("the answer is too long")
    return body


def _content_type(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name.lower() == b"content-type":
            return value.decode("latin-1").partition(";")[0].strip().lower()
    return ""


def _host_header(target: _Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == _PORTS[target.scheme] else f"{host}:{target.port}"


def _connect_reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLError):
        return f"the certificate or TLS does not hold ({cause.reason})"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return "it cannot be reached"
