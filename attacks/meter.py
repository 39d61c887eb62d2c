"""One connection that measures: from the last byte of a request until the whole answer is there, in nanoseconds."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from attacks.volley import Request

SECONDS = 60
_CHANGING_HEADERS = ("date", "x-request-id")
_CHANGING = (
    re.compile(r'(?<=nonce=")[^"]+'),
    re.compile(r"(?<='nonce-)[^']+"),
    re.compile(r'(?<=name="csrf_token" type="hidden" value=")[^"]+'),
    re.compile(r"(?<=idp_form=)[^;]+"),
    re.compile(r"(?<=idp_browser=)[^;]+"),
    re.compile(r"(?<=Expires=)[^;]+"),
    re.compile(r'(?<=data-wait=")\d+'),
    re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b"),
)


@dataclass(frozen=True)
class Measured:
    """An answer and how long it took; `shape` is all of it but what changes with every answer."""

    nanoseconds: int
    status: int
    size: int
    shape: str
    cookies: dict[str, str]


class Meter:
    """Asks one thing after another."""

    def __init__(self, url: str, host: str) -> None:
        parts = urlsplit(url)
        self._address, self._host = (parts.hostname or "", parts.port or 80), host
        self._socket = self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def ask(self, request: Request, *, name: str = "") -> Measured:
        """Send all but the last byte, then measure; `name` is what the request was about, and so no part of the shape."""
        data = request.as_bytes(self._host)
        self._socket.sendall(data[:-1])
        begun = time.perf_counter_ns()
        self._socket.sendall(data[-1:])
        response = HTTPResponse(self._socket, method=data.split(b" ", 1)[0].decode())
        response.begin()
        body = response.read()
        ended = time.perf_counter_ns()
        headers = [(key.lower(), value) for key, value in response.getheaders()]
        if response.will_close:
            self._socket.close()
            self._socket = self._connect()
        whole = "\n".join([f"{key}: {value}" for key, value in headers if key not in _CHANGING_HEADERS])
        size = len(whole) + len(body)
        found = (value.partition(";")[0].partition("=") for key, value in headers if key == "set-cookie")
        cookies = {key: value for key, _equals, value in found}
        shape = shape_of(f"{response.status}\n{whole}\n\n{body.decode()}", name)
        return Measured(ended - begun, response.status, size, shape, cookies)

    def _connect(self) -> socket.socket:
        made = socket.create_connection(self._address, SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


def shape_of(answer: str, name: str) -> str:
    """An answer without nonces, form tokens, reference numbers, and the name that was asked about."""
    for pattern in _CHANGING:
        answer = pattern.sub("…", answer)
    return answer.replace(name, "…") if name else answer
