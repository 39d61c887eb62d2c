"""Many requests that arrive together: each but for its last byte beforehand, the last bytes in one go.

So they are parallel in the servers, however slow the one who sends them is. Raw keep-alive connections; a server that has
closed one is connected to again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
SECONDS = 60


@dataclass(frozen=True)
class Request:
    """Where to, what, with which cookies and further headers."""

    path: str
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = FORM
    method: str = "POST"

    def as_bytes(self, host: str) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", f"Content-Type: {self.content_type}"]
        lines += [f"Content-Length: {len(self.body)}", "Accept-Language: en"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Answer:
    """What came back; `number` is the request's place in its volley. Status 0: the connection broke."""

    number: int
    status: int
    location: str
    body: bytes
    retry_after: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether the server asked to come again, and said when."""
        return self.status == 503 and bool(self.retry_after)

    @property
    def has_failed(self) -> bool:
        """Whether the server broke."""
        return self.status == 0 or (self.status >= 500 and not self.is_busy)

    def json(self) -> dict[str, Any]:
        """The body, of an endpoint for programs."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def form(path: str, values: Mapping[str, str], **options: Any) -> Request:
    """A request with a form."""
    return Request(path, urlencode(values).encode(), **options)


class Volley:
    """Connections to all servers, used in turn."""

    def __init__(self, urls: Sequence[str], host: str, count: int) -> None:
        self._host = host
        self._addresses = [(parts.hostname or "", parts.port or 80) for parts in map(urlsplit, urls)]
        self._sockets: list[socket.socket | None] = [None] * count

    def close(self) -> None:
        """Close all connections."""
        for number in range(len(self._sockets)):
            self._drop(number)

    def send(self, requests: Sequence[Request]) -> list[Answer]:
        """Send them together; out: their answers in the same order."""
        encoded = [request.as_bytes(self._host) for request in requests]
        for number, data in enumerate(encoded):
            self._send_head(number, data[:-1])
        for number, data in enumerate(encoded):
            with contextlib.suppress(OSError):
                self._connected(number).sendall(data[-1:])
        return [self._read(number) for number in range(len(encoded))]

    def ask(self, request: Request) -> Answer:
        """One request by itself."""
        return self.send([request])[0]

    def _send_head(self, number: int, data: bytes) -> None:
        try:
            connection = self._connected(number)
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if connection.recv(1) == b"":
                    raise ConnectionResetError
            connection.settimeout(SECONDS)
            connection.sendall(data)
        except OSError:
            self._drop(number)
            with contextlib.suppress(OSError):
                self._connected(number).sendall(data)

    def _connected(self, number: int) -> socket.socket:
        kept = self._sockets[number]
        if kept is None:
            kept = socket.create_connection(self._addresses[number % len(self._addresses)], SECONDS)
            kept.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[number] = kept
        return kept

    def _read(self, number: int) -> Answer:
        try:
            response = http.client.HTTPResponse(self._connected(number), method="POST")
            response.begin()
            body = response.read()
        except (OSError, http.client.HTTPException):
            self._drop(number)
            return Answer(number, 0, "", b"")
        if response.will_close:
            self._drop(number)
        location = response.headers.get("Location", "")
        return Answer(number, response.status, location, body, response.headers.get("Retry-After", ""))

    def _drop(self, number: int) -> None:
        kept = self._sockets[number]
        if kept is not None:
            kept.close()
            self._sockets[number] = None
