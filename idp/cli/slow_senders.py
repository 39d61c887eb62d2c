"""Keeps a thread free of those who send their body slowly (RX-1).

granian reads headers by itself, without a thread, and leaves whoever takes longer than `HEADER_SECONDS`. A body is waited
for in one of the blocking threads, without an end. So all threads but one may wait for bodies; whoever comes then is told
to come again, and what has no body is answered as ever. Bodies that arrived with their headers wait for nothing.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

HEADER_SECONDS = 10
"""How long a request's headers may take to arrive."""

RETRY_AFTER = 5
"""When whoever is turned away may come again, in seconds."""

_PATIENCE_SECONDS = 0.25
_BODY = b'{"error":"temporarily_unavailable"}'

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SlowSenders:
    """A WSGI application that reads each body before the one behind it is called.

    `threads`: how many threads the process answers with. `body_bytes`: the largest body that is read; what says that it is
    larger is left to the application, which refuses it unread.
    """

    def __init__(self, application: Application, *, threads: int, body_bytes: int) -> None:
        self._application = application
        self._limit = body_bytes
        self._places = threading.BoundedSemaphore(max(1, threads - 1))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request; 503 with Retry-After where too many bodies are waited for."""
        wanted = self._wanted(environ)
        if wanted:
            if not self._places.acquire(timeout=_PATIENCE_SECONDS):
                return _turn_away(start_response)
            try:
                environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(wanted))
            finally:
                self._places.release()
        return self._application(environ, start_response)

    def _wanted(self, environ: dict[str, Any]) -> int:
        """How many bytes to read; 0 where there is no body, or none that will be read."""
        if environ.get("HTTP_TRANSFER_ENCODING"):
            return self._limit + 1
        length = environ.get("CONTENT_LENGTH") or ""
        if not (length.isascii() and length.isdigit() and len(length) <= 18):
            return 0
        return int(length) if int(length) <= self._limit else 0


def _turn_away(start_response: Callable[..., Any]) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(_BODY))),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(RETRY_AFTER)),
        ("Connection", "close"),
    ]
    start_response("503 Service Unavailable", headers)
    return [_BODY]
