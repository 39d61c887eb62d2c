"""Where a request ends, as the server process reads it: nothing is taken for a second request that is not one (IV-12)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.test_serve import configure
from tests.support.processes import free_port
from tests.support.server import RunningServer, start_server

CLEAR = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMUGGLED = b"GET /healthz?smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server process."""
    folder, port = tmp_path_factory.mktemp("framing"), free_port()
    made = start_server(f"http://127.0.0.1:{port}", log=Path(folder) / "server.log", config=configure(folder, port))
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.kill()


def send(server: RunningServer, raw: bytes) -> bytes:
    """Everything that comes back until the server hangs up, or says nothing more."""
    port = int(server.url.rpartition(":")[2])
    answer = b""
    with suppress(TimeoutError), socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        connection.sendall(raw)
        while piece := connection.recv(65536):
            answer += piece
    return answer


def post(headers: bytes, body: bytes) -> bytes:
    """A request with these headers."""
    return b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n" + body


UNCLEAR = {
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: 56\r\n", SMUGGLED),
    "a length that is none": post(b"Content-Length: +0\r\n", SMUGGLED),
    "a negative length": post(b"Content-Length: -1\r\n", SMUGGLED),
    "an unknown coding": post(b"Transfer-Encoding: xchunked\r\n", SMUGGLED),
    "chunked is not the last": post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a blank before the colon": post(b"Content-Length : 5\r\n", b"a=b&c" + SMUGGLED),
    "a chunk whose size is none": post(b"Transfer-Encoding: chunked\r\n", b"zz\r\n\r\n" + SMUGGLED),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_a_request_without_a_clear_end_is_the_last(running: RunningServer, case: str) -> None:
    """400 or a hung-up line, and what follows is not read as a request."""
    answer = send(running, UNCLEAR[case])
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"200 OK" not in answer
    assert b" 50" not in answer[:15]


def test_both_ways_to_say_the_length_leave_one_request(running: RunningServer) -> None:
    """Chunked counts, or the request is refused; the rest is never the length's (IV-12, RFC 9112 §6.3)."""
    body = b"0\r\n\r\n"
    answer = send(running, post(b"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n", body + SMUGGLED))
    assert answer.count(b"HTTP/1.1 ") <= 2  # after the end of the chunks a request may follow, as chunked says
    assert not answer.startswith(b"HTTP/1.1 5")


def test_two_clear_requests_are_two(running: RunningServer) -> None:
    """The server does read on where the end is clear; otherwise this file would show nothing."""
    answer = send(running, CLEAR + SMUGGLED)
    assert answer.count(b"HTTP/1.1 200") == 2
