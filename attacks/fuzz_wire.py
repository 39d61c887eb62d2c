"""Requests as bytes, one connection to send them on, and what came back.

A request may hold names in double braces, `{{carla.cookies}}`, which are filled in when it is sent: so one that was found in
one world can be sent again in the next, where secrets and identifiers are others.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

NAME = re.compile(rb"\{\{([a-z][a-z_.0-9]*)\}\}")
LENGTH = b"{{length}}"
ABANDON_SECONDS = 0.03
"""So long a request that is not complete is left standing before the connection is closed."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_CONTENT_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*([0-9]{1,18})[ \t]*\r?$")

Fill = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """A request in parts; `who` is whose cookies or tokens it carries ("" for nobody's)."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    who: str = ""

    def header(self, name: bytes) -> bytes:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), b"")

    def with_header(self, name: bytes, value: bytes) -> Request:
        """The same with this header in the place of all of its name."""
        kept = tuple((key, old) for key, old in self.headers if key.lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))

    def render(self, host: bytes, fill: Fill) -> bytes:
        """As it goes over the wire, with `Host` where it has none, and a `Content-Length` that fits unless it names one."""
        body = fill(self.body)
        headers = self.headers if self.header(b"host") else ((b"Host", host), *self.headers)
        if body and not any(key.lower() in (b"content-length", b"transfer-encoding") for key, _ in headers):
            headers = (*headers, (b"Content-Length", LENGTH))
        lines = [fill(self.method + b" " + self.target) + b" HTTP/1.1"]
        lines += [key + b": " + (str(len(body)).encode() if value == LENGTH else fill(value)) for key, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status 0 where the connection was closed without an answer, -1 where nothing came in time."""

    status: int
    seconds: float
    head: bytes = b""
    body: bytes = b""

    @property
    def is_failure(self) -> bool:
        """Whether the server says that it failed; "busy, come back" is an answer."""
        return self.status >= 500 and not self.is_busy

    @property
    def is_busy(self) -> bool:
        """503 with Retry-After."""
        return self.status == 503 and b"retry-after:" in self.head.lower()


def is_complete(raw: bytes) -> bool:
    """Whether a server that reads this as one HTTP/1.1 request can come to its end, as far as can be told from outside."""
    head, found, body = raw.partition(b"\r\n\r\n")
    if not found:
        return False
    if b"transfer-encoding" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    lengths = _CONTENT_LENGTH.findall(head)
    return not lengths or max(int(length) for length in lengths) <= len(body)


class Line:
    """One connection, opened anew where the server closed it or the last request may have left bytes behind."""

    def __init__(self, port: int, patience: float = 20.0) -> None:
        self._port = port
        self._patience = patience
        self._socket: socket.socket | None = None
        self.opened = 0

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, raw: bytes, *, clean: bool) -> Reply:
        """Send bytes and read one answer. `clean`: they are one whole request, so the connection can be used again."""
        complete = clean or is_complete(raw)
        for again in (False, True):
            fresh = self._socket is None
            line = self._open()
            begun = time.perf_counter()
            reply = self._exchange(line, raw, self._patience if complete else ABANDON_SECONDS)
            seconds = time.perf_counter() - begun
            if reply.status == 0 and not fresh and not again:  # it was closed while it was idle
                self.close()
                continue
            break
        if not clean or reply.status <= 0 or b"connection: close" in reply.head.lower():
            self.close()
        if reply.status == -1 and not complete:
            reply = replace(reply, status=0)
        return replace(reply, seconds=seconds)

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=self._patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.opened += 1
        return self._socket

    @staticmethod
    def _exchange(line: socket.socket, raw: bytes, patience: float) -> Reply:
        line.settimeout(patience)
        data = b""
        try:
            with contextlib.suppress(ConnectionError):  # the answer may be there before all was taken
                line.sendall(raw)
            while b"\r\n\r\n" not in data:
                piece = line.recv(65536)
                if not piece:
                    return Reply(0, 0.0, data)
                data += piece
                if data.startswith(b"HTTP/1.1 100"):
                    data = data.partition(b"\r\n\r\n")[2]
            return _read_rest(line, data, is_head=raw[:5] == b"HEAD ")
        except TimeoutError:
            return Reply(-1, 0.0, data)
        except ConnectionError:
            return Reply(0, 0.0, data)


def _read_rest(line: socket.socket, data: bytes, *, is_head: bool) -> Reply:
    head, _, body = data.partition(b"\r\n\r\n")
    found = _STATUS.match(head)
    status = int(found[1]) if found else 599  # no HTTP at all is a failure
    if is_head or status in (204, 304) or status < 200:
        return Reply(status, 0.0, head, body)
    lengths = _CONTENT_LENGTH.findall(head + b"\r")
    if lengths:
        body += _read_until(line, lambda rest: len(rest) >= int(lengths[0]), body)
    elif b"transfer-encoding: chunked" in head.lower():
        body += _read_until(line, lambda rest: rest.endswith(b"0\r\n\r\n"), body)
    return Reply(status, 0.0, head, body)


def _read_until(line: socket.socket, is_enough: Callable[[bytes], bool], begun: bytes) -> bytes:
    more = b""
    while not is_enough(begun + more):
        piece = line.recv(65536)
        if not piece:
            break
        more += piece
    return more
