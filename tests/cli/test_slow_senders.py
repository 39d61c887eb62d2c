"""Who sends slowly keeps nobody else waiting (RX-1)."""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.cli.test_serve import WAIT_SECONDS, server
from tests.support.processes import free_port
from tests.support.server import status_of

THREADS = 4


def begin(port: int, text: str) -> socket.socket:
    """A connection that sent the beginning of a request and nothing more."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
    connection.sendall(text.format(port=port).replace("\n", "\r\n").encode())
    return connection


HEADERS = "GET /readyz HTTP/1.1\nHost: localhost:{port}\nX-Slow: "
LENGTH = "POST /oauth/token HTTP/1.1\nHost: localhost:{port}\nContent-Length: 1000\n\ngrant_type="
CHUNKED = "POST /oauth/token HTTP/1.1\nHost: localhost:{port}\nTransfer-Encoding: chunked\n\n5\ngrant\n"


def test_slow_headers_and_bodies_leave_a_thread_to_the_others(tmp_path: Path) -> None:
    """One too many is told to come again, pages are answered, and a place is free when a slow sender leaves (RX-1, GO-1)."""
    port = free_port()
    with server(tmp_path, port, f"threads = {THREADS}\n"), ExitStack() as stack:
        for _ in range(3 * THREADS):
            stack.enter_context(begin(port, HEADERS))
        bodies = [stack.enter_context(begin(port, text)) for text in (LENGTH, CHUNKED, LENGTH, LENGTH)]
        told, _, _ = select.select(bodies, [], [], WAIT_SECONDS)
        assert len(told) == 1
        answer = told[0].recv(4096).decode()
        assert answer.startswith("HTTP/1.1 503")
        assert "retry-after: 5" in answer.lower()
        assert status_of(f"http://127.0.0.1:{port}/readyz") == 200
        slow = next(body for body in bodies if body is not told[0])
        slow.shutdown(socket.SHUT_WR)
        assert select.select([slow], [], [], WAIT_SECONDS)[0]  # read to its end, so its place is free
        whole = "POST /oauth/token HTTP/1.1\nHost: localhost:{port}\nContent-Length: 3\nConnection: close\n\na=b"
        with begin(port, whole) as quick:
            assert quick.recv(4096).decode().split(" ")[1] in {"400", "401", "415"}
